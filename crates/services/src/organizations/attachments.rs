//! Which policy binds which root, unit or account (Organizations User Guide, "Attaching and detaching").
//!
//! The policy that AWS keeps of each type is attached to everything at first, which needs no row; where it was
//! detached, a row says so. So a type is enabled in one step, however many accounts there are.

use ecru_domain::organization::{
    FULL_ACCESS, PolicyType, TargetKind, decide_attach, decide_detach,
};
use ecru_domain::{Error, OrganizationsRefusal};
use ecru_ports::metadata::{
    EntityKind, EntityList, Lane, LinkKind, PathPosition, ReadTransaction, WriteTransaction,
};

use super::organization::Organization;
use super::policies::PolicyDescription;
use super::resource_tags::target_not_found;
use super::{Admitted, BATCH, Organizations, Piece, Want, cut, policy_rows, tree};
use crate::access::{RequestContext, attached, is_detached};
use crate::page::{Page, PageRequest};

/// Something that a policy is attached to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetSummary {
    /// Its id.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: TargetKind,
}

impl Organizations {
    /// `organizations:AttachPolicy`. It binds from the next request on.
    pub async fn attach_policy(
        &self,
        context: &RequestContext,
        policy: &str,
        target: &str,
    ) -> Result<(), Error> {
        let want = Want::new("organizations:AttachPolicy")
            .on(policy)
            .on(target);
        let admitted = self.admit(context, want).await?;
        self.change_attachment(admitted, policy, target, attach)
            .await
    }

    /// `organizations:DetachPolicy`. It binds no longer from the next request on.
    pub async fn detach_policy(
        &self,
        context: &RequestContext,
        policy: &str,
        target: &str,
    ) -> Result<(), Error> {
        let want = Want::new("organizations:DetachPolicy")
            .on(policy)
            .on(target);
        let admitted = self.admit(context, want).await?;
        self.change_attachment(admitted, policy, target, detach)
            .await
    }

    async fn change_attachment(
        &self,
        admitted: Admitted,
        policy: &str,
        target: &str,
        change: fn(&mut dyn WriteTransaction, &Organization, &Attachment) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let organization = admitted.organization;
        let (policy, target) = (policy.to_owned(), target.to_owned());
        self.store
            .write((&admitted.permit).into(), Lane::Any, move |rows| {
                let organization = tree::change(rows, &organization)?;
                let found = policy_rows::get(rows, &organization, &policy)?;
                if tree::target(rows, &organization, &target)?.is_none() {
                    return Err(target_not_found());
                }
                let wanted = Attachment {
                    policy: policy.clone(),
                    kind: found.kind,
                    target: target.clone(),
                };
                change(rows, &organization, &wanted)
            })
            .await
    }

    /// `organizations:ListPoliciesForTarget`: what is attached to the target itself, not above it.
    pub async fn list_policies_for_target(
        &self,
        context: &RequestContext,
        target: &str,
        kind: PolicyType,
        page: &PageRequest,
    ) -> Result<Page<PolicyDescription>, Error> {
        let want = Want::new("organizations:ListPoliciesForTarget")
            .on(target)
            .of_type(kind);
        let admitted = self.admit(context, want).await?;
        let (organization, target) = (admitted.organization, target.to_owned());
        let list = format!("ListPoliciesForTarget {target} {}", kind.as_str());
        self.page(&admitted.permit, list, page, move |rows, after, limit| {
            if tree::target(rows, &organization, &target)?.is_none() {
                return Err(target_not_found());
            }
            let mut ids = attached_now(rows, &organization, &target, kind)?;
            ids.sort_unstable();
            ids.retain(|id| after.is_none_or(|after| id.as_str() > after));
            let mut items = Vec::with_capacity(ids.len());
            for id in ids {
                let policy = policy_rows::get(rows, &organization, &id)?;
                items.push((id, policy));
            }
            Ok(cut(items, limit))
        })
        .await
    }

