//! Nothing that was pushed lies readable on disk: layers, configs, manifests, annotations, uploads that never ended.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::json;

use super::Flow;
use crate::api::expect;
use crate::content::{self, OCI_MANIFEST};
use crate::scene::Scene;
use crate::server::Launch;
use crate::tool::Tool;
use crate::workbench::contains;

const REPOSITORY: &str = "plain/app";
const MARKERS: [&str; 5] = [
    "marker-in-a-layer-9f1c7a",
    "marker-in-a-config-4be2d0",
    "marker-in-an-annotation-77a3f5",
    "marker-in-an-open-upload-c05e19",
    "marker-in-an-artifact-1d84b6",
];

pub(super) const FLOWS: &[Flow] = &[
    Flow::new(
        "wire",
        "no plaintext on disk while the server runs",
        running,
    ),
    Flow::new("wire", "no plaintext on disk after kill -9", killed),
    Flow::new(
        "wire",
        "no plaintext on disk with AWS-managed KMS keys",
        |scene| encrypted(scene, "KMS"),
    ),
    Flow::new(
        "wire",
        "no plaintext in the keys directory",
        keys_hold_no_plaintext,
    ),
];

fn running(scene: &mut Scene) -> Result<()> {
    scene.create_repository(REPOSITORY)?;
    push_marked(scene, REPOSITORY)?;
    search(scene)
}

fn killed(scene: &mut Scene) -> Result<()> {
    scene.server.kill()?;
    search(scene)?;
    scene.relaunch(&Launch::default())?;
    search(scene)
}

fn encrypted(scene: &mut Scene, kind: &str) -> Result<()> {
    let input =
        json!({"repositoryName": "plain/kms", "encryptionConfiguration": {"encryptionType": kind}});
    scene.call("CreateRepository", &input)?;
    push_marked(scene, "plain/kms")?;
    search(scene)
}

fn keys_hold_no_plaintext(scene: &mut Scene) -> Result<()> {
    let mut files = Vec::new();
    collect(&scene.server.home.join("keys"), &mut files)?;
    ensure!(!files.is_empty(), "there are no key files");
    files.iter().try_for_each(|file| search_file(file))
}

/// Pushes an image with marked layers (small and large), config and annotations, an artifact, and parts of uploads.
fn push_marked(scene: &Scene, repository: &str) -> Result<()> {
    let [layer, config, annotation, upload, artifact] = MARKERS;
    let small = layer.repeat(40).into_bytes();
    let large = layer.repeat(100_000).into_bytes();
    let config = json!({
        "architecture": "amd64", "os": "linux", "config": {"Env": [config]},
        "rootfs": {"type": "layers", "diff_ids": [content::digest(&small), content::digest(&large)]},
    });
    let config = config.to_string().into_bytes();
    for blob in [&small, &large, &config] {
        scene.push_blob(repository, blob)?;
    }
    let layer_type = "application/vnd.oci.image.layer.v1.tar";
    let manifest = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": content::descriptor("application/vnd.oci.image.config.v1+json", &config),
        "layers": [content::descriptor(layer_type, &small), content::descriptor(layer_type, &large)],
        "annotations": {"org.example.note": annotation},
    });
    let manifest = manifest.to_string();
    expect(
        &scene.put_manifest(repository, "v1", OCI_MANIFEST, manifest.as_bytes())?,
        201,
        "manifest",
    )?;
    let note = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "application/vnd.example.note",
        "config": {
            "mediaType": "application/vnd.oci.empty.v1+json", "digest": content::digest(b"{}"), "size": 2,
            "data": "e30=",
        },
        "layers": [], "annotations": {"org.example.note": artifact},
        "subject": content::descriptor(OCI_MANIFEST, manifest.as_bytes()),
    });
    scene.push_blob(repository, b"{}")?;
    let note = note.to_string();
    let digest = content::digest(note.as_bytes());
    expect(
        &scene.put_manifest(repository, &digest, OCI_MANIFEST, note.as_bytes())?,
        201,
        "artifact",
    )?;
    for repetitions in [3, 30_000] {
        let target = scene.begin_upload(repository)?;
        let body = upload.repeat(repetitions).into_bytes();
        let patch = scene
            .registry("PATCH", &target)
            .header("content-type", "application/octet-stream");
        expect(&patch.body(&body).send(scene.port())?, 202, "PATCH")?;
    }
    let read = scene.get_manifest(repository, "v1")?;
    ensure!(
        read.body == manifest.as_bytes(),
        "the manifest does not come back"
    );
    Ok(())
}

fn search(scene: &Scene) -> Result<()> {
    let mut files = Vec::new();
    collect(&scene.data(), &mut files)?;
    let bytes: u64 = files
        .iter()
        .filter_map(|file| fs::metadata(file).ok())
        .map(|file| file.len())
        .sum();
    ensure!(
        bytes > 2_000_000,
        "only {bytes} bytes lie below the data directory: nothing was searched"
    );
    if let Some(url) = &scene.server.metadata {
        let dump = scene.bench.private_file("database");
        let into = ["--file".as_ref(), dump.as_os_str(), url.as_ref()];
        Tool::new(&scene.bench, "pg_dump")?.args(into).run()?;
        files.push(dump);
    }
    files.iter().try_for_each(|file| search_file(file))
}

fn search_file(file: &Path) -> Result<()> {
    // A file may be collected while the search runs.
    let Ok(bytes) = fs::read(file) else {
        return Ok(());
    };
    for marker in MARKERS {
        for form in forms(marker) {
            ensure!(
                !contains(&bytes, form.as_bytes()),
                "{} holds {marker}",
                file.display()
            );
        }
    }
    Ok(())
}

/// The marker as it is, in hexadecimal, and in base64 at each of the three alignments.
fn forms(marker: &str) -> Vec<String> {
    let mut forms = vec![marker.to_owned(), hex::encode(marker)];
    for skipped in 0..3 {
        let aligned = marker.get(skipped..).unwrap_or_default();
        let whole = aligned.len() / 3 * 3;
        forms.push(STANDARD_NO_PAD.encode(aligned.get(..whole).unwrap_or_default()));
    }
    forms
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
