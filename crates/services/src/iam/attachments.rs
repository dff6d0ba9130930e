//! Managed policies attached to users, roles and groups (IAM API Reference, `AttachUserPolicy` and its siblings).

use ecru_domain::{AccountId, Error};
use ecru_ports::metadata::{
    EntityKind, EntityRecord, Lane, LinkKind, ReadTransaction, WriteTransaction,
};

use super::descriptions::IdentityKind;
use super::lists::{MAX_LOOKED_UP, cut, limit};
use super::targets::{POLICY_ARN, Target};
use super::{Iam, managed_policies, quotas, records, refusals};
use crate::access::{Permit, RequestContext};
use crate::page::{Page, PageRequest};

/// Links of one identity that are read: the quota is checked when one is added.
const MAX_LINKS: u32 = 20;

/// A policy that is attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachedPolicy {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
}

/// How a policy is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyUse {
    /// Attached, to permit.
    Permissions,
    /// As a permissions boundary.
    Boundary,
}

/// Which entities of a policy a list shows.
#[derive(Clone, Debug, Default)]
pub struct EntityFilter {
    /// Only this kind.
    pub kind: Option<IdentityKind>,
    /// Only those under this path.
    pub path_prefix: Option<String>,
    /// Only those that use the policy so.
    pub used_for: Option<PolicyUse>,
}

/// Who uses a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyEntity {
    /// A user, a role or a group.
    pub kind: IdentityKind,
    /// Its name.
    pub name: String,
    /// Its unique id.
    pub id: String,
}

impl Iam {
    /// `iam:AttachUserPolicy` and its siblings; what is attached already stays.
    pub async fn attach_policy(
        &self,
        context: &RequestContext,
        kind: IdentityKind,
        name: &str,
        arn: &str,
    ) -> Result<(), Error> {
        let action = kind.choose([
            "iam:AttachUserPolicy",
            "iam:AttachRolePolicy",
            "iam:AttachGroupPolicy",
        ]);
        let target = Target::named(context, kind.entity(), name);
        let permit = self
            .permit_attachment(context, action, &target, arn)
            .await?;
        let arn = arn.to_owned();
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&target.account)?;
                let entity = target.find(rows)?;
                attach(rows, &entity, kind, &arn)
            })
            .await
    }

    /// `iam:DetachUserPolicy` and its siblings.
    pub async fn detach_policy(
        &self,
        context: &RequestContext,
        kind: IdentityKind,
        name: &str,
        arn: &str,
    ) -> Result<(), Error> {
        let action = kind.choose([
            "iam:DetachUserPolicy",
            "iam:DetachRolePolicy",
            "iam:DetachGroupPolicy",
        ]);
        let target = Target::named(context, kind.entity(), name);
        let permit = self
            .permit_attachment(context, action, &target, arn)
            .await?;
        let arn = arn.to_owned();
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&target.account)?;
                let entity = target.find(rows)?;
                let end = records::attachment_target(&entity.account, &arn);
                if rows.delete_link(&entity.id, LinkKind::AttachedPolicy, &end)? {
                    return Ok(());
                }
                Err(refusals::not_found(EntityKind::Policy, &arn))
            })
            .await
    }

    async fn permit_attachment(
        &self,
        context: &RequestContext,
        action: &'static str,
        target: &Target,
        arn: &str,
    ) -> Result<Permit, Error> {
        Target::by_arn(context, EntityKind::Policy, arn)?;
        let demand = self.demand(context, action, target).await?;
        let demand = demand.with_key(POLICY_ARN, arn);
        self.access.authorize_demand(context, demand).await
    }

    /// `iam:ListAttachedUserPolicies` and its siblings.
    pub async fn list_attached_policies(
        &self,
        context: &RequestContext,
        (kind, name): (IdentityKind, &str),
        prefix: &str,
        page: &PageRequest,
    ) -> Result<Page<AttachedPolicy>, Error> {
        let action = kind.choose([
            "iam:ListAttachedUserPolicies",
            "iam:ListAttachedRolePolicies",
            "iam:ListAttachedGroupPolicies",
        ]);
        let target = Target::named(context, kind.entity(), name);
        let permit = self.permit(context, action, &target).await?;
        let list = format!(
            "attached {} {} {prefix}",
            target.account,
            records::name_key(name)
        );
        let mut attached = self
            .store
            .lookup((&permit).into(), move |rows| {
                let entity = target.find(rows)?;
                attached_policies(rows, &entity.id)
            })
            .await?;
        attached.retain(|policy| policy_path(&policy.arn).starts_with(prefix));
        self.slice(&list, attached, page, |policy| policy.arn.clone())
            .await
    }

    /// `iam:ListEntitiesForPolicy`
    pub async fn list_entities_of_policy(
        &self,
        context: &RequestContext,
        arn: &str,
        filter: EntityFilter,
        page: &PageRequest,
    ) -> Result<Page<PolicyEntity>, Error> {
        let target = Target::by_arn(context, EntityKind::Policy, arn)?;
        let action = "iam:ListEntitiesForPolicy";
        let permit = self.permit(context, action, &target).await?;
        let list = format!("entities {} {arn} {filter:?}", target.account);
        let position = self.position(&list, page).await?;
        let mut scan = Scan {
            end: records::attachment_target(&context.principal.account, arn),
            filter,
            limit: limit(page).min(MAX_LOOKED_UP),
            place: Place::read(position.as_deref()),
            found: Vec::new(),
        };
        let read = move |rows: &mut dyn ReadTransaction| {
            if managed_policies::find(&target.given).is_none() {
                target.find(rows)?;
            }
            scan.run(rows)?;
            Ok((scan.found, scan.place))
        };
        let (found, place) = self.store.read((&permit).into(), read).await?;
        self.page(&list, found, place.write()).await
    }
}

