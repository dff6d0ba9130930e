//! `GetAccountAuthorizationDetails`.

use ecru_aws_model::iam as wire;
use ecru_domain::Error;
use ecru_services::iam::authorization_details::{
    AuthorizationDetail, DetailFilter, IdentityPolicies, PolicyDetail,
};
use ecru_services::iam::descriptions::{EntityDescription, RoleDescription, UserDescription};
use ecru_services::iam::instance_profiles::InstanceProfileDescription;

use super::descriptions::{
    attached, boundary, instance_profile, last_used, number, page, tag_list, time, version,
};
use crate::call::Call;

pub(crate) async fn get(
    call: &Call<'_>,
    input: wire::GetAccountAuthorizationDetailsRequest,
) -> Result<wire::GetAccountAuthorizationDetailsResponse, Error> {
    let page = page(input.max_items, input.marker);
    let filter = filter(&input.filter.unwrap_or_default());
    let iam = &call.services.iam;
    let found = iam
        .authorization_details(&call.context, filter, &page)
        .await?;
    let (mut users, mut groups, mut roles, mut policies) = <_>::default();
    for detail in found.items {
        match detail {
            AuthorizationDetail::User(user, names, own) => {
                Vec::push(&mut users, user_detail(user, names, own));
            }
            AuthorizationDetail::Group(group, own) => {
                Vec::push(&mut groups, group_detail(group, own));
            }
            AuthorizationDetail::Role(role, profiles, own) => {
                Vec::push(&mut roles, role_detail(role, profiles, own));
            }
            AuthorizationDetail::Policy(policy) => {
                Vec::push(&mut policies, policy_detail(policy));
            }
        }
    }
    Ok(wire::GetAccountAuthorizationDetailsResponse {
        user_detail_list: Some(users),
        group_detail_list: Some(groups),
        role_detail_list: Some(roles),
        policies: Some(policies),
        is_truncated: Some(found.next_token.is_some()),
        marker: found.next_token,
    })
}

fn filter(kinds: &[wire::EntityType]) -> DetailFilter {
    let has = |kind| kinds.contains(&kind);
    DetailFilter {
        users: has(wire::EntityType::User),
        groups: has(wire::EntityType::Group),
        roles: has(wire::EntityType::Role),
        local_policies: has(wire::EntityType::LocalManagedPolicy),
        aws_policies: has(wire::EntityType::AWSManagedPolicy),
    }
}

fn user_detail(
    user: UserDescription,
    groups: Vec<String>,
    policies: IdentityPolicies,
) -> wire::UserDetail {
    let (inline, attached) = split(policies);
    wire::UserDetail {
        path: Some(user.entity.path),
        user_name: Some(user.entity.name),
        user_id: Some(user.entity.id),
        arn: Some(user.entity.arn),
        create_date: Some(time(user.entity.created_at)),
        user_policy_list: Some(inline),
        group_list: Some(groups),
        attached_managed_policies: Some(attached),
        permissions_boundary: boundary(user.boundary),
        tags: Some(tag_list(user.entity.tags)),
    }
}

fn group_detail(group: EntityDescription, policies: IdentityPolicies) -> wire::GroupDetail {
    let (inline, attached) = split(policies);
    wire::GroupDetail {
        path: Some(group.path),
        group_name: Some(group.name),
        group_id: Some(group.id),
        arn: Some(group.arn),
        create_date: Some(time(group.created_at)),
        group_policy_list: Some(inline),
        attached_managed_policies: Some(attached),
    }
}

fn role_detail(
    role: RoleDescription,
    profiles: Vec<InstanceProfileDescription>,
    policies: IdentityPolicies,
) -> wire::RoleDetail {
    let (inline, attached) = split(policies);
    let used = last_used(&role);
    wire::RoleDetail {
        path: Some(role.entity.path),
        role_name: Some(role.entity.name),
        role_id: Some(role.entity.id),
        arn: Some(role.entity.arn),
        create_date: Some(time(role.entity.created_at)),
        assume_role_policy_document: Some(role.trust),
        instance_profile_list: Some(profiles.into_iter().map(instance_profile).collect()),
        role_policy_list: Some(inline),
        attached_managed_policies: Some(attached),
        permissions_boundary: boundary(role.boundary),
        tags: Some(tag_list(role.entity.tags)),
        role_last_used: Some(used),
    }
}

fn policy_detail(detail: PolicyDetail) -> wire::ManagedPolicyDetail {
    let policy = detail.policy;
    wire::ManagedPolicyDetail {
        policy_name: Some(policy.entity.name),
        policy_id: Some(policy.entity.id),
        arn: Some(policy.entity.arn),
        path: Some(policy.entity.path),
        default_version_id: Some(policy.default_version),
        attachment_count: Some(number(policy.attachments)),
        permissions_boundary_usage_count: Some(number(policy.boundary_uses)),
        is_attachable: Some(true),
        description: policy.description,
        create_date: Some(time(policy.entity.created_at)),
        update_date: Some(time(policy.updated_at)),
        policy_version_list: Some(detail.versions.into_iter().map(version).collect()),
    }
}

fn split(policies: IdentityPolicies) -> (Vec<wire::PolicyDetail>, Vec<wire::AttachedPolicy>) {
    let inline = policies.inline.into_iter();
    let inline = inline.map(|(name, text)| wire::PolicyDetail {
        policy_name: Some(name),
        policy_document: Some(text),
    });
    let attached = policies.attached.into_iter().map(attached);
    (inline.collect(), attached.collect())
}
