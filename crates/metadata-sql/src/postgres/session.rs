//! One PostgreSQL connection, driven from a blocking thread.
//!
//! Statements that only steer a transaction (SAVEPOINT, RELEASE …) are held back and travel with the next one
//! that does something: a round trip saved each.

use std::mem;
use std::time::Duration;

use deadpool_postgres::Object;
use ecru_ports::metadata::StoreError;
use futures_util::future::{join, try_join_all};
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Statement};

use super::errors::{commit_failure, is_stale_plan, store_error};
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
/// Locks a table that nobody writes to. Unlike a row's, this lock is waited for before the transaction's snapshot is
/// taken: whoever gets it sees all that the one before has done.
const TAKE_TURN: &str = "LOCK TABLE migration IN EXCLUSIVE MODE;";
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
    /// The connection failed.
    Broken,
}

/// A connection lent by the pool. Dropped within a transaction, it is closed rather than lent again.
pub(super) struct PostgresSession {
    client: Option<Object>,
    runtime: Handle,
    /// How long an answer may take.
    limit: Duration,
    held_back: String,
    state: State,
    takes_turns: bool,
}

impl PostgresSession {
    /// Drives `client` from this (blocking) thread; `runtime` drives the connection. A server that does not answer
    /// within `limit` is taken for gone, and the connection for broken.
    pub(super) fn new(client: Object, runtime: Handle, limit: Duration) -> Self {
        Self {
            client: Some(client),
            runtime,
            limit,
            held_back: String::new(),
            state: State::Idle,
            takes_turns: false,
        }
    }

