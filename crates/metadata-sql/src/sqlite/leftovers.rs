//! What a process that was killed left in the write-ahead log.
//!
//! SQLite takes every whole transaction that it finds there for durable. It may only have been in memory yet; and where
//! a sync had failed, the system has forgotten that it is, and no later sync writes it. What is built on such a
//! transaction would be lost with it. So before anything is read, every byte of the log is written again, and synced.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

const STEP: usize = 1024 * 1024;

/// Makes a log durable as it is found, if there is one. No other process has it open.
pub(super) fn make_durable(log: &Path) -> io::Result<()> {
    let file = match OpenOptions::new().read(true).write(true).open(log) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let mut bytes = vec![0; STEP];
    let mut offset = 0;
    loop {
        let count = file.read_at(&mut bytes, offset)?;
        let Some(found) = bytes.get(..count).filter(|found| !found.is_empty()) else {
            break;
        };
        file.write_all_at(found, offset)?;
        offset += count as u64;
    }
    file.sync_all()?;
    sync_directory_of(log)
}

/// Makes the name of a file durable.
pub(super) fn sync_directory_of(file: &Path) -> io::Result<()> {
    let directory = file.parent().filter(|path| !path.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_stays_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        make_durable(&log).unwrap();
        assert!(!log.try_exists().unwrap(), "none is made");
        let bytes: Vec<u8> = (0..=250).cycle().take(STEP * 2 + 77).collect();
        std::fs::write(&log, &bytes).unwrap();
        make_durable(&log).unwrap();
        assert!(std::fs::read(&log).unwrap() == bytes);
    }

    #[test]
    fn a_log_that_cannot_be_synced_is_an_error() {
        // a device cannot be synced, and says so
        assert!(make_durable(Path::new("/dev/null")).is_err());
        assert!(sync_directory_of(Path::new("/proc/version")).is_err());
    }
}
