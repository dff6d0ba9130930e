//! Answers: their body, and what the server learns about them besides.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use http::Response;
use http_body::{Body, Frame, SizeHint};

/// Which operation answered, such as `ecr:PutImage`, or `unknown` if none was found. An extension of every
/// answer, for metrics; it comes from a bounded set and never says which repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteName(pub &'static str);

/// Why an answer broke off.
pub type BodyFailure = Box<dyn std::error::Error + Send + Sync>;

/// Pieces of an answer that is too large to be held.
pub(crate) type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, BodyFailure>> + Send>>;

/// The body of an answer.
pub struct ResponseBody(Content);

enum Content {
    Whole(Option<Bytes>),
    Pieces(Pieces),
}

impl ResponseBody {
    /// These bytes.
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self(Content::Whole((!bytes.is_empty()).then_some(bytes)))
    }

    /// Pieces, each made when the one before has left.
    pub(crate) fn pieces(pieces: Pieces) -> Self {
        Self(Content::Pieces(pieces))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BodyFailure;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFailure>>> {
        match &mut self.get_mut().0 {
            Content::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Content::Pieces(pieces) => pieces
                .as_mut()
                .poll_next(cx)
                .map(|next| next.map(|piece| piece.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.0, Content::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Content::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Content::Pieces(_) => SizeHint::default(),
        }
    }
}

/// An answer that is held whole.
pub(crate) fn whole(response: Response<Bytes>) -> Response<ResponseBody> {
    response.map(ResponseBody::whole)
}
