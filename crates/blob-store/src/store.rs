//! The blob port over any storage of segments.

use std::io;
use std::ops::{Range, RangeInclusive};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use ecru_ports::blobs::{
    BlobError, BlobStore, BlobStream, DataKey, FoundSegment, ObjectId, ObjectWriter, Removal,
    StoredObject, WriteProgress,
};
use futures_util::stream;
use tokio::task::spawn_blocking;

use crate::buffers::Pool;
use crate::cipher::{AesGcm, Cipher};
use crate::digests::Hashes;
use crate::directory::Directory;
use crate::failure;
use crate::frames::Frames;
use crate::open_reads::OpenReads;
use crate::plan::Plan;
use crate::progress;
use crate::reader::{self, FrameReader};
use crate::s3_shaped::{Bucket, S3ShapedMemory};
use crate::sealer::Sealer;
use crate::segments::SegmentStore;
use crate::threads::SealingThreads;
use crate::writer::{FrameWriter, Room};

/// Encrypted objects in segments. Clones share everything.
pub struct EncryptedBlobs<S> {
    segments: Arc<S>,
    pool: Arc<Pool>,
    reads: Arc<OpenReads>,
    threads: Arc<SealingThreads>,
    cipher: Arc<dyn Cipher>,
}

impl<S> Clone for EncryptedBlobs<S> {
    fn clone(&self) -> Self {
        Self {
            segments: Arc::clone(&self.segments),
            pool: Arc::clone(&self.pool),
            reads: Arc::clone(&self.reads),
            threads: Arc::clone(&self.threads),
            cipher: Arc::clone(&self.cipher),
        }
    }
}

impl EncryptedBlobs<Directory> {
    /// Opens a directory of objects, creating what is missing, durably. Blocks.
    ///
    /// # Errors
    /// The I/O error, if a directory can be neither created nor synced.
    pub fn open(path: &Path) -> io::Result<Self> {
        Directory::open(path).map(|directory| Self::over(directory, Arc::new(AesGcm)))
    }
}

impl EncryptedBlobs<S3ShapedMemory> {
    /// Objects in a bucket in memory.
    pub fn in_bucket(bucket: Bucket) -> Self {
        Self::over(S3ShapedMemory::new(bucket), Arc::new(AesGcm))
    }
}

impl<S: SegmentStore> EncryptedBlobs<S> {
    /// Objects in any segments, under any cipher.
    pub(crate) fn over(segments: S, cipher: Arc<dyn Cipher>) -> Self {
        Self {
            segments: Arc::new(segments),
            pool: Arc::default(),
            reads: Arc::default(),
            threads: Arc::new(SealingThreads::new()),
            cipher,
        }
    }

    /// Runs a call that blocks.
    async fn blocking<T: Send + 'static>(
        &self,
        call: impl FnOnce(&S) -> io::Result<T> + Send + 'static,
    ) -> Result<T, BlobError> {
        let segments = Arc::clone(&self.segments);
        let mut job = spawn_blocking(move || call(&segments).map_err(failure::of_write));
        failure::joined(&mut job).await
    }
}

#[async_trait]
impl<S: SegmentStore> BlobStore for EncryptedBlobs<S> {
    async fn writer(
        &self,
        object: &ObjectId,
        key: &DataKey,
        sha512: bool,
        progress: Option<&WriteProgress>,
    ) -> Result<Box<dyn ObjectWriter>, BlobError> {
        let frames = Frames::new(&*self.cipher, object, key)?;
        let (hashes, pending, segments, offset) = match progress {
            None => (Hashes::new(sha512), Bytes::new(), Vec::new(), 0),
            Some(progress) => {
                let resumed = progress::open(&frames, progress, sha512)?;
                (
                    resumed.hashes,
                    resumed.pending,
                    progress.segments.clone(),
                    progress.offset,
                )
            }
        };
        let sealer = Sealer::new(Arc::clone(&self.segments), frames, hashes, segments);
        let room = Room {
            pool: Arc::clone(&self.pool),
            threads: Arc::clone(&self.threads),
        };
        Ok(Box::new(FrameWriter::new(room, sealer, pending, offset)))
    }

    async fn read(
        &self,
        object: Arc<StoredObject>,
        key: Arc<DataKey>,
        range: Range<u64>,
    ) -> Result<BlobStream, BlobError> {
        if range.start > range.end || range.end > object.size {
            return Err(failure::of_caller("the range lies outside the object"));
        }
        let frames = Frames::new(&*self.cipher, &object.id, &key)?;
        let plan = Plan::new(&object, range.clone(), frames.overhead())?;
        if object.segments.is_empty() {
            let tail = tail_range(&range)?;
            let plaintext = reader::open_tail(&frames, &object, tail)?;
            return Ok(Box::pin(stream::iter(
                (!plaintext.is_empty()).then_some(Ok(plaintext)),
            )));
        }
        let reading = self.reads.begin(&object.id);
        let storage = (Arc::clone(&self.segments), Arc::clone(&self.pool));
        FrameReader::new(storage, frames, object, plan, reading)
            .into_stream()
            .await
    }

    async fn remove(
        &self,
        object: &ObjectId,
        numbers: RangeInclusive<u64>,
    ) -> Result<Removal, BlobError> {
        if self.reads.contains(object) {
            return Ok(Removal::InUse);
        }
        let object = object.clone();
        self.blocking(move |segments| segments.remove(&object, numbers))
            .await?;
        Ok(Removal::Done)
    }

    async fn list(
        &self,
        after: Option<&ObjectId>,
        limit: usize,
    ) -> Result<Vec<FoundSegment>, BlobError> {
        let after = after.cloned();
        self.blocking(move |segments| segments.list(after.as_ref(), limit))
            .await
    }

    async fn quarantine(
        &self,
        object: &ObjectId,
        numbers: RangeInclusive<u64>,
    ) -> Result<bool, BlobError> {
        let object = object.clone();
        self.blocking(move |segments| segments.quarantine(&object, numbers))
            .await
    }

    async fn probe(&self) -> Result<(), BlobError> {
        self.blocking(SegmentStore::probe).await
    }
}

/// A range within an object that is all tail.
fn tail_range(range: &Range<u64>) -> Result<Range<usize>, BlobError> {
    let bound = |at: u64| usize::try_from(at).map_err(|_| BlobError::Corrupt);
    Ok(bound(range.start)?..bound(range.end)?)
}
