//! The key port on a root key that this process holds in memory.

use std::fmt;
use std::path::Path;

use async_trait::async_trait;
use ecru_ports::keys::{KeyError, KeyStore, SecretKey};
use zeroize::Zeroizing;

use crate::error::KeyStoreError;
use crate::{root_key, sealing};

/// A key store whose root key lies in a file, or came with the environment.
///
/// The root key itself seals nothing: everything goes through keys derived from it, one per use.
pub struct FileKeyStore {
    sealing_key: SecretKey,
    fingerprint: String,
}

impl FileKeyStore {
    /// Opens the root key in `<directory>/root.key`, or creates it when the store is new (design §3).
    ///
    /// # Errors
    /// `MissingRootKey` if the store is not new and its key is gone; `Exposed`, `ForeignOwner` or
    /// `WrongKind` if others could have read or exchanged the file; `MalformedRootKey` if it holds no key.
    pub fn open_or_create(directory: &Path, store_is_new: bool) -> Result<Self, KeyStoreError> {
        root_key::open_or_create(directory, store_is_new).map(|root| Self::with_root(&root))
    }

    /// Takes the root key from text: 64 hexadecimal digits or base64 of 32 bytes.
    ///
    /// # Errors
    /// `MalformedRootKey` if it is neither.
    pub fn from_text(text: &str) -> Result<Self, KeyStoreError> {
        root_key::parse(text).map(|root| Self::with_root(&root))
    }

    fn with_root(root: &SecretKey) -> Self {
        let check = sealing::derive(root, b"ecru root fingerprint");
        Self {
            sealing_key: sealing::derive(root, b"ecru root sealing"),
            fingerprint: hex::encode(&check.material()[..16]),
        }
    }

    /// 32 hexadecimal digits that tell root keys apart and reveal nothing of them. A store records the
    /// one it was made with and refuses every other.
    pub fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }
}

impl fmt::Debug for FileKeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileKeyStore")
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl KeyStore for FileKeyStore {
    fn random(&self, out: &mut [u8]) -> Result<(), KeyError> {
        sealing::fill_random(out)
    }

    fn seal(&self, key: &SecretKey, context: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, KeyError> {
        sealing::seal(key, context, plaintext)
    }

    fn open(
        &self,
        key: &SecretKey,
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        sealing::open(key, context, sealed)
    }

    fn derive(&self, key: &SecretKey, purpose: &[u8]) -> SecretKey {
        sealing::derive(key, purpose)
    }

    async fn seal_under_root(&self, context: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, KeyError> {
        sealing::seal(&self.sealing_key, context, plaintext)
    }

    async fn open_under_root(
        &self,
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        sealing::open(&self.sealing_key, context, sealed)
    }
}
