//! The organization itself, its root, and the types of policies that are enabled there.

use ecru_domain::organization::{
    OrganizationName, PolicyType, TargetKind, organization_id, root_id,
};
use ecru_domain::{AccountId, Error, OrganizationsRefusal, Timestamp};
use ecru_ports::metadata::{
    EntityKind, EntityList, EntityRecord, Lane, LinkKind, WriteTransaction,
};

use super::{Admitted, BATCH, Organizations, Want, not_in_use, tree};
use crate::access::RequestContext;
use crate::iam::records::{self, AccountDocument, OrganizationDocument, Tag};

/// What the management account is called, since nobody named it.
const MANAGEMENT_NAME: &str = "management";

/// Its mail address: nobody gave one.
const MANAGEMENT_EMAIL: &str = "management@ecru.invalid";

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its id, and its management account.
    pub name: OrganizationName,
    /// The mail address of the management account.
    pub management_email: String,
    /// `r-…`
    pub root_id: String,
    /// Whether control policies are possible.
    pub has_all_features: bool,
    /// The types of policies that are enabled in the root.
    pub enabled: Vec<PolicyType>,
    /// The tags of the root.
    pub(crate) root_tags: Vec<Tag>,
}

/// The root of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// `r-…`
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// The types of policies that are enabled in it.
    pub enabled: Vec<PolicyType>,
}

impl Organization {
    fn root(&self) -> Root {
        Root {
            id: self.root_id.clone(),
            arn: self.name.target_arn(TargetKind::Root, &self.root_id),
            enabled: self.enabled.clone(),
        }
    }
}

impl Organizations {
    /// `organizations:CreateOrganization`: for the server's own account alone.
    pub async fn create(
        &self,
        context: &RequestContext,
        has_all_features: bool,
    ) -> Result<Organization, Error> {
        let want = Want::new("organizations:CreateOrganization");
        let permit = self.authorize_any(context, &want).await?;
        let caller = context.principal.account.clone();
        let founding = Founding {
            management: caller.clone(),
            id: organization_id(self.ids.random()),
            root_id: root_id(self.ids.random()),
            has_all_features,
            at: self.clock.now(),
        };
        let home = self.home.clone();
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                if tree::organization_of(rows, &caller)?.is_some() {
                    return Err(OrganizationsRefusal::AlreadyInOrganization {
                        message: "The provided account is already a member of an organization."
                            .to_owned(),
                    }
                    .into());
                }
                if caller != home {
                    return Err(refuse_founder(&home));
                }
                founding.store(rows)?;
                tree::organization_of(rows, &caller)?.ok_or_else(not_in_use)
            })
            .await
    }

    /// `organizations:DescribeOrganization`: for every member.
    pub async fn describe(&self, context: &RequestContext) -> Result<Organization, Error> {
        let want = Want::new("organizations:DescribeOrganization");
        let permit = self.authorize_any(context, &want).await?;
        let caller = context.principal.account.clone();
        let found = self.store.lookup((&permit).into(), move |rows| {
            tree::organization_of(rows, &caller)
        });
        found.await?.ok_or_else(not_in_use)
    }

    /// `organizations:DeleteOrganization`: once no account but the management account is in it. Its units and
    /// policies go first, in steps: a deletion that was interrupted can be asked for again.
    pub async fn delete(&self, context: &RequestContext) -> Result<(), Error> {
        let want = Want::new("organizations:DeleteOrganization");
        let admitted = self.admit(context, want).await?;
        loop {
            let organization = admitted.organization.clone();
            let is_gone = self
                .store
                .write((&admitted.permit).into(), Lane::Any, move |rows| {
                    dismantle(rows, &organization)
                })
                .await?;
            if is_gone {
                return Ok(());
            }
        }
    }

    /// `organizations:ListRoots`: there is one.
    pub async fn list_roots(&self, context: &RequestContext) -> Result<Vec<Root>, Error> {
        let admitted = self.admit(context, Want::new("organizations:ListRoots"));
        Ok(vec![admitted.await?.organization.root()])
    }

    /// `organizations:ListDelegatedAdministrators` and `organizations:ListAWSServiceAccessForOrganization`: there
    /// are none, and whoever may ask is told so.
    pub async fn list_nothing(
        &self,
        context: &RequestContext,
        action: &'static str,
    ) -> Result<(), Error> {
        self.admit(context, Want::new(action)).await.map(drop)
    }

    /// `organizations:EnablePolicyType`: policies of that type begin to bind. Only the policy of AWS is attached.
    pub async fn enable_policy_type(
        &self,
        context: &RequestContext,
        root: &str,
        kind: PolicyType,
    ) -> Result<Root, Error> {
        let want = Want::new("organizations:EnablePolicyType")
            .on(root)
            .of_type(kind);
        let admitted = self.admit(context, want).await?;
        check_root(&admitted.organization, root)?;
        if !admitted.organization.has_all_features {
            return Err(OrganizationsRefusal::PolicyTypeNotAvailable {
                message: "You can't use the specified policy type with the feature set currently \
                          enabled for this organization."
                    .to_owned(),
            }
            .into());
        }
        if admitted.organization.enabled.contains(&kind) {
            return Err(OrganizationsRefusal::PolicyTypeAlreadyEnabled {
                message: "The specified policy type is already enabled.".to_owned(),
            }
            .into());
        }
        // what an interrupted disabling left attached
        self.detach_type(&admitted, kind).await?;
        self.set_policy_type(&admitted, kind, true).await
    }

    /// `organizations:DisablePolicyType`: policies of that type bind nobody from now on, and are detached from
    /// everything.
    pub async fn disable_policy_type(
        &self,
        context: &RequestContext,
        root: &str,
        kind: PolicyType,
    ) -> Result<Root, Error> {
        let want = Want::new("organizations:DisablePolicyType")
            .on(root)
            .of_type(kind);
        let admitted = self.admit(context, want).await?;
        check_root(&admitted.organization, root)?;
        if !admitted.organization.enabled.contains(&kind) {
            return Err(OrganizationsRefusal::PolicyTypeNotEnabled {
                message: "This operation can be performed only for enabled policy types."
                    .to_owned(),
            }
            .into());
        }
        let root = self.set_policy_type(&admitted, kind, false).await?;
        self.detach_type(&admitted, kind).await?;
        Ok(root)
    }

    async fn set_policy_type(
        &self,
        admitted: &Admitted,
        kind: PolicyType,
        is_enabled: bool,
    ) -> Result<Root, Error> {
        let organization = admitted.organization.clone();
        self.store
            .write((&admitted.permit).into(), Lane::Any, move |rows| {
                tree::change(rows, &organization)?;
                let found = tree::organization_row(rows, &organization.name.management)?;
                let (mut entity, mut document) = found.ok_or_else(not_in_use)?;
                let types = &mut document.enabled_policy_types;
                types.retain(|enabled| enabled != kind.as_str());
                if is_enabled {
                    types.push(kind.as_str().to_owned());
                }
                entity.document = records::write(&document)?;
                rows.update_entity(&entity)?;
                Ok(tree::current(rows, &organization)?.root())
            })
            .await
    }
}

