//! The tree of an organization as its rows have it: who is a member, what is in what.
//!
//! Accounts and units have a parent link; what hangs on a root or unit is read from the other end, accounts first,
//! since digits sort before letters.

use ecru_domain::organization::{OrganizationName, PolicyType, TargetKind};
use ecru_domain::{AccountId, Error};
use ecru_ports::metadata::{EntityKind, EntityRecord, LinkKind, ReadTransaction, WriteTransaction};

use super::organization::Organization;
use super::{not_in_use, policy_rows};
use crate::access::{ancestry, path_of};
use crate::iam::records::{
    self, AccountDocument, OrganizationDocument, OrganizationalUnitDocument, Tag,
};

/// Where the ids of units begin in a list of children.
pub(super) const UNITS: &str = "ou-";

/// Something that a request names, whether it exists or not.
pub(super) struct Thing {
    pub(super) arn: String,
    /// As refusals name it: the ARN of a policy would tell its type, and with that whether it exists.
    pub(super) label: String,
    pub(super) tags: Vec<Tag>,
    /// Of a policy that exists.
    pub(super) policy_type: Option<PolicyType>,
}

/// The organization of an account, if it is in one.
pub(super) fn organization_of(
    rows: &mut dyn ReadTransaction,
    account: &AccountId,
) -> Result<Option<Organization>, Error> {
    let Some((_, document)) = account_row(rows, account)? else {
        return Ok(None);
    };
    let Some(management) = document.management_account else {
        return Ok(None);
    };
    let management = AccountId::parse(&management).map_err(Error::internal)?;
    let Some((entity, document)) = organization_row(rows, &management)? else {
        return Ok(None);
    };
    let owner = account_row(rows, &management)?;
    let types = document.enabled_policy_types.iter();
    Ok(Some(Organization {
        name: OrganizationName {
            id: entity.id,
            management,
        },
        management_email: owner.map(|(_, owner)| owner.email).unwrap_or_default(),
        root_id: document.root_id,
        has_all_features: document.has_all_features,
        enabled: types.filter_map(|kind| PolicyType::parse(kind)).collect(),
        root_tags: document.tags,
    }))
}

/// The organization as it is now, in the transaction that relies on it. Refused with `NotInUse` if it is gone.
pub(super) fn current(
    rows: &mut dyn ReadTransaction,
    organization: &Organization,
) -> Result<Organization, Error> {
    let found = organization_of(rows, &organization.name.management)?;
    found
        .filter(|now| now.name == organization.name)
        .ok_or_else(not_in_use)
}

/// Begins a change of an organization, and returns it as it is now.
pub(super) fn change(
    rows: &mut dyn WriteTransaction,
    organization: &Organization,
) -> Result<Organization, Error> {
    rows.change_identities(&organization.name.management)?;
    current(rows, organization)
}

pub(super) fn organization_row(
    rows: &mut dyn ReadTransaction,
    management: &AccountId,
) -> Result<Option<(EntityRecord, OrganizationDocument)>, Error> {
    let found = rows.find_entity(management, EntityKind::Organization, management.as_str())?;
    let Some(entity) = found else { return Ok(None) };
    let document = records::read(&entity)?;
    Ok(Some((entity, document)))
}

pub(super) fn account_row(
    rows: &mut dyn ReadTransaction,
    account: &AccountId,
) -> Result<Option<(EntityRecord, AccountDocument)>, Error> {
    let found = rows.find_entity(account, EntityKind::Account, account.as_str())?;
    let Some(entity) = found else { return Ok(None) };
    let document = records::read(&entity)?;
    Ok(Some((entity, document)))
}

/// A member account, the management account included.
pub(super) fn member(
    rows: &mut dyn ReadTransaction,
    organization: &Organization,
    id: &str,
) -> Result<Option<(EntityRecord, AccountDocument)>, Error> {
    let Ok(account) = AccountId::parse(id) else {
        return Ok(None);
    };
    let management = organization.name.management.as_str();
    let found = account_row(rows, &account)?;
    Ok(found.filter(|(_, document)| document.management_account.as_deref() == Some(management)))
}

/// A unit of the organization.
pub(super) fn unit(
    rows: &mut dyn ReadTransaction,
    organization: &Organization,
    id: &str,
) -> Result<Option<(EntityRecord, OrganizationalUnitDocument)>, Error> {
    let found = rows.entity(id)?.filter(|entity| {
        entity.kind == EntityKind::OrganizationalUnit
            && entity.account == organization.name.management
    });
    let Some(entity) = found else { return Ok(None) };
    let document = records::read(&entity)?;
    Ok(Some((entity, document)))
}

