//! Group commit on PostgreSQL: closures that wait run in one transaction, one transaction at a time.
//!
//! Serializable transactions of one process would mostly make each other fail: the server notices conflicts by index
//! page, and small tables have few. Nodes do meet: a batch that fails over another node's runs again, alone this time,
//! and so do those that follow for a while.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use deadpool_postgres::Pool;
use ecru_ports::metadata::{StoreError, WriteWork};
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::time;

use super::driver::Driver;
use super::errors::pool_error;
use super::session::PostgresSession;
use super::turns::Turn;
use crate::batch::{BatchFailure, Member, Outcome, run_batch};

/// The most closures in one transaction.
const MAX_BATCH: usize = 64;

/// Closures that may wait; beyond, callers wait to hand theirs over.
const QUEUE: usize = 1024;

/// How often a batch is run before it is given up as too busy.
const MAX_ATTEMPTS: u32 = 20;

/// How often a batch is run again because its connection broke before COMMIT. Where the server was silent it is not:
/// whoever waits has waited long enough.
const MAX_BREAKS: u32 = 2;

/// The longest pause between two attempts.
const MAX_PAUSE: Duration = Duration::from_millis(200);

/// How many batches after one that lost run alone: where nodes meet once, they are likely to meet again.
const ALONE: u32 = 64;

/// For how many batches after one that needed them savepoints are set.
const GUARDED: u32 = 64;

/// The way to the thread that writes. It ends when this is dropped and nothing waits any more.
pub(super) struct Writer {
    queue: mpsc::Sender<Member>,
}

impl Writer {
    /// Starts the thread; it takes its connections from `pool`, which nobody else uses, and waits for each answer no
    /// longer than `limit`.
    pub(super) fn start(pool: Pool, limit: Duration) -> Result<Self, StoreError> {
        let failed = |error: io::Error| StoreError::Failed(error.to_string());
        let runtime = Builder::new_current_thread().enable_all().build();
        let (queue, members) = mpsc::channel(QUEUE);
        let batches = Batches {
            pool,
            driver: Driver::Own(Arc::new(runtime.map_err(failed)?)),
            limit,
            alone: 0,
            turns: true,
            guarded: 0,
        };
        let name = "postgres-writer".to_owned();
        let thread = thread::Builder::new().name(name);
        thread
            .spawn(move || serve(batches, members))
            .map_err(failed)?;
        Ok(Self { queue })
    }

    /// Hands a closure over and waits until its outcome is durable.
    pub(super) async fn write(&self, work: WriteWork) -> Outcome {
        let (member, outcome) = Member::new(work);
        self.queue.send(member).await.map_err(|_| stopped())?;
        outcome.await.map_err(|_| stopped())?
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the metadata writer has stopped".to_owned())
}

fn serve(mut batches: Batches, mut queue: mpsc::Receiver<Member>) {
    let mut batch = Vec::with_capacity(MAX_BATCH);
    let driver = batches.driver.clone();
    while driver.wait(queue.recv_many(&mut batch, MAX_BATCH)) > 0 {
        let members = std::mem::take(&mut batch);
        // the thread outlives a panic, which drops the members, so that those who wait for them are told
        let run = AssertUnwindSafe(|| batches.run_all(members));
        if catch_unwind(run).is_err() {
            tracing::error!("the metadata writer panicked");
        }
    }
}

/// Runs batches, and remembers for how many more to be alone and to set savepoints.
struct Batches {
    pool: Pool,
    driver: Driver,
    limit: Duration,
    alone: u32,
    /// Whether the server knows the lock by which a batch is alone.
    turns: bool,
    guarded: u32,
}

enum Attempt {
    Answered,
    /// A member was to be undone alone, and could not be.
    Unguarded(Vec<Member>),
    Failed(Vec<Member>, BatchFailure),
}

impl Batches {
    /// Runs a batch until all of it is answered.
    fn run_all(&mut self, batch: Vec<Member>) {
        for member in self.run(batch) {
            let rest = self.run(vec![member]);
            debug_assert!(rest.is_empty(), "a member alone is always answered");
        }
    }

    /// Runs a batch until it is answered. Returns the members if they are to be run one by one.
    fn run(&mut self, mut batch: Vec<Member>) -> Vec<Member> {
        self.alone = self.alone.saturating_sub(1);
        self.guarded = self.guarded.saturating_sub(1);
        let (mut attempts, mut breaks) = (1, 0);
        let begun = Instant::now();
        loop {
            let (members, failure) = match self.attempt(batch) {
                Attempt::Answered => return Vec::new(),
                Attempt::Unguarded(members) => {
                    self.guarded = GUARDED;
                    batch = members;
                    continue;
                }
                Attempt::Failed(members, failure) => (members, failure),
            };
            batch = members;
            match failure {
                BatchFailure::Undone(StoreError::Conflict) if attempts < MAX_ATTEMPTS => {
                    self.alone = ALONE;
                    self.driver.wait(pause(attempts));
                    attempts += 1;
                }
                BatchFailure::Undone(StoreError::Unavailable(_))
                    if breaks < MAX_BREAKS && begun.elapsed() < self.limit =>
                {
                    breaks += 1;
                }
                BatchFailure::Undone(StoreError::Failed(_) | StoreError::Corrupt(_))
                    if batch.len() > 1 =>
                {
                    return batch;
                }
                BatchFailure::Undone(error) | BatchFailure::Unknown(error) => {
                    return refuse(batch, &error);
                }
            }
        }
    }

    fn turn(&self) -> Turn {
        match (self.turns, self.alone) {
            (false, _) => Turn::Unknown,
            (true, 0) => Turn::Shared,
            (true, _) => Turn::Alone,
        }
    }

    fn attempt(&mut self, mut batch: Vec<Member>) -> Attempt {
        let client = match self.driver.wait(self.pool.get()) {
            Ok(client) => client,
            // the pool has waited and tried already
            Err(error) => return Attempt::Failed(batch, BatchFailure::Unknown(pool_error(error))),
        };
        let mut session = PostgresSession::new(client, self.driver.clone(), self.limit);
        session.take_turn(self.turn());
        if self.guarded == 0 {
            session.go_unguarded();
        }
        let run = run_batch(&mut session, &mut batch, |_| ());
        self.turns = session.turn() != Turn::Unknown;
        match run {
            Ok(outcomes) => {
                drop(session);
                for (member, outcome) in batch.into_iter().zip(outcomes) {
                    member.answer(outcome);
                }
                Attempt::Answered
            }
            Err(_) if session.missed_guards() => Attempt::Unguarded(batch),
            Err(failure) => Attempt::Failed(batch, failure),
        }
    }
}

/// Answers all members alike; none is left.
fn refuse(batch: Vec<Member>, error: &StoreError) -> Vec<Member> {
    for member in batch {
        member.answer(Err(error.clone()));
    }
    Vec::new()
}

/// Twice as long each time, and not in step with others.
async fn pause(attempts: u32) {
    let longest = MAX_PAUSE.min(Duration::from_millis(1 << attempts.min(16)));
    let random = RandomState::new().build_hasher().finish() % 1_000;
    let share = u32::try_from(random).unwrap_or_default();
    time::sleep(longest * share / 1_000).await;
}
