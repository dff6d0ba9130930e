//! Service and resource control policies: create, read, change, delete (Organizations User Guide, "SCP syntax" and
//! "RCP syntax").

use ecru_domain::organization::{MAX_POLICIES, PolicyType, policy_id};
use ecru_domain::{Error, OrganizationsRefusal};
use ecru_policy::DocumentKind;
use ecru_ports::metadata::{
    EntityKind, EntityList, EntityRecord, Lane, LinkKind, PathPosition, ReadTransaction,
    WriteTransaction,
};

use super::organization::Organization;
pub use super::policy_rows::PolicyDescription;
use super::{
    Organizations, Piece, Want, constraint, cut, invalid, policy_rows, resource_tags, tree,
};
use crate::access::RequestContext;
use crate::iam::records::{self, OrganizationPolicyDocument};
use crate::page::{Page, PageRequest};

/// `organizations:CreatePolicy`
#[derive(Clone, Debug)]
pub struct CreatePolicy {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Of which type.
    pub kind: PolicyType,
    /// The document.
    pub content: String,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

/// `organizations:UpdatePolicy`: what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct UpdatePolicy {
    /// Which: `p-…`
    pub id: String,
    /// A new name.
    pub name: Option<String>,
    /// A new description.
    pub description: Option<String>,
    /// A new document.
    pub content: Option<String>,
}

impl Organizations {
    /// `organizations:CreatePolicy`. It binds nobody before it is attached.
    pub async fn create_policy(
        &self,
        context: &RequestContext,
        command: CreatePolicy,
    ) -> Result<PolicyDescription, Error> {
        let want = Want::new("organizations:CreatePolicy")
            .of_type(command.kind)
            .tagging(&command.tags);
        let admitted = self.admit(context, want).await?;
        let any = format!("{}/*", command.kind.as_str().to_ascii_lowercase());
        let arn = admitted.organization.name.part_arn("policy", &any);
        self.permit_tagging(context, arn, &command.tags).await?;
        check_content(command.kind, &command.content)?;
        let id = policy_id(self.ids.random());
        let created_at = self.clock.now();
        let organization = admitted.organization;
        self.store
            .write((&admitted.permit).into(), Lane::Any, move |rows| {
                let organization = tree::change(rows, &organization)?;
                let row = EntityRecord {
                    account: organization.name.management.clone(),
                    kind: EntityKind::OrganizationPolicy,
                    key: policy_rows::key_of(command.kind, &command.name),
                    id: id.clone(),
                    path: policy_rows::path_of(command.kind),
                    document: records::write(&OrganizationPolicyDocument {
                        name: command.name.clone(),
                        description: command.description.clone(),
                        kind: command.kind.as_str().to_owned(),
                        content: command.content.clone(),
                        tags: command.tags.clone(),
                    })?,
                    created_at,
                };
                insert(rows, &organization, &row)?;
                policy_rows::described(&organization, &row)
            })
            .await
    }

    /// `organizations:DescribePolicy`
    pub async fn describe_policy(
        &self,
        context: &RequestContext,
        id: &str,
    ) -> Result<PolicyDescription, Error> {
        let want = Want::new("organizations:DescribePolicy").on(id);
        let admitted = self.admit(context, want).await?;
        let id = id.to_owned();
        self.store
            .lookup((&admitted.permit).into(), move |rows| {
                policy_rows::get(rows, &admitted.organization, &id)
            })
            .await
    }

    /// `organizations:UpdatePolicy`. What it is attached to is bound by the new document from the next request on.
    pub async fn update_policy(
        &self,
        context: &RequestContext,
        command: UpdatePolicy,
    ) -> Result<PolicyDescription, Error> {
        let want = Want::new("organizations:UpdatePolicy").on(&command.id);
        let admitted = self.admit(context, want).await?;
        let organization = admitted.organization;
        self.store
            .write((&admitted.permit).into(), Lane::Any, move |rows| {
                let organization = tree::change(rows, &organization)?;
                update(rows, &organization, &command)
            })
            .await
    }

    /// `organizations:DeletePolicy`: once it is attached to nothing.
    pub async fn delete_policy(&self, context: &RequestContext, id: &str) -> Result<(), Error> {
        let want = Want::new("organizations:DeletePolicy").on(id);
        let admitted = self.admit(context, want).await?;
        let (organization, id) = (admitted.organization, id.to_owned());
        self.store
            .write((&admitted.permit).into(), Lane::Any, move |rows| {
                let organization = tree::change(rows, &organization)?;
                own_row(rows, &organization, &id)?;
                if rows.count_links_to(&id, LinkKind::TargetPolicy)? > 0 {
                    return Err(OrganizationsRefusal::PolicyInUse {
                        message: "The policy is attached to one or more entities. You must detach \
                                  it from all roots, OUs, and accounts before performing this \
                                  operation."
                            .to_owned(),
                    }
                    .into());
                }
                rows.delete_entity(&id)?;
                Ok(())
            })
            .await
    }