/// Whether there is such a root or unit.
pub(super) fn is_parent(
    rows: &mut dyn ReadTransaction,
    organization: &Organization,
    id: &str,
) -> Result<bool, Error> {
    Ok(id == organization.root_id || unit(rows, organization, id)?.is_some())
}

/// Name and tags of a root, unit or account; `None` if there is none of that id.
pub(super) fn target(
    rows: &mut dyn ReadTransaction,
    organization: &Organization,
    id: &str,
) -> Result<Option<(String, Vec<Tag>)>, Error> {
    match TargetKind::of(id) {
        Some(TargetKind::Root) if id == organization.root_id => {
            Ok(Some(("Root".to_owned(), organization.root_tags.clone())))
        }
        Some(TargetKind::OrganizationalUnit) => {
            let found = unit(rows, organization, id)?;
            Ok(found.map(|(_, document)| (document.name, document.tags)))
        }
        Some(TargetKind::Account) => {
            let found = member(rows, organization, id)?;
            Ok(found.map(|(_, document)| (document.name, document.tags)))
        }
        Some(TargetKind::Root) | None => Ok(None),
    }
}

/// What a request names: its ARN follows from the id, but for the type of a policy.
pub(super) fn thing(
    rows: &mut dyn ReadTransaction,
    organization: &Organization,
    id: &str,
) -> Result<Thing, Error> {
    let name = &organization.name;
    let Some(kind) = TargetKind::of(id) else {
        let found = policy_rows::find(rows, organization, id)?;
        let kind = found.as_ref().map(|policy| policy.kind);
        return Ok(Thing {
            arn: name.policy_arn(kind.unwrap_or(PolicyType::ServiceControl), id),
            label: id.to_owned(),
            tags: found.map(|policy| policy.tags).unwrap_or_default(),
            policy_type: kind,
        });
    };
    let found = target(rows, organization, id)?;
    let arn = name.target_arn(kind, id);
    Ok(Thing {
        label: arn.clone(),
        arn,
        tags: found.map(|(_, tags)| tags).unwrap_or_default(),
        policy_type: None,
    })
}

/// What an account or unit is in.
pub(super) fn parent(rows: &mut dyn ReadTransaction, id: &str) -> Result<String, Error> {
    let parent = rows.links_from(id, LinkKind::Parent, None, 1)?.pop();
    parent.ok_or_else(|| Error::internal("an account or unit is nowhere"))
}

/// `o-…/r-…/ou-…/…/`, down to an account or unit itself.
pub(super) fn path(
    rows: &mut dyn ReadTransaction,
    organization: &Organization,
    id: &str,
) -> Result<String, Error> {
    Ok(path_of(&organization.name.id, &ancestry(rows, id)?))
}

/// Ids of the accounts in a root or unit.
pub(super) fn accounts_in(
    rows: &mut dyn ReadTransaction,
    parent: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<String>, Error> {
    let mut ids = rows.links_to(parent, LinkKind::Parent, after, limit)?;
    ids.retain(|id| !id.starts_with(UNITS));
    Ok(ids)
}

/// Ids of the units in a root or unit.
pub(super) fn units_in(
    rows: &mut dyn ReadTransaction,
    parent: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<String>, Error> {
    let after = Some(after.unwrap_or(UNITS));
    Ok(rows.links_to(parent, LinkKind::Parent, after, limit)?)
}

/// Parts a root, unit or account from all policies.
pub(super) fn detach_everything(
    rows: &mut dyn WriteTransaction,
    target: &str,
) -> Result<(), Error> {
    for kind in [LinkKind::TargetPolicy, LinkKind::DetachedPolicy] {
        for policy in rows.links_from(target, kind, None, super::BATCH)? {
            rows.delete_link(target, kind, &policy)?;
        }
    }
    Ok(())
}

/// Removes a unit, policy or status, whatever hangs on it.
pub(super) fn remove(rows: &mut dyn WriteTransaction, id: &str) -> Result<(), Error> {
    detach_everything(rows, id)?;
    for parent in rows.links_from(id, LinkKind::Parent, None, 1)? {
        rows.delete_link(id, LinkKind::Parent, &parent)?;
    }
    rows.delete_entity(id)?;
    Ok(())
}
