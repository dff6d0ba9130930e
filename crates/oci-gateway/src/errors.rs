//! The one map from what use cases refuse to what OCI clients understand (OCI distribution specification,
//! "Error codes"). A new refusal does not compile until its code is decided here.
#![deny(
    clippy::wildcard_enum_match_arm,
    clippy::match_wildcard_for_single_variants
)]

use std::fmt;

use ecru_domain::manifest::ManifestError;
use ecru_domain::{Error, Invalid, Refusal};
use http::header::HeaderName;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

/// Codes of the `errors[]` body. The last four are not in the OCI table but in the Docker API's, which clients
/// also read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the specification's own names")]
pub enum Code {
    BlobUnknown,
    BlobUploadInvalid,
    BlobUploadUnknown,
    DigestInvalid,
    ManifestBlobUnknown,
    ManifestInvalid,
    ManifestUnknown,
    NameInvalid,
    NameUnknown,
    SizeInvalid,
    Unauthorized,
    Denied,
    Unsupported,
    TooManyRequests,
    TagInvalid,
    PaginationNumberInvalid,
    Unavailable,
    Unknown,
}

impl Code {
    /// As it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BlobUnknown => "BLOB_UNKNOWN",
            Self::BlobUploadInvalid => "BLOB_UPLOAD_INVALID",
            Self::BlobUploadUnknown => "BLOB_UPLOAD_UNKNOWN",
            Self::DigestInvalid => "DIGEST_INVALID",
            Self::ManifestBlobUnknown => "MANIFEST_BLOB_UNKNOWN",
            Self::ManifestInvalid => "MANIFEST_INVALID",
            Self::ManifestUnknown => "MANIFEST_UNKNOWN",
            Self::NameInvalid => "NAME_INVALID",
            Self::NameUnknown => "NAME_UNKNOWN",
            Self::SizeInvalid => "SIZE_INVALID",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Denied => "DENIED",
            Self::Unsupported => "UNSUPPORTED",
            Self::TooManyRequests => "TOOMANYREQUESTS",
            Self::TagInvalid => "TAG_INVALID",
            Self::PaginationNumberInvalid => "PAGINATION_NUMBER_INVALID",
            Self::Unavailable => "UNAVAILABLE",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// A request that failed, as it will be answered.
#[derive(Debug)]
pub struct Failure {
    status: StatusCode,
    code: Code,
    message: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    fault: Option<Box<Error>>,
}

impl Failure {
    /// A failure with a text for the client.
    pub fn new(status: StatusCode, code: Code, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            headers: Vec::new(),
            fault: None,
        }
    }

    /// The client sent something that is not valid.
    pub fn invalid(code: Code, message: impl fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message.to_string())
    }

    /// There is no such thing.
    pub fn unknown(code: Code, message: impl fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message.to_string())
    }

    /// A text that is not a digest.
    pub fn digest(invalid: &Invalid) -> Self {
        Self::invalid(Code::DigestInvalid, invalid)
    }

    /// The same with one more header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The OCI code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What the client is told.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Headers besides those of every answer.
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }

    /// What went wrong on our side: for the log, never for the client.
    pub fn fault(&self) -> Option<&Error> {
        self.fault.as_deref()
    }

    /// The body.
    pub fn to_json(&self) -> Vec<u8> {
        let errors = [Item {
            code: self.code.as_str(),
            message: &self.message,
        }];
        // strings alone cannot fail to serialize
        serde_json::to_vec(&Body { errors }).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Body<'a> {
    errors: [Item<'a>; 1],
}

#[derive(Serialize)]
struct Item<'a> {
    code: &'static str,
    message: &'a str,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let (status, code) = map(&refusal);
        if status.is_server_error() {
            return Error::internal(refusal).into();
        }
        Self::new(status, code, refusal.to_string())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (status, code, message) = match error {
            Error::Refused(refusal) => return refusal.into(),
            Error::Unavailable(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                Code::Unavailable,
                "the registry is temporarily unavailable",
            ),
            Error::Internal(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                Code::Unknown,
                "the registry failed to answer",
            ),
        };
        Self {
            fault: Some(Box::new(error)),
            ..Self::new(status, code, message)
        }
    }
}

