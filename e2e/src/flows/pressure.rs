//! Clients that stall, flood or never end: each is cut off, others are served, and memory stays within its bound.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use super::Flow;
use crate::api::ECR_TARGET;
use crate::content::OCI_MANIFEST;
use crate::scene::Scene;
use crate::server::Launch;
use crate::signing::{self, AccessKey, Scope};
use crate::wire::{Request, connect, read_answer};

const REPOSITORY: &str = "pressure/app";
/// Longest time a silent client may hold a connection.
const PATIENCE: Duration = Duration::from_secs(90);
/// Bound of resident memory under flood.
const MEMORY_BOUND_KIB: u64 = 160 * 1024;
const FLOOD_BODY: usize = 28 * 1024 * 1024;
const FLOOD_THREADS: usize = 8;

pub(super) const FLOWS: &[Flow] = &[
    Flow::new(
        "wire",
        "a manifest body that never ends is cut off",
        endless_manifest,
    ),
    Flow::new(
        "wire",
        "an API body that never ends is cut off",
        endless_call,
    ),
    Flow::new(
        "wire",
        "a thousand anonymous posts of 28 MiB within memory",
        anonymous_flood,
    ),
    Flow::new(
        "wire",
        "posts of 28 MiB with a wrong signature within memory",
        unsigned_flood,
    ),
    Flow::new(
        "wire",
        "slow headers, stalled bodies and idle clients are cut off",
        slow_clients,
    ),
];

fn endless_manifest(scene: &mut Scene) -> Result<()> {
    scene.create_repository(REPOSITORY)?;
    let request = scene
        .registry("PUT", &format!("/v2/{REPOSITORY}/manifests/endless"))
        .header("content-type", OCI_MANIFEST)
        .header("transfer-encoding", "chunked");
    endless(scene, &request, &[400, 413])
}

fn endless_call(scene: &mut Scene) -> Result<()> {
    let target = format!("{ECR_TARGET}.CreateRepository");
    let host = scene.host();
    let scope = Scope {
        service: "ecr",
        region: crate::server::REGION,
        host: &host,
    };
    let headers = signing::sign(
        &scene.key,
        &scope,
        &[("x-amz-target", target.as_str())],
        b"",
    );
    let request = Request::new("POST", "/")
        .headers(headers)
        .header("transfer-encoding", "chunked");
    endless(scene, &request, &[400, 403, 413])
}

/// Sends chunks until the server refuses; gives up at an amount no server should take.
fn endless(scene: &Scene, request: &Request, statuses: &[u16]) -> Result<()> {
    let mut stream = connect(scene.port())?;
    stream.write_all(&request.head(scene.port()))?;
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    for sent in 0..1_024 {
        if stream.write_all(chunk.as_bytes()).is_err() || answered(&mut stream)? {
            return match read_answer(&mut stream, false) {
                Ok(answer) if !statuses.contains(&answer.status) => {
                    bail!("answered {}", answer.status)
                }
                _ => Ok(()),
            };
        }
        ensure!(sent < 1_023, "the server took 64 MiB and wants more");
    }
    Ok(())
}

fn answered(stream: &mut TcpStream) -> Result<bool> {
    stream.set_nonblocking(true)?;
    let ready = stream.peek(&mut [0; 1]).is_ok();
    stream.set_nonblocking(false)?;
    Ok(ready)
}

fn anonymous_flood(scene: &mut Scene) -> Result<()> {
    let target = format!("{ECR_TARGET}.UploadLayerPart");
    let request = Request::new("POST", "/").header("x-amz-target", &target);
    flood(scene, &request, 1_000)
}

fn unsigned_flood(scene: &mut Scene) -> Result<()> {
    let target = format!("{ECR_TARGET}.UploadLayerPart");
    let wrong = AccessKey {
        id: scene.key.id.clone(),
        secret: "wrong".to_owned(),
    };
    let host = scene.host();
    let scope = Scope {
        service: "ecr",
        region: crate::server::REGION,
        host: &host,
    };
    let headers = signing::sign(&wrong, &scope, &[("x-amz-target", target.as_str())], b"");
    flood(scene, &Request::new("POST", "/").headers(headers), 64)
}

