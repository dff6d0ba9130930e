//! The data directory belongs to one process: it holds a lock on it for as long as it runs.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

const LOCK: &str = "lock";

/// Why the data directory cannot be used.
#[derive(Debug, Error)]
pub enum DataDirectoryError {
    /// Another process has it.
    #[error("the data directory {} is in use by another ecru process", .0.display())]
    InUse(PathBuf),
    /// Others may enter it.
    #[error("the data directory {} is open to other users (mode {mode:03o}): chmod it to 700", path.display())]
    Exposed {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is not there.
    #[error("the data directory {} does not exist", .0.display())]
    Missing(PathBuf),
    /// The file system refuses.
    #[error("the data directory {}: {source}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A data directory that no other process has. Dropping it gives it back.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    _lock: File,
}

impl DataDirectory {
    /// Creates the directory with mode 0700 if it is not there, and takes it.
    pub fn open_or_create(path: &Path) -> Result<Self, DataDirectoryError> {
        let created = DirBuilder::new().recursive(true).mode(0o700).create(path);
        created.map_err(|source| DataDirectoryError::Io {
            path: path.to_owned(),
            source,
        })?;
        Self::open(path)
    }

    /// Takes a directory that is there.
    pub fn open(path: &Path) -> Result<Self, DataDirectoryError> {
        let io = |source| DataDirectoryError::Io {
            path: path.to_owned(),
            source,
        };
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(DataDirectoryError::Missing(path.to_owned()));
            }
            Err(error) => return Err(io(error)),
        };
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(DataDirectoryError::Exposed {
                path: path.to_owned(),
                mode,
            });
        }
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600);
        let lock = options.open(path.join(LOCK)).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(DataDirectoryError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(io(error)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_refused_by_the_name_of_the_directory_until_the_first_lets_go() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a/data");
        let first = DataDirectory::open_or_create(&path).unwrap();
        let refused = DataDirectory::open_or_create(&path).unwrap_err();
        assert!(matches!(&refused, DataDirectoryError::InUse(named) if *named == path));
        assert!(refused.to_string().contains(&*path.to_string_lossy()));
        drop(first);
        DataDirectory::open(&path).unwrap();
    }

    #[test]
    fn a_directory_is_made_private_and_one_that_is_not_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("data");
        DataDirectory::open_or_create(&path).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o700
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
        let refused = DataDirectory::open_or_create(&path).unwrap_err();
        assert!(
            matches!(refused, DataDirectoryError::Exposed { mode: 0o750, .. }),
            "{refused}"
        );
    }

    #[test]
    fn a_directory_that_must_be_there_is_not_made() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("data");
        assert!(matches!(
            DataDirectory::open(&path),
            Err(DataDirectoryError::Missing(_))
        ));
        assert!(!path.try_exists().unwrap());
    }
}
