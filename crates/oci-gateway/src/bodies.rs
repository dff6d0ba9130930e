//! Request bodies: uploads streamed as they come, manifests buffered within one budget, the rest read away.
//!
//! A body is lent to whoever reads it and comes back when they are done with it. What nobody read is read away,
//! within bounds, before an answer: a client that still writes would not see an answer on a connection that ends.

mod budget;
mod paced;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ecru_services::uploads::BodyStream;
use http::HeaderMap;
use http::header::EXPECT;
use http_body::Body;
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};

pub use budget::{BufferedManifest, ManifestBudget, Share};
use paced::PacedBody;

/// Any error of a transport.
type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// A body whose transport does not matter.
type Incoming = UnsyncBoxBody<Bytes, BoxError>;

/// How much of an unread body is read away.
#[derive(Clone, Copy, Debug)]
pub struct Drain {
    /// At most so many bytes.
    pub bytes: u64,
    /// For at most so long.
    pub time: Duration,
}

/// The body of a request.
#[derive(Clone)]
pub struct RequestBody {
    slot: Option<Arc<Mutex<Slot>>>,
    announced: Option<u64>,
    client_waits: bool,
}

/// Where the body is while nobody reads it.
struct Slot {
    body: Option<Incoming>,
    was_read: bool,
}

impl RequestBody {
    /// Takes a transport's body. `headers` tell whether the client waits for `100 Continue` before it sends.
    pub fn new<B>(body: B, headers: &HeaderMap) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let announced = body.size_hint().exact();
        let expects = headers
            .get(EXPECT)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
        let slot = (!body.is_end_stream()).then(|| {
            let body = Some(body.map_err(Into::into).boxed_unsync());
            let was_read = false;
            Arc::new(Mutex::new(Slot { body, was_read }))
        });
        Self {
            slot,
            announced,
            client_waits: expects,
        }
    }

    /// The announced length in bytes; `None` if the client did not say.
    pub fn announced(&self) -> Option<u64> {
        self.announced
    }

    /// The bytes, as they come. A pause longer than `idle` ends them with `TooSlow`. Empty if they are lent already.
    pub fn stream(&self, idle: Duration) -> BodyStream {
        let Some(slot) = &self.slot else {
            return Box::pin(futures_util::stream::empty());
        };
        Box::pin(PacedBody::borrow(slot, idle))
    }

    /// Reads away what nobody read. Does nothing for a client that waits for leave to send.
    pub async fn drain(&self, limit: Drain) {
        let Some(mut body) = self.take_rest() else {
            return;
        };
        let deadline = Instant::now() + limit.time;
        let mut read = 0;
        while read < limit.bytes {
            match timeout_at(deadline, body.frame()).await {
                Ok(Some(Ok(frame))) => {
                    // an empty frame counts as well, so that endless ones come to an end
                    read += frame.data_ref().map_or(1, |data| data.len() as u64 + 1);
                }
                Ok(None | Some(Err(_))) | Err(_) => return,
            }
        }
    }

    fn take_rest(&self) -> Option<Incoming> {
        let mut slot = self.slot.as_ref()?.lock();
        if self.client_waits && !slot.was_read {
            return None;
        }
        slot.body.take().filter(|body| !body.is_end_stream())
    }
}

#[cfg(test)]
mod tests {
    use ecru_services::uploads::BodyError;
    use futures_util::{StreamExt as _, stream};
    use http::HeaderValue;
    use http_body::Frame;
    use http_body_util::{Empty, Full, StreamBody};

    use super::*;

    const IDLE: Duration = Duration::from_secs(60);
    const DRAIN: Drain = Drain {
        bytes: 1_000,
        time: Duration::from_secs(2),
    };

