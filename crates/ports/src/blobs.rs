//! The blob port: encrypted objects, written once, read by range.
//!
//! ```text
//! object ─┬─ segment 1: whole frames ─┐   one request wrote it; never touched again
//!         ├─ segment 4: whole frames ─┤   frames count through all segments: 0, 1, 2 …
//!         └─ tail: the final frame, possibly empty, sealed in the object's row
//! ```
//!
//! An object has an id that none had before and its own data key. Nothing is renamed or overwritten: which objects exist is
//! decided by rows, so bytes without a row are garbage and rows are written only after bytes are durable.

use std::ops::{Range, RangeInclusive};
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use ecru_domain::{Digest, Timestamp};
use futures_util::Stream;
use thiserror::Error;

use crate::keys::SecretKey;

/// Plaintext bytes of a whole frame. Only the final frame of an object is shorter.
pub const FRAME: usize = 64 * 1024;

/// The name of an object: 32 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId(String);

impl ObjectId {
    /// A new id, of which half is random. The first byte changes each second, so that stores can spread objects by it;
    /// microseconds follow, so that rows made one after the other lie together in every index.
    pub fn ordered(now: Timestamp, random: [u8; 16]) -> Self {
        let [_, time @ ..] = now.micros().to_be_bytes();
        let mut bytes = random;
        bytes[0] = (now.micros() >> 20).to_be_bytes()[7];
        bytes[1..8].copy_from_slice(&time);
        Self::from_bytes(bytes)
    }

    /// The id whose digits these bytes are.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(format!("{:032x}", u128::from_be_bytes(bytes)))
    }

    /// Reads an id back from a row; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        hex.then(|| Self(text.to_owned()))
    }

    /// The hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The key of one object: one layer of encryption, or two (`KMS_DSSE`).
#[derive(Clone, Debug)]
pub struct DataKey {
    /// Seals the plaintext.
    pub inner: SecretKey,
    /// Seals the result once more.
    pub outer: Option<SecretKey>,
}

/// A run of whole frames that one request wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its number within the object: the upload session's epoch that wrote it. Ascending, not dense.
    pub number: u64,
    /// How many frames it holds; at least one.
    pub frames: u64,
}

/// Everything needed, besides the data key, to read an object back. Kept in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// Its name.
    pub id: ObjectId,
    /// Plaintext size in bytes.
    pub size: u64,
    /// Where the whole frames are, in order.
    pub segments: Vec<Segment>,
    /// The sealed final frame.
    pub tail: Vec<u8>,
}

/// What an unfinished upload must remember between two requests. Kept in the session row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteProgress {
    /// Plaintext bytes that are durable.
    pub offset: u64,
    /// Where the whole frames are.
    pub segments: Vec<Segment>,
    /// The unfilled last frame and the running hash states, sealed under the data key.
    pub sealed_state: Vec<u8>,
}

/// The digests computed while an object was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenDigests {
    /// Always computed.
    pub sha256: Digest,
    /// Computed if the writer was begun with it.
    pub sha512: Option<Digest>,
}

/// Why a blob operation failed.
#[derive(Debug, Error)]
pub enum BlobError {
    /// The bytes that a row promises are not there.
    #[error("object bytes are missing")]
    Missing,
    /// A frame does not open: altered, truncated, swapped, or rotten.
    #[error("object bytes are corrupt")]
    Corrupt,
    /// No space left.
    #[error("blob storage is full")]
    Full,
    /// The store refuses or fails for another reason.
    #[error("blob storage failed: {0}")]
    Io(#[from] std::io::Error),
}

/// A stream of plaintext. After an error nothing follows.
pub type BlobStream = Pin<Box<dyn Stream<Item = Result<Bytes, BlobError>> + Send>>;

/// Whether the bytes of a deleted object are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// They are.
    Done,
    /// Somebody is reading them; ask again later.
    InUse,
}

/// A segment found in storage by listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundSegment {
    /// The object it belongs to.
    pub object: ObjectId,
    /// Its number.
    pub number: u64,
    /// Stored (sealed) bytes.
    pub stored_bytes: u64,
}

