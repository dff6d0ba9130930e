//! Faults inside a batch of sixteen: no member is acknowledged falsely, and every one is that can be.

use std::fs;
use std::path::{Path, PathBuf};

use ecru_ports::metadata::StoreError;
use rusqlite::ffi::{SQLITE_FULL, SQLITE_IOERR_FSYNC, SQLITE_IOERR_WRITE};
use tempfile::TempDir;

use super::faulty_log::{self, Call, Fault};
use super::session::SqliteSession;
use super::writer::tests::{serve_sizes, session, stored};
use crate::batch::{BatchFailure, Outcome, Session};
use crate::row::Row;
use crate::sql::{Parameter, Sql};

/// A store whose log can be made to fail.
struct Store {
    directory: TempDir,
    path: PathBuf,
    session: SqliteSession,
}

impl Store {
    fn new() -> Self {
        faulty_log::install();
        faulty_log::set(None);
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("db");
        let session = session(&path);
        Self {
            directory,
            path,
            session,
        }
    }

    fn serve(&mut self, sizes: &[usize], fault: Option<Fault>) -> Vec<bool> {
        faulty_log::set(fault);
        let (outcomes, _) = serve_sizes(&mut self.session, sizes);
        acknowledged(&outcomes)
    }

    fn stored(&self) -> Vec<bool> {
        stored(&self.path, 16)
    }

    /// What a process finds that is started after this one was killed now.
    fn stored_after_a_kill(&self) -> Vec<bool> {
        let copy = self.directory.path().join("copy");
        let beside = |path: &Path, suffix: &str| format!("{}{suffix}", path.display());
        for suffix in ["", "-wal"] {
            fs::copy(beside(&self.path, suffix), beside(&copy, suffix)).unwrap();
        }
        let found = stored(&copy, 16);
        for suffix in ["", "-wal", "-shm"] {
            fs::remove_file(beside(&copy, suffix)).ok();
        }
        found
    }
}

fn acknowledged(outcomes: &[Outcome]) -> Vec<bool> {
    outcomes.iter().map(Result::is_ok).collect()
}

fn once(call: Call, after: u32, code: i32) -> Fault {
    Fault {
        call,
        after,
        times: 1,
        code,
    }
}

#[test]
fn a_log_that_cannot_be_synced_acknowledges_nobody() {
    let mut store = Store::new();
    assert_eq!(store.serve(&[10], None), [true]);
    let fault = once(Call::Sync, 0, SQLITE_IOERR_FSYNC);
    assert_eq!(store.serve(&[11; 16], Some(fault)), [false; 16]);
    assert!(faulty_log::is_over());
    let after_a_kill = store.stored_after_a_kill();
    let all = after_a_kill.iter().filter(|stored| **stored).count();
    assert!(all == 1 || all == 16, "half of it: {after_a_kill:?}");
    assert_eq!(store.stored()[1..], [false; 15]);
}

#[test]
fn a_connection_whose_commit_failed_is_not_used_again() {
    let mut store = Store::new();
    assert_eq!(store.serve(&[10], None), [true]);
    let opened = faulty_log::opened();
    assert_eq!(store.serve(&[10; 16], None), [true; 16]);
    assert_eq!(faulty_log::opened(), opened, "one that works is");
    let fault = once(Call::Sync, 0, SQLITE_IOERR_FSYNC);
    assert_eq!(store.serve(&[11; 16], Some(fault)), [false; 16]);
    assert_eq!(store.serve(&[12; 16], None), [true; 16]);
    assert_eq!(faulty_log::opened(), opened + 1);
    assert_eq!(store.stored_after_a_kill(), [true; 16]);
}

/// Each write of a COMMIT in turn, the log's own header included.
#[test]
fn a_log_that_cannot_be_written_acknowledges_nobody() {
    for code in [SQLITE_IOERR_WRITE, SQLITE_FULL] {
        let mut writes = 0;
        loop {
            let mut store = Store::new();
            let kept = store.serve(&[3_000; 16], Some(once(Call::Write, writes, code)));
            if !faulty_log::is_over() {
                assert_eq!(kept, [true; 16]);
                break;
            }
            assert_eq!(kept, [false; 16], "write {writes}");
            assert_eq!(store.stored(), [false; 16], "write {writes}");
            assert_eq!(store.serve(&[10; 16], None), [true; 16]);
            assert_eq!(store.stored_after_a_kill(), [true; 16]);
            writes += 1;
        }
        assert!(writes > 16, "{writes}");
    }
}

