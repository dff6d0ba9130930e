//! What can be wrong with the keys directory, told apart so that start-up can say what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why keys or credentials cannot be used. No variant carries secret text.
#[derive(Debug, Error)]
pub enum KeyStoreError {
    /// The store holds data, but the root key that opens it is gone.
    #[error(
        "root key {} is missing but the store is not new: restore the key from its backup, a new one would open nothing",
        .0.display()
    )]
    MissingRootKey(PathBuf),
    /// Others than the owner may read or enter.
    #[error("{} is open to other users (mode {mode:03o}): chmod it to {wanted:03o}", path.display())]
    Exposed {
        /// The file or directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The bits it should have.
        wanted: u32,
    },
    /// The file belongs to another user, who could change it.
    #[error("{} belongs to another user than the one running the server", .0.display())]
    ForeignOwner(PathBuf),
    /// Not the kind of file that was expected: a link, a directory, a device.
    #[error("{} is not a {expected}", path.display())]
    WrongKind {
        /// The file.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
    },
    /// The root key's text is not a key.
    #[error("the root key is not 32 bytes in hexadecimal or base64")]
    MalformedRootKey,
    /// The credentials file has no usable pair under `[default]`.
    #[error("{} holds no access key under [default]", .0.display())]
    MalformedCredentials(PathBuf),
    /// An access key pair that clients could not use or the file could not hold.
    #[error("invalid access key: {0}")]
    InvalidAccessKey(&'static str),
    /// What was to be created is there already.
    #[error("{} exists already", .0.display())]
    AlreadyExists(PathBuf),
    /// The random source of the system failed.
    #[error("the random source failed")]
    Random,
    /// Another failure of the file system.
    #[error("{}: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What.
        source: io::Error,
    },
}

impl KeyStoreError {
    /// Adds the path to an I/O error; for use with `map_err`.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}
