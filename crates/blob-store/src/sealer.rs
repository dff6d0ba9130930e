//! The pass over the bytes of an upload: hash a frame, seal it, store it, while it is in the processor's
//! cache (performance §4, techniques 1, 4 and 5).
//!
//! Calls that store block and are made on threads that may; the others never touch storage.

use std::sync::Arc;

use ecru_ports::blobs::{BlobError, Segment, StoredObject, WriteProgress, WrittenDigests};

use crate::digests::Hashes;
use crate::failure;
use crate::filling::Batch;
use crate::frames::{Frames, Place};
use crate::nonces::Nonces;
use crate::progress;
use crate::segments::{SegmentName, SegmentSink, SegmentStore};
use crate::threads;

/// What one writer carries from batch to batch.
pub(crate) struct Sealer<S: SegmentStore> {
    store: Arc<S>,
    frames: Frames,
    nonces: Nonces,
    hashes: Hashes,
    /// Those of earlier requests, then the one being written.
    segments: Vec<Segment>,
    sink: Option<S::Sink>,
    /// Index of the next frame of the object.
    next: u64,
}

impl<S: SegmentStore> Sealer<S> {
    pub(crate) fn new(
        store: Arc<S>,
        frames: Frames,
        hashes: Hashes,
        segments: Vec<Segment>,
    ) -> Self {
        let next = segments.iter().map(|segment| segment.frames).sum();
        Self {
            store,
            frames,
            nonces: Nonces::new(),
            hashes,
            segments,
            sink: None,
            next,
        }
    }

    /// Whether a segment is being written, which must be made durable.
    pub(crate) fn has_segment(&self) -> bool {
        self.sink.is_some()
    }

    /// Takes the first `count` frames out of a batch; hashes, seals and stores them, in segment `number`.
    pub(crate) fn store_whole(
        &mut self,
        batch: &mut Batch,
        count: usize,
        number: Option<u64>,
    ) -> Result<(), BlobError> {
        if count == 0 {
            return Ok(());
        }
        let segment = self.ensure_segment(number)?;
        let stored = self.frames.stored();
        threads::with_own_buffer(count * stored, |sealed| {
            for slot in sealed.chunks_exact_mut(stored) {
                self.seal_next(batch, segment, slot)?;
            }
            self.sink.as_mut().map_or(Ok(()), |sink| {
                sink.append(sealed).map_err(failure::of_write)
            })
        })?;
        if let Some(last) = self.segments.last_mut() {
            last.frames += count as u64;
        }
        Ok(())
    }

    /// Hashes the next frame of a batch and seals it into a slot.
    fn seal_next(
        &mut self,
        batch: &mut Batch,
        segment: u64,
        slot: &mut [u8],
    ) -> Result<(), BlobError> {
        let frame = batch.next_frame();
        for piece in &frame {
            self.hashes.update(piece);
        }
        let place = Place::Whole {
            segment,
            index: self.next,
        };
        self.frames.seal(&mut self.nonces, &place, &frame, slot)?;
        self.next += 1;
        Ok(())
    }

    /// Creates the segment when its first frame comes, and returns its number.
    fn ensure_segment(&mut self, number: Option<u64>) -> Result<u64, BlobError> {
        let number = number.ok_or_else(|| failure::of_caller("no segment was begun"))?;
        if self.sink.is_none() {
            let last = self.segments.last().map_or(0, |segment| segment.number);
            if number <= last {
                return Err(failure::of_caller("segment numbers must ascend"));
            }
            let name = SegmentName {
                object: self.frames.object().clone(),
                number,
            };
            self.sink = Some(self.store.create(&name).map_err(failure::of_write)?);
            self.segments.push(Segment { number, frames: 0 });
        }
        Ok(number)
    }

    /// Makes the segment durable, if one was written.
    fn end_segment(&mut self) -> Result<(), BlobError> {
        self.sink
            .take()
            .map_or(Ok(()), SegmentSink::finish)
            .map_err(failure::of_write)
    }

    /// Stores what is settled of the last batch and seals the rest with the hashes.
    pub(crate) fn suspend(
        mut self,
        mut batch: Batch,
        number: Option<u64>,
    ) -> Result<WriteProgress, BlobError> {
        let settled = batch.settled_frames();
        self.store_whole(&mut batch, settled, number)?;
        let progress = progress::seal(
            &self.frames,
            &mut self.nonces,
            &self.hashes,
            &batch.next_frame(),
            std::mem::take(&mut self.segments),
        )?;
        // a sync may take long: what was received need not lie in memory meanwhile
        drop(batch);
        self.end_segment()?;
        Ok(progress)
    }

    /// Stores what is settled of the last batch and seals the rest as the final frame.
    pub(crate) fn finish(
        mut self,
        mut batch: Batch,
        number: Option<u64>,
    ) -> Result<(StoredObject, WrittenDigests), BlobError> {
        let settled = batch.settled_frames();
        self.store_whole(&mut batch, settled, number)?;
        let last = batch.next_frame();
        drop(batch);
        let mut size = progress::whole_bytes(&self.segments).ok_or(BlobError::Corrupt)?;
        for piece in &last {
            self.hashes.update(piece);
            size += piece.len() as u64;
        }
        let place = Place::Final {
            index: self.next,
            size,
        };
        let tail = self.frames.seal_alone(&mut self.nonces, &place, &last)?;
        drop(last);
        self.end_segment()?;
        let id = self.frames.object().clone();
        Ok((
            StoredObject {
                id,
                size,
                segments: self.segments,
                tail,
            },
            self.hashes.finish(),
        ))
    }
}
