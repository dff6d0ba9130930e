//! Tokens and layer URLs end with time. The server starts again under a shifted wall clock; no test hook is in it.

use anyhow::{Result, ensure};

use super::Flow;
use super::secrets::{REPOSITORY, layer_url, url_refused};
use crate::api::authenticated;
use crate::content::Image;
use crate::scene::Scene;
use crate::server::Launch;
use crate::wire::Request;

pub(super) const FLOWS: &[Flow] = &[
    Flow::new("wire", "a layer URL expires within two hours", url_expires),
    Flow::new(
        "wire",
        "a token lives eleven hours and not thirteen",
        token_expires,
    ),
    Flow::new("docker", "an expired login is refused", docker_refused),
    Flow::new(
        "wire",
        "a request signed hours ago is refused",
        signature_expires,
    ),
];

fn url_expires(scene: &mut Scene) -> Result<()> {
    scene.create_repository(REPOSITORY)?;
    scene.push_image(REPOSITORY, Some("v1"), &Image::oci("secrets"))?;
    let url = layer_url(scene)?;
    shift(scene, "+30m")?;
    ensure!(
        Request::new("GET", &url).send(scene.port())?.status == 200,
        "the URL ended within 30 minutes"
    );
    shift(scene, "+2h")?;
    url_refused(scene, &url)
}

fn token_expires(scene: &mut Scene) -> Result<()> {
    shift(scene, "+11h")?;
    ensure!(
        ping(scene)? == (200, String::new()),
        "the token ended within eleven hours: {:?}",
        ping(scene)?
    );
    shift(scene, "+13h")?;
    let (status, code) = ping(scene)?;
    ensure!(
        matches!(status, 401 | 403),
        "thirteen hours later it gives {status} {code}"
    );
    Ok(())
}

fn docker_refused(scene: &mut Scene) -> Result<()> {
    shift(scene, "+13h")?;
    let image = format!("{}:v1", scene.uri(REPOSITORY));
    scene.write_docker_config(&scene.password)?;
    let output = scene.client("docker")?.args(["pull", &image]).refused()?;
    ensure!(
        output.contains("expired") || output.contains("no basic auth"),
        "docker says: {output}"
    );
    Ok(())
}

fn signature_expires(scene: &mut Scene) -> Result<()> {
    shift(scene, "+20m")?;
    let answer = scene.try_call("DescribeRegistry", b"{}")?;
    let known = ["InvalidSignatureException", "RequestExpired"];
    ensure!(
        known.contains(&answer.code().as_str()),
        "{} {}",
        answer.status,
        answer.excerpt()
    );
    Ok(())
}

fn shift(scene: &mut Scene, by: &str) -> Result<()> {
    scene.server.stop()?;
    scene.relaunch(&Launch {
        clock_shift: Some(by.to_owned()),
        ..Launch::default()
    })
}

fn ping(scene: &Scene) -> Result<(u16, String)> {
    let answer = authenticated(Request::new("GET", "/v2/"), &scene.password).send(scene.port())?;
    Ok((answer.status, answer.code()))
}
