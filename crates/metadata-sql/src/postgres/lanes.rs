//! Group commit on PostgreSQL: the writes of one lane run one after another, those that wait in one transaction.
//!
//! Pushes into one repository would only make each other's transactions fail; here they share one. Lanes run
//! side by side, and other nodes beside them: a conflict between those runs the whole batch again.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deadpool_postgres::Pool;
use ecru_ports::metadata::{Lane, StoreError, WriteWork};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::{task, time};

use super::errors::pool_error;
use super::session::PostgresSession;
use crate::batch::{BatchFailure, Member, Outcome, run_batch};

/// How many lanes there are; repositories share them.
pub(super) const LANES: usize = 4;

/// The most closures in one transaction.
const MAX_BATCH: usize = 64;

/// Closures that may wait; beyond, callers wait to hand theirs over.
const QUEUE: usize = 1024;

/// How often a batch is run before it is given up as too busy.
const MAX_ATTEMPTS: u32 = 12;

/// How often a batch is run again because its connection broke before COMMIT.
const MAX_BREAKS: u32 = 2;

/// The longest pause between two attempts.
const MAX_PAUSE: Duration = Duration::from_millis(200);

/// The way to the lanes.
pub(super) struct Lanes {
    shared: Arc<Shared>,
    slots: Arc<Semaphore>,
    next: AtomicUsize,
    hasher: RandomState,
}

struct Shared {
    pool: Pool,
    lanes: [Mutex<Waiting>; LANES],
}

/// What waits in a lane.
#[derive(Default)]
struct Waiting {
    members: VecDeque<(Member, OwnedSemaphorePermit)>,
    /// Whether a task is serving it.
    is_served: bool,
}

impl Lanes {
    /// Lanes that take their connections from `pool`.
    pub(super) fn new(pool: Pool) -> Self {
        Self {
            shared: Arc::new(Shared {
                pool,
                lanes: Default::default(),
            }),
            slots: Arc::new(Semaphore::new(QUEUE)),
            next: AtomicUsize::new(0),
            hasher: RandomState::new(),
        }
    }

    /// Hands a closure over and waits until its outcome is durable.
    pub(super) async fn write(&self, lane: &Lane, work: WriteWork) -> Outcome {
        let slot = Arc::clone(&self.slots).acquire_owned().await;
        let slot = slot.map_err(|_| stopped())?;
        let (member, outcome) = Member::new(work);
        let index = self.index_of(lane);
        if self.shared.add(index, member, slot) {
            task::spawn(serve(Arc::clone(&self.shared), index));
        }
        outcome.await.map_err(|_| stopped())?
    }

    fn index_of(&self, lane: &Lane) -> usize {
        match lane {
            Lane::Repository(id) => {
                usize::try_from(self.hasher.hash_one(id) % LANES as u64).unwrap_or_default()
            }
            Lane::Any => self.next.fetch_add(1, Ordering::Relaxed) % LANES,
        }
    }
}

impl Shared {
    /// Adds a member; `true` if nobody serves the lane yet.
    fn add(&self, lane: usize, member: Member, slot: OwnedSemaphorePermit) -> bool {
        let mut waiting = self.lanes[lane].lock();
        waiting.members.push_back((member, slot));
        !std::mem::replace(&mut waiting.is_served, true)
    }

    /// Everything that waits, up to a batch. With nothing left the lane is not served any more.
    fn next_batch(&self, lane: usize) -> Vec<Member> {
        let mut waiting = self.lanes[lane].lock();
        let count = waiting.members.len().min(MAX_BATCH);
        waiting.is_served = count > 0;
        let members = waiting.members.drain(..count);
        members.map(|(member, _slot)| member).collect()
    }
}

async fn serve(shared: Arc<Shared>, lane: usize) {
    loop {
        let batch = shared.next_batch(lane);
        if batch.is_empty() {
            return;
        }
        let unserved = serve_batch(&shared.pool, batch).await;
        for member in unserved {
            let rest = serve_batch(&shared.pool, vec![member]).await;
            debug_assert!(rest.is_empty(), "a member alone is always answered");
        }
    }
}

/// Runs a batch until it is answered. Returns the members if they are to be run one by one.
async fn serve_batch(pool: &Pool, mut batch: Vec<Member>) -> Vec<Member> {
    let (mut attempts, mut breaks) = (1, 0);
    loop {
        let (members, failure) = match attempt(pool, batch).await {
            Attempt::Answered => return Vec::new(),
            Attempt::Failed(members, failure) => (members, failure),
        };
        batch = members;
        match failure {
            BatchFailure::Undone(StoreError::Conflict) if attempts < MAX_ATTEMPTS => {
                pause(attempts).await;
                attempts += 1;
            }
            BatchFailure::Undone(StoreError::Unavailable(_)) if breaks < MAX_BREAKS => breaks += 1,
            BatchFailure::Undone(StoreError::Failed(_) | StoreError::Corrupt(_))
                if batch.len() > 1 =>
            {
                return batch;
            }
            BatchFailure::Undone(error) | BatchFailure::Unknown(error) => {
                for member in batch {
                    member.answer(Err(error.clone()));
                }
                return Vec::new();
            }
        }
    }
}

enum Attempt {
    Answered,
    Failed(Vec<Member>, BatchFailure),
}

async fn attempt(pool: &Pool, mut batch: Vec<Member>) -> Attempt {
    let client = match pool.get().await {
        Ok(client) => client,
        // the pool has waited and tried already
        Err(error) => return Attempt::Failed(batch, BatchFailure::Unknown(pool_error(error))),
    };
    let runtime = Handle::current();
    let run = task::spawn_blocking(move || {
        let mut session = PostgresSession::new(client, runtime);
        match run_batch(&mut session, &mut batch) {
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

/// Twice as long each time, and not in step with others.
async fn pause(attempts: u32) {
    let longest = MAX_PAUSE.min(Duration::from_millis(1 << attempts.min(16)));
    let random = RandomState::new().build_hasher().finish() % 1_000;
    let share = u32::try_from(random).unwrap_or_default();
    time::sleep(longest * share / 1_000).await;
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the metadata store has stopped".to_owned())
}
