//! Refusals in the words of the model of Organizations.

use ecru_aws_model::organizations::{
    self, ConstraintViolationExceptionReason, ExceptionKind, ExceptionMembers,
    InvalidInputExceptionReason,
};
use ecru_aws_model::{Constraint, ConstraintViolations};
use ecru_domain::{OrganizationsRefusal, Refusal};

use super::everywhere::Matter;
use crate::exception::Exception;
use crate::protocol::Protocol;

/// What a fault of ours is called.
pub(super) const FAULT: &str = ExceptionKind::Service.name();

/// What the service calls the member that holds the message.
const MESSAGE: &str = "Message";

/// The exception of a refusal; `None` if no use case of Organizations makes it.
pub(super) fn exception(refusal: &Refusal) -> Option<Exception> {
    use InvalidInputExceptionReason as Reason;
    let text = refusal.to_string();
    match Matter::of(refusal) {
        Matter::Everywhere(error) => {
            let told = error.exception(Protocol::AwsJson, text);
            Some(told.with_message_in(MESSAGE))
        }
        Matter::Parameter => Some(invalid_input(text, Some(Reason::InvalidPattern))),
        Matter::PageToken => {
            let text = "You provided a NextToken that is not valid.".to_owned();
            Some(invalid_input(text, Some(Reason::InvalidNextToken)))
        }
        Matter::Quota => Some(modelled(ExceptionKind::ConstraintViolation, text, None)),
        Matter::Organizations(refusal) => Some(told(refusal, text)),
        Matter::Iam(_) | Matter::Sts(_) | Matter::Registry => None,
    }
}

/// An input that breaks constraints of the model, in the service's own sentences: it has a reason for one of them.
pub(crate) fn broken(violations: &ConstraintViolations) -> Exception {
    use InvalidInputExceptionReason as Reason;
    let (reason, text) = match violations.first().constraint {
        Constraint::Required => (
            Reason::InputRequired,
            "You must include a value for all required parameters.",
        ),
        Constraint::MinLength(_) => (
            Reason::MinLengthExceeded,
            "You provided a string parameter that is shorter than allowed.",
        ),
        Constraint::MaxLength(_) => (
            Reason::MaxLengthExceeded,
            "You provided a string parameter that is longer than allowed.",
        ),
        Constraint::MinValue(_) => (
            Reason::MinValueExceeded,
            "You provided a numeric parameter that has a smaller value than allowed.",
        ),
        Constraint::MaxValue(_) => (
            Reason::MaxValueExceeded,
            "You provided a numeric parameter that has a larger value than allowed.",
        ),
        Constraint::Enum(_) => (Reason::InvalidEnum, "You specified an invalid value."),
        Constraint::Pattern(_) | Constraint::Sentence(_) | Constraint::NoNul => (
            Reason::InvalidPattern,
            "You provided a value that does not match the required pattern.",
        ),
    };
    invalid_input(text.to_owned(), Some(reason))
}

fn invalid_input(text: String, reason: Option<InvalidInputExceptionReason>) -> Exception {
    let members = ExceptionMembers::InvalidInput { reason };
    modelled(ExceptionKind::InvalidInput, text, Some(members))
}

fn modelled(kind: ExceptionKind, text: String, members: Option<ExceptionMembers>) -> Exception {
    let mut exception = organizations::Exception::new(kind, text);
    exception.members = members;
    Exception::from(exception).with_message_in(MESSAGE)
}

fn told(refusal: &OrganizationsRefusal, text: String) -> Exception {
    use OrganizationsRefusal as Refusal;
    match refusal {
        Refusal::InvalidInput { reason, .. } => {
            invalid_input(text, InvalidInputExceptionReason::parse(reason))
        }
        Refusal::ConstraintViolation { reason, .. } => {
            let reason = ConstraintViolationExceptionReason::parse(reason);
            let members = ExceptionMembers::ConstraintViolation { reason };
            modelled(ExceptionKind::ConstraintViolation, text, Some(members))
        }
        plain => modelled(kind_of(plain), text, None),
    }
}

