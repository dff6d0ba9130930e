//! What stands in for threads, locks and counters in the models of code that has its own synchronization: those of a
//! scheduler that tries out interleavings, and repeats the one that failed.
//!
//! A room puts them in place of the real ones under its feature `models`; its tests called `model_tests` then run
//! under [`check`]. Outside of it they do not work.

use std::sync::PoisonError;

pub use shuttle::future::block_on;
pub use shuttle::sync::MutexGuard;
pub use shuttle::sync::atomic;
pub use shuttle::{rand, thread};

/// Interleavings tried for each model.
const TRIES: usize = 20_000;
/// Changes of thread that one interleaving forces at most, where it tries few: most faults need two or three.
const DEPTH: usize = 3;

/// Runs a model under many interleavings: half of them chosen by chance, half with few forced changes of thread.
pub fn check(model: impl Fn() + Send + Sync + Clone + 'static) {
    shuttle::check_random(model.clone(), TRIES / 2);
    shuttle::check_pct(model, TRIES / 2, DEPTH);
}

/// A lock that is used like that of `parking_lot`.
#[derive(Debug, Default)]
pub struct Mutex<T>(shuttle::sync::Mutex<T>);

impl<T> Mutex<T> {
    /// Holds this.
    pub fn new(held: T) -> Self {
        Self(shuttle::sync::Mutex::new(held))
    }

    /// Waits for the lock.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
