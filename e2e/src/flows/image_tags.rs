//! `ecr:ImageTag`: CI may push `dev-*`, only release may push `v*`, with clients that know nothing of it.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::Flow;
use super::docker::remove;
use crate::scene::Scene;

const REPOSITORY: &str = "team/app";
const DENIED: &str = "is not authorized to perform: ecr:";

pub(super) const FLOWS: &[Flow] = &[
    Flow::new("aws", "one user for each kind of tags", found),
    Flow::new("docker", "each pushes under its own tags alone", push),
    Flow::new("docker", "each pulls under its own tags alone", pull),
    Flow::new(
        "crane",
        "no pull of a forbidden image by its digest",
        by_digest,
    ),
    Flow::new("crane", "no retag of a forbidden image", retag),
    Flow::new("crane", "no index over a forbidden image", index),
    Flow::new(
        "crane",
        "no delete of a forbidden tag or of an image that has it",
        delete,
    ),
    Flow::new("crane", "no forbidden image as latest", latest),
    Flow::new(
        "crane",
        "no copy of a forbidden image to another repository",
        copy,
    ),
];

fn found(scene: &mut Scene) -> Result<()> {
    scene.create_repository(REPOSITORY)?;
    scene.create_repository("team/other")?;
    for (name, tags) in [
        ("ci", json!(["dev-*"])),
        ("release", json!(["v*", "latest"])),
    ] {
        let person = scene.make_user(None, name)?;
        scene.give_policy(None, ("user", name), &policy(&tags))?;
        scene.remember(name, &person)?;
    }
    Ok(())
}

/// Images under these tags, and everything that has no tag.
fn policy(tags: &Value) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [
            { "Effect": "Allow", "Resource": "*", "Action": [
                "ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:InitiateLayerUpload",
                "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:GetDownloadUrlForLayer",
            ] },
            { "Effect": "Allow", "Resource": "*",
              "Action": ["ecr:PutImage", "ecr:BatchGetImage", "ecr:BatchDeleteImage"],
              "Condition": { "StringLikeIfExists": { "ecr:ImageTag": tags } } },
        ],
    })
}

fn push(scene: &mut Scene) -> Result<()> {
    let context = scene.folder("context")?;
    for (name, own, other) in [("ci", "dev-1", "v1"), ("release", "v1", "dev-1")] {
        scene.log_in_as(&scene.recall(name)?)?;
        std::fs::write(
            context.join("Dockerfile"),
            format!("FROM scratch\nCOPY Dockerfile /{name}\n"),
        )?;
        let (own, other) = (image(scene, own), image(scene, other));
        let folder = context.to_string_lossy().into_owned();
        docker(scene, &["build", "--quiet", "--tag", &own, &folder])?;
        docker(scene, &["tag", &own, &other])?;
        let refused = scene.client("docker")?.args(["push", &other]).refused()?;
        ensure!(refused.contains(DENIED), "another text: {refused}");
        docker(scene, &["push", &own])?;
        remove(scene, &other)?;
    }
    Ok(())
}

fn pull(scene: &mut Scene) -> Result<()> {
    for (name, own, other) in [("ci", "dev-1", "v1"), ("release", "v1", "dev-1")] {
        scene.log_in_as(&scene.recall(name)?)?;
        let (own, other) = (image(scene, own), image(scene, other));
        docker(scene, &["pull", "--quiet", &own])?;
        remove(scene, &own)?;
        let refused = scene
            .client("docker")?
            .args(["pull", "--quiet", &other])
            .refused()?;
        ensure!(refused.contains(DENIED), "another text: {refused}");
    }
    Ok(())
}

/// The digest of a tag, as somebody who may see it.
fn digest(scene: &Scene, name: &str, tag: &str) -> Result<String> {
    scene.log_in_as(&scene.recall(name)?)?;
    let output = crane(scene, &["digest", &image(scene, tag)])?;
    Ok(output.trim().to_owned())
}