/// Encrypted objects.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// A writer for a new object, or (with `progress`) one that goes on where a `suspend` stopped.
    /// `sha512` asks for that digest too; it must be the same in every request of one upload.
    /// `Corrupt` if `progress` does not open under `key`.
    async fn writer(
        &self,
        object: &ObjectId,
        key: &DataKey,
        sha512: bool,
        progress: Option<&WriteProgress>,
    ) -> Result<Box<dyn ObjectWriter>, BlobError>;

    /// Streams `range` of the plaintext. Every frame is verified before a byte of it is given out.
    /// `range` must lie within the object's size.
    async fn read(
        &self,
        object: Arc<StoredObject>,
        key: Arc<DataKey>,
        range: Range<u64>,
    ) -> Result<BlobStream, BlobError>;

    /// Removes the bytes of segments with these numbers, unless the object is being read. Absent ones are no error.
    async fn remove(
        &self,
        object: &ObjectId,
        segments: RangeInclusive<u64>,
    ) -> Result<Removal, BlobError>;

    /// Lists up to `limit` stored segments in order, after the given object. For verification only.
    async fn list(
        &self,
        after: Option<&ObjectId>,
        limit: usize,
    ) -> Result<Vec<FoundSegment>, BlobError>;

    /// Sets segments with these numbers aside, out of reach of reads, for a person to look at, and returns whether
    /// there were any. Never deletes.
    async fn quarantine(
        &self,
        object: &ObjectId,
        segments: RangeInclusive<u64>,
    ) -> Result<bool, BlobError>;

    /// Whether the store accepts writes now: writes and removes a small probe.
    async fn probe(&self) -> Result<(), BlobError>;
}

/// Writes one object, hashing, sealing and storing in one pass.
///
/// Dropping it without `suspend` or `finish` leaves at most an orphan segment, which the session row's epoch names.
#[async_trait]
pub trait ObjectWriter: Send {
    /// Plaintext bytes taken so far, those of earlier requests included.
    fn offset(&self) -> u64;

    /// Whether writing `len` more bytes fills a frame for which no segment was begun yet.
    fn needs_segment(&self, len: usize) -> bool;

    /// Allows this request to write segment `number`. Called at most once, with a number never used before for this object.
    fn begin_segment(&mut self, number: u64);

    /// Takes bytes. Memory held is bounded whatever the size.
    async fn write(&mut self, bytes: Bytes) -> Result<(), BlobError>;

    /// Makes everything taken durable and returns what the next request needs.
    async fn suspend(self: Box<Self>) -> Result<WriteProgress, BlobError>;

    /// Keeps nothing. Returns once nothing is being written any more: what this request stored can be removed then, and
    /// does not come to be afterwards.
    async fn abandon(self: Box<Self>);

    /// Makes everything durable, seals the final frame and ends the object.
    async fn finish(self: Box<Self>) -> Result<(StoredObject, WrittenDigests), BlobError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_lie_together_by_time_and_move_on_each_second() {
        let at = |micros| {
            let id = ObjectId::ordered(Timestamp::from_micros(micros), [0xab; 16]);
            id.as_str().to_owned()
        };
        assert_eq!(at(0x1234_5678_9abc), "6700123456789abcabababababababab");
        let second = 1 << 20;
        let ids = [0, 1, 255, 256, second - 1, second, 255 * second].map(at);
        assert!(ids.is_sorted_by(|before, after| before < after));
        let shards: std::collections::HashSet<String> = (0..256)
            .map(|index| at(index * second)[..2].to_owned())
            .collect();
        assert_eq!(shards.len(), 256);
    }

    #[test]
    fn ids_of_one_moment_differ() {
        let now = Timestamp::from_micros(7);
        let mut random = [0; 16];
        random[15] = 1;
        assert_ne!(
            ObjectId::ordered(now, [0; 16]),
            ObjectId::ordered(now, random)
        );
    }
}