/// An organization that begins.
#[derive(Clone)]
struct Founding {
    management: AccountId,
    id: String,
    root_id: String,
    has_all_features: bool,
    at: Timestamp,
}

impl Founding {
    fn store(&self, rows: &mut dyn WriteTransaction) -> Result<(), Error> {
        rows.change_identities(&self.management)?;
        let document = OrganizationDocument {
            root_id: self.root_id.clone(),
            has_all_features: self.has_all_features,
            enabled_policy_types: Vec::new(),
            tags: Vec::new(),
        };
        let id = self.management.to_string();
        let entity = EntityRecord {
            account: self.management.clone(),
            kind: EntityKind::Organization,
            key: id.clone(),
            id: self.id.clone(),
            path: "/".to_owned(),
            document: records::write(&document)?,
            created_at: self.at,
        };
        if !rows.insert_entity(&entity)? {
            return Err(Error::internal("the id of the organization is taken"));
        }
        self.join(rows)?;
        rows.insert_link(&id, LinkKind::Parent, &self.root_id)?;
        rows.insert_link(&id, LinkKind::OrganizationMember, &self.id)?;
        Ok(())
    }

    /// The management account becomes a member of its organization.
    fn join(&self, rows: &mut dyn WriteTransaction) -> Result<(), Error> {
        let management = Some(self.management.to_string());
        if let Some((mut entity, mut document)) = tree::account_row(rows, &self.management)? {
            document.management_account = management;
            document.joined_at = self.at.micros();
            entity.document = records::write(&document)?;
            rows.update_entity(&entity)?;
            return Ok(());
        }
        let document = AccountDocument {
            name: MANAGEMENT_NAME.to_owned(),
            email: MANAGEMENT_EMAIL.to_owned(),
            is_closed: false,
            management_account: management,
            joined_at: self.at.micros(),
            was_created: false,
            tags: Vec::new(),
        };
        rows.insert_entity(&EntityRecord {
            account: self.management.clone(),
            kind: EntityKind::Account,
            key: self.management.to_string(),
            id: self.management.to_string(),
            path: "/".to_owned(),
            document: records::write(&document)?,
            created_at: self.at,
        })?;
        Ok(())
    }
}

/// Removes a bounded part of an organization without members; tells whether that was the last.
fn dismantle(rows: &mut dyn WriteTransaction, organization: &Organization) -> Result<bool, Error> {
    let organization = tree::change(rows, organization)?;
    let name = &organization.name;
    if rows.count_links_to(&name.id, LinkKind::OrganizationMember)? > 1 {
        return Err(OrganizationsRefusal::OrganizationNotEmpty {
            message: "To delete an organization you must first remove all member accounts (except \
                      the master)."
                .to_owned(),
        }
        .into());
    }
    for kind in [
        EntityKind::OrganizationalUnit,
        EntityKind::OrganizationPolicy,
        EntityKind::AccountCreation,
    ] {
        let found = rows.list_entities(EntityList {
            account: &name.management,
            kind,
            path_prefix: "/",
            after: None,
            limit: BATCH,
        })?;
        for entity in &found {
            tree::remove(rows, &entity.id)?;
        }
        if !found.is_empty() {
            return Ok(false);
        }
    }
    let id = name.management.as_str();
    tree::detach_everything(rows, &organization.root_id)?;
    tree::detach_everything(rows, id)?;
    rows.delete_link(id, LinkKind::Parent, &organization.root_id)?;
    rows.delete_link(id, LinkKind::OrganizationMember, &name.id)?;
    rows.delete_entity(&name.id)?;
    if let Some((mut entity, mut document)) = tree::account_row(rows, &name.management)? {
        document.management_account = None;
        entity.document = records::write(&document)?;
        rows.update_entity(&entity)?;
    }
    Ok(true)
}

fn check_root(organization: &Organization, root: &str) -> Result<(), Error> {
    if organization.root_id == root {
        return Ok(());
    }
    Err(OrganizationsRefusal::RootNotFound {
        message: "You specified a root that doesn't exist.".to_owned(),
    }
    .into())
}

fn refuse_founder(home: &AccountId) -> Error {
    OrganizationsRefusal::AccessDenied {
        message: format!(
            "You don't have permissions to access this resource: the organization of this server \
             belongs to its account {home}."
        ),
    }
    .into()
}
