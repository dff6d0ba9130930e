//! Turns of nodes that write to one database: each transaction takes a lock, beside others or alone.
//!
//! It is the lock of a table which nobody writes to. Unlike a row's, it is waited for before the transaction's snapshot
//! is taken: whoever gets it sees all that those before have done. Who waits to be alone is before all that come later.

/// Beside whom a transaction writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Beside other nodes' transactions.
    Shared,
    /// Alone: after those that run, and before those that come later. It cannot lose against any.
    Alone,
    /// Beside others always: the server knows no such lock.
    Unknown,
}

impl Turn {
    /// The statement that takes it, after BEGIN.
    pub(super) fn lock(self) -> &'static str {
        match self {
            Self::Shared => "LOCK TABLE migration IN ROW SHARE MODE;",
            Self::Alone => "LOCK TABLE migration IN EXCLUSIVE MODE;",
            Self::Unknown => "",
        }
    }
}
