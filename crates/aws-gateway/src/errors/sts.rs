//! Refusals in the words of the model of STS.

use ecru_aws_model::sts::ExceptionKind;
use ecru_domain::{IamRefusal, Refusal, StsRefusal};

use super::everywhere::{Everywhere, Matter};
use crate::exception::Exception;
use crate::protocol::Protocol;
use crate::query_protocol::VALIDATION_ERROR;

/// The exception of a refusal; `None` if no use case of STS makes it.
pub(super) fn exception(refusal: &Refusal) -> Option<Exception> {
    let text = refusal.to_string();
    match Matter::of(refusal) {
        Matter::Everywhere(error) => Some(error.exception(Protocol::AwsQuery, text)),
        Matter::Parameter | Matter::Quota => Some(Exception::new(VALIDATION_ERROR, text)),
        Matter::Sts(refusal) => Some(told(refusal, text)),
        // session policies are read as IAM's are
        Matter::Iam(IamRefusal::MalformedPolicyDocument { .. }) => {
            Some(modelled(ExceptionKind::MalformedPolicyDocument, text))
        }
        Matter::Iam(_) | Matter::Organizations(_) | Matter::PageToken | Matter::Registry => None,
    }
}

fn modelled(kind: ExceptionKind, text: String) -> Exception {
    Exception::modelled(kind.name(), kind.http_status(), text)
}

fn told(refusal: &StsRefusal, text: String) -> Exception {
    use ExceptionKind as Kind;
    let kind = match refusal {
        StsRefusal::ValidationError { .. } => return Exception::new(VALIDATION_ERROR, text),
        StsRefusal::AccessDenied { .. } => {
            return Everywhere::AccessDenied.exception(Protocol::AwsQuery, text);
        }
        StsRefusal::MalformedPolicyDocument { .. } => Kind::MalformedPolicyDocument,
        StsRefusal::PackedPolicyTooLarge { .. } => Kind::PackedPolicyTooLarge,
        StsRefusal::ExpiredIdentityToken { .. } => Kind::ExpiredToken,
        StsRefusal::InvalidIdentityToken { .. } => Kind::InvalidIdentityToken,
        StsRefusal::IdpRejectedClaim { .. } => Kind::IDPRejectedClaim,
        StsRefusal::IdpCommunicationError { .. } => Kind::IDPCommunicationError,
        StsRefusal::RegionDisabled { .. } => Kind::RegionDisabled,
    };
    modelled(kind, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_have_the_codes_and_statuses_of_the_model() {
        let message = || "text".to_owned();
        for (refusal, code, status) in [
            (
                StsRefusal::AccessDenied { message: message() }.into(),
                "AccessDenied",
                403,
            ),
            (
                StsRefusal::ExpiredIdentityToken { message: message() }.into(),
                "ExpiredTokenException",
                400,
            ),
            (
                StsRefusal::IdpRejectedClaim { message: message() }.into(),
                "IDPRejectedClaim",
                403,
            ),
            (
                StsRefusal::IdpCommunicationError { message: message() }.into(),
                "IDPCommunicationError",
                400,
            ),
            (
                IamRefusal::MalformedPolicyDocument { message: message() }.into(),
                "MalformedPolicyDocument",
                400,
            ),
        ] {
            let refusal: Refusal = refusal;
            let told = exception(&refusal).unwrap();
            let seen = (told.code(), told.status().as_u16(), told.message());
            assert_eq!(seen, (code, status, "text"));
        }
        assert_eq!(exception(&Refusal::PageTokenInvalid), None);
    }
}