fn by_digest(scene: &mut Scene) -> Result<()> {
    let released = format!(
        "{}@{}",
        scene.uri(REPOSITORY),
        digest(scene, "release", "v1")?
    );
    crane(scene, &["manifest", &released])?;
    scene.log_in_as(&scene.recall("ci")?)?;
    refused(scene, &["manifest", &released])
}

fn retag(scene: &mut Scene) -> Result<()> {
    let released = digest(scene, "release", "v1")?;
    let manifest = crane(scene, &["manifest", &image(scene, "v1")])?;
    let ci = scene.recall("ci")?;
    scene.log_in_as(&ci)?;
    refused(scene, &["tag", &image(scene, "v1"), "dev-2"])?;
    let by_digest = format!("{}@{released}", scene.uri(REPOSITORY));
    refused(scene, &["tag", &by_digest, "dev-2"])?;
    // the bytes may be known from elsewhere
    let put = [
        "ecr",
        "put-image",
        "--repository-name",
        REPOSITORY,
        "--image-tag",
        "dev-2",
        "--image-manifest",
        &manifest,
    ];
    let told = scene.aws_as(&ci, &put)?.refused()?;
    ensure!(told.contains(DENIED), "another text: {told}");
    Ok(())
}

fn index(scene: &mut Scene) -> Result<()> {
    let released = digest(scene, "release", "v1")?;
    let index = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{ "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "digest": released, "size": 2 }],
    });
    let ci = scene.recall("ci")?;
    let index = index.to_string();
    let put = [
        "ecr",
        "put-image",
        "--repository-name",
        REPOSITORY,
        "--image-tag",
        "dev-3",
        "--image-manifest",
        &index,
    ];
    let told = scene.aws_as(&ci, &put)?.refused()?;
    ensure!(told.contains(DENIED), "another text: {told}");
    Ok(())
}

fn delete(scene: &mut Scene) -> Result<()> {
    let released = digest(scene, "release", "v1")?;
    let ci = scene.recall("ci")?;
    scene.log_in_as(&ci)?;
    refused(scene, &["delete", &image(scene, "v1")])?;
    refused(
        scene,
        &["delete", &format!("{}@{released}", scene.uri(REPOSITORY))],
    )?;
    let ids = format!("imageTag=dev-1 imageDigest={released}");
    let mut delete = vec![
        "ecr",
        "batch-delete-image",
        "--repository-name",
        REPOSITORY,
        "--image-ids",
    ];
    delete.extend(ids.split(' '));
    let told = scene.aws_as(&ci, &delete)?.refused()?;
    ensure!(told.contains(DENIED), "another text: {told}");
    digest(scene, "ci", "dev-1")?;
    Ok(())
}

fn latest(scene: &mut Scene) -> Result<()> {
    digest(scene, "release", "v1")?;
    // the newest push is v1, for which latest stands
    crane(scene, &["manifest", &image(scene, "latest")])?;
    scene.log_in_as(&scene.recall("ci")?)?;
    refused(scene, &["manifest", &image(scene, "latest")])?;
    refused(scene, &["manifest", &scene.uri(REPOSITORY)])
}

fn copy(scene: &mut Scene) -> Result<()> {
    scene.log_in_as(&scene.recall("ci")?)?;
    let to = format!("{}:dev-1", scene.uri("team/other"));
    refused(scene, &["copy", &image(scene, "v1"), &to])?;
    crane(scene, &["copy", &image(scene, "dev-1"), &to])?;
    Ok(())
}

fn image(scene: &Scene, tag: &str) -> String {
    format!("{}:{tag}", scene.uri(REPOSITORY))
}

fn docker(scene: &Scene, arguments: &[&str]) -> Result<String> {
    scene.client("docker")?.args(arguments).run()
}

fn crane(scene: &Scene, arguments: &[&str]) -> Result<String> {
    scene.client("crane")?.args(arguments).run()
}

/// crane prints what the registry says of a refusal.
fn refused(scene: &Scene, arguments: &[&str]) -> Result<()> {
    let told = scene.client("crane")?.args(arguments).refused()?;
    // a HEAD has no body, and so no words
    ensure!(
        told.contains(DENIED) || told.contains("403"),
        "another text: {told}"
    );
    Ok(())
}
