//! Custody of the root key: read from its file, created once for a new store, or handed in as text.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ecru_ports::keys::SecretKey;
use zeroize::Zeroizing;

use crate::error::KeyStoreError;
use crate::{private_file, sealing};

/// The file's name within the keys directory.
const NAME: &str = "root.key";

/// The root key of `directory`. Only a new store is given a new key.
pub(crate) fn open_or_create(
    directory: &Path,
    store_is_new: bool,
) -> Result<SecretKey, KeyStoreError> {
    let path = directory.join(NAME);
    if store_is_new {
        private_file::ensure_directory(directory)?;
    }
    if let Some(key) = read(directory, &path)? {
        return Ok(key);
    }
    if !store_is_new {
        return Err(KeyStoreError::MissingRootKey(path));
    }
    match create(&path) {
        // another process was first; its key is the key
        Err(KeyStoreError::AlreadyExists(_)) => {
            read(directory, &path)?.ok_or(KeyStoreError::MissingRootKey(path))
        }
        created => created,
    }
}

fn read(directory: &Path, path: &Path) -> Result<Option<SecretKey>, KeyStoreError> {
    let Some(contents) = private_file::read(path)? else {
        return Ok(None);
    };
    // a directory that others may write lets them exchange the key
    private_file::ensure_directory(directory)?;
    let text = std::str::from_utf8(&contents).map_err(|_| KeyStoreError::MalformedRootKey)?;
    parse(text).map(Some)
}

fn create(path: &Path) -> Result<SecretKey, KeyStoreError> {
    let mut material = Zeroizing::new([0u8; SecretKey::LENGTH]);
    sealing::fill_random(&mut *material).map_err(|_| KeyStoreError::Random)?;
    let mut text = Zeroizing::new(hex::encode(*material));
    text.push('\n');
    private_file::create(path, text.as_bytes())?;
    Ok(SecretKey::new(*material))
}

/// A root key from its text: 64 hexadecimal digits, or base64 of 32 bytes.
pub(crate) fn parse(text: &str) -> Result<SecretKey, KeyStoreError> {
    let text = text.trim();
    let mut material = Zeroizing::new([0u8; SecretKey::LENGTH]);
    if text.len() == 2 * SecretKey::LENGTH {
        hex::decode_to_slice(text, &mut *material).map_err(|_| KeyStoreError::MalformedRootKey)?;
        return Ok(SecretKey::new(*material));
    }
    let engine = if text.ends_with('=') {
        STANDARD
    } else {
        STANDARD_NO_PAD
    };
    let decoded = engine.decode(text).map(Zeroizing::new);
    let decoded = decoded.map_err(|_| KeyStoreError::MalformedRootKey)?;
    SecretKey::from_slice(&decoded).ok_or(KeyStoreError::MalformedRootKey)
}
