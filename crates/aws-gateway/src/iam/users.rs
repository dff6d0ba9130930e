//! `CreateUser`, `GetUser`, `ListUsers`, `UpdateUser`, `DeleteUser`.

use ecru_aws_model::iam as wire;
use ecru_domain::Error;
use ecru_services::iam::users::{CreateIdentity, Rename};

use super::descriptions::{listed_user, page, pairs, prefix, user};
use crate::call::Call;

pub(crate) async fn create(
    call: &Call<'_>,
    input: wire::CreateUserRequest,
) -> Result<wire::CreateUserResponse, Error> {
    let command = CreateIdentity {
        name: input.user_name,
        path: input.path,
        boundary: input.permissions_boundary,
        tags: pairs(input.tags),
    };
    let created = call.services.iam.create_user(&call.context, command);
    Ok(wire::CreateUserResponse {
        user: Some(user(created.await?)),
    })
}

pub(crate) async fn get(
    call: &Call<'_>,
    input: wire::GetUserRequest,
) -> Result<wire::GetUserResponse, Error> {
    let name = input.user_name.as_deref();
    let found = call.services.iam.get_user(&call.context, name).await?;
    Ok(wire::GetUserResponse { user: user(found) })
}

pub(crate) async fn list(
    call: &Call<'_>,
    input: wire::ListUsersRequest,
) -> Result<wire::ListUsersResponse, Error> {
    let page = page(input.max_items, input.marker);
    let prefix = prefix(input.path_prefix);
    let iam = &call.services.iam;
    let found = iam.list_users(&call.context, &prefix, &page).await?;
    Ok(wire::ListUsersResponse {
        users: found.items.into_iter().map(listed_user).collect(),
        is_truncated: Some(found.next_token.is_some()),
        marker: found.next_token,
    })
}

pub(crate) async fn update(
    call: &Call<'_>,
    input: wire::UpdateUserRequest,
) -> Result<wire::UpdateUserResponse, Error> {
    let command = Rename {
        name: input.user_name,
        new_path: input.new_path,
        new_name: input.new_user_name,
    };
    call.services
        .iam
        .update_user(&call.context, command)
        .await?;
    Ok(wire::UpdateUserResponse {})
}

pub(crate) async fn delete(
    call: &Call<'_>,
    input: wire::DeleteUserRequest,
) -> Result<wire::DeleteUserResponse, Error> {
    let iam = &call.services.iam;
    iam.delete_user(&call.context, &input.user_name).await?;
    Ok(wire::DeleteUserResponse {})
}
