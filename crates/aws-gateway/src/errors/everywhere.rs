//! What every AWS API may answer, and what a refusal of the registry's is to the APIs beside it.

use ecru_domain::{IamRefusal, OrganizationsRefusal, Refusal, StsRefusal};
use http::StatusCode;

use crate::exception::Exception;
use crate::protocol::Protocol;

/// An error that no model has to name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Everywhere {
    /// The principal may not do this.
    AccessDenied,
    /// The token is nobody's.
    UnknownToken,
    /// The token's time is over.
    ExpiredToken,
}

impl Everywhere {
    /// The error under the name that it has in a dialect.
    pub(super) fn exception(self, protocol: Protocol, text: String) -> Exception {
        let (json, query) = match self {
            Self::AccessDenied => ("AccessDeniedException", "AccessDenied"),
            Self::UnknownToken => ("UnrecognizedClientException", "InvalidClientTokenId"),
            Self::ExpiredToken => ("ExpiredTokenException", "ExpiredToken"),
        };
        match protocol {
            Protocol::AwsJson => Exception::new(json, text),
            Protocol::AwsQuery => Exception::new(query, text).with_status(StatusCode::FORBIDDEN),
        }
    }
}

/// What a refusal is to IAM, STS and Organizations.
pub(super) enum Matter<'r> {
    /// Of every API.
    Everywhere(Everywhere),
    /// A parameter breaks a constraint; the text says which.
    Parameter,
    /// A page token was not issued for this list.
    PageToken,
    /// A quota is reached; the text says which.
    Quota,
    /// Of IAM.
    Iam(&'r IamRefusal),
    /// Of STS.
    Sts(&'r StsRefusal),
    /// Of Organizations.
    Organizations(&'r OrganizationsRefusal),
    /// Of the registry: no use case of the other APIs makes it.
    Registry,
}

impl<'r> Matter<'r> {
    /// What `refusal` is.
    #[deny(
        clippy::wildcard_enum_match_arm,
        clippy::match_wildcard_for_single_variants
    )]
    pub(super) fn of(refusal: &'r Refusal) -> Self {
        match refusal {
            Refusal::AccessDenied { .. } => Self::Everywhere(Everywhere::AccessDenied),
            Refusal::TokenInvalid => Self::Everywhere(Everywhere::UnknownToken),
            Refusal::TokenExpired => Self::Everywhere(Everywhere::ExpiredToken),
            Refusal::InvalidParameter { .. } => Self::Parameter,
            Refusal::PageTokenInvalid => Self::PageToken,
            Refusal::LimitExceeded(_) => Self::Quota,
            Refusal::Iam(refusal) => Self::Iam(refusal),
            Refusal::Sts(refusal) => Self::Sts(refusal),
            Refusal::Organizations(refusal) => Self::Organizations(refusal),
            Refusal::RepositoryNameInvalid
            | Refusal::RepositoryNotFound(_)
            | Refusal::RepositoryAlreadyExists(_)
            | Refusal::RepositoryNotEmpty(_)
            | Refusal::RepositoryPolicyNotFound(_)
            | Refusal::RegistryPolicyNotFound(_)
            | Refusal::InvalidTagParameter(_)
            | Refusal::TooManyTags
            | Refusal::Kms { .. }
            | Refusal::ImageNotFound { .. }
            | Refusal::ImageAlreadyExists { .. }
            | Refusal::ImageTagAlreadyExists { .. }
            | Refusal::ImageDigestDoesNotMatch { .. }
            | Refusal::ManifestInvalid(_)
            | Refusal::LayersNotFound { .. }
            | Refusal::ReferencedImagesNotFound { .. }
            | Refusal::ManifestNotFound
            | Refusal::ImageReferencedByManifestList(_)
            | Refusal::LayerNotFound { .. }
            | Refusal::LayerInaccessible { .. }
            | Refusal::LayerAlreadyExists { .. }
            | Refusal::UploadNotFound { .. }
            | Refusal::InvalidLayerPart { .. }
            | Refusal::LayerPartTooSmall
            | Refusal::EmptyUpload { .. }
            | Refusal::LayerDigestMismatch { .. }
            | Refusal::LayerTooLarge
            | Refusal::TooManyChunks
            | Refusal::BodyIncomplete => Self::Registry,
        }
    }
}