fn flood(scene: &Scene, request: &Request, posts: usize) -> Result<()> {
    let port = scene.port();
    let head = request
        .clone()
        .header("content-length", &FLOOD_BODY.to_string())
        .head(port);
    let accepted = thread::scope(|scope| {
        let workers: Vec<_> = (0..FLOOD_THREADS)
            .map(|_| {
                scope.spawn(|| {
                    (0..posts / FLOOD_THREADS)
                        .filter(|_| post_is_accepted(port, &head))
                        .count()
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or(1))
            .sum::<usize>()
    });
    let peak = scene.server.peak_memory_kib()?;
    println!("      peak memory {} MiB", peak / 1024);
    ensure!(accepted == 0, "{accepted} posts were accepted");
    ensure!(
        peak < MEMORY_BOUND_KIB,
        "peak memory is {} MiB",
        peak / 1024
    );
    ensure!(
        Request::new("GET", "/healthz").send(port)?.status == 200,
        "not healthy"
    );
    Ok(())
}

fn post_is_accepted(port: u16, head: &[u8]) -> bool {
    let Ok(mut stream) = connect(port) else {
        return false;
    };
    let block = vec![b'x'; 1024 * 1024];
    let mut sent = 0;
    let mut open = stream.write_all(head).is_ok();
    while open && sent < FLOOD_BODY {
        open = stream.write_all(&block).is_ok();
        sent += block.len();
    }
    read_answer(&mut stream, false).is_ok_and(|answer| answer.status < 400)
}

/// A slow client: what it is, what it says first, what it goes on to say every second.
type Start = (&'static str, Vec<u8>, Option<&'static [u8]>);

/// All slow clients at once, since each costs the length of a timeout.
fn slow_clients(scene: &mut Scene) -> Result<()> {
    scene.server.stop()?;
    let flags = ["--header-timeout", "3s", "--idle-timeout", "6s"]
        .map(str::to_owned)
        .to_vec();
    scene.relaunch(&Launch {
        flags,
        ..Launch::default()
    })?;
    let port = scene.port();
    let upload = scene.begin_upload(REPOSITORY)?;
    let patch = scene
        .registry("PATCH", &upload)
        .header("content-length", "1000000")
        .head(port);
    let manifest = scene
        .registry("PUT", &format!("/v2/{REPOSITORY}/manifests/slow"))
        .header("content-type", OCI_MANIFEST)
        .header("content-length", "1000")
        .head(port);
    let starts: [Start; 5] = [
        ("a connection that says nothing", Vec::new(), None),
        (
            "half a request head",
            b"GET /v2/ HTTP/1.1\r\nhost: x".to_vec(),
            None,
        ),
        (
            "a header every second",
            b"GET /v2/ HTTP/1.1\r\n".to_vec(),
            Some(b"x-slow: 1\r\n"),
        ),
        ("an upload that stalls", patch, None),
        ("a manifest that stalls", manifest, None),
    ];
    // Half-open connections of others do not keep anyone from being served.
    let crowd: Vec<TcpStream> = (0..400).filter_map(|_| connect(port).ok()).collect();
    ensure!(
        Request::new("GET", "/healthz").send(port)?.status == 200,
        "not served beside idle clients"
    );
    thread::scope(|scope| {
        let watched: Vec<_> = starts
            .iter()
            .map(|(what, first, drip)| scope.spawn(move || cut_off(port, what, first, *drip)))
            .collect();
        watched
            .into_iter()
            .try_for_each(|watch| match watch.join() {
                Ok(outcome) => outcome,
                Err(_) => bail!("a slow client panicked"),
            })
    })?;
    drop(crowd);
    Ok(())
}

fn cut_off(port: u16, what: &str, first: &[u8], drip: Option<&[u8]>) -> Result<()> {
    let mut stream = connect(port)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(first)?;
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if let Some(drip) = drip {
            // The end of the connection is seen by the read below.
            let _written = stream.write_all(drip);
        }
        match stream.read(&mut [0; 4096]) {
            Ok(0) => return Ok(()),
            Err(error) if !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Ok(());
            }
            _ => {}
        }
    }
    bail!(
        "{what} still holds its connection after {} s",
        PATIENCE.as_secs()
    )
}
