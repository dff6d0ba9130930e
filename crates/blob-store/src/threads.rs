//! Threads that hash, seal and write while others answer.
//!
//! They have a pool of their own, since a thread's priority cannot be raised again: where the processors do not suffice
//! for both, those who answer go first, and pushes take what is left.

use std::cell::Cell;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use crate::kernel;

/// Jobs at once; more wait. A job may wait for the disk, so there are more than processors; each has a buffer.
const MOST: usize = 32;

thread_local! {
    /// What this thread seals into, so that it is in its processor's cache and nobody else's.
    static SEALED: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Runs `work` with `length` bytes of this thread's own; what they hold is left over from earlier use.
pub(crate) fn with_own_buffer<T>(length: usize, work: impl FnOnce(&mut [u8]) -> T) -> T {
    let mut buffer = SEALED.take();
    if buffer.len() < length {
        buffer = vec![0; length];
    }
    let outcome = work(&mut buffer[..length]);
    SEALED.set(buffer);
    outcome
}

/// A pool of threads of lower priority. They end when it is dropped and their jobs are done.
pub(crate) struct SealingThreads(Option<Runtime>);

impl SealingThreads {
    /// None is started before there is something to do.
    pub(crate) fn new() -> Self {
        let threads = Builder::new_current_thread()
            .max_blocking_threads(MOST)
            .thread_name("seal")
            .on_thread_start(kernel::yield_to_others)
            .build();
        Self(threads.ok())
    }

    /// Runs a job that may block; on a thread like others if there could be no pool.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        match &self.0 {
            Some(threads) => threads.spawn_blocking(job),
            None => tokio::task::spawn_blocking(job),
        }
    }
}

impl Drop for SealingThreads {
    /// Without waiting: it may be dropped where nothing may block.
    fn drop(&mut self) {
        if let Some(threads) = self.0.take() {
            threads.shutdown_background();
        }
    }
}
