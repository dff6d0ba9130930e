//! One PostgreSQL connection, driven from a blocking thread.
//!
//! Statements whose answer nobody waits for (SAVEPOINT, RELEASE …, and changes whose row counts nobody needs) are held
//! back and travel with the next one that is waited for, at the latest with COMMIT: a round trip saved each. The
//! failure of one that was held back loses the whole transaction, since it may be another member's.
//!
//! ```text
//! held back: SAVEPOINT ┐                                held back: INSERT, INSERT, RELEASE ┐
//! asked for: UPDATE … RETURNING, SELECT, SELECT ─▶ rows      asked for: COMMIT ─────────────┴─▶ all succeeded, or Undone
//! ```

use std::borrow::Cow;
use std::mem;
use std::time::Duration;

use deadpool_postgres::Object;
use ecru_ports::metadata::StoreError;
use tokio::time::timeout;
use tokio_postgres::{Error, Statement};

use super::driver::Driver;
use super::errors::{commit_failure, is_stale_plan, store_error};
use super::pipeline::{Answer, Failure, Order, fly};
use super::turns::Turn;
use super::values::read_row;
use crate::batch::{BatchFailure, Session};
use crate::row::Row;
use crate::schema::Dialect;
use crate::sql::{Parameter, Sql};

/// Table definitions on PostgreSQL.
pub(super) const DIALECT: Dialect = Dialect {
    key: "TEXT COLLATE \"C\"",
    bytes: "BYTEA",
    clustered: "",
};

const BEGIN_WRITE: &str = "BEGIN ISOLATION LEVEL SERIALIZABLE;";
/// The most statements held back: what they carry waits in memory.
const MAX_HELD: usize = 32;

const BEGIN_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;";

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In no transaction.
    Idle,
    /// In a transaction that reads, whose BEGIN is held back still.
    Announced,
    /// In a transaction.
    Open,
    /// In a transaction in which something failed that was held back: it can only be abandoned.
    Lost,
    /// The connection failed.
    Broken,
}

/// A connection lent by the pool. Dropped within a transaction, it is closed rather than lent again.
pub(super) struct PostgresSession {
    client: Option<Object>,
    driver: Driver,
    /// How long an answer may take.
    limit: Duration,
    held_back: Vec<Order<'static>>,
    state: State,
    turn: Turn,
    guards: Guards,
}

/// Whether members of a batch are kept from each other's failure by savepoints. A savepoint costs as much as an INSERT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Guards {
    Set,
    /// None is set: a member that is to be undone loses the whole batch, which then runs again.
    Absent,
    /// One was needed.
    Missed,
}

impl PostgresSession {
    /// Drives `client` from this (blocking) thread; `driver` drives the connection. A server that does not answer
    /// within `limit` is taken for gone, and the connection for broken.
    pub(super) fn new(client: Object, driver: Driver, limit: Duration) -> Self {
        Self {
            client: Some(client),
            driver,
            limit,
            held_back: Vec::new(),
            state: State::Idle,
            turn: Turn::Shared,
            guards: Guards::Set,
        }
    }

    /// From now on no member of a batch can be undone alone.
    pub(super) fn go_unguarded(&mut self) {
        self.guards = Guards::Absent;
    }

    /// Whether a batch was lost since one of its members was to be undone alone.
    pub(super) fn missed_guards(&self) -> bool {
        self.guards == Guards::Missed
    }

    /// Sets beside whom transactions write from now on.
    pub(super) fn take_turn(&mut self, turn: Turn) {
        self.turn = turn;
    }

    /// Beside whom the last transaction wrote: [`Turn::Unknown`] if another could not be taken.
    pub(super) fn turn(&self) -> Turn {
        self.turn
    }

    /// Begins a transaction that reads one snapshot. Its BEGIN travels with the first statement: should it fail,
    /// no harm is done outside of a transaction.
    pub(super) fn begin_read(&mut self) {
        self.hold_back(BEGIN_READ);
        self.state = State::Announced;
    }

