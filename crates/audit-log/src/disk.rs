//! The few calls that the writer makes of a file system, so that tests can let them fail.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::directory::{self, FILE_MODE};

/// Where files are made.
pub(crate) trait Disk: Send {
    /// Makes a file that is not there yet.
    fn create(&mut self, path: &Path) -> io::Result<Box<dyn Segment>>;
    /// Opens a file of so many bytes that all have their place on the disk; it is made if it is not there.
    fn preallocate(&mut self, path: &Path, bytes: u64) -> io::Result<Box<dyn Segment>>;
    /// Makes the names in a directory durable.
    fn sync_directory(&mut self, directory: &Path) -> io::Result<()>;
}

/// A file that is being written.
pub(crate) trait Segment: Send {
    /// Writes behind what was written last.
    fn append(&mut self, text: &[u8]) -> io::Result<()>;
    /// Makes all of it durable.
    fn sync(&mut self) -> io::Result<()>;
    /// Takes away what follows the first `bytes` bytes.
    fn cut(&mut self, bytes: u64) -> io::Result<()>;
    /// Goes on writing at the beginning, over what stands there.
    fn rewind(&mut self) -> io::Result<()>;
}

/// The system's files.
pub(crate) struct SystemDisk;

impl Disk for SystemDisk {
    fn create(&mut self, path: &Path) -> io::Result<Box<dyn Segment>> {
        let mut options = OpenOptions::new();
        options.create_new(true).write(true).mode(FILE_MODE);
        Ok(Box::new(options.open(path)?))
    }

    /// Zeros are written: blocks that are only set aside would cost a sync as much as growing does.
    fn preallocate(&mut self, path: &Path, bytes: u64) -> io::Result<Box<dyn Segment>> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        let mut file = options.mode(FILE_MODE).open(path)?;
        let length = file.metadata()?.len();
        if length < bytes {
            file.seek(SeekFrom::Start(length))?;
            io::copy(&mut io::repeat(0).take(bytes - length), &mut file)?;
            file.sync_all()?;
        }
        Ok(Box::new(file))
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

    fn rewind(&mut self) -> io::Result<()> {
        self.seek(SeekFrom::Start(0)).map(drop)
    }
}
