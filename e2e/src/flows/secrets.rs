//! Registry tokens and layer URLs that were cut, changed, made for another purpose or place are refused.

use std::fs;
use std::os::unix::fs::MetadataExt;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::Flow;
use crate::api::authenticated;
use crate::content::{self, Image};
use crate::docker::Docker;
use crate::scene::Scene;
use crate::server::{Launch, REGION};
use crate::wire::Request;

pub(super) const REPOSITORY: &str = "secret/app";

pub(super) const FLOWS: &[Flow] = &[
    Flow::new("wire", "a token works, and only with user AWS", token_works),
    Flow::new("wire", "a truncated token is refused", token_truncated),
    Flow::new(
        "wire",
        "a token with any bit flipped is refused",
        token_flipped,
    ),
    Flow::new(
        "wire",
        "a token of another region is refused",
        token_of_region,
    ),
    Flow::new("wire", "a seal of another kind is no token", token_of_kind),
    Flow::new("wire", "a layer URL works for GET and HEAD only", url_works),
    Flow::new("wire", "a truncated layer URL is refused", url_truncated),
    Flow::new(
        "wire",
        "a layer URL with any bit flipped is refused",
        url_flipped,
    ),
    Flow::new("wire", "a token is no layer URL", url_of_kind),
    Flow::new("wire", "a layer URL ends with its layer", url_of_deleted),
    Flow::new(
        "wire",
        "start-up prints no secret",
        start_up_prints_no_secret,
    ),
    Flow::new(
        "wire",
        "a replaced access key ends its tokens and URLs",
        key_replaced,
    ),
    Flow::new(
        "docker",
        "a replaced access key ends its login",
        docker_key_replaced,
    ),
];

fn token_works(scene: &mut Scene) -> Result<()> {
    scene.create_repository(REPOSITORY)?;
    scene.push_image(REPOSITORY, Some("v1"), &Image::oci("secrets"))?;
    ensure!(
        status(scene, &scene.password)? == 200,
        "the token does not work"
    );
    for user in ["aws", "root", ""] {
        let pair = STANDARD.encode(format!("{user}:{}", scene.password));
        let request = Request::new("GET", "/v2/").header("authorization", &format!("Basic {pair}"));
        ensure!(
            request.send(scene.port())?.status == 401,
            "user {user:?} is let in"
        );
    }
    let answer = Request::new("GET", "/v2/").send(scene.port())?;
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    ensure!(
        answer.status == 401 && challenge.starts_with("Basic realm="),
        "{} {challenge}",
        answer.status
    );
    Ok(())
}

fn token_truncated(scene: &mut Scene) -> Result<()> {
    let whole = scene.password.clone();
    for length in [0, 1, whole.len() / 2, whole.len() - 1] {
        refused(scene, whole.get(..length).unwrap_or_default())?;
    }
    refused(scene, &format!("{whole}A"))
}

fn token_flipped(scene: &mut Scene) -> Result<()> {
    for changed in flips(&scene.password.clone()) {
        refused(scene, &changed)?;
    }
    Ok(())
}

fn token_of_region(scene: &mut Scene) -> Result<()> {
    let foreign = scene.password_for("eu-west-1")?;
    let status = manifest_status(scene, &foreign)?;
    ensure!(
        matches!(status, 401 | 403),
        "the token of another region gives {status}"
    );
    Ok(())
}

fn token_of_kind(scene: &mut Scene) -> Result<()> {
    let path = layer_url(scene)?;
    let seal = path.rsplit('/').next().unwrap_or_default().to_owned();
    refused(scene, &seal)?;
    for name in ["kind/a", "kind/b"] {
        scene.create_repository(name)?;
    }
    let page = scene.call("DescribeRepositories", &json!({"maxResults": 1}))?;
    let page = page["nextToken"]
        .as_str()
        .context("no page token")?
        .to_owned();
    refused(scene, &page)?;
    let body = json!({"nextToken": scene.password, "maxResults": 1}).to_string();
    let answer = scene.try_call("DescribeRepositories", body.as_bytes())?;
    ensure!(
        answer.code() == "InvalidParameterException",
        "as a page token: {}",
        answer.code()
    );
    refused(scene, &scene.key.secret.clone())
}

fn url_works(scene: &mut Scene) -> Result<()> {
    let path = layer_url(scene)?;
    let get = Request::new("GET", &path).send(scene.port())?;
    ensure!(
        get.status == 200 && get.body == Image::oci("secrets").layer,
        "GET gives {}",
        get.status
    );
    ensure!(
        Request::new("HEAD", &path).send(scene.port())?.status == 200,
        "HEAD is refused"
    );
    let part = Request::new("GET", &path)
        .header("range", "bytes=1-3")
        .send(scene.port())?;
    ensure!(
        part.status == 206 && part.body.len() == 3,
        "Range gives {}",
        part.status
    );
    for method in ["PUT", "POST", "DELETE", "PATCH"] {
        let status = Request::new(method, &path)
            .body(b"x")
            .send(scene.port())?
            .status;
        ensure!((400..500).contains(&status), "{method} gives {status}");
    }
    Ok(())
}

fn url_truncated(scene: &mut Scene) -> Result<()> {
    let path = layer_url(scene)?;
    for cut in [1, 2, 20] {
        url_refused(scene, path.get(..path.len() - cut).unwrap_or_default())?;
    }
    url_refused(scene, &format!("{path}A"))
}

fn url_flipped(scene: &mut Scene) -> Result<()> {
    let path = layer_url(scene)?;
    let (prefix, seal) = path.rsplit_once('/').context("the URL has no seal")?;
    for changed in flips(seal) {
        url_refused(scene, &format!("{prefix}/{changed}"))?;
    }
    Ok(())
}

