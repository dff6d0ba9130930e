//! Permissions boundaries of users and roles.

use ecru_aws_model::iam as wire;
use ecru_domain::Error;
use ecru_services::iam::IdentityKind;

use crate::call::Call;

pub(crate) async fn put_on_user(
    call: &Call<'_>,
    input: wire::PutUserPermissionsBoundaryRequest,
) -> Result<wire::PutUserPermissionsBoundaryResponse, Error> {
    let (name, arn) = (&input.user_name, &input.permissions_boundary);
    let iam = &call.services.iam;
    iam.put_boundary(&call.context, IdentityKind::User, name, arn)
        .await?;
    Ok(wire::PutUserPermissionsBoundaryResponse {})
}

pub(crate) async fn delete_of_user(
    call: &Call<'_>,
    input: wire::DeleteUserPermissionsBoundaryRequest,
) -> Result<wire::DeleteUserPermissionsBoundaryResponse, Error> {
    let iam = &call.services.iam;
    iam.delete_boundary(&call.context, IdentityKind::User, &input.user_name)
        .await?;
    Ok(wire::DeleteUserPermissionsBoundaryResponse {})
}

pub(crate) async fn put_on_role(
    call: &Call<'_>,
    input: wire::PutRolePermissionsBoundaryRequest,
) -> Result<wire::PutRolePermissionsBoundaryResponse, Error> {
    let (name, arn) = (&input.role_name, &input.permissions_boundary);
    let iam = &call.services.iam;
    iam.put_boundary(&call.context, IdentityKind::Role, name, arn)
        .await?;
    Ok(wire::PutRolePermissionsBoundaryResponse {})
}

pub(crate) async fn delete_of_role(
    call: &Call<'_>,
    input: wire::DeleteRolePermissionsBoundaryRequest,
) -> Result<wire::DeleteRolePermissionsBoundaryResponse, Error> {
    let iam = &call.services.iam;
    iam.delete_boundary(&call.context, IdentityKind::Role, &input.role_name)
        .await?;
    Ok(wire::DeleteRolePermissionsBoundaryResponse {})
}
