//! The aws CLI, an operation a flow: layers and images.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::Flow;
use super::aws::{REPOSITORY, repository_call};
use crate::content::{self, Image, OCI_MANIFEST};
use crate::scene::Scene;
use crate::wire::Request;

pub(super) const FLOWS: &[Flow] = &[
    Flow::new("aws", "initiate-layer-upload", initiate),
    Flow::new("aws", "upload-layer-part", upload_part),
    Flow::new("aws", "complete-layer-upload", complete),
    Flow::new("aws", "batch-check-layer-availability", availability),
    Flow::new("aws", "put-image", put_image),
    Flow::new("aws", "batch-get-image", get_image),
    Flow::new("aws", "describe-images", describe_images),
    Flow::new("aws", "list-images", list_images),
    Flow::new("aws", "list-image-referrers", list_referrers),
    Flow::new("aws", "get-download-url-for-layer", download_url),
    Flow::new("aws", "batch-delete-image", delete_image),
    Flow::new("aws", "delete-repository", delete),
];

fn initiate(scene: &mut Scene) -> Result<()> {
    let output = repository_call(scene, "initiate-layer-upload", &[])?;
    let id = output["uploadId"].as_str().context("no uploadId")?;
    ensure!(
        output["partSize"]
            .as_u64()
            .is_some_and(|size| size >= 5 * 1024 * 1024),
        "{output}"
    );
    fs::write(scene.path("upload-id"), id)?;
    Ok(())
}

fn upload_part(scene: &mut Scene) -> Result<()> {
    let id = fs::read_to_string(scene.path("upload-id"))?;
    let image = image();
    fs::write(scene.path("layer.tar"), &image.layer)?;
    let last = (image.layer.len() - 1).to_string();
    let part = format!("fileb://{}", scene.path("layer.tar").display());
    let arguments = [
        "--upload-id",
        &id,
        "--part-first-byte",
        "0",
        "--part-last-byte",
        &last,
        "--layer-part-blob",
        &part,
    ];
    let output = repository_call(scene, "upload-layer-part", &arguments)?;
    let received = &output["lastByteReceived"];
    ensure!(*received == image.layer.len() - 1, "answered {output}");
    Ok(())
}

fn complete(scene: &mut Scene) -> Result<()> {
    let id = fs::read_to_string(scene.path("upload-id"))?;
    let digest = content::digest(&image().layer);
    let output = repository_call(
        scene,
        "complete-layer-upload",
        &["--upload-id", &id, "--layer-digests", &digest],
    )?;
    ensure!(
        output["layerDigest"] == digest.as_str(),
        "answered {output}"
    );
    Ok(())
}

fn availability(scene: &mut Scene) -> Result<()> {
    let (there, absent) = (content::digest(&image().layer), content::digest(b"absent"));
    let output = repository_call(
        scene,
        "batch-check-layer-availability",
        &["--layer-digests", &there, &absent],
    )?;
    let states: Vec<&Value> = output["layers"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|layer| &layer["layerAvailability"])
        .collect();
    ensure!(states.contains(&&json!("AVAILABLE")), "answered {output}");
    ensure!(
        output["failures"].as_array().is_some() && !output.to_string().contains("null"),
        "{output}"
    );
    Ok(())
}

fn put_image(scene: &mut Scene) -> Result<()> {
    let image = image();
    scene.push_blob(REPOSITORY, &image.config)?;
    fs::write(scene.path("manifest.json"), &image.manifest)?;
    let manifest = format!("file://{}", scene.path("manifest.json").display());
    let arguments = [
        "--image-manifest",
        &manifest,
        "--image-manifest-media-type",
        OCI_MANIFEST,
        "--image-tag",
        "v1",
    ];
    let output = repository_call(scene, "put-image", &arguments)?;
    ensure!(
        output["image"]["imageId"]["imageDigest"] == image.digest().as_str(),
        "answered {output}"
    );
    let mut again = vec!["ecr", "put-image", "--repository-name", REPOSITORY];
    again.extend(arguments);
    let refusal = scene.aws(&again)?.refused()?;
    ensure!(
        refusal.contains("ImageAlreadyExistsException"),
        "second put-image: {refusal}"
    );
    Ok(())
}

