//! Reading away what a refused client still sends: on a connection that ends while the client writes, it would not
//! see the answer.

use std::pin::Pin;
use std::time::Duration;

use bytes::Buf as _;
use http::HeaderMap;
use http::header::EXPECT;
use http_body::Body;
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};

/// How much is read away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drain {
    bytes: u64,
    time: Duration,
}

impl Drain {
    /// Nothing: the client broke its connection, or takes too long.
    pub(crate) const NOTHING: Self = Self {
        bytes: 0,
        time: Duration::ZERO,
    };
    /// For who is not known: little.
    pub(crate) const STRANGER: Self = Self {
        bytes: 256 * 1_024,
        time: Duration::from_secs(1),
    };
    /// For who names a living access key: the longest body there is.
    pub(crate) const KNOWN: Self = Self {
        bytes: 32 * 1_024 * 1_024,
        time: Duration::from_secs(5),
    };

    /// Reads the rest of a body, or as much as is allowed. A client that waits for leave to send gets none.
    pub(crate) async fn apply<B: Body>(self, mut body: Pin<&mut B>, headers: &HeaderMap) {
        if self == Self::NOTHING || headers.contains_key(EXPECT) {
            return;
        }
        let deadline = Instant::now() + self.time;
        let mut read = 0;
        while read < self.bytes && !body.is_end_stream() {
            let Ok(Some(Ok(frame))) = timeout_at(deadline, body.frame()).await else {
                return;
            };
            // an empty frame counts as well, so that endless ones come to an end
            read += 1 + frame.data_ref().map_or(0, |data| data.remaining() as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use bytes::Bytes;
    use futures_util::stream;
    use http::HeaderValue;
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    async fn pieces_left(drain: Drain, headers: &HeaderMap) -> usize {
        let pieces = (0..40).map(|_| Ok::<_, ()>(Frame::data(Bytes::from(vec![0; 64 * 1_024]))));
        let mut body = pin!(StreamBody::new(stream::iter(pieces)));
        drain.apply(body.as_mut(), headers).await;
        let mut left = 0;
        while body.frame().await.is_some() {
            left += 1;
        }
        left
    }

    #[tokio::test]
    async fn a_stranger_is_listened_to_for_a_little_and_who_waits_not_at_all() {
        let plain = HeaderMap::new();
        assert_eq!(pieces_left(Drain::STRANGER, &plain).await, 36);
        assert_eq!(pieces_left(Drain::KNOWN, &plain).await, 0);
        assert_eq!(pieces_left(Drain::NOTHING, &plain).await, 40);
        let waiting = HeaderMap::from_iter([(EXPECT, HeaderValue::from_static("100-continue"))]);
        assert_eq!(pieces_left(Drain::KNOWN, &waiting).await, 40);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_pauses_is_left_in_time() {
        let mut body = pin!(StreamBody::new(
            stream::pending::<Result<Frame<Bytes>, ()>>()
        ));
        let begun = Instant::now();
        Drain::STRANGER
            .apply(body.as_mut(), &HeaderMap::new())
            .await;
        assert_eq!(begun.elapsed(), Duration::from_secs(1));
    }
}
