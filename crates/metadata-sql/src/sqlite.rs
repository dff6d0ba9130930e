//! The embedded engine: one SQLite file with a write-ahead log.
//!
//! One thread writes, many connections read; readers never wait for the writer, nor it for them.

#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod faulty_log;
mod leftovers;
#[cfg(test)]
mod plans;
mod readers;
mod session;
mod watch;
mod writer;

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use ecru_ports::clock::Clock;
use ecru_ports::metadata::{
    Generation, Lane, MetadataEngine, ReadWork, StoreError, Verdict, WriteTransaction, WriteWork,
};
use tokio::task;

use crate::batch::Session as _;
use crate::schema;
use readers::Readers;
use session::{DIALECT, SqliteSession};
use watch::Watch;
use writer::Writer;

/// Connections for look-ups. They run on the threads that serve requests, of which there are about as many as
/// processors.
const LOOKUP_CONNECTIONS: usize = 32;

/// Connections for scans, which take longer: few, so that look-ups keep most of the processor.
const SCAN_CONNECTIONS: usize = 4;

/// Metadata in one SQLite file. Dropping it waits until every write handed over is durable.
pub struct SqliteMetadata {
    lookups: Readers,
    scans: Arc<Readers>,
    writer: Writer,
    watch: Watch,
    files: [OpenedFile; 2],
}

/// A file of the store, and which one it was when the store was opened.
struct OpenedFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl OpenedFile {
    fn at(path: PathBuf) -> Result<Self, StoreError> {
        let found = fs::metadata(&path).map_err(|error| unavailable(&error))?;
        Ok(Self {
            device: found.dev(),
            inode: found.ino(),
            path,
        })
    }

    /// What is written to a file that was removed or replaced is gone with the process.
    fn check(&self) -> Result<(), StoreError> {
        let found = Self::at(self.path.clone())?;
        if (found.device, found.inode) == (self.device, self.inode) {
            Ok(())
        } else {
            let message = "the file was replaced by another".to_owned();
            Err(StoreError::Unavailable(message))
        }
    }
}

impl SqliteMetadata {
    /// Opens the file, making it (mode 0600) and its tables if needed. Blocks for a moment.
    ///
    /// # Errors
    /// `Unavailable` if the file cannot be opened or written, `Corrupt` if it is not a metadata store, `Failed`
    /// if a newer version wrote it.
    pub fn open(path: &Path, clock: &dyn Clock) -> Result<Self, StoreError> {
        create_private(path)?;
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let log = PathBuf::from(log);
        leftovers::make_durable(&log).map_err(|error| unavailable(&error))?;
        let mut session = SqliteSession::writer(path)?;
        migrate(&mut session, clock)?;
        // SQLite syncs the directory once, and does not look whether that failed
        leftovers::sync_directory_of(path).map_err(|error| unavailable(&error))?;
        let files = [OpenedFile::at(path.to_owned())?, OpenedFile::at(log)?];
        Ok(Self {
            lookups: Readers::new(path.to_owned(), LOOKUP_CONNECTIONS),
            scans: Arc::new(Readers::new(path.to_owned(), SCAN_CONNECTIONS)),
            writer: Writer::start(session)?,
            watch: Watch::default(),
            files,
        })
    }

    /// How many transactions were committed since it was opened.
    pub fn commits(&self) -> u64 {
        self.writer.counts().commits.load(Ordering::Relaxed)
    }

    /// How many write closures were answered since it was opened.
    pub fn closures(&self) -> u64 {
        self.writer.counts().closures.load(Ordering::Relaxed)
    }
}

/// SQLite gives its other files the mode of this one.
fn create_private(path: &Path) -> Result<(), StoreError> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map(drop)
        .map_err(|error| unavailable(&error))
}

fn unavailable(error: &io::Error) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

/// All in one transaction: no other process writes to the file.
fn migrate(session: &mut SqliteSession, clock: &dyn Clock) -> Result<(), StoreError> {
    session.begin()?;
    schema::prepare(session, DIALECT)?;
    while schema::advance(session, DIALECT, clock.now())? {}
    session.end()
}

#[async_trait]
impl MetadataEngine for SqliteMetadata {
    async fn write(&self, _lane: Lane, work: WriteWork) -> Result<(), StoreError> {
        let [file, _log] = &self.files;
        self.watch.before_write(file)?;
        self.writer.write(work).await?;
        self.watch.after_commit(file, self.commits())
    }

    /// Runs on the calling thread: a look-up takes microseconds, less than a hop to another thread.
    async fn lookup(&self, work: ReadWork) -> Result<(), StoreError> {
        let permit = self.lookups.permit().await?;
        self.lookups.run(work, &permit)
    }

    async fn read(&self, work: ReadWork) -> Result<(), StoreError> {
        let permit = self.scans.permit().await?;
        let scans = Arc::clone(&self.scans);
        task::spawn_blocking(move || scans.run(work, &permit))
            .await
            .map_err(|_| StoreError::Failed("a read closure panicked".to_owned()))?
    }

    async fn probe(&self) -> Result<(), StoreError> {
        let probe = |transaction: &mut dyn WriteTransaction| {
            // a row that stays as it is would not be written; a failure is remembered by the transaction
            let last = transaction.store_fact("probe").ok().flatten();
            let next = if last.as_deref() == Some("1") {
                "2"
            } else {
                "1"
            };
            drop(transaction.put_store_fact("probe", next));
            Verdict::Commit
        };
        self.write(Lane::Any, Box::new(probe)).await?;
        self.files.iter().try_for_each(OpenedFile::check)
    }

    fn size_in_bytes(&self) -> Option<u64> {
        let sizes = self.files.iter().map(|file| fs::metadata(&file.path));
        Some(sizes.filter_map(Result::ok).map(|file| file.len()).sum())
    }

    /// The data directory's lock keeps every other process from writing.
    async fn generation(&self) -> Option<Generation> {
        let counts = self.writer.counts();
        Some(Generation {
            content: counts.commits_ended(),
            structure: counts.restructurings_ended()?,
        })
    }
}
