//! `cargo xtask faults`: clients work while the ground under the server gives way.
//!
//! - [`calls`]: system calls fail: syncs, reads, writes and removals, a disk full or read-only, no descriptors
//! - [`volume`]: a real file system fills up, and one that the kernel has given up
//! - [`database`]: `PostgreSQL` is restarted, killed, cut off, and does not answer
//! - [`clock`]: the wall clock is set by days
//!
//! Meanwhile requests may fail, `/readyz` says so where nothing can be stored, and nothing is acknowledged falsely;
//! afterwards the server returns by itself. Then it is killed, and everything acknowledged must be there, as in the
//! kill test.

mod calls;
mod clock;
mod database;
mod postgres;
mod proxy;
mod volume;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;

use super::caller::Stop;
use super::client::Client;
use super::cycle::Run;
use super::record::Record;
use super::{KillOptions, conclude};
use crate::runner;
use crate::server::Server;
use crate::wire::Request;
use crate::workbench::Workbench;

/// How long trouble usually lasts.
const TROUBLE: Duration = Duration::from_millis(2_500);
/// How long the server may take to tell that it is in trouble.
const TELLING: Duration = Duration::from_secs(20);
/// How long the server may take to return.
const RETURN: Duration = Duration::from_secs(30);
/// Nobody waits longer for an answer, whatever the trouble.
const LONGEST_WAIT: Duration = Duration::from_secs(58);

/// Something that goes wrong for a while.
trait Trouble {
    /// What it is.
    fn name(&self) -> &'static str;

    /// Whether nothing can be stored meanwhile, so that `/readyz` must say no.
    fn is_total(&self) -> bool;

    /// How long it lasts.
    fn duration(&self) -> Duration {
        TROUBLE
    }

    /// Whether the server has to be started again before it can be over.
    fn outlasts_server(&self) -> bool {
        false
    }

    /// Begins it.
    fn begin(&mut self, server: &Server) -> Result<()>;

    /// Ends it.
    fn end(&mut self) -> Result<()>;
}

/// What a run can be told.
#[derive(Args, Clone)]
pub(crate) struct FaultOptions {
    /// How often the faults are gone through.
    #[arg(long, default_value_t = 1)]
    rounds: u64,
    /// Decides what clients do.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only faults whose name contains this text.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// The server binary; built from this workspace when absent.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Build the server with the release profile.
    #[arg(long)]
    release: bool,
    /// Keep the scratch directories, with the stores and all logs.
    #[arg(long)]
    keep: bool,
}

impl FaultOptions {
    fn wants(&self, name: &str) -> bool {
        name.contains(self.only.as_deref().unwrap_or_default())
    }
}

/// Goes through the faults and returns whether nothing was wrong.
pub(crate) fn run(options: &FaultOptions) -> Result<bool> {
    let binary = match &options.binary {
        Some(path) => path.canonicalize().context("no such server binary")?,
        None => runner::build_server(options.release)?,
    };
    let mut record = Record {
        seed: options.seed,
        ..Record::default()
    };
    let began = Instant::now();
    for go_through in [calls::go_through, volume::go_through, clock::go_through] {
        let bench = Workbench::create(binary.clone(), None)?;
        let ended = go_through(&bench, options, &mut record);
        conclude(bench, ended, &mut record, options.keep)?;
    }
    database::go_through(binary, options, &mut record)?;
    record.seconds = began.elapsed().as_secs();
    print!("{}", record.summary("fault"));
    Ok(record.problem_count == 0)
}

/// Clients of a run that is told its seed only.
fn open<'a>(bench: &'a Workbench, home: &Path, options: &FaultOptions) -> Result<Run<'a>> {
    Run::open_in(bench, home, &KillOptions::of_seed(options.seed))
}

