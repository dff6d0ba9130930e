//! Gives out ranges of objects: each frame is verified before a byte of it leaves.
//!
//! What lies in the page cache is read and opened at once, in batches of 256 KiB; what does not is
//! fetched on a thread that may block, and from then on one batch ahead of the consumer, until a batch is
//! met that was in the cache (performance §4, technique 7).

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use ecru_ports::blobs::{BlobError, BlobStream, FRAME, StoredObject};
use futures_util::stream;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::buffers::{Buffer, Pool};
use crate::failure;
use crate::frames::{Frames, Place};
use crate::open_reads::Reading;
use crate::plan::{Plan, Run, Step};
use crate::segments::{SegmentName, SegmentSource, SegmentStore};

/// A segment opened for reading.
struct Opened<T> {
    number: u64,
    source: T,
}

/// A run of frames, verified.
struct Fetched<T> {
    opened: Arc<Opened<T>>,
    pieces: VecDeque<Bytes>,
    was_resident: bool,
}

/// What is needed to fetch a run on any thread.
struct Fetcher<S> {
    store: Arc<S>,
    pool: Arc<Pool>,
    frames: Arc<Frames>,
}

/// The state of one read.
pub(crate) struct FrameReader<S: SegmentStore> {
    fetcher: Arc<Fetcher<S>>,
    object: Arc<StoredObject>,
    plan: Plan,
    opened: Option<Arc<Opened<S::Source>>>,
    ready: VecDeque<Bytes>,
    ahead: Option<JoinHandle<Result<Fetched<S::Source>, BlobError>>>,
    /// A step that was looked at and left for later.
    postponed: Option<Step>,
    _reading: Reading,
}

impl<S: SegmentStore> FrameReader<S> {
    pub(crate) fn new(
        (store, pool): (Arc<S>, Arc<Pool>),
        frames: Frames,
        object: Arc<StoredObject>,
        plan: Plan,
        reading: Reading,
    ) -> Self {
        let fetcher = Arc::new(Fetcher {
            store,
            pool,
            frames: Arc::new(frames),
        });
        let ready = VecDeque::new();
        Self {
            fetcher,
            object,
            plan,
            opened: None,
            ready,
            ahead: None,
            postponed: None,
            _reading: reading,
        }
    }

    /// Fetches the first bytes, so that what is missing or corrupt at once is an error and not a stream.
    pub(crate) async fn into_stream(mut self) -> Result<BlobStream, BlobError> {
        self.advance().await?;
        Ok(Box::pin(stream::try_unfold(self, async |mut reader| {
            let piece = reader.next().await?;
            Ok(piece.map(|piece| (piece, reader)))
        })))
    }

    async fn next(&mut self) -> Result<Option<Bytes>, BlobError> {
        while self.ready.is_empty() {
            if !self.advance().await? {
                return Ok(None);
            }
        }
        Ok(self.ready.pop_front())
    }

    /// Makes the next bytes ready; `false` at the end of the range.
    async fn advance(&mut self) -> Result<bool, BlobError> {
        if let Some(mut job) = self.ahead.take() {
            return self.await_job(&mut job).await;
        }
        match self.postponed.take().or_else(|| self.plan.step()) {
            None => Ok(false),
            Some(Step::Tail(wanted)) => {
                self.ready
                    .push_back(open_tail(&self.fetcher.frames, &self.object, wanted)?);
                Ok(true)
            }
            Some(Step::Frames(run)) => match self.fetch_resident(&run)? {
                Some(pieces) => {
                    self.ready = pieces;
                    Ok(true)
                }
                None => self.await_job(&mut self.begin_job(run)).await,
            },
        }
    }

    /// Reads at once what needs no waiting, from a segment that is open.
    fn fetch_resident(&self, run: &Run) -> Result<Option<VecDeque<Bytes>>, BlobError> {
        let Some(opened) = self
            .opened
            .as_ref()
            .filter(|opened| opened.number == run.segment.number)
        else {
            return Ok(None);
        };
        let fetcher = &self.fetcher;
        let (offset, length) = fetcher.extent(run);
        let mut buffer = fetcher.pool.take();
        let resident = opened
            .source
            .read_resident(offset, buffer.first_mut(length));
        if resident.map_err(failure::of_read)? {
            return fetcher.open_frames(run, buffer).map(Some);
        }
        Ok(None)
    }

