//! Keeps metadata rows in SQLite or PostgreSQL; never decides what they mean.
//!
//! One SQL text serves both engines: portable types, `$1` placeholders, ranges in place of patterns, conflicts
//! as row counts. In reading order:
//!
//! - [`sqlite`]: one file, one writer thread, group commit
//! - [`postgres`]: a pool of connections, serializable transactions

pub mod postgres;
pub mod sqlite;

pub use postgres::PostgresMetadata;
pub use sqlite::SqliteMetadata;
