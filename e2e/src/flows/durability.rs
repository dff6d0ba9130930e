//! Acknowledged means durable, and uploads go on where they were: across kill -9, across a graceful shutdown.

use std::io::Write;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::Flow;
use crate::api::{authenticated, expect, location_path, with_query};
use crate::content::{self, Image};
use crate::docker::Docker;
use crate::scene::Scene;
use crate::server::Launch;
use crate::wire::{Request, connect, read_answer};

const REPOSITORY: &str = "durable/app";

pub(super) const FLOWS: &[Flow] = &[
    Flow::new(
        "wire",
        "acknowledged pushes survive kill -9",
        pushes_survive,
    ),
    Flow::new(
        "wire",
        "acknowledged pushes survive kill -9 in mid-traffic",
        traffic_survives,
    ),
    Flow::new("wire", "an upload goes on after kill -9", |scene| {
        upload_goes_on(scene, true)
    }),
    Flow::new("wire", "an upload goes on after a shutdown", |scene| {
        upload_goes_on(scene, false)
    }),
    Flow::new(
        "wire",
        "an upload in flight at shutdown can be resumed",
        in_flight,
    ),
    Flow::new(
        "wire",
        "an API upload goes on after kill -9",
        api_upload_goes_on,
    ),
    Flow::new(
        "wire",
        "a second process on the same data is refused",
        second_process,
    ),
    Flow::new("docker", "pull after kill -9", docker_pull),
];

fn pushes_survive(scene: &mut Scene) -> Result<()> {
    scene.create_repository(REPOSITORY)?;
    let images: Vec<Image> = (0..25)
        .map(|number| Image::oci(&format!("durable-{number}")))
        .collect();
    for (number, image) in images.iter().enumerate() {
        scene.push_image(REPOSITORY, Some(&format!("v{number}")), image)?;
    }
    let large = content::noise("durable-large", 9_000_000);
    scene.push_blob(REPOSITORY, &large)?;
    restart_after_kill(scene)?;
    for (number, image) in images.iter().enumerate() {
        let manifest = scene.get_manifest(REPOSITORY, &format!("v{number}"))?;
        ensure!(
            manifest.body == image.manifest,
            "v{number} is lost: {}",
            manifest.status
        );
        ensure!(
            blob_is(scene, &image.layer)?,
            "a layer of v{number} is lost"
        );
    }
    ensure!(blob_is(scene, &large)?, "the large blob is lost");
    Ok(())
}

fn traffic_survives(scene: &mut Scene) -> Result<()> {
    let (port, password) = (scene.port(), scene.password.clone());
    let mut acknowledged = Vec::new();
    thread::scope(|scope| -> Result<()> {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let password = &password;
                scope.spawn(move || push_until_cut(port, password, writer))
            })
            .collect();
        thread::sleep(Duration::from_millis(700));
        scene.server.kill()?;
        for writer in writers {
            acknowledged.extend(writer.join().unwrap_or_default());
        }
        Ok(())
    })?;
    ensure!(
        acknowledged.len() >= 4,
        "only {} pushes were acknowledged before the kill",
        acknowledged.len()
    );
    scene.relaunch(&Launch::default())?;
    for bytes in &acknowledged {
        ensure!(
            blob_is(scene, bytes)?,
            "{} was acknowledged and is lost",
            content::digest(bytes)
        );
    }
    Ok(())
}

/// Pushes blobs until the connection fails; returns those that were acknowledged.
fn push_until_cut(port: u16, password: &str, writer: usize) -> Vec<Vec<u8>> {
    let mut acknowledged = Vec::new();
    for number in 0..10_000 {
        let size = if number % 5 == 4 { 300_000 } else { 5_000 };
        let bytes = content::noise(&format!("traffic-{writer}-{number}"), size);
        match push_blob(port, password, &bytes) {
            Ok(()) => acknowledged.push(bytes),
            Err(_) => break,
        }
    }
    acknowledged
}

fn push_blob(port: u16, password: &str, bytes: &[u8]) -> Result<()> {
    let target = format!("/v2/{REPOSITORY}/blobs/uploads/");
    let begun = authenticated(Request::new("POST", &target), password).send(port)?;
    let target = with_query(
        &location_path(&begun)?,
        &format!("digest={}", content::digest(bytes)),
    );
    let answer = authenticated(Request::new("PUT", &target), password)
        .body(bytes)
        .send(port)?;
    expect(&answer, 201, "blob PUT")
}

fn upload_goes_on(scene: &mut Scene, kill: bool) -> Result<()> {
    let bytes = content::noise(if kill { "resume-kill" } else { "resume-stop" }, 7_654_321);
    let (first, rest) = bytes.split_at(3_210_987);
    let location = scene.begin_upload(REPOSITORY)?;
    let answer = patch(scene, &location, 0, first)?;
    let location = location_path(&answer)?;
    if kill {
        restart_after_kill(scene)?;
    } else {
        scene.server.stop()?;
        scene.relaunch(&Launch::default())?;
    }
    let (received, location) = upload_status(scene, &location)?;
    ensure!(
        received == first.len(),
        "{received} bytes are known of {}",
        first.len()
    );
    let answer = patch(scene, &location, received, rest)?;
    finish(scene, &location_path(&answer)?, &bytes)
}

