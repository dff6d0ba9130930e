//! Managed policies of accounts, and the lists that show those of AWS beside them (IAM API Reference, `CreatePolicy` and
//! its siblings).

use ecru_domain::{Error, Refusal};
use ecru_policy::validate;
use ecru_ports::metadata::{
    DocumentKind, EntityKind, EntityList, EntityRecord, Lane, LinkKind, NamedDocument,
    ReadTransaction, WriteTransaction,
};

use super::descriptions::{EntityDescription, PolicyDescription, version_name};
use super::lists::{MAX_LOOKED_UP, cut, limit, read_position, write_position};
use super::managed_policies::{self, MADE_AT, ManagedPolicy};
use super::records::{self, PolicyDocument, PolicyVersionDocument};
use super::targets::{NewEntity, Target};
use super::users::insert;
use super::{Iam, quotas, refusals, tags, unique_ids};
use crate::access::{Permit, RequestContext};
use crate::page::{Page, PageRequest};

/// A policy that is to be made.
#[derive(Clone, Debug, Default)]
pub struct CreatePolicy {
    /// Its name.
    pub name: String,
    /// Its path; `/` if none is given.
    pub path: Option<String>,
    /// What its first version says.
    pub document: String,
    /// What it is for.
    pub description: Option<String>,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

/// Whose policies a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PolicyScope {
    /// Those of AWS and of the account.
    #[default]
    All,
    /// Those of AWS.
    Aws,
    /// Those of the account.
    Local,
}

/// Which policies a list shows.
#[derive(Clone, Debug, Default)]
pub struct PolicyFilter {
    /// Whose.
    pub scope: PolicyScope,
    /// Only those that are attached to something.
    pub only_attached: bool,
    /// Only those under this path.
    pub path_prefix: Option<String>,
    /// Only those that are used so.
    pub used_for: Option<super::attachments::PolicyUse>,
}

impl Iam {
    /// `iam:CreatePolicy`
    pub async fn create_policy(
        &self,
        context: &RequestContext,
        command: CreatePolicy,
    ) -> Result<PolicyDescription, Error> {
        let path = command.path.unwrap_or_else(|| "/".to_owned());
        let new = NewEntity {
            kind: EntityKind::Policy,
            path: &path,
            name: &command.name,
            boundary: None,
            tags: &command.tags,
            tagging: Some("iam:TagPolicy"),
        };
        let permit = self.permit_new(context, "iam:CreatePolicy", &new).await?;
        tags::check(&command.tags)?;
        check_document(&command.document)?;
        let now = self.clock.now();
        let document = PolicyDocument {
            name: command.name.clone(),
            description: command.description.filter(|text| !text.is_empty()),
            default_version: 1,
            last_version: 1,
            updated_at: now.micros(),
            tags: command.tags,
        };
        let entity = EntityRecord {
            account: context.principal.account.clone(),
            kind: EntityKind::Policy,
            key: records::name_key(&command.name),
            id: unique_ids::of_entity(EntityKind::Policy, &*self.ids),
            path,
            document: records::write(&document)?,
            created_at: now,
        };
        let first = version_record(1, command.document, now.micros())?;
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                insert(rows, &entity, ("PoliciesPerAccount", quotas::POLICIES))?;
                rows.put_entity_document(&entity.id, DocumentKind::PolicyVersion, &first)?;
                PolicyDescription::load(rows, entity.clone())
            })
            .await
    }

    /// `iam:GetPolicy`
    pub async fn get_policy(
        &self,
        context: &RequestContext,
        arn: &str,
    ) -> Result<PolicyDescription, Error> {
        let target = Target::by_arn(context, EntityKind::Policy, arn)?;
        let permit = self.permit(context, "iam:GetPolicy", &target).await?;
        self.store
            .lookup((&permit).into(), move |rows| {
                if let Some(policy) = managed_policies::find(&target.given) {
                    return describe_managed(rows, policy, &target);
                }
                let entity = target.find(rows)?;
                PolicyDescription::load(rows, entity)
            })
            .await
    }

    /// `iam:ListPolicies`: those of AWS by name, then those of the account by path and name.
    pub async fn list_policies(
        &self,
        context: &RequestContext,
        filter: PolicyFilter,
        page: &PageRequest,
    ) -> Result<Page<PolicyDescription>, Error> {
        let prefix = filter.path_prefix.clone().unwrap_or_else(|| "/".to_owned());
        let kind = EntityKind::Policy;
        let permit = self
            .permit_list(context, "iam:ListPolicies", kind, &prefix)
            .await?;
        let account = Target::named(context, kind, "").account;
        let list = format!("policies {account} {filter:?}");
        let position = self.position(&list, page).await?;
        let scan = Scan {
            target: Target::named(context, kind, ""),
            filter,
            prefix,
            limit: limit(page).min(MAX_LOOKED_UP),
        };
        let read = move |rows: &mut dyn ReadTransaction| scan.run(rows, position.as_deref());
        let (found, position) = self.store.read((&permit).into(), read).await?;
        self.page(&list, found, position).await
    }

    /// `iam:DeletePolicy`
    pub async fn delete_policy(&self, context: &RequestContext, arn: &str) -> Result<(), Error> {
        let target = Target::by_arn(context, EntityKind::Policy, arn)?;
        let permit = self
            .permit_change(context, "iam:DeletePolicy", &target)
            .await?;
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&target.account)?;
                let policy = target.find(rows)?;
                delete(rows, &policy)
            })
            .await
    }

    /// A permit to change a policy. Nobody may change those of AWS.
    pub(super) async fn permit_change(
        &self,
        context: &RequestContext,
        action: &'static str,
        target: &Target,
    ) -> Result<Permit, Error> {
        let permit = self.permit(context, action, target).await?;
        if !managed_policies::is_of_aws(&target.given) {
            return Ok(permit);
        }
        Err(Refusal::AccessDenied {
            principal: context.principal.arn.clone(),
            action: permit.action(),
            resource: format!("policy {}", target.given),
            reason: String::new(),
        }
        .into())
    }
}

