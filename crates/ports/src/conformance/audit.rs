//! What every audit trail must do, and a trail in memory for the tests of those who write one.
#![expect(
    clippy::unwrap_used,
    reason = "a broken contract fails the test by panicking"
)]

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use futures_util::future;
use parking_lot::Mutex;

use crate::audit::{AuditError, AuditHead, AuditReport, AuditTrail};

/// Runs the whole suite on a trail that `again` opens as another process would, once the one before has ended.
///
/// # Panics
/// Where the contract is broken.
pub async fn audit_suite<T: AuditTrail>(again: impl Fn() -> T) {
    let trail = again();
    let first = trail.head();
    assert!(trail.is_ready());
    trail.ready().await.unwrap();
    trail.write(line(1)).await.unwrap();
    let second = trail.head();
    assert_eq!(second.lines, first.lines + 1);
    assert_ne!(second.hash, first.hash);
    many_lines_at_once_are_all_kept(&trail).await;
    heads_are_found_again(&trail).await;
    let last = trail.head();
    trail.flush().await.unwrap();
    trail.note(line(1)).await.unwrap();
    trail.flush().await.unwrap();
    assert_eq!(trail.head().lines, last.lines + 1);
    let last = trail.head();
    trail.note(line(2)).await.unwrap();
    trail.leave(line(3));
    drop(trail);
    what_was_only_noted_outlives_the_process(&again(), &last).await;
}

fn line(number: u64) -> Vec<u8> {
    format!("{{\"number\":{number}}}").into_bytes()
}

async fn many_lines_at_once_are_all_kept<T: AuditTrail>(trail: &T) {
    let before = trail.head().lines;
    let writes = (0..200).map(|number| trail.write(line(number)));
    for outcome in future::join_all(writes).await {
        outcome.unwrap();
    }
    assert_eq!(trail.head().lines, before + 200);
}

async fn heads_are_found_again<T: AuditTrail>(trail: &T) {
    let head = trail.head();
    let report = trail.verify(vec![head.clone()]).await.unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    assert!(report.lines >= head.lines);
    let (hash, lines) = ("0".repeat(64), head.lines + 1);
    for wrong in [
        AuditHead {
            lines,
            ..head.clone()
        },
        AuditHead { hash, ..head },
    ] {
        let report = trail.verify(vec![wrong]).await.unwrap();
        assert_eq!(report.problem_count, 1);
    }
}

async fn what_was_only_noted_outlives_the_process<T: AuditTrail>(trail: &T, last: &AuditHead) {
    let kept = trail.verify(vec![last.clone()]).await.unwrap();
    assert_eq!(kept.problems, Vec::<String>::new());
    let end = AuditHead {
        lines: last.lines + 2,
        ..last.clone()
    };
    // its hash is not known here, but there is such a line
    let report = trail.verify(vec![end]).await.unwrap();
    assert!(
        report.problems.iter().all(|text| text.contains("hash")),
        "{report:?}"
    );
    assert_eq!(trail.head().node, last.node);
}

/// A trail in memory, whose lines a test reads, and which it can make unavailable.
#[derive(Debug, Default)]
pub struct KeptLines {
    lines: Mutex<Vec<Vec<u8>>>,
    is_full: AtomicBool,
}

impl KeptLines {
    /// All lines so far, as text.
    pub fn lines(&self) -> Vec<String> {
        let text = |line: &Vec<u8>| String::from_utf8_lossy(line).into_owned();
        self.lines.lock().iter().map(text).collect()
    }

    /// Forgets the lines so far.
    pub fn clear(&self) {
        self.lines.lock().clear();
    }

    /// From now on nothing can be written, or again everything.
    pub fn set_full(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::SeqCst);
    }

    fn take(&self, line: Vec<u8>) -> Result<(), AuditError> {
        self.lines.lock().push(line);
        self.state()
    }

    fn state(&self) -> Result<(), AuditError> {
        if self.is_ready() {
            return Ok(());
        }
        Err(AuditError::Unavailable("it is full".to_owned()))
    }
}

#[async_trait]
impl AuditTrail for KeptLines {
    fn is_ready(&self) -> bool {
        !self.is_full.load(Ordering::SeqCst)
    }

    async fn ready(&self) -> Result<(), AuditError> {
        self.state()
    }

    async fn write(&self, line: Vec<u8>) -> Result<(), AuditError> {
        self.take(line)
    }

    async fn note(&self, line: Vec<u8>) -> Result<(), AuditError> {
        self.take(line)
    }

    fn leave(&self, line: Vec<u8>) {
        self.lines.lock().push(line);
    }

    async fn flush(&self) -> Result<(), AuditError> {
        self.state()
    }

    fn head(&self) -> AuditHead {
        let lines = self.lines.lock();
        AuditHead {
            node: "memory".to_owned(),
            sequence: 1,
            lines: lines.len() as u64,
            bytes: lines.iter().map(|line| line.len() as u64).sum(),
            hash: format!("{:064x}", lines.len()),
        }
    }

    async fn verify(&self, _: Vec<AuditHead>) -> Result<AuditReport, AuditError> {
        Ok(AuditReport {
            lines: self.lines.lock().len() as u64,
            ..AuditReport::default()
        })
    }
}
