//! The metadata port: rows, read and written in transactions.
//!
//! A use case hands over a closure; the engine runs it in a transaction and answers when the outcome is durable:
//!
//! ```text
//! use case ──closure──▶ engine ──▶ transaction ──▶ COMMIT ──▶ answer (refusals included)
//!                          └──── re-run on a serialization conflict ────┘
//! ```
//!
//! A closure may run more than once and must have no side effects: times and ids come in as captured values.
//! It touches at most [`MAX_ROWS_PER_WRITE`] rows; larger work is a job of many closures.

pub mod engine;
pub mod identities;
pub mod records;
pub mod transaction;

pub use engine::{Generation, Lane, Metadata, MetadataEngine, ReadWork, Verdict, WriteWork};
pub use identities::{
    DocumentKind, EntityKind, EntityList, EntityRecord, LastUse, LinkKind, NamedDocument,
    PathPosition, ReadIdentities, WriteIdentities,
};
pub use records::*;
pub use transaction::{ReadTransaction, WriteTransaction};

use thiserror::Error;

/// The most rows that one write closure changes.
pub const MAX_ROWS_PER_WRITE: u32 = 500;

/// Why a store did not do what it was asked.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// The store cannot be reached, is full or read-only; trying again later may help.
    #[error("metadata store is unavailable: {0}")]
    Unavailable(String),
    /// Another transaction got in the way more often than the engine retries.
    #[error("metadata store is too busy")]
    Conflict,
    /// A row does not have the form that this version writes.
    #[error("metadata row is corrupt: {0}")]
    Corrupt(String),
    /// The store failed in a way that is not foreseen.
    #[error("metadata store failed: {0}")]
    Failed(String),
}

impl From<StoreError> for ecru_domain::Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Conflict => Self::Unavailable(Box::new(error)),
            StoreError::Corrupt(_) | StoreError::Failed(_) => Self::Internal(Box::new(error)),
        }
    }
}