    fn frames(
        pieces: Vec<Result<&'static str, BoxError>>,
    ) -> impl Body<Data = Bytes, Error = BoxError> + Send + 'static {
        let frames = pieces.into_iter();
        StreamBody::new(stream::iter(
            frames.map(|piece| piece.map(|text| Frame::data(Bytes::from(text)))),
        ))
    }

    fn body(pieces: Vec<Result<&'static str, BoxError>>) -> RequestBody {
        RequestBody::new(frames(pieces), &HeaderMap::new())
    }

    #[tokio::test]
    async fn frames_pass_through_as_they_are_and_empty_ones_vanish() {
        let body = body(vec![Ok("ab"), Ok(""), Ok("c")]);
        let read: Vec<_> = body.stream(IDLE).collect().await;
        assert_eq!(read, [Ok(Bytes::from("ab")), Ok(Bytes::from("c"))]);
        let again: Vec<_> = body.stream(IDLE).collect().await;
        assert!(again.is_empty());
    }

    #[tokio::test]
    async fn a_broken_connection_ends_the_body_with_an_error() {
        let body = body(vec![Ok("ab"), Err("reset".into()), Ok("never")]);
        let read: Vec<_> = body.stream(IDLE).collect().await;
        assert_eq!(read, [Ok(Bytes::from("ab")), Err(BodyError::Disconnected)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_ends_the_body_but_a_slow_steady_one_goes_on() {
        let slow = stream::unfold(0, |sent| async move {
            tokio::time::sleep(IDLE / 2).await;
            (sent < 5).then(|| (Ok::<_, BoxError>(Frame::data(Bytes::from("x"))), sent + 1))
        });
        let body = RequestBody::new(StreamBody::new(slow), &HeaderMap::new());
        assert_eq!(body.stream(IDLE).collect::<Vec<_>>().await.len(), 5);

        let never = stream::pending::<Result<Frame<Bytes>, BoxError>>();
        let begun = stream::iter([Ok(Frame::data(Bytes::from("x")))]).chain(never);
        let body = RequestBody::new(StreamBody::new(begun), &HeaderMap::new());
        let read: Vec<_> = body.stream(IDLE).collect().await;
        assert_eq!(read, [Ok(Bytes::from("x")), Err(BodyError::TooSlow)]);
    }

    #[tokio::test(start_paused = true)]
    async fn endless_empty_frames_are_too_slow() {
        let empty = stream::repeat_with(|| Ok::<_, BoxError>(Frame::data(Bytes::new())));
        let body = RequestBody::new(StreamBody::new(empty), &HeaderMap::new());
        let read: Vec<_> = body.stream(IDLE).collect().await;
        assert_eq!(read, [Err(BodyError::TooSlow)]);
        let empty = stream::repeat_with(|| Ok::<_, BoxError>(Frame::data(Bytes::new())));
        let body = RequestBody::new(StreamBody::new(empty), &HeaderMap::new());
        body.drain(DRAIN).await;
    }

    #[tokio::test]
    async fn what_a_reader_left_is_read_away() {
        let body = body(vec![Ok("ab"), Ok("cd"), Ok("ef")]);
        let mut stream = body.stream(IDLE);
        assert_eq!(stream.next().await, Some(Ok(Bytes::from("ab"))));
        drop(stream);
        body.drain(DRAIN).await;
        assert!(body.stream(IDLE).next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn reading_away_is_bounded_in_bytes_and_time() {
        let endless = stream::repeat_with(|| Ok::<_, BoxError>(Frame::data(Bytes::from("xxxx"))));
        RequestBody::new(StreamBody::new(endless), &HeaderMap::new())
            .drain(DRAIN)
            .await;
        let never = stream::pending::<Result<Frame<Bytes>, BoxError>>();
        let begin = Instant::now();
        RequestBody::new(StreamBody::new(never), &HeaderMap::new())
            .drain(DRAIN)
            .await;
        assert_eq!(begin.elapsed(), DRAIN.time);
    }

    #[tokio::test]
    async fn a_client_that_waits_for_leave_is_not_made_to_send() {
        let mut headers = HeaderMap::new();
        headers.insert(EXPECT, HeaderValue::from_static("100-Continue"));
        let body = RequestBody::new(frames(vec![Ok("ab")]), &headers);
        body.drain(DRAIN).await;
        assert_eq!(body.stream(IDLE).next().await, Some(Ok(Bytes::from("ab"))));
    }

    #[test]
    fn the_announced_length_is_the_transports() {
        let headers = HeaderMap::new();
        let whole = RequestBody::new(Full::new(Bytes::from("abc")), &headers);
        assert_eq!(whole.announced(), Some(3));
        assert_eq!(
            RequestBody::new(Empty::<Bytes>::new(), &headers).announced(),
            Some(0)
        );
        assert_eq!(body(vec![Ok("x")]).announced(), None);
    }
}
