//! Refusals in the words of the registry's model, for the ECR API and the administration API. A new refusal does not
//! compile until its code is decided here.

use ecru_aws_model::ConstraintViolations;
use ecru_aws_model::ecr::{self, ExceptionKind, ExceptionMembers, Operation};
use ecru_domain::error::RepositoryLabel;
use ecru_domain::manifest::ManifestError;
use ecru_domain::{Refusal, UploadId};

use super::everywhere::Everywhere;
use crate::exception::Exception;
use crate::protocol::Protocol;

/// What a fault of ours is called.
pub(super) const FAULT: &str = ExceptionKind::Server.name();

/// What a refusal is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Code {
    /// An exception of the ECR model.
    Modelled(ExceptionKind),
    /// An error that every AWS API may answer.
    Everywhere(Everywhere),
}

/// An input that breaks constraints.
pub(crate) fn broken(operation: Operation, violations: &ConstraintViolations) -> Exception {
    let code = operation.constraint_exception().name();
    Exception::new(code, violations.in_registry_words())
}

/// The exception of a refusal; `None` if no use case of the registry makes it. One that the model does not let the
/// operation answer becomes the operation's exception for bad parameters, with the same text.
pub(super) fn exception(refusal: &Refusal, operation: Option<Operation>) -> Option<Exception> {
    let kind = match code_of(refusal)? {
        Code::Everywhere(error) => {
            return Some(error.exception(Protocol::AwsJson, refusal.to_string()));
        }
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
    Some(exception.into())
}

#[deny(
    clippy::wildcard_enum_match_arm,
    clippy::match_wildcard_for_single_variants
)]
fn code_of(refusal: &Refusal) -> Option<Code> {
    use ExceptionKind as Kind;
    Some(Code::Modelled(match refusal {
        Refusal::AccessDenied { .. } => return Some(Code::Everywhere(Everywhere::AccessDenied)),
        Refusal::TokenInvalid => return Some(Code::Everywhere(Everywhere::UnknownToken)),
        Refusal::TokenExpired => return Some(Code::Everywhere(Everywhere::ExpiredToken)),
        Refusal::InvalidParameter { .. }
        | Refusal::RepositoryNameInvalid
        | Refusal::ManifestInvalid(_)
        | Refusal::ImageReferencedByManifestList(_)
        | Refusal::BodyIncomplete
        | Refusal::PageTokenInvalid => Kind::InvalidParameter,
        Refusal::RepositoryNotFound(_) => Kind::RepositoryNotFound,
        Refusal::RepositoryAlreadyExists(_) => Kind::RepositoryAlreadyExists,
        Refusal::RepositoryNotEmpty(_) => Kind::RepositoryNotEmpty,
        Refusal::RepositoryPolicyNotFound(_) => Kind::RepositoryPolicyNotFound,
        Refusal::RegistryPolicyNotFound(_) => Kind::RegistryPolicyNotFound,
        Refusal::InvalidTagParameter(_) => Kind::InvalidTagParameter,
        Refusal::TooManyTags => Kind::TooManyTags,
        Refusal::LimitExceeded(_) | Refusal::LayerTooLarge | Refusal::TooManyChunks => {
            Kind::LimitExceeded
        }
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
        Refusal::Iam(_) | Refusal::Sts(_) | Refusal::Organizations(_) => return None,
    }))
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

#[cfg(test)]
mod tests {
    use ecru_domain::{AccountId, Action, Digest, IamRefusal, RepositoryName, StsRefusal, Tag};
    use serde_json::json;

    use super::*;

    fn repository() -> RepositoryLabel {
        RepositoryLabel {
            name: RepositoryName::parse("team/app").unwrap(),
            registry_id: AccountId::parse("000000000000").unwrap(),
        }
    }

    fn upload() -> UploadId {
        UploadId::parse("01234567-89ab-cdef-0123-456789abcdef").unwrap()
    }

    fn kms() -> Refusal {
        Refusal::Kms {
            code: "DisabledException",
            message: "the key is disabled".to_owned(),
        }
    }

    fn part(received: u64) -> Refusal {
        Refusal::InvalidLayerPart {
            problem: "First byte of the layer part is 7 instead of 3".to_owned(),
            upload: upload(),
            repository: repository(),
            received,
        }
    }

    /// Each refusal with an operation that makes it, or `None` if no operation of this API does.
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn refusals() -> Vec<(Refusal, Option<Operation>, &'static str)> {
        use Operation as Op;
        let digest = Digest::sha256(b"x");
        let tag = Tag::parse("v1").unwrap();
        let (text, digests) = (String::new, || vec![Digest::sha256(b"x")]);
        vec![
            (
                Refusal::InvalidParameter {
                    member: "imageTag",
                    constraint: text(),
                },
                Some(Op::PutImage),
                "InvalidParameterException",
            ),
            (
                Refusal::RepositoryNameInvalid,
                Some(Op::ListImages),
                "InvalidParameterException",
            ),
            (
                Refusal::AccessDenied {
                    principal: text(),
                    action: Action::PUT_IMAGE,
                    resource: text(),
                    reason: text(),
                },
                Some(Op::PutImage),
                "AccessDeniedException",
            ),
            (
                Refusal::RepositoryNotFound(repository()),
                Some(Op::TagResource),
                "RepositoryNotFoundException",
            ),
            (
                Refusal::RepositoryAlreadyExists(repository()),
                Some(Op::CreateRepository),
                "RepositoryAlreadyExistsException",
            ),
            (
                Refusal::RepositoryNotEmpty(repository()),
                Some(Op::DeleteRepository),
                "RepositoryNotEmptyException",
            ),
            (
                Refusal::InvalidTagParameter(text()),
                Some(Op::TagResource),
                "InvalidTagParameterException",
            ),
            (
                Refusal::TooManyTags,
                Some(Op::CreateRepository),
                "TooManyTagsException",
            ),
            (
                Refusal::LimitExceeded(text()),
                Some(Op::UploadLayerPart),
                "LimitExceededException",
            ),
            (kms(), Some(Op::InitiateLayerUpload), "KmsException"),
            (
                Refusal::ImageNotFound {
                    digest: None,
                    tag: None,
                    repository: repository(),
                },
                Some(Op::DescribeImages),
                "ImageNotFoundException",
            ),
            (
                Refusal::ImageAlreadyExists {
                    digest: digest.clone(),
                    tag: None,
                    repository: repository(),
                },
                Some(Op::PutImage),
                "ImageAlreadyExistsException",
            ),
            (
                Refusal::ImageTagAlreadyExists {
                    tag,
                    repository: repository(),
                },
                Some(Op::PutImage),
                "ImageTagAlreadyExistsException",
            ),
            (
                Refusal::ImageDigestDoesNotMatch {
                    supplied: text(),
                    repository: repository(),
                },
                Some(Op::PutImage),
                "ImageDigestDoesNotMatchException",
            ),
            (
                Refusal::ManifestInvalid(ManifestError::TooLarge),
                Some(Op::PutImage),
                "InvalidParameterException",
            ),
            (
                Refusal::LayersNotFound {
                    digests: digests(),
                    repository: repository(),
                },
                Some(Op::PutImage),
                "LayersNotFoundException",
            ),
            (
                Refusal::ReferencedImagesNotFound {
                    digests: digests(),
                    repository: repository(),
                },
                Some(Op::PutImage),
                "ReferencedImagesNotFoundException",
            ),
            (Refusal::ManifestNotFound, None, "ImageNotFoundException"),
            (
                Refusal::ImageReferencedByManifestList(digests()),
                None,
                "InvalidParameterException",
            ),
            (
                Refusal::LayerNotFound {
                    digest: digest.clone(),
                    repository: repository(),
                },
                Some(Op::GetDownloadUrlForLayer),
                "LayersNotFoundException",
            ),
            (
                Refusal::LayerInaccessible {
                    digest: digest.clone(),
                    repository: repository(),
                },
                Some(Op::GetDownloadUrlForLayer),
                "LayerInaccessibleException",
            ),
            (
                Refusal::LayerAlreadyExists {
                    digest: digest.clone(),
                    repository: repository(),
                },
                Some(Op::CompleteLayerUpload),
                "LayerAlreadyExistsException",
            ),
            (
                Refusal::UploadNotFound {
                    upload: upload(),
                    repository: repository(),
                },
                Some(Op::UploadLayerPart),
                "UploadNotFoundException",
            ),
            (
                part(3),
                Some(Op::UploadLayerPart),
                "InvalidLayerPartException",
            ),
            (
                Refusal::LayerPartTooSmall,
                Some(Op::CompleteLayerUpload),
                "LayerPartTooSmallException",
            ),
            (
                Refusal::EmptyUpload {
                    upload: upload(),
                    repository: repository(),
                },
                Some(Op::CompleteLayerUpload),
                "EmptyUploadException",
            ),
            (
                Refusal::LayerDigestMismatch { calculated: digest },
                Some(Op::CompleteLayerUpload),
                "InvalidLayerException",
            ),
            (
                Refusal::LayerTooLarge,
                Some(Op::UploadLayerPart),
                "LimitExceededException",
            ),
            (
                Refusal::TooManyChunks,
                Some(Op::UploadLayerPart),
                "LimitExceededException",
            ),
            (Refusal::BodyIncomplete, None, "InvalidParameterException"),
            (Refusal::TokenInvalid, None, "UnrecognizedClientException"),
            (Refusal::TokenExpired, None, "ExpiredTokenException"),
            (
                Refusal::PageTokenInvalid,
                Some(Op::ListImages),
                "InvalidParameterException",
            ),
        ]
    }

    #[test]
    fn each_refusal_has_its_exception() {
        for (refusal, operation, code) in refusals() {
            let exception = exception(&refusal, operation).unwrap();
            assert_eq!((exception.code(), exception.status().as_u16()), (code, 400));
        }
    }

    #[test]
    fn nothing_leaves_that_the_model_does_not_declare() {
        for (refusal, ..) in refusals() {
            for operation in Operation::ALL {
                let exception = exception(&refusal, Some(*operation)).unwrap();
                let is_allowed = match ExceptionKind::parse(exception.code()) {
                    Some(kind) => operation.allowed_exceptions().contains(&kind),
                    None => matches!(code_of(&refusal), Some(Code::Everywhere(_))),
                };
                assert!(is_allowed, "{operation} answers {}", exception.code());
            }
        }
    }

    #[test]
    fn two_exceptions_carry_more_than_a_text() {
        let members = |refusal: &Refusal, operation| {
            let exception = exception(refusal, Some(operation)).unwrap();
            serde_json::Value::Object(exception.members().clone())
        };
        let named = |last: Option<i64>| {
            let mut members = json!({
                "registryId": "000000000000",
                "repositoryName": "team/app",
                "uploadId": "01234567-89ab-cdef-0123-456789abcdef",
            });
            if let Some(last) = last {
                members["lastValidByteReceived"] = last.into();
            }
            members
        };
        let operation = Operation::UploadLayerPart;
        assert_eq!(members(&part(3), operation), named(Some(2)));
        assert_eq!(members(&part(0), operation), named(None));
        assert_eq!(
            members(&kms(), operation),
            json!({"kmsError": "DisabledException"})
        );
        assert_eq!(members(&kms(), Operation::ListImageReferrers), json!({}));
    }

    #[test]
    fn the_manifest_is_named_as_the_parameter_that_it_is() {
        let refusal = Refusal::ManifestInvalid(ManifestError::MediaTypeMissing);
        assert_eq!(
            exception(&refusal, Some(Operation::PutImage))
                .unwrap()
                .message(),
            "Invalid parameter at 'imageManifestMediaType' failed to satisfy constraint: \
             'the manifest media type is required'"
        );
    }

    #[test]
    fn what_other_apis_refuse_is_no_refusal_here() {
        let message = || "no such user".to_owned();
        let foreign = IamRefusal::NoSuchEntity { message: message() };
        assert_eq!(exception(&foreign.into(), None), None);
        let foreign = StsRefusal::AccessDenied { message: message() };
        assert_eq!(exception(&foreign.into(), None), None);
    }
}
