//! How closures get to an engine and their results back.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;

use super::StoreError;
use super::transaction::{ReadTransaction, WriteTransaction};

/// What a write closure wants done with its changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Keep them.
    Commit,
    /// Undo them; the closure's answer (a refusal) still counts, once the transaction has ended.
    Rollback,
}

/// Writes that would only get in each other's way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Changes of one repository: an engine may run them one after another.
    Repository(String),
    /// No particular one.
    Any,
}

/// Counts of changes: what was read at one generation is what would be read now while its count stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation {
    /// Counts every commit. `None` while one is under way that some readers may see already: others must not be taken
    /// back behind them.
    pub content: Option<u64>,
    /// Counts at least the commits that change repositories (other than their versions), their tags and policies, keys
    /// of any kind, identities, contexts of sessions, or settings of registries: pushes and deletes of images need not
    /// raise it.
    pub structure: u64,
}

/// A write closure, its result kept inside it. May be run more than once; the last run counts.
pub type WriteWork = Box<dyn FnMut(&mut dyn WriteTransaction) -> Verdict + Send>;

/// A read closure, its result kept inside it.
pub type ReadWork = Box<dyn FnOnce(&mut dyn ReadTransaction) + Send>;

/// A database that runs closures in transactions.
#[async_trait]
pub trait MetadataEngine: Send + Sync {
    /// Runs `work` in a serializable read-write transaction and returns once its outcome is durable.
    ///
    /// Statement errors are remembered by the transaction: after one, nothing of the closure is kept, whatever
    /// its verdict; a serialization conflict makes the engine run it again (bounded). An error returned here
    /// means that nothing was changed, or (only if the connection broke during COMMIT) that it is not known.
    async fn write(&self, lane: Lane, work: WriteWork) -> Result<(), StoreError>;

    /// Runs a few indexed look-ups against one consistent snapshot. May run on the calling task.
    async fn lookup(&self, work: ReadWork) -> Result<(), StoreError>;

    /// Runs `work` against one consistent snapshot, away from the tasks that serve requests: for scans and pages.
    async fn read(&self, work: ReadWork) -> Result<(), StoreError>;

    /// Whether the store accepts a durable write now.
    async fn probe(&self) -> Result<(), StoreError>;

    /// Bytes that the store takes, if the engine can tell cheaply.
    fn size_in_bytes(&self) -> Option<u64>;

    /// Counts commits, of whichever process. It rises before a commit is acknowledged. `None` where the engine cannot
    /// tell, and while a commit is under way that changes structure.
    async fn generation(&self) -> Option<Generation> {
        None
    }
}

/// The metadata store as use cases see it: typed closures over any engine.
#[derive(Clone)]
pub struct Metadata {
    engine: Arc<dyn MetadataEngine>,
}

impl Metadata {
    /// Over an engine.
    pub fn new(engine: Arc<dyn MetadataEngine>) -> Self {
        Self { engine }
    }

    /// Runs a write closure. `Err` from the closure rolls its changes back and is returned once that is certain.
    pub async fn write<T, E, F>(&self, lane: Lane, mut work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnMut(&mut dyn WriteTransaction) -> Result<T, E> + Send + 'static,
    {
        let slot = Arc::new(Mutex::new(None));
        let result = Arc::clone(&slot);
        let run = move |transaction: &mut dyn WriteTransaction| {
            let outcome = work(transaction);
            let verdict = if outcome.is_ok() {
                Verdict::Commit
            } else {
                Verdict::Rollback
            };
            *result.lock() = Some(outcome);
            verdict
        };
        self.engine.write(lane, Box::new(run)).await?;
        take(&slot)
    }

    /// Runs a few indexed look-ups.
    pub async fn lookup<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut dyn ReadTransaction) -> Result<T, E> + Send + 'static,
    {
        let slot = Arc::new(Mutex::new(None));
        let result = Arc::clone(&slot);
        self.engine
            .lookup(Box::new(move |transaction| {
                *result.lock() = Some(work(transaction));
            }))
            .await?;
        take(&slot)
    }

    /// Runs a scan.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut dyn ReadTransaction) -> Result<T, E> + Send + 'static,
    {
        let slot = Arc::new(Mutex::new(None));
        let result = Arc::clone(&slot);
        self.engine
            .read(Box::new(move |transaction| {
                *result.lock() = Some(work(transaction));
            }))
            .await?;
        take(&slot)
    }

    /// Whether the store accepts a durable write now.
    pub async fn probe(&self) -> Result<(), StoreError> {
        self.engine.probe().await
    }

    /// See [`MetadataEngine::generation`].
    pub async fn generation(&self) -> Option<Generation> {
        self.engine.generation().await
    }

    /// Bytes that the store takes, if known.
    pub fn size_in_bytes(&self) -> Option<u64> {
        self.engine.size_in_bytes()
    }
}

fn take<T, E: From<StoreError>>(slot: &Mutex<Option<Result<T, E>>>) -> Result<T, E> {
    slot.lock().take().unwrap_or_else(|| {
        Err(StoreError::Failed("the engine did not run the closure".to_owned()).into())
    })
}
