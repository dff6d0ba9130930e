//! Manifests: GET and HEAD of one that is there, PUT of new ones.

use anyhow::ensure;
use hyper::{Method, StatusCode};

use crate::blob::Blob;
use crate::client::{Connection, full};
use crate::manifest::{Layer, MEDIA_TYPE, image, sha256};
use crate::options::Reference;
use crate::upload::{Upload, UploadMode, push_blob};
use crate::workload::{KnownManifest, Plan, push_config};

const ACCEPT: (&str, &str) = ("accept", MEDIA_TYPE);
const CONTENT_TYPE: (&str, &str) = ("content-type", MEDIA_TYPE);
/// Tag of the manifest that is read.
const TAG: &str = "bench";
/// Seeds of its small layers, away from those of the blobs under test.
const LAYER_SEEDS: u64 = 900_000_000;
const LAYER_SIZE: u64 = 1024;

/// Pushes an image of small layers, so that its manifest is of a usual size (about 2 KB).
pub(super) async fn stock(plan: &mut Plan, connection: &mut Connection) -> anyhow::Result<()> {
    push_config(plan, connection).await?;
    let mut layers = Vec::new();
    for seed in LAYER_SEEDS..LAYER_SEEDS + plan.options.layers {
        let blob = Blob::new(&plan.noise, seed, LAYER_SIZE);
        let digest = blob.digest();
        let upload = Upload {
            repository: plan.repository(),
            blob: &blob,
            digest: &digest,
        };
        push_blob(connection, &upload, UploadMode::Mono).await?;
        layers.push(Layer {
            digest,
            size: LAYER_SIZE,
        });
    }
    stock_manifest(plan, connection, &layers).await
}

/// Stores the manifest over `layers` as the one to be read.
pub(super) async fn stock_manifest(
    plan: &mut Plan,
    connection: &mut Connection,
    layers: &[Layer],
) -> anyhow::Result<()> {
    let text = image(layers, "fixed")?;
    let digest = sha256(text.as_bytes());
    put(plan, connection, TAG, text).await?;
    plan.manifest = Some(KnownManifest { digest });
    Ok(())
}

/// Puts a manifest under a tag and returns its size.
pub(super) async fn put(
    plan: &Plan,
    connection: &mut Connection,
    tag: &str,
    text: String,
) -> anyhow::Result<u64> {
    let bytes = text.len() as u64;
    let path = format!("/v2/{}/manifests/{tag}", plan.repository());
    connection
        .exchange(Method::PUT, &path, &[CONTENT_TYPE], full(text))
        .await?
        .expect(StatusCode::CREATED, "PUT manifest")?;
    Ok(bytes)
}

pub(super) fn path(plan: &Plan, by: Reference) -> String {
    let reference = match (by, &plan.manifest) {
        (Reference::Digest, Some(manifest)) => &manifest.digest,
        _ => TAG,
    };
    format!("/v2/{}/manifests/{reference}", plan.repository())
}

pub(super) async fn get(plan: &Plan, connection: &mut Connection) -> anyhow::Result<u64> {
    let path = path(plan, plan.options.by);
    let received = connection
        .download(&path, &[ACCEPT], plan.options.verify)
        .await?;
    if let (Some(digest), Some(manifest)) = (&received.digest, &plan.manifest) {
        ensure!(digest == &manifest.digest, "manifest has digest {digest}");
    }
    received.expect(StatusCode::OK)
}

pub(super) async fn head(plan: &Plan, connection: &mut Connection) -> anyhow::Result<u64> {
    let path = path(plan, plan.options.by);
    let status = connection.head(&path, &[ACCEPT]).await?;
    ensure!(status == StatusCode::OK, "HEAD manifest: status {status}");
    Ok(0)
}

/// Puts a manifest that was never seen before under a tag that was never seen before.
pub(super) async fn put_new(
    plan: &Plan,
    connection: &mut Connection,
    number: u64,
) -> anyhow::Result<u64> {
    let name = format!("{}-{number}", plan.options.seed);
    let text = image(&[], &name)?;
    put(plan, connection, &format!("p{name}"), text).await
}
