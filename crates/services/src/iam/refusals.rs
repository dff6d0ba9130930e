//! What IAM refuses, in AWS's words: clients look for some of them.

use ecru_domain::resource_tags::{MAX_RESOURCE_TAGS, ResourceTagProblem};
use ecru_domain::{Error, IamRefusal};
use ecru_policy::Finding;
use ecru_ports::metadata::EntityKind;

/// Something is not there.
pub(super) fn no_such(message: impl Into<String>) -> Error {
    IamRefusal::NoSuchEntity {
        message: message.into(),
    }
    .into()
}

/// A user, role, group, policy, profile or provider is not there; `given` is its name or ARN, as the request has it.
pub(super) fn not_found(kind: EntityKind, given: &str) -> Error {
    no_such(match kind {
        EntityKind::Policy => format!("Policy {given} was not found."),
        EntityKind::InstanceProfile => format!("Instance Profile {given} cannot be found."),
        EntityKind::OidcProvider => {
            format!("OpenIDConnect Provider not found for arn {given}")
        }
        _ => format!("The {} with name {given} cannot be found.", kind.as_str()),
    })
}

/// A name is taken.
pub(super) fn taken(kind: EntityKind, name: &str) -> Error {
    let message = match kind {
        EntityKind::User => format!("User with name {name} already exists."),
        EntityKind::Role => format!("Role with name {name} already exists."),
        EntityKind::Group => format!("Group with name {name} already exists."),
        EntityKind::Policy => {
            format!("A policy called {name} already exists. Duplicate names are not allowed.")
        }
        EntityKind::OidcProvider => format!("Provider with url https://{name} already exists."),
        EntityKind::AccountAlias => format!("The account alias {name} already exists."),
        _ => format!("Instance Profile {name} already exists."),
    };
    already_exists(message)
}

/// Something is there already.
pub(super) fn already_exists(message: String) -> Error {
    IamRefusal::EntityAlreadyExists { message }.into()
}

/// Something still hangs on what should go.
pub(super) fn conflict(message: &str) -> Error {
    IamRefusal::DeleteConflict {
        message: message.to_owned(),
    }
    .into()
}

/// What was authorized is no longer what is there.
pub(super) fn changed_meanwhile() -> Error {
    IamRefusal::ConcurrentModification {
        message: "The request was rejected because multiple requests to change this object were submitted simultaneously."
            .to_owned(),
    }
    .into()
}

/// A quota is reached.
pub(super) fn over_quota(name: &str, quota: impl std::fmt::Display) -> Error {
    limit_exceeded(format!("Cannot exceed quota for {name}: {quota}"))
}

/// A quota is reached, worded otherwise.
pub(super) fn limit_exceeded(message: String) -> Error {
    IamRefusal::LimitExceeded { message }.into()
}

/// A parameter breaks a rule.
pub(super) fn validation(message: impl Into<String>) -> Error {
    IamRefusal::ValidationError {
        message: message.into(),
    }
    .into()
}

/// A parameter has a value that cannot be used.
pub(super) fn invalid_input(message: impl Into<String>) -> Error {
    IamRefusal::InvalidInput {
        message: message.into(),
    }
    .into()
}

/// A document is not one.
pub(super) fn malformed(message: String) -> IamRefusal {
    IamRefusal::MalformedPolicyDocument { message }
}

/// A document may not be saved.
pub(super) fn document(finding: Finding) -> Error {
    if finding.is_too_large {
        limit_exceeded(finding.message)
    } else {
        malformed(finding.message).into()
    }
}

/// Tags break a rule.
pub(super) fn tags(problem: ResourceTagProblem) -> Error {
    match problem {
        ResourceTagProblem::Invalid(message) => invalid_input(message),
        ResourceTagProblem::TooMany => limit_exceeded(format!(
            "The number of tags has reached the maximum limit of {MAX_RESOURCE_TAGS}."
        )),
    }
}
