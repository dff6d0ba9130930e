//! Layers: are they there, and where to download them.

use ecru_aws_model::Sensitive;
use ecru_aws_model::ecr as wire;
use ecru_domain::{Digest, Error};
use ecru_services::layers::LayerAvailability;

use super::wire_number;
use crate::call::{Call, digest};

/// Never fails for one layer: what is not a digest is a failure, what is not there is unavailable.
pub(crate) async fn check(
    call: &Call<'_>,
    input: wire::BatchCheckLayerAvailabilityRequest,
) -> Result<wire::BatchCheckLayerAvailabilityResponse, Error> {
    let target = call.target(input.registry_id.as_deref(), &input.repository_name)?;
    let (mut digests, mut failures) = (Vec::new(), Vec::new());
    for text in input.layer_digests {
        match Digest::parse(&text) {
            Ok(digest) => digests.push(digest),
            Err(_) => failures.push(not_a_digest(text)),
        }
    }
    let (registry, name) = (&target.registry, &target.name);
    let layers = &call.services.layers;
    let checked = layers.check(&call.context, registry, name, digests).await?;
    Ok(wire::BatchCheckLayerAvailabilityResponse {
        layers: Some(checked.into_iter().map(wire_layer).collect()),
        failures: Some(failures),
    })
}

pub(crate) async fn get_download_url(
    call: &Call<'_>,
    input: wire::GetDownloadUrlForLayerRequest,
) -> Result<wire::GetDownloadUrlForLayerResponse, Error> {
    let target = call.target(input.registry_id.as_deref(), &input.repository_name)?;
    let digest = digest("layerDigest", &input.layer_digest)?;
    let (registry, name) = (&target.registry, &target.name);
    let layers = &call.services.layers;
    let sealed = layers.download_link(&call.context, registry, name, &digest);
    let url = call.config.layer_url(registry, &sealed.await?);
    Ok(wire::GetDownloadUrlForLayerResponse {
        download_url: Some(Sensitive::new(url)),
        layer_digest: Some(digest.to_string()),
    })
}

fn wire_layer((digest, availability): (Digest, LayerAvailability)) -> wire::Layer {
    let layer = wire::Layer {
        layer_digest: Some(digest.to_string()),
        ..wire::Layer::default()
    };
    match availability {
        LayerAvailability::Unavailable => wire::Layer {
            layer_availability: Some(wire::LayerAvailability::Unavailable),
            ..layer
        },
        LayerAvailability::Available { size, media_type } => wire::Layer {
            layer_availability: Some(wire::LayerAvailability::Available),
            layer_size: Some(wire_number(size)),
            media_type,
            ..layer
        },
    }
}

fn not_a_digest(text: String) -> wire::LayerFailure {
    let (code, reason) = if text.is_empty() {
        (
            wire::LayerFailureCode::MissingLayerDigest,
            "Invalid request parameters: layer digest cannot be empty",
        )
    } else {
        (
            wire::LayerFailureCode::InvalidLayerDigest,
            "Invalid request parameters: layer digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
        )
    };
    wire::LayerFailure {
        layer_digest: Some(text),
        failure_code: Some(code),
        failure_reason: Some(reason.to_owned()),
    }
}