/// Attaches a policy that exists, within the quota.
pub(crate) fn attach(
    rows: &mut dyn WriteTransaction,
    entity: &EntityRecord,
    kind: IdentityKind,
    arn: &str,
) -> Result<(), Error> {
    check_attachable(rows, &entity.account, arn)?;
    let end = records::attachment_target(&entity.account, arn);
    if !rows.insert_link(&entity.id, LinkKind::AttachedPolicy, &end)? {
        return Ok(());
    }
    let attached = rows.links_from(&entity.id, LinkKind::AttachedPolicy, None, MAX_LINKS)?;
    if attached.len() > quotas::ATTACHED {
        let quota = kind.choose(["PoliciesPerUser", "PoliciesPerRole", "PoliciesPerGroup"]);
        return Err(refusals::over_quota(quota, quotas::ATTACHED));
    }
    Ok(())
}

/// Refuses a policy that is not there, or is another account's.
pub(super) fn check_attachable(
    rows: &mut dyn ReadTransaction,
    account: &AccountId,
    arn: &str,
) -> Result<(), Error> {
    if managed_policies::find(arn).is_some() {
        return Ok(());
    }
    if let Some((owner, key)) = records::parse_arn(arn, EntityKind::Policy)
        && owner == *account
        && let Some(policy) = rows.find_entity(account, EntityKind::Policy, &key)?
        && records::arn_of(&policy)? == arn
    {
        return Ok(());
    }
    Err(refusals::no_such(format!(
        "Policy {arn} does not exist or is not attachable."
    )))
}

/// The policies attached to a user, role or group.
pub(super) fn attached_policies(
    rows: &mut dyn ReadTransaction,
    id: &str,
) -> Result<Vec<AttachedPolicy>, Error> {
    let ends = rows.links_from(id, LinkKind::AttachedPolicy, None, MAX_LINKS)?;
    Ok(ends.iter().map(|end| attached_policy(end)).collect())
}

fn attached_policy(end: &str) -> AttachedPolicy {
    let arn = records::attached_arn(end);
    AttachedPolicy {
        name: arn.rsplit('/').next().unwrap_or(arn).to_owned(),
        arn: arn.to_owned(),
    }
}

