//! Refusals in the words of the model of IAM.

use ecru_aws_model::iam::ExceptionKind;
use ecru_domain::{IamRefusal, Refusal};

use super::everywhere::Matter;
use crate::exception::Exception;
use crate::protocol::Protocol;
use crate::query_protocol::VALIDATION_ERROR;

/// The exception of a refusal; `None` if no use case of IAM makes it.
pub(super) fn exception(refusal: &Refusal) -> Option<Exception> {
    let text = refusal.to_string();
    match Matter::of(refusal) {
        Matter::Everywhere(error) => Some(error.exception(Protocol::AwsQuery, text)),
        Matter::Parameter => Some(Exception::new(VALIDATION_ERROR, text)),
        Matter::PageToken => Some(Exception::new(VALIDATION_ERROR, "Invalid Marker.")),
        Matter::Quota => Some(modelled(ExceptionKind::LimitExceeded, text)),
        Matter::Iam(refusal) => Some(match kind_of(refusal) {
            Some(kind) => modelled(kind, text),
            None => Exception::new(VALIDATION_ERROR, text),
        }),
        Matter::Sts(_) | Matter::Organizations(_) | Matter::Registry => None,
    }
}

fn modelled(kind: ExceptionKind, text: String) -> Exception {
    Exception::modelled(kind.name(), kind.http_status(), text)
}

/// The modelled exception; the validation error is none.
fn kind_of(refusal: &IamRefusal) -> Option<ExceptionKind> {
    use ExceptionKind as Kind;
    Some(match refusal {
        IamRefusal::ValidationError { .. } => return None,
        IamRefusal::NoSuchEntity { .. } => Kind::NoSuchEntity,
        IamRefusal::EntityAlreadyExists { .. } => Kind::EntityAlreadyExists,
        IamRefusal::DeleteConflict { .. } => Kind::DeleteConflict,
        IamRefusal::LimitExceeded { .. } => Kind::LimitExceeded,
        IamRefusal::MalformedPolicyDocument { .. } => Kind::MalformedPolicyDocument,
        IamRefusal::InvalidInput { .. } => Kind::InvalidInput,
        IamRefusal::UnmodifiableEntity { .. } => Kind::UnmodifiableEntity,
        IamRefusal::PolicyNotAttachable { .. } => Kind::PolicyNotAttachable,
        IamRefusal::EntityTemporarilyUnmodifiable { .. } => Kind::EntityTemporarilyUnmodifiable,
        IamRefusal::ConcurrentModification { .. } => Kind::ConcurrentModification,
        IamRefusal::PasswordPolicyViolation { .. } => Kind::PasswordPolicyViolation,
        IamRefusal::OpenIdIdpCommunicationError { .. } => Kind::OpenIdIdpCommunicationError,
        IamRefusal::PolicyEvaluation { .. } => Kind::PolicyEvaluation,
    })
}

#[cfg(test)]
mod tests {
    use ecru_domain::Action;

    use super::*;

    #[test]
    fn refusals_have_the_codes_and_statuses_of_the_model() {
        let message = || "text".to_owned();
        for (refusal, code, status) in [
            (
                IamRefusal::NoSuchEntity { message: message() }.into(),
                "NoSuchEntity",
                404,
            ),
            (
                IamRefusal::EntityAlreadyExists { message: message() }.into(),
                "EntityAlreadyExists",
                409,
            ),
            (
                IamRefusal::DeleteConflict { message: message() }.into(),
                "DeleteConflict",
                409,
            ),
            (
                IamRefusal::MalformedPolicyDocument { message: message() }.into(),
                "MalformedPolicyDocument",
                400,
            ),
            (
                IamRefusal::PolicyEvaluation { message: message() }.into(),
                "PolicyEvaluation",
                500,
            ),
            (
                IamRefusal::ValidationError { message: message() }.into(),
                "ValidationError",
                400,
            ),
            (Refusal::LimitExceeded(message()), "LimitExceeded", 409),
        ] {
            let told: Exception = exception(&refusal).unwrap();
            let seen = (told.code(), told.status().as_u16(), told.message());
            assert_eq!(seen, (code, status, "text"));
        }
    }

    #[test]
    fn what_every_api_refuses_has_the_name_of_the_dialect() {
        let denied = Refusal::AccessDenied {
            principal: "p".to_owned(),
            action: Action::GET_CALLER_IDENTITY,
            resource: "*".to_owned(),
            reason: String::new(),
        };
        for (refusal, code, status) in [
            (denied, "AccessDenied", 403),
            (Refusal::TokenInvalid, "InvalidClientTokenId", 403),
            (Refusal::TokenExpired, "ExpiredToken", 403),
            (Refusal::PageTokenInvalid, "ValidationError", 400),
        ] {
            let told = exception(&refusal).unwrap();
            assert_eq!((told.code(), told.status().as_u16()), (code, status));
        }
        assert_eq!(exception(&Refusal::LayerTooLarge), None);
    }
}
