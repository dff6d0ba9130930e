//! Users (IAM API Reference, `CreateUser` and its siblings).

use ecru_domain::Error;
use ecru_ports::metadata::{
    DocumentKind, EntityKind, EntityRecord, Lane, LinkKind, WriteTransaction,
};

use super::boundaries::set_boundary;
use super::descriptions::{EntityDescription, UserDescription};
use super::records::{self, NamedDocument, UserDocument};
use super::targets::{NewEntity, Target};
use super::{Iam, login_profiles, quotas, refusals, tags, unique_ids};
use crate::access::{RequestContext, Resource};
use crate::page::{Page, PageRequest};

/// A user, role or group that is to be made.
#[derive(Clone, Debug, Default)]
pub struct CreateIdentity {
    /// Its name.
    pub name: String,
    /// Its path; `/` if none is given.
    pub path: Option<String>,
    /// The ARN of its permissions boundary.
    pub boundary: Option<String>,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

/// What a user or group is to be called from now on.
#[derive(Clone, Debug, Default)]
pub struct Rename {
    /// Its name.
    pub name: String,
    /// Its new path, if it gets one.
    pub new_path: Option<String>,
    /// Its new name, if it gets one.
    pub new_name: Option<String>,
}

impl Iam {
    /// `iam:CreateUser`
    pub async fn create_user(
        &self,
        context: &RequestContext,
        command: CreateIdentity,
    ) -> Result<UserDescription, Error> {
        let path = command.path.unwrap_or_else(|| "/".to_owned());
        let new = NewEntity {
            kind: EntityKind::User,
            path: &path,
            name: &command.name,
            boundary: command.boundary.as_deref(),
            tags: &command.tags,
            tagging: Some("iam:TagUser"),
        };
        let permit = self.permit_new(context, "iam:CreateUser", &new).await?;
        tags::check(&command.tags)?;
        let document = UserDocument {
            name: command.name.clone(),
            tags: command.tags,
        };
        let entity = EntityRecord {
            account: context.principal.account.clone(),
            kind: EntityKind::User,
            key: records::name_key(&command.name),
            id: unique_ids::of_entity(EntityKind::User, &*self.ids),
            path,
            document: records::write(&document)?,
            created_at: self.clock.now(),
        };
        let boundary = command.boundary;
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                insert(rows, &entity, ("UsersPerAccount", quotas::USERS))?;
                if let Some(arn) = &boundary {
                    set_boundary(rows, &entity, arn)?;
                }
                UserDescription::load(rows, entity.clone())
            })
            .await
    }

    /// `iam:GetUser`; without a name, of the caller.
    pub async fn get_user(
        &self,
        context: &RequestContext,
        name: Option<&str>,
    ) -> Result<UserDescription, Error> {
        if name.is_none() && context.principal.is_root() {
            self.permit_account(context, "iam:GetUser").await?;
            return Ok(root_user(context));
        }
        let target = self.user_or_caller(context, name).await?;
        let permit = self.permit(context, "iam:GetUser", &target).await?;
        self.store
            .lookup((&permit).into(), move |rows| {
                let entity = target.find(rows)?;
                UserDescription::load(rows, entity)
            })
            .await
    }

    /// `iam:ListUsers`
    pub async fn list_users(
        &self,
        context: &RequestContext,
        prefix: &str,
        page: &PageRequest,
    ) -> Result<Page<EntityDescription>, Error> {
        let kind = EntityKind::User;
        let permit = self
            .permit_list(context, "iam:ListUsers", kind, prefix)
            .await?;
        describe_all(self.entities(&permit, kind, prefix, page).await?)
    }

    /// `iam:UpdateUser`: another name or path. Access keys go along.
    pub async fn update_user(
        &self,
        context: &RequestContext,
        command: Rename,
    ) -> Result<(), Error> {
        self.rename(context, "iam:UpdateUser", EntityKind::User, command)
            .await
    }

    /// Gives a user or a group another name or path. Needs the permission for the old ARN and for the new one, which
    /// has the old name or path where no new one is given.
    pub(super) async fn rename(
        &self,
        context: &RequestContext,
        action: &'static str,
        kind: EntityKind,
        command: Rename,
    ) -> Result<(), Error> {
        let target = Target::named(context, kind, &command.name);
        let permit = self.permit(context, action, &target).await?;
        let sought = target.clone();
        let before = self
            .store
            .lookup((&permit).into(), move |rows| sought.find(rows))
            .await?;
        let mut after = before.clone();
        give_name(&mut after, &command)?;
        let mut demand = self.demand(context, action, &target).await?;
        demand.resource = Resource::named_as(
            context.own_registry(),
            records::arn_of(&after)?,
            records::read::<NamedDocument>(&before)?.tags,
            format!("{} {}", kind.as_str(), records::name_of(&after)?),
        );
        self.access.authorize_demand(context, demand).await?;
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&target.account)?;
                let entity = target.find(rows)?;
                if (&entity.path, &entity.key) != (&before.path, &before.key) {
                    return Err(refusals::changed_meanwhile());
                }
                store_rename(rows, entity, &command)
            })
            .await
    }

    /// `iam:DeleteUser`
    pub async fn delete_user(&self, context: &RequestContext, name: &str) -> Result<(), Error> {
        let target = Target::named(context, EntityKind::User, name);
        let permit = self.permit(context, "iam:DeleteUser", &target).await?;
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&target.account)?;
                let user = target.find(rows)?;
                check_user_is_bare(rows, &user)?;
                delete(rows, &user)
            })
            .await
    }

    /// The user that a request names, or else the caller, who has to be one.
    pub(super) async fn user_or_caller(
        &self,
        context: &RequestContext,
        name: Option<&str>,
    ) -> Result<Target, Error> {
        if let Some(name) = name {
            return Ok(Target::named(context, EntityKind::User, name));
        }
        let id = context.principal.unique_id.clone();
        let found = self
            .store
            .lookup(crate::store::Warrant::server(), move |rows| {
                Ok(rows.entity(&id)?)
            })
            .await?;
        match found {
            Some(entity) if entity.kind == EntityKind::User => {
                let name = records::name_of(&entity)?;
                Ok(Target::named(context, EntityKind::User, &name))
            }
            _ => Err(refusals::validation(
                "Must specify userName when calling with non-User credentials",
            )),
        }
    }
}

