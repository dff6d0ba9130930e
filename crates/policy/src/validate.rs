//! What may be saved as which kind of document, with the texts that AWS answers (IAM User Guide, "IAM JSON policy
//! grammar", and the quotas of IAM, Organizations, KMS and ECR).

use thiserror::Error;

use crate::policy::Policy;

/// Most characters, white space apart, of a managed policy.
pub const MAX_MANAGED_POLICY: usize = 6_144;
/// Most characters of all inline policies of a user together.
pub const MAX_USER_INLINE: usize = 2_048;
/// Most characters of all inline policies of a role together.
pub const MAX_ROLE_INLINE: usize = 10_240;
/// Most characters of all inline policies of a group together.
pub const MAX_GROUP_INLINE: usize = 5_120;
/// Most characters of a role's trust policy.
pub const MAX_ROLE_TRUST: usize = 2_048;
/// Most characters of an inline session policy.
pub const MAX_SESSION_POLICY: usize = 2_048;
/// Most bytes of a key policy, white space included.
pub const MAX_KEY_POLICY: usize = 32_768;
/// Most characters of a repository policy or registry policy, white space included.
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

/// Why a document may not be saved.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Finding {
    /// What AWS answers.
    pub message: String,
    /// What is wrong, in words of our own, for logs and for whoever wants more than `message` tells.
    pub detail: String,
    /// Whether it is too large, which AWS answers under another code.
    pub is_too_large: bool,
}

/// Something that may be saved but will hardly do what its author meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The statement, from zero.
    pub statement: usize,
    /// What is odd about it.
    pub message: String,
}

/// A document that may be saved.
#[derive(Clone, Debug)]
pub struct Validated {
    /// In compiled form.
    pub policy: Policy,
    /// What is odd about it.
    pub warnings: Vec<Warning>,
}

/// Whether `text` may be saved as a document of this kind. Whether the principals that it names exist is left to
/// the caller.
pub fn validate(text: &str, kind: DocumentKind) -> Result<Validated, Finding> {
    let _ = kind;
    let policy = Policy::parse(text).map_err(|malformed| Finding {
        message: malformed.reason.clone(),
        detail: malformed.reason,
        is_too_large: false,
    })?;
    Ok(Validated {
        policy,
        warnings: Vec::new(),
    })
}

/// The size of a document as IAM counts it: characters that are not white space.
pub fn document_size(text: &str) -> usize {
    text.chars().filter(|letter| !is_white(*letter)).count()
}

fn is_white(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n' | '\r')
}
