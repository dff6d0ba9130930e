//! `ListImageReferrers`: images that name another as their subject.

use ecru_aws_model::ecr as wire;
use ecru_domain::Error;
use ecru_services::images::{ReferrerDescription, ReferrerQuery};

use super::images::if_shown;
use super::{page, wire_number};
use crate::call::{Call, digest};

pub(crate) async fn list(
    call: &Call<'_>,
    input: wire::ListImageReferrersRequest,
) -> Result<wire::ListImageReferrersResponse, Error> {
    let target = call.target(input.registry_id.as_deref(), &input.repository_name)?;
    let subject = digest("subjectId.imageDigest", &input.subject_id.image_digest)?;
    let page = page(input.max_results, input.next_token);
    let (types, is_shown) = match input.filter {
        Some(filter) => (filter.artifact_types, shows_active(filter.artifact_status)),
        None => (None, true),
    };
    let query = ReferrerQuery {
        registry: &target.registry,
        name: &target.name,
        subject: &subject,
        artifact_types: &types.unwrap_or_default(),
        page: &page,
    };
    let found = call.services.images.list_referrers(&call.context, query);
    let referrers = if_shown(is_shown, found.await?).map(wire_referrer);
    Ok(wire::ListImageReferrersResponse {
        referrers: Some(referrers.items),
        next_token: referrers.next_token,
    })
}

fn shows_active(status: Option<wire::ArtifactStatusFilter>) -> bool {
    match status {
        None | Some(wire::ArtifactStatusFilter::Active | wire::ArtifactStatusFilter::Any) => true,
        Some(wire::ArtifactStatusFilter::Archived | wire::ArtifactStatusFilter::Activating) => {
            false
        }
    }
}

fn wire_referrer(referrer: ReferrerDescription) -> wire::ImageReferrer {
    let annotations = referrer.annotations;
    wire::ImageReferrer {
        digest: referrer.digest.to_string(),
        media_type: referrer.media_type,
        artifact_type: referrer.artifact_type,
        size: wire_number(referrer.size),
        annotations: (!annotations.is_empty()).then_some(annotations),
        artifact_status: Some(wire::ArtifactStatus::Active),
    }
}
