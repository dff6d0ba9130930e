//! `cargo xtask power`: what is left when the power goes at any moment of pushes, deletes and a collection.
//!
//! The server runs once under `strace`, which writes down every write, sync, rename and answer. From the record the
//! disk is put together as it may be after a cut at each of its lines: what was synced, and of the rest nothing, all,
//! or any torn part. From each such disk the server must start, hold what it had acknowledged by then, hold nothing
//! that no order of the requests explains, and find nothing wrong with itself.
//!
//! At the end syncs are left out of the record, as if the server had forgotten them: the test must notice.
//!
//! `SQLite`'s files are part of this like all others. Not shown: disks that lie about a sync, or that damage bytes
//! beside those written.

mod disk;
mod script;
mod trace;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use tempfile::TempDir;

use super::caller::Stop;
use super::client::{Client, Known, Spans};
use super::cycle::{caller, client, verify};
use super::pool::Pool;
use super::random::Random;
use crate::runner;
use crate::server::{Launch, Server};
use crate::workbench::Workbench;
use disk::{Rest, State};
use trace::{Deed, Event};

/// After so many problems a run shows nothing new.
const MAX_PROBLEMS: usize = 20;

/// Syncs without which something must be found wrong: of the database's log, of keys, of objects.
const NEEDED: [&str; 3] = ["metadata.sqlite-wal", "server/keys", "blobs/objects"];

/// What the recorded server is told: collection is to happen soon.
const RECORDED: Spans = Spans {
    grace: Duration::from_secs(3),
    lifetime: Duration::from_secs(24 * 3600),
};
/// What servers are told that start from a state: nothing is to go meanwhile.
const CHECKED: Spans = Spans {
    grace: Duration::from_secs(24 * 3600),
    lifetime: Duration::from_secs(24 * 3600),
};

/// What a run can be told.
#[derive(Args, Clone)]
pub(crate) struct PowerOptions {
    /// Decides what is pushed, and what is left of what was not made durable.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Cut at every so many lines of the record only; the seed says at which.
    #[arg(long, default_value_t = 1)]
    every: usize,
    /// How many states by chance at each cut, besides those with nothing and with everything.
    #[arg(long, default_value_t = 2)]
    chances: u64,
    /// Forget syncs of paths that contain this text, as if the server had left them out: problems are found then.
    #[arg(long, value_name = "TEXT")]
    forget: Option<String>,
    /// The server binary; built from this workspace when absent.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Build the server with the release profile.
    #[arg(long)]
    release: bool,
    /// Keep the scratch directory, with the record and all logs.
    #[arg(long)]
    keep: bool,
}

/// A record, and what the client knew at each moment of it.
struct Recording {
    events: Vec<Event>,
    lines: usize,
    root: PathBuf,
    client: Client,
    history: Vec<Known>,
    /// Answers before the client's first.
    others: usize,
}

/// What a run counts.
#[derive(Default)]
struct Figures {
    cuts: usize,
    states: usize,
    problems: usize,
}

/// Records, cuts, and returns whether nothing was wrong.
pub(crate) fn run(options: &PowerOptions) -> Result<bool> {
    let began = Instant::now();
    let binary = match &options.binary {
        Some(path) => path.canonicalize().context("no such server binary")?,
        None => runner::build_server(options.release)?,
    };
    let bench = Workbench::create(binary, None)?;
    let mut recording = record(&bench, options.seed)?;
    let mut figures = Figures::default();
    let forgotten = options.forget.as_deref();
    let most = MAX_PROBLEMS;
    let cuts = Cuts {
        options,
        forgotten,
        most,
    };
    let ended = cuts.try_all(&bench, &mut recording, &mut figures);
    if ended.is_ok() && forgotten.is_none() {
        notice_forgotten(&bench, options, &mut recording, &mut figures);
    }
    println!(
        "power test: {} lines recorded, {} events; {} cuts, {} different states, {} problems, seed {}, {} s",
        recording.lines,
        recording.events.len(),
        figures.cuts,
        figures.states,
        figures.problems,
        options.seed,
        began.elapsed().as_secs(),
    );
    if options.keep || figures.problems > 0 {
        println!("record and logs: {}", bench.keep().display());
    }
    ended?;
    Ok(figures.problems == 0)
}

/// Runs the script against a server under `strace`.
fn record(bench: &Workbench, seed: u64) -> Result<Recording> {
    let root = bench.directory("recorded")?.join("server");
    fs::create_dir(&root)?;
    let file = bench.path().join("strace");
    let mut server = Server::stopped(bench, &root)?;
    server.launch(bench, &recorded_launch(&file)?)?;
    let caller = caller(&server, &Arc::default())?;
    let mut client = client(0, 1, &caller, &Arc::new(Pool::of(seed)));
    client.spans = RECORDED;
    client.random = Random::of(seed, 0, 0);
    client.history = Some(Vec::new());
    match script::run(&mut client) {
        Ok(()) => {}
        Err(Stop::Killed) => bail!("the recorded server gave no answer"),
        Err(Stop::Problem(text)) => bail!("while recording: {text}"),
    }
    let history = client.history.take().unwrap_or_default();
    server.kill()?;
    let text = await_end(&file)?;
    let events = trace::parse(&text)?;
    let answers = events.iter().filter(|event| event.deed == Deed::Answer);
    let asked = client.caller.sent.load(Ordering::SeqCst);
    let others = answers
        .count()
        .checked_sub(asked)
        .context("fewer answers were recorded than came")?;
    Ok(Recording {
        events,
        lines: text.lines().count(),
        root,
        client,
        history,
        others,
    })
}

