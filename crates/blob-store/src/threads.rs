//! Threads that hash, seal and write while others answer.
//!
//! They have a pool of their own, since a thread's priority cannot be raised again: where the processors do not suffice
//! for both, those who answer go first, and pushes take what is left.

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use crate::kernel;

/// Jobs at once; more wait. A job may wait for the disk, so there are more than processors.
const MOST: usize = 64;

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
