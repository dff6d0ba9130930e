//! Keeps metadata rows in SQLite or PostgreSQL; never decides what they mean.
//!
//! One SQL text serves both engines: portable types, `$1` placeholders, ranges in place of patterns, conflicts
//! as row counts. In reading order:
//!
//! - `sql`: the seam between statements and engines
//! - `row`: columns back into domain values
//! - `queries`: every statement, by table
//! - `transaction`: the port's transaction over any engine
//! - `schema`: tables, and how they come to be
//! - `batch`: many closures in one COMMIT
//! - [`sqlite`]: one file, one writer thread
//! - [`postgres`]: a pool of connections, serializable transactions

mod batch;
pub mod postgres;
mod queries;
mod row;
mod schema;
mod sql;
pub mod sqlite;
mod transaction;

pub use postgres::PostgresMetadata;
pub use sqlite::SqliteMetadata;
