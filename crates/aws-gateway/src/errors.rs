//! The one map from what use cases refuse to what AWS clients understand. A new refusal does not compile until its
//! code is decided here.

use ecru_aws_model::ecr::{self, ExceptionKind, ExceptionMembers, Operation};
use ecru_domain::error::RepositoryLabel;
use ecru_domain::manifest::ManifestError;
use ecru_domain::{Error, Refusal, UploadId};
use http::StatusCode;

use crate::exception::Exception;
use crate::protocol::Protocol;

const INTERNAL: &str = "The server could not complete the request because of an internal error.";
const UNAVAILABLE: &str = "The server cannot complete the request now. Try again.";

/// What a refusal is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Code {
    /// An exception of the ECR model.
    Modelled(ExceptionKind),
    /// An error that every AWS API may answer.
    Common(&'static str),
}

/// Why a request got no result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The wire layer refuses it.
    Wire(Exception),
    /// A use case refuses it, or failed.
    UseCase(Error),
}

impl From<Exception> for Failure {
    fn from(exception: Exception) -> Self {
        Self::Wire(exception)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::UseCase(error)
    }
}

impl Failure {
    /// The answer to an ECR operation. Faults of ours are logged here, once.
    pub(crate) fn of_operation(self, operation: Operation, request_id: &str) -> Exception {
        match self {
            Self::Wire(exception) => exception,
            Self::UseCase(Error::Refused(refusal)) => refused(&refusal, Some(operation)),
            Self::UseCase(fault) => server_fault(&fault, Protocol::AwsJson, request_id),
        }
    }

    /// The answer to an operation outside the ECR model. Faults of ours are logged here, once.
    pub(crate) fn outside_the_model(self, protocol: Protocol, request_id: &str) -> Exception {
        match self {
            Self::Wire(exception) => exception,
            Self::UseCase(Error::Refused(refusal)) => refused(&refusal, None),
            Self::UseCase(fault) => server_fault(&fault, protocol, request_id),
        }
    }
}

/// A fault of ours: the log gets what happened, the client a text that says nothing.
fn server_fault(fault: &Error, protocol: Protocol, request_id: &str) -> Exception {
    tracing::error!(request_id, error = %fault, "a request failed");
    let (status, text) = match fault {
        Error::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE),
        Error::Internal(_) | Error::Refused(_) => (StatusCode::INTERNAL_SERVER_ERROR, INTERNAL),
    };
    let code = match protocol {
        Protocol::AwsJson => ExceptionKind::Server.name(),
        Protocol::AwsQuery => "InternalFailure",
    };
    Exception::new(code, text).with_status(status)
}

/// The exception of a refusal. One that the model does not let the operation answer becomes the operation's
/// exception for bad parameters, with the same text.
fn refused(refusal: &Refusal, operation: Option<Operation>) -> Exception {
    let kind = match code_of(refusal) {
        Code::Common(name) => return Exception::new(name, refusal.to_string()),
        Code::Modelled(kind) => kind,
    };
    let kind = match operation {
        Some(operation) if !operation.allowed_exceptions().contains(&kind) => {
            operation.constraint_exception()
        }
        _ => kind,
    };
    let mut exception = ecr::Exception::new(kind, message_of(refusal));
    exception.members = members_of(refusal, kind);
    exception.into()
}