/// Status and code of each refusal (design decisions on error bodies, and the ECR column of the Docker API).
fn map(refusal: &Refusal) -> (StatusCode, Code) {
    match refusal {
        Refusal::RepositoryNameInvalid => (StatusCode::BAD_REQUEST, Code::NameInvalid),
        Refusal::RepositoryNotFound(_) => (StatusCode::NOT_FOUND, Code::NameUnknown),
        Refusal::AccessDenied { .. }
        | Refusal::Kms { .. }
        | Refusal::LimitExceeded(_)
        | Refusal::TokenExpired => (StatusCode::FORBIDDEN, Code::Denied),
        Refusal::TokenInvalid => (StatusCode::UNAUTHORIZED, Code::Unauthorized),
        Refusal::ImageNotFound { .. } | Refusal::ManifestNotFound => {
            (StatusCode::NOT_FOUND, Code::ManifestUnknown)
        }
        Refusal::ImageTagAlreadyExists { .. } | Refusal::ImageAlreadyExists { .. } => {
            (StatusCode::BAD_REQUEST, Code::TagInvalid)
        }
        Refusal::ManifestInvalid(ManifestError::TooLarge) => {
            (StatusCode::PAYLOAD_TOO_LARGE, Code::ManifestInvalid)
        }
        Refusal::ManifestInvalid(_) | Refusal::ImageDigestDoesNotMatch { .. } => {
            (StatusCode::BAD_REQUEST, Code::ManifestInvalid)
        }
        Refusal::LayersNotFound { .. } | Refusal::ReferencedImagesNotFound { .. } => {
            (StatusCode::NOT_FOUND, Code::ManifestBlobUnknown)
        }
        Refusal::LayerNotFound { .. } | Refusal::LayerInaccessible { .. } => {
            (StatusCode::NOT_FOUND, Code::BlobUnknown)
        }
        Refusal::UploadNotFound { .. } => (StatusCode::NOT_FOUND, Code::BlobUploadUnknown),
        Refusal::InvalidLayerPart { .. } => {
            (StatusCode::RANGE_NOT_SATISFIABLE, Code::BlobUploadInvalid)
        }
        Refusal::EmptyUpload { .. }
        | Refusal::LayerAlreadyExists { .. }
        | Refusal::TooManyChunks => (StatusCode::BAD_REQUEST, Code::BlobUploadInvalid),
        Refusal::LayerPartTooSmall | Refusal::BodyIncomplete => {
            (StatusCode::BAD_REQUEST, Code::SizeInvalid)
        }
        Refusal::LayerTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, Code::SizeInvalid),
        Refusal::LayerDigestMismatch { .. } => (StatusCode::BAD_REQUEST, Code::DigestInvalid),
        Refusal::PageTokenInvalid => (StatusCode::BAD_REQUEST, Code::PaginationNumberInvalid),
        Refusal::InvalidParameter { .. }
        | Refusal::RepositoryAlreadyExists(_)
        | Refusal::RepositoryNotEmpty(_)
        | Refusal::RepositoryPolicyNotFound(_)
        | Refusal::RegistryPolicyNotFound(_)
        | Refusal::InvalidTagParameter(_)
        | Refusal::TooManyTags
        | Refusal::ImageReferencedByManifestList(_) => (StatusCode::BAD_REQUEST, Code::Unsupported),
        // none of them is about a registry
        Refusal::Iam(_) | Refusal::Sts(_) | Refusal::Organizations(_) => {
            (StatusCode::INTERNAL_SERVER_ERROR, Code::Unknown)
        }
    }
}

#[cfg(test)]
mod tests {
    use ecru_domain::error::RepositoryLabel;
    use ecru_domain::{AccountId, Action, Digest, IamRefusal, RepositoryName, Tag, UploadId};

    use super::*;

    fn label() -> RepositoryLabel {
        RepositoryLabel {
            name: RepositoryName::parse("team/app").unwrap(),
            registry_id: AccountId::parse("000000000000").unwrap(),
        }
    }

    fn assert_codes(table: Vec<(Refusal, u16, &str)>) {
        for (refusal, status, code) in table {
            let failure = Failure::from(refusal.clone());
            let found = (failure.status().as_u16(), failure.code().as_str());
            assert_eq!(found, (status, code), "{refusal:?}");
            assert_eq!(failure.message(), refusal.to_string());
        }
    }

