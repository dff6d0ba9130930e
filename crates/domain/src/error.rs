//! The one error of every use case.
//!
//! A [`Refusal`] is for the client: its text is what AWS says where clients match on it. The two gateways map
//! refusals to their codes, exhaustively. Everything else is ours: it is logged, and the client learns nothing.
//!
//! What only one of the other APIs refuses stands in a family of its own ([`IamRefusal`], [`StsRefusal`],
//! [`OrganizationsRefusal`]), each of which becomes an [`enum@Error`] by `.into()`.

mod iam;
mod organizations;
mod sts;

use thiserror::Error;

pub use self::iam::IamRefusal;
pub use self::organizations::OrganizationsRefusal;
pub use self::sts::StsRefusal;
use crate::account::AccountId;
use crate::action::Action;
use crate::digest::Digest;
use crate::manifest::ManifestError;
use crate::repository::RepositoryName;
use crate::tag::Tag;
use crate::upload::UploadId;

/// Why a use case did not do what it was asked.
#[derive(Debug, Error)]
pub enum Error {
    /// The request is refused; the client can act on it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A store or service is not reachable now; the client may try again.
    #[error("temporarily unavailable: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A fault of ours.
    #[error("internal error: {0}")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A repository as refusals name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryLabel {
    /// The name.
    pub name: RepositoryName,
    /// The account that owns it (`registryId`).
    pub registry_id: AccountId,
}

