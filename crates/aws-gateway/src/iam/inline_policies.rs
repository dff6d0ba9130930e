//! Policies embedded in users, roles and groups.

use ecru_aws_model::iam as wire;
use ecru_domain::Error;
use ecru_services::iam::IdentityKind;
use ecru_services::iam::inline_policies::InlinePolicy;

use super::descriptions::page;
use crate::call::Call;

pub(crate) async fn put_in_user(
    call: &Call<'_>,
    input: wire::PutUserPolicyRequest,
) -> Result<wire::PutUserPolicyResponse, Error> {
    let policy = InlinePolicy {
        identity: input.user_name,
        name: input.policy_name,
        document: input.policy_document,
    };
    let iam = &call.services.iam;
    iam.put_inline_policy(&call.context, IdentityKind::User, policy)
        .await?;
    Ok(wire::PutUserPolicyResponse {})
}

pub(crate) async fn get_of_user(
    call: &Call<'_>,
    input: wire::GetUserPolicyRequest,
) -> Result<wire::GetUserPolicyResponse, Error> {
    let (name, policy) = (&input.user_name, &input.policy_name);
    let iam = &call.services.iam;
    let found = iam.get_inline_policy(&call.context, IdentityKind::User, name, policy);
    let found = found.await?;
    Ok(wire::GetUserPolicyResponse {
        user_name: found.identity,
        policy_name: found.name,
        policy_document: found.document,
    })
}

pub(crate) async fn list_of_user(
    call: &Call<'_>,
    input: wire::ListUserPoliciesRequest,
) -> Result<wire::ListUserPoliciesResponse, Error> {
    let page = page(input.max_items, input.marker);
    let name = &input.user_name;
    let iam = &call.services.iam;
    let found = iam.list_inline_policies(&call.context, IdentityKind::User, name, &page);
    let found = found.await?;
    Ok(wire::ListUserPoliciesResponse {
        policy_names: found.items,
        is_truncated: Some(found.next_token.is_some()),
        marker: found.next_token,
    })
}

pub(crate) async fn delete_of_user(
    call: &Call<'_>,
    input: wire::DeleteUserPolicyRequest,
) -> Result<wire::DeleteUserPolicyResponse, Error> {
    let (name, policy) = (&input.user_name, &input.policy_name);
    let iam = &call.services.iam;
    iam.delete_inline_policy(&call.context, IdentityKind::User, name, policy)
        .await?;
    Ok(wire::DeleteUserPolicyResponse {})
}

pub(crate) async fn put_in_role(
    call: &Call<'_>,
    input: wire::PutRolePolicyRequest,
) -> Result<wire::PutRolePolicyResponse, Error> {
    let policy = InlinePolicy {
        identity: input.role_name,
        name: input.policy_name,
        document: input.policy_document,
    };
    let iam = &call.services.iam;
    iam.put_inline_policy(&call.context, IdentityKind::Role, policy)
        .await?;
    Ok(wire::PutRolePolicyResponse {})
}

pub(crate) async fn get_of_role(
    call: &Call<'_>,
    input: wire::GetRolePolicyRequest,
) -> Result<wire::GetRolePolicyResponse, Error> {
    let (name, policy) = (&input.role_name, &input.policy_name);
    let iam = &call.services.iam;
    let found = iam.get_inline_policy(&call.context, IdentityKind::Role, name, policy);
    let found = found.await?;
    Ok(wire::GetRolePolicyResponse {
        role_name: found.identity,
        policy_name: found.name,
        policy_document: found.document,
    })
}

pub(crate) async fn list_of_role(
    call: &Call<'_>,
    input: wire::ListRolePoliciesRequest,
) -> Result<wire::ListRolePoliciesResponse, Error> {
    let page = page(input.max_items, input.marker);
    let name = &input.role_name;
    let iam = &call.services.iam;
    let found = iam.list_inline_policies(&call.context, IdentityKind::Role, name, &page);
    let found = found.await?;
    Ok(wire::ListRolePoliciesResponse {
        policy_names: found.items,
        is_truncated: Some(found.next_token.is_some()),
        marker: found.next_token,
    })
}

pub(crate) async fn delete_of_role(
    call: &Call<'_>,
    input: wire::DeleteRolePolicyRequest,
) -> Result<wire::DeleteRolePolicyResponse, Error> {
    let (name, policy) = (&input.role_name, &input.policy_name);
    let iam = &call.services.iam;
    iam.delete_inline_policy(&call.context, IdentityKind::Role, name, policy)
        .await?;
    Ok(wire::DeleteRolePolicyResponse {})
}

pub(crate) async fn put_in_group(
    call: &Call<'_>,
    input: wire::PutGroupPolicyRequest,
) -> Result<wire::PutGroupPolicyResponse, Error> {
    let policy = InlinePolicy {
        identity: input.group_name,
        name: input.policy_name,
        document: input.policy_document,
    };
    let iam = &call.services.iam;
    iam.put_inline_policy(&call.context, IdentityKind::Group, policy)
        .await?;
    Ok(wire::PutGroupPolicyResponse {})
}

pub(crate) async fn get_of_group(
    call: &Call<'_>,
    input: wire::GetGroupPolicyRequest,
) -> Result<wire::GetGroupPolicyResponse, Error> {
    let (name, policy) = (&input.group_name, &input.policy_name);
    let iam = &call.services.iam;
    let found = iam.get_inline_policy(&call.context, IdentityKind::Group, name, policy);
    let found = found.await?;
    Ok(wire::GetGroupPolicyResponse {
        group_name: found.identity,
        policy_name: found.name,
        policy_document: found.document,
    })
}

pub(crate) async fn list_of_group(
    call: &Call<'_>,
    input: wire::ListGroupPoliciesRequest,
) -> Result<wire::ListGroupPoliciesResponse, Error> {
    let page = page(input.max_items, input.marker);
    let name = &input.group_name;
    let iam = &call.services.iam;
    let found = iam.list_inline_policies(&call.context, IdentityKind::Group, name, &page);
    let found = found.await?;
    Ok(wire::ListGroupPoliciesResponse {
        policy_names: found.items,
        is_truncated: Some(found.next_token.is_some()),
        marker: found.next_token,
    })
}

pub(crate) async fn delete_of_group(
    call: &Call<'_>,
    input: wire::DeleteGroupPolicyRequest,
) -> Result<wire::DeleteGroupPolicyResponse, Error> {
    let (name, policy) = (&input.group_name, &input.policy_name);
    let iam = &call.services.iam;
    iam.delete_inline_policy(&call.context, IdentityKind::Group, name, policy)
        .await?;
    Ok(wire::DeleteGroupPolicyResponse {})
}
