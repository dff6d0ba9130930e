//! Connections that read. They are made when first needed and used again, the last returned first: its cache is
//! the warmest.

use std::path::PathBuf;
use std::sync::Arc;

use ecru_ports::metadata::{ReadWork, StoreError};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::session::SqliteSession;
use crate::transaction::SqlTransaction;

/// A bounded set of reading connections.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<SqliteSession>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// At most `limit` connections to the file.
    pub(super) fn new(path: PathBuf, limit: usize) -> Self {
        Self {
            path,
            idle: Mutex::new(Vec::new()),
            permits: Arc::new(Semaphore::new(limit)),
        }
    }

    /// Waits for the right to use a connection.
    pub(super) async fn permit(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Unavailable("the metadata store is closed".to_owned()))
    }

    /// Runs a closure against one snapshot. A connection on which anything failed is not used again.
    pub(super) fn run(
        &self,
        work: ReadWork,
        _permit: &OwnedSemaphorePermit,
    ) -> Result<(), StoreError> {
        let idle = self.idle.lock().pop();
        let mut session = match idle {
            Some(session) => session,
            None => SqliteSession::reader(&self.path)?,
        };
        session.begin_read()?;
        let mut transaction = SqlTransaction::new(&mut session);
        work(&mut transaction);
        transaction.end()?;
        session.end()?;
        self.idle.lock().push(session);
        Ok(())
    }
}
