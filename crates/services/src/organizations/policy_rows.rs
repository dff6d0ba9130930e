//! Policies of an organization as its rows have them, and the two that AWS keeps for everyone.

use ecru_domain::organization::{FULL_ACCESS, PolicyType, RESOURCE_FULL_ACCESS};
use ecru_domain::{Error, OrganizationsRefusal};
use ecru_ports::metadata::{EntityKind, EntityRecord, ReadTransaction};

use super::organization::Organization;
use crate::access::FULL_ACCESS_DOCUMENT;
use crate::iam::records::{self, OrganizationPolicyDocument, Tag};

/// A policy of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyDescription {
    /// `p-…`
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Its name, unique among those of its type.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Of which type it is.
    pub kind: PolicyType,
    /// Whether AWS keeps it for everyone.
    pub is_aws_managed: bool,
    /// The document.
    pub content: String,
    /// Its tags.
    pub(crate) tags: Vec<Tag>,
}

/// The policy that AWS keeps of a type.
pub(super) fn full_access(organization: &Organization, kind: PolicyType) -> PolicyDescription {
    let (id, name, description, content) = match kind {
        PolicyType::ServiceControl => (
            FULL_ACCESS,
            "FullAWSAccess",
            "Allows access to every operation",
            FULL_ACCESS_DOCUMENT,
        ),
        PolicyType::ResourceControl => (
            RESOURCE_FULL_ACCESS,
            "RCPFullAWSAccess",
            "Allows all access to all resources",
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#,
        ),
    };
    PolicyDescription {
        id: id.to_owned(),
        arn: organization.name.policy_arn(kind, id),
        name: name.to_owned(),
        description: description.to_owned(),
        kind,
        is_aws_managed: true,
        content: content.to_owned(),
        tags: Vec::new(),
    }
}

/// The policy of that id, if there is one.
pub(super) fn find(
    rows: &mut dyn ReadTransaction,
    organization: &Organization,
    id: &str,
) -> Result<Option<PolicyDescription>, Error> {
    if let Some(kind) = PolicyType::of_full_access(id) {
        return Ok(Some(full_access(organization, kind)));
    }
    match row(rows, organization, id)? {
        Some(entity) => described(organization, &entity).map(Some),
        None => Ok(None),
    }
}

/// The policy of that id, or `PolicyNotFound`.
pub(super) fn get(
    rows: &mut dyn ReadTransaction,
    organization: &Organization,
    id: &str,
) -> Result<PolicyDescription, Error> {
    find(rows, organization, id)?.ok_or_else(not_found)
}

/// The row of a policy that is the organization's own.
pub(super) fn row(
    rows: &mut dyn ReadTransaction,
    organization: &Organization,
    id: &str,
) -> Result<Option<EntityRecord>, Error> {
    let found = rows.entity(id)?;
    Ok(found.filter(|entity| {
        entity.kind == EntityKind::OrganizationPolicy
            && entity.account == organization.name.management
    }))
}

/// What a row says of a policy.
pub(super) fn described(
    organization: &Organization,
    entity: &EntityRecord,
) -> Result<PolicyDescription, Error> {
    let document: OrganizationPolicyDocument = records::read(entity)?;
    let kind = PolicyType::parse(&document.kind)
        .ok_or_else(|| Error::internal("a control policy has no type"))?;
    Ok(PolicyDescription {
        id: entity.id.clone(),
        arn: organization.name.policy_arn(kind, &entity.id),
        name: document.name,
        description: document.description,
        kind,
        is_aws_managed: false,
        content: document.content,
        tags: document.tags,
    })
}

/// Where lists show the policies of a type.
pub(super) fn path_of(kind: PolicyType) -> String {
    format!("/{}/", kind.as_str())
}

/// Under what a policy is found: names are unique among those of a type.
pub(super) fn key_of(kind: PolicyType, name: &str) -> String {
    format!("{}/{name}", kind.as_str())
}

pub(super) fn not_found() -> Error {
    OrganizationsRefusal::PolicyNotFound {
        message: "You specified a policy that doesn't exist.".to_owned(),
    }
    .into()
}
