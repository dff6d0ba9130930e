//! Buffers for four frames that are used again: fresh memory costs page faults, more than the cipher does.

#[cfg(test)]
#[cfg(feature = "models")]
mod model_tests;

use std::sync::Arc;
#[cfg(not(feature = "models"))]
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use bytes::{Buf as _, Bytes};
use ecru_ports::blobs::FRAME;
#[cfg(feature = "models")]
use ecru_ports::modelled::{Mutex, atomic::AtomicUsize};
#[cfg(not(feature = "models"))]
use parking_lot::Mutex;

use crate::frames::{Frames, LAYER, MAX_LAYERS};

/// Frames handled at once.
pub(crate) const BATCH: usize = 4;

/// Bytes of a buffer: a batch of frames at their largest.
const LENGTH: usize = BATCH * (FRAME + MAX_LAYERS * LAYER);

/// How many unused buffers are kept (8 MiB).
const KEPT: usize = 32;

/// While fewer are in use, a writer may take more than it needs (8 MiB).
const PLENTY: usize = 32;

/// Buffers waiting to be used again.
#[derive(Default)]
pub(crate) struct Pool {
    unused: Mutex<Vec<Vec<u8>>>,
    in_use: AtomicUsize,
}

impl Pool {
    /// A buffer; what it holds is left over from earlier use.
    pub(crate) fn take(self: &Arc<Self>) -> Buffer {
        self.in_use.fetch_add(1, Ordering::Relaxed);
        let unused = self.unused.lock().pop();
        Buffer {
            bytes: unused.unwrap_or_else(|| vec![0; LENGTH]),
            pool: Arc::clone(self),
        }
    }

    /// A buffer that its taker could do without, while few are in use.
    pub(crate) fn take_if_plenty(self: &Arc<Self>) -> Option<Buffer> {
        (self.in_use.load(Ordering::Relaxed) < PLENTY).then(|| self.take())
    }
}

/// A buffer that returns to its pool when dropped.
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    pool: Arc<Pool>,
}

impl Buffer {
    /// The first `length` bytes, to be written.
    pub(crate) fn first_mut(&mut self, length: usize) -> &mut [u8] {
        &mut self.bytes[..length]
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.pool.in_use.fetch_sub(1, Ordering::Relaxed);
        let mut unused = self.pool.unused.lock();
        if unused.len() < KEPT {
            unused.push(std::mem::take(&mut self.bytes));
        }
    }
}

/// A buffer being filled with plaintext, which is laid out where it will be sealed in place.
pub(crate) struct Filling {
    buffer: Buffer,
    stored: usize,
    lead: usize,
    plain: usize,
}

impl Filling {
    pub(crate) fn new(buffer: Buffer, frames: &Frames) -> Self {
        Self {
            buffer,
            stored: frames.stored(),
            lead: frames.lead(),
            plain: 0,
        }
    }

    /// The same layout in another buffer.
    pub(crate) fn renewed(&self, buffer: Buffer) -> Self {
        Self {
            buffer,
            plain: 0,
            ..*self
        }
    }

    /// Bytes of plaintext held.
    pub(crate) fn plain(&self) -> usize {
        self.plain
    }

    /// Whether no more fits.
    pub(crate) fn is_full(&self) -> bool {
        self.plain == BATCH * FRAME
    }

    /// Takes as many of `bytes` as fit.
    pub(crate) fn take(&mut self, bytes: &mut Bytes) {
        while !self.is_full() && !bytes.is_empty() {
            let (slot, within) = (self.plain / FRAME, self.plain % FRAME);
            let start = slot * self.stored + self.lead + within;
            let length = bytes.len().min(FRAME - within);
            self.buffer.bytes[start..start + length].copy_from_slice(&bytes[..length]);
            bytes.advance(length);
            self.plain += length;
        }
    }

    /// How many frames are whole and surely not the last of the object, if no more bytes come.
    pub(crate) fn settled_frames(&self) -> usize {
        self.plain.saturating_sub(1) / FRAME
    }

    /// The plaintext in a slot.
    pub(crate) fn plaintext(&self, slot: usize) -> &[u8] {
        let start = slot * self.stored + self.lead;
        &self.buffer.bytes[start..start + (self.plain - slot * FRAME).min(FRAME)]
    }

    /// A slot with its room for nonces and tags.
    pub(crate) fn slot_mut(&mut self, slot: usize) -> &mut [u8] {
        &mut self.buffer.bytes[slot * self.stored..(slot + 1) * self.stored]
    }

    /// The first `count` slots, once sealed.
    pub(crate) fn sealed(&self, count: usize) -> &[u8] {
        &self.buffer.bytes[..count * self.stored]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_needed_is_given_only_while_few_are_in_use() {
        let pool = Arc::new(Pool::default());
        let mut needed: Vec<Buffer> = (1..PLENTY).map(|_| pool.take()).collect();
        let spare = pool.take_if_plenty();
        assert!(spare.is_some() && pool.take_if_plenty().is_none());
        needed.push(pool.take());
        drop(spare);
        assert!(pool.take_if_plenty().is_none());
        needed.pop();
        assert!(pool.take_if_plenty().is_some());
    }

    #[test]
    fn buffers_are_used_again_and_only_so_many_kept() {
        let pool = Arc::new(Pool::default());
        let address = pool.take().as_ref().as_ptr();
        assert_eq!(pool.take().as_ref().as_ptr(), address);
        drop((0..2 * KEPT).map(|_| pool.take()).collect::<Vec<_>>());
        assert_eq!(pool.unused.lock().len(), KEPT);
    }
}
