//! What an operator sees: health, metrics, verification, revocation, configuration.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::Flow;
use crate::api::expect;
use crate::content::{self, Image};
use crate::scene::Scene;
use crate::server::{ACCOUNT, Launch, free_port};
use crate::tool::Tool;
use crate::wire::Request;

const REPOSITORY: &str = "operated/app";

pub(super) const FLOWS: &[Flow] = &[
    Flow::new("wire", "health and readiness without detail", health),
    Flow::new(
        "wire",
        "metrics on their own listener, without names",
        metrics,
    ),
    Flow::new("ecru", "verify finds a whole store whole", verify_whole),
    Flow::new(
        "ecru",
        "verify finds a damaged object, online",
        verify_damaged,
    ),
    Flow::new("ecru", "verify --offline needs the lock", verify_locked),
    Flow::new(
        "ecru",
        "verify --offline --repair sets damage aside",
        verify_repair,
    ),
    Flow::new("ecru", "token revoke-all ends every token", revoke),
    Flow::new("ecru", "config explain shows no secret", explain),
];

fn health(scene: &mut Scene) -> Result<()> {
    for path in ["/healthz", "/readyz"] {
        let answer = Request::new("GET", path).send(scene.port())?;
        expect(&answer, 200, path)?;
        ensure!(answer.body.len() < 32, "{path} tells: {}", answer.excerpt());
    }
    Ok(())
}

fn metrics(scene: &mut Scene) -> Result<()> {
    let port = free_port()?;
    scene.server.stop()?;
    let flags = ["--metrics-listen".to_owned(), format!("127.0.0.1:{port}")].to_vec();
    scene.relaunch(&Launch {
        flags,
        ..Launch::default()
    })?;
    scene.create_repository(REPOSITORY)?;
    scene.push_image(REPOSITORY, Some("v1"), &Image::oci("operated"))?;
    scene.push_blob(REPOSITORY, &content::noise("operated", 300_000))?;
    let answer = Request::new("GET", "/metrics").send(port)?;
    expect(&answer, 200, "/metrics")?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    ensure!(
        text.contains("# TYPE") && text.contains("requests"),
        "no metrics: {}",
        answer.excerpt()
    );
    for name in [REPOSITORY, ACCOUNT, scene.key.id.as_str()] {
        ensure!(!text.contains(name), "metrics name {name}");
    }
    let mut lines = text.lines();
    let stored = lines.find_map(|line| line.strip_prefix("ecru_stored_bytes "));
    let stored: u64 = stored.context("no stored bytes")?.parse()?;
    ensure!(stored >= 300_000, "{stored} bytes are stored");
    let elsewhere = scene.registry("GET", "/metrics").send(scene.port())?;
    ensure!(
        elsewhere.status == 404,
        "/metrics on the main listener: {}",
        elsewhere.status
    );
    Ok(())
}

fn verify_whole(scene: &mut Scene) -> Result<()> {
    scene.ecru(&["verify"])?.run()?;
    Ok(())
}

fn verify_damaged(scene: &mut Scene) -> Result<()> {
    let object = largest_object(scene)?;
    let mut bytes = fs::read(&object)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&object, bytes)?;
    let output = scene.ecru(&["verify"])?.refused()?;
    let digest = content::digest(&content::noise("operated", 300_000));
    let id = object
        .file_stem()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    ensure!(
        output.contains(&digest) || output.contains(id),
        "verify does not say what is damaged: {output}"
    );
    Ok(())
}

fn verify_locked(scene: &mut Scene) -> Result<()> {
    let output = scene.ecru(&["verify", "--offline"])?.refused()?;
    ensure!(!output.contains("panicked"), "{output}");
    Ok(())
}

fn verify_repair(scene: &mut Scene) -> Result<()> {
    scene.server.stop()?;
    let object = largest_object(scene)?;
    scene
        .ecru(&["verify", "--offline", "--repair"])?
        .limit(std::time::Duration::from_mins(1))
        .refused()?;
    ensure!(
        !object.try_exists()?,
        "the damaged object is still in its place"
    );
    scene.relaunch(&Launch::default())?;
    expect(
        &scene.get_manifest(REPOSITORY, "v1")?,
        200,
        "the image that was whole",
    )
}

fn revoke(scene: &mut Scene) -> Result<()> {
    let old = scene.password.clone();
    scene.ecru(&["token", "revoke-all"])?.run()?;
    let request = crate::api::authenticated(Request::new("GET", "/v2/"), &old);
    let status = request.send(scene.port())?.status;
    ensure!(matches!(status, 401 | 403), "the old token gives {status}");
    let fresh = scene.password_for(crate::server::REGION)?;
    let request = crate::api::authenticated(Request::new("GET", "/v2/"), &fresh);
    expect(&request.send(scene.port())?, 200, "a fresh token")
}

fn explain(scene: &mut Scene) -> Result<()> {
    let (secret, password) = (
        "explainSecretExplainSecretExplainSecret0",
        "databasePasswordOfTheRun",
    );
    scene.bench.remember_secret(secret);
    scene.bench.remember_secret(password);
    let output = Tool::new(&scene.bench, &scene.bench.binary.display().to_string())?
        .args(["config", "explain", "--region", "eu-north-1"])
        .env("ECRU_ROOT_ACCESS_KEY_ID", "AKIAEXAMPLEEXPLAIN00")
        .env("ECRU_ROOT_SECRET_ACCESS_KEY", secret)
        .env(
            "ECRU_METADATA",
            format!("postgres://user:{password}@db.example.test/ecru"),
        )
        .directory(&scene.server.home)
        .run()?;
    ensure!(
        output.contains("eu-north-1") && output.contains("db.example.test"),
        "explained: {output}"
    );
    Ok(())
}

fn largest_object(scene: &Scene) -> Result<std::path::PathBuf> {
    let mut found: Option<(u64, std::path::PathBuf)> = None;
    for shard in fs::read_dir(scene.data().join("blobs/objects"))? {
        for entry in fs::read_dir(shard?.path())? {
            let entry = entry?;
            let size = entry.metadata()?.len();
            if found.as_ref().is_none_or(|(largest, _)| size > *largest) {
                found = Some((size, entry.path()));
            }
        }
    }
    found
        .map(|(_, path)| path)
        .context("no object lies on disk")
}
