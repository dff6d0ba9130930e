//! The aws CLI, an operation a flow: registry and repositories.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::Flow;
use crate::scene::Scene;
use crate::server::ACCOUNT;

pub(super) const REPOSITORY: &str = "cli/app";
const ENCRYPTED: &str = "cli/encrypted";

pub(super) const FLOWS: &[Flow] = &[
    Flow::new("aws", "sts get-caller-identity", caller_identity),
    Flow::new("aws", "get-authorization-token", authorization_token),
    Flow::new("aws", "create-repository", create),
    Flow::new("aws", "describe-repositories", describe),
    Flow::new("aws", "put-image-tag-mutability", mutability),
    Flow::new("aws", "put-image-scanning-configuration", scanning),
    Flow::new("aws", "tag-resource", tag),
    Flow::new("aws", "list-tags-for-resource", list_tags),
    Flow::new("aws", "untag-resource", untag),
    Flow::new("aws", "describe-registry", registry),
    Flow::new("aws", "put-account-setting", put_setting),
    Flow::new("aws", "get-account-setting", get_setting),
];

fn caller_identity(scene: &mut Scene) -> Result<()> {
    let output: Value = serde_json::from_str(&scene.aws(&["sts", "get-caller-identity"])?.run()?)?;
    let root = format!("arn:aws:iam::{ACCOUNT}:root");
    ensure!(
        output["Account"] == ACCOUNT && output["Arn"] == root.as_str(),
        "identity: {output}"
    );
    Ok(())
}

fn authorization_token(scene: &mut Scene) -> Result<()> {
    let output = scene
        .aws(&["ecr", "get-authorization-token"])?
        .private_output()
        .run()?;
    let output: Value = serde_json::from_str(&output)?;
    let entry = &output["authorizationData"][0];
    let token = entry["authorizationToken"].as_str().context("no token")?;
    scene.bench.remember_secret(token);
    ensure!(
        token.len() <= 2_400 && !entry["expiresAt"].is_null(),
        "{} characters, expires {}",
        token.len(),
        entry["expiresAt"]
    );
    let endpoint = format!("http://{}", scene.host());
    let secure = format!("https://{}", scene.host());
    let proxy = entry["proxyEndpoint"].as_str().unwrap_or_default();
    ensure!(
        proxy == endpoint || proxy == secure,
        "proxyEndpoint is {proxy}"
    );
    Ok(())
}

fn create(scene: &mut Scene) -> Result<()> {
    let tags = ["--tags", "Key=team,Value=platform"];
    let output = repository_call(scene, "create-repository", &tags)?;
    let repository = &output["repository"];
    ensure!(
        repository["repositoryUri"] == scene.uri(REPOSITORY).as_str(),
        "created {repository}"
    );
    ensure!(
        repository["encryptionConfiguration"]["encryptionType"] == "AES256",
        "created {repository}"
    );
    let encryption = [
        "--repository-name",
        ENCRYPTED,
        "--encryption-configuration",
        "encryptionType=KMS",
    ];
    let output = ecr(scene, "create-repository", &encryption)?;
    let key = output["repository"]["encryptionConfiguration"]["kmsKey"]
        .as_str()
        .unwrap_or_default();
    ensure!(
        key.starts_with("arn:aws:kms:us-east-1:000000000000:key/"),
        "key is {key}"
    );
    let again = scene
        .aws(&["ecr", "create-repository", "--repository-name", REPOSITORY])?
        .refused()?;
    ensure!(
        again.contains("RepositoryAlreadyExistsException"),
        "second create: {again}"
    );
    Ok(())
}

fn describe(scene: &mut Scene) -> Result<()> {
    let output = ecr(scene, "describe-repositories", &[])?;
    let names: Vec<&Value> = output["repositories"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| &one["repositoryName"])
        .collect();
    ensure!(names == [REPOSITORY, ENCRYPTED], "described {names:?}");
    let paged = ecr(
        scene,
        "describe-repositories",
        &["--page-size", "1", "--max-items", "1"],
    )?;
    let token = paged["NextToken"].as_str().context("no second page")?;
    let second = ecr(
        scene,
        "describe-repositories",
        &["--page-size", "1", "--starting-token", token],
    )?;
    ensure!(
        second["repositories"][0]["repositoryName"] == ENCRYPTED,
        "second page: {second}"
    );
    Ok(())
}