/// A request that is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// A parameter breaks a constraint.
    #[error("Invalid parameter at '{member}' failed to satisfy constraint: '{constraint}'")]
    InvalidParameter {
        /// The member of the request.
        member: &'static str,
        /// What it must be.
        constraint: String,
    },
    /// A repository's name is not one.
    #[error(
        "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression '[a-z][a-z0-9]*((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*''"
    )]
    RepositoryNameInvalid,
    /// The principal may not do this.
    #[error(
        "User: {principal} is not authorized to perform: {action} on resource: {resource}{reason}"
    )]
    AccessDenied {
        /// ARN of who asked.
        principal: String,
        /// What for.
        action: Action,
        /// ARN of the resource, or `*`.
        resource: String,
        /// Which policy layer decided, as AWS words it, with a leading space; may be empty.
        reason: String,
    },
    /// No such repository.
    #[error("The repository with name '{}' does not exist in the registry with id '{}'", .0.name, .0.registry_id)]
    RepositoryNotFound(RepositoryLabel),
    /// The name is taken.
    #[error("The repository with name '{}' already exists in the registry with id '{}'", .0.name, .0.registry_id)]
    RepositoryAlreadyExists(RepositoryLabel),
    /// It still has images.
    #[error("The repository with name '{}' in registry with id '{}' cannot be deleted because it still contains images", .0.name, .0.registry_id)]
    RepositoryNotEmpty(RepositoryLabel),
    /// It has no policy.
    #[error("Repository policy does not exist for the repository with name '{}' in the registry with id '{}'", .0.name, .0.registry_id)]
    RepositoryPolicyNotFound(RepositoryLabel),
    /// The registry has no policy.
    #[error("Registry policy does not exist in the registry with id '{0}'")]
    RegistryPolicyNotFound(AccountId),
    /// A resource tag breaks a rule.
    #[error("{0}")]
    InvalidTagParameter(String),
    /// Too many resource tags.
    #[error(
        "A repository can have a maximum of {} tags.",
        crate::resource_tags::MAX_RESOURCE_TAGS
    )]
    TooManyTags,
    /// A quota is reached.
    #[error("{0}")]
    LimitExceeded(String),
    /// A KMS key cannot be used. `code` is the name of the KMS exception.
    #[error("{message}")]
    Kms {
        /// The KMS exception, such as `NotFoundException`.
        code: &'static str,
        /// Its text.
        message: String,
    },
    /// An image that must exist does not.
    #[error("The image with imageId {{imageDigest:'{}', imageTag:'{}'}} does not exist within the repository with name '{}' in the registry with id '{}'",
        .digest.as_ref().map_or("null", Digest::as_str), .tag.as_ref().map_or("null", Tag::as_str), .repository.name, .repository.registry_id)]
    ImageNotFound {
        /// Asked for by digest.
        digest: Option<Digest>,
        /// Asked for by tag.
        tag: Option<Tag>,
        /// Where.
        repository: RepositoryLabel,
    },
    /// Image and tag are there already.
    #[error("Image with digest '{digest}' and tag '{}' already exists in the repository with name '{}' in registry with id '{}'",
        .tag.as_ref().map_or("null", Tag::as_str), .repository.name, .repository.registry_id)]
    ImageAlreadyExists {
        /// The image.
        digest: Digest,
        /// The tag asked for, if any.
        tag: Option<Tag>,
        /// Where.
        repository: RepositoryLabel,
    },
    /// The tag is taken and may not move.
    #[error("The image tag '{tag}' already exists in the '{}' repository and cannot be overwritten because the repository is immutable.", .repository.name)]
    ImageTagAlreadyExists {
        /// The tag.
        tag: Tag,
        /// Where.
        repository: RepositoryLabel,
    },
    /// The digest in the request is not that of the manifest.
    #[error("The image with digest '{supplied}' in repository '{}' and registry ID '{}' does not match the image digest that Amazon ECR has calculated.",
        .repository.name, .repository.registry_id)]
    ImageDigestDoesNotMatch {
        /// As the request says; bounded and printable.
        supplied: String,
        /// Where.
        repository: RepositoryLabel,
    },
    /// Not a manifest that can be stored.
    #[error("{0}")]
    ManifestInvalid(#[from] ManifestError),
    /// Layers that the manifest needs are not in the repository.
    #[error("Layers with digests '[{}]' required for pushing image into repository with name '{}' in the registry with id '{}' do not exist",
        join(.digests), .repository.name, .repository.registry_id)]
    LayersNotFound {
        /// Which, at most a hundred.
        digests: Vec<Digest>,
        /// Where.
        repository: RepositoryLabel,
    },
    /// Images that the index needs are not in the repository.
    #[error("Images with digests '[{}]' required for pushing image into repository with name '{}' in the registry with id '{}' do not exist",
        join(.digests), .repository.name, .repository.registry_id)]
    ReferencedImagesNotFound {
        /// Which, at most a hundred.
        digests: Vec<Digest>,
        /// Where.
        repository: RepositoryLabel,
    },
    /// A manifest asked for over `/v2/` is not there.
    #[error("Requested image not found")]
    ManifestNotFound,
    /// An image of an index cannot be deleted while the index stands.
    #[error("Requested image referenced by manifest list: [{}]", join(.0))]
    ImageReferencedByManifestList(Vec<Digest>),
    /// A layer asked for is not in the repository.
    #[error("The layer with digest '{digest}' could not be found in the repository with name '{}' in the registry with id '{}'", .repository.name, .repository.registry_id)]
    LayerNotFound {
        /// Which.
        digest: Digest,
        /// Where.
        repository: RepositoryLabel,
    },
    /// A layer is there, but no image refers to it.
    #[error("The layer with digest '{digest}' in the repository with name '{}' in the registry with id '{}' is not referenced by any image", .repository.name, .repository.registry_id)]
    LayerInaccessible {
        /// Which.
        digest: Digest,
        /// Where.
        repository: RepositoryLabel,
    },
    /// The layer is in the repository already.
    #[error("The layer with digest '{digest}' already exists in the repository with name '{}' in registry with id '{}'", .repository.name, .repository.registry_id)]
    LayerAlreadyExists {
        /// Which.
        digest: Digest,
        /// Where.
        repository: RepositoryLabel,
    },
    /// No such upload: unknown, of another repository, ended or expired.
    #[error("The upload with id '{upload}' in the repository with name '{}' in registry with id '{}' does not exist", .repository.name, .repository.registry_id)]
    UploadNotFound {
        /// Which.
        upload: UploadId,
        /// Where.
        repository: RepositoryLabel,
    },
    /// A part or chunk does not continue the upload.
    #[error("{problem}")]
    InvalidLayerPart {
        /// What is wrong, in words.
        problem: String,
        /// Which upload.
        upload: UploadId,
        /// Where.
        repository: RepositoryLabel,
        /// Bytes that the upload holds.
        received: u64,
    },
    /// A part before the last is below the minimum.
    #[error(
        "Layer parts must be at least {} bytes in size",
        crate::upload::MIN_PART_SIZE
    )]
    LayerPartTooSmall,
    /// Nothing was uploaded.
    #[error("The upload with id '{upload}' in the repository with name '{}' in registry with id '{}' cannot be completed because it does not have any parts", .repository.name, .repository.registry_id)]
    EmptyUpload {
        /// Which.
        upload: UploadId,
        /// Where.
        repository: RepositoryLabel,
    },
    /// The bytes do not have the digest that the client named.
    #[error("None of the provided layer digests match the calculated layer digest: [{calculated}]")]
    LayerDigestMismatch {
        /// What was calculated.
        calculated: Digest,
    },
    /// A layer would exceed the largest size.
    #[error(
        "The layer exceeds the maximum size of {} bytes",
        crate::upload::MAX_LAYER_SIZE
    )]
    LayerTooLarge,
    /// A layer comes in too many chunks.
    #[error(
        "The upload already has {} chunks: it must be completed, or begun again with larger ones",
        crate::upload::MAX_SEGMENTS
    )]
    TooManyChunks,
    /// The client ended its body early, or sent more than it announced.
    #[error("The request body ended before its announced length")]
    BodyIncomplete,
    /// The token names a principal or access key that is gone, or was not issued here.
    #[error("Not Authorized")]
    TokenInvalid,
    /// The token's time is over.
    #[error("Your authorization token has expired. Reauthenticate and try again.")]
    TokenExpired,
    /// A page token was not issued for this list.
    #[error("Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'")]
    PageTokenInvalid,
    /// Refused by the Identity and Access Management API.
    #[error(transparent)]
    Iam(#[from] IamRefusal),
    /// Refused by the Security Token Service.
    #[error(transparent)]
    Sts(#[from] StsRefusal),
    /// Refused by the Organizations API.
    #[error(transparent)]
    Organizations(#[from] OrganizationsRefusal),
}

/// Declares a family of refusals whose text is decided where they are made. Those after the semicolon also carry the
/// model's name of a reason.
macro_rules! said {
    (
        $(#[$family:meta])*
        $name:ident {
            $($(#[$plain_doc:meta])* $plain:ident),+ $(,)?
            $(; $($(#[$reasoned_doc:meta])* $reasoned:ident),+ $(,)?)?
        }
    ) => {
        $(#[$family])*
        #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
        pub enum $name {
            $(
                $(#[$plain_doc])*
                #[error("{message}")]
                $plain {
                    /// What the client is told.
                    message: String,
                },
            )+
            $($(
                $(#[$reasoned_doc])*
                #[error("{message}")]
                $reasoned {
                    /// What the client is told.
                    message: String,
                    /// The model's name of the reason, such as `INVALID_PATTERN`.
                    reason: &'static str,
                },
            )+)?
        }

        impl From<$name> for $crate::Error {
            fn from(refusal: $name) -> Self {
                Self::Refused(refusal.into())
            }
        }
    };
}

use said;

impl Error {
    /// A fault of ours, from anything that can say what happened.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }
}

fn join(digests: &[Digest]) -> String {
    digests
        .iter()
        .map(Digest::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_is_an_error_with_its_own_text() {
        let message = || "The user with name ada cannot be found.".to_owned();
        let invalid = OrganizationsRefusal::InvalidInput {
            message: message(),
            reason: "INVALID_PATTERN",
        };
        for error in [
            Error::from(IamRefusal::NoSuchEntity { message: message() }),
            StsRefusal::AccessDenied { message: message() }.into(),
            invalid.into(),
        ] {
            assert!(matches!(error, Error::Refused(_)));
            assert_eq!(error.to_string(), message());
        }
    }

    #[test]
    fn texts_are_those_that_clients_match() {
        let repository = RepositoryLabel {
            name: RepositoryName::parse("team/app").unwrap(),
            registry_id: AccountId::parse("000000000000").unwrap(),
        };
        assert_eq!(
            Refusal::RepositoryNotFound(repository.clone()).to_string(),
            "The repository with name 'team/app' does not exist in the registry with id '000000000000'"
        );
        let missing = Refusal::ImageNotFound {
            digest: None,
            tag: Some(Tag::parse("v1").unwrap()),
            repository,
        };
        assert_eq!(
            missing.to_string(),
            "The image with imageId {imageDigest:'null', imageTag:'v1'} does not exist within the repository with name 'team/app' in the registry with id '000000000000'"
        );
    }
}
