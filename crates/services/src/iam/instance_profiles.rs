//! Instance profiles, which clients make beside roles (IAM API Reference, `CreateInstanceProfile` and its siblings). No
//! machine here uses them.

use ecru_domain::Error;
use ecru_ports::metadata::{
    EntityKind, EntityRecord, Lane, LinkKind, ReadTransaction, WriteTransaction,
};

use super::descriptions::{EntityDescription, RoleDescription};
use super::lists::{MAX_LOOKED_UP, cut, limit};
use super::records::{self, InstanceProfileDocument};
use super::targets::{NewEntity, Target};
use super::users::{CreateIdentity, insert};
use super::{Iam, quotas, refusals, tags, unique_ids};
use crate::access::RequestContext;
use crate::page::{Page, PageRequest};

/// An instance profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceProfileDescription {
    /// The profile.
    pub entity: EntityDescription,
    /// The role in it, if there is one.
    pub role: Option<RoleDescription>,
}

impl InstanceProfileDescription {
    fn load(rows: &mut dyn ReadTransaction, entity: EntityRecord) -> Result<Self, Error> {
        let role = match role_of(rows, &entity.id)? {
            Some(id) => rows.entity(&id)?,
            None => None,
        };
        Ok(Self {
            role: role
                .map(|role| RoleDescription::load(rows, role))
                .transpose()?,
            entity: EntityDescription::of(entity)?,
        })
    }
}