    /// From now on transactions that write wait for those of other nodes that do the same.
    pub(super) fn take_turns(&mut self) {
        self.takes_turns = true;
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
            State::Broken => self.state = State::Broken,
        }
        if self.state == State::Idle
            && let Some(client) = self.client.take()
        {
            let limit = self.limit;
            self.runtime.spawn(async move {
                let ended = timeout(limit, client.batch_execute("COMMIT")).await;
                if !matches!(ended, Ok(Ok(()))) {
                    drop(Object::take(client));
                }
            });
        }
    }

    fn hold_back(&mut self, statement: &str) {
        self.held_back.push_str(statement);
    }

    fn client(&self) -> Result<&Object, StoreError> {
        self.client
            .as_ref()
            .ok_or_else(|| StoreError::Unavailable("the connection was given back".to_owned()))
    }

    /// Runs statements, after what was held back. Those that were prepared for older tables are prepared anew, if
    /// nothing went before them in their transaction; else the whole of it is to be run again.
    fn run<T>(
        &mut self,
        statements: &[&'static str],
        deed: &impl AsyncFn(&Object, &[Statement]) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let is_first = self.state == State::Announced;
        let error = match self.attempt(statements, deed)? {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        if !is_stale_plan(&error) {
            return Err(self.failure(&error));
        }
        self.client()?.statement_cache.clear();
        if !is_first {
            return Err(StoreError::Conflict);
        }
        self.steer_on("ROLLBACK")?;
        self.begin_read();
        self.attempt(statements, deed)?
            .map_err(|error| self.failure(&error))
    }

    fn attempt<T>(
        &mut self,
        statements: &[&'static str],
        deed: &impl AsyncFn(&Object, &[Statement]) -> Result<T, Error>,
    ) -> Result<Result<T, Error>, StoreError> {
        let prepared = match self.prepare(statements)? {
            Ok(prepared) => prepared,
            Err(error) => return Ok(Err(error)),
        };
        let held_back = mem::take(&mut self.held_back);
        let client = self.client()?;
        let outcome = self.await_answer(async {
            if held_back.is_empty() {
                return deed(client, &prepared).await;
            }
            let steer = client.batch_execute(&held_back);
            let (steered, done) = join(steer, deed(client, &prepared)).await;
            steered.and(done)
        });
        self.state = State::Open;
        self.unless_silent(outcome)
    }

    fn prepare(
        &mut self,
        statements: &[&'static str],
    ) -> Result<Result<Vec<Statement>, Error>, StoreError> {
        let client = self.client()?;
        let prepared = self.await_answer(async {
            let mut prepared = Vec::with_capacity(statements.len());
            for statement in statements {
                prepared.push(client.prepare_cached(statement).await?);
            }
            Ok(prepared)
        });
        self.unless_silent(prepared)
    }

    /// What the server answers; `None` if it does not.
    fn await_answer<T>(
        &self,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Option<Result<T, Error>> {
        let limited = async { timeout(self.limit, answer).await.ok() };
        self.runtime.block_on(limited)
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
        store_error(error)
    }

    /// Sends what was held back, and this; it must succeed.
    fn steer_on(&mut self, statement: &str) -> Result<(), StoreError> {
        self.steer(statement)?.map_err(|error| self.failure(&error))
    }

    /// Sends what was held back, and this.
    fn steer(&mut self, statement: &str) -> Result<Result<(), Error>, StoreError> {
        self.hold_back(statement);
        let statements = mem::take(&mut self.held_back);
        let client = self.client()?;
        let answer = self.await_answer(client.batch_execute(&statements));
        self.unless_silent(answer)
    }
}

impl Sql for PostgresSession {
    fn execute(
        &mut self,
        statement: &'static str,
        values: &[Parameter<'_>],
    ) -> Result<u64, StoreError> {
        let changed = self.execute_each(&[(statement, values.to_vec())])?;
        Ok(changed.into_iter().sum())
    }

    /// All travel at once.
    fn execute_each(
        &mut self,
        statements: &[(&'static str, Vec<Parameter<'_>>)],
    ) -> Result<Vec<u64>, StoreError> {
        let texts: Vec<_> = statements.iter().map(|(text, _)| *text).collect();
        self.run(&texts, &async |client, prepared| {
            let sets: Vec<_> = statements.iter().map(|(_, set)| parameters(set)).collect();
            let sent = prepared.iter().zip(&sets);
            try_join_all(sent.map(|(statement, set)| client.execute(statement, set))).await
        })
    }

    fn query(
        &mut self,
        statement: &'static str,
        values: &[Parameter<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        let rows = self.run(&[statement], &async |client, prepared| {
            let [statement] = prepared else {
                return Ok(Vec::new());
            };
            client.query(statement, &parameters(values)).await
        })?;
        rows.iter().map(read_row).collect()
    }

    fn run_script(&mut self, script: &str) -> Result<(), StoreError> {
        self.steer_on(script)
    }
}

fn parameters<'v>(values: &'v [Parameter<'_>]) -> Vec<&'v (dyn ToSql + Sync)> {
    values.iter().map(|value| value as _).collect()
}

impl Session for PostgresSession {
    /// Not held back: a change must not run outside of the transaction that failed to begin.
    fn begin(&mut self) -> Result<(), StoreError> {
        self.state = State::Open;
        self.hold_back(BEGIN_WRITE);
        if !self.takes_turns {
            return self.steer_on("");
        }
        match self.steer_on(TAKE_TURN) {
            // a server that knows no such lock: nodes only run again there
            Err(StoreError::Failed(_)) => {
                self.hold_back("ROLLBACK;");
                self.steer_on(BEGIN_WRITE)
            }
            other => other,
        }
    }

    fn mark(&mut self) -> Result<(), StoreError> {
        self.hold_back("SAVEPOINT member;");
        Ok(())
    }

    fn keep(&mut self) -> Result<(), StoreError> {
        self.hold_back("RELEASE SAVEPOINT member;");
        Ok(())
    }

    fn undo(&mut self) -> Result<(), StoreError> {
        self.hold_back("ROLLBACK TO SAVEPOINT member;RELEASE SAVEPOINT member;");
        Ok(())
    }

    fn commit(&mut self) -> Result<(), BatchFailure> {
        let ended = self.steer("COMMIT").map_err(BatchFailure::Unknown)?;
        ended.map_err(|error| {
            self.failure(&error);
            commit_failure(&error)
        })?;
        self.state = State::Idle;
        Ok(())
    }

    fn abandon(&mut self) {
        self.held_back.clear();
        if self.state == State::Open && matches!(self.steer("ROLLBACK"), Ok(Ok(()))) {
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