/// The path in the ARN of a policy: `/` or `/division/`.
fn policy_path(arn: &str) -> &str {
    let start = arn.find(":policy/").map_or(0, |at| at + ":policy".len());
    let end = arn.rfind('/').map_or(arn.len(), |at| at + 1);
    arn.get(start..end).unwrap_or("/")
}

/// Who uses a policy, in the order of their ids: first those to whom it is attached, then those whom it bounds.
struct Scan {
    end: String,
    filter: EntityFilter,
    limit: u32,
    place: Place,
    found: Vec<PolicyEntity>,
}

/// Where a scan goes on; `None` when it is over.
struct Place(Option<(PolicyUse, String)>);

impl Place {
    fn read(text: Option<&str>) -> Self {
        let (word, id) = text
            .and_then(|text| text.split_once(' '))
            .unwrap_or_default();
        let use_ = match word {
            "boundary" => PolicyUse::Boundary,
            _ => PolicyUse::Permissions,
        };
        Self(Some((use_, id.to_owned())))
    }

    fn write(&self) -> Option<String> {
        let (use_, id) = self.0.as_ref()?;
        Some(match use_ {
            PolicyUse::Permissions => format!("permissions {id}"),
            PolicyUse::Boundary => format!("boundary {id}"),
        })
    }
}

impl Scan {
    /// Looks at as many as a page may have, and keeps those that the filter lets pass.
    fn run(&mut self, rows: &mut dyn ReadTransaction) -> Result<(), Error> {
        let mut left = self.limit;
        while let Some((use_, after)) = self.place.0.take() {
            if self.filter.used_for.is_some_and(|wanted| wanted != use_) {
                self.place = next_use(use_);
                continue;
            }
            let kind = link_kind(use_);
            let mut ids = rows.links_to(&self.end, kind, Some(&after), left + 1)?;
            let more = cut(&mut ids, left);
            for id in &ids {
                self.take(rows, use_, id)?;
            }
            if more {
                let last = ids.pop().unwrap_or(after);
                self.place = Place(Some((use_, last)));
                return Ok(());
            }
            left -= u32::try_from(ids.len()).unwrap_or(left);
            self.place = next_use(use_);
        }
        Ok(())
    }

    fn take(
        &mut self,
        rows: &mut dyn ReadTransaction,
        use_: PolicyUse,
        id: &str,
    ) -> Result<(), Error> {
        let Some(entity) = rows.entity(id)? else {
            return Ok(());
        };
        let Some(kind) = IdentityKind::of(entity.kind) else {
            return Ok(());
        };
        let prefix = self.filter.path_prefix.as_deref().unwrap_or("/");
        let is_wanted = self.filter.kind.is_none_or(|wanted| wanted == kind);
        if !is_wanted || !entity.path.starts_with(prefix) {
            return Ok(());
        }
        if use_ == PolicyUse::Boundary && self.filter.used_for.is_none() {
            let attached = rows.links_from(id, LinkKind::AttachedPolicy, None, MAX_LINKS)?;
            if attached.contains(&self.end) {
                return Ok(());
            }
        }
        self.found.push(PolicyEntity {
            kind,
            name: records::name_of(&entity)?,
            id: entity.id,
        });
        Ok(())
    }
}

fn link_kind(use_: PolicyUse) -> LinkKind {
    match use_ {
        PolicyUse::Permissions => LinkKind::AttachedPolicy,
        PolicyUse::Boundary => LinkKind::Boundary,
    }
}

fn next_use(use_: PolicyUse) -> Place {
    Place(match use_ {
        PolicyUse::Permissions => Some((PolicyUse::Boundary, String::new())),
        PolicyUse::Boundary => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_from_arns_of_policies() {
        for (arn, path) in [
            ("arn:aws:iam::111122223333:policy/a", "/"),
            ("arn:aws:iam::111122223333:policy/x/y/a", "/x/y/"),
            ("arn:aws:iam::aws:policy/AdministratorAccess", "/"),
        ] {
            assert_eq!(policy_path(arn), path);
        }
    }
}