    /// Ends a transaction that only read and gives the connection back, without waiting for the server.
    pub(super) fn end_read(mut self) {
        match mem::replace(&mut self.state, State::Idle) {
            State::Idle | State::Announced => return,
            State::Open => {}
            failed => self.state = failed,
        }
        if self.state == State::Idle
            && let Some(client) = self.client.take()
        {
            let limit = self.limit;
            self.driver.spawn(async move {
                let ended = timeout(limit, client.batch_execute("COMMIT")).await;
                if !matches!(ended, Ok(Ok(()))) {
                    drop(Object::take(client));
                }
            });
        }
    }

    fn hold_back(&mut self, statement: &str) {
        if let Some(Order::Steer(last)) = self.held_back.last_mut() {
            last.push_str(statement);
        } else {
            self.held_back.push(Order::Steer(statement.to_owned()));
        }
    }

    fn client(&self) -> Result<&Object, StoreError> {
        self.client
            .as_ref()
            .ok_or_else(|| StoreError::Unavailable("the connection was given back".to_owned()))
    }

    /// Runs statements, after what was held back. Those that were prepared for older tables are prepared anew, if
    /// nothing went before them in their transaction; else the whole of it is to be run again.
    fn run(&mut self, asked: &[Order<'_>]) -> Result<Vec<Answer>, StoreError> {
        let is_first = self.state == State::Announced;
        let failure = match self.attempt(asked)? {
            Ok(answers) => return Ok(answers),
            Err(failure) => failure,
        };
        if is_first && is_stale_plan(failure.error()) {
            self.client()?.statement_cache.clear();
            self.steer_on("ROLLBACK")?;
            self.begin_read();
            let again = self.attempt(asked)?;
            return again.map_err(|failure| self.failure(failure.error()));
        }
        let error = self.failure(failure.error());
        if matches!(failure, Failure::Held(_)) && self.state == State::Open {
            self.state = State::Lost;
        }
        Err(error)
    }

    fn attempt(&mut self, asked: &[Order<'_>]) -> Result<Result<Vec<Answer>, Failure>, StoreError> {
        let prepared = match self.prepare(asked)? {
            Ok(prepared) => prepared,
            Err(error) => return Ok(Err(Failure::Held(error))),
        };
        let held = mem::take(&mut self.held_back);
        let client = self.client()?;
        let outcome = self.await_answer(fly(client, prepared, &held, asked));
        if self.state == State::Announced {
            self.state = State::Open;
        }
        self.unless_silent(outcome)
    }

    /// Prepares what was held back and what is asked for.
    fn prepare(
        &mut self,
        asked: &[Order<'_>],
    ) -> Result<Result<Vec<Option<Statement>>, Error>, StoreError> {
        let client = self.client()?;
        let held = self.held_back.iter().map(Order::to_prepare);
        let texts = held.chain(asked.iter().map(Order::to_prepare));
        let prepared = self.await_answer(async {
            let mut prepared = Vec::new();
            for text in texts {
                prepared.push(match text {
                    Some(text) => Some(client.prepare_cached(text).await?),
                    None => None,
                });
            }
            Ok(prepared)
        });
        self.unless_silent(prepared)
    }

    /// What the server answers; `None` if it does not.
    fn await_answer<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        let limited = async { timeout(self.limit, answer).await.ok() };
        self.driver.wait(limited)
    }

    fn unless_silent<T>(&mut self, answer: Option<T>) -> Result<T, StoreError> {
        if answer.is_none() {
            self.state = State::Broken;
            self.distrust_idle();
        }
        answer.ok_or_else(|| StoreError::Unavailable("the server does not answer".to_owned()))
    }

    /// Has the connections closed that wait to be lent: they lead to the same silent server, and each would cost
    /// whoever gets it as long a wait.
    fn distrust_idle(&self) {
        if let Some(pool) = self.client.as_ref().and_then(Object::pool) {
            pool.retain(|_, _| false);
        }
    }

    fn failure(&mut self, error: &Error) -> StoreError {
        if error.as_db_error().is_none() {
            self.state = State::Broken;
        }
        if is_stale_plan(error) {
            if let Some(client) = &self.client {
                client.statement_cache.clear();
            }
            return StoreError::Conflict;
        }
        store_error(error)
    }

    /// Sends what was held back, and this; it must succeed.
    fn steer_on(&mut self, statement: &str) -> Result<(), StoreError> {
        self.hold_back(statement);
        self.attempt(&[])?
            .map(drop)
            .map_err(|failure| self.failure(failure.error()))
    }
}

impl Sql for PostgresSession {
    fn execute(
        &mut self,
        statement: &'static str,
        values: &[Parameter<'_>],
    ) -> Result<u64, StoreError> {
        let answers = self.run(&[Order::Execute(statement, Cow::Borrowed(values))])?;
        Ok(answers.iter().map(|answer| answer.changed).sum())
    }

    /// Travels with the next statement that is waited for.
    fn submit(
        &mut self,
        statement: &'static str,
        values: &[Parameter<'_>],
    ) -> Result<(), StoreError> {
        let values = values.iter().map(Parameter::to_static).collect();
        self.held_back.push(Order::Execute(statement, values));
        if self.held_back.len() >= MAX_HELD {
            self.run(&[])?;
        }
        Ok(())
    }

    fn query(
        &mut self,
        statement: &'static str,
        values: &[Parameter<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        let answers = self.run(&[Order::Query(statement, Cow::Borrowed(values))])?;
        answers.iter().flat_map(|a| &a.rows).map(read_row).collect()
    }

    /// All travel at once.
    fn query_each(
        &mut self,
        statements: &[(&'static str, Vec<Parameter<'_>>)],
    ) -> Result<Vec<Vec<Row>>, StoreError> {
        let asked: Vec<_> = statements
            .iter()
            .map(|(statement, values)| Order::Query(statement, Cow::Borrowed(values)))
            .collect();
        let answers = self.run(&asked)?;
        let rows = answers
            .iter()
            .map(|a| a.rows.iter().map(read_row).collect());
        rows.collect()
    }

    fn run_script(&mut self, script: &str) -> Result<(), StoreError> {
        self.steer_on(script)
    }
}

impl Session for PostgresSession {
    /// Not held back: a change must not run outside of the transaction that failed to begin.
    fn begin(&mut self) -> Result<(), StoreError> {
        self.state = State::Open;
        self.hold_back(BEGIN_WRITE);
        match self.steer_on(self.turn.lock()) {
            // nodes only run again there
            Err(StoreError::Failed(_)) if self.turn != Turn::Unknown => {
                self.turn = Turn::Unknown;
                self.hold_back("ROLLBACK;");
                self.steer_on(BEGIN_WRITE)
            }
            other => other,
        }
    }

    fn mark(&mut self) -> Result<(), StoreError> {
        if self.guards == Guards::Set {
            self.hold_back("SAVEPOINT member;");
        }
        Ok(())
    }

    fn keep(&mut self) -> Result<(), StoreError> {
        if self.guards == Guards::Set {
            self.hold_back("RELEASE SAVEPOINT member;");
        }
        Ok(())
    }

    fn undo(&mut self) -> Result<(), StoreError> {
        if self.guards != Guards::Set {
            self.guards = Guards::Missed;
            return Err(StoreError::Conflict);
        }
        self.hold_back("ROLLBACK TO SAVEPOINT member;RELEASE SAVEPOINT member;");
        Ok(())
    }

    /// The server answers COMMIT of a failed transaction with ROLLBACK, and no error. So what was held back must have
    /// succeeded too: if it did not, nothing was kept.
    fn commit(&mut self) -> Result<(), BatchFailure> {
        let commit = Order::Steer("COMMIT".to_owned());
        let ended = self.attempt(&[commit]).map_err(BatchFailure::Unknown)?;
        ended.map_err(|failure| {
            let refused = self.failure(failure.error());
            match failure {
                Failure::Held(error) if error.as_db_error().is_some() => {
                    BatchFailure::Undone(refused)
                }
                Failure::Held(error) | Failure::Asked(error) => commit_failure(&error),
            }
        })?;
        self.state = State::Idle;
        Ok(())
    }

    fn abandon(&mut self) {
        self.held_back.clear();
        let is_begun = matches!(self.state, State::Open | State::Lost);
        if is_begun && self.steer_on("ROLLBACK").is_ok() {
            self.state = State::Idle;
        }
    }

    fn is_open(&self) -> bool {
        self.state == State::Open
    }
}

impl Drop for PostgresSession {
    fn drop(&mut self) {
        if self.state != State::Idle
            && let Some(client) = self.client.take()
        {
            drop(Object::take(client));
        }
    }
}
