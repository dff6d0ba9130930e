//! `cargo xtask kill`: clients push, delete, tag anew, mount, upload and pull, collection runs all the while, and the
//! server is killed with SIGKILL at random moments. After every restart everything that was acknowledged is there,
//! whole, and nothing else.
//!
//! ```text
//! start ─▶ check ─▶ traffic, collection ─▶ SIGKILL ─▶ (start ─▶ SIGKILL)* ─▶ (verify --offline)? ─▶ start …
//! ```
//!
//! Each client has repositories of its own, so it knows what they hold without asking; layers are shared between
//! all of them, so mounts, deduplication and collection meet. Reading order: [`model`] (what acknowledged operations
//! explain), [`client`] with [`images`], [`uploads`] and [`left`] (what clients do), [`check`], [`cycle`], [`record`].

mod caller;
mod check;
mod client;
mod cycle;
pub(crate) mod faults;
mod images;
mod left;
mod model;
mod pool;
pub(crate) mod power;
pub(crate) mod races;
mod random;
mod record;
mod uploads;

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;

use crate::runner;
use crate::workbench::Workbench;
use cycle::Run;
use record::Record;

/// After so many problems a run shows nothing new.
const MAX_PROBLEMS: u64 = 20;

/// Kills between two tries of killing a server that creates its store.
const FIRST_STARTS_EVERY: u64 = 15;

/// What a run can be told.
#[derive(Args, Clone)]
pub(crate) struct KillOptions {
    /// How often the server is killed.
    #[arg(long, default_value_t = 60)]
    count: u64,
    /// Decides what clients do and when the server is killed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many clients work at once.
    #[arg(long, default_value_t = 5)]
    clients: usize,
    /// The server binary; built from this workspace when absent.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Build the server with the release profile.
    #[arg(long)]
    release: bool,
    /// Keep metadata in this `PostgreSQL` server (a database of its own) instead of an `SQLite` file.
    #[arg(long, value_name = "URL")]
    metadata: Option<String>,
    /// File in which figures are kept, so that a run that was stopped goes on counting.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Keep the scratch directory, with the store and all logs.
    #[arg(long)]
    keep: bool,
}

/// Runs to the count and returns whether nothing was wrong.
pub(crate) fn run(options: &KillOptions) -> Result<bool> {
    let binary = match &options.binary {
        Some(path) => path.canonicalize().context("no such server binary")?,
        None => runner::build_server(options.release)?,
    };
    let mut record = match &options.state {
        Some(path) => Record::read(path, options.seed)?,
        None => Record {
            seed: options.seed,
            ..Record::default()
        },
    };
    let bench = Workbench::create(binary, options.metadata.clone())?;
    let ended = kill_to_the_count(&bench, options, &mut record);
    finish("kill", bench, (record, ended), options.keep)
}

impl KillOptions {
    /// A run that is told its seed only.
    fn of_seed(seed: u64) -> Self {
        Self {
            count: 0,
            seed,
            clients: 5,
            binary: None,
            release: false,
            metadata: None,
            state: None,
            keep: false,
        }
    }
}

/// Prints what a run has shown. Whether nothing was wrong.
fn finish(
    test: &str,
    bench: Workbench,
    (mut record, ended): (Record, Result<()>),
    keep: bool,
) -> Result<bool> {
    conclude(bench, ended, &mut record, keep)?;
    print!("{}", record.summary(test));
    Ok(record.problem_count == 0)
}

/// Notes why a run ended early and which servers panicked, and keeps their store and logs if anything was wrong.
fn conclude(bench: Workbench, ended: Result<()>, record: &mut Record, keep: bool) -> Result<()> {
    if let Err(error) = ended {
        record.note([format!("the run ended early: {error:#}")]);
    }
    record.note(panics(&bench)?);
    if keep || record.problem_count > 0 {
        println!("store and logs: {}", bench.keep().display());
    }
    Ok(())
}

fn kill_to_the_count(bench: &Workbench, options: &KillOptions, record: &mut Record) -> Result<()> {
    let (began, before) = (Instant::now(), record.seconds);
    let mut run = Run::open(bench, options)?;
    // a node that dies while it makes the tables of a shared database keeps the others waiting for two minutes
    let mut next_first_start = match options.metadata {
        None => record.kills,
        Some(_) => u64::MAX,
    };
    while record.kills < options.count && record.problem_count < MAX_PROBLEMS {
        if record.kills >= next_first_start {
            cycle::kill_at_first_start(bench, record)?;
            next_first_start = record.kills + FIRST_STARTS_EVERY;
        }
        run.cycle(record)?;
        record.seconds = before + began.elapsed().as_secs();
        if let Some(path) = &options.state {
            record.write(path)?;
        }
    }
    run.end(record)?;
    record.seconds = before + began.elapsed().as_secs();
    match &options.state {
        Some(path) => record.write(path),
        None => Ok(()),
    }
}

/// Panics that servers logged.
fn panics(bench: &Workbench) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(bench.path().join("outputs"))? {
        let path = entry?.path();
        let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
        let is_panic = |line: &&str| line.contains("panicked at") || line.contains(" panic ");
        let line = text.lines().find(is_panic);
        found.extend(line.map(|line| format!("{}: {line}", path.display())));
    }
    Ok(found)
}
