//! One SQLite connection.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ecru_ports::metadata::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ErrorCode, OpenFlags, ToSql};

use crate::batch::{BatchFailure, Session};
use crate::row::Row;
use crate::schema::Dialect;
use crate::sql::{Parameter, Sql, Value};

/// Table definitions on SQLite.
pub(super) const DIALECT: Dialect = Dialect {
    key: "TEXT",
    bytes: "BLOB",
    clustered: " WITHOUT ROWID",
};

/// More than there are statements, so that none is ever parsed twice.
const STATEMENT_CACHE: usize = 192;

/// How long a statement waits for a lock. Only checkpoints ever meet one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Pages are read into a private cache, not mapped: a mapped page that cannot be read ends the process.
const READER: &str = "
PRAGMA foreign_keys = OFF;
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -1024;
PRAGMA query_only = ON;
";

/// A write-ahead log of 16 MiB goes back into the file; one that readers let grow beyond is cut to 64 MiB. What a
/// savepoint may have to put back stays in memory, not in a file of the system's temporary directory.
const WRITER: &str = "
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = OFF;
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -4096;
PRAGMA wal_autocheckpoint = 4096;
PRAGMA journal_size_limit = 67108864;
";

/// A connection with its prepared statements.
pub(super) struct SqliteSession {
    connection: Connection,
    path: PathBuf,
    settings: &'static str,
    /// A transaction could be neither made durable nor undone for certain. What the connection knows of the files is
    /// not relied on: the next transaction that writes begins on another.
    is_spent: bool,
    /// Whether the transaction that was begun last changes structure.
    restructures: bool,
}

impl SqliteSession {
    /// The connection that writes. Makes the file's journal a write-ahead log.
    pub(super) fn writer(path: &Path) -> Result<Self, StoreError> {
        Self::open(path, WRITER)
    }

    /// A connection that reads.
    pub(super) fn reader(path: &Path) -> Result<Self, StoreError> {
        Self::open(path, READER)
    }

    fn open(path: &Path, settings: &'static str) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(path, flags).map_err(|error| store_error(&error))?;
        connection
            .busy_timeout(BUSY_TIMEOUT)
            .map_err(|error| store_error(&error))?;
        connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
        // Plans do not depend on bound values; else a new value has its statement parsed again (measured: 16 % of the
        // CPU of small pushes).
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
            .map_err(|error| store_error(&error))?;
        connection
            .execute_batch(settings)
            .map_err(|error| store_error(&error))?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            settings,
            is_spent: false,
            restructures: false,
        })
    }

    /// Begins a transaction that reads one snapshot.
    pub(super) fn begin_read(&mut self) -> Result<(), StoreError> {
        self.control("BEGIN")
    }

    /// Ends a transaction, keeping what it did.
    pub(super) fn end(&mut self) -> Result<(), StoreError> {
        self.control("COMMIT")
    }

    /// Frames in the write-ahead log that are in use.
    pub(super) fn log_frames(&mut self) -> Result<i64, StoreError> {
        self.checkpoint_pragma("PRAGMA wal_checkpoint(NOOP)")
    }

    /// Moves the write-ahead log into the file, waiting for readers, so that it starts anew.
    pub(super) fn restart_log(&mut self) -> Result<(), StoreError> {
        self.checkpoint_pragma("PRAGMA wal_checkpoint(RESTART)")?;
        Ok(())
    }

    /// The steps by which a statement would be run.
    #[cfg(test)]
    pub(super) fn explain(&self, statement: &str) -> rusqlite::Result<Vec<String>> {
        let explain = format!("EXPLAIN QUERY PLAN {statement}");
        let mut prepared = self.connection.prepare(&explain)?;
        let mut rows = prepared.raw_query();
        let mut steps = Vec::new();
        while let Some(row) = rows.next()? {
            steps.push(row.get(3)?);
        }
        Ok(steps)
    }

    fn checkpoint_pragma(&mut self, pragma: &'static str) -> Result<i64, StoreError> {
        let rows = self.query(pragma, &[])?;
        let Some(mut row) = rows.into_iter().next() else {
            return Ok(0);
        };
        row.integer()?;
        row.integer()
    }

    fn control(&self, statement: &'static str) -> Result<(), StoreError> {
        let mut statement = self.prepare(statement)?;
        statement
            .raw_execute()
            .map_err(|error| store_error(&error))?;
        Ok(())
    }

    fn prepare(&self, statement: &'static str) -> Result<CachedStatement<'_>, StoreError> {
        self.connection
            .prepare_cached(statement)
            .map_err(|error| store_error(&error))
    }

    fn bind(
        &self,
        statement: &'static str,
        values: &[Parameter<'_>],
    ) -> Result<CachedStatement<'_>, StoreError> {
        let mut prepared = self.prepare(statement)?;
        debug_assert_eq!(prepared.parameter_count(), values.len(), "{statement}");
        for (index, value) in values.iter().enumerate() {
            debug_assert_eq!(
                prepared.parameter_name(index + 1),
                Some(format!("${}", index + 1).as_str()),
                "{statement}"
            );
            prepared
                .raw_bind_parameter(index + 1, value)
                .map_err(|error| store_error(&error))?;
        }
        Ok(prepared)
    }
}

