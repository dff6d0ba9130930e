//! Segments as files, durable with their directories.
//!
//! ```text
//! <root>  0700
//! ├── objects/<first 2 hex of the id>/<object id>.<segment number>   0600, created exclusively
//! ├── quarantine/<object id>.<segment number>
//! └── probe.<process>.<count>                                        only while probing
//! ```
//!
//! All directories are made when the store is opened, so that a write syncs one of them only.

mod list;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::ops::RangeInclusive;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use ecru_ports::blobs::{FoundSegment, ObjectId};

use crate::kernel;
use crate::segments::{SegmentName, SegmentSink, SegmentSource, SegmentStore};

/// How much is written before the kernel is asked to begin with it.
const WRITEBACK_STEP: u64 = 8 * 1024 * 1024;

/// How much is written at a time, ending where a multiple of it ends: the kernel takes memory for a file in pieces as
/// large as what is written, and large ones are more often such that a virtual machine gave back to its host and must
/// fetch again (pushes of 1 GiB: 1.15 to 1.38 CPU-s/GB, instead of 1.18 to 2.05 in writes of 256 KiB).
const WRITE_STEP: usize = 128 * 1024;

/// How much is set aside on disk at a time, once as much has been written: blocks found one by one cost more (0.34
/// CPU-s/GB of writing instead of 0.39).
const RESERVE_STEP: u64 = 64 * 1024 * 1024;

/// How much is written before anything is set aside: what is smaller is soon at its end.
const RESERVE_FROM: u64 = 8 * 1024 * 1024;

/// Up to this many segment numbers are tried by name; beyond it, the directory is searched for them.
const TRIED_BY_NAME: u64 = 256;

/// Segments in a directory of the file system.
#[derive(Debug)]
pub struct Directory {
    objects: PathBuf,
    quarantine: PathBuf,
    root: PathBuf,
    probes: AtomicU64,
}

impl Directory {
    /// Opens the directory, creating what is missing, durably.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        let directory = Self {
            objects: root.join("objects"),
            quarantine: root.join("quarantine"),
            root: root.to_owned(),
            probes: AtomicU64::new(0),
        };
        create_durably(&directory.objects)?;
        create_durably(&directory.quarantine)?;
        for shard in 0..=u8::MAX {
            create_one(&directory.shard(shard))?;
        }
        sync(&directory.objects)?;
        Ok(directory)
    }

    fn shard(&self, shard: u8) -> PathBuf {
        self.objects.join(format!("{shard:02x}"))
    }

    fn shard_of(&self, object: &ObjectId) -> PathBuf {
        self.shard(first_byte(object))
    }

    /// Names of the segments of an object with these numbers that may exist.
    fn candidates(
        &self,
        object: &ObjectId,
        numbers: RangeInclusive<u64>,
    ) -> io::Result<Vec<SegmentName>> {
        if numbers.end().saturating_sub(*numbers.start()) < TRIED_BY_NAME {
            let names = numbers.map(|number| SegmentName {
                object: object.clone(),
                number,
            });
            return Ok(names.collect());
        }
        let mut names = list::names(&self.shard_of(object))?;
        names.retain(|name| name.object == *object && numbers.contains(&name.number));
        Ok(names)
    }

    /// A name in quarantine that is not taken: what was set aside before is never covered.
    fn aside(&self, name: &SegmentName) -> io::Result<PathBuf> {
        let plain = self.quarantine.join(name.to_string());
        let mut path = plain.clone();
        let mut again = 1;
        while path.try_exists()? {
            path = plain.with_added_extension(again.to_string());
            again += 1;
        }
        Ok(path)
    }
}

impl SegmentStore for Directory {
    type Sink = FileSink;
    type Source = FileSource;

    fn create(&self, name: &SegmentName) -> io::Result<FileSink> {
        let directory = self.shard_of(&name.object);
        let path = directory.join(name.to_string());
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        Ok(FileSink {
            file,
            directory,
            written: 0,
            started: 0,
            reserved: 0,
        })
    }

    fn open(&self, name: &SegmentName) -> io::Result<FileSource> {
        let file = File::open(self.shard_of(&name.object).join(name.to_string()))?;
        let length = file.metadata()?.len();
        Ok(FileSource { file, length })
    }

    fn remove(&self, object: &ObjectId, numbers: RangeInclusive<u64>) -> io::Result<()> {
        if numbers.is_empty() {
            return Ok(());
        }
        let directory = self.shard_of(object);
        for name in self.candidates(object, numbers)? {
            done_if_present(fs::remove_file(directory.join(name.to_string())))?;
        }
        // also when all were gone: the removal may be asked for again because this failed
        sync(&directory)
    }

    fn quarantine(&self, object: &ObjectId, numbers: RangeInclusive<u64>) -> io::Result<bool> {
        let directory = self.shard_of(object);
        let mut moved = false;
        for name in self.candidates(object, numbers)? {
            let aside = self.aside(&name)?;
            moved |= done_if_present(fs::rename(directory.join(name.to_string()), aside))?;
        }
        if moved {
            // the new name first: a crash in between shows the bytes twice rather than nowhere
            sync(&self.quarantine)?;
            sync(&directory)?;
        }
        Ok(moved)
    }

