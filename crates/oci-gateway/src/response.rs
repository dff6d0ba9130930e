//! Answers: their body, and the headers that every one carries.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use ecru_ports::blobs::BlobStream;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use serde::Serialize;

use crate::errors::Failure;

/// `Docker-Distribution-Api-Version`
pub const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");
/// `Docker-Content-Digest`
pub const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
/// `Docker-Upload-UUID`
pub const UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");
/// `OCI-Subject`
pub const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
/// `OCI-Tag`
pub const OCI_TAG: HeaderName = HeaderName::from_static("oci-tag");
/// `OCI-Filters-Applied`
pub const OCI_FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

/// Which route answered: the name of an entry of [`crate::routes::ROUTES`], or `unknown`. An extension of every
/// response, for metrics; it never says which repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteName(pub &'static str);

/// How much of an answer that is at hand leaves at once: the transport may copy that much, and no more.
const STEP: usize = 64 * 1_024;

/// The body of an answer.
pub struct ResponseBody(Content);

enum Content {
    Whole(Option<Bytes>),
    Stream { stream: BlobStream, remaining: u64 },
}

impl ResponseBody {
    /// No bytes.
    pub fn empty() -> Self {
        Self(Content::Whole(None))
    }

    /// These bytes.
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self(Content::Whole((!bytes.is_empty()).then_some(bytes)))
    }

    /// `length` bytes of a layer, as they are read and verified.
    pub fn stream(stream: BlobStream, length: u64) -> Self {
        let remaining = length;
        Self(Content::Stream { stream, remaining })
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut self.get_mut().0 {
            Content::Whole(rest) => Poll::Ready(step(rest).map(|bytes| Ok(Frame::data(bytes)))),
            Content::Stream { stream, remaining } => {
                let next = ready!(stream.as_mut().poll_next(cx));
                let Some(outcome) = next else {
                    let is_short = *remaining > 0;
                    return Poll::Ready(is_short.then(|| Err("a layer ended early".into())));
                };
                Poll::Ready(Some(match outcome {
                    Ok(bytes) => {
                        *remaining = remaining.saturating_sub(bytes.len() as u64);
                        Ok(Frame::data(bytes))
                    }
                    Err(error) => {
                        *remaining = 0;
                        tracing::error!(%error, "a layer could not be read to its end");
                        Err(error.into())
                    }
                }))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(
            &self.0,
            Content::Whole(None) | Content::Stream { remaining: 0, .. }
        )
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Content::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Content::Stream { remaining, .. } => SizeHint::with_exact(*remaining),
        }
    }
}

fn step(rest: &mut Option<Bytes>) -> Option<Bytes> {
    match rest {
        Some(bytes) if bytes.len() > STEP => Some(bytes.split_to(STEP)),
        _ => rest.take(),
    }
}

/// A header value of text that is known to be fit for one: names, digests, tags, positions.
pub(crate) fn header_value(text: impl Into<String>) -> HeaderValue {
    HeaderValue::try_from(text.into()).unwrap_or(HeaderValue::from_static(""))
}

/// An answer without a body.
pub(crate) fn bare(status: StatusCode) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::empty());
    *response.status_mut() = status;
    if status != StatusCode::NO_CONTENT {
        let headers = response.headers_mut();
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    response
}

/// An answer of bytes.
pub(crate) fn bytes(
    status: StatusCode,
    media_type: HeaderValue,
    bytes: Bytes,
) -> Response<ResponseBody> {
    let length = bytes.len();
    let mut response = Response::new(ResponseBody::whole(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    response
}

/// An answer of JSON.
pub(crate) fn json(
    media_type: &'static str,
    value: &impl Serialize,
) -> Result<Response<ResponseBody>, Failure> {
    let text = serde_json::to_vec(value).map_err(ecru_domain::Error::internal)?;
    let media_type = HeaderValue::from_static(media_type);
    Ok(bytes(StatusCode::OK, media_type, text.into()))
}

/// The answer to a request that failed.
pub(crate) fn failure(failure: &Failure) -> Response<ResponseBody> {
    let media_type = HeaderValue::from_static("application/json; charset=utf-8");
    let mut response = bytes(failure.status(), media_type, failure.to_json().into());
    for (name, value) in failure.headers() {
        response.headers_mut().append(name, value.clone());
    }
    response
}

/// The same answer to HEAD: all headers, no body.
pub(crate) fn without_body(response: Response<ResponseBody>) -> Response<ResponseBody> {
    response.map(|_| ResponseBody::empty())
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::BodyExt as _;

    use ecru_ports::BlobError;

    use super::*;

    fn layer(pieces: Vec<Result<Bytes, BlobError>>, length: u64) -> ResponseBody {
        ResponseBody::stream(Box::pin(stream::iter(pieces)), length)
    }

    #[tokio::test]
    async fn a_layer_streams_with_its_exact_length() {
        let body = layer(vec![Ok("ab".into()), Ok("c".into())], 3);
        assert_eq!(body.size_hint().exact(), Some(3));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "abc");
        assert!(layer(vec![], 0).is_end_stream());
    }

    #[tokio::test]
    async fn what_is_at_hand_leaves_step_by_step() {
        let content = Bytes::from((0..=u8::MAX).cycle().take(2 * STEP + 1).collect::<Vec<_>>());
        let mut body = ResponseBody::whole(content.clone());
        for begin in [0, STEP, 2 * STEP] {
            let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert_eq!(piece, content[begin..(begin + STEP).min(content.len())]);
        }
        assert!(body.is_end_stream());
    }

    #[tokio::test]
    async fn a_layer_that_fails_or_ends_early_breaks_the_answer() {
        let corrupt = layer(vec![Ok("ab".into()), Err(BlobError::Corrupt)], 4);
        assert!(corrupt.collect().await.is_err());
        assert!(layer(vec![Ok("ab".into())], 4).collect().await.is_err());
    }
}
