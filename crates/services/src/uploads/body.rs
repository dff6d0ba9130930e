//! The bytes of a chunk, as they come from the network.

use std::pin::Pin;

use bytes::Bytes;
use ecru_domain::{Error, Refusal};
use futures_util::Stream;
use thiserror::Error as ThisError;

/// Why a body ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ThisError)]
pub enum BodyError {
    /// The client went away, or broke the protocol.
    #[error("the client ended the body early")]
    Disconnected,
    /// Nothing came for too long.
    #[error("the body came too slowly")]
    TooSlow,
}

impl From<BodyError> for Error {
    fn from(_: BodyError) -> Self {
        Refusal::BodyIncomplete.into()
    }
}

/// A body that is read as it comes.
pub type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, BodyError>> + Send>>;

/// What a request adds to an upload.
pub struct Chunk {
    /// Where it says it begins, if it says.
    pub first: Option<u64>,
    /// How many bytes it announces, if it does.
    pub length: Option<u64>,
    /// The bytes.
    pub body: BodyStream,
}

impl Chunk {
    /// A chunk of no bytes.
    pub fn empty() -> Self {
        Self {
            first: None,
            length: Some(0),
            body: Box::pin(futures_util::stream::empty()),
        }
    }
}
