//! Group commit on PostgreSQL: closures that wait run in one transaction, one transaction at a time.
//!
//! Serializable transactions of one process would mostly make each other fail: the server notices conflicts by index
//! page, and small tables have few. Nodes do meet: a batch that fails over another node's runs again, and for a while
//! this node then takes turns with the others.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use deadpool_postgres::Pool;
use ecru_ports::metadata::{StoreError, WriteWork};
use futures_util::FutureExt as _;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio::{task, time};

use super::errors::pool_error;
use super::session::PostgresSession;
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

/// For how many batches after a conflict turns are taken.
const TURNS: u32 = 64;

/// The way to the task that writes. It ends when this is dropped and nothing waits any more.
pub(super) struct Writer {
    queue: mpsc::Sender<Member>,
}

impl Writer {
    /// Starts the task; it takes its connections from `pool`, and waits for each answer no longer than `limit`.
    pub(super) fn start(pool: Pool, limit: Duration) -> Self {
        let (queue, members) = mpsc::channel(QUEUE);
        let batches = Batches {
            pool,
            limit,
            turns: 0,
        };
        task::spawn(serve(batches, members));
        Self { queue }
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

async fn serve(mut batches: Batches, mut queue: mpsc::Receiver<Member>) {
    let mut batch = Vec::with_capacity(MAX_BATCH);
    while queue.recv_many(&mut batch, MAX_BATCH).await > 0 {
        let run = batches.run_all(std::mem::take(&mut batch));
        // the task outlives a panic: without it the server could only read
        if AssertUnwindSafe(run).catch_unwind().await.is_err() {
            tracing::error!("the metadata writer panicked");
        }
    }
}

/// Runs batches, and remembers whether to take turns.
struct Batches {
    pool: Pool,
    limit: Duration,
    turns: u32,
}

enum Attempt {
    Answered,
    Failed(Vec<Member>, BatchFailure),
}

impl Batches {
    /// Runs a batch until all of it is answered.
    async fn run_all(&mut self, batch: Vec<Member>) {
        for member in self.run(batch).await {
            let rest = self.run(vec![member]).await;
            debug_assert!(rest.is_empty(), "a member alone is always answered");
        }
    }

    /// Runs a batch until it is answered. Returns the members if they are to be run one by one.
    async fn run(&mut self, mut batch: Vec<Member>) -> Vec<Member> {
        self.turns = self.turns.saturating_sub(1);
        let (mut attempts, mut breaks) = (1, 0);
        let begun = Instant::now();
        loop {
            let (members, failure) = match self.attempt(batch).await {
                Attempt::Answered => return Vec::new(),
                Attempt::Failed(members, failure) => (members, failure),
            };
            batch = members;
            match failure {
                BatchFailure::Undone(StoreError::Conflict) if attempts < MAX_ATTEMPTS => {
                    self.turns = TURNS;
                    pause(attempts).await;
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

    async fn attempt(&self, mut batch: Vec<Member>) -> Attempt {
        let client = match self.pool.get().await {
            Ok(client) => client,
            // the pool has waited and tried already
            Err(error) => return Attempt::Failed(batch, BatchFailure::Unknown(pool_error(error))),
        };
        let (runtime, limit) = (Handle::current(), self.limit);
        let takes_turns = self.turns > 0;
        let run = task::spawn_blocking(move || {
            let mut session = PostgresSession::new(client, runtime, limit);
            if takes_turns {
                session.take_turns();
            }
            match run_batch(&mut session, &mut batch, || ()) {
                Ok(outcomes) => {
                    drop(session);
                    for (member, outcome) in batch.into_iter().zip(outcomes) {
                        member.answer(outcome);
                    }
                    Attempt::Answered
                }
                Err(failure) => Attempt::Failed(batch, failure),
            }
        });
        // a panic, or the end of the runtime, drops the members: those who wait for them are told
        run.await.unwrap_or(Attempt::Answered)
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
