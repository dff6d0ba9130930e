//! A request, and the layers of policies that bind it (IAM User Guide, "Policy evaluation logic").

use std::sync::Arc;

use serde::Serialize;

use crate::context::Context;
use crate::policy::Policy;
use crate::principal::Principal;
use crate::statement::Query;

/// What somebody wants to do.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Who wants it.
    pub principal: &'a Principal,
    /// What: `ecr:PutImage`. Compared without regard to case.
    pub action: &'a str,
    /// On what: an ARN, or `*` for actions without a resource.
    pub resource: &'a str,
    /// The account to which that belongs.
    pub resource_account: &'a str,
    /// All else that is known of the request.
    pub context: &'a Context,
}

/// A policy and where it comes from: an ARN, the name of an inline policy, or whatever the caller wants to read in
/// a decision. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Document {
    /// Where it comes from.
    pub source: Arc<str>,
    /// What it says.
    pub policy: Policy,
}

impl Document {
    /// A policy and where it comes from.
    pub fn new(source: impl Into<Arc<str>>, policy: Policy) -> Self {
        Self {
            source: source.into(),
            policy,
        }
    }
}

/// The policies attached to one level of an organization: the root, a unit, or the account.
pub type Level = Vec<Document>;

/// The policies that bind a request. What is empty or absent is a layer that does not exist, and does not restrict;
/// two gates are always there, if only without statements: the policy of a KMS key and the trust policy of a role.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layers<'a> {
    /// Of the principal: of the user and its groups, or of the role.
    pub identity: &'a [Document],
    /// Of the resource: the repository policy and the registry policy that bind it, the policy of a KMS key, or the
    /// trust policy of a role.
    pub resource: &'a [Document],
    /// The permissions boundary of the user or role.
    pub boundary: Option<&'a Document>,
    /// The session policies, inline and managed: together they are one layer. `None` for a session without any.
    pub session: Option<&'a [Document]>,
    /// The service control policies of the principal's account, level by level.
    pub scps: &'a [Level],
    /// The resource control policies of the resource's account, level by level.
    pub rcps: &'a [Level],
}

/// A layer of policies, in the order in which the first that fails is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Layer {
    /// Service control policies.
    ServiceControl,
    /// Resource control policies.
    ResourceControl,
    /// The policy of the resource: of a repository, a registry or a KMS key.
    Resource,
    /// The trust policy of a role.
    RoleTrust,
    /// Identity-based policies.
    Identity,
    /// The permissions boundary.
    Boundary,
    /// Session policies.
    Session,
}

impl Layer {
    /// What messages call a policy of this layer: an article, and the name.
    pub(crate) fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::ServiceControl => ("a", "service control policy"),
            Self::ResourceControl => ("a", "resource control policy"),
            Self::Resource => ("a", "resource-based policy"),
            Self::RoleTrust => ("the", "role trust policy"),
            Self::Identity => ("an", "identity-based policy"),
            Self::Boundary => ("a", "permissions boundary"),
            Self::Session => ("a", "session policy"),
        }
    }
}

/// Whether a resource has a policy of its own that must let its account's policies count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// No: identity-based policies of the own account suffice.
    Open,
    /// The policy of a KMS key.
    Key,
    /// The trust policy of a role.
    RoleTrust,
}

impl Gate {
    /// The gate before which a request stands.
    pub(crate) fn of(query: &Query<'_>) -> Self {
        let service = query.action.split(':').next().unwrap_or_default();
        match (service, query.target.service_and_name()) {
            ("kms", Some(("kms", name))) if name.starts_with("key/") => Self::Key,
            ("sts", Some(("iam", name))) if name.starts_with("role/") => Self::RoleTrust,
            _ => Self::Open,
        }
    }

    /// The layer that the resource's policy is.
    pub(crate) fn layer(self) -> Layer {
        match self {
            Self::Open | Self::Key => Layer::Resource,
            Self::RoleTrust => Layer::RoleTrust,
        }
    }
}
