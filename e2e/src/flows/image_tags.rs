//! `ecr:ImageTag`: CI may push `dev-*`, only release may push `v*`, with clients that know nothing of it.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::Flow;
use super::image_tags_docker::{COPIES, NAME, image, uri};
use crate::docker::Docker;
use crate::scene::Scene;

pub(super) const DENIED: &str = "is not authorized to perform: ecr:";

pub(super) const FOUND: &[Flow] = &[Flow::new("aws", "one user for each kind of tags", found)];

/// crane, on what docker pushed from each of its image stores.
macro_rules! after_each_store {
    ($($name:literal => $flow:ident),+ $(,)?) => {
        &[$(
            Flow::new("crane", $name, |scene| {
                $flow(scene, Docker::Classic)?;
                $flow(scene, Docker::Containerd)
            }),
        )+]
    };
}

pub(super) const FLOWS: &[Flow] = after_each_store![
    "no pull of a forbidden image by its digest" => by_digest,
    "no retag of a forbidden image" => retag,
    "no index over a forbidden image" => index,
    "no delete of a forbidden tag or of an image that has it" => delete,
    "no forbidden image as latest" => latest,
    "no copy of a forbidden image to another repository" => copy,
];

fn found(scene: &mut Scene) -> Result<()> {
    for docker in [Docker::Classic, Docker::Containerd] {
        for name in [NAME, COPIES] {
            scene.create_repository(&docker.repository(name))?;
        }
    }
    for (name, pushed, pulled) in [
        ("ci", json!(["dev-*"]), json!(["dev-*"])),
        ("release", json!(["v*", "latest"]), json!(["v*", "latest"])),
        ("tester", json!(["dev-*"]), json!(["*"])),
    ] {
        let person = scene.make_user(None, name)?;
        scene.give_policy(None, ("user", name), &policy(&pushed, &pulled))?;
        scene.remember(name, &person)?;
    }
    Ok(())
}

/// Images to push and delete under these tags and to pull under those, and everything that has no tag.
fn policy(pushed: &Value, pulled: &Value) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [
            { "Effect": "Allow", "Resource": "*", "Action": [
                "ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:InitiateLayerUpload",
                "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:GetDownloadUrlForLayer",
            ] },
            { "Effect": "Allow", "Resource": "*", "Action": ["ecr:PutImage", "ecr:BatchDeleteImage"],
              "Condition": { "StringLikeIfExists": { "ecr:ImageTag": pushed } } },
            { "Effect": "Allow", "Resource": "*", "Action": "ecr:BatchGetImage",
              "Condition": { "StringLikeIfExists": { "ecr:ImageTag": pulled } } },
        ],
    })
}

/// The digest of a tag, as somebody who may see it.
fn digest(scene: &Scene, docker: Docker, name: &str, tag: &str) -> Result<String> {
    scene.log_in_as(&scene.recall(name)?)?;
    let output = crane(scene, &["digest", &image(scene, docker, tag)])?;
    Ok(output.trim().to_owned())
}

fn by_digest(scene: &Scene, docker: Docker) -> Result<()> {
    let released = format!(
        "{}@{}",
        uri(scene, docker),
        digest(scene, docker, "release", "v1")?
    );
    crane(scene, &["manifest", &released])?;
    scene.log_in_as(&scene.recall("ci")?)?;
    refused(scene, &["manifest", &released])
}

fn retag(scene: &Scene, docker: Docker) -> Result<()> {
    let repository = docker.repository(NAME);
    let released = digest(scene, docker, "release", "v1")?;
    let manifest = crane(scene, &["manifest", &image(scene, docker, "v1")])?;
    let ci = scene.recall("ci")?;
    scene.log_in_as(&ci)?;
    refused(scene, &["tag", &image(scene, docker, "v1"), "dev-2"])?;
    let by_digest = format!("{}@{released}", uri(scene, docker));
    refused(scene, &["tag", &by_digest, "dev-2"])?;
    // the bytes may be known from elsewhere
    let put = [
        "ecr",
        "put-image",
        "--repository-name",
        &repository,
        "--image-tag",
        "dev-2",
        "--image-manifest",
        &manifest,
    ];
    let told = scene.aws_as(&ci, &put)?.refused()?;
    ensure!(told.contains(DENIED), "another text: {told}");
    Ok(())
}

fn index(scene: &Scene, docker: Docker) -> Result<()> {
    let repository = docker.repository(NAME);
    let released = digest(scene, docker, "release", "v1")?;
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
        &repository,
        "--image-tag",
        "dev-3",
        "--image-manifest",
        &index,
    ];
    let told = scene.aws_as(&ci, &put)?.refused()?;
    ensure!(told.contains(DENIED), "another text: {told}");
    Ok(())
}

fn delete(scene: &Scene, docker: Docker) -> Result<()> {
    let repository = docker.repository(NAME);
    let released = digest(scene, docker, "release", "v1")?;
    let ci = scene.recall("ci")?;
    scene.log_in_as(&ci)?;
    refused(scene, &["delete", &image(scene, docker, "v1")])?;
    refused(
        scene,
        &["delete", &format!("{}@{released}", uri(scene, docker))],
    )?;
    let ids = format!("imageTag=dev-1 imageDigest={released}");
    let mut delete = vec![
        "ecr",
        "batch-delete-image",
        "--repository-name",
        &repository,
        "--image-ids",
    ];
    delete.extend(ids.split(' '));
    let told = scene.aws_as(&ci, &delete)?.refused()?;
    ensure!(told.contains(DENIED), "another text: {told}");
    digest(scene, docker, "ci", "dev-1")?;
    Ok(())
}

fn latest(scene: &Scene, docker: Docker) -> Result<()> {
    digest(scene, docker, "release", "v1")?;
    // the newest push is release's, for which latest stands
    crane(scene, &["manifest", &image(scene, docker, "latest")])?;
    scene.log_in_as(&scene.recall("ci")?)?;
    refused(scene, &["manifest", &image(scene, docker, "latest")])?;
    refused(scene, &["manifest", &uri(scene, docker)])
}

fn copy(scene: &Scene, docker: Docker) -> Result<()> {
    scene.log_in_as(&scene.recall("ci")?)?;
    let to = format!("{}:dev-1", scene.uri(&docker.repository(COPIES)));
    refused(scene, &["copy", &image(scene, docker, "v1"), &to])?;
    crane(scene, &["copy", &image(scene, docker, "dev-1"), &to])?;
    Ok(())
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
