//! What is written to a file that was removed or replaced is gone with the process: after each commit, before any of
//! its writes is answered, one of them looks whether the file is where it was opened. That costs one `stat` for each
//! sync of the disk.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ecru_ports::metadata::StoreError;

use super::OpenedFile;

/// What is known of the file.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The commit after which the file was last seen in its place.
    seen: AtomicU64,
    /// Whether it was not when last looked for.
    is_lost: AtomicBool,
}

impl Watch {
    /// Refuses a write to a file that was not in its place when last looked for, unless it is back.
    pub(super) fn before_write(&self, file: &OpenedFile) -> Result<(), StoreError> {
        if self.is_lost.load(Ordering::Relaxed) {
            self.look(file)
        } else {
            Ok(())
        }
    }

    /// Looks for the file, unless that was done since the commit of that number.
    pub(super) fn after_commit(&self, file: &OpenedFile, commit: u64) -> Result<(), StoreError> {
        if self.seen.load(Ordering::Relaxed) >= commit {
            return Ok(());
        }
        self.look(file)?;
        self.seen.fetch_max(commit, Ordering::Relaxed);
        Ok(())
    }

    fn look(&self, file: &OpenedFile) -> Result<(), StoreError> {
        let found = file.check();
        let was_lost = self.is_lost.swap(found.is_err(), Ordering::Relaxed);
        match &found {
            Err(error) if !was_lost => {
                tracing::error!(%error, "the metadata file is not where it was opened: writes are refused");
            }
            Ok(()) if was_lost => tracing::info!("the metadata file is back in its place"),
            Ok(()) | Err(_) => {}
        }
        found
    }
}
