//! Uploads of layers, part by part.

use bytes::Bytes;
use ecru_aws_model::ecr as wire;
use ecru_domain::upload::{PART_SIZE, PartRange};
use ecru_domain::{Error, UploadId};
use ecru_services::uploads::UploadAddress;

use super::wire_number;
use crate::call::{Call, Target, refuse};

pub(crate) async fn initiate(
    call: &Call<'_>,
    input: wire::InitiateLayerUploadRequest,
) -> Result<wire::InitiateLayerUploadResponse, Error> {
    let target = call.target(input.registry_id.as_deref(), &input.repository_name)?;
    let uploads = &call.services.uploads;
    let upload = uploads.initiate(&call.context, &target.registry, &target.name, false);
    Ok(wire::InitiateLayerUploadResponse {
        upload_id: Some(upload.await?.to_string()),
        part_size: Some(wire_number(PART_SIZE)),
    })
}

pub(crate) async fn upload_part(
    call: &Call<'_>,
    input: wire::UploadLayerPartRequest,
) -> Result<wire::UploadLayerPartResponse, Error> {
    let target = call.target(input.registry_id.as_deref(), &input.repository_name)?;
    let address = address(target.clone(), &input.upload_id)?;
    let range = PartRange {
        first: position("partFirstByte", input.part_first_byte)?,
        last: position("partLastByte", input.part_last_byte)?,
    };
    let part = Bytes::from(input.layer_part_blob.into_bytes());
    let uploads = &call.services.uploads;
    let last = uploads.append_part(&call.context, &address, range, part);
    Ok(wire::UploadLayerPartResponse {
        last_byte_received: Some(wire_number(last.await?)),
        registry_id: Some(target.registry_id()),
        repository_name: Some(target.repository_name()),
        upload_id: Some(input.upload_id),
    })
}

pub(crate) async fn complete(
    call: &Call<'_>,
    input: wire::CompleteLayerUploadRequest,
) -> Result<wire::CompleteLayerUploadResponse, Error> {
    let target = call.target(input.registry_id.as_deref(), &input.repository_name)?;
    let address = address(target.clone(), &input.upload_id)?;
    let uploads = &call.services.uploads;
    let digest = uploads.complete_parts(&call.context, &address, &input.layer_digests);
    Ok(wire::CompleteLayerUploadResponse {
        layer_digest: Some(digest.await?.to_string()),
        registry_id: Some(target.registry_id()),
        repository_name: Some(target.repository_name()),
        upload_id: Some(input.upload_id),
    })
}

fn address(target: Target, upload: &str) -> Result<UploadAddress, Error> {
    let upload = UploadId::parse(upload).map_err(|_| refuse("uploadId", "must be a UUID"))?;
    Ok(UploadAddress {
        registry: target.registry,
        name: target.name,
        upload,
    })
}

fn position(member: &'static str, value: i64) -> Result<u64, Error> {
    u64::try_from(value).map_err(|_| refuse(member, "must not be negative"))
}
