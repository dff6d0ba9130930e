//! What the server's errors mean to callers.

use deadpool_postgres::PoolError;
use ecru_ports::metadata::StoreError;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::batch::BatchFailure;

/// Whether a prepared statement is older than the tables. It fails then, and succeeds when prepared anew.
pub(super) fn is_stale_plan(error: &Error) -> bool {
    error.as_db_error().is_some_and(|error| {
        *error.code() == SqlState::FEATURE_NOT_SUPPORTED && error.message().contains("cached plan")
    })
}

/// The error for a statement. The server's message names tables and columns, never values.
pub(super) fn store_error(error: &Error) -> StoreError {
    let Some(answer) = error.as_db_error() else {
        return StoreError::Unavailable(format!("the connection failed: {error}"));
    };
    let code = answer.code();
    let text = format!("{} ({})", answer.message(), code.code());
    let class = code.code().get(..2).unwrap_or_default();
    match class {
        // servers that speak the protocol say so of a COMMIT whose outcome they do not know
        _ if *code == SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN => StoreError::Unavailable(text),
        "40" => StoreError::Conflict,
        "08" | "53" | "57" | "58" => StoreError::Unavailable(text),
        _ if *code == SqlState::READ_ONLY_SQL_TRANSACTION => StoreError::Unavailable(text),
        _ => StoreError::Failed(text),
    }
}

/// The error for COMMIT. If the server refused, nothing was kept; if it did not answer or was stopped, who knows.
pub(super) fn commit_failure(error: &Error) -> BatchFailure {
    match store_error(error) {
        StoreError::Unavailable(text) => BatchFailure::Unknown(StoreError::Unavailable(format!(
            "it is not known whether the change was kept: {text}"
        ))),
        refused => BatchFailure::Undone(refused),
    }
}

/// The error for a pool that has no connection to lend.
pub(super) fn pool_error(error: PoolError) -> StoreError {
    match error {
        PoolError::Backend(error) => match store_error(&error) {
            StoreError::Failed(text) => StoreError::Unavailable(text),
            other => other,
        },
        other => StoreError::Unavailable(other.to_string()),
    }
}
