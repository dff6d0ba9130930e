//! Policies embedded in users, roles and groups (IAM API Reference, `PutUserPolicy` and its siblings).

use ecru_domain::Error;
use ecru_policy::validate::{MAX_GROUP_INLINE, MAX_ROLE_INLINE, MAX_USER_INLINE};
use ecru_policy::{document_size, validate};
use ecru_ports::metadata::{DocumentKind, Lane, NamedDocument, ReadTransaction, WriteTransaction};

use super::descriptions::IdentityKind;
use super::targets::Target;
use super::{Iam, records, refusals};
use crate::access::RequestContext;
use crate::access::standing::MAX_INLINE;
use crate::page::{Page, PageRequest};

/// A policy and the name under which it is embedded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlinePolicy {
    /// The name of the user, role or group, as it is written there.
    pub identity: String,
    /// Its name.
    pub name: String,
    /// What it says.
    pub document: String,
}

impl Iam {
    /// `iam:PutUserPolicy` and its siblings: adds or replaces.
    pub async fn put_inline_policy(
        &self,
        context: &RequestContext,
        kind: IdentityKind,
        policy: InlinePolicy,
    ) -> Result<(), Error> {
        let action = kind.choose([
            "iam:PutUserPolicy",
            "iam:PutRolePolicy",
            "iam:PutGroupPolicy",
        ]);
        let target = Target::named(context, kind.entity(), &policy.identity);
        let permit = self.permit(context, action, &target).await?;
        let form = match kind {
            IdentityKind::User => ecru_policy::DocumentKind::UserInline,
            IdentityKind::Role => ecru_policy::DocumentKind::RoleInline,
            IdentityKind::Group => ecru_policy::DocumentKind::GroupInline,
        };
        validate(&policy.document, form).map_err(refusals::document)?;
        let document = NamedDocument {
            name: policy.name,
            document: policy.document,
        };
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&target.account)?;
                let entity = target.find(rows)?;
                check_sum(rows, &entity.id, &document, (kind, &target.given))?;
                let place = DocumentKind::InlinePolicy;
                Ok(rows.put_entity_document(&entity.id, place, &document)?)
            })
            .await
    }

    /// `iam:GetUserPolicy` and its siblings.
    pub async fn get_inline_policy(
        &self,
        context: &RequestContext,
        kind: IdentityKind,
        identity: &str,
        name: &str,
    ) -> Result<InlinePolicy, Error> {
        let action = kind.choose([
            "iam:GetUserPolicy",
            "iam:GetRolePolicy",
            "iam:GetGroupPolicy",
        ]);
        let target = Target::named(context, kind.entity(), identity);
        let permit = self.permit(context, action, &target).await?;
        let name = name.to_owned();
        self.store
            .lookup((&permit).into(), move |rows| {
                let entity = target.find(rows)?;
                let place = DocumentKind::InlinePolicy;
                let found = rows.entity_document(&entity.id, place, &name)?;
                Ok(InlinePolicy {
                    document: found.ok_or_else(|| missing(kind, &name))?,
                    identity: records::name_of(&entity)?,
                    name,
                })
            })
            .await
    }

    /// `iam:DeleteUserPolicy` and its siblings.
    pub async fn delete_inline_policy(
        &self,
        context: &RequestContext,
        kind: IdentityKind,
        identity: &str,
        name: &str,
    ) -> Result<(), Error> {
        let action = kind.choose([
            "iam:DeleteUserPolicy",
            "iam:DeleteRolePolicy",
            "iam:DeleteGroupPolicy",
        ]);
        let target = Target::named(context, kind.entity(), identity);
        let permit = self.permit(context, action, &target).await?;
        let name = name.to_owned();
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&target.account)?;
                let entity = target.find(rows)?;
                let place = DocumentKind::InlinePolicy;
                if rows.delete_entity_document(&entity.id, place, &name)? {
                    return Ok(());
                }
                Err(missing(kind, &name))
            })
            .await
    }

    /// `iam:ListUserPolicies` and its siblings: their names.
    pub async fn list_inline_policies(
        &self,
        context: &RequestContext,
        kind: IdentityKind,
        identity: &str,
        page: &PageRequest,
    ) -> Result<Page<String>, Error> {
        let action = kind.choose([
            "iam:ListUserPolicies",
            "iam:ListRolePolicies",
            "iam:ListGroupPolicies",
        ]);
        let target = Target::named(context, kind.entity(), identity);
        let permit = self.permit(context, action, &target).await?;
        let list = format!(
            "inline {} {} {}",
            target.account,
            kind.entity().as_str(),
            records::name_key(identity)
        );
        let names = self
            .store
            .lookup((&permit).into(), move |rows| {
                let entity = target.find(rows)?;
                let policies = inline_policies(rows, &entity.id)?;
                Ok(policies.into_iter().map(|policy| policy.name).collect())
            })
            .await?;
        self.slice(&list, names, page, String::clone).await
    }
}

/// All inline policies of a user, role or group.
pub(super) fn inline_policies(
    rows: &mut dyn ReadTransaction,
    id: &str,
) -> Result<Vec<NamedDocument>, Error> {
    Ok(rows.entity_documents(id, DocumentKind::InlinePolicy, None, MAX_INLINE)?)
}

/// All inline policies of one identity have one size together.
fn check_sum(
    rows: &mut dyn WriteTransaction,
    id: &str,
    new: &NamedDocument,
    (kind, identity): (IdentityKind, &str),
) -> Result<(), Error> {
    let limit = match kind {
        IdentityKind::User => MAX_USER_INLINE,
        IdentityKind::Role => MAX_ROLE_INLINE,
        IdentityKind::Group => MAX_GROUP_INLINE,
    };
    let others = inline_policies(rows, id)?;
    let others = others.iter().filter(|other| other.name != new.name);
    let sizes: Vec<usize> = others.map(|other| document_size(&other.document)).collect();
    let count = u32::try_from(sizes.len()).unwrap_or(u32::MAX);
    let size = sizes.iter().sum::<usize>() + document_size(&new.document);
    if size > limit || count >= MAX_INLINE {
        let word = kind.entity().as_str();
        return Err(refusals::limit_exceeded(format!(
            "Maximum policy size of {limit} bytes exceeded for {word} {identity}"
        )));
    }
    Ok(())
}

fn missing(kind: IdentityKind, name: &str) -> Error {
    let word = kind.entity().as_str();
    refusals::no_such(format!(
        "The {word} policy with name {name} cannot be found."
    ))
}
