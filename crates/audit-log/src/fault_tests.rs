//! Disks that are full, or fail, for a while.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ecru_domain::Timestamp;
use ecru_ports::{AuditError, AuditTrail, Clock, Ids};
use tempfile::TempDir;

use crate::disk::{Disk, Segment, SystemDisk};
use crate::log::{AuditLog, Options};
use crate::verify::verify;

const NOTHING: u32 = 0;
const WRITE: u32 = 1;
const SYNC: u32 = 2;
const CUT: u32 = 4;
const CREATE: u32 = 8;
/// By how much the same calls on the journal are shifted.
const JOURNAL: u32 = 8;

#[derive(Clone, Default)]
struct Faults(Arc<AtomicU32>);

impl Faults {
    fn set(&self, calls: u32) {
        self.0.store(calls, Ordering::SeqCst);
    }

    fn strike(&self, call: u32) -> io::Result<()> {
        if self.0.load(Ordering::SeqCst) & call == 0 {
            return Ok(());
        }
        Err(io::ErrorKind::StorageFull.into())
    }
}

struct FaultyDisk(Faults);

/// Strikes at calls that are shifted by the last.
struct FaultySegment(Box<dyn Segment>, Faults, u32);

impl Disk for FaultyDisk {
    fn create(&mut self, path: &Path) -> io::Result<Box<dyn Segment>> {
        self.0.strike(CREATE)?;
        let segment = SystemDisk.create(path)?;
        Ok(Box::new(FaultySegment(segment, self.0.clone(), 0)))
    }

    fn preallocate(&mut self, path: &Path, bytes: u64) -> io::Result<Box<dyn Segment>> {
        self.0.strike(CREATE << JOURNAL)?;
        let segment = SystemDisk.preallocate(path, bytes)?;
        Ok(Box::new(FaultySegment(segment, self.0.clone(), JOURNAL)))
    }

    fn sync_directory(&mut self, directory: &Path) -> io::Result<()> {
        SystemDisk.sync_directory(directory)
    }
}

impl Segment for FaultySegment {
    fn append(&mut self, text: &[u8]) -> io::Result<()> {
        let half = self
            .1
            .strike(WRITE << self.2)
            .map_err(|error| (error, text.len() / 2));
        match half {
            Ok(()) => self.0.append(text),
            Err((error, half)) => {
                self.0.append(&text[..half])?;
                Err(error)
            }
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.1.strike(SYNC << self.2)?;
        self.0.sync()
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.1.strike(CUT << self.2)?;
        self.0.cut(bytes)
    }

    fn rewind(&mut self) -> io::Result<()> {
        self.0.rewind()
    }
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000)
    }
}

impl Ids for Fixed {
    fn random(&self) -> [u8; 16] {
        [7; 16]
    }
}

fn open(directory: &Path, faults: &Faults, patience: Duration) -> AuditLog {
    let options = Options {
        directory: directory.to_owned(),
        max_file_bytes: 2_000,
        patience,
        heads: Vec::new(),
    };
    let disk = Box::new(FaultyDisk(faults.clone()));
    AuditLog::open_on(disk, &options, Arc::new(Fixed), &Fixed).unwrap()
}

fn line(name: &str) -> Vec<u8> {
    format!("{{\"eventName\":\"{name}\"}}").into_bytes()
}

fn text(directory: &Path) -> String {
    let entries = std::fs::read_dir(directory).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| path.extension().is_some_and(|end| end == "jsonl"));
    paths
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

#[tokio::test]
async fn while_the_disk_is_full_requests_wait_and_fail_and_later_all_is_there() {
    for calls in [
        WRITE,
        WRITE | CUT,
        SYNC,
        WRITE | CREATE | CUT,
        SYNC | CREATE,
    ] {
        let (directory, faults) = (TempDir::new().unwrap(), Faults::default());
        let log = open(directory.path(), &faults, Duration::from_millis(50));
        log.write(line("Before")).await.unwrap();
        faults.set(calls | calls << JOURNAL);
        let refused = log.write(line("Change")).await;
        assert!(matches!(refused, Err(AuditError::Unavailable(_))));
        assert!(!log.is_ready());
        assert!(log.ready().await.is_err());
        assert!(log.note(line("Read")).await.is_err());
        log.leave(line("Abandoned"));
        faults.set(NOTHING);
        while log.ready().await.is_err() {}
        log.write(line("After")).await.unwrap();
        let head = log.head();
        drop(log);
        let report = verify(directory.path(), &[head], None).unwrap();
        assert_eq!(report.problems, Vec::<String>::new(), "{calls}");
        let text = text(directory.path());
        for name in ["Before", "Change", "Read", "Abandoned", "After"] {
            assert!(text.contains(name), "{calls} {name}");
        }
    }
}

