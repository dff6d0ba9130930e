//! How the API names images, and says why one of a batch was passed over.

use ecru_aws_model::ecr as wire;
use ecru_ports::metadata::TagStatus;
use ecru_services::images::{ImageFailure, ListedImage, RequestedImage};

pub(super) fn requested(ids: Vec<wire::ImageIdentifier>) -> Vec<RequestedImage> {
    let one = |id: wire::ImageIdentifier| RequestedImage {
        tag: id.image_tag,
        digest: id.image_digest,
    };
    ids.into_iter().map(one).collect()
}

pub(super) fn wire_id(listed: ListedImage) -> wire::ImageIdentifier {
    wire::ImageIdentifier {
        image_digest: Some(listed.digest.to_string()),
        image_tag: listed.tag.map(|tag| tag.to_string()),
    }
}

/// The identifier goes back as it came.
pub(super) fn wire_failure(
    (requested, failure): (RequestedImage, ImageFailure),
) -> wire::ImageFailure {
    wire::ImageFailure {
        image_id: Some(wire::ImageIdentifier {
            image_digest: requested.digest,
            image_tag: requested.tag,
        }),
        failure_code: wire::ImageFailureCode::parse(failure.code()),
        failure_reason: Some(failure.reason()),
    }
}

pub(super) fn tag_status(status: Option<wire::TagStatus>) -> TagStatus {
    match status {
        None | Some(wire::TagStatus::Any) => TagStatus::Any,
        Some(wire::TagStatus::Tagged) => TagStatus::Tagged,
        Some(wire::TagStatus::Untagged) => TagStatus::Untagged,
    }
}

/// Whether a list with this filter shows active images, which all are as long as nothing can be archived.
pub(super) fn shows_active(status: Option<wire::ImageStatusFilter>) -> bool {
    match status {
        None | Some(wire::ImageStatusFilter::Active | wire::ImageStatusFilter::Any) => true,
        Some(wire::ImageStatusFilter::Archived | wire::ImageStatusFilter::Activating) => false,
    }
}
