//! A blob store that tests can make fail, stall or show what is not there.

use std::io;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use async_trait::async_trait;
use ecru_ports::blobs::{
    BlobError, BlobStore, BlobStream, DataKey, FoundSegment, ObjectId, ObjectWriter, Removal,
    StoredObject, WriteProgress,
};
use parking_lot::Mutex;

/// What a test asks for. Shared with the store.
#[derive(Default)]
pub(crate) struct Rig {
    stalls: Mutex<bool>,
    phantom: Mutex<Option<FoundSegment>>,
}

impl Rig {
    /// While it stalls, nothing is removed: as if the process had ended just before.
    pub(crate) fn stall(&self, stalls: bool) {
        *self.stalls.lock() = stalls;
    }

    /// The next list begins with this segment: as if it had been removed just after.
    pub(crate) fn show_once(&self, segment: FoundSegment) {
        *self.phantom.lock() = Some(segment);
    }
}

/// The store.
pub(crate) struct Rigged {
    pub(crate) inner: Arc<dyn BlobStore>,
    pub(crate) rig: Arc<Rig>,
}

#[async_trait]
impl BlobStore for Rigged {
    async fn writer(
        &self,
        object: &ObjectId,
        key: &DataKey,
        sha512: bool,
        progress: Option<&WriteProgress>,
    ) -> Result<Box<dyn ObjectWriter>, BlobError> {
        self.inner.writer(object, key, sha512, progress).await
    }

    async fn read(
        &self,
        object: Arc<StoredObject>,
        key: Arc<DataKey>,
        range: Range<u64>,
    ) -> Result<BlobStream, BlobError> {
        self.inner.read(object, key, range).await
    }

    async fn remove(
        &self,
        object: &ObjectId,
        segments: RangeInclusive<u64>,
    ) -> Result<Removal, BlobError> {
        if *self.rig.stalls.lock() {
            return Err(BlobError::Io(io::ErrorKind::Interrupted.into()));
        }
        self.inner.remove(object, segments).await
    }

    async fn list(
        &self,
        after: Option<&ObjectId>,
        limit: usize,
    ) -> Result<Vec<FoundSegment>, BlobError> {
        let phantom = self.rig.phantom.lock().take();
        let found = self.inner.list(after, limit).await?;
        Ok(phantom.into_iter().chain(found).collect())
    }

    async fn quarantine(
        &self,
        object: &ObjectId,
        segments: RangeInclusive<u64>,
    ) -> Result<bool, BlobError> {
        self.inner.quarantine(object, segments).await
    }

    async fn probe(&self) -> Result<(), BlobError> {
        self.inner.probe().await
    }
}
