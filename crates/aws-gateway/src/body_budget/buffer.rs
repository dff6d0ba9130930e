//! The memory of one body, and its share of the budget.

use std::sync::Arc;
use std::time::Duration;

use bytes::Buf;
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::{BodyError, BufferedBody, Lane};
use crate::sigv4::PayloadHash;

const FIRST_STEP: usize = 16 * 1_024;

/// A share of the budget, given back when dropped.
pub(super) struct Reservation {
    permits: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

impl Reservation {
    fn none(permits: Arc<Semaphore>) -> Self {
        Self {
            permits,
            held: None,
            bytes: 0,
        }
    }

    /// Grows to so many bytes, rounded up to whole KiB.
    async fn grow_to(&mut self, bytes: usize, wait: Duration) -> Result<(), BodyError> {
        let more = bytes.div_ceil(1_024).saturating_sub(self.bytes / 1_024);
        let units = u32::try_from(more).map_err(|_| BodyError::Busy)?;
        if units == 0 {
            return Ok(());
        }
        // A wait has an end, so that bodies which grow at the same time cannot wait for each other for ever.
        let acquired = timeout(wait, Arc::clone(&self.permits).acquire_many_owned(units)).await;
        let Ok(Ok(permit)) = acquired else {
            return Err(BodyError::Busy);
        };
        match &mut self.held {
            Some(held) => held.merge(permit),
            None => self.held = Some(permit),
        }
        self.bytes += more * 1_024;
        Ok(())
    }

    /// Gives back what is more than so many bytes, rounded up to whole KiB.
    pub(super) fn shrink_to(&mut self, bytes: usize) {
        let kept = bytes.div_ceil(1_024);
        let spare = (self.bytes / 1_024).saturating_sub(kept);
        if let Some(held) = &mut self.held {
            self.bytes -= held.split(spare).map_or(0, |_given_back| spare * 1_024);
        }
    }
}

/// A body in the making.
pub(super) struct Buffer {
    bytes: Vec<u8>,
    hash: Sha256,
    limit: usize,
    reservation: Reservation,
}

impl Buffer {
    /// Reserves what was announced, or a first step.
    pub(super) async fn reserve(
        lane: &Lane,
        announced: Option<usize>,
        limit: usize,
        wait: Duration,
    ) -> Result<Self, BodyError> {
        let mut reservation = Reservation::none(Arc::clone(&lane.permits));
        let first = announced.unwrap_or(FIRST_STEP.min(limit));
        reservation.grow_to(first, wait).await?;
        Ok(Self {
            bytes: Vec::with_capacity(first),
            hash: Sha256::new(),
            limit: announced.unwrap_or(limit),
            reservation,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds one piece, growing the reservation before the memory.
    pub(super) async fn push(
        &mut self,
        mut data: impl Buf,
        wait: Duration,
    ) -> Result<(), BodyError> {
        let needed = self.bytes.len().saturating_add(data.remaining());
        if needed > self.limit {
            return Err(BodyError::TooLarge { limit: self.limit });
        }
        if needed > self.bytes.capacity() {
            let target = needed
                .max(self.bytes.capacity().saturating_mul(2))
                .min(self.limit);
            self.reservation.grow_to(target, wait).await?;
            self.bytes.reserve_exact(target - self.bytes.len());
        }
        while data.has_remaining() {
            let chunk = data.chunk();
            let length = chunk.len();
            self.hash.update(chunk);
            self.bytes.extend_from_slice(chunk);
            data.advance(length);
        }
        Ok(())
    }

    /// Checks the announced length and closes the hash.
    pub(super) fn finish(self, announced: Option<usize>) -> Result<BufferedBody, BodyError> {
        if announced.is_some_and(|length| length > self.bytes.len()) {
            return Err(BodyError::Truncated);
        }
        Ok(BufferedBody {
            bytes: self.bytes,
            hash: PayloadHash::from_bytes(self.hash.finalize().into()),
            reservation: self.reservation,
        })
    }
}
