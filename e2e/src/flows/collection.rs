//! Online collection: what nothing refers to any more goes, what anything refers to stays.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::Flow;
use crate::api::expect;
use crate::content::{self, OCI_MANIFEST};
use crate::scene::Scene;
use crate::server::Launch;

const REPOSITORY: &str = "collected/app";
const PATIENCE: Duration = Duration::from_secs(90);
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const CONFIG: &[u8] =
    br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#;

pub(super) const FLOWS: &[Flow] = &[
    Flow::new(
        "wire",
        "collection takes what nothing refers to, and that alone",
        shared_layer_stays,
    ),
    Flow::new(
        "wire",
        "the bytes of collected layers leave the disk",
        bytes_leave,
    ),
];

fn shared_layer_stays(scene: &mut Scene) -> Result<()> {
    scene.server.stop()?;
    let flags = ["--layer-grace", "8s"].map(str::to_owned).to_vec();
    scene.relaunch(&Launch {
        flags,
        ..Launch::default()
    })?;
    scene.create_repository(REPOSITORY)?;
    for seed in ["shared", "own", "other"] {
        scene.push_blob(REPOSITORY, &layer(seed))?;
    }
    scene.push_blob(REPOSITORY, CONFIG)?;
    push_manifest(scene, "kept", &["shared", "other"])?;
    let doomed = push_manifest(scene, "doomed", &["shared", "own"])?;
    let before = size(&objects(scene))?;
    let input = json!({"repositoryName": REPOSITORY, "imageIds": [{"imageDigest": doomed}]});
    scene.call("BatchDeleteImage", &input)?;
    // The layer is no longer offered long before it is collected: the disk tells.
    await_smaller(scene, before)?;
    let own = scene.get_blob(REPOSITORY, &content::digest(&layer("own")))?;
    expect(&own, 404, "the layer that nothing refers to")?;
    // The shared layer and the config lost one reference in the same step; both are still referred to.
    thread::sleep(Duration::from_secs(3));
    for blob in [layer("shared"), layer("other"), CONFIG.to_vec()] {
        let answer = scene.get_blob(REPOSITORY, &content::digest(&blob))?;
        ensure!(
            answer.status == 200 && answer.body == blob,
            "a referenced layer is gone: {}",
            answer.status
        );
    }
    expect(
        &scene.get_manifest(REPOSITORY, "kept")?,
        200,
        "the kept image",
    )
}

fn bytes_leave(scene: &mut Scene) -> Result<()> {
    let before = size(&objects(scene))?;
    scene.push_blob(REPOSITORY, &layer("large and unreferenced"))?;
    let with = size(&objects(scene))?;
    ensure!(with > before, "the blob took no room");
    await_smaller(scene, with)
}

/// Waits until the objects on disk take less room than they did.
fn await_smaller(scene: &Scene, before: u64) -> Result<()> {
    let started = Instant::now();
    while size(&objects(scene))? >= before {
        ensure!(started.elapsed() < PATIENCE, "nothing left the disk");
        thread::sleep(Duration::from_millis(300));
    }
    Ok(())
}

fn objects(scene: &Scene) -> PathBuf {
    scene.data().join("blobs/objects")
}

fn push_manifest(scene: &Scene, tag: &str, layers: &[&str]) -> Result<String> {
    let layers: Vec<Value> = layers
        .iter()
        .map(|seed| content::descriptor(LAYER, &layer(seed)))
        .collect();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": layers,
        "config": content::descriptor("application/vnd.oci.image.config.v1+json", CONFIG),
    });
    let manifest = manifest.to_string();
    expect(
        &scene.put_manifest(REPOSITORY, tag, OCI_MANIFEST, manifest.as_bytes())?,
        201,
        tag,
    )?;
    Ok(content::digest(manifest.as_bytes()))
}

fn layer(seed: &str) -> Vec<u8> {
    content::noise(seed, 200_000)
}

fn size(folder: &std::path::Path) -> Result<u64> {
    let mut total = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        total += match std::fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => size(&path)?,
            Ok(found) => found.len(),
            // The collector took it meanwhile.
            Err(_) => 0,
        };
    }
    Ok(total)
}
