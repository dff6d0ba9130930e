//! Ten thousand clients that keep a connection without using it, and a thousand that upload slowly, at once: memory
//! stays within its bound, others are served as before, and the memory is given back.

use std::io::Write as _;
use std::net::TcpStream;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::Flow;
use crate::api::expect;
use crate::content::{self, Image};
use crate::scene::Scene;
use crate::server::Launch;
use crate::wire::{Request, connect, read_answer};

const REPOSITORY: &str = "crowd/app";
const IDLE: usize = 10_000;
const SLOW: usize = 1_000;
/// Threads that open connections.
const OPENERS: usize = 8;
/// Descriptors that this side needs.
const DESCRIPTORS: usize = IDLE + SLOW + 1_000;
/// More than an upload keeps in memory before it writes.
const LAYER: usize = 320_000;
/// In how many pieces it comes, one a second.
const PIECES: usize = 16;
/// Bound of resident memory with all of them.
const BOUND_KIB: u64 = 640 * 1024;
/// Bound of resident memory with the idle ones alone.
const IDLE_BOUND_KIB: u64 = 224 * 1024;
/// How much more than before the server may keep when all have gone.
const KEPT_KIB: u64 = 96 * 1024;
/// How long giving back may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest that anybody else waits for an answer.
const PROMPT: Duration = Duration::from_secs(5);

pub(super) const FLOWS: &[Flow] = &[Flow::new(
    "wire",
    "ten thousand idle connections and a thousand slow uploads within memory",
    crowd,
)];

fn crowd(scene: &mut Scene) -> Result<()> {
    raise_descriptors()?;
    scene.server.stop()?;
    let flags = ["--idle-timeout", "10m"].map(str::to_owned).to_vec();
    scene.relaunch(&Launch {
        flags,
        ..Launch::default()
    })?;
    scene.create_repository(REPOSITORY)?;
    scene.push_image(REPOSITORY, Some("v1"), &Image::oci("crowd"))?;
    let before = scene.server.memory_kib()?;
    let idle = open_idle(scene.port())?;
    let with_idle = scene.server.memory_kib()?;
    let slowest = upload_slowly(scene)?;
    let peak = scene.server.peak_memory_kib()?;
    drop(idle);
    let after = settle(scene, before + KEPT_KIB)?;
    let [before, with_idle, peak, after] = [before, with_idle, peak, after].map(|kib| kib / 1024);
    println!(
        "      memory {before} MiB, {with_idle} MiB with {IDLE} idle, {peak} MiB at most, {after} MiB after; \
         slowest answer to others {slowest:?}"
    );
    ensure!(with_idle < IDLE_BOUND_KIB / 1024, "too much for the idle");
    ensure!(peak < BOUND_KIB / 1024, "too much");
    ensure!(after < before + KEPT_KIB / 1024, "too much is kept");
    ensure!(slowest < PROMPT, "others are not served promptly");
    Ok(())
}

/// Lets this process open as many files as it needs, if the system permits.
fn raise_descriptors() -> Result<()> {
    let process = std::process::id().to_string();
    let limit = format!("--nofile={DESCRIPTORS}:");
    let raised = Command::new("prlimit")
        .args(["--pid", &process, &limit])
        .status()?;
    ensure!(raised.success(), "no {DESCRIPTORS} descriptors");
    Ok(())
}

/// Connections that have asked for something once, and might again.
fn open_idle(port: u16) -> Result<Vec<TcpStream>> {
    let head = Request::new("GET", "/healthz").header("connection", "keep-alive");
    let head = &head.head(port);
    thread::scope(|scope| {
        let opening: Vec<_> = (0..OPENERS)
            .map(|_| {
                scope.spawn(move || (0..IDLE / OPENERS).map(|_| ask_once(port, head)).collect())
            })
            .collect();
        let mut opened = Vec::with_capacity(IDLE);
        for some in opening {
            let some: Result<Vec<TcpStream>> = some.join().unwrap_or_else(|_| bail!("a panic"));
            opened.extend(some?);
        }
        Ok(opened)
    })
}

fn ask_once(port: u16, head: &[u8]) -> Result<TcpStream> {
    let mut stream = connect(port)?;
    stream.write_all(head)?;
    expect(&read_answer(&mut stream, false)?, 200, "an idle client")?;
    Ok(stream)
}

/// Uploads by pieces, all at once; meanwhile somebody pulls and pushes. Returns how long the slowest of that took.
fn upload_slowly(scene: &Scene) -> Result<Duration> {
    let bytes = content::noise("crowd", LAYER);
    let uploads: Result<Vec<_>> = (0..SLOW).map(|_| begin(scene, bytes.len())).collect();
    let (mut uploads, over) = (uploads?, AtomicBool::new(false));
    let other = Other::of(scene)?;
    thread::scope(|scope| {
        let working = scope.spawn(|| other.work_until(&over));
        let sent = send_all(&mut uploads, &bytes);
        over.store(true, Ordering::SeqCst);
        let slowest = working.join().unwrap_or_else(|_| bail!("a panic"));
        sent?;
        slowest
    })
}

fn begin(scene: &Scene, length: usize) -> Result<TcpStream> {
    let upload = scene.begin_upload(REPOSITORY)?;
    let request = scene.registry("PATCH", &upload);
    let request = request.header("content-length", &length.to_string());
    let mut stream = connect(scene.port())?;
    stream.write_all(&request.head(scene.port()))?;
    Ok(stream)
}

fn send_all(uploads: &mut [TcpStream], bytes: &[u8]) -> Result<()> {
    for piece in bytes.chunks(LAYER / PIECES) {
        let begun = Instant::now();
        for upload in &mut *uploads {
            upload.write_all(piece).context("an upload was cut off")?;
        }
        thread::sleep(Duration::from_secs(1).saturating_sub(begun.elapsed()));
    }
    for upload in uploads {
        expect(&read_answer(upload, false)?, 202, "a slow upload")?;
    }
    Ok(())
}

/// Somebody else.
struct Other {
    port: u16,
    requests: [Request; 3],
}

impl Other {
    fn of(scene: &Scene) -> Result<Self> {
        let small = content::noise("small", 100);
        let target = format!(
            "/v2/{REPOSITORY}/blobs/uploads/?digest={}",
            content::digest(&small)
        );
        let manifest = format!("/v2/{REPOSITORY}/manifests/v1");
        let accept = scene.registry("GET", &manifest).header("accept", "*/*");
        expect(&accept.clone().send(scene.port())?, 200, "a pull")?;
        Ok(Self {
            port: scene.port(),
            requests: [
                accept,
                scene.registry("POST", &target).body(&small),
                Request::new("GET", "/readyz"),
            ],
        })
    }

    fn work_until(&self, over: &AtomicBool) -> Result<Duration> {
        let mut slowest = Duration::ZERO;
        while !over.load(Ordering::SeqCst) {
            for request in &self.requests {
                let begun = Instant::now();
                let status = request.send(self.port)?.status;
                ensure!(matches!(status, 200 | 201), "{status}: {}", request.line());
                slowest = slowest.max(begun.elapsed());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(slowest)
    }
}

/// Waits until the server has given memory back, and returns what it keeps.
fn settle(scene: &Scene, wanted: u64) -> Result<u64> {
    let begun = Instant::now();
    loop {
        let now = scene.server.memory_kib()?;
        if now < wanted || begun.elapsed() > PATIENCE {
            return Ok(now);
        }
        thread::sleep(Duration::from_millis(250));
    }
}
