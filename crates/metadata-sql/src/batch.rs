//! Many closures in one COMMIT.
//!
//! ```text
//! BEGIN ─ savepoint ─ closure 1 ─ kept ─ savepoint ─ closure 2 ─ undone ─ … ─ COMMIT ─ all answers
//! ```
//!
//! A savepoint per closure keeps one's failure from the others. No answer, refusals included, leaves before
//! COMMIT: a refusal may rest on what another member of the batch did.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ecru_ports::metadata::{StoreError, Verdict, WriteWork};
use tokio::sync::oneshot;

use crate::sql::Sql;
use crate::transaction::SqlTransaction;

/// A connection that batches run on.
pub(crate) trait Session: Sql {
    /// Begins a transaction.
    fn begin(&mut self) -> Result<(), StoreError>;
    /// Sets a savepoint for the next member.
    fn mark(&mut self) -> Result<(), StoreError>;
    /// Joins the member's changes with those before it.
    fn keep(&mut self) -> Result<(), StoreError>;
    /// Undoes the member's changes.
    fn undo(&mut self) -> Result<(), StoreError>;
    /// Ends the transaction and makes it durable. [`BatchFailure::Undone`] only if it is certain that it was not.
    fn commit(&mut self) -> Result<(), BatchFailure>;
    /// Ends the transaction without its changes, if it is still open.
    fn abandon(&mut self);
    /// Whether the transaction begun changes structure, as far as the engine tells them apart.
    fn restructures(&self) -> bool {
        true
    }
    /// Whether the transaction begun is still open: an engine may have ended it over an error.
    fn is_open(&self) -> bool;
}

/// What became of one member, once the batch is durable.
pub(crate) type Outcome = Result<(), StoreError>;

/// Why no member of a batch was kept.
#[derive(Debug)]
pub(crate) enum BatchFailure {
    /// Nothing was changed; the members may be run again.
    Undone(StoreError),
    /// COMMIT failed in a way that does not tell what it did.
    Unknown(StoreError),
}

/// A closure and whom to tell.
pub(crate) struct Member {
    work: WriteWork,
    answer: oneshot::Sender<Outcome>,
}

impl Member {
    /// A member, and where its outcome will come.
    pub(crate) fn new(work: WriteWork) -> (Self, oneshot::Receiver<Outcome>) {
        let (answer, outcome) = oneshot::channel();
        (Self { work, answer }, outcome)
    }

    /// Tells the outcome.
    pub(crate) fn answer(self, outcome: Outcome) {
        // whoever asked may have gone away meanwhile
        drop(self.answer.send(outcome));
    }
}

/// Runs `members` in one transaction. On success there is an outcome for each, in order, and all are durable.
/// Nobody sees any of it until `commit_begins` was called.
pub(crate) fn run_batch<S: Session>(
    session: &mut S,
    members: &mut [Member],
    commit_begins: impl FnOnce(&S),
) -> Result<Vec<Outcome>, BatchFailure> {
    session.begin().map_err(BatchFailure::Undone)?;
    let mut outcomes = Vec::with_capacity(members.len());
    for member in members {
        match run_member(session, &mut member.work) {
            Ok(outcome) => outcomes.push(outcome),
            Err(error) => {
                session.abandon();
                return Err(BatchFailure::Undone(error));
            }
        }
    }
    commit_begins(session);
    match session.commit() {
        Ok(()) => Ok(outcomes),
        Err(failure) => {
            session.abandon();
            Err(failure)
        }
    }
}

/// Runs one member between two savepoints. `Err` if the whole transaction is lost.
fn run_member<S: Session>(session: &mut S, work: &mut WriteWork) -> Result<Outcome, StoreError> {
    session.mark()?;
    let mut transaction = SqlTransaction::new(session);
    let verdict = catch_unwind(AssertUnwindSafe(|| work(&mut transaction)));
    let ended = transaction.end();
    if !session.is_open() {
        return Err(ended.err().unwrap_or_else(lost));
    }
    match (ended, verdict) {
        (Err(StoreError::Conflict), _) => Err(StoreError::Conflict),
        (Ok(()), Ok(Verdict::Commit)) => session.keep().map(Ok),
        (Ok(()), Ok(Verdict::Rollback)) => session.undo().map(Ok),
        (Err(failure), _) => session.undo().map(|()| Err(failure)),
        (Ok(()), Err(_panic)) => session.undo().map(|()| Err(panicked())),
    }
}

fn lost() -> StoreError {
    StoreError::Failed("the engine ended the transaction".to_owned())
}

fn panicked() -> StoreError {
    StoreError::Failed("a write closure panicked".to_owned())
}
