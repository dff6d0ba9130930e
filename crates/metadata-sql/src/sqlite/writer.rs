//! The one thread that writes: takes all closures that wait and commits them together.
//!
//! While a COMMIT waits for the disk, the next closures gather: the busier, the larger the batches, with no
//! delay added for it.

#[cfg(test)]
#[cfg(feature = "models")]
mod model_tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
#[cfg(not(feature = "models"))]
use std::{
    sync::atomic::AtomicU64,
    thread::{self, JoinHandle},
};

use ecru_ports::metadata::{StoreError, WriteWork};
#[cfg(feature = "models")]
use ecru_ports::modelled::{
    atomic::AtomicU64,
    thread::{self, JoinHandle},
};
use tokio::sync::mpsc;

use super::session::SqliteSession;
use crate::batch::{BatchFailure, Member, Outcome, Session, run_batch};

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
    /// Of commits.
    all: Turns,
    /// Of commits that change structure. What was read of that is used on while images are pushed: of 16 pushes at
    /// once of manifests, 11 % was to read it again.
    restructuring: Turns,
}

/// Rises when a commit begins, after which its changes may be visible, and again when it has ended, before any of its
/// members is answered: odd while a commit is under way.
#[derive(Debug, Default)]
struct Turns(AtomicU64);

impl Turns {
    /// How many have ended; `None` while one is under way.
    fn ended(&self) -> Option<u64> {
        let turns = self.0.load(Ordering::SeqCst);
        turns.is_multiple_of(2).then_some(turns / 2)
    }