impl Sql for SqliteSession {
    fn execute(
        &mut self,
        statement: &'static str,
        values: &[Parameter<'_>],
    ) -> Result<u64, StoreError> {
        let changed = self.bind(statement, values)?.raw_execute();
        let changed = changed.map_err(|error| store_error(&error))?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    fn query(
        &mut self,
        statement: &'static str,
        values: &[Parameter<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        let mut prepared = self.bind(statement, values)?;
        let width = prepared.column_count();
        let mut found = prepared.raw_query();
        let mut rows = Vec::new();
        while let Some(row) = found.next().map_err(|error| store_error(&error))? {
            let columns = (0..width).map(|index| {
                row.get_ref(index)
                    .map_err(|error| store_error(&error))
                    .and_then(value)
            });
            rows.push(Row::new(columns.collect::<Result<_, _>>()?));
        }
        Ok(rows)
    }

    fn run_script(&mut self, script: &str) -> Result<(), StoreError> {
        self.connection
            .execute_batch(script)
            .map_err(|error| store_error(&error))
    }

    fn restructure(&mut self) {
        self.restructures = true;
    }
}

impl Session for SqliteSession {
    fn begin(&mut self) -> Result<(), StoreError> {
        if self.is_spent {
            // the other is open before this one closes: the last to close would take the log away
            *self = Self::open(&self.path, self.settings)?;
        }
        self.restructures = false;
        self.control("BEGIN IMMEDIATE")
    }

    fn restructures(&self) -> bool {
        self.restructures
    }

    fn mark(&mut self) -> Result<(), StoreError> {
        self.control("SAVEPOINT member")
    }

    fn keep(&mut self) -> Result<(), StoreError> {
        self.control("RELEASE SAVEPOINT member")
    }

    fn undo(&mut self) -> Result<(), StoreError> {
        self.control("ROLLBACK TO SAVEPOINT member")?;
        self.control("RELEASE SAVEPOINT member")
    }

    /// A COMMIT that could not write or sync leaves open whether a crash would bring its changes back. SQLite puts the
    /// next transaction over it, with bytes that are written and synced anew: no sync that failed is only repeated.
    fn commit(&mut self) -> Result<(), BatchFailure> {
        let ended = self.end();
        self.is_spent |= ended.is_err();
        ended.map_err(BatchFailure::Unknown)
    }

    fn abandon(&mut self) {
        if !self.is_open() {
            return;
        }
        if let Err(error) = self.control("ROLLBACK") {
            self.is_spent = true;
            tracing::error!(%error, "a transaction could not be rolled back");
        }
    }

    fn is_open(&self) -> bool {
        !self.connection.is_autocommit()
    }
}

impl ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn value(column: ValueRef<'_>) -> Result<Value, StoreError> {
    match column {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::Integer(number)),
        ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes.to_vec())),
        ValueRef::Text(bytes) => String::from_utf8(bytes.to_vec())
            .map(Value::Text)
            .map_err(|_| StoreError::Corrupt("a column does not hold UTF-8".to_owned())),
        ValueRef::Real(_) => Err(StoreError::Corrupt("a column holds a fraction".to_owned())),
    }
}

fn store_error(error: &rusqlite::Error) -> StoreError {
    let text = error.to_string();
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::OutOfMemory
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked,
        ) => StoreError::Unavailable(text),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Corrupt(text),
        _ => StoreError::Failed(text),
    }
}
