//! The SQLite engine against the contract, and what only it can show.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};

use ecru_domain::Timestamp;
use ecru_metadata_sql::SqliteMetadata;
use ecru_ports::Metadata;
use ecru_ports::clock::Clock;
use ecru_ports::conformance::metadata::metadata_suite;
use tempfile::TempDir;

struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1)
    }
}

fn open(directory: &TempDir) -> SqliteMetadata {
    SqliteMetadata::open(&directory.path().join("metadata.db"), &StoppedClock).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_keeps_the_contract() {
    let directories = Mutex::new(Vec::new());
    metadata_suite(async || {
        let directory = TempDir::new().unwrap();
        let engine = open(&directory);
        directories.lock().unwrap().push(directory);
        Metadata::new(Arc::new(engine))
    })
    .await;
}