/// Pages of what has no more to tell than its name.
pub(super) fn describe_all(page: Page<EntityRecord>) -> Result<Page<EntityDescription>, Error> {
    let described = page.items.into_iter().map(EntityDescription::of);
    Ok(Page {
        items: described.collect::<Result<_, _>>()?,
        next_token: page.next_token,
    })
}

/// Adds an entity, unless there are too many of its kind or its name is taken.
pub(super) fn insert(
    rows: &mut dyn WriteTransaction,
    entity: &EntityRecord,
    (quota, limit): (&str, u64),
) -> Result<(), Error> {
    rows.change_identities(&entity.account)?;
    if rows.count_entities(&entity.account, entity.kind)? >= limit {
        return Err(refusals::over_quota(quota, limit));
    }
    if rows.insert_entity(entity)? {
        return Ok(());
    }
    Err(refusals::taken(entity.kind, &records::name_of(entity)?))
}

/// Gives an entity its new name and path, as far as there are any.
fn give_name(entity: &mut EntityRecord, command: &Rename) -> Result<(), Error> {
    if let Some(path) = &command.new_path {
        entity.path.clone_from(path);
    }
    if let Some(name) = &command.new_name {
        entity.key = records::name_key(name);
        records::set_name(entity, name)?;
    }
    Ok(())
}

fn store_rename(
    rows: &mut dyn WriteTransaction,
    mut entity: EntityRecord,
    command: &Rename,
) -> Result<(), Error> {
    let old_arn = records::arn_of(&entity)?;
    give_name(&mut entity, command)?;
    if !rows.update_entity(&entity)? {
        return Err(refusals::taken(entity.kind, &records::name_of(&entity)?));
    }
    rows.rename_access_keys(&old_arn, &records::arn_of(&entity)?)?;
    Ok(())
}

fn check_user_is_bare(rows: &mut dyn WriteTransaction, user: &EntityRecord) -> Result<(), Error> {
    if !rows.access_keys_of(&records::arn_of(user)?)?.is_empty() {
        return Err(refusals::conflict(
            "Cannot delete entity, must delete access keys first.",
        ));
    }
    if login_profiles::find(rows, &user.id)?.is_some() {
        return Err(refusals::conflict(
            "Cannot delete entity, must delete login profile first.",
        ));
    }
    let groups = rows.links_from(&user.id, LinkKind::Membership, None, 1)?;
    if !groups.is_empty() {
        return Err(refusals::conflict(
            "Cannot delete entity, must remove users from group first.",
        ));
    }
    check_has_no_policies(rows, &user.id)
}

/// Refuses to let a user, role or group go that still has policies.
pub(super) fn check_has_no_policies(
    rows: &mut dyn WriteTransaction,
    id: &str,
) -> Result<(), Error> {
    let attached = rows.links_from(id, LinkKind::AttachedPolicy, None, 1)?;
    if !attached.is_empty() {
        return Err(refusals::conflict(
            "Cannot delete entity, must detach all policies first.",
        ));
    }
    let inline = rows.entity_documents(id, DocumentKind::InlinePolicy, None, 1)?;
    if !inline.is_empty() {
        return Err(refusals::conflict(
            "Cannot delete entity, must delete policies first.",
        ));
    }
    Ok(())
}

/// Removes a user, role or group, and its permissions boundary.
pub(super) fn delete(rows: &mut dyn WriteTransaction, entity: &EntityRecord) -> Result<(), Error> {
    for target in rows.links_from(&entity.id, LinkKind::Boundary, None, 1)? {
        rows.delete_link(&entity.id, LinkKind::Boundary, &target)?;
    }
    rows.delete_entity(&entity.id)?;
    Ok(())
}

/// The root user, as it sees itself.
fn root_user(context: &RequestContext) -> UserDescription {
    let principal = &context.principal;
    UserDescription {
        entity: EntityDescription {
            name: "root".to_owned(),
            path: "/".to_owned(),
            id: principal.unique_id.clone(),
            arn: principal.arn.clone(),
            created_at: super::managed_policies::MADE_AT,
            tags: Vec::new(),
        },
        boundary: None,
    }
}