fn mutability(scene: &mut Scene) -> Result<()> {
    let filters = [
        "--image-tag-mutability-exclusion-filters",
        "filterType=WILDCARD,filter=dev-*",
    ];
    for mode in [
        "IMMUTABLE",
        "IMMUTABLE_WITH_EXCLUSION",
        "MUTABLE_WITH_EXCLUSION",
        "MUTABLE",
    ] {
        let mut arguments = vec!["--image-tag-mutability", mode];
        if mode.ends_with("EXCLUSION") {
            arguments.extend(filters);
        }
        let output = repository_call(scene, "put-image-tag-mutability", &arguments)?;
        ensure!(output["imageTagMutability"] == mode, "answered {output}");
        let described = ecr(
            scene,
            "describe-repositories",
            &["--repository-names", REPOSITORY],
        )?;
        ensure!(
            described["repositories"][0]["imageTagMutability"] == mode,
            "described {described}"
        );
    }
    Ok(())
}

fn scanning(scene: &mut Scene) -> Result<()> {
    let configuration = ["--image-scanning-configuration", "scanOnPush=true"];
    repository_call(scene, "put-image-scanning-configuration", &configuration)?;
    let described = ecr(
        scene,
        "describe-repositories",
        &["--repository-names", REPOSITORY],
    )?;
    let stored = &described["repositories"][0]["imageScanningConfiguration"]["scanOnPush"];
    ensure!(*stored == true, "stored {stored}");
    Ok(())
}

fn tag(scene: &mut Scene) -> Result<()> {
    let arn = arn();
    scene
        .aws(&[
            "ecr",
            "tag-resource",
            "--resource-arn",
            &arn,
            "--tags",
            "Key=stage,Value=test",
        ])?
        .run()?;
    Ok(())
}

fn list_tags(scene: &mut Scene) -> Result<()> {
    let output = ecr(scene, "list-tags-for-resource", &["--resource-arn", &arn()])?;
    let mut keys: Vec<&str> = output["tags"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|tag| tag["Key"].as_str())
        .collect();
    keys.sort_unstable();
    ensure!(keys == ["stage", "team"], "tags: {output}");
    Ok(())
}

fn untag(scene: &mut Scene) -> Result<()> {
    scene
        .aws(&[
            "ecr",
            "untag-resource",
            "--resource-arn",
            &arn(),
            "--tag-keys",
            "stage",
            "team",
        ])?
        .run()?;
    let output = ecr(scene, "list-tags-for-resource", &["--resource-arn", &arn()])?;
    ensure!(output["tags"] == json!([]), "tags: {output}");
    Ok(())
}

fn registry(scene: &mut Scene) -> Result<()> {
    let output = ecr(scene, "describe-registry", &[])?;
    ensure!(output["registryId"] == ACCOUNT, "registry: {output}");
    Ok(())
}

fn put_setting(scene: &mut Scene) -> Result<()> {
    let setting = ["--name", "BLOB_MOUNTING", "--value", "DISABLED"];
    let output = ecr(scene, "put-account-setting", &setting)?;
    ensure!(output["value"] == "DISABLED", "answered {output}");
    Ok(())
}

fn get_setting(scene: &mut Scene) -> Result<()> {
    let output = ecr(scene, "get-account-setting", &["--name", "BLOB_MOUNTING"])?;
    ensure!(output["value"] == "DISABLED", "answered {output}");
    Ok(())
}

fn ecr(scene: &Scene, operation: &str, arguments: &[&str]) -> Result<Value> {
    let mut words = vec!["ecr", operation, "--output", "json"];
    words.extend(arguments);
    Ok(serde_json::from_str(&scene.aws(&words)?.run()?)?)
}

/// Calls an operation on the repository of these flows.
pub(super) fn repository_call(scene: &Scene, operation: &str, arguments: &[&str]) -> Result<Value> {
    let mut words = vec!["--repository-name", REPOSITORY];
    words.extend(arguments);
    ecr(scene, operation, &words)
}

fn arn() -> String {
    format!("arn:aws:ecr:us-east-1:{ACCOUNT}:repository/{REPOSITORY}")
}
