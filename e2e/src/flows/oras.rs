//! oras: artifacts with a subject, and their discovery.

use std::fs;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::Flow;
use crate::content::Image;
use crate::scene::Scene;
use crate::tool::Tool;

const REPOSITORY: &str = "oras/app";
const KIND: &str = "application/vnd.example.report";

pub(super) const FLOWS: &[Flow] = &[
    Flow::new("oras", "login", login),
    Flow::new("oras", "push and pull an artifact", push_pull),
    Flow::new("oras", "attach an artifact to a subject", attach),
    Flow::new("oras", "discover referrers, filtered by type", discover),
    Flow::new("oras", "pull an attached artifact", pull_attached),
    Flow::new("oras", "copy with referrers", copy),
    Flow::new("oras", "delete a manifest", delete),
];

fn login(scene: &mut Scene) -> Result<()> {
    scene.forget_logins()?;
    scene.create_repository(REPOSITORY)?;
    scene.create_repository("oras/second")?;
    scene.push_image(REPOSITORY, Some("v1"), &Image::oci("oras"))?;
    let folder = scene.folder("files")?;
    fs::write(folder.join("report.json"), r#"{"result":"clean"}"#)?;
    let host = scene.host();
    let login = [
        "login",
        "--plain-http",
        "--username",
        "AWS",
        "--password-stdin",
        &host,
    ];
    scene
        .client("oras")?
        .args(login)
        .input(&scene.password)?
        .run()?;
    Ok(())
}

fn push_pull(scene: &mut Scene) -> Result<()> {
    let reference = format!("{}:file", scene.uri(REPOSITORY));
    let push = [
        "push",
        "--plain-http",
        "--artifact-type",
        KIND,
        &reference,
        "report.json",
    ];
    oras(scene)?.args(push).run()?;
    pull_is_same(scene, &reference, "pulled")
}

fn attach(scene: &mut Scene) -> Result<()> {
    for kind in [KIND, "application/vnd.example.other"] {
        let attach = [
            "attach",
            "--plain-http",
            "--artifact-type",
            kind,
            &subject(scene),
            "report.json",
        ];
        oras(scene)?.args(attach).run()?;
    }
    let tags = scene
        .registry("GET", &format!("/v2/{REPOSITORY}/tags/list"))
        .send(scene.port())?;
    // A registry without the referrers API would have been given a fallback tag.
    ensure!(
        tags.json()["tags"] == serde_json::json!(["file", "v1"]),
        "tags: {}",
        tags.excerpt()
    );
    Ok(())
}

fn discover(scene: &mut Scene) -> Result<()> {
    ensure!(
        referrers(scene, &[])?.len() == 2,
        "both referrers must be found"
    );
    let filtered = referrers(scene, &["--artifact-type", KIND])?;
    ensure!(
        filtered.len() == 1,
        "one referrer has the type, found {}",
        filtered.len()
    );
    let input = serde_json::json!({
        "repositoryName": REPOSITORY, "subjectId": {"imageDigest": Image::oci("oras").digest()},
    });
    let listed = scene.call("ListImageReferrers", &input)?;
    ensure!(
        listed["referrers"]
            .as_array()
            .is_some_and(|list| list.len() == 2),
        "the API lists {listed}"
    );
    Ok(())
}

fn pull_attached(scene: &mut Scene) -> Result<()> {
    let found = referrers(scene, &["--artifact-type", KIND])?;
    let digest = found
        .first()
        .and_then(|entry| entry["digest"].as_str())
        .unwrap_or_default();
    pull_is_same(
        scene,
        &format!("{}@{digest}", scene.uri(REPOSITORY)),
        "pulled-attached",
    )
}

fn copy(scene: &mut Scene) -> Result<()> {
    let to = format!("{}:v1", scene.uri("oras/second"));
    let copy = [
        "copy",
        "--recursive",
        "--from-plain-http",
        "--to-plain-http",
        &subject(scene),
        &to,
    ];
    oras(scene)?.args(copy).run()?;
    let output = oras(scene)?
        .args(["discover", "--plain-http", "--format", "json", &to])
        .run()?;
    ensure!(
        entries(&output)?.len() == 2,
        "referrers were left behind: {output}"
    );
    Ok(())
}

fn delete(scene: &mut Scene) -> Result<()> {
    let found = referrers(scene, &["--artifact-type", KIND])?;
    let digest = found
        .first()
        .and_then(|entry| entry["digest"].as_str())
        .unwrap_or_default();
    let reference = format!("{}@{digest}", scene.uri(REPOSITORY));
    oras(scene)?
        .args(["manifest", "delete", "--plain-http", "--force", &reference])
        .run()?;
    ensure!(
        referrers(scene, &[])?.len() == 1,
        "the deleted referrer is still listed"
    );
    Ok(())
}

fn pull_is_same(scene: &Scene, reference: &str, folder: &str) -> Result<()> {
    let folder = scene.folder(folder)?;
    let output = folder.display().to_string();
    oras(scene)?
        .args(["pull", "--plain-http", "--output", &output, reference])
        .run()?;
    let (sent, received) = (
        fs::read(scene.path("files/report.json"))?,
        fs::read(folder.join("report.json"))?,
    );
    ensure!(sent == received, "the file changed on its way");
    Ok(())
}

fn referrers(scene: &Scene, filter: &[&str]) -> Result<Vec<Value>> {
    let discover = [
        "discover",
        "--plain-http",
        "--format",
        "json",
        "--depth",
        "1",
    ];
    let output = oras(scene)?
        .args(discover)
        .args(filter)
        .args([subject(scene)])
        .run()?;
    entries(&output)
}

fn entries(output: &str) -> Result<Vec<Value>> {
    let found: Value = serde_json::from_str(output)?;
    Ok(found["referrers"].as_array().cloned().unwrap_or_default())
}

fn subject(scene: &Scene) -> String {
    format!("{}:v1", scene.uri(REPOSITORY))
}

fn oras(scene: &Scene) -> Result<Tool<'_>> {
    Ok(scene.client("oras")?.directory(scene.folder("files")?))
}