/// What does not fit into memory is written before COMMIT: SQLite then ends the transaction of all members.
#[test]
fn a_write_that_fails_in_the_middle_of_a_batch_is_made_up_for() {
    for large in 0..16 {
        let mut store = Store::new();
        let mut sizes = [10; 16];
        sizes[large] = 5_000_000;
        let fault = once(Call::Write, 40, SQLITE_IOERR_WRITE);
        let kept = store.serve(&sizes, Some(fault));
        assert!(faulty_log::is_over());
        assert_eq!(kept, [true; 16], "member {large}");
        assert_eq!(store.stored_after_a_kill(), [true; 16]);
    }
}

#[test]
fn a_disk_that_stays_full_acknowledges_nobody_until_it_is_not() {
    let mut store = Store::new();
    let lasting = Fault {
        call: Call::Write,
        after: 0,
        times: u32::MAX,
        code: SQLITE_FULL,
    };
    assert_eq!(store.serve(&[10; 16], Some(lasting)), [false; 16]);
    assert_eq!(store.serve(&[10; 16], Some(lasting)), [false; 16]);
    assert_eq!(store.serve(&[10; 16], None), [true; 16]);
    assert_eq!(store.stored_after_a_kill(), [true; 16]);
}

/// What happens to one member, or at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blow {
    /// The statement of a member fails.
    Statement(usize),
    /// It fails, and the engine ends the transaction of all.
    Engine(usize),
    /// The code that runs COMMIT panics.
    PanicAtCommit,
}

/// A connection that something happens to.
struct Rigged(SqliteSession, Blow);

impl Sql for Rigged {
    fn execute(&mut self, s: &'static str, v: &[Parameter<'_>]) -> Result<u64, StoreError> {
        let is_of = |member: usize| matches!(v.first(), Some(Parameter::Text(t)) if **t == member.to_string());
        match self.1 {
            Blow::Statement(member) if is_of(member) => {
                Err(StoreError::Failed("on purpose".to_owned()))
            }
            Blow::Engine(member) if is_of(member) => {
                self.0.run_script("ROLLBACK")?;
                Err(StoreError::Unavailable("on purpose".to_owned()))
            }
            _ => self.0.execute(s, v),
        }
    }

    fn query(&mut self, s: &'static str, v: &[Parameter<'_>]) -> Result<Vec<Row>, StoreError> {
        self.0.query(s, v)
    }

    fn run_script(&mut self, script: &str) -> Result<(), StoreError> {
        self.0.run_script(script)
    }
}

impl Session for Rigged {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.0.begin()
    }

    fn mark(&mut self) -> Result<(), StoreError> {
        self.0.mark()
    }

    fn keep(&mut self) -> Result<(), StoreError> {
        self.0.keep()
    }

    fn undo(&mut self) -> Result<(), StoreError> {
        self.0.undo()
    }

    fn commit(&mut self) -> Result<(), BatchFailure> {
        assert!(self.1 != Blow::PanicAtCommit, "on purpose");
        self.0.commit()
    }

    fn abandon(&mut self) {
        self.0.abandon();
    }

    fn is_open(&self) -> bool {
        self.0.is_open()
    }
}

#[test]
fn a_member_that_fails_fails_alone() {
    for member in 0..16 {
        for blow in [Blow::Statement(member), Blow::Engine(member)] {
            let store = Store::new();
            let mut rigged = Rigged(store.session, blow);
            let (outcomes, _) = serve_sizes(&mut rigged, &[10; 16]);
            let mut expected = [true; 16];
            expected[member] = false;
            assert_eq!(acknowledged(&outcomes), expected, "{blow:?}");
            assert_eq!(stored(&store.path, 16), expected, "{blow:?}");
        }
    }
}

#[test]
fn the_writer_outlives_a_panic_and_acknowledges_nobody_over_it() {
    let store = Store::new();
    let mut rigged = Rigged(store.session, Blow::PanicAtCommit);
    let (outcomes, _) = serve_sizes(&mut rigged, &[10; 16]);
    assert_eq!(acknowledged(&outcomes), [false; 16]);
    assert_eq!(stored(&store.path, 16), [false; 16]);
    let Rigged(mut session, _) = rigged;
    let (outcomes, _) = serve_sizes(&mut session, &[10; 16]);
    assert_eq!(acknowledged(&outcomes), [true; 16]);
}
