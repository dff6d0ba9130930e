//! Permissions boundaries of users and roles (IAM User Guide, "Permissions boundaries for IAM entities").

use ecru_domain::Error;
use ecru_ports::metadata::{EntityKind, EntityRecord, Lane, LinkKind, WriteTransaction};

use super::attachments::check_attachable;
use super::descriptions::IdentityKind;
use super::targets::{PERMISSIONS_BOUNDARY, Target};
use super::{Iam, records, refusals};
use crate::access::RequestContext;

impl Iam {
    /// `iam:PutUserPermissionsBoundary`, `iam:PutRolePermissionsBoundary`
    pub async fn put_boundary(
        &self,
        context: &RequestContext,
        kind: IdentityKind,
        name: &str,
        arn: &str,
    ) -> Result<(), Error> {
        let target = Target::named(context, kind.entity(), name);
        let action = action(
            kind,
            "iam:PutUserPermissionsBoundary",
            "iam:PutRolePermissionsBoundary",
        );
        let mut demand = self.demand(context, action, &target).await?;
        // the one that is asked for counts, not the one that is there
        demand.keys.retain(|(key, _)| key != PERMISSIONS_BOUNDARY);
        let demand = demand.with_key(PERMISSIONS_BOUNDARY, arn);
        let permit = self.access.authorize_demand(context, demand).await?;
        let arn = arn.to_owned();
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&target.account)?;
                let entity = target.find(rows)?;
                set_boundary(rows, &entity, &arn)
            })
            .await
    }

    /// `iam:DeleteUserPermissionsBoundary`, `iam:DeleteRolePermissionsBoundary`
    pub async fn delete_boundary(
        &self,
        context: &RequestContext,
        kind: IdentityKind,
        name: &str,
    ) -> Result<(), Error> {
        let target = Target::named(context, kind.entity(), name);
        let action = action(
            kind,
            "iam:DeleteUserPermissionsBoundary",
            "iam:DeleteRolePermissionsBoundary",
        );
        let permit = self.permit(context, action, &target).await?;
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&target.account)?;
                let entity = target.find(rows)?;
                if clear(rows, &entity)? {
                    return Ok(());
                }
                let (word, name) = (entity.kind.as_str(), &target.given);
                Err(refusals::no_such(format!(
                    "Permission boundary of {word} {name} cannot be found."
                )))
            })
            .await
    }
}

/// Groups have none.
fn action(kind: IdentityKind, user: &'static str, role: &'static str) -> &'static str {
    kind.choose([user, role, role])
}

/// Puts a boundary in the place of the one that was there.
pub(super) fn set_boundary(
    rows: &mut dyn WriteTransaction,
    entity: &EntityRecord,
    arn: &str,
) -> Result<(), Error> {
    check_attachable(rows, &entity.account, arn)?;
    clear(rows, entity)?;
    let target = records::attachment_target(&entity.account, arn);
    rows.insert_link(&entity.id, LinkKind::Boundary, &target)?;
    Ok(())
}

/// Takes the boundary away. Whether there was one.
fn clear(rows: &mut dyn WriteTransaction, entity: &EntityRecord) -> Result<bool, Error> {
    debug_assert!(entity.kind != EntityKind::Group, "groups have no boundary");
    let links = rows.links_from(&entity.id, LinkKind::Boundary, None, 1)?;
    for target in &links {
        rows.delete_link(&entity.id, LinkKind::Boundary, target)?;
    }
    Ok(!links.is_empty())
}
