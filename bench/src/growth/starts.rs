//! How soon a server answers: after an orderly end, with nothing of its files in memory, and after
//! it was killed with many changes in its log.

use std::{fs, io};

use crate::compare::{Program, Server};
use crate::drive;
use crate::growth::asker::{Asker, Stopwatch};
use crate::growth::layout::repository_name;
use crate::growth::sheet::{Figure, Promise};
use crate::growth::{Growth, pulls};
use crate::options::{RunOptions, Workload};

/// Starts of each kind.
const STARTS: u32 = 5;
/// Milliseconds until the first answer.
const PROMISE: Promise = Promise::AtMost(200.0);
/// Empties the system's cache of files; only root may write it (`proc(5)`).
const DROP_CACHES: &str = "/proc/sys/vm/drop_caches";
/// Tags set before a kill: a log of about half the length at which it goes into the file.
const TAGS: u64 = 2000;

/// Reads the files of the store, so that they are in memory.
///
/// # Errors
/// What the system says.
pub(super) fn warm(growth: &Growth) -> anyhow::Result<()> {
    for entry in fs::read_dir(Program::data(&growth.home))? {
        let path = entry?.path();
        if path.is_file() {
            io::copy(&mut fs::File::open(path)?, &mut io::sink())?;
        }
    }
    Ok(())
}

/// Starts after an orderly end, with the files in memory.
///
/// # Errors
/// A server that does not start or end.
pub(super) async fn orderly(program: &Program, growth: &Growth) -> anyhow::Result<Figure> {
    let mut times = Stopwatch::default();
    for _ in 0..STARTS {
        let server = Server::start(program, &growth.home).await?;
        times.note(server.started_in);
        server.stop().await?;
    }
    Ok(Figure::times("first answer after start", times, PROMISE))
}

/// Starts and pulls with nothing of the files in memory; nothing where the system does not let
/// itself be told to forget them.
///
/// # Errors
/// A server that does not start or end, and refused requests.
pub(super) async fn cold(program: &Program, growth: &Growth) -> anyhow::Result<Vec<Figure>> {
    let mut times = Stopwatch::default();
    for _ in 0..STARTS {
        if fs::write(DROP_CACHES, "3").is_err() {
            return Ok(Vec::new());
        }
        let server = Server::start(program, &growth.home).await?;
        times.note(server.started_in);
        server.stop().await?;
    }
    let server = Server::start(program, &growth.home).await?;
    let (layout, stored) = (&growth.layout, growth.record.stored);
    let pulls = pulls::anywhere(&mut Asker::new(&server)?, layout, stored).await?;
    server.stop().await?;
    let pull = "manifest GET by tag, anywhere, files not in memory";
    Ok(vec![
        Figure::times("first answer, files not in memory", times, PROMISE),
        Figure::times(pull, pulls, Promise::Nothing),
    ])
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
