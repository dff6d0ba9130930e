//! The audit port: one line for every decision, in an order that cannot be changed without it showing.
//!
//! ```text
//! request ─▶ ready? ─▶ use case ─▶ write (a change: on disk) or note (a read: within a second) ─▶ answer
//!               └ no: waits, then 503            └ client gone: leave
//! ```
//!
//! Lines of a node form one chain over all its files: each carries the hash of itself and of the line before.

use async_trait::async_trait;
use thiserror::Error;

/// The longest line, in bytes, without what the trail adds.
pub const MAX_LINE: usize = 512 * 1_024;

/// Why a line is not known to be on disk.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AuditError {
    /// It cannot be written now. It is kept, and written as soon as that is possible.
    #[error("the audit log cannot be written: {0}")]
    Unavailable(String),
    /// The log could not be read again.
    #[error("the audit log cannot be read: {0}")]
    Unreadable(String),
}

impl From<AuditError> for ecru_domain::Error {
    fn from(error: AuditError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

/// Where the chain of a node ends: kept elsewhere, it shows that lines were cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditHead {
    /// Names the node: letters and digits.
    pub node: String,
    /// The number of its newest file, from 1.
    pub sequence: u64,
    /// Lines in that file.
    pub lines: u64,
    /// Bytes in that file.
    pub bytes: u64,
    /// The hash of its last line, in lower-case hexadecimal.
    pub hash: String,
}

impl AuditHead {
    /// All but the node, as a text that [`AuditHead::parse`] reads.
    pub fn to_text(&self) -> String {
        let Self {
            sequence,
            lines,
            bytes,
            hash,
            ..
        } = self;
        format!("{sequence} {lines} {bytes} {hash}")
    }

    /// Reads what [`AuditHead::to_text`] wrote of `node`.
    pub fn parse(node: &str, text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let mut number = || parts.next()?.parse().ok();
        let (sequence, lines, bytes) = (number()?, number()?, number()?);
        let hash = parts.next().filter(|hash| hash.len() == 64)?.to_owned();
        Some(Self {
            node: node.to_owned(),
            sequence,
            lines,
            bytes,
            hash,
        })
    }
}

/// What reading a trail again has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditReport {
    /// Files read.
    pub files: u64,
    /// Lines whose place in the chain was checked.
    pub lines: u64,
    /// What is not as it was written. The first [`MAX_FINDINGS`] are told.
    pub problems: Vec<String>,
    /// How many problems there are.
    pub problem_count: u64,
    /// What is as it may be, but worth knowing: where a chain begins, lines that a crash left unfinished.
    pub notes: Vec<String>,
}

/// Problems, and notes, that a report tells.
pub const MAX_FINDINGS: usize = 100;

impl AuditReport {
    /// Adds a problem.
    pub fn problem(&mut self, text: impl Into<String>) {
        self.problem_count += 1;
        if self.problems.len() < MAX_FINDINGS {
            self.problems.push(text.into());
        }
    }

    /// Adds a note.
    pub fn note(&mut self, text: impl Into<String>) {
        if self.notes.len() < MAX_FINDINGS {
            self.notes.push(text.into());
        }
    }
}

/// An append-only log. A line is the text of one JSON object that is not empty, without a line feed.
#[async_trait]
pub trait AuditTrail: Send + Sync {
    /// Whether lines can be taken now.
    fn is_ready(&self) -> bool;

    /// Waits until lines can be taken, for a bounded time. Asked before a request is begun: what cannot be recorded
    /// is not done.
    async fn ready(&self) -> Result<(), AuditError>;

    /// Returns once the line is durable, as one sync for all that wait. After a bounded time it gives up waiting; the
    /// line is written all the same, later. Who stops waiting by dropping the future does not take the line back.
    async fn write(&self, line: Vec<u8>) -> Result<(), AuditError>;

    /// Takes a line that is durable within a second. While lines cannot be written, or too many wait, it waits as
    /// [`AuditTrail::write`] does.
    async fn note(&self, line: Vec<u8>) -> Result<(), AuditError>;

    /// Takes a line for which nobody can wait, since the client has gone.
    fn leave(&self, line: Vec<u8>);

    /// Returns once all lines that were taken so far are durable, or after a bounded time.
    async fn flush(&self) -> Result<(), AuditError>;

    /// The end of what is durable.
    fn head(&self) -> AuditHead;

    /// Reads everything again and compares it, also with heads that were kept elsewhere.
    async fn verify(&self, heads: Vec<AuditHead>) -> Result<AuditReport, AuditError>;
}
