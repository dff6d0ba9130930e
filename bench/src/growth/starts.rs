//! How soon a server answers: after an orderly end, with nothing of its files in memory, and after
//! it was killed with many changes in its log.

use std::fs;

use crate::compare::{Program, Server};
use crate::drive;
use crate::growth::Growth;
use crate::growth::asker::Stopwatch;
use crate::growth::layout::repository_name;
use crate::growth::sheet::{Figure, Promise};
use crate::options::{RunOptions, Workload};

/// Starts of each kind.
const STARTS: u32 = 5;
/// Milliseconds until the first answer.
const PROMISE: Promise = Promise::AtMost(200.0);
/// Empties the system's cache of files; only root may write it (`proc(5)`).
const DROP_CACHES: &str = "/proc/sys/vm/drop_caches";
/// Tags set before a kill: a log of about half the length at which it goes into the file.
const TAGS: u64 = 2000;

/// Starts after an orderly end, with the files in memory and, where that can be had, without.
///
/// # Errors
/// A server that does not start or end.
pub(super) async fn orderly(program: &Program, growth: &Growth) -> anyhow::Result<Vec<Figure>> {
    let (mut warm, mut cold) = (Stopwatch::default(), Stopwatch::default());
    let mut is_cold = true;
    for _ in 0..STARTS {
        let server = Server::start(program, &growth.home).await?;
        warm.note(server.started_in);
        server.stop().await?;
    }
    for _ in 0..STARTS {
        is_cold = is_cold && fs::write(DROP_CACHES, "3").is_ok();
        let server = Server::start(program, &growth.home).await?;
        cold.note(server.started_in);
        server.stop().await?;
    }
    let mut figures = vec![Figure::times("first answer after start", warm, PROMISE)];
    if is_cold {
        let title = "first answer, files not in memory";
        figures.push(Figure::times(title, cold, PROMISE));
    }
    Ok(figures)
}

/// Starts after a kill.
///
/// # Errors
/// A server that does not start or end, and refused requests.
pub(super) async fn after_kill(program: &Program, growth: &Growth) -> anyhow::Result<Vec<Figure>> {
    let mut times = Stopwatch::default();
    let repository = repository_name(1);
    for round in 0..STARTS {
        let server = Server::start(program, &growth.home).await?;
        server.ensure_repository(&repository).await?;
        let options = RunOptions {
            repo: repository.clone(),
            tags: TAGS + u64::from(round),
            conc: 16,
            ..RunOptions::of(Workload::TagsFill)
        };
        let run = drive::run(server.endpoint(), options).await?;
        run.require_no_errors()?;
        // a server that is dropped is killed
        drop(server);
        let server = Server::start(program, &growth.home).await?;
        times.note(server.started_in);
        server.stop().await?;
    }
    Ok(vec![Figure::times(
        "first answer after a kill",
        times,
        PROMISE,
    )])
}
