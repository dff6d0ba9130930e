//! `CreateGroup`, `GetGroup`, `ListGroups`, `UpdateGroup`, `DeleteGroup`, and who is in a group.

use ecru_aws_model::iam as wire;
use ecru_domain::Error;
use ecru_services::iam::users::{CreateIdentity, Rename};

use super::descriptions::{group, listed_user, page, prefix};
use crate::call::Call;

pub(crate) async fn create(
    call: &Call<'_>,
    input: wire::CreateGroupRequest,
) -> Result<wire::CreateGroupResponse, Error> {
    let command = CreateIdentity {
        name: input.group_name,
        path: input.path,
        ..CreateIdentity::default()
    };
    let created = call.services.iam.create_group(&call.context, command);
    Ok(wire::CreateGroupResponse {
        group: group(created.await?),
    })
}

pub(crate) async fn get(
    call: &Call<'_>,
    input: wire::GetGroupRequest,
) -> Result<wire::GetGroupResponse, Error> {
    let page = page(input.max_items, input.marker);
    let name = &input.group_name;
    let iam = &call.services.iam;
    let (found, users) = iam.get_group(&call.context, name, &page).await?;
    Ok(wire::GetGroupResponse {
        group: group(found),
        users: users.items.into_iter().map(listed_user).collect(),
        is_truncated: Some(users.next_token.is_some()),
        marker: users.next_token,
    })
}

pub(crate) async fn list(
    call: &Call<'_>,
    input: wire::ListGroupsRequest,
) -> Result<wire::ListGroupsResponse, Error> {
    let page = page(input.max_items, input.marker);
    let prefix = prefix(input.path_prefix);
    let iam = &call.services.iam;
    let found = iam.list_groups(&call.context, &prefix, &page).await?;
    Ok(wire::ListGroupsResponse {
        groups: found.items.into_iter().map(group).collect(),
        is_truncated: Some(found.next_token.is_some()),
        marker: found.next_token,
    })
}

pub(crate) async fn update(
    call: &Call<'_>,
    input: wire::UpdateGroupRequest,
) -> Result<wire::UpdateGroupResponse, Error> {
    let command = Rename {
        name: input.group_name,
        new_path: input.new_path,
        new_name: input.new_group_name,
    };
    call.services
        .iam
        .update_group(&call.context, command)
        .await?;
    Ok(wire::UpdateGroupResponse {})
}

pub(crate) async fn delete(
    call: &Call<'_>,
    input: wire::DeleteGroupRequest,
) -> Result<wire::DeleteGroupResponse, Error> {
    let iam = &call.services.iam;
    iam.delete_group(&call.context, &input.group_name).await?;
    Ok(wire::DeleteGroupResponse {})
}

pub(crate) async fn add_user(
    call: &Call<'_>,
    input: wire::AddUserToGroupRequest,
) -> Result<wire::AddUserToGroupResponse, Error> {
    let (group, user) = (&input.group_name, &input.user_name);
    let iam = &call.services.iam;
    iam.add_user_to_group(&call.context, group, user).await?;
    Ok(wire::AddUserToGroupResponse {})
}

pub(crate) async fn remove_user(
    call: &Call<'_>,
    input: wire::RemoveUserFromGroupRequest,
) -> Result<wire::RemoveUserFromGroupResponse, Error> {
    let (group, user) = (&input.group_name, &input.user_name);
    let iam = &call.services.iam;
    iam.remove_user_from_group(&call.context, group, user)
        .await?;
    Ok(wire::RemoveUserFromGroupResponse {})
}

pub(crate) async fn list_of_user(
    call: &Call<'_>,
    input: wire::ListGroupsForUserRequest,
) -> Result<wire::ListGroupsForUserResponse, Error> {
    let page = page(input.max_items, input.marker);
    let iam = &call.services.iam;
    let found = iam.list_groups_of_user(&call.context, &input.user_name, &page);
    let found = found.await?;
    Ok(wire::ListGroupsForUserResponse {
        groups: found.items.into_iter().map(group).collect(),
        is_truncated: Some(found.next_token.is_some()),
        marker: found.next_token,
    })
}