fn in_flight(scene: &mut Scene) -> Result<()> {
    let bytes = content::noise("in flight", 6_000_000);
    let location = scene.begin_upload(REPOSITORY)?;
    let head = scene
        .registry("PATCH", &location)
        .header("content-type", "application/octet-stream")
        .header("content-length", &bytes.len().to_string())
        .head(scene.port());
    let mut stream = connect(scene.port())?;
    stream.write_all(&head)?;
    stream.write_all(bytes.get(..2_000_000).unwrap_or_default())?;
    scene.server.begin_stop()?;
    thread::sleep(Duration::from_millis(300));
    // The server may finish this request or cut it; it may not lose count.
    let _rest = stream.write_all(bytes.get(2_000_000..).unwrap_or_default());
    let answer = read_answer(&mut stream, false);
    drop(stream);
    scene.server.await_stop()?;
    scene.relaunch(&Launch::default())?;
    let (received, location) = upload_status(scene, &location)?;
    let finished = answer.is_ok_and(|answer| answer.status == 202);
    ensure!(
        !finished || received == bytes.len(),
        "acknowledged, yet {received} bytes are known"
    );
    let location = if received < bytes.len() {
        let rest = bytes.get(received..).unwrap_or_default();
        location_path(&patch(scene, &location, received, rest)?)?
    } else {
        location
    };
    finish(scene, &location, &bytes)
}

fn api_upload_goes_on(scene: &mut Scene) -> Result<()> {
    let bytes = content::noise("api upload", 6_000_000);
    let half = 5 * 1024 * 1024;
    let begun = scene.call(
        "InitiateLayerUpload",
        &json!({"repositoryName": REPOSITORY}),
    )?;
    let part = |first: usize, last: usize| {
        json!({
            "repositoryName": REPOSITORY, "uploadId": begun["uploadId"], "partFirstByte": first, "partLastByte": last - 1,
            "layerPartBlob": STANDARD.encode(bytes.get(first..last).unwrap_or_default()),
        })
    };
    scene.call("UploadLayerPart", &part(0, half))?;
    restart_after_kill(scene)?;
    scene.call("UploadLayerPart", &part(half, bytes.len()))?;
    let complete = json!({
        "repositoryName": REPOSITORY, "uploadId": begun["uploadId"], "layerDigests": [content::digest(&bytes)],
    });
    scene.call("CompleteLayerUpload", &complete)?;
    ensure!(blob_is(scene, &bytes)?, "the layer does not come back");
    Ok(())
}

fn second_process(scene: &mut Scene) -> Result<()> {
    let printed = scene.server.second_process(&scene.bench)?;
    let data = scene.data().display().to_string();
    ensure!(
        printed.contains(&data) && !printed.contains("panicked"),
        "not a clear error: {printed}"
    );
    let answer = Request::new("GET", "/healthz").send(scene.port())?;
    expect(&answer, 200, "the first process")
}

fn docker_pull(scene: &mut Scene) -> Result<()> {
    let image = Image::docker("durable-docker");
    scene.push_image(REPOSITORY, Some("docker"), &image)?;
    restart_after_kill(scene)?;
    let uri = format!("{}:docker", scene.uri(REPOSITORY));
    scene.write_docker_config(&scene.password)?;
    scene.client("docker")?.args(["pull", &uri]).run()?;
    Docker::Classic.remove(scene, &uri)
}

fn restart_after_kill(scene: &mut Scene) -> Result<()> {
    scene.server.kill()?;
    scene.relaunch(&Launch::default())
}

fn blob_is(scene: &Scene, bytes: &[u8]) -> Result<bool> {
    let answer = scene.get_blob(REPOSITORY, &content::digest(bytes))?;
    Ok(answer.status == 200 && answer.complete && answer.body == bytes)
}

fn patch(scene: &Scene, location: &str, first: usize, bytes: &[u8]) -> Result<crate::wire::Answer> {
    let range = format!("{first}-{}", first + bytes.len() - 1);
    let request = scene
        .registry("PATCH", location)
        .header("content-type", "application/octet-stream");
    let answer = request
        .header("content-range", &range)
        .body(bytes)
        .send(scene.port())?;
    expect(&answer, 202, "PATCH")?;
    Ok(answer)
}

/// Bytes received so far, and where to go on.
fn upload_status(scene: &Scene, location: &str) -> Result<(usize, String)> {
    let answer = scene.registry("GET", location).send(scene.port())?;
    expect(&answer, 204, "upload status")?;
    let range = answer.header("range").unwrap_or("0-0");
    let last = range
        .rsplit('-')
        .next()
        .and_then(|text| text.parse::<usize>().ok())
        .context("no Range")?;
    let next = location_path(&answer).unwrap_or_else(|_| location.to_owned());
    Ok((if last == 0 { 0 } else { last + 1 }, next))
}

fn finish(scene: &Scene, location: &str, bytes: &[u8]) -> Result<()> {
    let target = with_query(location, &format!("digest={}", content::digest(bytes)));
    expect(
        &scene.registry("PUT", &target).send(scene.port())?,
        201,
        "last PUT",
    )?;
    ensure!(blob_is(scene, bytes)?, "the blob does not come back");
    Ok(())
}
