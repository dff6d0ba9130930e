//! Managed policies attached to users, roles and groups, and who has a policy.

use ecru_aws_model::iam as wire;
use ecru_domain::Error;
use ecru_services::iam::IdentityKind;
use ecru_services::iam::attachments::{EntityFilter, PolicyUse};

use super::descriptions::{attached, page, prefix};
use crate::call::Call;

pub(crate) async fn attach_user(
    call: &Call<'_>,
    input: wire::AttachUserPolicyRequest,
) -> Result<wire::AttachUserPolicyResponse, Error> {
    let (name, arn) = (&input.user_name, &input.policy_arn);
    let iam = &call.services.iam;
    iam.attach_policy(&call.context, IdentityKind::User, name, arn)
        .await?;
    Ok(wire::AttachUserPolicyResponse {})
}

pub(crate) async fn detach_user(
    call: &Call<'_>,
    input: wire::DetachUserPolicyRequest,
) -> Result<wire::DetachUserPolicyResponse, Error> {
    let (name, arn) = (&input.user_name, &input.policy_arn);
    let iam = &call.services.iam;
    iam.detach_policy(&call.context, IdentityKind::User, name, arn)
        .await?;
    Ok(wire::DetachUserPolicyResponse {})
}

pub(crate) async fn list_of_user(
    call: &Call<'_>,
    input: wire::ListAttachedUserPoliciesRequest,
) -> Result<wire::ListAttachedUserPoliciesResponse, Error> {
    let page = page(input.max_items, input.marker);
    let (kind, prefix) = (IdentityKind::User, prefix(input.path_prefix));
    let iam = &call.services.iam;
    let found = iam
        .list_attached_policies(&call.context, (kind, &input.user_name), &prefix, &page)
        .await?;
    Ok(wire::ListAttachedUserPoliciesResponse {
        attached_policies: Some(found.items.into_iter().map(attached).collect()),
        is_truncated: Some(found.next_token.is_some()),
        marker: found.next_token,
    })
}

pub(crate) async fn attach_role(
    call: &Call<'_>,
    input: wire::AttachRolePolicyRequest,
) -> Result<wire::AttachRolePolicyResponse, Error> {
    let (name, arn) = (&input.role_name, &input.policy_arn);
    let iam = &call.services.iam;
    iam.attach_policy(&call.context, IdentityKind::Role, name, arn)
        .await?;
    Ok(wire::AttachRolePolicyResponse {})
}

pub(crate) async fn detach_role(
    call: &Call<'_>,
    input: wire::DetachRolePolicyRequest,
) -> Result<wire::DetachRolePolicyResponse, Error> {
    let (name, arn) = (&input.role_name, &input.policy_arn);
    let iam = &call.services.iam;
    iam.detach_policy(&call.context, IdentityKind::Role, name, arn)
        .await?;
    Ok(wire::DetachRolePolicyResponse {})
}

pub(crate) async fn list_of_role(
    call: &Call<'_>,
    input: wire::ListAttachedRolePoliciesRequest,
) -> Result<wire::ListAttachedRolePoliciesResponse, Error> {
    let page = page(input.max_items, input.marker);
    let (kind, prefix) = (IdentityKind::Role, prefix(input.path_prefix));
    let iam = &call.services.iam;
    let found = iam
        .list_attached_policies(&call.context, (kind, &input.role_name), &prefix, &page)
        .await?;
    Ok(wire::ListAttachedRolePoliciesResponse {
        attached_policies: Some(found.items.into_iter().map(attached).collect()),
        is_truncated: Some(found.next_token.is_some()),
        marker: found.next_token,
    })
}

pub(crate) async fn attach_group(
    call: &Call<'_>,
    input: wire::AttachGroupPolicyRequest,
) -> Result<wire::AttachGroupPolicyResponse, Error> {
    let (name, arn) = (&input.group_name, &input.policy_arn);
    let iam = &call.services.iam;
    iam.attach_policy(&call.context, IdentityKind::Group, name, arn)
        .await?;
    Ok(wire::AttachGroupPolicyResponse {})
}

pub(crate) async fn detach_group(
    call: &Call<'_>,
    input: wire::DetachGroupPolicyRequest,
) -> Result<wire::DetachGroupPolicyResponse, Error> {
    let (name, arn) = (&input.group_name, &input.policy_arn);
    let iam = &call.services.iam;
    iam.detach_policy(&call.context, IdentityKind::Group, name, arn)
        .await?;
    Ok(wire::DetachGroupPolicyResponse {})
}

pub(crate) async fn list_of_group(
    call: &Call<'_>,
    input: wire::ListAttachedGroupPoliciesRequest,
) -> Result<wire::ListAttachedGroupPoliciesResponse, Error> {
    let page = page(input.max_items, input.marker);
    let (kind, prefix) = (IdentityKind::Group, prefix(input.path_prefix));
    let iam = &call.services.iam;
    let found = iam
        .list_attached_policies(&call.context, (kind, &input.group_name), &prefix, &page)
        .await?;
    Ok(wire::ListAttachedGroupPoliciesResponse {
        attached_policies: Some(found.items.into_iter().map(attached).collect()),
        is_truncated: Some(found.next_token.is_some()),
        marker: found.next_token,
    })
}

pub(crate) async fn list_entities(
    call: &Call<'_>,
    input: wire::ListEntitiesForPolicyRequest,
) -> Result<wire::ListEntitiesForPolicyResponse, Error> {
    let page = page(input.max_items, input.marker);
    let filter = EntityFilter {
        kind: input.entity_filter.and_then(identity_kind),
        path_prefix: input.path_prefix,
        used_for: input.policy_usage_filter.map(policy_use),
    };
    let iam = &call.services.iam;
    let found = iam
        .list_entities_of_policy(&call.context, &input.policy_arn, filter, &page)
        .await?;
    let (mut groups, mut users, mut roles) = (Vec::new(), Vec::new(), Vec::new());
    for entity in found.items {
        let (name, id) = (Some(entity.name), Some(entity.id));
        match entity.kind {
            IdentityKind::Group => groups.push(wire::PolicyGroup {
                group_name: name,
                group_id: id,
            }),
            IdentityKind::User => users.push(wire::PolicyUser {
                user_name: name,
                user_id: id,
            }),
            IdentityKind::Role => roles.push(wire::PolicyRole {
                role_name: name,
                role_id: id,
            }),
        }
    }
    Ok(wire::ListEntitiesForPolicyResponse {
        policy_groups: Some(groups),
        policy_users: Some(users),
        policy_roles: Some(roles),
        is_truncated: Some(found.next_token.is_some()),
        marker: found.next_token,
    })
}

/// How a policy is used.
pub(super) fn policy_use(filter: wire::PolicyUsageType) -> PolicyUse {
    match filter {
        wire::PolicyUsageType::PermissionsPolicy => PolicyUse::Permissions,
        wire::PolicyUsageType::PermissionsBoundary => PolicyUse::Boundary,
    }
}

/// Policies are attached to no policy: who asks for such gets all.
fn identity_kind(kind: wire::EntityType) -> Option<IdentityKind> {
    match kind {
        wire::EntityType::User => Some(IdentityKind::User),
        wire::EntityType::Role => Some(IdentityKind::Role),
        wire::EntityType::Group => Some(IdentityKind::Group),
        wire::EntityType::LocalManagedPolicy | wire::EntityType::AWSManagedPolicy => None,
    }
}
