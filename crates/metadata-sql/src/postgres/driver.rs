//! Who drives the connection that a thread waits for.
//!
//! A batch waits for the server once for each of its members. Where a thread drives its connection itself, nobody
//! else is woken to read what came: waking and falling asleep were half of the processor time of a push.

use std::sync::Arc;

use tokio::runtime::{Handle, Runtime};

/// Drives connections and waits.
#[derive(Clone)]
pub(super) enum Driver {
    /// The threads of that runtime; the waiting thread must not be one of them.
    Others(Handle),
    /// The waiting thread itself. Connections must have been made within this runtime.
    Own(Arc<Runtime>),
}

impl Driver {
    /// Waits on this thread.
    pub(super) fn wait<T>(&self, answer: impl Future<Output = T>) -> T {
        match self {
            Self::Others(runtime) => runtime.block_on(answer),
            Self::Own(runtime) => runtime.block_on(answer),
        }
    }

    /// Leaves a task to whoever drives.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        match self {
            Self::Others(runtime) => drop(runtime.spawn(task)),
            Self::Own(runtime) => drop(runtime.spawn(task)),
        }
    }
}
