//! The one thread that writes: takes all closures that wait and commits them together.
//!
//! While a COMMIT waits for the disk, the next closures gather: the busier, the larger the batches, with no
//! delay added for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use ecru_ports::metadata::{StoreError, WriteWork};
use tokio::sync::mpsc;

use super::session::SqliteSession;
use crate::batch::{BatchFailure, Member, Outcome, run_batch};

/// The most closures in one COMMIT.
pub(super) const MAX_BATCH: usize = 128;

/// Closures that may wait; beyond, callers wait to hand theirs over.
const QUEUE: usize = 1024;

/// Commits between two looks at the write-ahead log.
const LOG_CHECK_INTERVAL: u64 = 64;

/// Frames (4 KiB each) in the write-ahead log above which the writer waits for readers to let it start anew.
const MAX_LOG_FRAMES: i64 = 16_384;

/// How often the writer did what.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Transactions that were committed.
    pub(super) commits: AtomicU64,
    /// Closures that were answered.
    pub(super) closures: AtomicU64,
    /// Batches whose changes may have become visible. Rises before any of them is answered.
    pub(super) generation: AtomicU64,
}

/// The way to the thread. Dropping it lets the thread finish what waits, and waits for that.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Member>>,
    thread: Option<JoinHandle<()>>,
    counts: Arc<Counts>,
}

impl Writer {
    /// Starts the thread on that connection.
    pub(super) fn start(session: SqliteSession) -> Result<Self, StoreError> {
        let (queue, members) = mpsc::channel(QUEUE);
        let counts = Arc::new(Counts::default());
        let counted = Arc::clone(&counts);
        let thread = thread::Builder::new()
            .name("metadata-writer".to_owned())
            .spawn(move || serve(session, members, &counted))
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
            counts,
        })
    }

    /// Hands a closure over and waits until its outcome is durable.
    pub(super) async fn write(&self, work: WriteWork) -> Outcome {
        let (member, outcome) = Member::new(work);
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        queue.send(member).await.map_err(|_| stopped())?;
        outcome.await.map_err(|_| stopped())?
    }

    /// What it did so far.
    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the metadata writer panicked");
        }
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the metadata writer has stopped".to_owned())
}

fn serve(mut session: SqliteSession, mut queue: mpsc::Receiver<Member>, counts: &Counts) {
    let mut batch = Vec::with_capacity(MAX_BATCH);
    while let Some(first) = queue.blocking_recv() {
        batch.push(first);
        while batch.len() < MAX_BATCH
            && let Ok(next) = queue.try_recv()
        {
            batch.push(next);
        }
        serve_batch(&mut session, &mut batch, counts);
        let commits = counts.commits.load(Ordering::Relaxed);
        if commits.is_multiple_of(LOG_CHECK_INTERVAL)
            && let Err(error) = bound_log(&mut session)
        {
            tracing::warn!(%error, "the write-ahead log could not be moved into the file");
        }
    }
}

fn bound_log(session: &mut SqliteSession) -> Result<(), StoreError> {
    if session.log_frames()? > MAX_LOG_FRAMES {
        session.restart_log()?;
    }
    Ok(())
}

fn serve_batch(session: &mut SqliteSession, batch: &mut Vec<Member>, counts: &Counts) {
    let outcomes = run_all(session, batch, counts);
    for (member, outcome) in batch.drain(..).zip(outcomes) {
        counts.closures.fetch_add(1, Ordering::Relaxed);
        member.answer(outcome);
    }
}

/// Runs the members together; if the batch is lost, one by one, so that each has an outcome of its own.
fn run_all(session: &mut SqliteSession, members: &mut [Member], counts: &Counts) -> Vec<Outcome> {
    let ended = run_batch(session, members);
    if !matches!(ended, Err(BatchFailure::Undone(_))) {
        counts.generation.fetch_add(1, Ordering::SeqCst);
    }
    match ended {
        Ok(outcomes) => {
            counts.commits.fetch_add(1, Ordering::Relaxed);
            outcomes
        }
        Err(BatchFailure::Unknown(error)) => members.iter().map(|_| Err(error.clone())).collect(),
        Err(BatchFailure::Undone(error)) if members.len() == 1 => vec![Err(error)],
        Err(BatchFailure::Undone(_)) => members
            .chunks_mut(1)
            .flat_map(|alone| run_all(session, alone, counts))
            .collect(),
    }
}
