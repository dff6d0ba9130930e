//! The outbound port: every request that the server itself sends to the outside.
//!
//! Where it goes is said by others (the issuer of an identity provider), so the adapter guards it: it never reaches
//! what only this machine or its private network may reach, unless the operator lists that.

use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;

/// How large and how late an answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchLimits {
    /// The longest body, in bytes.
    pub bytes: usize,
    /// From the look-up of the name to the last byte.
    pub time: Duration,
}

/// Why nothing was fetched. No variant carries a part of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OutboundError {
    /// The URL is not one, or its scheme is not allowed.
    #[error("not a URL that may be asked: {0}")]
    BadUrl(&'static str),
    /// It leads to an address that may not be reached.
    #[error("the host leads to an address that the server may not reach")]
    Forbidden,
    /// Nobody answers there, or not as it should: name, connection, certificate, HTTP.
    #[error("no usable answer: {0}")]
    Unreachable(String),
    /// Answered with another status than 200. Redirects are not followed.
    #[error("answered with status {0}")]
    Status(u16),
    /// More than the limit.
    #[error("the answer is too large")]
    TooLarge,
    /// Not done in time.
    #[error("the answer did not come in time")]
    TooLate,
}

/// Asks servers elsewhere.
///
/// Contract: `https` unless the operator lists the place; each address that the name resolves to is checked, and the
/// one that is dialled is one that was checked; loopback, link-local and private addresses and this server itself are
/// refused unless listed; nothing is followed elsewhere; nothing takes longer or more room than `limits`.
#[async_trait]
pub trait Outbound: Send + Sync {
    /// The body of the answer to a GET.
    async fn fetch(&self, url: &str, limits: FetchLimits) -> Result<Vec<u8>, OutboundError>;
}
