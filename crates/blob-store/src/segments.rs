//! What the encryption needs from storage: segments of opaque bytes, each written once, in order.
//!
//! Calls block and are made on threads that may. A segment is written by one sink, in one process, and
//! never touched again; so a store without append or rename fits, its sink uploading parts as it goes.

use std::fmt;
use std::io;
use std::ops::RangeInclusive;

use ecru_ports::blobs::{FoundSegment, ObjectId};

/// The name of a segment. Shown as `<object id>.<number>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SegmentName {
    /// The object it belongs to.
    pub object: ObjectId,
    /// Its number within the object, from 1.
    pub number: u64,
}

impl SegmentName {
    /// Reads back what `Display` shows; `None` for any other text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (object, digits) = text.split_once('.')?;
        let number: u64 = digits.parse().ok()?;
        let name = Self {
            object: ObjectId::parse(object)?,
            number,
        };
        (name.to_string() == text).then_some(name)
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.object.as_str(), self.number)
    }
}

/// Storage of segments.
pub trait SegmentStore: Send + Sync + 'static {
    /// Takes the bytes of one segment.
    type Sink: SegmentSink;
    /// Gives bytes of one segment.
    type Source: SegmentSource;

    /// Begins a segment. `AlreadyExists` (now, or when it is finished) if the name was ever used.
    fn create(&self, name: &SegmentName) -> io::Result<Self::Sink>;

    /// Opens a finished segment; `NotFound` if there is none.
    fn open(&self, name: &SegmentName) -> io::Result<Self::Source>;

    /// Durably removes segments with these numbers; absent ones are no error.
    fn remove(&self, object: &ObjectId, numbers: RangeInclusive<u64>) -> io::Result<()>;

    /// Durably moves segments with these numbers out of reach of `open`; absent ones are no error. Returns whether
    /// there were any.
    fn quarantine(&self, object: &ObjectId, numbers: RangeInclusive<u64>) -> io::Result<bool>;

    /// Segments of the objects after `after`, in order of object and number: as many objects as it
    /// takes to reach `limit` segments, each of them complete.
    fn list(&self, after: Option<&ObjectId>, limit: usize) -> io::Result<Vec<FoundSegment>>;

    /// Writes and removes a small probe.
    fn probe(&self) -> io::Result<()>;
}

/// Writes one segment. Dropping it unfinished leaves at most garbage under its name.
pub trait SegmentSink: Send + 'static {
    /// Appends bytes.
    fn append(&mut self, sealed: &[u8]) -> io::Result<()>;

    /// Makes the segment durable. It takes the sink, so that a failed sync cannot be tried again: the
    /// kernel may have dropped the bytes and would then report success.
    fn finish(self) -> io::Result<()>;
}

/// Reads one finished segment.
pub trait SegmentSource: Send + Sync + 'static {
    /// Its length in bytes.
    fn length(&self) -> u64;

    /// Fills `out` from `offset`.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()>;

    /// Fills `out` from `offset` if that needs no waiting, and tells whether it did.
    fn read_resident(&self, offset: u64, out: &mut [u8]) -> io::Result<bool>;
}