fn recorded_launch(file: &Path) -> Result<Launch> {
    let file = file.to_str().context("the scratch directory's name")?;
    // the tracer beside the server, not above it: signals reach the server itself
    let before = ["strace", "-D", "-f", "-y", "-xx", "-s", "16777216", "-e"];
    let calls = format!("trace={}", trace::CALLS);
    let wrapper = before.into_iter().chain([calls.as_str(), "-o", file]);
    let flags = ["--layer-grace", "3s", "--upload-lifetime", "24h"];
    Ok(Launch {
        wrapper: wrapper.map(str::to_owned).collect(),
        flags: flags.map(str::to_owned).to_vec(),
        ..Launch::default()
    })
}

/// The record, once the tracer has written the server's end into it.
fn await_end(file: &Path) -> Result<String> {
    let began = Instant::now();
    loop {
        let text = fs::read_to_string(file)?;
        if text.ends_with("+++ killed by SIGKILL +++\n") {
            return Ok(text);
        }
        ensure!(
            began.elapsed() < Duration::from_secs(30),
            "strace does not end"
        );
        thread::sleep(Duration::from_millis(50));
    }
}

/// Leaves out the syncs of one kind after another, until a problem is found for each.
fn notice_forgotten(
    bench: &Workbench,
    options: &PowerOptions,
    recording: &mut Recording,
    figures: &mut Figures,
) {
    for text in NEEDED {
        let mut found = Figures::default();
        let cuts = Cuts {
            options,
            forgotten: Some(text),
            most: 1,
        };
        // it ends early over the problem
        drop(cuts.try_all(bench, recording, &mut found));
        println!(
            "without syncs of {text}: noticed after {} states",
            found.states
        );
        if found.problems == 0 {
            println!("PROBLEM: nothing is wrong without syncs of {text}");
            figures.problems += 1;
        }
    }
}

/// Which cuts are tried of a record.
struct Cuts<'a> {
    options: &'a PowerOptions,
    forgotten: Option<&'a str>,
    /// After so many problems no more is tried.
    most: usize,
}

impl Cuts<'_> {
    fn try_all(
        &self,
        bench: &Workbench,
        recording: &mut Recording,
        figures: &mut Figures,
    ) -> Result<()> {
        let mut seen = HashSet::new();
        let scratch = in_memory()?;
        let home = scratch.path().join("server");
        fs::create_dir(&home)?;
        let last = recording.events.last().map_or(0, |event| event.done) + 1;
        let every = self.options.every.max(1);
        let first = usize::try_from(self.options.seed)? % every;
        for cut in (first..=last).step_by(every) {
            figures.cuts += 1;
            let known = recording.known_at(cut);
            for state in self.states(recording, cut) {
                if !seen.insert((state.fingerprint(), known.answers)) {
                    continue;
                }
                figures.states += 1;
                state.write(&home)?;
                let problems = try_state(bench, &home, &mut recording.client, &known)?;
                State::remove(&home)?;
                for problem in &problems {
                    println!("{} after a cut at line {cut}: {problem}", self.label());
                }
                figures.problems += problems.len();
                if figures.problems >= self.most {
                    bail!("too many problems");
                }
            }
        }
        Ok(())
    }

    /// What may be left after a cut. A sync that is forgotten shows soonest where all is lost.
    fn states(&self, recording: &Recording, cut: usize) -> Vec<State> {
        let chances = (0..self.options.chances)
            .map(|chance| Rest::Chance(Random::of(self.options.seed, cut as u64, chance)));
        let mut rests = vec![Rest::Lost];
        if self.forgotten.is_none() {
            rests.push(Rest::Kept);
            rests.extend(chances);
        }
        rests
            .into_iter()
            .map(|mut rest| {
                let (events, root) = (&recording.events, &recording.root);
                disk::state(events, root, cut, &mut rest, self.forgotten)
            })
            .collect()
    }

    fn label(&self) -> String {
        match self.forgotten {
            None => "PROBLEM".to_owned(),
            Some(text) => format!("without syncs of {text}"),
        }
    }
}

impl Recording {
    /// What the client knew when that many lines had been written.
    fn known_at(&self, cut: usize) -> Known {
        let answers = self
            .events
            .iter()
            .filter(|event| event.deed == Deed::Answer && event.begun < cut);
        let answered = answers.count().saturating_sub(self.others);
        let known = self.history.iter().find(|known| known.answers >= answered);
        known.cloned().unwrap_or_else(|| Known {
            answers: answered,
            repositories: self.client.repositories.clone(),
            uploads: self.client.uploads.clone(),
        })
    }
}

/// Where states are put together: in memory if the system has such a place. What servers that start from them sync does
/// not matter, and takes two thirds of the time on a disk.
fn in_memory() -> Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix("ecru-power-");
    let found = builder.tempdir_in("/dev/shm");
    Ok(found.or_else(|_| builder.tempdir())?)
}

/// Starts the server on a state and checks it.
fn try_state(
    bench: &Workbench,
    home: &Path,
    recorder: &mut Client,
    known: &Known,
) -> Result<Vec<String>> {
    let mut server = Server::stopped(bench, home)?;
    if let Err(error) = server.launch(bench, &Launch::default()) {
        return Ok(vec![format!("{error:#}")]);
    }
    let mut client = client(0, 1, &caller(&server, &Arc::default())?, &recorder.pool);
    client.spans = CHECKED;
    client.repositories.clone_from(&known.repositories);
    client.uploads.clone_from(&known.uploads);
    for upload in &mut client.uploads {
        upload.touched = Instant::now();
    }
    let mut problems = client.check();
    server.kill()?;
    problems.extend(verify(bench, &server, true)?);
    Ok(problems)
}
