//! `CreateRole`, `GetRole`, `ListRoles`, `UpdateRole`, `UpdateRoleDescription`, `UpdateAssumeRolePolicy`, `DeleteRole`.

use ecru_aws_model::iam as wire;
use ecru_domain::Error;
use ecru_services::iam::roles::{CreateRole, UpdateRole};
use ecru_services::iam::users::CreateIdentity;

use super::descriptions::{listed_role, page, pairs, prefix, role};
use crate::call::Call;

pub(crate) async fn create(
    call: &Call<'_>,
    input: wire::CreateRoleRequest,
) -> Result<wire::CreateRoleResponse, Error> {
    let command = CreateRole {
        identity: CreateIdentity {
            name: input.role_name,
            path: input.path,
            boundary: input.permissions_boundary,
            tags: pairs(input.tags),
        },
        trust: input.assume_role_policy_document,
        description: input.description,
        max_session_duration: seconds(input.max_session_duration),
    };
    let created = call.services.iam.create_role(&call.context, command);
    Ok(wire::CreateRoleResponse {
        role: role(created.await?),
    })
}

pub(crate) async fn get(
    call: &Call<'_>,
    input: wire::GetRoleRequest,
) -> Result<wire::GetRoleResponse, Error> {
    let iam = &call.services.iam;
    let found = iam.get_role(&call.context, &input.role_name).await?;
    Ok(wire::GetRoleResponse { role: role(found) })
}

pub(crate) async fn list(
    call: &Call<'_>,
    input: wire::ListRolesRequest,
) -> Result<wire::ListRolesResponse, Error> {
    let page = page(input.max_items, input.marker);
    let prefix = prefix(input.path_prefix);
    let iam = &call.services.iam;
    let found = iam.list_roles(&call.context, &prefix, &page).await?;
    Ok(wire::ListRolesResponse {
        roles: found.items.into_iter().map(listed_role).collect(),
        is_truncated: Some(found.next_token.is_some()),
        marker: found.next_token,
    })
}

pub(crate) async fn update(
    call: &Call<'_>,
    input: wire::UpdateRoleRequest,
) -> Result<wire::UpdateRoleResponse, Error> {
    let command = UpdateRole {
        name: input.role_name,
        description: input.description,
        max_session_duration: seconds(input.max_session_duration),
    };
    call.services
        .iam
        .update_role(&call.context, command)
        .await?;
    Ok(wire::UpdateRoleResponse {})
}

pub(crate) async fn update_description(
    call: &Call<'_>,
    input: wire::UpdateRoleDescriptionRequest,
) -> Result<wire::UpdateRoleDescriptionResponse, Error> {
    let (name, text) = (input.role_name, input.description);
    let iam = &call.services.iam;
    let updated = iam.update_role_description(&call.context, name, text);
    Ok(wire::UpdateRoleDescriptionResponse {
        role: Some(role(updated.await?)),
    })
}

pub(crate) async fn update_trust(
    call: &Call<'_>,
    input: wire::UpdateAssumeRolePolicyRequest,
) -> Result<wire::UpdateAssumeRolePolicyResponse, Error> {
    let (name, trust) = (input.role_name, input.policy_document);
    let iam = &call.services.iam;
    iam.update_trust(&call.context, &name, trust).await?;
    Ok(wire::UpdateAssumeRolePolicyResponse {})
}

pub(crate) async fn delete(
    call: &Call<'_>,
    input: wire::DeleteRoleRequest,
) -> Result<wire::DeleteRoleResponse, Error> {
    let iam = &call.services.iam;
    iam.delete_role(&call.context, &input.role_name).await?;
    Ok(wire::DeleteRoleResponse {})
}

fn seconds(duration: Option<i32>) -> Option<u32> {
    duration.and_then(|seconds| u32::try_from(seconds).ok())
}