fn get_image(scene: &mut Scene) -> Result<()> {
    let output = repository_call(
        scene,
        "batch-get-image",
        &["--image-ids", "imageTag=v1", "imageTag=absent"],
    )?;
    let manifest = output["images"][0]["imageManifest"]
        .as_str()
        .unwrap_or_default();
    ensure!(
        manifest.as_bytes() == image().manifest,
        "another manifest: {output}"
    );
    ensure!(
        output["failures"][0]["failureCode"] == "ImageNotFound",
        "failures: {output}"
    );
    Ok(())
}

fn describe_images(scene: &mut Scene) -> Result<()> {
    let output = repository_call(scene, "describe-images", &["--image-ids", "imageTag=v1"])?;
    let detail = &output["imageDetails"][0];
    ensure!(
        detail["imageDigest"] == image().digest().as_str() && detail["imageTags"] == json!(["v1"]),
        "{output}"
    );
    Ok(())
}

fn list_images(scene: &mut Scene) -> Result<()> {
    let output = repository_call(scene, "list-images", &["--filter", "tagStatus=TAGGED"])?;
    ensure!(
        output["imageIds"] == json!([{"imageDigest": image().digest(), "imageTag": "v1"}]),
        "{output}"
    );
    let untagged = repository_call(scene, "list-images", &["--filter", "tagStatus=UNTAGGED"])?;
    ensure!(untagged["imageIds"] == json!([]), "{untagged}");
    Ok(())
}

fn list_referrers(scene: &mut Scene) -> Result<()> {
    let subject = json!({"mediaType": OCI_MANIFEST, "digest": image().digest(), "size": image().manifest.len()});
    let (manifest, empty) = content::artifact("application/vnd.example.note", Some(subject));
    scene.push_blob(REPOSITORY, &empty)?;
    let digest = content::digest(&manifest);
    crate::api::expect(
        &scene.put_manifest(REPOSITORY, &digest, OCI_MANIFEST, &manifest)?,
        201,
        "artifact",
    )?;
    let subject = format!("imageDigest={}", image().digest());
    let output = repository_call(scene, "list-image-referrers", &["--subject-id", &subject])?;
    ensure!(
        output["referrers"][0]["digest"] == digest.as_str(),
        "answered {output}"
    );
    Ok(())
}

fn download_url(scene: &mut Scene) -> Result<()> {
    let digest = content::digest(&image().layer);
    let arguments = [
        "ecr",
        "get-download-url-for-layer",
        "--repository-name",
        REPOSITORY,
        "--layer-digest",
        &digest,
    ];
    let output: Value = serde_json::from_str(&scene.aws(&arguments)?.private_output().run()?)?;
    let url = output["downloadUrl"].as_str().context("no downloadUrl")?;
    scene.bench.remember_secret(url);
    let path = url
        .split_once(&scene.host())
        .map(|(_, path)| path)
        .context("the URL names another host")?;
    let answer = Request::new("GET", path).send(scene.port())?;
    ensure!(
        answer.status == 200 && answer.body == image().layer,
        "the URL gives {}",
        answer.status
    );
    Ok(())
}

fn delete_image(scene: &mut Scene) -> Result<()> {
    let output = repository_call(scene, "batch-delete-image", &["--image-ids", "imageTag=v1"])?;
    ensure!(
        output["imageIds"][0]["imageDigest"] == image().digest().as_str(),
        "answered {output}"
    );
    let refusal = scene
        .aws(&["ecr", "delete-repository", "--repository-name", REPOSITORY])?
        .refused()?;
    ensure!(
        refusal.contains("RepositoryNotEmptyException"),
        "the referrer is still there: {refusal}"
    );
    Ok(())
}

fn delete(scene: &mut Scene) -> Result<()> {
    repository_call(scene, "delete-repository", &["--force"])?;
    let describe = [
        "ecr",
        "describe-repositories",
        "--repository-names",
        REPOSITORY,
    ];
    let refusal = scene.aws(&describe)?.refused()?;
    ensure!(
        refusal.contains("RepositoryNotFoundException"),
        "still there: {refusal}"
    );
    Ok(())
}

fn image() -> Image {
    Image::oci("aws-cli")
}