    /// `organizations:ListTargetsForPolicy`
    pub async fn list_targets_for_policy(
        &self,
        context: &RequestContext,
        policy: &str,
        page: &PageRequest,
    ) -> Result<Page<TargetSummary>, Error> {
        let want = Want::new("organizations:ListTargetsForPolicy").on(policy);
        let admitted = self.admit(context, want).await?;
        let (organization, policy) = (admitted.organization, policy.to_owned());
        let list = format!("ListTargetsForPolicy {} {policy}", organization.name.id);
        self.page(&admitted.permit, list, page, move |rows, after, limit| {
            let found = policy_rows::get(rows, &organization, &policy)?;
            let (ids, position) = if !organization.enabled.contains(&found.kind) {
                (Vec::new(), None)
            } else if found.is_aws_managed {
                everything_after(rows, &organization, found.kind, after, limit)?
            } else {
                let ask = limit.saturating_add(1);
                let ids = rows.links_to(&policy, LinkKind::TargetPolicy, after, ask)?;
                cut(ids.into_iter().map(|id| (id.clone(), id)).collect(), limit)
            };
            let mut targets = Vec::with_capacity(ids.len());
            for id in ids {
                targets.extend(summary(rows, &organization, &id)?);
            }
            Ok((targets, position))
        })
        .await
    }

    /// Detaches all policies of a type from everything, in steps, while the type is not enabled.
    pub(super) async fn detach_type(
        &self,
        admitted: &Admitted,
        kind: PolicyType,
    ) -> Result<(), Error> {
        let mut after = Some(String::new());
        while let Some(key) = after {
            let organization = admitted.organization.clone();
            after = self
                .store
                .write((&admitted.permit).into(), Lane::Any, move |rows| {
                    let organization = tree::change(rows, &organization)?;
                    detach_some(rows, &organization, kind, &key)
                })
                .await?;
        }
        Ok(())
    }
}

/// What should be attached or detached.
struct Attachment {
    policy: String,
    kind: PolicyType,
    target: String,
}

fn attach(
    rows: &mut dyn WriteTransaction,
    organization: &Organization,
    wanted: &Attachment,
) -> Result<(), Error> {
    let Attachment {
        policy,
        kind,
        target,
    } = wanted;
    if !organization.enabled.contains(kind) {
        return Err(OrganizationsRefusal::PolicyTypeNotEnabled {
            message: "This operation can be performed only for enabled policy types.".to_owned(),
        }
        .into());
    }
    decide_attach(&attached(rows, target, *kind)?, policy)?;
    if policy == FULL_ACCESS {
        rows.delete_link(target, LinkKind::DetachedPolicy, policy)?;
    } else {
        rows.insert_link(target, LinkKind::TargetPolicy, policy)?;
    }
    Ok(())
}

fn detach(
    rows: &mut dyn WriteTransaction,
    organization: &Organization,
    wanted: &Attachment,
) -> Result<(), Error> {
    let Attachment {
        policy,
        kind,
        target,
    } = wanted;
    let attached = attached_now(rows, organization, target, *kind)?;
    decide_detach(*kind, &attached, policy)?;
    if policy == FULL_ACCESS {
        rows.insert_link(target, LinkKind::DetachedPolicy, policy)?;
    } else {
        rows.delete_link(target, LinkKind::TargetPolicy, policy)?;
    }
    Ok(())
}

/// What is attached to a target: nothing of a type that is not enabled.
fn attached_now(
    rows: &mut dyn ReadTransaction,
    organization: &Organization,
    target: &str,
    kind: PolicyType,
) -> Result<Vec<String>, Error> {
    if organization.enabled.contains(&kind) {
        attached(rows, target, kind)
    } else {
        Ok(Vec::new())
    }
}

