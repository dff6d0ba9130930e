//! Why a signature was refused, and how each dialect says so.
//!
//! The texts are those of AWS, because clients match them. None repeats the `Authorization` header, a token or
//! the canonical request: error messages end up in logs.

use http::StatusCode;

use crate::exception::Exception;
use crate::protocol::Protocol;

const LONGEST_ECHO: usize = 128;

/// A refused signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The request carries no signature at all.
    #[error("Missing Authentication Token")]
    Missing,
    /// The signature lacks parts, or parts cannot be read.
    #[error("{0}")]
    Incomplete(String),
    /// A header or parameter that must be unambiguous came twice.
    #[error("'{0}' must not be given more than once.")]
    Duplicate(String),
    /// No such access key, or it is inactive, or its session token does not belong to it.
    #[error("The security token included in the request is invalid.")]
    UnknownAccessKey,
    /// The session is over.
    #[error("The security token included in the request is expired")]
    ExpiredToken,
    /// Date, region, service or terminator of the credential scope do not fit the request.
    #[error("{0}")]
    WrongScope(String),
    /// A header that must be signed was not.
    #[error("'{0}' must be a 'SignedHeader' in the AWS Authorization.")]
    UnsignedHeader(String),
    /// A header named as signed is not in the request.
    #[error("'{0}' is a 'SignedHeader' in the AWS Authorization, but is not in the request.")]
    AbsentHeader(String),
    /// The body is not covered by the signature.
    #[error(
        "The payload of the request must be signed: 'x-amz-content-sha256' is not a SHA-256 in lower-case hexadecimal."
    )]
    UnsignedPayload,
    /// The body is not the one that was declared.
    #[error("The provided 'x-amz-content-sha256' header does not match what was computed.")]
    PayloadMismatch,
    /// Signed too long ago.
    #[error("Signature expired: {signed} is now earlier than {earliest} ({now} - {minutes} min.)")]
    TooOld {
        /// When it was signed.
        signed: String,
        /// The earliest time that is still accepted.
        earliest: String,
        /// The server's time.
        now: String,
        /// The accepted skew.
        minutes: u64,
    },
    /// Signed in the future.
    #[error(
        "Signature not yet current: {signed} is still later than {latest} ({now} + {minutes} min.)"
    )]
    NotYetCurrent {
        /// When it was signed.
        signed: String,
        /// The latest time that is already accepted.
        latest: String,
        /// The server's time.
        now: String,
        /// The accepted skew.
        minutes: u64,
    },
    /// A presigned request after its end.
    #[error("Request has expired. Timestamp date is {signed}, valid until {end}.")]
    PresignedExpired {
        /// When it was signed.
        signed: String,
        /// When it ended.
        end: String,
    },
    /// Wrong secret, or the request was changed on its way.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
    )]
    Mismatch,
}

impl SignatureError {
    /// The error as the dialect's clients expect it (common errors of the ECR, STS and IAM references).
    pub fn to_exception(&self, protocol: Protocol) -> Exception {
        let (json, query) = self.codes();
        match protocol {
            Protocol::AwsJson => Exception::new(json, self.to_string()),
            Protocol::AwsQuery => {
                Exception::new(query, self.query_message()).with_status(self.query_status())
            }
        }
    }

    fn codes(&self) -> (&'static str, &'static str) {
        match self {
            Self::Missing => (
                "MissingAuthenticationTokenException",
                "MissingAuthenticationToken",
            ),
            Self::Incomplete(_) | Self::Duplicate(_) => {
                ("IncompleteSignatureException", "IncompleteSignature")
            }
            Self::UnknownAccessKey => ("UnrecognizedClientException", "InvalidClientTokenId"),
            Self::ExpiredToken => ("ExpiredTokenException", "ExpiredToken"),
            Self::PresignedExpired { .. } => ("InvalidSignatureException", "RequestExpired"),
            // Too old and too new are answered like a wrong signature: SDKs then correct their clock and try again.
            Self::WrongScope(_)
            | Self::UnsignedHeader(_)
            | Self::AbsentHeader(_)
            | Self::UnsignedPayload
            | Self::PayloadMismatch
            | Self::TooOld { .. }
            | Self::NotYetCurrent { .. }
            | Self::Mismatch => ("InvalidSignatureException", "SignatureDoesNotMatch"),
        }
    }

    fn query_status(&self) -> StatusCode {
        let malformed = matches!(
            self,
            Self::Incomplete(_) | Self::Duplicate(_) | Self::PresignedExpired { .. }
        );
        if malformed {
            StatusCode::BAD_REQUEST
        } else {
            StatusCode::FORBIDDEN
        }
    }

    fn query_message(&self) -> String {
        match self {
            Self::Missing => "Request is missing Authentication Token".to_owned(),
            other => other.to_string(),
        }
    }
}

/// Quotes what a client sent, cut to a bounded length and without control characters.
pub(super) fn quoted(text: &str) -> String {
    let shown: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST_ECHO)
        .collect();
    format!("'{shown}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dialect_has_its_code_and_status() {
        let old = SignatureError::TooOld {
            signed: "20150830T123600Z".to_owned(),
            earliest: "20150830T124100Z".to_owned(),
            now: "20150830T124600Z".to_owned(),
            minutes: 5,
        };
        let late = SignatureError::PresignedExpired {
            signed: String::new(),
            end: String::new(),
        };
        let cases = [
            (
                SignatureError::Missing,
                "MissingAuthenticationTokenException",
                "MissingAuthenticationToken",
                403,
            ),
            (
                SignatureError::Incomplete(String::new()),
                "IncompleteSignatureException",
                "IncompleteSignature",
                400,
            ),
            (
                SignatureError::UnknownAccessKey,
                "UnrecognizedClientException",
                "InvalidClientTokenId",
                403,
            ),
            (
                SignatureError::ExpiredToken,
                "ExpiredTokenException",
                "ExpiredToken",
                403,
            ),
            (
                SignatureError::Mismatch,
                "InvalidSignatureException",
                "SignatureDoesNotMatch",
                403,
            ),
            (
                old,
                "InvalidSignatureException",
                "SignatureDoesNotMatch",
                403,
            ),
            (late, "InvalidSignatureException", "RequestExpired", 400),
        ];
        for (refused, json, query, status) in cases {
            let in_json = refused.to_exception(Protocol::AwsJson);
            let in_query = refused.to_exception(Protocol::AwsQuery);
            assert_eq!((in_json.code(), in_json.status().as_u16()), (json, 400));
            assert_eq!(
                (in_query.code(), in_query.status().as_u16()),
                (query, status)
            );
        }
    }

    #[test]
    fn texts_that_clients_match_are_those_of_aws() {
        let old = SignatureError::TooOld {
            signed: "20150830T123600Z".to_owned(),
            earliest: "20150830T124100Z".to_owned(),
            now: "20150830T124600Z".to_owned(),
            minutes: 5,
        };
        assert_eq!(
            old.to_string(),
            "Signature expired: 20150830T123600Z is now earlier than 20150830T124100Z (20150830T124600Z - 5 min.)"
        );
        let unknown = SignatureError::UnknownAccessKey.to_exception(Protocol::AwsJson);
        assert_eq!(
            unknown.message(),
            "The security token included in the request is invalid."
        );
    }

    #[test]
    fn what_clients_sent_is_echoed_short_and_clean() {
        assert_eq!(quoted("a\r\n\u{7f}b"), "'ab'");
        assert_eq!(quoted(&"x".repeat(1_000)).len(), LONGEST_ECHO + 2);
    }
}
