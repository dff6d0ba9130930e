//! The embedded engine.

use std::path::Path;

use async_trait::async_trait;
use ecru_ports::clock::Clock;
use ecru_ports::metadata::{Lane, MetadataEngine, ReadWork, StoreError, WriteWork};

/// Metadata in one SQLite file.
pub struct SqliteMetadata {}

impl SqliteMetadata {
    /// Opens the file, making it (mode 0600) and its tables if needed. Blocks for a moment.
    pub fn open(_path: &Path, _clock: &dyn Clock) -> Result<Self, StoreError> {
        Ok(Self {})
    }
}

#[async_trait]
impl MetadataEngine for SqliteMetadata {
    async fn write(&self, _lane: Lane, _work: WriteWork) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("not built yet".to_owned()))
    }

    async fn lookup(&self, _work: ReadWork) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("not built yet".to_owned()))
    }

    async fn read(&self, _work: ReadWork) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("not built yet".to_owned()))
    }

    async fn probe(&self) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("not built yet".to_owned()))
    }

    fn size_in_bytes(&self) -> Option<u64> {
        None
    }
}
