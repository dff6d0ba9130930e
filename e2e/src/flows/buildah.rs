//! buildah: the daemonless way to build and push.

use std::fs;

use anyhow::{Result, ensure};

use super::Flow;
use crate::content::tar;
use crate::scene::Scene;
use crate::tool::Tool;

const REPOSITORY: &str = "buildah/app";

pub(super) const FLOWS: &[Flow] = &[
    Flow::new("buildah", "login", login),
    Flow::new("buildah", "push in OCI format", |scene| push(scene, "oci")),
    Flow::new("buildah", "push in docker format", |scene| {
        push(scene, "v2s2")
    }),
    Flow::new("buildah", "pull", pull),
];

fn login(scene: &mut Scene) -> Result<()> {
    scene.forget_logins()?;
    scene.create_repository(REPOSITORY)?;
    let host = scene.host();
    let login = [
        "login",
        "--tls-verify=false",
        "--username",
        "AWS",
        "--password-stdin",
        &host,
    ];
    buildah(scene)?.args(login).input(&scene.password)?.run()?;
    let context = scene.folder("context")?;
    fs::write(
        context.join("content.tar"),
        tar("content.txt", b"built without a daemon\n"),
    )?;
    let container = buildah(scene)?.args(["from", "scratch"]).run()?;
    let archive = context.join("content.tar");
    buildah(scene)?
        .args(["add", "--quiet", container.trim()])
        .args([&archive])
        .args(["/"])
        .run()?;
    buildah(scene)?
        .args(["commit", "--quiet", "--rm", container.trim(), "app:local"])
        .run()?;
    Ok(())
}

fn push(scene: &mut Scene, format: &str) -> Result<()> {
    let to = remote(scene, format);
    buildah(scene)?
        .args([
            "push",
            "--tls-verify=false",
            "--format",
            format,
            "app:local",
            &to,
        ])
        .run()?;
    let answer = scene.get_manifest(REPOSITORY, format)?;
    let family = if format == "oci" {
        "vnd.oci"
    } else {
        "vnd.docker"
    };
    let stored = answer.header("content-type").unwrap_or_default();
    ensure!(
        answer.status == 200 && stored.contains(family),
        "stored as {} {stored}",
        answer.status
    );
    Ok(())
}

fn pull(scene: &mut Scene) -> Result<()> {
    buildah(scene)?.args(["rmi", "--all", "--force"]).run()?;
    for format in ["oci", "v2s2"] {
        buildah(scene)?
            .args([
                "pull",
                "--quiet",
                "--tls-verify=false",
                &remote(scene, format),
            ])
            .run()?;
    }
    let images = buildah(scene)?.args(["images", "--noheading"]).run()?;
    ensure!(images.contains(REPOSITORY), "nothing was pulled: {images}");
    Ok(())
}

fn remote(scene: &Scene, tag: &str) -> String {
    format!("docker://{}:{tag}", scene.uri(REPOSITORY))
}

/// buildah with its storage and policy below the scene's home. The `vfs` driver needs nothing of the host.
fn buildah(scene: &Scene) -> Result<Tool<'_>> {
    let storage = scene.folder("storage")?;
    let policy = storage.join("storage.conf");
    let text = format!(
        "[storage]\ndriver = \"vfs\"\ngraphroot = \"{0}/graph\"\nrunroot = \"{0}/run\"\n",
        storage.display()
    );
    fs::write(&policy, text)?;
    let containers = scene.folder(".config/containers")?;
    fs::write(
        containers.join("policy.json"),
        r#"{"default":[{"type":"insecureAcceptAnything"}]}"#,
    )?;
    fs::write(
        containers.join("registries.conf"),
        "unqualified-search-registries = []\n",
    )?;
    Ok(scene
        .client("buildah")?
        .env("CONTAINERS_STORAGE_CONF", &policy)
        .env(
            "CONTAINERS_REGISTRIES_CONF",
            containers.join("registries.conf"),
        )
        .env("BUILDAH_ISOLATION", "chroot"))
}
