//! The kinds of documents: how large each may be, which elements it has, and in whose words it is refused.

use super::Finding;

/// Most characters, white space apart, of a managed policy.
pub const MAX_MANAGED_POLICY: usize = 6_144;
/// Most characters of all inline policies of a user together, white space apart.
pub const MAX_USER_INLINE: usize = 2_048;
/// Most characters of all inline policies of a role together, white space apart.
pub const MAX_ROLE_INLINE: usize = 10_240;
/// Most characters of all inline policies of a group together, white space apart.
pub const MAX_GROUP_INLINE: usize = 5_120;
/// Most characters of a role's trust policy, white space apart.
pub const MAX_ROLE_TRUST: usize = 2_048;
/// Most characters of an inline session policy.
pub const MAX_SESSION_POLICY: usize = 2_048;
/// Most characters of a key policy.
pub const MAX_KEY_POLICY: usize = 32_768;
/// Most characters of a repository policy or registry policy.
pub const MAX_ECR_POLICY: usize = 10_240;
/// Most characters of a service or resource control policy.
pub const MAX_CONTROL_POLICY: usize = 5_120;

/// What a document is to be saved as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    /// A managed policy, also one that serves as a boundary.
    Managed,
    /// An inline policy of a user. Its size counts together with the user's others.
    UserInline,
    /// An inline policy of a role. Its size counts together with the role's others.
    RoleInline,
    /// An inline policy of a group. Its size counts together with the group's others.
    GroupInline,
    /// A policy passed with `AssumeRole` or `GetFederationToken`.
    Session,
    /// The trust policy of a role.
    RoleTrust,
    /// The policy of an ECR repository.
    Repository,
    /// The policy of an ECR registry.
    Registry,
    /// The policy of a KMS key.
    Key,
    /// A service control policy.
    ServiceControl,
    /// A resource control policy.
    ResourceControl,
}

impl DocumentKind {
    /// The most characters that it may have; of inline policies, all of one owner together. Whether white space
    /// counts depends on the kind.
    pub fn limit(self) -> usize {
        match self {
            Self::Managed => MAX_MANAGED_POLICY,
            Self::UserInline => MAX_USER_INLINE,
            Self::RoleInline => MAX_ROLE_INLINE,
            Self::GroupInline => MAX_GROUP_INLINE,
            Self::Session => MAX_SESSION_POLICY,
            Self::RoleTrust => MAX_ROLE_TRUST,
            Self::Repository | Self::Registry => MAX_ECR_POLICY,
            Self::Key => MAX_KEY_POLICY,
            Self::ServiceControl | Self::ResourceControl => MAX_CONTROL_POLICY,
        }
    }

    pub(super) fn rules(self) -> Rules {
        use Presence::{Prohibited, Required};
        let of_principal = Rules {
            principal: Prohibited,
            resource: Required,
            needs_2012: false,
            unique_sids: true,
            is_latin: true,
            counts_white_space: false,
            dialect: Dialect::Iam(self),
        };
        let of_resource = Rules {
            principal: Required,
            unique_sids: false,
            counts_white_space: true,
            ..of_principal
        };
        match self {
            Self::UserInline | Self::RoleInline | Self::GroupInline => of_principal,
            Self::Managed => Rules {
                needs_2012: true,
                ..of_principal
            },
            Self::Session => Rules {
                counts_white_space: true,
                ..of_principal
            },
            Self::RoleTrust => Rules {
                resource: Prohibited,
                unique_sids: true,
                counts_white_space: false,
                ..of_resource
            },
            Self::Repository => Rules {
                resource: Prohibited,
                is_latin: false,
                dialect: Dialect::Ecr("repository"),
                ..of_resource
            },
            Self::Registry => Rules {
                is_latin: false,
                dialect: Dialect::Ecr("registry"),
                ..of_resource
            },
            Self::Key => Rules {
                dialect: Dialect::Kms,
                ..of_resource
            },
            Self::ServiceControl => Rules {
                counts_white_space: true,
                dialect: Dialect::ServiceControl,
                ..of_principal
            },
            Self::ResourceControl => Rules {
                needs_2012: true,
                dialect: Dialect::ResourceControl,
                ..of_resource
            },
        }
    }
}

/// Whether an element has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Required,
    Prohibited,
}

/// What a kind of documents asks.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a column of a table of kinds"
)]
pub(super) struct Rules {
    pub(super) principal: Presence,
    pub(super) resource: Presence,
    /// Whether the older language is refused.
    pub(super) needs_2012: bool,
    /// Whether Sids are alphanumeric and occur once.
    pub(super) unique_sids: bool,
    /// Whether characters beyond U+00FF are refused.
    pub(super) is_latin: bool,
    pub(super) counts_white_space: bool,
    pub(super) dialect: Dialect,
}

impl Rules {
    /// What IAM answers when a document is too large.
    pub(super) fn too_large(&self, limit: usize) -> String {
        let owner = match self.dialect {
            Dialect::Iam(DocumentKind::UserInline) => "user",
            Dialect::Iam(DocumentKind::RoleInline) => "role",
            Dialect::Iam(DocumentKind::GroupInline) => "group",
            Dialect::Iam(DocumentKind::RoleTrust) => {
                return format!("Cannot exceed quota for ACLSizePerRole: {limit}");
            }
            _ => return format!("Cannot exceed quota for PolicySize: {limit}"),
        };
        format!("Maximum policy size of {limit} bytes exceeded for {owner}")
    }
}

/// Whose words a refusal is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// IAM and STS say what is wrong.
    Iam(DocumentKind),
    /// ECR says one thing about everything.
    Ecr(&'static str),
    /// KMS says what is wrong with principals.
    Kms,
    /// Organizations says one thing about everything.
    ServiceControl,
    /// As that, and its policies can only take away.
    ResourceControl,
}

impl Dialect {
    /// What the service answers to a finding.
    pub(super) fn message(self, finding: &Finding) -> String {
        match self {
            Self::Iam(_) | Self::Kms => finding.message.clone(),
            Self::Ecr(what) => format!(
                "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid {what} policy provided'"
            ),
            Self::ServiceControl | Self::ResourceControl if finding.is_too_large => {
                "You have exceeded the maximum policy size.".to_owned()
            }
            Self::ServiceControl | Self::ResourceControl => {
                "The provided policy document does not meet the requirements of the specified policy type.".to_owned()
            }
        }
    }
}
