//! Users, roles, groups and policies in the form of the wire.

use ecru_aws_model::Timestamp as WireTime;
use ecru_aws_model::iam as wire;
use ecru_domain::Timestamp;
use ecru_services::PageRequest;
use ecru_services::iam::attachments::AttachedPolicy;
use ecru_services::iam::descriptions::{
    EntityDescription, PolicyDescription, PolicyVersionDescription, RoleDescription,
    UserDescription,
};
use ecru_services::iam::instance_profiles::InstanceProfileDescription;

/// The page that a request asks for.
pub(super) fn page(max_items: Option<i32>, marker: Option<String>) -> PageRequest {
    PageRequest {
        limit: max_items.and_then(|limit| u32::try_from(limit).ok()),
        token: marker,
    }
}

/// The path under which a list looks.
pub(super) fn prefix(given: Option<String>) -> String {
    given.unwrap_or_else(|| "/".to_owned())
}

/// A time to the second, as IAM tells it.
pub(super) fn time(at: Timestamp) -> WireTime {
    WireTime::from_millis(at.seconds() * 1_000)
}

/// Key and value of tags.
pub(super) fn pairs(tags: Option<Vec<wire::Tag>>) -> Vec<(String, String)> {
    let tags = tags.unwrap_or_default().into_iter();
    tags.map(|tag| (tag.key, tag.value)).collect()
}

/// All tags, of which there may be none.
pub(super) fn tag_list(tags: Vec<(String, String)>) -> Vec<wire::Tag> {
    tags.into_iter()
        .map(|(key, value)| wire::Tag { key, value })
        .collect()
}

/// Tags that are left out where there are none.
pub(super) fn tags(tags: Vec<(String, String)>) -> Option<Vec<wire::Tag>> {
    Some(tag_list(tags)).filter(|tags| !tags.is_empty())
}

/// A number that the model has in 32 bits.
pub(super) fn number(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// The permissions boundary of a user or role.
pub(super) fn boundary(arn: Option<String>) -> Option<wire::AttachedPermissionsBoundary> {
    arn.map(|arn| wire::AttachedPermissionsBoundary {
        permissions_boundary_type: Some(
            wire::PermissionsBoundaryAttachmentType::PermissionsBoundaryPolicy,
        ),
        permissions_boundary_arn: Some(arn),
    })
}

/// A user with its boundary and tags.
pub(super) fn user(user: UserDescription) -> wire::User {
    wire::User {
        permissions_boundary: boundary(user.boundary),
        tags: tags(user.entity.tags.clone()),
        ..listed_user(user.entity)
    }
}

/// A user as lists show it.
pub(super) fn listed_user(user: EntityDescription) -> wire::User {
    wire::User {
        path: user.path,
        user_name: user.name,
        user_id: user.id,
        arn: user.arn,
        create_date: time(user.created_at),
        password_last_used: None,
        permissions_boundary: None,
        tags: None,
    }
}

/// A group.
pub(super) fn group(group: EntityDescription) -> wire::Group {
    wire::Group {
        path: group.path,
        group_name: group.name,
        group_id: group.id,
        arn: group.arn,
        create_date: time(group.created_at),
    }
}

/// A role with its boundary and tags.
pub(super) fn role(role: RoleDescription) -> wire::Role {
    let (arn, all) = (role.boundary.clone(), role.entity.tags.clone());
    let used = last_used(&role);
    wire::Role {
        permissions_boundary: boundary(arn),
        tags: tags(all),
        role_last_used: Some(used),
        ..listed_role(role)
    }
}

/// When and where a role was last used; nothing of it if it never was.
pub(super) fn last_used(role: &RoleDescription) -> wire::RoleLastUsed {
    let last = role.last_used.as_ref();
    wire::RoleLastUsed {
        last_used_date: last.map(|last| time(last.at)),
        region: last.map(|last| last.region.clone()),
    }
}

/// A role as lists show it.
pub(super) fn listed_role(role: RoleDescription) -> wire::Role {
    wire::Role {
        path: role.entity.path,
        role_name: role.entity.name,
        role_id: role.entity.id,
        arn: role.entity.arn,
        create_date: time(role.entity.created_at),
        assume_role_policy_document: Some(role.trust),
        description: role.description,
        max_session_duration: i32::try_from(role.max_session_duration).ok(),
        permissions_boundary: None,
        tags: None,
        role_last_used: None,
        source_role_template: None,
    }
}

/// A managed policy with its description and tags.
pub(super) fn policy(policy: PolicyDescription) -> wire::Policy {
    wire::Policy {
        description: policy.description.clone(),
        tags: Some(tag_list(policy.entity.tags.clone())),
        ..listed_policy(policy)
    }
}

/// A managed policy as lists show it.
pub(super) fn listed_policy(policy: PolicyDescription) -> wire::Policy {
    wire::Policy {
        policy_name: Some(policy.entity.name),
        policy_id: Some(policy.entity.id),
        arn: Some(policy.entity.arn),
        path: Some(policy.entity.path),
        default_version_id: Some(policy.default_version),
        attachment_count: Some(number(policy.attachments)),
        permissions_boundary_usage_count: Some(number(policy.boundary_uses)),
        is_attachable: Some(true),
        description: None,
        create_date: Some(time(policy.entity.created_at)),
        update_date: Some(time(policy.updated_at)),
        tags: None,
    }
}

/// A version with what it says.
pub(super) fn version(version: PolicyVersionDescription) -> wire::PolicyVersion {
    wire::PolicyVersion {
        document: Some(version.document.clone()),
        ..listed_version(version)
    }
}

/// A version as lists show it.
pub(super) fn listed_version(version: PolicyVersionDescription) -> wire::PolicyVersion {
    wire::PolicyVersion {
        document: None,
        version_id: Some(version.name),
        is_default_version: Some(version.is_default),
        create_date: Some(time(version.created_at)),
    }
}

/// An attached policy.
pub(super) fn attached(policy: AttachedPolicy) -> wire::AttachedPolicy {
    wire::AttachedPolicy {
        policy_name: Some(policy.name),
        policy_arn: Some(policy.arn),
    }
}

/// An instance profile with its role and tags.
pub(super) fn instance_profile(profile: InstanceProfileDescription) -> wire::InstanceProfile {
    let entity = profile.entity;
    wire::InstanceProfile {
        path: entity.path,
        instance_profile_name: entity.name,
        instance_profile_id: entity.id,
        arn: entity.arn,
        create_date: time(entity.created_at),
        roles: profile.role.map(listed_role).into_iter().collect(),
        tags: tags(entity.tags),
    }
}
