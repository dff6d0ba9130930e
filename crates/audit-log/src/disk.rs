//! The few calls that the writer makes of a file system, so that tests can let them fail.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::directory::{self, FILE_MODE};

/// Where files are made.
pub(crate) trait Disk: Send {
    /// Makes a file that is not there yet.
    fn create(&mut self, path: &Path) -> io::Result<Box<dyn Segment>>;
    /// Makes the names in a directory durable.
    fn sync_directory(&mut self, directory: &Path) -> io::Result<()>;
}

/// A file that is being written.
pub(crate) trait Segment: Send {
    /// Writes at the end.
    fn append(&mut self, text: &[u8]) -> io::Result<()>;
    /// Makes all of it durable.
    fn sync(&mut self) -> io::Result<()>;
    /// Takes away what follows the first `bytes` bytes.
    fn cut(&mut self, bytes: u64) -> io::Result<()>;
}

/// The system's files.
pub(crate) struct SystemDisk;

impl Disk for SystemDisk {
    fn create(&mut self, path: &Path) -> io::Result<Box<dyn Segment>> {
        let mut options = OpenOptions::new();
        options.create_new(true).write(true).mode(FILE_MODE);
        Ok(Box::new(options.open(path)?))
    }

    fn sync_directory(&mut self, directory: &Path) -> io::Result<()> {
        directory::sync(directory)
    }
}

impl Segment for File {
    fn append(&mut self, text: &[u8]) -> io::Result<()> {
        self.write_all(text)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)?;
        self.seek(SeekFrom::Start(bytes)).map(drop)
    }
}