impl Run<'_> {
    /// Traffic with trouble in the middle of it, then a kill, and the checks.
    fn suffer(&mut self, trouble: &mut dyn Trouble, record: &mut Record) -> Result<()> {
        self.begin_cycle(record);
        let (name, before) = (trouble.name(), record.problem_count);
        let problems = self.work_through(trouble)?;
        record.kills += 1;
        record.note(problems.into_iter().map(|text| format!("{name}: {text}")));
        if trouble.outlasts_server() {
            trouble.end()?;
        }
        let (failures, waited) = self.take_failures();
        if waited > LONGEST_WAIT {
            record.note([format!("{name}: a request took {waited:?}")]);
        }
        self.restart_and_check(record)?;
        println!(
            "{name}: requests that failed, by status (0: no answer): {failures:?}; longest wait {:.1} s; {} problems",
            waited.as_secs_f64(),
            record.problem_count - before
        );
        self.take_failures();
        record.tally.add("checked: fault survived");
        Ok(())
    }

    /// Lets the clients work through the trouble until the server is killed.
    fn work_through(&mut self, trouble: &mut dyn Trouble) -> Result<Vec<String>> {
        let (over, killing) = (AtomicBool::new(false), Arc::clone(&self.killing));
        let Self {
            clients, server, ..
        } = self;
        thread::scope(|scope| {
            let working: Vec<_> = clients
                .iter_mut()
                .map(|client| scope.spawn(|| client.endure(&over)))
                .collect();
            thread::sleep(Duration::from_millis(500));
            killing.store(true, Ordering::SeqCst);
            let lived = live_through(server, trouble);
            if !trouble.outlasts_server() {
                killing.store(false, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(700));
            }
            // whatever came of it, the clients must be let go
            over.store(true, Ordering::SeqCst);
            killing.store(true, Ordering::SeqCst);
            let killed = server.kill();
            let ended = working.into_iter().map(|client| {
                let panicked = |_| Some("a client panicked".to_owned());
                client.join().unwrap_or_else(panicked)
            });
            let found: Vec<String> = ended.flatten().collect();
            killed?;
            Ok(lived?.into_iter().chain(found).collect())
        })
    }
}

impl Client {
    /// Works until it is over. When a request fails, looks where things stand as soon as that is possible again,
    /// and goes on from there.
    fn endure(&mut self, over: &AtomicBool) -> Option<String> {
        loop {
            if let Some(problem) = self.work() {
                return Some(problem);
            }
            loop {
                if over.load(Ordering::SeqCst) {
                    return None;
                }
                thread::sleep(Duration::from_millis(100));
                match self.check_all() {
                    Ok(problems) if problems.is_empty() => break,
                    Ok(problems) => return Some(problems.join("; ")),
                    Err(Stop::Killed) => {}
                    Err(Stop::Problem(text)) => return Some(text),
                }
            }
        }
    }
}

/// Lets the trouble happen, and waits until the server has returned.
fn live_through(server: &Server, trouble: &mut dyn Trouble) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    trouble.begin(server)?;
    let began = Instant::now();
    if trouble.is_total() && !comes_to(server, 503, TELLING) {
        problems.push("/readyz does not tell".to_owned());
    }
    if trouble.is_total() && status(server, "/healthz") != Some(200) {
        problems.push("/healthz does not answer".to_owned());
    }
    thread::sleep(trouble.duration().saturating_sub(began.elapsed()));
    if !trouble.outlasts_server() {
        trouble.end()?;
        if !comes_to(server, 200, RETURN) {
            problems.push("the server does not return".to_owned());
        }
    }
    Ok(problems)
}

/// Whether `/readyz` comes to answer with that status.
fn comes_to(server: &Server, wanted: u16, limit: Duration) -> bool {
    let began = Instant::now();
    loop {
        if status(server, "/readyz") == Some(wanted) {
            return true;
        }
        if began.elapsed() > limit {
            return false;
        }
        thread::sleep(Duration::from_millis(100));
    }
}

fn status(server: &Server, path: &str) -> Option<u16> {
    let answer = Request::new("GET", path).send(server.port);
    answer.ok().map(|answer| answer.status)
}