fn summary(
    rows: &mut dyn ReadTransaction,
    organization: &Organization,
    id: &str,
) -> Result<Option<TargetSummary>, Error> {
    let Some(kind) = TargetKind::of(id) else {
        return Ok(None);
    };
    let found = tree::target(rows, organization, id)?;
    Ok(found.map(|(name, _)| TargetSummary {
        id: id.to_owned(),
        arn: organization.name.target_arn(kind, id),
        name,
        kind,
    }))
}

/// Targets of the policy of a type that AWS keeps: root, accounts, then units by key. As in AWS, a page may be
/// shorter than asked for, even empty, where targets were passed over.
fn everything_after(
    rows: &mut dyn ReadTransaction,
    organization: &Organization,
    kind: PolicyType,
    after: Option<&str>,
    limit: u32,
) -> Result<Piece<String>, Error> {
    let mut all = Vec::new();
    if after.is_none() {
        all.push((ACCOUNTS.to_owned(), organization.root_id.clone()));
    }
    let ask = limit.saturating_add(1);
    let place = after.unwrap_or(ACCOUNTS);
    if let Some(account) = place.strip_prefix(ACCOUNTS) {
        let (name, link) = (&organization.name, LinkKind::OrganizationMember);
        let members = rows.links_to(&name.id, link, Some(account), ask)?;
        all.extend(
            members
                .into_iter()
                .map(|id| (format!("{ACCOUNTS}{id}"), id)),
        );
    }
    if all.len() <= usize::try_from(limit).unwrap_or(usize::MAX) {
        let position = PathPosition {
            path: "/".to_owned(),
            key: place.strip_prefix(UNITS).unwrap_or_default().to_owned(),
        };
        let units = rows.list_entities(EntityList {
            account: &organization.name.management,
            kind: EntityKind::OrganizationalUnit,
            path_prefix: "/",
            after: Some(&position),
            limit: ask,
        })?;
        let with_position =
            |unit: ecru_ports::metadata::EntityRecord| (format!("{UNITS}{}", unit.key), unit.id);
        all.extend(units.into_iter().map(with_position));
    }
    let (mut ids, position) = cut(all, limit);
    let mut kept = Vec::with_capacity(ids.len());
    for id in ids.drain(..) {
        if !is_detached(rows, &id, kind.full_access())? {
            kept.push(id);
        }
    }
    Ok((kept, position))
}

/// Position in [`everything_after`]: behind the root, or an account.
const ACCOUNTS: &str = "account ";

/// Position in [`everything_after`]: behind a unit.
const UNITS: &str = "unit ";

/// Detaches a bounded number of policies of a type that come after `key`; returns where to go on.
fn detach_some(
    rows: &mut dyn WriteTransaction,
    organization: &Organization,
    kind: PolicyType,
    key: &str,
) -> Result<Option<String>, Error> {
    if organization.enabled.contains(&kind) {
        return Ok(None);
    }
    let whole = kind.full_access();
    let detached = rows.links_to(whole, LinkKind::DetachedPolicy, None, BATCH)?;
    for target in &detached {
        rows.delete_link(target, LinkKind::DetachedPolicy, whole)?;
    }
    if !detached.is_empty() {
        return Ok(Some(key.to_owned()));
    }
    let path = policy_rows::path_of(kind);
    let position = PathPosition {
        path: path.clone(),
        key: key.to_owned(),
    };
    let policies = rows.list_entities(EntityList {
        account: &organization.name.management,
        kind: EntityKind::OrganizationPolicy,
        path_prefix: &path,
        after: Some(&position),
        limit: BATCH,
    })?;
    let mut passed = None;
    for policy in policies {
        let targets = rows.links_to(&policy.id, LinkKind::TargetPolicy, None, BATCH)?;
        for target in &targets {
            rows.delete_link(target, LinkKind::TargetPolicy, &policy.id)?;
        }
        if !targets.is_empty() {
            return Ok(Some(passed.unwrap_or_else(|| key.to_owned())));
        }
        passed = Some(policy.key);
    }
    Ok(passed)
}
