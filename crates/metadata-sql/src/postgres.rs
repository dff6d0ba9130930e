//! The engine of the cluster shape.

use async_trait::async_trait;
use ecru_ports::clock::Clock;
use ecru_ports::metadata::{Lane, MetadataEngine, ReadWork, StoreError, WriteWork};

/// Metadata in a PostgreSQL database.
pub struct PostgresMetadata {}

impl PostgresMetadata {
    /// Connects, and makes the tables if needed. `url` is `postgres://user:password@host:port/database`.
    pub async fn connect(_url: &str, _clock: &dyn Clock) -> Result<Self, StoreError> {
        Ok(Self {})
    }
}

#[async_trait]
impl MetadataEngine for PostgresMetadata {
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
