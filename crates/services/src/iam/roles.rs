//! Roles and their trust policies (IAM API Reference, `CreateRole` and its siblings).

use ecru_domain::Error;
use ecru_policy::validate;
use ecru_ports::metadata::{EntityKind, EntityRecord, Lane, LinkKind, WriteTransaction};

use super::boundaries::set_boundary;
use super::descriptions::RoleDescription;
use super::principals_in_policies::stored_form;
use super::records::{self, RoleDocument};
use super::targets::{NewEntity, Target};
use super::users::{CreateIdentity, check_has_no_policies, delete, insert};
use super::{Iam, quotas, refusals, tags, unique_ids};
use crate::access::RequestContext;
use crate::page::{Page, PageRequest};

/// The longest session of a role that says nothing, in seconds.
const DEFAULT_SESSION: u32 = 3_600;

/// A role that is to be made.
#[derive(Clone, Debug, Default)]
pub struct CreateRole {
    /// Name, path, boundary and tags.
    pub identity: CreateIdentity,
    /// Who may assume it.
    pub trust: String,
    /// What it is for.
    pub description: Option<String>,
    /// The longest session, in seconds; an hour if it is not given.
    pub max_session_duration: Option<u32>,
}

/// What is to change of a role. What is not given stays.
#[derive(Clone, Debug, Default)]
pub struct UpdateRole {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The longest session, in seconds.
    pub max_session_duration: Option<u32>,
}

