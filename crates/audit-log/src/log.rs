//! The trail itself.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use async_trait::async_trait;
use ecru_ports::{AuditError, AuditHead, AuditReport, AuditTrail, Clock, Ids};
use thiserror::Error;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::directory::{self, Lock};
use crate::disk::{Disk, SystemDisk};
use crate::queue::Queue;
use crate::recovery;
use crate::verify::verify;
use crate::writer::Writer;

/// How a log is kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where its files are.
    pub directory: PathBuf,
    /// From how many bytes on a file is followed by another.
    pub max_file_bytes: u64,
    /// How long a request waits for a log that cannot be written.
    pub patience: Duration,
    /// Heads that were kept elsewhere.
    pub heads: Vec<AuditHead>,
}

/// Why a log cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process writes it.
    #[error("the audit log in {} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// The file system refuses.
    #[error("the audit log in {}: {source}", directory.display())]
    Io {
        /// The directory.
        directory: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Chained lines in files. Dropping it writes what waits.
pub struct AuditLog {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
    directory: PathBuf,
    patience: Duration,
    _lock: Lock,
}

impl AuditLog {
    /// Goes on where the node of that directory has ended, in a new file.
    pub fn open(
        options: &Options,
        clock: Arc<dyn Clock>,
        ids: &dyn Ids,
    ) -> Result<Self, OpenError> {
        Self::open_on(Box::new(SystemDisk), options, clock, ids)
    }

    pub(crate) fn open_on(
        disk: Box<dyn Disk>,
        options: &Options,
        clock: Arc<dyn Clock>,
        ids: &dyn Ids,
    ) -> Result<Self, OpenError> {
        let directory = &options.directory;
        let io = |source| OpenError::Io {
            directory: directory.clone(),
            source,
        };
        let lock = directory::lock(directory).map_err(io)?;
        let lock = lock.ok_or_else(|| OpenError::InUse(directory.clone()))?;
        let node = directory::node(directory, ids).map_err(io)?;
        let head = options.heads.iter().find(|head| head.node == node);
        let previous = recovery::last_file(directory, &node, head).map_err(io)?;
        let place = (directory.clone(), node);
        let mut writer = Writer::new(disk, place, clock, options.max_file_bytes, previous);
        writer.open().map_err(io)?;
        let head = writer
            .head()
            .ok_or_else(|| io(io::Error::other("no file")))?;
        let queue = Arc::new(Queue::new(head));
        let served = Arc::clone(&queue);
        let thread = thread::Builder::new()
            .name("audit-writer".to_owned())
            .spawn(move || writer.serve(&served))
            .map_err(io)?;
        Ok(Self {
            queue,
            thread: Some(thread),
            directory: directory.clone(),
            patience: options.patience,
            _lock: lock,
        })
    }

    async fn told(&self, durable: oneshot::Receiver<()>) -> Result<(), AuditError> {
        let told = self.wait(durable).await?;
        told.map_err(|_| AuditError::Unavailable("the writer has ended".to_owned()))
    }

    async fn wait<T>(&self, event: impl Future<Output = T>) -> Result<T, AuditError> {
        let outcome = timeout(self.patience, event).await;
        outcome.map_err(|_| self.queue.failure())
    }
}

#[async_trait]
impl AuditTrail for AuditLog {
    fn is_ready(&self) -> bool {
        self.queue.is_ready()
    }

    async fn ready(&self) -> Result<(), AuditError> {
        self.wait(self.queue.ready()).await
    }

    async fn write(&self, line: Vec<u8>) -> Result<(), AuditError> {
        self.told(self.queue.push_and_tell(&line)).await
    }

    async fn note(&self, line: Vec<u8>) -> Result<(), AuditError> {
        if self.is_ready() {
            self.queue.push(&line);
            return Ok(());
        }
        self.write(line).await
    }

    fn leave(&self, line: Vec<u8>) {
        self.queue.push(&line);
    }

    async fn flush(&self) -> Result<(), AuditError> {
        let Some(durable) = self.queue.flush() else {
            return Ok(());
        };
        self.told(durable).await
    }

    fn head(&self) -> AuditHead {
        self.queue.head()
    }

    async fn verify(&self, heads: Vec<AuditHead>) -> Result<AuditReport, AuditError> {
        let (directory, end) = (self.directory.clone(), self.head());
        let read = tokio::task::spawn_blocking(move || verify(&directory, &heads, Some(&end)));
        let read = read.await.map_err(|error| error.to_string());
        let report = read.and_then(|report| report.map_err(|error| error.to_string()));
        report.map_err(AuditError::Unreadable)
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the audit writer panicked");
        }
    }
}