fn url_of_kind(scene: &mut Scene) -> Result<()> {
    let path = layer_url(scene)?;
    let (prefix, _) = path.rsplit_once('/').context("the URL has no seal")?;
    url_refused(scene, &format!("{prefix}/{}", scene.password))
}

fn url_of_deleted(scene: &mut Scene) -> Result<()> {
    let image = Image::oci("short-lived");
    scene.push_image(REPOSITORY, Some("short"), &image)?;
    let path = layer_url_of(scene, &image)?;
    ensure!(
        Request::new("GET", &path).send(scene.port())?.status == 200,
        "the URL does not work"
    );
    let input = json!({"repositoryName": REPOSITORY, "imageIds": [{"imageTag": "short"}]});
    scene.call("BatchDeleteImage", &input)?;
    url_refused(scene, &path)
}

fn start_up_prints_no_secret(scene: &mut Scene) -> Result<()> {
    let leaking = scene.bench.leaks()?;
    ensure!(leaking.is_empty(), "secrets in {leaking:?}");
    let mode = fs::metadata(scene.server.credentials_file())?.mode() % 0o1000;
    ensure!(mode == 0o600, "the credentials file has mode {mode:o}");
    Ok(())
}

fn key_replaced(scene: &mut Scene) -> Result<()> {
    let (old_password, old_url, old_key) =
        (scene.password.clone(), layer_url(scene)?, scene.key.clone());
    scene.server.stop()?;
    let launch = replacement();
    scene.relaunch(&launch)?;
    ensure!(
        scene.key.id != old_key.id,
        "the access key was not replaced"
    );
    ensure!(
        status(scene, &scene.password)? == 200,
        "the new key's token does not work"
    );
    refused(scene, &old_password)?;
    url_refused(scene, &old_url)?;
    let new_key = std::mem::replace(&mut scene.key, old_key);
    let answer = scene.try_call("DescribeRegistry", b"{}")?;
    scene.key = new_key;
    ensure!(
        answer.code() == "UnrecognizedClientException",
        "the old key gives {}",
        answer.code()
    );
    scene.bench.remember_secret(&old_password);
    Ok(())
}

fn docker_key_replaced(scene: &mut Scene) -> Result<()> {
    // The docker configuration still holds the login of the first access key.
    let image = format!("{}:v1", scene.uri(REPOSITORY));
    scene.client("docker")?.args(["pull", &image]).refused()?;
    let host = scene.host();
    let login = ["login", "--username", "AWS", "--password-stdin", &host];
    let password = scene.password_for(REGION)?;
    scene
        .client("docker")?
        .args(login)
        .input(&password)?
        .run()?;
    scene.client("docker")?.args(["pull", &image]).run()?;
    Docker::Classic.remove(scene, &image)
}

fn replacement() -> Launch {
    let pairs = [
        ("ECRU_ROOT_ACCESS_KEY_ID", "AKIAEXAMPLEREPLACED2"),
        (
            "ECRU_ROOT_SECRET_ACCESS_KEY",
            "replacedSecretForTheEndToEndRunOnly00000",
        ),
    ];
    let environment = pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
    Launch {
        environment,
        ..Launch::default()
    }
}

/// The text with one bit of one character changed, at several places, the last included.
fn flips(text: &str) -> Vec<String> {
    let places = [
        0,
        1,
        text.len() / 4,
        text.len() / 2,
        text.len() - 2,
        text.len() - 1,
    ];
    places
        .into_iter()
        .map(|place| {
            let change = |(at, byte): (usize, char)| match byte {
                'A' if at == place => 'B',
                _ if at == place => 'A',
                other => other,
            };
            text.chars().enumerate().map(change).collect()
        })
        .collect()
}

fn status(scene: &Scene, password: &str) -> Result<u16> {
    Ok(authenticated(Request::new("GET", "/v2/"), password)
        .send(scene.port())?
        .status)
}

fn manifest_status(scene: &Scene, password: &str) -> Result<u16> {
    let request = Request::new("GET", &format!("/v2/{REPOSITORY}/manifests/v1"));
    Ok(authenticated(request, password).send(scene.port())?.status)
}

fn refused(scene: &Scene, password: &str) -> Result<()> {
    let (ping, manifest) = (status(scene, password)?, manifest_status(scene, password)?);
    ensure!(
        matches!(ping, 401 | 403) && matches!(manifest, 401 | 403),
        "let in: {ping} and {manifest}"
    );
    Ok(())
}

/// Requires that a layer path hands out nothing.
pub(super) fn url_refused(scene: &Scene, path: &str) -> Result<()> {
    let answer = Request::new("GET", path).send(scene.port())?;
    ensure!(
        matches!(answer.status, 401 | 403 | 404),
        "the URL gives {}",
        answer.status
    );
    Ok(())
}

/// Path of a fresh layer URL.
pub(super) fn layer_url(scene: &Scene) -> Result<String> {
    layer_url_of(scene, &Image::oci("secrets"))
}

fn layer_url_of(scene: &Scene, image: &Image) -> Result<String> {
    let input = json!({"repositoryName": REPOSITORY, "layerDigest": content::digest(&image.layer)});
    let output = scene.call("GetDownloadUrlForLayer", &input)?;
    let url = output["downloadUrl"].as_str().context("no downloadUrl")?;
    let (_, path) = url
        .split_once(&scene.host())
        .context("the URL names another host")?;
    scene
        .bench
        .remember_secret(path.rsplit('/').next().unwrap_or_default());
    Ok(path.to_owned())
}
