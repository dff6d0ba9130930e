//! `ecr:ImageTag` with docker and each of its image stores: the classic one makes manifests of its own and never pushes
//! an index, containerd's asks for a manifest before it pushes one, and pushes indexes with all that is in them. docker
//! itself deletes nothing at a registry.

use anyhow::{Result, ensure};

use super::Flow;
use super::image_tags::DENIED;
use crate::content::{self, Image, write_index_layout};
use crate::docker::Docker;
use crate::scene::Scene;
use crate::tool::Tool;

/// Name of the repository; where an image of it may be copied to is [`COPIES`].
pub(super) const NAME: &str = "app";
pub(super) const COPIES: &str = "other";

pub(super) const FLOWS: &[Flow] = with_each_store![
    "each pushes under its own tags alone" => push,
    "each pulls under its own tags alone" => pull,
    "no pull of a forbidden image by its digest" => by_digest,
    "no retag of a forbidden image" => retag,
    "no forbidden image as latest" => latest,
    "no copy of a forbidden image to another repository" => copy,
    "who pulls under every tag pushes under its own alone" => pull_all,
    "no index over a forbidden image" => index,
];

fn push(scene: &mut Scene, docker: Docker) -> Result<()> {
    let context = scene.folder("context")?;
    for (name, own, other) in [("ci", "dev-1", "v1"), ("release", "v1", "dev-1")] {
        scene.log_in_as(&scene.recall(name)?)?;
        std::fs::write(
            context.join("Dockerfile"),
            format!("FROM scratch\nCOPY Dockerfile /{name}\n"),
        )?;
        let (own, other) = (image(scene, docker, own), image(scene, docker, other));
        let folder = context.to_string_lossy().into_owned();
        docker.run(scene, &["build", "--quiet", "--tag", &own, &folder])?;
        docker.run(scene, &["tag", &own, &other])?;
        refused(scene, docker, &["push", &other])?;
        docker.run(scene, &["push", &own])?;
        docker.remove(scene, &other)?;
    }
    Ok(())
}

fn pull(scene: &mut Scene, docker: Docker) -> Result<()> {
    for (name, own, other) in [("ci", "dev-1", "v1"), ("release", "v1", "dev-1")] {
        scene.log_in_as(&scene.recall(name)?)?;
        let (own, other) = (image(scene, docker, own), image(scene, docker, other));
        docker.run(scene, &["pull", "--quiet", &own])?;
        docker.remove(scene, &own)?;
        refused(scene, docker, &["pull", "--quiet", &other])?;
    }
    Ok(())
}

fn by_digest(scene: &mut Scene, docker: Docker) -> Result<()> {
    let digest = digest_of(scene, docker, "v1")?;
    let released = format!("{}@{digest}", uri(scene, docker));
    scene.log_in_as(&scene.recall("ci")?)?;
    refused(scene, docker, &["pull", "--quiet", &released])?;
    scene.log_in_as(&scene.recall("release")?)?;
    docker.run(scene, &["pull", "--quiet", &released])?;
    docker.remove(scene, &released)
}

/// Somebody else's login on the same machine has pulled the image.
fn retag(scene: &mut Scene, docker: Docker) -> Result<()> {
    let released = image(scene, docker, "v1");
    scene.log_in_as(&scene.recall("release")?)?;
    docker.run(scene, &["pull", "--quiet", &released])?;
    scene.log_in_as(&scene.recall("ci")?)?;
    for tag in ["dev-2", "latest"] {
        let other = image(scene, docker, tag);
        docker.run(scene, &["tag", &released, &other])?;
        push_refused(scene, docker, tag)?;
        docker.remove(scene, &other)?;
    }
    docker.remove(scene, &released)
}

/// The newest push is v1, for which `latest` stands.
fn latest(scene: &mut Scene, docker: Docker) -> Result<()> {
    let newest = uri(scene, docker);
    scene.log_in_as(&scene.recall("ci")?)?;
    refused(scene, docker, &["pull", "--quiet", &newest])?;
    scene.log_in_as(&scene.recall("release")?)?;
    docker.run(scene, &["pull", "--quiet", &newest])?;
    docker.remove(scene, &newest)
}

fn copy(scene: &mut Scene, docker: Docker) -> Result<()> {
    scene.log_in_as(&scene.recall("ci")?)?;
    let released = image(scene, docker, "v1");
    refused(scene, docker, &["pull", "--quiet", &released])?;
    let own = image(scene, docker, "dev-1");
    let other = format!("{}:dev-1", scene.uri(&docker.repository(COPIES)));
    docker.run(scene, &["pull", "--quiet", &own])?;
    docker.run(scene, &["tag", &own, &other])?;
    let told = docker.run(scene, &["push", &other])?;
    ensure!(told.contains("Mounted from"), "not mounted: {told}");
    docker.remove(scene, &other)?;
    docker.remove(scene, &own)
}

/// What is pushed may be had already, so that the push itself is what is refused.
fn pull_all(scene: &mut Scene, docker: Docker) -> Result<()> {
    scene.log_in_as(&scene.recall("tester")?)?;
    let (own, released) = (image(scene, docker, "dev-1"), image(scene, docker, "v1"));
    for image in [&own, &released] {
        docker.run(scene, &["pull", "--quiet", image])?;
    }
    for tag in ["v2", "latest"] {
        let other = image(scene, docker, tag);
        for source in [&own, &released] {
            docker.run(scene, &["tag", source, &other])?;
            let told = push_refused(scene, docker, tag)?;
            ensure!(told.contains("ecr:PutImage on"), "another text: {told}");
        }
        docker.remove(scene, &other)?;
    }
    let other = image(scene, docker, "dev-2");
    docker.run(scene, &["tag", &own, &other])?;
    docker.run(scene, &["push", &other])?;
    for image in [&own, &released, &other] {
        docker.remove(scene, image)?;
    }
    Ok(())
}