impl Iam {
    /// `iam:CreateInstanceProfile`
    pub async fn create_instance_profile(
        &self,
        context: &RequestContext,
        command: CreateIdentity,
    ) -> Result<InstanceProfileDescription, Error> {
        let path = command.path.unwrap_or_else(|| "/".to_owned());
        let new = NewEntity {
            kind: EntityKind::InstanceProfile,
            path: &path,
            name: &command.name,
            boundary: None,
            tags: &command.tags,
            tagging: Some("iam:TagInstanceProfile"),
        };
        let permit = self
            .permit_new(context, "iam:CreateInstanceProfile", &new)
            .await?;
        tags::check(&command.tags)?;
        let document = InstanceProfileDocument {
            name: command.name.clone(),
            tags: command.tags,
        };
        let entity = EntityRecord {
            account: context.principal.account.clone(),
            kind: EntityKind::InstanceProfile,
            key: records::name_key(&command.name),
            id: unique_ids::of_entity(EntityKind::InstanceProfile, &*self.ids),
            path,
            document: records::write(&document)?,
            created_at: self.clock.now(),
        };
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                let quota = ("InstanceProfilesPerAccount", quotas::INSTANCE_PROFILES);
                insert(rows, &entity, quota)?;
                InstanceProfileDescription::load(rows, entity.clone())
            })
            .await
    }

    /// `iam:GetInstanceProfile`
    pub async fn get_instance_profile(
        &self,
        context: &RequestContext,
        name: &str,
    ) -> Result<InstanceProfileDescription, Error> {
        let target = Target::named(context, EntityKind::InstanceProfile, name);
        let permit = self
            .permit(context, "iam:GetInstanceProfile", &target)
            .await?;
        self.store
            .lookup((&permit).into(), move |rows| {
                let entity = target.find(rows)?;
                InstanceProfileDescription::load(rows, entity)
            })
            .await
    }

    /// `iam:ListInstanceProfiles`
    pub async fn list_instance_profiles(
        &self,
        context: &RequestContext,
        prefix: &str,
        page: &PageRequest,
    ) -> Result<Page<InstanceProfileDescription>, Error> {
        let kind = EntityKind::InstanceProfile;
        let permit = self
            .permit_list(context, "iam:ListInstanceProfiles", kind, prefix)
            .await?;
        let page = PageRequest {
            limit: Some(limit(page).min(MAX_LOOKED_UP)),
            token: page.token.clone(),
        };
        let found = self.entities(&permit, kind, prefix, &page).await?;
        let profiles = found.items;
        let items = self
            .store
            .read((&permit).into(), move |rows| load_all(rows, profiles))
            .await?;
        Ok(Page {
            items,
            next_token: found.next_token,
        })
    }

    /// `iam:ListInstanceProfilesForRole`
    pub async fn list_instance_profiles_of_role(
        &self,
        context: &RequestContext,
        role: &str,
        page: &PageRequest,
    ) -> Result<Page<InstanceProfileDescription>, Error> {
        let target = Target::named(context, EntityKind::Role, role);
        let permit = self
            .permit(context, "iam:ListInstanceProfilesForRole", &target)
            .await?;
        let list = format!("profiles {} {}", target.account, records::name_key(role));
        let after = self.position(&list, page).await?;
        let limit = limit(page).min(MAX_LOOKED_UP);
        let read = move |rows: &mut dyn ReadTransaction| {
            let role = target.find(rows)?;
            profiles_of(rows, &role.id, after.as_deref(), limit + 1)
        };
        let mut found = self.store.read((&permit).into(), read).await?;
        let more = cut(&mut found, limit);
        let last = found.last().filter(|_| more);
        let position = last.map(|profile| profile.entity.id.clone());
        self.page(&list, found, position).await
    }

    /// `iam:AddRoleToInstanceProfile`: there is room for one.
    pub async fn add_role_to_instance_profile(
        &self,
        context: &RequestContext,
        profile: &str,
        role: &str,
    ) -> Result<(), Error> {
        let action = "iam:AddRoleToInstanceProfile";
        self.change_instance_profile(context, action, (profile, role), |rows, profile, role| {
            if role_of(rows, profile)?.is_some() {
                return Err(refusals::over_quota(
                    "InstanceSessionsPerInstanceProfile",
                    1,
                ));
            }
            rows.insert_link(profile, LinkKind::ProfileRole, role)?;
            Ok(())
        })
        .await
    }

    /// `iam:RemoveRoleFromInstanceProfile`
    pub async fn remove_role_from_instance_profile(
        &self,
        context: &RequestContext,
        profile: &str,
        role: &str,
    ) -> Result<(), Error> {
        let action = "iam:RemoveRoleFromInstanceProfile";
        self.change_instance_profile(context, action, (profile, role), |rows, profile, role| {
            if rows.delete_link(profile, LinkKind::ProfileRole, role)? {
                return Ok(());
            }
            Err(refusals::no_such(
                "The role is not in this instance profile.",
            ))
        })
        .await
    }

    async fn change_instance_profile(
        &self,
        context: &RequestContext,
        action: &'static str,
        (profile, role): (&str, &str),
        change: fn(&mut dyn WriteTransaction, &str, &str) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let profile = Target::named(context, EntityKind::InstanceProfile, profile);
        let role = Target::named(context, EntityKind::Role, role);
        let permit = self.permit(context, action, &profile).await?;
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&profile.account)?;
                let (profile, role) = (profile.find(rows)?, role.find(rows)?);
                change(rows, &profile.id, &role.id)
            })
            .await
    }

    /// `iam:DeleteInstanceProfile`
    pub async fn delete_instance_profile(
        &self,
        context: &RequestContext,
        name: &str,
    ) -> Result<(), Error> {
        let target = Target::named(context, EntityKind::InstanceProfile, name);
        let permit = self
            .permit(context, "iam:DeleteInstanceProfile", &target)
            .await?;
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&target.account)?;
                let profile = target.find(rows)?;
                if role_of(rows, &profile.id)?.is_some() {
                    return Err(refusals::conflict(
                        "Cannot delete entity, must remove roles from instance profile first.",
                    ));
                }
                rows.delete_entity(&profile.id)?;
                Ok(())
            })
            .await
    }
}

/// Instance profiles that hold a role, by id.
pub(super) fn profiles_of(
    rows: &mut dyn ReadTransaction,
    role: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<InstanceProfileDescription>, Error> {
    let mut profiles = Vec::new();
    for id in rows.links_to(role, LinkKind::ProfileRole, after, limit)? {
        profiles.extend(rows.entity(&id)?);
    }
    load_all(rows, profiles)
}

fn load_all(
    rows: &mut dyn ReadTransaction,
    profiles: Vec<EntityRecord>,
) -> Result<Vec<InstanceProfileDescription>, Error> {
    let mut described = Vec::with_capacity(profiles.len());
    for profile in profiles {
        described.push(InstanceProfileDescription::load(rows, profile)?);
    }
    Ok(described)
}

fn role_of(rows: &mut dyn ReadTransaction, profile: &str) -> Result<Option<String>, Error> {
    let links = rows.links_from(profile, LinkKind::ProfileRole, None, 1)?;
    Ok(links.into_iter().next())
}
