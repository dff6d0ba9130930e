//! Versions of managed policies: five at most, one of them in force (IAM User Guide, "Versioning IAM policies").

use ecru_domain::Error;
use ecru_ports::metadata::{
    DocumentKind, EntityKind, EntityRecord, Lane, ReadTransaction, WriteTransaction,
};

use super::descriptions::{PolicyVersionDescription, version_name};
use super::managed_policies::{self, MADE_AT};
use super::policies::{check_document, version_record};
use super::records::{self, PolicyDocument, PolicyVersionDocument};
use super::targets::Target;
use super::{Iam, quotas, refusals};
use crate::access::RequestContext;
use crate::page::{Page, PageRequest};

/// Versions that are read: one more than there may be.
const MAX_READ: u32 = 6;

impl Iam {
    /// `iam:CreatePolicyVersion`
    pub async fn create_policy_version(
        &self,
        context: &RequestContext,
        arn: &str,
        document: String,
        set_as_default: bool,
    ) -> Result<PolicyVersionDescription, Error> {
        let target = Target::by_arn(context, EntityKind::Policy, arn)?;
        let permit = self
            .permit_change(context, "iam:CreatePolicyVersion", &target)
            .await?;
        check_document(&document)?;
        let now = self.clock.now();
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&target.account)?;
                let entity = target.find(rows)?;
                let number = add(rows, &entity, &document, set_as_default, now.micros())?;
                Ok(PolicyVersionDescription {
                    name: version_name(number),
                    document: document.clone(),
                    is_default: set_as_default,
                    created_at: now,
                })
            })
            .await
    }

    /// `iam:GetPolicyVersion`
    pub async fn get_policy_version(
        &self,
        context: &RequestContext,
        arn: &str,
        version: &str,
    ) -> Result<PolicyVersionDescription, Error> {
        let versions = self.versions(context, "iam:GetPolicyVersion", arn).await?;
        let mut versions = versions.into_iter();
        let found = versions.find(|known| known.name == version);
        found.ok_or_else(|| missing(arn, version))
    }

    /// `iam:ListPolicyVersions`: the newest first.
    pub async fn list_policy_versions(
        &self,
        context: &RequestContext,
        arn: &str,
        page: &PageRequest,
    ) -> Result<Page<PolicyVersionDescription>, Error> {
        let versions = self
            .versions(context, "iam:ListPolicyVersions", arn)
            .await?;
        let list = format!("versions {arn}");
        self.slice(&list, versions, page, |version| version.name.clone())
            .await
    }

    async fn versions(
        &self,
        context: &RequestContext,
        action: &'static str,
        arn: &str,
    ) -> Result<Vec<PolicyVersionDescription>, Error> {
        let target = Target::by_arn(context, EntityKind::Policy, arn)?;
        let permit = self.permit(context, action, &target).await?;
        if let Some(policy) = managed_policies::find(arn) {
            return Ok(vec![PolicyVersionDescription {
                name: version_name(1),
                document: policy.document.to_owned(),
                is_default: true,
                created_at: MADE_AT,
            }]);
        }
        self.store
            .lookup((&permit).into(), move |rows| {
                let entity = target.find(rows)?;
                versions_of(rows, &entity)
            })
            .await
    }

    /// `iam:SetDefaultPolicyVersion`
    pub async fn set_default_policy_version(
        &self,
        context: &RequestContext,
        arn: &str,
        version: &str,
    ) -> Result<(), Error> {
        let target = Target::by_arn(context, EntityKind::Policy, arn)?;
        let permit = self
            .permit_change(context, "iam:SetDefaultPolicyVersion", &target)
            .await?;
        let (version, now) = (version.to_owned(), self.clock.now());
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&target.account)?;
                let entity = target.find(rows)?;
                let kind = DocumentKind::PolicyVersion;
                let is_there = rows.entity_document(&entity.id, kind, &version)?.is_some();
                let number = number_of(&version).filter(|_| is_there);
                let number = number.ok_or_else(|| missing(&target.given, &version))?;
                let mut policy: PolicyDocument = records::read(&entity)?;
                policy.default_version = number;
                policy.updated_at = now.micros();
                store(rows, entity, &policy)
            })
            .await
    }

    /// `iam:DeletePolicyVersion`: any but the one in force.
    pub async fn delete_policy_version(
        &self,
        context: &RequestContext,
        arn: &str,
        version: &str,
    ) -> Result<(), Error> {
        let target = Target::by_arn(context, EntityKind::Policy, arn)?;
        let permit = self
            .permit_change(context, "iam:DeletePolicyVersion", &target)
            .await?;
        let version = version.to_owned();
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&target.account)?;
                let entity = target.find(rows)?;
                let policy: PolicyDocument = records::read(&entity)?;
                if version_name(policy.default_version) == version {
                    return Err(refusals::conflict(
                        "Cannot delete the default version of a policy.",
                    ));
                }
                let kind = DocumentKind::PolicyVersion;
                if rows.delete_entity_document(&entity.id, kind, &version)? {
                    return Ok(());
                }
                Err(missing(&target.given, &version))
            })
            .await
    }
}

/// All versions of a policy of an account, the newest first.
pub(super) fn versions_of(
    rows: &mut dyn ReadTransaction,
    entity: &EntityRecord,
) -> Result<Vec<PolicyVersionDescription>, Error> {
    let policy: PolicyDocument = records::read(entity)?;
    let default = version_name(policy.default_version);
    let mut versions = Vec::new();
    for row in rows.entity_documents(&entity.id, DocumentKind::PolicyVersion, None, MAX_READ)? {
        let version: PolicyVersionDocument = records::read_text(&row.document)?;
        versions.push(PolicyVersionDescription {
            is_default: row.name == default,
            name: row.name,
            document: version.document,
            created_at: records::time(version.created_at),
        });
    }
    versions.sort_by_key(|version| std::cmp::Reverse(number_of(&version.name)));
    Ok(versions)
}

/// Adds a version; its number was never given before.
fn add(
    rows: &mut dyn WriteTransaction,
    entity: &EntityRecord,
    document: &str,
    set_as_default: bool,
    now: i64,
) -> Result<u32, Error> {
    let kind = DocumentKind::PolicyVersion;
    let present = rows.entity_documents(&entity.id, kind, None, MAX_READ)?;
    if present.len() >= quotas::VERSIONS {
        let limit = quotas::VERSIONS;
        return Err(refusals::limit_exceeded(format!(
            "A managed policy can have up to {limit} versions. Before you create a new version, you must delete an \
             existing version."
        )));
    }
    let mut policy: PolicyDocument = records::read(entity)?;
    policy.last_version += 1;
    policy.updated_at = now;
    let number = policy.last_version;
    if set_as_default {
        policy.default_version = number;
    }
    let row = version_record(number, document.to_owned(), now)?;
    rows.put_entity_document(&entity.id, kind, &row)?;
    store(rows, entity.clone(), &policy)?;
    Ok(number)
}

fn store(
    rows: &mut dyn WriteTransaction,
    mut entity: EntityRecord,
    policy: &PolicyDocument,
) -> Result<(), Error> {
    entity.document = records::write(policy)?;
    rows.update_entity(&entity)?;
    Ok(())
}

fn number_of(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.parse().ok()
}

fn missing(arn: &str, version: &str) -> Error {
    refusals::no_such(format!(
        "Policy {arn} version {version} does not exist or is not attachable."
    ))
}