/// Whether a document may be a version of a managed policy.
pub(super) fn check_document(text: &str) -> Result<(), Error> {
    validate(text, ecru_policy::DocumentKind::Managed)
        .map(|_valid| ())
        .map_err(refusals::document)
}

/// The row of a version.
pub(super) fn version_record(
    number: u32,
    document: String,
    created_at: i64,
) -> Result<NamedDocument, Error> {
    Ok(NamedDocument {
        name: version_name(number),
        document: records::write(&PolicyVersionDocument {
            document,
            created_at,
        })?,
    })
}

/// A policy goes once nothing uses it and only its version in force is left.
fn delete(rows: &mut dyn WriteTransaction, policy: &EntityRecord) -> Result<(), Error> {
    let arn = records::arn_of(policy)?;
    let uses = rows.count_links_to(&arn, LinkKind::AttachedPolicy)?
        + rows.count_links_to(&arn, LinkKind::Boundary)?;
    if uses > 0 {
        return Err(refusals::conflict(
            "Cannot delete a policy attached to entities.",
        ));
    }
    let kind = DocumentKind::PolicyVersion;
    let versions = rows.entity_documents(&policy.id, kind, None, 2)?;
    if versions.len() > 1 {
        return Err(refusals::conflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. \
             The default version is deleted with the policy.",
        ));
    }
    for version in versions {
        rows.delete_entity_document(&policy.id, kind, &version.name)?;
    }
    rows.delete_entity(&policy.id)?;
    Ok(())
}

/// A policy of AWS, with the uses that the account makes of it.
pub(super) fn describe_managed(
    rows: &mut dyn ReadTransaction,
    policy: &ManagedPolicy,
    target: &Target,
) -> Result<PolicyDescription, Error> {
    let arn = policy.arn();
    let end = records::attachment_target(&target.account, &arn);
    Ok(PolicyDescription {
        entity: EntityDescription {
            name: policy.name.to_owned(),
            path: "/".to_owned(),
            id: unique_ids::of_name(EntityKind::Policy, policy.name),
            arn,
            created_at: MADE_AT,
            tags: Vec::new(),
        },
        description: Some(policy.description.to_owned()),
        default_version: version_name(1),
        updated_at: MADE_AT,
        attachments: rows.count_links_to(&end, LinkKind::AttachedPolicy)?,
        boundary_uses: rows.count_links_to(&end, LinkKind::Boundary)?,
    })
}

/// A page of policies: as many are looked at as the page may have, and those shown that the filter lets pass.
struct Scan {
    target: Target,
    filter: PolicyFilter,
    prefix: String,
    limit: u32,
}

impl Scan {
    fn run(
        &self,
        rows: &mut dyn ReadTransaction,
        position: Option<&str>,
    ) -> Result<(Vec<PolicyDescription>, Option<String>), Error> {
        let mut found = Vec::new();
        // what goes on in the account's own has a space in its position, as paths and keys are parted by one
        let after = position.and_then(read_position);
        if after.is_none() && self.filter.scope != PolicyScope::Local && self.prefix == "/" {
            let begin = position.unwrap_or_default();
            let mut theirs = managed_policies::ALL
                .iter()
                .filter(|policy| policy.name > begin);
            let room = usize::try_from(self.limit).unwrap_or(usize::MAX);
            let shown: Vec<_> = theirs.by_ref().take(room).collect();
            for policy in &shown {
                let described = describe_managed(rows, policy, &self.target)?;
                found.extend(Some(described).filter(|policy| self.lets_pass(policy)));
            }
            if let (Some(_), Some(last)) = (theirs.next(), shown.last()) {
                return Ok((found, Some(last.name.to_owned())));
            }
        }
        if self.filter.scope == PolicyScope::Aws {
            return Ok((found, None));
        }
        let wanted = EntityList {
            account: &self.target.account,
            kind: EntityKind::Policy,
            path_prefix: &self.prefix,
            after: after.as_ref(),
            limit: self.limit + 1,
        };
        let mut own = rows.list_entities(wanted)?;
        let more = cut(&mut own, self.limit);
        let position = own.last().filter(|_| more).map(write_position);
        for entity in own {
            let described = PolicyDescription::load(rows, entity)?;
            found.extend(Some(described).filter(|policy| self.lets_pass(policy)));
        }
        Ok((found, position))
    }

    fn lets_pass(&self, policy: &PolicyDescription) -> bool {
        use super::attachments::PolicyUse;
        let is_used = match self.filter.used_for {
            Some(PolicyUse::Permissions) => policy.attachments > 0,
            Some(PolicyUse::Boundary) => policy.boundary_uses > 0,
            None => true,
        };
        is_used && (!self.filter.only_attached || policy.attachments + policy.boundary_uses > 0)
    }
}
