//! Takes the bytes of an upload and hands them on in batches: while some are hashed, sealed and written on
//! a thread that may block, the next ones fill.
//!
//! ```text
//! bytes ──▶ filling (4 frames) ──full, and more comes──▶ queued (≤ 3) ──▶ job: sealer ──▶ segment
//! ```
//!
//! There is at most one job, which takes all that is queued. A batch queues behind a running job only
//! while memory is plenty; otherwise the writer waits, and holds two. Larger jobs change threads less
//! often, which is a tenth of the cost of a push.
//!
//! A batch leaves only when more bytes follow it, so the final frame is empty for an empty object alone,
//! and an object of one frame or less never has a segment: it needs no file and no other thread.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use ecru_ports::blobs::{
    BlobError, FRAME, ObjectWriter, StoredObject, WriteProgress, WrittenDigests,
};
use tokio::task::JoinHandle;

use crate::buffers::Pool;
use crate::failure;
use crate::filling::{Batch, Filling};
use crate::sealer::Sealer;
use crate::segments::SegmentStore;
use crate::threads::SealingThreads;

/// Full batches that may wait behind a job.
const QUEUE: usize = 3;

/// Where the sealer is.
enum Stage<S: SegmentStore> {
    Ready(Box<Sealer<S>>),
    Storing(JoinHandle<Result<Box<Sealer<S>>, BlobError>>),
    /// A batch was lost; nothing more may be promised about this object.
    Failed,
}

/// What all writers share.
pub(crate) struct Room {
    /// Their buffers.
    pub(crate) pool: Arc<Pool>,
    /// Where they seal and write.
    pub(crate) threads: Arc<SealingThreads>,
}

/// Writes one object for one request.
pub(crate) struct FrameWriter<S: SegmentStore> {
    room: Room,
    stage: Stage<S>,
    filling: Filling,
    queued: Vec<Batch>,
    segment: Option<u64>,
    offset: u64,
}

impl<S: SegmentStore> FrameWriter<S> {
    /// A writer that goes on at `offset`, of which the last bytes are `pending`.
    pub(crate) fn new(room: Room, sealer: Sealer<S>, mut pending: Bytes, offset: u64) -> Self {
        let mut filling = Filling::new(room.pool.hold());
        let came = pending.len();
        filling.take(&mut pending, came);
        let stage = Stage::Ready(Box::new(sealer));
        Self {
            room,
            stage,
            filling,
            queued: Vec::new(),
            segment: None,
            offset,
        }
    }

    /// Waits until no batch is being stored, and takes the sealer out.
    async fn settle(&mut self) -> Result<Box<Sealer<S>>, BlobError> {
        if let Stage::Storing(job) = &mut self.stage {
            let outcome = failure::joined(job).await;
            self.stage = Stage::Failed;
            return outcome;
        }
        match std::mem::replace(&mut self.stage, Stage::Failed) {
            Stage::Ready(sealer) => Ok(sealer),
            Stage::Storing(_) | Stage::Failed => Err(BlobError::Io(std::io::Error::other(
                "an earlier write of this object failed",
            ))),
        }
    }

    /// Queues the full batch, or sends it off with those queued, and begins another.
    async fn pass_on(&mut self) -> Result<(), BlobError> {
        if let Some(held) = self
            .room_to_queue()
            .then(|| self.room.pool.hold_if_plenty())
            .flatten()
        {
            let full = std::mem::replace(&mut self.filling, Filling::new(held));
            self.queued.push(full.end());
            return Ok(());
        }
        let mut sealer = self.settle().await?;
        let empty = Filling::new(self.room.pool.hold());
        let mut batches = std::mem::take(&mut self.queued);
        batches.push(std::mem::replace(&mut self.filling, empty).end());
        let segment = self.segment;
        self.stage = Stage::Storing(self.room.threads.run(move || {
            store_all(&mut sealer, batches, segment)?;
            Ok(sealer)
        }));
        Ok(())
    }

    fn room_to_queue(&self) -> bool {
        let storing = matches!(&self.stage, Stage::Storing(job) if !job.is_finished());
        storing && self.queued.len() < QUEUE
    }

    /// Ends the request: on another thread if there is something to store, else at once.
    async fn end<T: Send + 'static>(
        mut self: Box<Self>,
        last_step: fn(Sealer<S>, Batch, Option<u64>) -> Result<T, BlobError>,
    ) -> Result<T, BlobError> {
        let mut sealer = self.settle().await?;
        let (batch, queued, segment) = (self.filling.end(), self.queued, self.segment);
        if batch.settled_frames() == 0 && queued.is_empty() && !sealer.has_segment() {
            return last_step(*sealer, batch, segment);
        }
        let mut job = self.room.threads.run(move || {
            store_all(&mut sealer, queued, segment)?;
            last_step(*sealer, batch, segment)
        });
        failure::joined(&mut job).await
    }
}

/// Stores batches that more bytes follow. Blocks.
fn store_all<S: SegmentStore>(
    sealer: &mut Sealer<S>,
    batches: Vec<Batch>,
    segment: Option<u64>,
) -> Result<(), BlobError> {
    for mut batch in batches {
        let count = batch.plain() / FRAME;
        sealer.store_whole(&mut batch, count, segment)?;
    }
    Ok(())
}

#[async_trait]
impl<S: SegmentStore> ObjectWriter for FrameWriter<S> {
    fn offset(&self) -> u64 {
        self.offset
    }

    fn needs_segment(&self, len: usize) -> bool {
        self.segment.is_none() && self.filling.plain().saturating_add(len) > FRAME
    }

    fn begin_segment(&mut self, number: u64) {
        self.segment.get_or_insert(number);
    }

    async fn write(&mut self, mut bytes: Bytes) -> Result<(), BlobError> {
        if self.needs_segment(bytes.len()) {
            return Err(failure::of_caller("no segment was begun"));
        }
        let came = bytes.len();
        while !bytes.is_empty() {
            if self.filling.is_full() {
                self.pass_on().await?;
            }
            let before = bytes.len();
            self.filling.take(&mut bytes, came);
            self.offset += (before - bytes.len()) as u64;
        }
        Ok(())
    }

    async fn abandon(mut self: Box<Self>) {
        // whether the last batch could be stored matters to nobody
        drop(self.settle().await);
    }

    async fn suspend(self: Box<Self>) -> Result<WriteProgress, BlobError> {
        self.end(Sealer::suspend).await
    }

    async fn finish(self: Box<Self>) -> Result<(StoredObject, WrittenDigests), BlobError> {
        self.end(Sealer::finish).await
    }
}
