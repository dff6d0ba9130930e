//! `cargo xtask races`: many clients use the same few repositories, tags, layers and uploads at the same time, write
//! down what they asked and what was answered and when, and afterwards some order of the operations has to explain
//! every answer.
//!
//! ```text
//! clients ─▶ history ─┬▶ repositories: tags, images, lists      (linearizable)
//!    │                ├▶ uploads: appended, completed, cancelled (linearizable)
//!    ▼                └▶ layers: there while needed or promised
//! one server, or several nodes on one database
//! ```
//!
//! Reading order: [`order`] (the search for an order), [`deeds`] (what answers say), [`layers`], [`history`],
//! [`racer`] with [`images`], [`looks`], [`uploads`] and [`edge`] (what clients do), [`cluster`].

mod cluster;
mod deeds;
mod edge;
mod history;
mod images;
mod layers;
mod looks;
mod order;
mod racer;
mod uploads;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::caller::Caller;
use super::model::Place;
use super::pool::Pool;
use super::random::Random;
use super::record::Record;
use crate::runner;
use crate::workbench::Workbench;
use cluster::{Cluster, GRACE};
use deeds::Stage;
use history::History;
use racer::Racer;

/// What a run can be told.
#[derive(Args)]
pub(crate) struct RaceOptions {
    /// How long the clients race.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Decides what clients do.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many clients use the shared repositories.
    #[arg(long, default_value_t = 6)]
    clients: usize,
    /// How many servers run on the store; more than one need a database.
    #[arg(long, default_value_t = 1)]
    nodes: usize,
    /// Keep metadata in this `PostgreSQL` server (a database of its own) instead of an `SQLite` file.
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// The server binary; built from this workspace when absent.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Build the server with the release profile.
    #[arg(long)]
    release: bool,
    /// Keep the scratch directory, with the store and all logs.
    #[arg(long)]
    keep: bool,
}

/// What a client does all the time.
#[derive(Clone, Copy)]
enum Role {
    /// Anything with the shared repositories.
    Shared,
    /// Duels over uploads.
    Duels,
    /// Pushes at the end of the grace.
    Edge,
    /// Moves one tag from image to image.
    Move,
    /// Looks where that tag is.
    Look,
}

/// Clients beside those of the shared repositories.
const OTHERS: [Role; 9] = [
    Role::Duels,
    Role::Duels,
    Role::Edge,
    Role::Edge,
    Role::Edge,
    Role::Move,
    Role::Look,
    Role::Look,
    Role::Look,
];

/// Races for the time and returns whether every answer is explained.
pub(crate) fn run(options: &RaceOptions) -> Result<bool> {
    ensure!(
        options.nodes <= 1 || options.postgres.is_some(),
        "several nodes need --postgres URL"
    );
    let binary = match &options.binary {
        Some(path) => path.canonicalize().context("no such server binary")?,
        None => runner::build_server(options.release)?,
    };
    let bench = Workbench::create(binary, options.postgres.clone())?;
    let mut record = Record {
        seed: options.seed,
        ..Record::default()
    };
    let began = Instant::now();
    let ended = race(&bench, options, &mut record);
    record.seconds = began.elapsed().as_secs();
    super::finish("races", bench, (record, ended), options.keep)
}

fn race(bench: &Workbench, options: &RaceOptions, record: &mut Record) -> Result<()> {
    let cluster = Cluster::start(bench, options.nodes)?;
    let nodes = cluster.callers()?;
    let pool = Arc::new(Pool::of(options.seed));
    let mut racers = racers(options, &nodes, &pool);
    let until = Instant::now() + Duration::from_secs(options.seconds);
    prepare(&mut racers);
    thread::scope(|scope| {
        for (role, racer) in &mut racers {
            let role = *role;
            scope.spawn(move || {
                while Instant::now() < until {
                    racer.play(role);
                }
            });
        }
    });
    let mut history = History::default();
    for (_, racer) in racers {
        history.merge(racer.history);
    }
    record.note(failures(&nodes));
    record.note(cluster.end(bench)?);
    check(&history, &pool, record);
    record.note(std::mem::take(&mut history.problems));
    record.tally.merge(history.tally);
    Ok(())
}

fn racers(options: &RaceOptions, nodes: &[Caller], pool: &Arc<Pool>) -> Vec<(Role, Racer)> {
    let start = Instant::now();
    let roles = std::iter::repeat_n(Role::Shared, options.clients).chain(OTHERS);
    let racers = roles.enumerate().map(|(who, role)| {
        let racer = Racer {
            who,
            nodes: nodes.to_vec(),
            pool: Arc::clone(pool),
            random: Random::of(options.seed, 0, who as u64),
            start,
            grace: GRACE,
            history: History::default(),
        };
        (role, racer)
    });
    racers.collect()
}

/// Creates the repositories that are never deleted, and those that are for a start.
fn prepare(racers: &mut [(Role, Racer)]) {
    for (role, racer) in racers.iter_mut() {
        if matches!(role, Role::Edge) {
            racer.create(&racer.own_repository());
        }
    }
    if let Some((_, first)) = racers.first_mut() {
        let [one, two] = images::SHARED;
        for name in [one, two, images::FIXED, images::HOT, uploads::UPLOADS] {
            first.create(name);
        }
    }
}

impl Racer {
    fn play(&mut self, role: Role) {
        match role {
            Role::Shared => self.act(),
            Role::Duels => self.duel(),
            Role::Edge => self.push_at_the_edge(),
            Role::Move => self.move_tag(),
            Role::Look => self.look_at_tag(),
        }
    }
}

/// Requests without an answer that tells what became of them: nothing here is reason for one.
fn failures(nodes: &[Caller]) -> Vec<String> {
    let failures = nodes.iter().filter_map(|node| node.failures.lock().ok());
    let failures = failures.filter(|failures| !failures.is_empty());
    let text = failures.map(|failures| format!("requests that failed, by status: {failures:?}"));
    text.collect()
}

/// Searches for what explains each history.
fn check(history: &History, pool: &Pool, record: &mut Record) {
    let needs: Vec<Vec<usize>> = pool
        .images
        .iter()
        .map(|image| image.blobs.clone())
        .collect();
    for (name, seen) in &history.repositories {
        let problem = order::explain(Place::default(), &seen.events).err();
        record.note(problem.map(|problem| format!("{name}: {problem}")));
        let found = layers::problems(seen, &needs, GRACE);
        record.note(
            found
                .into_iter()
                .map(|problem| format!("{name}: {problem}")),
        );
        record.tally.add("checked: history of a repository");
    }
    for (target, events) in &history.uploads {
        let problem = order::explain(Stage::Open(0), events).err();
        record.note(problem.map(|problem| format!("{target}: {problem}")));
        record.tally.add("checked: history of an upload");
    }
}
