//! Images: push, describe, list, delete.

use bytes::Bytes;
use ecru_aws_model::Sensitive;
use ecru_aws_model::ecr as wire;
use ecru_domain::error::RepositoryLabel;
use ecru_domain::{Error, Refusal};
use ecru_services::Page;
use ecru_services::images::{ImageDescription, PutImage, PutImageOutcome, StoredImage};

use super::image_ids::{requested, shows_active, tag_status, wire_failure, wire_id};
use super::{page, wire_number, wire_time};
use crate::call::{Call, Target, image_tag, refuse};

pub(crate) async fn put(
    call: &Call<'_>,
    input: wire::PutImageRequest,
) -> Result<wire::PutImageResponse, Error> {
    let target = call.target(input.registry_id.as_deref(), &input.repository_name)?;
    let manifest = input.image_manifest.into_string();
    let tag = input.image_tag.as_deref().map(image_tag).transpose()?;
    let command = PutImage {
        registry: target.registry.clone(),
        name: target.name.clone(),
        manifest: Bytes::from(manifest.clone()),
        media_type: input.image_manifest_media_type,
        digest: input.image_digest,
        tags: tag.clone().into_iter().collect(),
    };
    let outcome = call.services.images.put(&call.context, command).await?;
    let stored = match outcome {
        PutImageOutcome::Stored(stored) => stored,
        PutImageOutcome::AlreadyPresent(image) | PutImageOutcome::TagIsImmutable(image, _) => {
            return Err(already_exists(target, image, tag));
        }
    };
    Ok(wire::PutImageResponse {
        image: Some(wire_image(&target, input.image_tag, stored, manifest)),
    })
}

/// The image as it is stored now, with the manifest as it came.
fn wire_image(
    target: &Target,
    tag: Option<String>,
    stored: StoredImage,
    manifest: String,
) -> wire::Image {
    wire::Image {
        registry_id: Some(target.registry_id()),
        repository_name: Some(target.repository_name()),
        image_id: Some(wire::ImageIdentifier {
            image_digest: Some(stored.digest.to_string()),
            image_tag: tag,
        }),
        image_manifest: Some(Sensitive::new(manifest)),
        image_manifest_media_type: Some(stored.media_type),
    }
}

/// What `/v2/` answers with success or another error, this API calls an image that exists (spec: decision table of
/// a push).
fn already_exists(target: Target, image: StoredImage, tag: Option<ecru_domain::Tag>) -> Error {
    Refusal::ImageAlreadyExists {
        digest: image.digest,
        tag,
        repository: RepositoryLabel {
            name: target.name,
            registry_id: target.registry.account,
        },
    }
    .into()
}

/// By identifier, or page by page: never both.
pub(crate) async fn describe(
    call: &Call<'_>,
    mut input: wire::DescribeImagesRequest,
) -> Result<wire::DescribeImagesResponse, Error> {
    let target = call.target(input.registry_id.as_deref(), &input.repository_name)?;
    let is_paged = input.max_results.is_some() || input.next_token.is_some();
    let found = match input.image_ids.take() {
        Some(_) if is_paged => {
            let constraint = "can't be combined with 'maxResults' or 'nextToken'";
            return Err(refuse("imageIds", constraint));
        }
        Some(ids) => describe_each(call, &target, ids).await?,
        None => describe_page(call, &target, input).await?,
    };
    let details = found.map(|image| wire_detail(&target, image));
    Ok(wire::DescribeImagesResponse {
        image_details: Some(details.items),
        next_token: details.next_token,
    })
}

async fn describe_each(
    call: &Call<'_>,
    target: &Target,
    ids: Vec<wire::ImageIdentifier>,
) -> Result<Page<ImageDescription>, Error> {
    let (registry, name) = (&target.registry, &target.name);
    let images = &call.services.images;
    let found = images.describe(&call.context, registry, name, requested(ids));
    Ok(Page {
        items: found.await?,
        next_token: None,
    })
}

async fn describe_page(
    call: &Call<'_>,
    target: &Target,
    input: wire::DescribeImagesRequest,
) -> Result<Page<ImageDescription>, Error> {
    let filter = input.filter.as_ref();
    let status = tag_status(filter.and_then(|filter| filter.tag_status));
    let page = page(input.max_results, input.next_token);
    let (registry, name) = (&target.registry, &target.name);
    let images = &call.services.images;
    let found = images.describe_page(&call.context, registry, name, status, &page);
    let is_shown = shows_active(filter.and_then(|filter| filter.image_status));
    Ok(if_shown(is_shown, found.await?))
}

pub(crate) async fn list(
    call: &Call<'_>,
    input: wire::ListImagesRequest,
) -> Result<wire::ListImagesResponse, Error> {
    let target = call.target(input.registry_id.as_deref(), &input.repository_name)?;
    let filter = input.filter.as_ref();
    let status = tag_status(filter.and_then(|filter| filter.tag_status));
    let page = page(input.max_results, input.next_token);
    let (registry, name) = (&target.registry, &target.name);
    let images = &call.services.images;
    let found = images.list(&call.context, registry, name, status, &page);
    let is_shown = shows_active(filter.and_then(|filter| filter.image_status));
    let ids = if_shown(is_shown, found.await?).map(wire_id);
    Ok(wire::ListImagesResponse {
        image_ids: Some(ids.items),
        next_token: ids.next_token,
    })
}

pub(crate) async fn batch_delete(
    call: &Call<'_>,
    input: wire::BatchDeleteImageRequest,
) -> Result<wire::BatchDeleteImageResponse, Error> {
    let target = call.target(input.registry_id.as_deref(), &input.repository_name)?;
    let (registry, name) = (&target.registry, &target.name);
    let images = &call.services.images;
    let ids = requested(input.image_ids);
    let outcome = images
        .batch_delete(&call.context, registry, name, ids)
        .await?;
    Ok(wire::BatchDeleteImageResponse {
        image_ids: Some(outcome.deleted.into_iter().map(wire_id).collect()),
        failures: Some(outcome.failures.into_iter().map(wire_failure).collect()),
    })
}

/// A page of a list whose filter leaves active images out is empty.
pub(super) fn if_shown<T>(is_shown: bool, page: Page<T>) -> Page<T> {
    if is_shown {
        return page;
    }
    Page {
        items: Vec::new(),
        next_token: None,
    }
}

fn wire_detail(target: &Target, image: ImageDescription) -> wire::ImageDetail {
    let (record, tags) = (image.record, image.tags);
    let tags: Vec<String> = tags.iter().map(ToString::to_string).collect();
    wire::ImageDetail {
        registry_id: Some(target.registry_id()),
        repository_name: Some(target.repository_name()),
        image_digest: Some(record.digest.to_string()),
        image_tags: (!tags.is_empty()).then_some(tags),
        image_size_in_bytes: Some(wire_number(record.size)),
        image_pushed_at: Some(wire_time(record.pushed_at)),
        image_manifest_media_type: Some(record.media_type),
        artifact_media_type: record.artifact_media_type,
        last_recorded_pull_time: record.last_pulled_at.map(wire_time),
        subject_manifest_digest: record.subject.map(|subject| subject.to_string()),
        image_status: Some(wire::ImageStatus::Active),
        ..wire::ImageDetail::default()
    }
}
