//! Whoever may not is refused the same way everywhere, whether what is asked for exists or not.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::Flow;
use crate::api::{expect, expect_error};
use crate::content::{self, Image};
use crate::scene::Scene;
use crate::server::{ACCOUNT, REGION};
use crate::wire::Request;

const REPOSITORY: &str = "authorized/app";
const OTHER_ACCOUNT: &str = "111111111111";

pub(super) const FLOWS: &[Flow] = &[
    Flow::new(
        "wire",
        "another account's registry is refused",
        other_account,
    ),
    Flow::new("wire", "without credentials nothing answers", anonymous),
    Flow::new(
        "crane",
        "another account's path is refused",
        crane_other_account,
    ),
];

fn other_account(scene: &mut Scene) -> Result<()> {
    scene.create_repository(REPOSITORY)?;
    scene.push_image(REPOSITORY, Some("v1"), &Image::oci("authorized"))?;
    let calls: [(&str, Value); 5] = [
        ("DescribeRepositories", json!({})),
        ("CreateRepository", json!({"repositoryName": "stolen/app"})),
        (
            "BatchGetImage",
            json!({"repositoryName": REPOSITORY, "imageIds": [{"imageTag": "v1"}]}),
        ),
        (
            "DeleteRepository",
            json!({"repositoryName": REPOSITORY, "force": true}),
        ),
        (
            "InitiateLayerUpload",
            json!({"repositoryName": "absent/app"}),
        ),
    ];
    for (operation, mut input) in calls {
        input["registryId"] = json!(OTHER_ACCOUNT);
        let answer = scene.try_call(operation, input.to_string().as_bytes())?;
        expect_error(&answer, &[400], &["AccessDeniedException"], operation)?;
    }
    let requests = [
        (
            "GET",
            format!("/v2/{OTHER_ACCOUNT}/{REPOSITORY}/manifests/v1"),
        ),
        (
            "GET",
            format!("/v2/{OTHER_ACCOUNT}.{REGION}/{REPOSITORY}/tags/list"),
        ),
        (
            "POST",
            format!("/v2/{OTHER_ACCOUNT}/absent/app/blobs/uploads/"),
        ),
        (
            "DELETE",
            format!("/v2/{OTHER_ACCOUNT}/{REPOSITORY}/manifests/v1"),
        ),
    ];
    for (method, target) in requests {
        let answer = scene.registry(method, &target).send(scene.port())?;
        expect_error(&answer, &[403], &["DENIED"], &format!("{method} {target}"))?;
    }
    expect(
        &scene.get_manifest(REPOSITORY, "v1")?,
        200,
        "the image of this account",
    )
}

fn anonymous(scene: &mut Scene) -> Result<()> {
    let digest = content::digest(&Image::oci("authorized").layer);
    let targets = [
        ("GET", "/v2/".to_owned()),
        ("GET", format!("/v2/{REPOSITORY}/manifests/v1")),
        ("HEAD", format!("/v2/{REPOSITORY}/manifests/v1")),
        ("GET", "/v2/absent/app/manifests/v1".to_owned()),
        (
            "GET",
            format!("/v2/{ACCOUNT}.{REGION}/{REPOSITORY}/tags/list"),
        ),
        ("GET", format!("/v2/{REPOSITORY}/blobs/{digest}")),
        ("POST", format!("/v2/{REPOSITORY}/blobs/uploads/")),
        (
            "POST",
            format!("/v2/{REPOSITORY}/blobs/uploads/?mount={digest}&from={REPOSITORY}"),
        ),
        ("PUT", format!("/v2/{REPOSITORY}/manifests/v2")),
        ("DELETE", format!("/v2/{REPOSITORY}/manifests/v1")),
        ("GET", "/v2/_catalog".to_owned()),
    ];
    for (method, target) in targets {
        let answer = Request::new(method, &target).send(scene.port())?;
        ensure!(answer.status == 401, "{method} {target}: {}", answer.status);
        ensure!(
            answer.header("www-authenticate").is_some(),
            "{method} {target}: no challenge"
        );
    }
    expect(
        &scene.get_manifest(REPOSITORY, "v1")?,
        200,
        "the image afterwards",
    )
}

fn crane_other_account(scene: &mut Scene) -> Result<()> {
    let foreign = format!("{}/{OTHER_ACCOUNT}/{REPOSITORY}", scene.host());
    let output = scene
        .client("crane")?
        .args(["--insecure", "ls", &foreign])
        .refused()?;
    ensure!(output.contains("not authorized"), "crane says: {output}");
    Ok(())
}
