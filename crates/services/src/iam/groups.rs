//! Groups and who is in them (IAM API Reference, `CreateGroup`, `AddUserToGroup` and their siblings).

use ecru_domain::Error;
use ecru_ports::metadata::{EntityKind, EntityRecord, Lane, LinkKind, ReadTransaction};

use super::descriptions::EntityDescription;
use super::lists::{MAX_LOOKED_UP, cut, limit};
use super::records::{self, GroupDocument};
use super::targets::{NewEntity, Target};
use super::users::{CreateIdentity, Rename, check_has_no_policies, delete, describe_all, insert};
use super::{Iam, quotas, refusals, unique_ids};
use crate::access::RequestContext;
use crate::page::{Page, PageRequest};

impl Iam {
    /// `iam:CreateGroup`
    pub async fn create_group(
        &self,
        context: &RequestContext,
        command: CreateIdentity,
    ) -> Result<EntityDescription, Error> {
        let path = command.path.unwrap_or_else(|| "/".to_owned());
        let new = NewEntity {
            kind: EntityKind::Group,
            path: &path,
            name: &command.name,
            boundary: None,
            tags: &[],
            tagging: None,
        };
        let permit = self.permit_new(context, "iam:CreateGroup", &new).await?;
        let entity = EntityRecord {
            account: context.principal.account.clone(),
            kind: EntityKind::Group,
            key: records::name_key(&command.name),
            id: unique_ids::of_entity(EntityKind::Group, &*self.ids),
            path,
            document: records::write(&GroupDocument { name: command.name })?,
            created_at: self.clock.now(),
        };
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                insert(rows, &entity, ("GroupsPerAccount", quotas::GROUPS))?;
                EntityDescription::of(entity.clone())
            })
            .await
    }

    /// `iam:GetGroup`: the group and a page of its users.
    pub async fn get_group(
        &self,
        context: &RequestContext,
        name: &str,
        page: &PageRequest,
    ) -> Result<(EntityDescription, Page<EntityDescription>), Error> {
        let target = Target::named(context, EntityKind::Group, name);
        let permit = self.permit(context, "iam:GetGroup", &target).await?;
        let list = format!("members {} {}", target.account, records::name_key(name));
        let after = self.position(&list, page).await?;
        let limit = limit(page).min(MAX_LOOKED_UP);
        let read = move |rows: &mut dyn ReadTransaction| {
            let group = target.find(rows)?;
            let (after, kind) = (after.as_deref(), LinkKind::Membership);
            let ids = rows.links_to(&group.id, kind, after, limit + 1)?;
            let mut users = Vec::with_capacity(ids.len());
            for id in ids {
                if let Some(user) = rows.entity(&id)? {
                    users.push(EntityDescription::of(user)?);
                }
            }
            Ok((EntityDescription::of(group)?, users))
        };
        let (group, mut users) = self.store.read((&permit).into(), read).await?;
        let more = cut(&mut users, limit);
        let position = users.last().filter(|_| more).map(|user| user.id.clone());
        Ok((group, self.page(&list, users, position).await?))
    }

    /// `iam:ListGroups`
    pub async fn list_groups(
        &self,
        context: &RequestContext,
        prefix: &str,
        page: &PageRequest,
    ) -> Result<Page<EntityDescription>, Error> {
        let kind = EntityKind::Group;
        let permit = self
            .permit_list(context, "iam:ListGroups", kind, prefix)
            .await?;
        describe_all(self.entities(&permit, kind, prefix, page).await?)
    }

    /// `iam:UpdateGroup`: another name or path.
    pub async fn update_group(
        &self,
        context: &RequestContext,
        command: Rename,
    ) -> Result<(), Error> {
        self.rename(context, "iam:UpdateGroup", EntityKind::Group, command)
            .await
    }

    /// `iam:DeleteGroup`
    pub async fn delete_group(&self, context: &RequestContext, name: &str) -> Result<(), Error> {
        let target = Target::named(context, EntityKind::Group, name);
        let permit = self.permit(context, "iam:DeleteGroup", &target).await?;
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&target.account)?;
                let group = target.find(rows)?;
                if rows.count_links_to(&group.id, LinkKind::Membership)? > 0 {
                    return Err(refusals::conflict(
                        "Cannot delete entity, must remove users from group first.",
                    ));
                }
                check_has_no_policies(rows, &group.id)?;
                delete(rows, &group)
            })
            .await
    }

    /// `iam:AddUserToGroup`; who is in it already stays.
    pub async fn add_user_to_group(
        &self,
        context: &RequestContext,
        group: &str,
        user: &str,
    ) -> Result<(), Error> {
        let group = Target::named(context, EntityKind::Group, group);
        let user = Target::named(context, EntityKind::User, user);
        let permit = self.permit(context, "iam:AddUserToGroup", &group).await?;
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&group.account)?;
                let (group, user) = (group.find(rows)?, user.find(rows)?);
                if !rows.insert_link(&user.id, LinkKind::Membership, &group.id)? {
                    return Ok(());
                }
                let limit = quotas::GROUPS_PER_USER;
                let groups =
                    rows.links_from(&user.id, LinkKind::Membership, None, MAX_LOOKED_UP)?;
                if groups.len() > limit {
                    return Err(refusals::over_quota("GroupsPerUser", limit));
                }
                Ok(())
            })
            .await
    }

    /// `iam:RemoveUserFromGroup`; who is not in it stays out.
    pub async fn remove_user_from_group(
        &self,
        context: &RequestContext,
        group: &str,
        user: &str,
    ) -> Result<(), Error> {
        let group = Target::named(context, EntityKind::Group, group);
        let user = Target::named(context, EntityKind::User, user);
        let permit = self
            .permit(context, "iam:RemoveUserFromGroup", &group)
            .await?;
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&group.account)?;
                let (group, user) = (group.find(rows)?, user.find(rows)?);
                rows.delete_link(&user.id, LinkKind::Membership, &group.id)?;
                Ok(())
            })
            .await
    }

    /// `iam:ListGroupsForUser`
    pub async fn list_groups_of_user(
        &self,
        context: &RequestContext,
        name: &str,
        page: &PageRequest,
    ) -> Result<Page<EntityDescription>, Error> {
        let target = Target::named(context, EntityKind::User, name);
        let permit = self
            .permit(context, "iam:ListGroupsForUser", &target)
            .await?;
        let list = format!("groups of {} {}", target.account, records::name_key(name));
        let groups = self
            .store
            .lookup((&permit).into(), move |rows| {
                let user = target.find(rows)?;
                groups_of(rows, &user.id)
            })
            .await?;
        self.slice(&list, groups, page, |group| group.id.clone())
            .await
    }
}

/// The groups of a user.
pub(super) fn groups_of(
    rows: &mut dyn ReadTransaction,
    user: &str,
) -> Result<Vec<EntityDescription>, Error> {
    let mut groups = Vec::new();
    for id in rows.links_from(user, LinkKind::Membership, None, MAX_LOOKED_UP)? {
        if let Some(group) = rows.entity(&id)? {
            groups.push(EntityDescription::of(group)?);
        }
    }
    Ok(groups)
}