    fn begin(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    /// One that was begun has ended, if one was.
    fn end(&self) {
        if self.ended().is_none() {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Counts {
    /// How many commits have ended; `None` while one is under way.
    pub(super) fn commits_ended(&self) -> Option<u64> {
        self.all.ended()
    }

    /// How many of those have changed structure; `None` while one is under way that does.
    pub(super) fn restructurings_ended(&self) -> Option<u64> {
        self.restructuring.ended()
    }

    fn commit_begins(&self, restructures: bool) {
        self.all.begin();
        if restructures {
            self.restructuring.begin();
        }
    }

    /// A commit that was begun has ended, if one was.
    fn commit_ended(&self) {
        self.restructuring.end();
        self.all.end();
    }
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
        Self::run(session, bound_log)
    }

    /// Starts the thread on a session, which `tend` looks after from time to time.
    fn run<S: Session + Send + 'static>(session: S, tend: Tend<S>) -> Result<Self, StoreError> {
        let (queue, members) = mpsc::channel(QUEUE);
        let counts = Arc::new(Counts::default());
        let counted = Arc::clone(&counts);
        let thread = thread::Builder::new()
            .name("metadata-writer".to_owned())
            .spawn(move || serve(session, members, &counted, tend))
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

fn panicked() -> StoreError {
    StoreError::Failed("the metadata writer panicked".to_owned())
}

/// Work on a session between two batches.
type Tend<S> = fn(&mut S) -> Result<(), StoreError>;

fn serve<S: Session>(
    mut session: S,
    mut queue: mpsc::Receiver<Member>,
    counts: &Counts,
    tend: Tend<S>,
) {
    let mut batch = Vec::with_capacity(MAX_BATCH);
    while let Some(first) = next(&mut queue) {
        batch.push(first);
        while batch.len() < MAX_BATCH
            && let Ok(next) = queue.try_recv()
        {
            batch.push(next);
        }
        serve_batch(&mut session, &mut batch, counts);
        let commits = counts.commits.load(Ordering::Relaxed);
        if commits.is_multiple_of(LOG_CHECK_INTERVAL)
            && let Err(error) = tend(&mut session)
        {
            tracing::warn!(%error, "the write-ahead log could not be moved into the file");
        }
    }
}

/// Waits on this thread.
fn next(queue: &mut mpsc::Receiver<Member>) -> Option<Member> {
    #[cfg(feature = "models")]
    return ecru_ports::modelled::block_on(queue.recv());
    #[cfg(not(feature = "models"))]
    queue.blocking_recv()
}

fn bound_log(session: &mut SqliteSession) -> Result<(), StoreError> {
    if session.log_frames()? > MAX_LOG_FRAMES {
        session.restart_log()?;
    }
    Ok(())
}

fn serve_batch<S: Session>(session: &mut S, batch: &mut Vec<Member>, counts: &Counts) {
    let outcomes = run_all(session, batch, counts);
    for (member, outcome) in batch.drain(..).zip(outcomes) {
        counts.closures.fetch_add(1, Ordering::Relaxed);
        member.answer(outcome);
    }
}

/// Runs the members together; if the batch is lost, one by one, so that each has an outcome of its own. The thread
/// outlives a panic: without it the server could only read.
fn run_all<S: Session>(session: &mut S, members: &mut [Member], counts: &Counts) -> Vec<Outcome> {
    let ended = catch_unwind(AssertUnwindSafe(|| {
        run_batch(session, members, |session| {
            counts.commit_begins(session.restructures());
        })
    }));
    counts.commit_ended();
    let ended = ended.unwrap_or_else(|_| {
        session.abandon();
        Err(BatchFailure::Unknown(panicked()))
    });
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

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;

    use ecru_ports::metadata::{Verdict, WriteTransaction};
    use tempfile::TempDir;
    use tokio::sync::oneshot;

    use super::super::session::DIALECT;
    use super::*;
    use crate::queries::settings;
    use crate::schema;
    use crate::sql::Sql as _;

    pub(in crate::sqlite) fn session(path: &Path) -> SqliteSession {
        std::fs::File::create(path).unwrap();
        let mut session = SqliteSession::writer(path).unwrap();
        session.begin().unwrap();
        schema::prepare(&mut session, DIALECT).unwrap();
        while schema::advance(&mut session, DIALECT, ecru_domain::Timestamp::default()).unwrap() {}
        session.end().unwrap();
        session
    }

    /// A member that stores a fact of `size` bytes under its number.
    fn member(number: usize, size: usize) -> (Member, oneshot::Receiver<Outcome>) {
        Member::new(Box::new(move |transaction: &mut dyn WriteTransaction| {
            let value = "x".repeat(size);
            drop(transaction.put_store_fact(&number.to_string(), &value));
            Verdict::Commit
        }))
    }

    /// Which facts a connection opened anew finds.
    pub(in crate::sqlite) fn stored(path: &Path, count: usize) -> Vec<bool> {
        let mut reader = SqliteSession::reader(path).unwrap();
        (0..count)
            .map(|number| settings::find_fact(&mut reader, &number.to_string()).unwrap())
            .map(|fact| fact.is_some())
            .collect()
    }

    pub(in crate::sqlite) fn serve_sizes<S: Session>(
        session: &mut S,
        sizes: &[usize],
    ) -> (Vec<Outcome>, Counts) {
        let counts = Counts::default();
        let (mut batch, answers): (Vec<_>, Vec<_>) = sizes
            .iter()
            .enumerate()
            .map(|(number, size)| member(number, *size))
            .unzip();
        serve_batch(session, &mut batch, &counts);
        let outcomes = answers
            .into_iter()
            .map(|mut answer| answer.try_recv().unwrap())
            .collect();
        (outcomes, counts)
    }

    /// SQLite ends the whole transaction when the file is full, changes of other members included.
    #[test]
    fn a_full_file_fails_only_those_who_do_not_fit() {
        for full in 0..16 {
            let directory = TempDir::new().unwrap();
            let path = directory.path().join("db");
            let mut session = session(&path);
            session.run_script("PRAGMA max_page_count = 120").unwrap();
            let mut sizes = [10; 16];
            sizes[full] = 4_000_000;
            let (outcomes, counts) = serve_sizes(&mut session, &sizes);
            let kept: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
            assert_eq!(kept.iter().filter(|kept| **kept).count(), 15);
            assert!(matches!(outcomes[full], Err(StoreError::Unavailable(_))));
            assert_eq!(stored(&path, 16), kept);
            assert_eq!(counts.commits.load(Ordering::Relaxed), 15, "one by one");
        }
    }

    #[test]
    fn a_file_that_cannot_be_written_fails_every_member() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("db");
        let mut session = session(&path);
        session.run_script("PRAGMA query_only = ON").unwrap();
        let (outcomes, counts) = serve_sizes(&mut session, &[10; 16]);
        assert!(outcomes.iter().all(Result::is_err));
        assert_eq!(stored(&path, 16), [false; 16]);
        assert_eq!(counts.commits.load(Ordering::Relaxed), 0);
        session.run_script("PRAGMA query_only = OFF").unwrap();
        let (outcomes, _) = serve_sizes(&mut session, &[10; 16]);
        assert!(outcomes.iter().all(Result::is_ok));
        assert_eq!(stored(&path, 16), [true; 16]);
    }

    #[test]
    fn the_log_starts_anew_when_it_has_grown() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("db");
        let mut session = session(&path);
        session.run_script("PRAGMA wal_autocheckpoint = 0").unwrap();
        let (outcomes, _) = serve_sizes(&mut session, &[68 * 1024 * 1024]);
        assert!(outcomes[0].is_ok());
        assert!(session.log_frames().unwrap() > MAX_LOG_FRAMES);
        bound_log(&mut session).unwrap();
        serve_sizes(&mut session, &[10]);
        assert!(session.log_frames().unwrap() < 100);
    }
}