    fn list(&self, after: Option<&ObjectId>, limit: usize) -> io::Result<Vec<FoundSegment>> {
        let first = after.map_or(0, first_byte);
        let mut found = Vec::new();
        for shard in first..=u8::MAX {
            if found.len() >= limit {
                break;
            }
            list::append(&self.shard(shard), after, limit, &mut found)?;
        }
        Ok(found)
    }

    fn probe(&self) -> io::Result<()> {
        let count = self.probes.fetch_add(1, Ordering::Relaxed);
        let path = self
            .root
            .join(format!("probe.{}.{count}", std::process::id()));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)?;
        let written = file.write_all(b"probe").and_then(|()| file.sync_all());
        fs::remove_file(&path)?;
        written
    }
}

/// A segment file being written.
pub struct FileSink {
    file: File,
    directory: PathBuf,
    written: u64,
    started: u64,
    /// Up to where blocks are set aside.
    reserved: u64,
}

impl FileSink {
    /// Sets blocks aside for what is about to be written. A file system that cannot finds them as they are needed.
    fn reserve(&mut self, length: u64) {
        let end = self.written + length;
        if self.written < RESERVE_FROM || end <= self.reserved {
            return;
        }
        let begin = self.reserved.max(self.written);
        kernel::reserve(&self.file, begin, RESERVE_STEP);
        self.reserved = begin + RESERVE_STEP;
    }
}

impl SegmentSink for FileSink {
    fn append(&mut self, mut sealed: &[u8]) -> io::Result<()> {
        self.reserve(sealed.len() as u64);
        while !sealed.is_empty() {
            let step = WRITE_STEP as u64 - self.written % WRITE_STEP as u64;
            let length = usize::try_from(step).map_or(sealed.len(), |step| step.min(sealed.len()));
            let (now, rest) = sealed.split_at(length);
            self.file.write_all(now)?;
            self.written += length as u64;
            sealed = rest;
        }
        let waiting = self.written - self.started;
        if waiting >= WRITEBACK_STEP {
            kernel::start_writeback(&self.file, self.started, waiting)?;
            self.started = self.written;
        }
        Ok(())
    }

    fn finish(self) -> io::Result<()> {
        if self.reserved > self.written {
            self.file.set_len(self.written)?;
        }
        self.file.sync_data()?;
        sync(&self.directory)
    }
}

/// An open segment file.
pub struct FileSource {
    file: File,
    length: u64,
}

impl SegmentSource for FileSource {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(out, offset)
    }

    fn read_resident(&self, offset: u64, out: &mut [u8]) -> io::Result<bool> {
        Ok(kernel::read_resident(&self.file, offset, out)? == out.len())
    }
}

/// The number that the id's first two hexadecimal digits write.
fn first_byte(object: &ObjectId) -> u8 {
    let digit = |byte: u8| {
        if byte.is_ascii_digit() {
            byte - b'0'
        } else {
            byte - b'a' + 10
        }
    };
    let digits = object.as_str().as_bytes();
    digit(digits[0]) << 4 | digit(digits[1])
}

/// Whether something was done, when its being absent is no error.
fn done_if_present(outcome: io::Result<()>) -> io::Result<bool> {
    match outcome {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Creates a directory and its missing parents, each synced into its parent.
fn create_durably(directory: &Path) -> io::Result<()> {
    let parent = match directory.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if !parent.try_exists()? {
        create_durably(parent)?;
    }
    create_one(directory)?;
    sync(parent)
}

fn create_one(directory: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => Ok(()),
        outcome => outcome,
    }
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    // a device and a process directory cannot be synced and say so, which shows that they were asked to
    #[test]
    fn finishing_syncs_the_file() {
        let scratch = tempfile::tempdir().unwrap();
        let file = OpenOptions::new().write(true).open("/dev/null").unwrap();
        let sink = FileSink {
            file,
            directory: scratch.path().to_owned(),
            written: 0,
            started: 0,
            reserved: 0,
        };
        assert!(sink.finish().is_err());
    }

    #[test]
    fn finishing_syncs_the_directory() {
        let file = tempfile::tempfile().unwrap();
        let sink = FileSink {
            file,
            directory: "/proc".into(),
            written: 0,
            started: 0,
            reserved: 0,
        };
        assert!(sink.finish().is_err());
    }

    #[test]
    fn removing_what_is_gone_syncs_the_directory_all_the_same() {
        let scratch = tempfile::tempdir().unwrap();
        let store = Directory::open(scratch.path()).unwrap();
        let object = ObjectId::from_bytes([0; 16]);
        store.remove(&object, 1..=3).unwrap();
        fs::remove_dir(store.shard(0)).unwrap();
        std::os::unix::fs::symlink("/proc", store.shard(0)).unwrap();
        assert!(store.remove(&object, 1..=3).is_err());
    }

    #[test]
    fn the_first_digits_of_an_id_name_its_directory() {
        for (byte, name) in [(0x00, "00"), (0x0f, "0f"), (0xa7, "a7"), (0xff, "ff")] {
            let object = ObjectId::from_bytes([byte; 16]);
            assert_eq!(first_byte(&object), byte);
            assert!(object.as_str().starts_with(name));
        }
    }
}
