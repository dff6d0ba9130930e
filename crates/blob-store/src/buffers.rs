//! Memory for batches of frames: buffers that are used again, since fresh memory costs page faults, more than the
//! cipher does; and how much of it is in use.

#[cfg(test)]
#[cfg(feature = "models")]
mod model_tests;

use std::sync::Arc;
#[cfg(not(feature = "models"))]
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use ecru_ports::blobs::FRAME;
#[cfg(feature = "models")]
use ecru_ports::modelled::{Mutex, atomic::AtomicUsize};
#[cfg(not(feature = "models"))]
use parking_lot::Mutex;

use crate::frames::{LAYER, MAX_LAYERS};

/// Frames handled at once.
pub(crate) const BATCH: usize = 4;

/// Bytes of a buffer: a batch of frames at their largest.
const LENGTH: usize = BATCH * (FRAME + MAX_LAYERS * LAYER);

/// How many unused buffers are kept (8 MiB).
const KEPT: usize = 32;

/// While fewer are in use, a writer may take more than it needs (16 MiB), and keep bytes as they came, with what lies
/// around them: up to four times as much, if a client sends such that buffers of 512 KiB come half full.
const PLENTY: usize = 64;

/// Buffers waiting to be used again.
#[derive(Default)]
pub(crate) struct Pool {
    unused: Mutex<Vec<Vec<u8>>>,
    in_use: AtomicUsize,
}

impl Pool {
    /// A buffer; what it holds is left over from earlier use.
    pub(crate) fn take(self: &Arc<Self>) -> Buffer {
        let held = self.hold();
        let unused = self.unused.lock().pop();
        Buffer {
            bytes: unused.unwrap_or_else(|| vec![0; LENGTH]),
            held,
        }
    }

    /// Counts a batch whose memory is its holder's own.
    pub(crate) fn hold(self: &Arc<Self>) -> Held {
        self.in_use.fetch_add(1, Ordering::Relaxed);
        Held(Arc::clone(self))
    }

    /// The same for who could do without, while few are in use.
    pub(crate) fn hold_if_plenty(self: &Arc<Self>) -> Option<Held> {
        self.is_plenty().then(|| self.hold())
    }

    fn is_plenty(&self) -> bool {
        self.in_use.load(Ordering::Relaxed) < PLENTY
    }
}

/// A batch's memory, in use until dropped.
pub(crate) struct Held(Arc<Pool>);

impl Held {
    /// A buffer for the batch, counted besides.
    pub(crate) fn buffer(&self) -> Buffer {
        self.0.take()
    }

    /// Whether there is memory for more than the batch itself.
    pub(crate) fn is_plenty(&self) -> bool {
        self.0.is_plenty()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.in_use.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A buffer that returns to its pool when dropped.
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    held: Held,
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
        let mut unused = self.held.0.unused.lock();
        if unused.len() < KEPT {
            unused.push(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_needed_is_given_only_while_few_are_in_use() {
        let pool = Arc::new(Pool::default());
        let mut needed: Vec<Buffer> = (2..PLENTY).map(|_| pool.take()).collect();
        let own = pool.hold();
        assert!(own.is_plenty());
        let spare = pool.hold_if_plenty();
        assert!(spare.is_some() && pool.hold_if_plenty().is_none());
        needed.push(pool.take());
        drop(spare);
        assert!(pool.hold_if_plenty().is_none() && !own.is_plenty());
        needed.pop();
        assert!(pool.hold_if_plenty().is_some());
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
