//! Manifests, buffered: each up to the largest size, all together within one budget for those that are pushed and
//! one for those that are pulled.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use ecru_domain::Refusal;
use ecru_domain::manifest::{MAX_MANIFEST_BYTES, ManifestError};
use ecru_services::uploads::BodyError;
use futures_util::StreamExt as _;
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use super::RequestBody;
use crate::errors::{Code, Failure};

/// What one permit of the budget stands for, in bytes.
const UNIT: usize = 1_024;
/// How long a manifest may take before its rate counts.
const GRACE: Duration = Duration::from_secs(10);
/// The least average rate after that, in bytes a second.
const MINIMUM_RATE: u64 = 16 * 1_024;
/// The longest wait for a share of the budget.
const WAIT: Duration = Duration::from_secs(10);

/// Manifests up to this size are sent without asking for room: a connection holds as much anyway.
const FREE: usize = 64 * 1_024;

/// The memory that all manifests share while they are pushed, or while they are pulled.
#[derive(Clone)]
pub struct ManifestBudget {
    permits: Arc<Semaphore>,
}

/// A whole manifest. Dropping it gives its share of the budget back.
pub struct BufferedManifest {
    /// Its bytes.
    pub bytes: Bytes,
    _share: OwnedSemaphorePermit,
}

/// A share of the budget, given back when dropped.
pub struct Share(Option<OwnedSemaphorePermit>);

/// Bytes that hold a share.
struct Kept {
    bytes: Bytes,
    _share: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Share {
    /// The same bytes, which keep the share until the last of them has left.
    pub fn keep(self, bytes: Bytes) -> Bytes {
        match self.0 {
            None => bytes,
            Some(share) => Bytes::from_owner(Kept {
                bytes,
                _share: share,
            }),
        }
    }
}

impl ManifestBudget {
    /// A budget of so many bytes; never less than one manifest needs.
    pub fn new(bytes: usize) -> Self {
        let units = bytes.max(MAX_MANIFEST_BYTES).div_ceil(UNIT);
        Self {
            permits: Arc::new(Semaphore::new(units)),
        }
    }

    /// Reads a manifest to its end: refused with 413 if it is too large, 429 if the budget stays taken.
    pub async fn read(
        &self,
        body: &RequestBody,
        idle: Duration,
    ) -> Result<BufferedManifest, Failure> {
        let length = expected_length(body)?;
        let share = self.reserve(length).await?;
        let deadline = Instant::now() + GRACE + Duration::from_secs(length as u64 / MINIMUM_RATE);
        let collected = timeout_at(deadline, collect(body, idle)).await;
        let bytes = collected.unwrap_or_else(|_| Err(too_slow()))?;
        if body
            .announced()
            .is_some_and(|announced| announced != bytes.len() as u64)
        {
            return Err(Refusal::BodyIncomplete.into());
        }
        Ok(BufferedManifest {
            bytes,
            _share: share,
        })
    }

    /// A share for a manifest that is at hand, if there is room now.
    pub fn try_share(&self, length: usize) -> Option<Share> {
        if length <= FREE {
            return Some(Share(None));
        }
        let asked = Arc::clone(&self.permits).try_acquire_many_owned(units(length));
        asked.ok().map(|share| Share(Some(share)))
    }

    /// Waits for a share that any manifest fits into: refused with 429 if the budget stays taken.
    pub async fn share(&self) -> Result<Share, Failure> {
        let share = self.reserve(MAX_MANIFEST_BYTES).await?;
        Ok(Share(Some(share)))
    }

