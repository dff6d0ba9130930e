//! skopeo: copies of a multi-architecture index, in both formats.

use anyhow::{Result, ensure};
use serde_json::Value;

use super::Flow;
use crate::content::{Image, write_index_layout};
use crate::scene::Scene;
use crate::tool::Tool;

const REPOSITORY: &str = "skopeo/multi";

pub(super) const FLOWS: &[Flow] = &[
    Flow::new("skopeo", "login", login),
    Flow::new("skopeo", "copy an index in OCI format", copy_oci),
    Flow::new("skopeo", "copy an index in docker format", copy_docker),
    Flow::new("skopeo", "copy back, byte for byte", copy_back),
    Flow::new("skopeo", "copy between repositories", copy_between),
    Flow::new("skopeo", "inspect and list-tags", inspect),
    Flow::new("skopeo", "delete", delete),
];

fn login(scene: &mut Scene) -> Result<()> {
    scene.forget_logins()?;
    let host = scene.host();
    let login = [
        "login",
        "--tls-verify=false",
        "--username",
        "AWS",
        "--password-stdin",
        &host,
    ];
    scene
        .client("skopeo")?
        .args(login)
        .input(&scene.password)?
        .run()?;
    scene.create_repository(REPOSITORY)?;
    scene.create_repository("skopeo/second")
}

fn copy_oci(scene: &mut Scene) -> Result<()> {
    let layout = scene.folder("layout")?;
    write_index_layout(&layout, &images(), "v1")?;
    let (from, to) = (format!("oci:{}:v1", layout.display()), remote(scene, "oci"));
    skopeo(scene)?
        .args([
            "copy",
            "--all",
            "--format",
            "oci",
            "--dest-tls-verify=false",
            &from,
            &to,
        ])
        .run()?;
    expect_type(scene, "oci", "application/vnd.oci.image.index.v1+json")
}

fn copy_docker(scene: &mut Scene) -> Result<()> {
    let layout = scene.folder("layout")?;
    let (from, to) = (
        format!("oci:{}:v1", layout.display()),
        remote(scene, "v2s2"),
    );
    skopeo(scene)?
        .args([
            "copy",
            "--all",
            "--format",
            "v2s2",
            "--dest-tls-verify=false",
            &from,
            &to,
        ])
        .run()?;
    expect_type(
        scene,
        "v2s2",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    )
}

fn copy_back(scene: &mut Scene) -> Result<()> {
    for tag in ["oci", "v2s2"] {
        let folder = scene.folder(&format!("back-{tag}"))?;
        let (from, to) = (remote(scene, tag), format!("dir:{}", folder.display()));
        let copy = [
            "copy",
            "--all",
            "--preserve-digests",
            "--src-tls-verify=false",
            &from,
            &to,
        ];
        skopeo(scene)?.args(copy).run()?;
        let stored = scene.get_manifest(REPOSITORY, tag)?;
        let received = std::fs::read(folder.join("manifest.json"))?;
        ensure!(
            stored.body == received,
            "{tag}: the index changed on its way"
        );
    }
    Ok(())
}

fn copy_between(scene: &mut Scene) -> Result<()> {
    let (from, to) = (
        remote(scene, "oci"),
        format!("docker://{}:copy", scene.uri("skopeo/second")),
    );
    let copy = [
        "copy",
        "--all",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        &from,
        &to,
    ];
    skopeo(scene)?.args(copy).run()?;
    let first = scene.get_manifest(REPOSITORY, "oci")?;
    let second = scene.get_manifest("skopeo/second", "copy")?;
    ensure!(first.body == second.body, "the copy differs");
    Ok(())
}

fn inspect(scene: &mut Scene) -> Result<()> {
    let bare = format!("docker://{}", scene.uri(REPOSITORY));
    let tags = skopeo(scene)?
        .args(["list-tags", "--tls-verify=false", &bare])
        .run()?;
    let tags: Value = serde_json::from_str(&tags)?;
    ensure!(
        tags["Tags"] == serde_json::json!(["oci", "v2s2"]),
        "tags: {tags}"
    );
    let config = skopeo(scene)?
        .args(["inspect", "--tls-verify=false", &remote(scene, "oci")])
        .run()?;
    let config: Value = serde_json::from_str(&config)?;
    ensure!(config["Architecture"] == "amd64", "inspect: {config}");
    Ok(())
}

fn delete(scene: &mut Scene) -> Result<()> {
    skopeo(scene)?
        .args(["delete", "--tls-verify=false", &remote(scene, "v2s2")])
        .run()?;
    let answer = scene.get_manifest(REPOSITORY, "v2s2")?;
    ensure!(answer.status == 404, "still there: {}", answer.status);
    Ok(())
}

fn images() -> [Image; 2] {
    [Image::oci("skopeo"), Image::oci_for("skopeo-arm", "arm64")]
}

fn remote(scene: &Scene, tag: &str) -> String {
    format!("docker://{}:{tag}", scene.uri(REPOSITORY))
}

fn skopeo(scene: &Scene) -> Result<Tool<'_>> {
    Ok(scene.client("skopeo")?.args(["--insecure-policy"]))
}

fn expect_type(scene: &Scene, tag: &str, media_type: &str) -> Result<()> {
    let all = "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.index.v1+json";
    let answer = scene
        .registry("GET", &format!("/v2/{REPOSITORY}/manifests/{tag}"))
        .header("accept", all)
        .send(scene.port())?;
    ensure!(
        answer.header("content-type") == Some(media_type),
        "stored as {:?}",
        answer.header("content-type")
    );
    Ok(())
}
