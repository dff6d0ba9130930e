//! Instance profiles.

use ecru_aws_model::iam as wire;
use ecru_domain::Error;
use ecru_services::iam::users::CreateIdentity;

use super::descriptions::{instance_profile, page, pairs, prefix};
use crate::call::Call;

pub(crate) async fn create(
    call: &Call<'_>,
    input: wire::CreateInstanceProfileRequest,
) -> Result<wire::CreateInstanceProfileResponse, Error> {
    let command = CreateIdentity {
        name: input.instance_profile_name,
        path: input.path,
        boundary: None,
        tags: pairs(input.tags),
    };
    let iam = &call.services.iam;
    let made = iam.create_instance_profile(&call.context, command);
    Ok(wire::CreateInstanceProfileResponse {
        instance_profile: instance_profile(made.await?),
    })
}

pub(crate) async fn get(
    call: &Call<'_>,
    input: wire::GetInstanceProfileRequest,
) -> Result<wire::GetInstanceProfileResponse, Error> {
    let name = &input.instance_profile_name;
    let iam = &call.services.iam;
    let found = iam.get_instance_profile(&call.context, name).await?;
    Ok(wire::GetInstanceProfileResponse {
        instance_profile: instance_profile(found),
    })
}

pub(crate) async fn list(
    call: &Call<'_>,
    input: wire::ListInstanceProfilesRequest,
) -> Result<wire::ListInstanceProfilesResponse, Error> {
    let page = page(input.max_items, input.marker);
    let prefix = prefix(input.path_prefix);
    let iam = &call.services.iam;
    let found = iam.list_instance_profiles(&call.context, &prefix, &page);
    let found = found.await?;
    Ok(wire::ListInstanceProfilesResponse {
        instance_profiles: found.items.into_iter().map(instance_profile).collect(),
        is_truncated: Some(found.next_token.is_some()),
        marker: found.next_token,
    })
}

pub(crate) async fn list_of_role(
    call: &Call<'_>,
    input: wire::ListInstanceProfilesForRoleRequest,
) -> Result<wire::ListInstanceProfilesForRoleResponse, Error> {
    let page = page(input.max_items, input.marker);
    let role = &input.role_name;
    let iam = &call.services.iam;
    let found = iam.list_instance_profiles_of_role(&call.context, role, &page);
    let found = found.await?;
    Ok(wire::ListInstanceProfilesForRoleResponse {
        instance_profiles: found.items.into_iter().map(instance_profile).collect(),
        is_truncated: Some(found.next_token.is_some()),
        marker: found.next_token,
    })
}

pub(crate) async fn add_role(
    call: &Call<'_>,
    input: wire::AddRoleToInstanceProfileRequest,
) -> Result<wire::AddRoleToInstanceProfileResponse, Error> {
    let (name, role) = (&input.instance_profile_name, &input.role_name);
    let iam = &call.services.iam;
    iam.add_role_to_instance_profile(&call.context, name, role)
        .await?;
    Ok(wire::AddRoleToInstanceProfileResponse {})
}

pub(crate) async fn remove_role(
    call: &Call<'_>,
    input: wire::RemoveRoleFromInstanceProfileRequest,
) -> Result<wire::RemoveRoleFromInstanceProfileResponse, Error> {
    let (name, role) = (&input.instance_profile_name, &input.role_name);
    let iam = &call.services.iam;
    iam.remove_role_from_instance_profile(&call.context, name, role)
        .await?;
    Ok(wire::RemoveRoleFromInstanceProfileResponse {})
}

pub(crate) async fn delete(
    call: &Call<'_>,
    input: wire::DeleteInstanceProfileRequest,
) -> Result<wire::DeleteInstanceProfileResponse, Error> {
    let name = &input.instance_profile_name;
    let iam = &call.services.iam;
    iam.delete_instance_profile(&call.context, name).await?;
    Ok(wire::DeleteInstanceProfileResponse {})
}
