//! Request bodies, read into one bounded amount of memory.
//!
//! API bodies must be whole before their signature can be checked, so whoever sends them decides how much memory
//! is held. Three limits answer that: each operation has its own length, all bodies together have one budget that
//! is reserved before a byte is read, and a body that comes too slowly gives its reservation back.
//!
//! The budget has two lanes, so that a few slow layer parts cannot hold up the small requests.

mod buffer;

use std::error::Error;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http_body::Body;
use http_body_util::BodyExt;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::exception::Exception;
use crate::protocol::Protocol;
use crate::sigv4::PayloadHash;
use buffer::Buffer;

/// Bodies whose limit is at most this long take the small lane.
const SMALL_BODY: usize = 256 * 1_024;
const SMALL_LANE_SHARE: usize = 12;
const MAX_EMPTY_FRAMES: u32 = 1_000;

/// The memory that all buffered bodies share.
pub struct BodyBudget {
    small: Lane,
    large: Lane,
}

/// One part of the budget, counted in KiB.
#[derive(Clone)]
struct Lane {
    permits: Arc<Semaphore>,
    bytes: usize,
}

impl Lane {
    fn new(bytes: usize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(bytes / 1_024)),
            bytes,
        }
    }
}

/// How fast a body must come.
#[derive(Clone, Copy, Debug)]
pub struct BodyPace {
    /// The longest pause between two pieces.
    pub idle: Duration,
    /// How long a body may take before its rate counts.
    pub grace: Duration,
    /// The least average rate after that, in bytes per second.
    pub minimum_rate: u32,
    /// The longest wait for a share of the budget.
    pub wait: Duration,
}

impl Default for BodyPace {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(20),
            grace: Duration::from_secs(10),
            minimum_rate: 16 * 1_024,
            wait: Duration::from_secs(10),
        }
    }
}

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// Longer than the operation takes, or than announced.
    #[error("the request body is longer than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// Ended before its announced length.
    #[error("the request body ended early")]
    Truncated,
    /// Came slower than [`BodyPace`] asks for.
    #[error("the request body came too slowly")]
    TooSlow,
    /// The budget was taken for longer than [`BodyPace::wait`].
    #[error("too many request bodies at once")]
    Busy,
    /// The connection failed.
    #[error("the request body could not be read")]
    Transport(#[source] Box<dyn Error + Send + Sync>),
}

impl BodyError {
    /// The error as clients expect it. `Busy` has a status that SDKs try again.
    pub fn to_exception(&self, protocol: Protocol) -> Exception {
        let (json, query, status) = match self {
            Self::TooLarge { .. } => (
                "RequestEntityTooLargeException",
                "RequestEntityTooLarge",
                StatusCode::PAYLOAD_TOO_LARGE,
            ),
            Self::Truncated | Self::Transport(_) => (
                "SerializationException",
                "IncompleteBody",
                StatusCode::BAD_REQUEST,
            ),
            Self::TooSlow => (
                "RequestTimeoutException",
                "RequestTimeout",
                StatusCode::REQUEST_TIMEOUT,
            ),
            Self::Busy => (
                "ServiceUnavailableException",
                "ServiceUnavailable",
                StatusCode::SERVICE_UNAVAILABLE,
            ),
        };
        let code = match protocol {
            Protocol::AwsJson => json,
            Protocol::AwsQuery => query,
        };
        Exception::new(code, self.to_string()).with_status(status)
    }
}

/// A whole body. Dropping it gives its share of the budget back.
pub struct BufferedBody {
    bytes: Vec<u8>,
    hash: PayloadHash,
    reservation: buffer::Reservation,
}

impl BufferedBody {
    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// The SHA-256 of the bytes, computed while they came in.
    pub fn hash(&self) -> &PayloadHash {
        &self.hash
    }

    /// Frees the bytes and keeps a share of the budget, at most as much as they had, for what was made of them.
    pub fn into_share(self, kept_bytes: usize) -> BodyShare {
        let mut reservation = self.reservation;
        reservation.shrink_to(kept_bytes);
        BodyShare(reservation)
    }
}