fn index(scene: &mut Scene, docker: Docker) -> Result<()> {
    match docker {
        Docker::Classic => listed(scene, docker),
        Docker::Containerd => loaded(scene, docker),
    }
}

/// `docker manifest` makes lists of what is in a registry. One that was made by who may see the images is kept where who
/// may not can push it.
fn listed(scene: &Scene, docker: Docker) -> Result<()> {
    let released = image(scene, docker, "v1");
    let create = |tag: &str| {
        let list = image(scene, docker, tag);
        ["manifest", "create", "--insecure", &list, &released].map(str::to_owned)
    };
    let push = |tag: &str| {
        let list = image(scene, docker, tag);
        ["manifest", "push", "--insecure", "--purge", &list].map(str::to_owned)
    };
    scene.log_in_as(&scene.recall("release")?)?;
    for tag in ["v3", "dev-3"] {
        docker.tool(scene)?.args(create(tag)).run()?;
    }
    docker.tool(scene)?.args(push("v3")).run()?;
    scene.log_in_as(&scene.recall("ci")?)?;
    for arguments in [push("dev-3"), create("dev-4")] {
        let told = docker.tool(scene)?.args(arguments).refused()?;
        ensure!(told.contains(DENIED), "another text: {told}");
    }
    ensure_absent(scene, docker, "dev-3")
}

/// An index in the store is pushed with its images.
fn loaded(scene: &Scene, docker: Docker) -> Result<()> {
    let released = ["amd64", "arm64"].map(|machine| Image::oci_for("released", machine));
    let own = ["amd64", "arm64"].map(|machine| Image::oci_for("developed", machine));
    let mixed = [released[0].clone(), own[1].clone()];
    scene.log_in_as(&scene.recall("ci")?)?;
    load(scene, docker, "dev-5", &own)?;
    docker.run(scene, &["push", &image(scene, docker, "dev-5")])?;
    scene.log_in_as(&scene.recall("release")?)?;
    let whole = load(scene, docker, "v3", &released)?;
    docker.run(scene, &["push", &image(scene, docker, "v3")])?;
    let pushed = digest_of(scene, docker, "v3")?;
    ensure!(pushed == content::digest(&whole), "pushed as {pushed}");

    scene.log_in_as(&scene.recall("ci")?)?;
    let (index, again) = (image(scene, docker, "v3"), image(scene, docker, "dev-3"));
    docker.run(scene, &["tag", &index, &again])?;
    push_refused(scene, docker, "dev-3")?;
    load(scene, docker, "dev-4", &mixed)?;
    push_refused(scene, docker, "dev-4")?;
    for tag in ["v3", "dev-3", "dev-4", "dev-5"] {
        docker.remove(scene, &image(scene, docker, tag))?;
    }
    Ok(())
}

/// Brings an index over images into the store, under a tag.
fn load(scene: &Scene, docker: Docker, tag: &str, images: &[Image]) -> Result<Vec<u8>> {
    let layout = scene.folder(&format!("layout-{tag}"))?;
    let index = write_index_layout(&layout, images, &image(scene, docker, tag))?;
    let archive = scene.path(format!("{tag}.tar"));
    Tool::new(&scene.bench, "tar")?
        .directory(&layout)
        .args(["-c", "."])
        .args(["-f".as_ref(), archive.as_os_str()])
        .run()?;
    docker
        .tool(scene)?
        .args(["load", "--quiet", "--input"])
        .args([&archive])
        .run()?;
    Ok(index)
}

/// Tries to push under a tag, for the words of the refusal.
fn push_refused(scene: &Scene, docker: Docker, tag: &str) -> Result<String> {
    let told = refused(scene, docker, &["push", &image(scene, docker, tag)])?;
    ensure_absent(scene, docker, tag)?;
    Ok(told)
}

/// Requires that no image got the tag.
fn ensure_absent(scene: &Scene, docker: Docker, tag: &str) -> Result<()> {
    let path = format!("/v2/{}/tags/list", docker.repository(NAME));
    let list = scene.registry("GET", &path).send(scene.port())?;
    let tags = &list.json()["tags"];
    let tags = tags.as_array().into_iter().flatten();
    ensure!(
        list.status == 200 && !tags.clone().any(|other| other == tag),
        "{tag} is there: {}",
        list.excerpt()
    );
    Ok(())
}

/// What the registry has under a tag, as the root user sees it.
fn digest_of(scene: &Scene, docker: Docker, tag: &str) -> Result<String> {
    let path = format!("/v2/{}/manifests/{tag}", docker.repository(NAME));
    let manifest = scene.registry("GET", &path).send(scene.port())?;
    ensure!(manifest.status == 200, "{tag}: {}", manifest.excerpt());
    Ok(content::digest(&manifest.body))
}

fn refused(scene: &Scene, docker: Docker, arguments: &[&str]) -> Result<String> {
    let told = docker.refused(scene, arguments)?;
    ensure!(told.contains(DENIED), "another text: {told}");
    Ok(told)
}

pub(super) fn uri(scene: &Scene, docker: Docker) -> String {
    scene.uri(&docker.repository(NAME))
}

pub(super) fn image(scene: &Scene, docker: Docker, tag: &str) -> String {
    format!("{}:{tag}", uri(scene, docker))
}
