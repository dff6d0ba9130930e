//! Acknowledged means synced: bytes, their directory and the row reach the disk before the answer leaves.
//!
//! kill -9 cannot show it, since the kernel keeps what a dead process wrote. The system calls can.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::Flow;
use crate::content::{self, Image};
use crate::scene::Scene;

const REPOSITORY: &str = "synced/app";
const ATTACH_LIMIT: Duration = Duration::from_secs(20);

pub(super) const FLOWS: &[Flow] = &[
    Flow::new(
        "strace",
        "a blob, its directory and its row are synced before 201",
        blob,
    ),
    Flow::new("strace", "a manifest's row is synced before 201", manifest),
];

fn blob(scene: &mut Scene) -> Result<()> {
    scene.create_repository(REPOSITORY)?;
    let calls = traced(scene, |scene| {
        scene.push_blob(REPOSITORY, &content::noise("synced", 700_000))
    })?;
    let synced = synced_before_answer(&calls)?;
    let object = synced
        .iter()
        .find(|path| path.contains("/objects/") && Path::new(path).is_file());
    let object = object.context("no object file was synced before the answer")?;
    let folder = object
        .rsplit_once('/')
        .map(|(folder, _)| folder)
        .unwrap_or_default();
    ensure!(
        synced.iter().any(|path| path == folder),
        "the object's directory was not synced"
    );
    row_is_synced(scene, &synced)
}

fn manifest(scene: &mut Scene) -> Result<()> {
    let image = Image::oci("synced");
    scene.push_blob(REPOSITORY, &image.config)?;
    scene.push_blob(REPOSITORY, &image.layer)?;
    let calls = traced(scene, |scene| {
        let answer = scene.put_manifest(REPOSITORY, "v1", image.media_type, &image.manifest)?;
        crate::api::expect(&answer, 201, "manifest PUT")
    })?;
    row_is_synced(scene, &synced_before_answer(&calls)?)
}

fn row_is_synced(scene: &Scene, synced: &[String]) -> Result<()> {
    let in_this_process = scene.bench.postgres.is_none();
    let log_is_synced = synced.iter().any(|path| path.ends_with("-wal"));
    ensure!(
        log_is_synced || !in_this_process,
        "the write-ahead log was not synced: {synced:?}"
    );
    Ok(())
}

/// System calls of the server while a deed is done.
fn traced(scene: &Scene, deed: impl FnOnce(&Scene) -> Result<()>) -> Result<String> {
    let trace = scene.bench.private_file("trace");
    let notes = scene.bench.output_file("strace-stderr");
    let tracer = Command::new("strace")
        .args([
            "-f",
            "-y",
            "-s",
            "40",
            "-e",
            "trace=fsync,fdatasync,write,writev,sendto,sendmsg",
        ])
        .arg("-o")
        .arg(&trace)
        .args(["-p", &scene.server.pid()?.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(&notes)?)
        .spawn()
        .context("strace cannot be started")?;
    let outcome = await_attached(&notes).and_then(|()| deed(scene));
    detach(tracer)?;
    outcome?;
    Ok(fs::read_to_string(trace)?)
}

fn await_attached(notes: &Path) -> Result<()> {
    let started = Instant::now();
    while !fs::read_to_string(notes)?.contains("attached") {
        if started.elapsed() > ATTACH_LIMIT {
            bail!("strace does not attach: {}", fs::read_to_string(notes)?);
        }
        thread::sleep(Duration::from_millis(20));
    }
    // All threads have to be attached, not the first alone.
    thread::sleep(Duration::from_millis(300));
    Ok(())
}

fn detach(mut tracer: Child) -> Result<()> {
    Command::new("sh")
        .args(["-c", "kill -INT \"$1\"", "sh", &tracer.id().to_string()])
        .status()?;
    tracer.wait()?;
    Ok(())
}

/// Paths whose sync was over when the answer 201 was handed to the socket.
fn synced_before_answer(calls: &str) -> Result<Vec<String>> {
    let mut pending = BTreeMap::new();
    let mut synced = Vec::new();
    for line in calls.lines() {
        let (thread, call) = line.split_once(' ').unwrap_or_default();
        let call = call.trim_start();
        if call.contains("HTTP/1.1 201") {
            return Ok(synced);
        }
        if call.starts_with("fsync(") || call.starts_with("fdatasync(") {
            let path = call
                .split_once('<')
                .and_then(|(_, rest)| rest.split_once('>'))
                .map(|(path, _)| path.to_owned());
            let path = path.unwrap_or_default();
            if call.contains("<unfinished") {
                pending.insert(thread.to_owned(), path);
            } else if call.ends_with("= 0") {
                synced.push(path);
            }
        } else if call.contains("sync resumed>") && call.ends_with("= 0") {
            synced.extend(pending.remove(thread));
        }
    }
    bail!("no answer 201 was traced")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_syncs_that_were_over_before_the_answer_count() {
        let calls = "\
7 fdatasync(9</d/objects/ab/x.1>) = 0
8 fdatasync(4</d/db-wal> <unfinished ...>
7 fsync(5</d/objects/ab>) = -1 EIO (Input/output error)
8 <... fdatasync resumed>) = 0
9 fsync(6</d/late> <unfinished ...>
7 sendto(11<socket:[1]>, \"HTTP/1.1 201 Created\\r\\nlocation: \"..., 300, 0, NULL, 0) = 300
7 fsync(7</d/later>) = 0
";
        assert_eq!(
            synced_before_answer(calls).unwrap(),
            ["/d/objects/ab/x.1", "/d/db-wal"]
        );
        assert!(synced_before_answer("").is_err());
    }
}