/// A share of the budget without a body. Dropping it gives it back.
pub struct BodyShare(#[expect(dead_code, reason = "held, never looked at")] buffer::Reservation);

impl BodyBudget {
    /// A budget of so many bytes, counted in whole KiB; a twelfth of it is kept for small requests.
    pub fn new(total_bytes: usize) -> Self {
        let small = total_bytes / SMALL_LANE_SHARE;
        Self {
            small: Lane::new(small),
            large: Lane::new(total_bytes - small),
        }
    }

    /// A budget of so many bytes for small requests alone.
    pub fn of_small(total_bytes: usize) -> Self {
        Self {
            small: Lane::new(total_bytes),
            large: Lane::new(0),
        }
    }

    /// The bytes that nobody holds now.
    pub fn available(&self) -> usize {
        (self.small.permits.available_permits() + self.large.permits.available_permits()) * 1_024
    }

    /// Reads a body to its end.
    ///
    /// The caller has prechecked the signature, or reads with a budget for strangers. A body that announces its length gets
    /// all its memory before the first byte is read; any other one in growing steps. Cancel-safe: dropping the
    /// future gives everything back.
    ///
    /// # Errors
    /// Each [`BodyError`] as it says.
    pub async fn read<B>(
        &self,
        body: B,
        max_bytes: usize,
        pace: &BodyPace,
    ) -> Result<BufferedBody, BodyError>
    where
        B: Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let lane = if max_bytes <= SMALL_BODY {
            &self.small
        } else {
            &self.large
        };
        let limit = max_bytes.min(lane.bytes);
        let announced = announced_length(&body, limit)?;
        let mut buffer = Buffer::reserve(lane, announced, limit, pace.wait).await?;
        let mut body = pin!(body);
        let mut clock = PaceClock::start(pace);
        while let Some(frame) = clock.next(body.frame(), buffer.len()).await? {
            let frame = frame.map_err(|e| BodyError::Transport(e.into()))?;
            if let Ok(data) = frame.into_data() {
                let before = Instant::now();
                buffer.push(data, pace.wait).await?;
                clock.forgive(before.elapsed());
            }
        }
        buffer.finish(announced)
    }
}

fn announced_length<B: Body>(body: &B, limit: usize) -> Result<Option<usize>, BodyError> {
    let hint = body.size_hint();
    if hint.lower() > limit as u64 {
        return Err(BodyError::TooLarge { limit });
    }
    Ok(hint.exact().and_then(|length| usize::try_from(length).ok()))
}

/// Measures a body against its [`BodyPace`].
struct PaceClock<'a> {
    pace: &'a BodyPace,
    started: Instant,
    received: usize,
    empty_frames: u32,
}

impl<'a> PaceClock<'a> {
    fn start(pace: &'a BodyPace) -> Self {
        Self {
            pace,
            started: Instant::now(),
            received: 0,
            empty_frames: 0,
        }
    }

    /// Waits for the next piece, given how many bytes there are already.
    async fn next<F: Future>(&mut self, piece: F, received: usize) -> Result<F::Output, BodyError> {
        self.refuse_idle_frames(received)?;
        let rate = u64::from(self.pace.minimum_rate.max(1));
        let earned = Duration::from_millis(received as u64 * 1_000 / rate);
        let due = self.started + self.pace.grace + earned;
        let now = Instant::now();
        if now > due {
            return Err(BodyError::TooSlow);
        }
        timeout_at(due.min(now + self.pace.idle), piece)
            .await
            .map_err(|_| BodyError::TooSlow)
    }

    /// Frames without bytes are legal in HTTP/2, but endless ones would keep us busy for nothing.
    fn refuse_idle_frames(&mut self, received: usize) -> Result<(), BodyError> {
        if received > self.received {
            self.received = received;
            self.empty_frames = 0;
            return Ok(());
        }
        self.empty_frames += 1;
        if self.empty_frames > MAX_EMPTY_FRAMES {
            Err(BodyError::TooSlow)
        } else {
            Ok(())
        }
    }

    /// Time spent waiting for the budget is not the client's.
    fn forgive(&mut self, waited: Duration) {
        self.started += waited;
    }
}
