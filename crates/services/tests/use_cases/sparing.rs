//! An engine that raises its counts no more often than the port asks: what is remembered too long shows.

use async_trait::async_trait;
use ecru_metadata_sql::SqliteMetadata;
use ecru_ports::metadata::{
    Generation, Lane, MetadataEngine, ReadTransaction, ReadWork, StoreError, WriteWork,
};
use parking_lot::Mutex;
use std::sync::Arc;

/// Counts changes of structure as `PostgreSQL` does, by the row that the engines keep for it.
pub(crate) struct Sparing(pub(crate) SqliteMetadata);

#[async_trait]
impl MetadataEngine for Sparing {
    async fn write(&self, lane: Lane, work: WriteWork) -> Result<(), StoreError> {
        self.0.write(lane, work).await
    }

    async fn lookup(&self, work: ReadWork) -> Result<(), StoreError> {
        self.0.lookup(work).await
    }

    async fn read(&self, work: ReadWork) -> Result<(), StoreError> {
        self.0.read(work).await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.0.probe().await
    }

    fn size_in_bytes(&self) -> Option<u64> {
        self.0.size_in_bytes()
    }

    async fn generation(&self) -> Option<Generation> {
        let content = self.0.generation().await?.content;
        let told = Arc::new(Mutex::new(None));
        let tell = Arc::clone(&told);
        let look = move |rows: &mut dyn ReadTransaction| {
            *tell.lock() = rows.store_fact("structure").ok().flatten();
        };
        self.0.lookup(Box::new(look)).await.ok()?;
        let structure = told.lock().take().map_or(0, |count| count.parse().unwrap());
        Some(Generation { content, structure })
    }
}