fn kind_of(refusal: &OrganizationsRefusal) -> ExceptionKind {
    use {ExceptionKind as Kind, OrganizationsRefusal as Refusal};
    match refusal {
        Refusal::AccessDenied { .. } => Kind::AccessDenied,
        Refusal::NotInUse { .. } => Kind::AWSOrganizationsNotInUse,
        Refusal::AlreadyInOrganization { .. } => Kind::AlreadyInOrganization,
        Refusal::AccountNotFound { .. } => Kind::AccountNotFound,
        Refusal::AccountAlreadyClosed { .. } => Kind::AccountAlreadyClosed,
        Refusal::ParentNotFound { .. } => Kind::ParentNotFound,
        Refusal::SourceParentNotFound { .. } => Kind::SourceParentNotFound,
        Refusal::DestinationParentNotFound { .. } => Kind::DestinationParentNotFound,
        Refusal::ChildNotFound { .. } => Kind::ChildNotFound,
        Refusal::RootNotFound { .. } => Kind::RootNotFound,
        Refusal::OrganizationalUnitNotFound { .. } => Kind::OrganizationalUnitNotFound,
        Refusal::OrganizationalUnitNotEmpty { .. } => Kind::OrganizationalUnitNotEmpty,
        Refusal::DuplicateOrganizationalUnit { .. } => Kind::DuplicateOrganizationalUnit,
        Refusal::OrganizationNotEmpty { .. } => Kind::OrganizationNotEmpty,
        Refusal::DuplicateAccount { .. } => Kind::DuplicateAccount,
        Refusal::CreateAccountStatusNotFound { .. } => Kind::CreateAccountStatusNotFound,
        Refusal::FinalizingOrganization { .. } => Kind::FinalizingOrganization,
        Refusal::MasterCannotLeave { .. } => Kind::MasterCannotLeaveOrganization,
        Refusal::PolicyNotFound { .. } => Kind::PolicyNotFound,
        Refusal::DuplicatePolicy { .. } => Kind::DuplicatePolicy,
        Refusal::PolicyInUse { .. } => Kind::PolicyInUse,
        Refusal::MalformedPolicyDocument { .. } => Kind::MalformedPolicyDocument,
        Refusal::DuplicatePolicyAttachment { .. } => Kind::DuplicatePolicyAttachment,
        Refusal::PolicyNotAttached { .. } => Kind::PolicyNotAttached,
        Refusal::TargetNotFound { .. } => Kind::TargetNotFound,
        Refusal::PolicyTypeAlreadyEnabled { .. } => Kind::PolicyTypeAlreadyEnabled,
        Refusal::PolicyTypeNotEnabled { .. } => Kind::PolicyTypeNotEnabled,
        Refusal::PolicyTypeNotAvailable { .. } => Kind::PolicyTypeNotAvailableForOrganization,
        Refusal::PolicyChangesInProgress { .. } => Kind::PolicyChangesInProgress,
        Refusal::ConcurrentModification { .. } => Kind::ConcurrentModification,
        Refusal::Conflict { .. } => Kind::Conflict,
        Refusal::UnsupportedApiEndpoint { .. } => Kind::UnsupportedAPIEndpoint,
        Refusal::InvalidInput { .. } => Kind::InvalidInput,
        Refusal::ConstraintViolation { .. } => Kind::ConstraintViolation,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn refusals_have_the_names_and_reasons_of_the_model() {
        let message = || "text".to_owned();
        let invalid = |reason| OrganizationsRefusal::InvalidInput {
            message: message(),
            reason,
        };
        let violation = OrganizationsRefusal::ConstraintViolation {
            message: message(),
            reason: "OU_DEPTH_LIMIT_EXCEEDED",
        };
        for (refusal, code, members) in [
            (
                OrganizationsRefusal::NotInUse { message: message() },
                "AWSOrganizationsNotInUseException",
                json!({}),
            ),
            (
                OrganizationsRefusal::PolicyInUse { message: message() },
                "PolicyInUseException",
                json!({}),
            ),
            (
                invalid("INVALID_ENUM"),
                "InvalidInputException",
                json!({"Reason": "INVALID_ENUM"}),
            ),
            (invalid("nonsense"), "InvalidInputException", json!({})),
            (
                violation,
                "ConstraintViolationException",
                json!({"Reason": "OU_DEPTH_LIMIT_EXCEEDED"}),
            ),
        ] {
            let told = exception(&refusal.into()).unwrap();
            let seen = (told.code(), told.status().as_u16(), told.message());
            assert_eq!(seen, (code, 400, "text"));
            assert_eq!(json!(told.members()), members);
        }
    }

    #[test]
    fn what_every_api_refuses_has_the_name_of_the_dialect() {
        for (refusal, code) in [
            (Refusal::TokenInvalid, "UnrecognizedClientException"),
            (Refusal::PageTokenInvalid, "InvalidInputException"),
            (
                Refusal::LimitExceeded(String::new()),
                "ConstraintViolationException",
            ),
        ] {
            let told = exception(&refusal).unwrap();
            assert_eq!((told.code(), told.status().as_u16()), (code, 400));
        }
        assert_eq!(exception(&Refusal::LayerTooLarge), None);
    }
}