    fn begin_job(&self, run: Run) -> JoinHandle<Result<Fetched<S::Source>, BlobError>> {
        let opened = self
            .opened
            .clone()
            .filter(|opened| opened.number == run.segment.number);
        let fetcher = Arc::clone(&self.fetcher);
        spawn_blocking(move || fetcher.fetch(&run, opened))
    }

    async fn await_job(
        &mut self,
        job: &mut JoinHandle<Result<Fetched<S::Source>, BlobError>>,
    ) -> Result<bool, BlobError> {
        let fetched = failure::joined(job).await?;
        self.opened = Some(fetched.opened);
        self.ready = fetched.pieces;
        if !fetched.was_resident {
            self.postponed = self.plan.step();
            if let Some(Step::Frames(run)) = self
                .postponed
                .take_if(|step| matches!(step, Step::Frames(_)))
            {
                self.ahead = Some(self.begin_job(run));
            }
        }
        Ok(true)
    }
}

impl<S: SegmentStore> Fetcher<S> {
    /// Where a run is stored: offset and length in bytes.
    fn extent(&self, run: &Run) -> (u64, usize) {
        let stored = self.frames.stored();
        (run.within * stored as u64, run.count * stored)
    }

    /// Opens the segment if need be, reads a run and verifies it. Blocks.
    fn fetch(
        &self,
        run: &Run,
        opened: Option<Arc<Opened<S::Source>>>,
    ) -> Result<Fetched<S::Source>, BlobError> {
        let opened = match opened {
            Some(opened) => opened,
            None => Arc::new(self.open_segment(run)?),
        };
        let (offset, length) = self.extent(run);
        let mut buffer = self.pool.take();
        let target = buffer.first_mut(length);
        let was_resident = opened
            .source
            .read_resident(offset, target)
            .map_err(failure::of_read)?;
        if !was_resident {
            opened
                .source
                .read_at(offset, target)
                .map_err(failure::of_read)?;
        }
        let pieces = self.open_frames(run, buffer)?;
        Ok(Fetched {
            opened,
            pieces,
            was_resident,
        })
    }

    /// Opens a segment, whose length must be exactly that of its frames.
    fn open_segment(&self, run: &Run) -> Result<Opened<S::Source>, BlobError> {
        let number = run.segment.number;
        let name = SegmentName {
            object: self.frames.object().clone(),
            number,
        };
        let source = self.store.open(&name).map_err(failure::of_read)?;
        if Some(source.length()) != run.segment.frames.checked_mul(self.frames.stored() as u64) {
            return Err(BlobError::Corrupt);
        }
        Ok(Opened { number, source })
    }

    /// Verifies all frames of a run, then gives out what is wanted of them without copying.
    fn open_frames(&self, run: &Run, mut buffer: Buffer) -> Result<VecDeque<Bytes>, BlobError> {
        let stored = self.frames.stored();
        let slots = buffer
            .first_mut(run.count * stored)
            .chunks_exact_mut(stored);
        for (slot, index) in slots.zip(run.index..) {
            let place = Place::Whole {
                segment: run.segment.number,
                index,
            };
            self.frames.open(&place, slot)?;
        }
        let bytes = Bytes::from_owner(buffer);
        let pieces = (0..run.count).map(|slot| {
            let begins = slot * FRAME;
            let from = run.wanted.start.clamp(begins, begins + FRAME) - begins;
            let to = run.wanted.end.clamp(begins, begins + FRAME) - begins;
            let base = slot * stored + self.frames.lead();
            bytes.slice(base + from..base + to)
        });
        Ok(pieces.collect())
    }
}

/// Verifies the final frame and returns the wanted part of it.
pub(crate) fn open_tail(
    frames: &Frames,
    object: &StoredObject,
    wanted: std::ops::Range<usize>,
) -> Result<Bytes, BlobError> {
    let index = object.segments.iter().map(|segment| segment.frames).sum();
    let mut slot = object.tail.clone();
    let extent = frames.open(
        &Place::Final {
            index,
            size: object.size,
        },
        &mut slot,
    )?;
    let plaintext = Bytes::from(slot).slice(extent);
    if wanted.end > plaintext.len() {
        return Err(BlobError::Corrupt);
    }
    Ok(plaintext.slice(wanted))
}
