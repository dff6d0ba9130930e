//! Which objects are being read now, so that nobody's bytes vanish in the middle of a pull.
//!
//! It knows the reads of this process. Rows that other nodes can see decide about theirs.

#[cfg(test)]
#[cfg(feature = "models")]
mod model_tests;

use std::collections::HashMap;
use std::sync::Arc;

use ecru_ports::blobs::ObjectId;
#[cfg(feature = "models")]
use ecru_ports::modelled::Mutex;
#[cfg(not(feature = "models"))]
use parking_lot::Mutex;

/// Counts reads by object.
#[derive(Default)]
pub(crate) struct OpenReads {
    counts: Mutex<HashMap<ObjectId, usize>>,
}

impl OpenReads {
    /// Registers a read until the guard is dropped.
    pub(crate) fn begin(self: &Arc<Self>, object: &ObjectId) -> Reading {
        *self.counts.lock().entry(object.clone()).or_default() += 1;
        Reading {
            object: object.clone(),
            reads: Arc::clone(self),
        }
    }

    /// Whether anybody reads the object.
    pub(crate) fn contains(&self, object: &ObjectId) -> bool {
        self.counts.lock().contains_key(object)
    }
}

/// A read in progress.
pub(crate) struct Reading {
    object: ObjectId,
    reads: Arc<OpenReads>,
}

impl Drop for Reading {
    fn drop(&mut self) {
        let mut counts = self.reads.counts.lock();
        if let Some(count) = counts.get_mut(&self.object) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.object);
            }
        }
    }
}