    /// `organizations:ListPolicies`: AWS's own of the type, then the organization's by name.
    pub async fn list_policies(
        &self,
        context: &RequestContext,
        kind: PolicyType,
        page: &PageRequest,
    ) -> Result<Page<PolicyDescription>, Error> {
        let want = Want::new("organizations:ListPolicies").of_type(kind);
        let admitted = self.admit(context, want).await?;
        let organization = admitted.organization;
        let list = format!("ListPolicies {} {}", organization.name.id, kind.as_str());
        self.page(&admitted.permit, list, page, move |rows, after, limit| {
            policies_after(rows, &organization, kind, after, limit)
        })
        .await
    }
}

/// Where a page ended that showed AWS's own policy alone: no key of a policy is empty.
const AFTER_FULL_ACCESS: &str = "";

fn policies_after(
    rows: &mut dyn ReadTransaction,
    organization: &Organization,
    kind: PolicyType,
    after: Option<&str>,
    limit: u32,
) -> Result<Piece<PolicyDescription>, Error> {
    let mut items = Vec::new();
    if after.is_none() {
        let whole = policy_rows::full_access(organization, kind);
        items.push((AFTER_FULL_ACCESS.to_owned(), whole));
    }
    let path = policy_rows::path_of(kind);
    let position = PathPosition {
        path: path.clone(),
        key: after.unwrap_or_default().to_owned(),
    };
    let found = rows.list_entities(EntityList {
        account: &organization.name.management,
        kind: EntityKind::OrganizationPolicy,
        path_prefix: &path,
        after: Some(&position),
        limit: limit.saturating_add(1),
    })?;
    for entity in found {
        let policy = policy_rows::described(organization, &entity)?;
        items.push((entity.key, policy));
    }
    Ok(cut(items, limit))
}

fn insert(
    rows: &mut dyn WriteTransaction,
    organization: &Organization,
    row: &EntityRecord,
) -> Result<(), Error> {
    if !organization.has_all_features {
        return Err(OrganizationsRefusal::PolicyTypeNotAvailable {
            message: "You can't use the specified policy type with the feature set currently \
                      enabled for this organization."
                .to_owned(),
        }
        .into());
    }
    let management = &organization.name.management;
    if rows.count_entities(management, EntityKind::OrganizationPolicy)? >= MAX_POLICIES {
        return Err(constraint(
            "POLICY_NUMBER_LIMIT_EXCEEDED",
            "You have exceeded the number of policies that you can have in an organization.",
        ));
    }
    if !rows.insert_entity(row)? {
        return Err(name_taken());
    }
    Ok(())
}

fn update(
    rows: &mut dyn WriteTransaction,
    organization: &Organization,
    command: &UpdatePolicy,
) -> Result<PolicyDescription, Error> {
    let mut row = own_row(rows, organization, &command.id)?;
    let kind = policy_rows::described(organization, &row)?.kind;
    let mut document: OrganizationPolicyDocument = records::read(&row)?;
    if let Some(content) = &command.content {
        check_content(kind, content)?;
        document.content.clone_from(content);
    }
    if let Some(name) = &command.name {
        document.name.clone_from(name);
        row.key = policy_rows::key_of(kind, name);
    }
    if let Some(description) = &command.description {
        document.description.clone_from(description);
    }
    row.document = records::write(&document)?;
    if !rows.update_entity(&row)? {
        return Err(name_taken());
    }
    policy_rows::described(organization, &row)
}

/// The row of a policy that may be changed: not one of AWS.
fn own_row(
    rows: &mut dyn ReadTransaction,
    organization: &Organization,
    id: &str,
) -> Result<EntityRecord, Error> {
    resource_tags::refuse_aws_managed(id)?;
    policy_rows::row(rows, organization, id)?.ok_or_else(policy_rows::not_found)
}

fn check_content(kind: PolicyType, content: &str) -> Result<(), Error> {
    let kind = match kind {
        PolicyType::ServiceControl => DocumentKind::ServiceControl,
        PolicyType::ResourceControl => DocumentKind::ResourceControl,
    };
    match ecru_policy::validate(content, kind) {
        Ok(_) => Ok(()),
        Err(finding) if finding.is_too_large => Err(constraint(
            "POLICY_CONTENT_LIMIT_EXCEEDED",
            &finding.message,
        )),
        Err(finding) => Err(OrganizationsRefusal::MalformedPolicyDocument {
            message: finding.message,
        }
        .into()),
    }
}

fn name_taken() -> Error {
    OrganizationsRefusal::DuplicatePolicy {
        message: "A policy with the same name already exists.".to_owned(),
    }
    .into()
}

/// The refusal of a change to a policy that AWS keeps.
pub(super) fn immutable() -> Error {
    invalid(
        "IMMUTABLE_POLICY",
        "You specified a policy that is managed by Amazon Web Services and can't be modified.",
    )
}