    #[test]
    fn refusals_of_a_caller_have_codes_that_clients_act_on() {
        let denied = Refusal::AccessDenied {
            principal: "arn:aws:iam::111111111111:root".into(),
            action: Action::PUT_IMAGE,
            resource: "*".into(),
            reason: String::new(),
        };
        assert_codes(vec![
            (Refusal::TokenInvalid, 401, "UNAUTHORIZED"),
            (Refusal::TokenExpired, 403, "DENIED"),
            (denied, 403, "DENIED"),
            (Refusal::RepositoryNotFound(label()), 404, "NAME_UNKNOWN"),
            (Refusal::RepositoryNameInvalid, 400, "NAME_INVALID"),
        ]);
    }

    #[test]
    fn refusals_of_manifests_have_codes_that_clients_act_on() {
        let (tag, repository) = (Tag::parse("v1").unwrap(), label());
        let digests = vec![Digest::sha256(b"x")];
        let immutable = Refusal::ImageTagAlreadyExists { tag, repository };
        let other_digest = Refusal::ImageDigestDoesNotMatch {
            supplied: "x".into(),
            repository: label(),
        };
        let layers = Refusal::LayersNotFound {
            digests: digests.clone(),
            repository: label(),
        };
        let images = Refusal::ReferencedImagesNotFound {
            digests: digests.clone(),
            repository: label(),
        };
        let large = Refusal::ManifestInvalid(ManifestError::TooLarge);
        let untyped = Refusal::ManifestInvalid(ManifestError::MediaTypeMissing);
        let child = Refusal::ImageReferencedByManifestList(digests);
        assert_codes(vec![
            (Refusal::ManifestNotFound, 404, "MANIFEST_UNKNOWN"),
            (large, 413, "MANIFEST_INVALID"),
            (untyped, 400, "MANIFEST_INVALID"),
            (other_digest, 400, "MANIFEST_INVALID"),
            (immutable, 400, "TAG_INVALID"),
            (layers, 404, "MANIFEST_BLOB_UNKNOWN"),
            (images, 404, "MANIFEST_BLOB_UNKNOWN"),
            (child, 400, "UNSUPPORTED"),
        ]);
    }

    #[test]
    fn refusals_of_layers_have_codes_that_clients_act_on() {
        let upload = UploadId::parse("01234567-89ab-cdef-0123-456789abcdef").unwrap();
        let repository = label();
        let digest = Digest::sha256(b"x");
        let calculated = digest.clone();
        let missing = Refusal::LayerNotFound { digest, repository };
        let no_upload = Refusal::UploadNotFound {
            upload: upload.clone(),
            repository: label(),
        };
        let out_of_order = Refusal::InvalidLayerPart {
            problem: "First byte of the layer part is 0 instead of 5".into(),
            upload,
            repository: label(),
            received: 5,
        };
        let mismatch = Refusal::LayerDigestMismatch { calculated };
        assert_codes(vec![
            (missing, 404, "BLOB_UNKNOWN"),
            (no_upload, 404, "BLOB_UPLOAD_UNKNOWN"),
            (out_of_order, 416, "BLOB_UPLOAD_INVALID"),
            (mismatch, 400, "DIGEST_INVALID"),
            (Refusal::BodyIncomplete, 400, "SIZE_INVALID"),
            (Refusal::LayerTooLarge, 413, "SIZE_INVALID"),
            (Refusal::TooManyChunks, 400, "BLOB_UPLOAD_INVALID"),
        ]);
    }

    #[test]
    fn the_body_is_the_specifications_and_escapes_what_it_quotes() {
        let failure = Failure::invalid(Code::NameInvalid, "a \"quoted\"\u{1b} name");
        let expected =
            r#"{"errors":[{"code":"NAME_INVALID","message":"a \"quoted\"\u001b name"}]}"#;
        assert_eq!(failure.to_json(), expected.as_bytes());
    }

    #[test]
    fn faults_of_ours_are_not_told() {
        let failure = Failure::from(Error::internal("disk /secret/path failed"));
        assert_eq!(failure.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!failure.message().contains("secret"));
        assert!(failure.fault().is_some());
        let message = "secret".to_owned();
        let failure = Failure::from(Error::from(IamRefusal::NoSuchEntity { message }));
        assert_eq!(failure.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!failure.message().contains("secret"));
        assert!(failure.fault().is_some());
        let failure = Failure::from(Error::Unavailable("x".into()));
        assert_eq!(failure.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
