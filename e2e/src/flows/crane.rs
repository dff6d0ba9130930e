//! crane: the registry API from a script.

use std::fs;

use anyhow::{Result, ensure};

use super::Flow;
use crate::content::{Image, write_index_layout, write_layout};
use crate::scene::Scene;

const REPOSITORY: &str = "crane/app";

pub(super) const FLOWS: &[Flow] = &[
    Flow::new("crane", "auth login", login),
    Flow::new("crane", "push", push),
    Flow::new("crane", "push an index", push_index),
    Flow::new("crane", "digest and manifest", digest),
    Flow::new("crane", "ls", ls),
    Flow::new("crane", "pull", pull),
    Flow::new("crane", "copy between repositories", copy),
    Flow::new("crane", "tag", tag),
    Flow::new("crane", "validate", validate),
    Flow::new("crane", "catalog", catalog),
    Flow::new("crane", "delete", delete),
    Flow::new(
        "crane",
        "delete of the last tag keeps the manifest",
        delete_tag,
    ),
];

fn login(scene: &mut Scene) -> Result<()> {
    scene.forget_logins()?;
    scene.create_repository(REPOSITORY)?;
    scene.create_repository("crane/second")?;
    let host = scene.host();
    let login = [
        "auth",
        "login",
        &host,
        "--username",
        "AWS",
        "--password-stdin",
    ];
    scene
        .client("crane")?
        .args(login)
        .input(&scene.password)?
        .run()?;
    Ok(())
}

fn push(scene: &mut Scene) -> Result<()> {
    let layout = scene.folder("layout")?;
    write_layout(&layout, &image())?;
    let layout = layout.display().to_string();
    let output = crane(scene, &["push", &layout, &tagged(scene, "v1")])?;
    ensure!(
        output.contains(&image().digest()),
        "pushed another image: {output}"
    );
    Ok(())
}

fn push_index(scene: &mut Scene) -> Result<()> {
    let layout = scene.folder("index-layout")?;
    let index = write_index_layout(
        &layout,
        &[image(), Image::oci_for("crane-arm", "arm64")],
        "v1",
    )?;
    let layout = layout.display().to_string();
    crane(
        scene,
        &["push", "--index", &layout, &tagged(scene, "outer")],
    )?;
    // The layout's own index is what crane pushes; the index it names must have come along.
    let inner = crate::content::digest(&index);
    crane(
        scene,
        &["manifest", &format!("{}@{inner}", scene.uri(REPOSITORY))],
    )?;
    crane(
        scene,
        &[
            "tag",
            &format!("{}@{inner}", scene.uri(REPOSITORY)),
            "multi",
        ],
    )?;
    Ok(())
}

fn digest(scene: &mut Scene) -> Result<()> {
    let output = crane(scene, &["digest", &tagged(scene, "v1")])?;
    ensure!(output.trim() == image().digest(), "digest {output}");
    let manifest = crane(scene, &["manifest", &tagged(scene, "v1")])?;
    ensure!(
        manifest.trim_end().as_bytes() == image().manifest,
        "the manifest is not the one pushed"
    );
    Ok(())
}

fn ls(scene: &mut Scene) -> Result<()> {
    let output = crane(scene, &["ls", &scene.uri(REPOSITORY)])?;
    ensure!(
        output.lines().eq(["multi", "outer", "v1"]),
        "tags: {output}"
    );
    Ok(())
}

fn pull(scene: &mut Scene) -> Result<()> {
    let archive = scene.path("pulled.tar").display().to_string();
    crane(scene, &["pull", &tagged(scene, "v1"), &archive])?;
    ensure!(
        fs::metadata(&archive)?.len() > 3_000,
        "the archive is empty"
    );
    let layout = scene.path("pulled-layout");
    crane(
        scene,
        &[
            "pull",
            "--format",
            "oci",
            &tagged(scene, "multi"),
            &layout.display().to_string(),
        ],
    )?;
    ensure!(layout.join("index.json").is_file(), "no layout was written");
    Ok(())
}

fn copy(scene: &mut Scene) -> Result<()> {
    let to = format!("{}:copy", scene.uri("crane/second"));
    crane(scene, &["copy", &tagged(scene, "multi"), &to])?;
    let (here, there) = (
        crane(scene, &["digest", &tagged(scene, "multi")])?,
        crane(scene, &["digest", &to])?,
    );
    ensure!(here == there, "the copy differs");
    Ok(())
}

fn tag(scene: &mut Scene) -> Result<()> {
    crane(scene, &["tag", &tagged(scene, "v1"), "v2"])?;
    let output = crane(scene, &["digest", &tagged(scene, "v2")])?;
    ensure!(output.trim() == image().digest(), "v2 is {output}");
    Ok(())
}

fn validate(scene: &mut Scene) -> Result<()> {
    crane(scene, &["validate", "--remote", &tagged(scene, "v1")])?;
    crane(
        scene,
        &[
            "validate",
            "--remote",
            &format!("{}:copy", scene.uri("crane/second")),
        ],
    )?;
    Ok(())
}

fn catalog(scene: &mut Scene) -> Result<()> {
    let output = crane(scene, &["catalog", &scene.host()])?;
    ensure!(
        output.lines().eq([REPOSITORY, "crane/second"]),
        "catalog: {output}"
    );
    Ok(())
}

fn delete(scene: &mut Scene) -> Result<()> {
    crane(scene, &["delete", &tagged(scene, "v2")])?;
    scene
        .client("crane")?
        .args(["manifest", "--insecure", &tagged(scene, "v2")])
        .refused()?;
    let to = format!("{}:copy", scene.uri("crane/second"));
    let digest = crane(scene, &["digest", &to])?;
    let by_digest = format!("{}@{}", scene.uri("crane/second"), digest.trim());
    crane(scene, &["delete", &by_digest])?;
    scene
        .client("crane")?
        .args(["manifest", "--insecure", &by_digest])
        .refused()?;
    Ok(())
}

fn delete_tag(scene: &mut Scene) -> Result<()> {
    let alone = Image::oci("crane-alone");
    scene.push_image(REPOSITORY, Some("alone"), &alone)?;
    crane(scene, &["delete", &tagged(scene, "alone")])?;
    let gone = tagged(scene, "alone");
    scene
        .client("crane")?
        .args(["--insecure", "manifest", &gone])
        .refused()?;
    let by_digest = format!("{}@{}", scene.uri(REPOSITORY), alone.digest());
    crane(scene, &["manifest", &by_digest])?;
    Ok(())
}

fn image() -> Image {
    Image::oci("crane")
}

fn tagged(scene: &Scene, tag: &str) -> String {
    format!("{}:{tag}", scene.uri(REPOSITORY))
}

/// Runs crane over plain HTTP.
pub(super) fn crane(scene: &Scene, arguments: &[&str]) -> Result<String> {
    scene
        .client("crane")?
        .args(["--insecure"])
        .args(arguments)
        .run()
}