impl Iam {
    /// `iam:CreateRole`
    pub async fn create_role(
        &self,
        context: &RequestContext,
        command: CreateRole,
    ) -> Result<RoleDescription, Error> {
        let identity = command.identity;
        let path = identity.path.unwrap_or_else(|| "/".to_owned());
        let new = NewEntity {
            kind: EntityKind::Role,
            path: &path,
            name: &identity.name,
            boundary: identity.boundary.as_deref(),
            tags: &identity.tags,
            tagging: Some("iam:TagRole"),
        };
        let permit = self.permit_new(context, "iam:CreateRole", &new).await?;
        tags::check(&identity.tags)?;
        check_trust(&command.trust)?;
        let document = RoleDocument {
            name: identity.name.clone(),
            description: command.description.filter(|text| !text.is_empty()),
            trust: command.trust,
            max_session_duration: command.max_session_duration.unwrap_or(DEFAULT_SESSION),
            tags: identity.tags,
        };
        let entity = EntityRecord {
            account: context.principal.account.clone(),
            kind: EntityKind::Role,
            key: records::name_key(&identity.name),
            id: unique_ids::of_entity(EntityKind::Role, &*self.ids),
            path,
            document: String::new(),
            created_at: self.clock.now(),
        };
        let boundary = identity.boundary;
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                insert_role(rows, entity.clone(), &document, boundary.as_deref())
            })
            .await
    }

    /// `iam:GetRole`
    pub async fn get_role(
        &self,
        context: &RequestContext,
        name: &str,
    ) -> Result<RoleDescription, Error> {
        let target = Target::named(context, EntityKind::Role, name);
        let permit = self.permit(context, "iam:GetRole", &target).await?;
        self.store
            .lookup((&permit).into(), move |rows| {
                let entity = target.find(rows)?;
                RoleDescription::load(rows, entity)
            })
            .await
    }

    /// `iam:ListRoles`
    pub async fn list_roles(
        &self,
        context: &RequestContext,
        prefix: &str,
        page: &PageRequest,
    ) -> Result<Page<RoleDescription>, Error> {
        let kind = EntityKind::Role;
        let permit = self
            .permit_list(context, "iam:ListRoles", kind, prefix)
            .await?;
        let limit = super::lists::limit(page).min(super::lists::MAX_LOOKED_UP);
        let page = PageRequest {
            limit: Some(limit),
            token: page.token.clone(),
        };
        let found = self.entities(&permit, kind, prefix, &page).await?;
        let roles = found.items;
        let items = self
            .store
            .read((&permit).into(), move |rows| {
                let mut described = Vec::with_capacity(roles.len());
                for role in roles {
                    described.push(RoleDescription::load(rows, role)?);
                }
                Ok(described)
            })
            .await?;
        Ok(Page {
            items,
            next_token: found.next_token,
        })
    }

    /// `iam:UpdateRole`
    pub async fn update_role(
        &self,
        context: &RequestContext,
        command: UpdateRole,
    ) -> Result<(), Error> {
        let name = command.name.clone();
        self.change_role(context, "iam:UpdateRole", &name, move |_, role| {
            if let Some(description) = &command.description {
                role.description = Some(description.clone()).filter(|text| !text.is_empty());
            }
            if let Some(duration) = command.max_session_duration {
                role.max_session_duration = duration;
            }
            Ok(())
        })
        .await
        .map(|_role| ())
    }

    /// `iam:UpdateRoleDescription`
    pub async fn update_role_description(
        &self,
        context: &RequestContext,
        name: String,
        text: String,
    ) -> Result<RoleDescription, Error> {
        let action = "iam:UpdateRoleDescription";
        self.change_role(context, action, &name, move |_, role| {
            role.description = Some(text.clone()).filter(|text| !text.is_empty());
            Ok(())
        })
        .await
    }

    /// `iam:UpdateAssumeRolePolicy`
    pub async fn update_trust(
        &self,
        context: &RequestContext,
        name: &str,
        trust: String,
    ) -> Result<(), Error> {
        self.change_role(
            context,
            "iam:UpdateAssumeRolePolicy",
            name,
            move |rows, role| {
                check_trust(&trust)?;
                role.trust = stored_trust(rows, &trust)?;
                Ok(())
            },
        )
        .await
        .map(|_role| ())
    }

    async fn change_role<F>(
        &self,
        context: &RequestContext,
        action: &'static str,
        name: &str,
        change: F,
    ) -> Result<RoleDescription, Error>
    where
        F: Fn(&mut dyn WriteTransaction, &mut RoleDocument) -> Result<(), Error> + Send + 'static,
    {
        let target = Target::named(context, EntityKind::Role, name);
        let permit = self.permit(context, action, &target).await?;
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&target.account)?;
                let mut entity = target.find(rows)?;
                let mut role: RoleDocument = records::read(&entity)?;
                change(rows, &mut role)?;
                entity.document = records::write(&role)?;
                rows.update_entity(&entity)?;
                RoleDescription::load(rows, entity)
            })
            .await
    }

    /// `iam:DeleteRole`
    pub async fn delete_role(&self, context: &RequestContext, name: &str) -> Result<(), Error> {
        let target = Target::named(context, EntityKind::Role, name);
        let permit = self.permit(context, "iam:DeleteRole", &target).await?;
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&target.account)?;
                let role = target.find(rows)?;
                if rows.count_links_to(&role.id, LinkKind::ProfileRole)? > 0 {
                    return Err(refusals::conflict(
                        "Cannot delete entity, must remove roles from instance profile first.",
                    ));
                }
                check_has_no_policies(rows, &role.id)?;
                delete(rows, &role)
            })
            .await
    }
}

fn insert_role(
    rows: &mut dyn WriteTransaction,
    mut entity: EntityRecord,
    document: &RoleDocument,
    boundary: Option<&str>,
) -> Result<RoleDescription, Error> {
    let role = RoleDocument {
        trust: stored_trust(rows, &document.trust)?,
        ..document.clone()
    };
    entity.document = records::write(&role)?;
    insert(rows, &entity, ("RolesPerAccount", quotas::ROLES))?;
    if let Some(arn) = boundary {
        set_boundary(rows, &entity, arn)?;
    }
    RoleDescription::load(rows, entity)
}

fn check_trust(text: &str) -> Result<(), Error> {
    validate(text, ecru_policy::DocumentKind::RoleTrust)
        .map(|_valid| ())
        .map_err(refusals::document)
}

fn stored_trust(rows: &mut dyn WriteTransaction, text: &str) -> Result<String, Error> {
    stored_form(rows, text)
        .map_err(|problem| problem.refused(|message| refusals::malformed(message).into()))
}
