//! The key port: custody of the root key, and the sealing of small things.
//!
//! ```text
//! root key ──seals──▶ KMS keys, server keys, access-key secrets (rows)
//! KMS key  ──wraps──▶ one data key per object (rows)
//! data key ──seals──▶ frames (blob port), manifests
//! ```

use async_trait::async_trait;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// 256 secret bits. Wiped when dropped, never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretKey([u8; SecretKey::LENGTH]);

impl SecretKey {
    /// Length in bytes.
    pub const LENGTH: usize = 32;

    /// Takes over key material.
    pub fn new(material: [u8; Self::LENGTH]) -> Self {
        Self(material)
    }

    /// Key material from a slice, if it has the right length.
    pub fn from_slice(material: &[u8]) -> Option<Self> {
        material.try_into().ok().map(Self)
    }

    /// The material, for the cipher of an adapter.
    pub fn material(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

/// Why a key operation failed. No variant carries key material or plaintext.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The sealed bytes were changed, truncated, or belong to another key or context.
    #[error("sealed bytes do not open: wrong key, wrong context, or altered")]
    DoesNotOpen,
    /// The root key's keeper (file, service) cannot be reached now.
    #[error("the root key is unavailable: {0}")]
    Unavailable(String),
    /// More plaintext than is sealed at once: bulk data goes through the blob port.
    #[error("more than {0} bytes to seal at once")]
    TooLarge(usize),
}

/// Seals and opens small things under keys. Bulk data goes through the blob port.
///
/// Contract of `seal`/`open`: authenticated encryption bound to `context`; sealing the same bytes twice gives
/// different results; any number of seals under one key is safe (each uses a fresh derived key and nonce).
#[async_trait]
pub trait KeyStore: Send + Sync {
    /// Fills `out` from the cryptographic random source.
    fn random(&self, out: &mut [u8]) -> Result<(), KeyError>;

    /// Seals `plaintext` under `key`, bound to `context`.
    fn seal(&self, key: &SecretKey, context: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, KeyError>;

    /// Opens what `seal` made with the same key and context.
    fn open(
        &self,
        key: &SecretKey,
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyError>;

    /// A key for one purpose, derived from `key` (HKDF-SHA256 with `purpose` as info).
    fn derive(&self, key: &SecretKey, purpose: &[u8]) -> SecretKey;

    /// Seals under the root key, bound to `context`.
    async fn seal_under_root(&self, context: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, KeyError>;

    /// Opens what `seal_under_root` made with the same context.
    async fn open_under_root(
        &self,
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyError>;

    /// A fresh random key.
    fn generate(&self) -> Result<SecretKey, KeyError> {
        let mut material = Zeroizing::new([0u8; SecretKey::LENGTH]);
        self.random(&mut *material)?;
        Ok(SecretKey::new(*material))
    }
}
