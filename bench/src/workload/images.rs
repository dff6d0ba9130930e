//! Whole images, in the order in which clients push and pull them.

use anyhow::ensure;
use hyper::StatusCode;

use crate::client::Connection;
use crate::manifest::{CONFIG, Layer, MEDIA_TYPE, image, sha256};
use crate::options::Reference;
use crate::workload::{Plan, manifests, push_config, transfers};

/// Pushes the image that is pulled later.
pub(super) async fn stock(plan: &mut Plan, connection: &mut Connection) -> anyhow::Result<()> {
    push_config(plan, connection).await?;
    transfers::stock(plan, connection).await?;
    let layers = plan.layers();
    manifests::stock_manifest(plan, connection, &layers).await
}

/// Pushes the layers that are missing, then the manifest.
pub(super) async fn push(
    plan: &Plan,
    connection: &mut Connection,
    number: u64,
) -> anyhow::Result<u64> {
    let mut layers = Vec::new();
    for layer in 0..plan.options.layers {
        let slot = plan.slot(number.wrapping_mul(plan.options.layers) + layer);
        if !plan.has_blob(connection, slot).await? {
            plan.push(connection, slot).await?;
        }
        layers.push(Layer {
            digest: plan.digest(slot).to_owned(),
            size: plan.options.size,
        });
    }
    let name = format!("{}-{number}", plan.options.seed);
    let text = image(&layers, &name)?;
    manifests::put(plan, connection, &format!("i{name}"), text).await?;
    Ok(plan.options.size * plan.options.layers)
}

/// Resolves the tag, gets the manifest by digest, the configuration and every layer.
pub(super) async fn pull(plan: &Plan, connection: &mut Connection) -> anyhow::Result<u64> {
    let accept = ("accept", MEDIA_TYPE);
    let by_tag = manifests::path(plan, Reference::Tag);
    let status = connection.head(&by_tag, &[accept]).await?;
    ensure!(status == StatusCode::OK, "HEAD manifest: status {status}");
    let by_digest = manifests::path(plan, Reference::Digest);
    let manifest = connection.download(&by_digest, &[accept], false).await?;
    manifest.expect(StatusCode::OK)?;
    let config = sha256(CONFIG.as_bytes());
    let config = format!("/v2/{}/blobs/{config}", plan.repository());
    let config = connection.download(&config, &[], false).await?;
    config.expect(StatusCode::OK)?;
    let mut bytes = 0;
    for slot in 0..plan.digests.len() {
        bytes += transfers::pull(plan, connection, slot).await?;
    }
    Ok(bytes)
}
