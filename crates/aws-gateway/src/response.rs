//! Answers: their body, and what the server learns about them besides.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use http::Response;
use http_body::{Body, Frame, SizeHint};

use crate::body_budget::BodyShare;

/// Which operation answered, such as `ecr:PutImage`, or `unknown` if none was found. An extension of every
/// answer, for metrics; it comes from a bounded set and never says which repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteName(pub &'static str);

/// Why an answer broke off.
pub type BodyFailure = Box<dyn std::error::Error + Send + Sync>;

/// Pieces of an answer that is too large to be held.
pub(crate) type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, BodyFailure>> + Send>>;

/// How much of an answer leaves at once: the transport may copy that much, and no more.
const STEP: usize = 64 * 1_024;

/// The body of an answer.
pub struct ResponseBody {
    content: Content,
    /// The share of the budget of request bodies that the answer still uses.
    _share: Option<BodyShare>,
}

enum Content {
    Whole(Option<Bytes>),
    Pieces { pieces: Pieces, rest: Option<Bytes> },
}

impl ResponseBody {
    /// These bytes.
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self::of(Content::Whole((!bytes.is_empty()).then_some(bytes)))
    }

    /// Pieces, each made when the one before has left.
    pub(crate) fn pieces(pieces: Pieces) -> Self {
        Self::of(Content::Pieces { pieces, rest: None })
    }

    /// The same body, which holds a share until it has left.
    pub(crate) fn keeping(self, share: BodyShare) -> Self {
        Self {
            _share: Some(share),
            ..self
        }
    }

    /// The bytes, unless the body is made piece by piece.
    pub(crate) fn held(&self) -> Option<&Bytes> {
        match &self.content {
            Content::Whole(bytes) => bytes.as_ref(),
            Content::Pieces { .. } => None,
        }
    }

    fn of(content: Content) -> Self {
        Self {
            content,
            _share: None,
        }
    }
}

fn step(rest: &mut Option<Bytes>) -> Option<Bytes> {
    match rest {
        Some(bytes) if bytes.len() > STEP => Some(bytes.split_to(STEP)),
        _ => rest.take(),
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BodyFailure;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFailure>>> {
        let next = match &mut self.get_mut().content {
            Content::Whole(rest) => step(rest),
            Content::Pieces { pieces, rest } => {
                if rest.is_none() {
                    *rest = ready!(pieces.as_mut().poll_next(cx)).transpose()?;
                }
                step(rest)
            }
        };
        Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.content, Content::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Content::Pieces { .. } => SizeHint::default(),
        }
    }
}

/// An answer that is held whole.
pub(crate) fn whole(response: Response<Bytes>) -> Response<ResponseBody> {
    response.map(ResponseBody::whole)
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn what_is_at_hand_leaves_step_by_step() {
        let content = Bytes::from((0..=u8::MAX).cycle().take(STEP + 1).collect::<Vec<_>>());
        let piece = stream::iter([Ok(content.clone()), Ok("end".into())]);
        let mut body = ResponseBody::pieces(Box::pin(piece));
        for expected in [&content[..STEP], &content[STEP..], b"end"] {
            let frame = body.frame().await.unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), expected);
        }
        assert!(body.frame().await.is_none());
        let whole = ResponseBody::whole(content.clone());
        assert_eq!(whole.collect().await.unwrap().to_bytes(), content);
    }
}
