//! The hash of a request body, as computed here and as the client declared it.

use http::HeaderMap;
use sha2::{Digest, Sha256};

use super::signature_error::SignatureError;

/// SHA-256 of a request body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadHash([u8; 32]);

impl PayloadHash {
    /// Hashes a whole body.
    pub fn of(body: &[u8]) -> Self {
        Self(Sha256::digest(body).into())
    }

    /// Takes a hash that was computed while reading.
    pub fn from_bytes(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// Lower-case hexadecimal.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }
}

/// What `x-amz-content-sha256` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DeclaredPayload {
    /// No such header.
    Absent,
    /// 64 lower-case hexadecimal digits.
    Hash(String),
    /// `UNSIGNED-PAYLOAD`, `STREAMING-…` or nonsense: services other than S3 take none of them.
    Unsupported,
}

impl DeclaredPayload {
    pub(super) fn parse(headers: &HeaderMap) -> Self {
        let Some(value) = headers.get("x-amz-content-sha256") else {
            return Self::Absent;
        };
        match value.to_str() {
            Ok(text) if is_lower_hex(text, 64) => Self::Hash(text.to_owned()),
            _ => Self::Unsupported,
        }
    }

    /// Refuses what cannot be checked against the real body.
    pub(super) fn check_supported(&self) -> Result<(), SignatureError> {
        match self {
            Self::Unsupported => Err(SignatureError::UnsignedPayload),
            Self::Absent | Self::Hash(_) => Ok(()),
        }
    }

    /// Refuses a declaration that the real body does not keep.
    pub(super) fn check_kept(&self, actual: &str) -> Result<(), SignatureError> {
        match self {
            Self::Absent => Ok(()),
            Self::Hash(declared) if declared == actual => Ok(()),
            Self::Hash(_) => Err(SignatureError::PayloadMismatch),
            Self::Unsupported => Err(SignatureError::UnsignedPayload),
        }
    }
}

/// Whether the text is `length` hexadecimal digits. Upper case is refused, so that each hash has one spelling.
pub(super) fn is_lower_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