    async fn reserve(&self, length: usize) -> Result<OwnedSemaphorePermit, Failure> {
        let asked = Arc::clone(&self.permits).acquire_many_owned(units(length));
        match timeout(WAIT, asked).await {
            Ok(Ok(share)) => Ok(share),
            // the semaphore is never closed, so only the wait can have ended
            Ok(Err(_)) | Err(_) => Err(Failure::new(
                StatusCode::TOO_MANY_REQUESTS,
                Code::TooManyRequests,
                "Rate exceeded",
            )
            .with_header(RETRY_AFTER, HeaderValue::from_static("1"))),
        }
    }
}

fn units(length: usize) -> u32 {
    u32::try_from(length.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

/// The announced length, or the largest.
fn expected_length(body: &RequestBody) -> Result<usize, Failure> {
    match body.announced().map(usize::try_from) {
        None => Ok(MAX_MANIFEST_BYTES),
        Some(Ok(length)) if length <= MAX_MANIFEST_BYTES => Ok(length),
        Some(_) => Err(too_large()),
    }
}

async fn collect(body: &RequestBody, idle: Duration) -> Result<Bytes, Failure> {
    let mut stream = body.stream(idle);
    let Some(first) = stream.next().await else {
        return Ok(Bytes::new());
    };
    let first = first.map_err(broken)?;
    if body.announced() == Some(first.len() as u64) {
        return Ok(first);
    }
    let mut whole = BytesMut::from(first.as_ref());
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(broken)?;
        if whole.len() + piece.len() > MAX_MANIFEST_BYTES {
            return Err(too_large());
        }
        whole.extend_from_slice(&piece);
    }
    if whole.len() > MAX_MANIFEST_BYTES {
        return Err(too_large());
    }
    Ok(whole.freeze())
}

fn too_large() -> Failure {
    Refusal::ManifestInvalid(ManifestError::TooLarge).into()
}

fn too_slow() -> Failure {
    let message = "the request body came too slowly";
    Failure::new(StatusCode::REQUEST_TIMEOUT, Code::ManifestInvalid, message)
}

fn broken(error: BodyError) -> Failure {
    match error {
        BodyError::TooSlow => too_slow(),
        BodyError::Disconnected => Refusal::BodyIncomplete.into(),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http::HeaderMap;
    use http_body::Frame;
    use http_body_util::{Full, StreamBody};

    use super::*;

    const IDLE: Duration = Duration::from_secs(60);

    fn whole(length: usize) -> RequestBody {
        let bytes = Bytes::from(vec![b'x'; length]);
        RequestBody::new(Full::new(bytes), &HeaderMap::new())
    }

    fn pieces(length: usize, count: usize) -> RequestBody {
        let piece = Bytes::from(vec![b'x'; length]);
        let frames = std::iter::repeat_n(piece, count);
        let frames = frames.map(|piece| Ok::<_, std::convert::Infallible>(Frame::data(piece)));
        RequestBody::new(StreamBody::new(stream::iter(frames)), &HeaderMap::new())
    }

    #[tokio::test]
    async fn manifests_up_to_the_largest_size_are_read_whole() {
        let budget = ManifestBudget::new(0);
        for body in [
            whole(0),
            whole(1),
            whole(MAX_MANIFEST_BYTES),
            pieces(MAX_MANIFEST_BYTES / 4, 4),
            pieces(10, 3),
        ] {
            assert!(budget.read(&body, IDLE).await.is_ok());
        }
    }

    #[tokio::test]
    async fn larger_ones_are_refused_with_413() {
        let budget = ManifestBudget::new(0);
        let large = [
            whole(MAX_MANIFEST_BYTES + 1),
            pieces(MAX_MANIFEST_BYTES + 1, 1),
            pieces(MAX_MANIFEST_BYTES / 4, 5),
        ];
        for body in large {
            let failure = budget.read(&body, IDLE).await.err().unwrap();
            assert_eq!(failure.status(), StatusCode::PAYLOAD_TOO_LARGE);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_budget_bounds_what_is_held_at_once() {
        let budget = ManifestBudget::new(MAX_MANIFEST_BYTES);
        let held = budget.read(&whole(MAX_MANIFEST_BYTES), IDLE).await.unwrap();
        let refused = budget.read(&whole(1), IDLE).await.err().unwrap();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        drop(held);
        assert!(budget.read(&whole(1), IDLE).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_sent_keeps_its_share_until_the_last_byte_has_left() {
        let budget = ManifestBudget::new(MAX_MANIFEST_BYTES);
        let manifest = Bytes::from(vec![b'x'; MAX_MANIFEST_BYTES]);
        let share = budget.try_share(manifest.len()).unwrap();
        let mut sent = share.keep(manifest.clone());
        assert_eq!(sent, manifest);
        let last = sent.split_off(MAX_MANIFEST_BYTES - 1);
        drop(sent);
        assert!(budget.try_share(MAX_MANIFEST_BYTES).is_none());
        assert!(budget.try_share(FREE).is_some(), "small ones need no room");
        let refused = budget.share().await.err().unwrap();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        drop(last);
        assert!(budget.share().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_manifest_that_trickles_is_given_up() {
        let trickle = stream::unfold((), |()| async {
            tokio::time::sleep(IDLE / 2).await;
            Some((
                Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from("x"))),
                (),
            ))
        });
        let body = RequestBody::new(StreamBody::new(trickle), &HeaderMap::new());
        let failure = ManifestBudget::new(0)
            .read(&body, IDLE)
            .await
            .err()
            .unwrap();
        assert_eq!(failure.status(), StatusCode::REQUEST_TIMEOUT);
    }
}