#[deny(
    clippy::wildcard_enum_match_arm,
    clippy::match_wildcard_for_single_variants
)]
fn code_of(refusal: &Refusal) -> Code {
    use ExceptionKind as Kind;
    Code::Modelled(match refusal {
        Refusal::AccessDenied { .. } => return Code::Common("AccessDeniedException"),
        Refusal::TokenInvalid => return Code::Common("UnrecognizedClientException"),
        Refusal::TokenExpired => return Code::Common("ExpiredTokenException"),
        Refusal::InvalidParameter { .. }
        | Refusal::RepositoryNameInvalid
        | Refusal::ManifestInvalid(_)
        | Refusal::ImageReferencedByManifestList(_)
        | Refusal::BodyIncomplete
        | Refusal::PageTokenInvalid => Kind::InvalidParameter,
        Refusal::RepositoryNotFound(_) => Kind::RepositoryNotFound,
        Refusal::RepositoryAlreadyExists(_) => Kind::RepositoryAlreadyExists,
        Refusal::RepositoryNotEmpty(_) => Kind::RepositoryNotEmpty,
        Refusal::InvalidTagParameter(_) => Kind::InvalidTagParameter,
        Refusal::TooManyTags => Kind::TooManyTags,
        Refusal::LimitExceeded(_) | Refusal::LayerTooLarge => Kind::LimitExceeded,
        Refusal::Kms { .. } => Kind::Kms,
        Refusal::ImageNotFound { .. } | Refusal::ManifestNotFound => Kind::ImageNotFound,
        Refusal::ImageAlreadyExists { .. } => Kind::ImageAlreadyExists,
        Refusal::ImageTagAlreadyExists { .. } => Kind::ImageTagAlreadyExists,
        Refusal::ImageDigestDoesNotMatch { .. } => Kind::ImageDigestDoesNotMatch,
        Refusal::LayersNotFound { .. } | Refusal::LayerNotFound { .. } => Kind::LayersNotFound,
        Refusal::ReferencedImagesNotFound { .. } => Kind::ReferencedImagesNotFound,
        Refusal::LayerInaccessible { .. } => Kind::LayerInaccessible,
        Refusal::LayerAlreadyExists { .. } => Kind::LayerAlreadyExists,
        Refusal::UploadNotFound { .. } => Kind::UploadNotFound,
        Refusal::InvalidLayerPart { .. } => Kind::InvalidLayerPart,
        Refusal::LayerPartTooSmall => Kind::LayerPartTooSmall,
        Refusal::EmptyUpload { .. } => Kind::EmptyUpload,
        Refusal::LayerDigestMismatch { .. } => Kind::InvalidLayer,
    })
}

/// The refusal's own text, except where the API words it as a parameter that breaks a constraint.
fn message_of(refusal: &Refusal) -> String {
    let Refusal::ManifestInvalid(problem) = refusal else {
        return refusal.to_string();
    };
    let member = match problem {
        ManifestError::TooLarge | ManifestError::NotAManifest(_) => "imageManifest",
        ManifestError::MediaTypeMissing
        | ManifestError::MediaTypeMismatch
        | ManifestError::MediaTypeUnsupported => "imageManifestMediaType",
    };
    let constraint = problem.to_string();
    Refusal::InvalidParameter { member, constraint }.to_string()
}

/// What two of the exceptions carry beside their text.
fn members_of(refusal: &Refusal, kind: ExceptionKind) -> Option<ExceptionMembers> {
    match refusal {
        Refusal::InvalidLayerPart {
            upload,
            repository,
            received,
            ..
        } if kind == ExceptionKind::InvalidLayerPart => {
            Some(layer_part_members(upload, repository, *received))
        }
        Refusal::Kms { code, .. } if kind == ExceptionKind::Kms => Some(ExceptionMembers::Kms {
            kms_error: Some((*code).to_owned()),
        }),
        _ => None,
    }
}

/// `lastValidByteReceived` is a position: absent while there is no byte.
fn layer_part_members(
    upload: &UploadId,
    repository: &RepositoryLabel,
    received: u64,
) -> ExceptionMembers {
    let last = received
        .checked_sub(1)
        .and_then(|last| i64::try_from(last).ok());
    ExceptionMembers::InvalidLayerPart {
        registry_id: Some(repository.registry_id.to_string()),
        repository_name: Some(repository.name.to_string()),
        upload_id: Some(upload.to_string()),
        last_valid_byte_received: last,
    }
}
