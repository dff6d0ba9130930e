//! Files that only their owner may read: created exclusively, durable before they are relied on, and
//! refused when somebody else could have read or written them (design §3).

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::error::KeyStoreError;
use crate::{owner, sealing};

const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

/// No file of a keys directory is larger; more is not read into memory.
const LARGEST: u64 = 64 * 1024;

/// Creates `directory` and its missing parents, each durable in its parent, or checks the one that is there.
pub(crate) fn ensure_directory(directory: &Path) -> Result<(), KeyStoreError> {
    match fs::symlink_metadata(directory) {
        Ok(_) => check_directory(directory),
        Err(error) if error.kind() == io::ErrorKind::NotFound => create_directory(directory),
        Err(error) => Err(KeyStoreError::io(directory)(error)),
    }
}

fn create_directory(directory: &Path) -> Result<(), KeyStoreError> {
    let parent = parent_of(directory);
    if !parent.try_exists().map_err(KeyStoreError::io(parent))? {
        create_directory(parent)?;
    }
    match DirBuilder::new().mode(DIRECTORY_MODE).create(directory) {
        Ok(()) => sync_directory(parent),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => check_directory(directory),
        Err(error) => Err(KeyStoreError::io(directory)(error)),
    }
}

/// Refuses a directory that others may enter or that belongs to somebody else.
fn check_directory(directory: &Path) -> Result<(), KeyStoreError> {
    let metadata = fs::metadata(directory).map_err(KeyStoreError::io(directory))?;
    if !metadata.is_dir() {
        return Err(KeyStoreError::WrongKind {
            path: directory.to_owned(),
            expected: "directory",
        });
    }
    check_private(directory, &metadata, DIRECTORY_MODE)
}

fn check_private(path: &Path, metadata: &Metadata, wanted: u32) -> Result<(), KeyStoreError> {
    if metadata.uid() != owner::effective_user() {
        return Err(KeyStoreError::ForeignOwner(path.to_owned()));
    }
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyStoreError::Exposed {
            path: path.to_owned(),
            mode,
            wanted,
        });
    }
    Ok(())
}

/// The contents of a private file, or `None` if it is not there.
/// The opened file is checked, not its name, so that it cannot be exchanged in between.
pub(crate) fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, KeyStoreError> {
    // without NONBLOCK, opening a FIFO planted under this name would never return
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => return Err(not_a_file(path)),
        Err(error) => return Err(KeyStoreError::io(path)(error)),
    };
    let metadata = file.metadata().map_err(KeyStoreError::io(path))?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return Err(not_a_file(path));
    }
    check_private(path, &metadata, FILE_MODE)?;
    let mut contents = Zeroizing::new(Vec::with_capacity(
        usize::try_from(metadata.len()).unwrap_or(0),
    ));
    file.take(LARGEST)
        .read_to_end(&mut contents)
        .map_err(KeyStoreError::io(path))?;
    Ok(Some(contents))
}

fn not_a_file(path: &Path) -> KeyStoreError {
    KeyStoreError::WrongKind {
        path: path.to_owned(),
        expected: "small regular file",
    }
}

/// Creates a private file with these contents, whole and durable, or not at all.
/// `AlreadyExists` if the name is taken; what is there stays untouched.
pub(crate) fn create(path: &Path, contents: &[u8]) -> Result<(), KeyStoreError> {
    let draft = write_draft(path, contents)?;
    // a link, unlike a rename, refuses to cover what is there
    let linked = fs::hard_link(&draft, path);
    let removed = fs::remove_file(&draft);
    match linked {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(KeyStoreError::AlreadyExists(path.to_owned()));
        }
        Err(error) => return Err(KeyStoreError::io(path)(error)),
    }
    removed.map_err(KeyStoreError::io(&draft))?;
    sync_directory(parent_of(path))
}

/// Puts a private file with these contents in the place of the one that may be there: a reader, or a
/// crash, meets the old contents or the new, never a mixture.
pub(crate) fn replace(path: &Path, contents: &[u8]) -> Result<(), KeyStoreError> {
    let draft = write_draft(path, contents)?;
    if let Err(error) = fs::rename(&draft, path) {
        discard(&draft);
        return Err(KeyStoreError::io(path)(error));
    }
    sync_directory(parent_of(path))
}

/// Writes and syncs the contents under a random name beside `path`.
fn write_draft(path: &Path, contents: &[u8]) -> Result<PathBuf, KeyStoreError> {
    let mut random = [0u8; 8];
    sealing::fill_random(&mut random).map_err(|_| KeyStoreError::Random)?;
    let draft = path.with_added_extension(format!("{}.draft", hex::encode(random)));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(&draft)
        .map_err(KeyStoreError::io(&draft))?;
    let written = file.write_all(contents).and_then(|()| file.sync_all());
    if let Err(error) = written {
        discard(&draft);
        return Err(KeyStoreError::io(&draft)(error));
    }
    Ok(draft)
}

/// Removes a draft after a failure that is being reported; its own failure would say nothing new.
fn discard(draft: &Path) {
    drop(fs::remove_file(draft));
}

fn sync_directory(directory: &Path) -> Result<(), KeyStoreError> {
    File::open(directory)
        .and_then(|opened| opened.sync_all())
        .map_err(KeyStoreError::io(directory))
}

fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