#[tokio::test]
async fn requests_that_wait_go_on_when_there_is_room_again() {
    let (directory, faults) = (TempDir::new().unwrap(), Faults::default());
    let log = open(directory.path(), &faults, Duration::from_secs(60));
    faults.set(WRITE);
    let write = log.write(line("Change"));
    let repair = async {
        while log.is_ready() {
            tokio::task::yield_now().await;
        }
        faults.set(NOTHING);
    };
    let (written, ()) = tokio::join!(write, repair);
    written.unwrap();
    assert!(log.is_ready());
}

#[tokio::test]
async fn a_full_disk_at_rotation_loses_nothing() {
    let (directory, faults) = (TempDir::new().unwrap(), Faults::default());
    let log = open(directory.path(), &faults, Duration::from_millis(50));
    for round in 0..60_u32 {
        faults.set(if round % 10 == 7 {
            CREATE | WRITE
        } else {
            NOTHING
        });
        let outcome = log.write(line(&format!("Round{round}"))).await;
        faults.set(NOTHING);
        if outcome.is_err() {
            while log.ready().await.is_err() {}
        }
    }
    let head = log.head();
    assert!(head.sequence > 2);
    drop(log);
    let report = verify(directory.path(), &[head], None).unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    let text = text(directory.path());
    for round in 0..60 {
        let name = format!("\"Round{round}\"");
        assert_eq!(text.matches(&name).count(), 1, "{name}");
    }
}

/// What was acknowledged while the journal alone could be synced is in the next file.
#[tokio::test]
async fn a_file_that_cannot_be_synced_owes_the_next_what_the_journal_has() {
    for calls in [SYNC, SYNC | CUT, SYNC | CUT | WRITE] {
        let (directory, faults) = (TempDir::new().unwrap(), Faults::default());
        let log = open(directory.path(), &faults, Duration::from_millis(50));
        log.write(line("Before")).await.unwrap();
        faults.set(SYNC);
        let mut acknowledged = vec!["Before".to_owned()];
        for number in 0..3 {
            let name = format!("Kept{number}");
            log.write(line(&name)).await.unwrap();
            acknowledged.push(name);
        }
        // a note is not worth its place in the journal: the file is to be synced
        faults.set(calls);
        log.note(line("Read")).await.unwrap();
        while log.is_ready() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        faults.set(NOTHING);
        while log.ready().await.is_err() {}
        log.write(line("After")).await.unwrap();
        let head = log.head();
        assert_eq!(head.sequence, 2, "{calls}");
        drop(log);
        let report = verify(directory.path(), &[head], None).unwrap();
        assert_eq!(report.problems, Vec::<String>::new(), "{calls}");
        let newest = std::fs::read_dir(directory.path()).unwrap();
        let newest = newest.map(|entry| entry.unwrap().path());
        let newest = newest.max_by_key(|path| path.to_string_lossy().contains("02.jsonl"));
        let text = std::fs::read_to_string(newest.unwrap()).unwrap();
        for name in acknowledged.iter().skip(1) {
            assert_eq!(text.matches(&format!("\"{name}\"")).count(), 1, "{calls}");
        }
    }
}

/// Without a journal, and while it fails, files are synced instead.
#[tokio::test]
async fn a_journal_that_fails_holds_nobody_up() {
    for (calls, at_start) in [(CREATE, true), (WRITE, false), (SYNC, false), (WRITE, true)] {
        let (directory, faults) = (TempDir::new().unwrap(), Faults::default());
        if at_start {
            faults.set(calls << JOURNAL);
        }
        let log = open(directory.path(), &faults, Duration::from_millis(50));
        faults.set(calls << JOURNAL);
        for number in 0..5 {
            log.write(line(&format!("Change{number}"))).await.unwrap();
        }
        faults.set(NOTHING);
        log.write(line("After")).await.unwrap();
        let head = log.head();
        drop(log);
        let report = verify(directory.path(), &[head], None).unwrap();
        assert_eq!((report.problem_count, report.lines), (0, 7), "{report:#?}");
    }
}
