//! A body on loan, read with patience for so long and no longer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use ecru_services::uploads::BodyError;
use futures_util::Stream;
use http_body::Body as _;
use parking_lot::Mutex;
use tokio::time::{Instant, Sleep, sleep};

use super::{Incoming, Slot};

/// Frames without bytes are legal in HTTP/2, but endless ones would keep us busy for nothing.
const MAX_EMPTY_FRAMES: u32 = 1_000;

/// Streams a body; gives it back to its slot when dropped before its end.
pub(super) struct PacedBody {
    slot: Arc<Mutex<Slot>>,
    body: Option<Incoming>,
    clock: IdleClock,
    empty_frames: u32,
}

impl PacedBody {
    /// Takes the body out of its slot.
    pub(super) fn borrow(slot: &Arc<Mutex<Slot>>, idle: Duration) -> Self {
        Self {
            body: slot.lock().body.take(),
            slot: Arc::clone(slot),
            clock: IdleClock::new(idle),
            empty_frames: 0,
        }
    }

    /// Ends the body: what broke is not given back.
    fn fail(&mut self, error: BodyError) -> Poll<Option<Result<Bytes, BodyError>>> {
        self.body = None;
        Poll::Ready(Some(Err(error)))
    }
}

impl Stream for PacedBody {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            let Some(body) = &mut this.body else {
                return Poll::Ready(None);
            };
            let frame = match Pin::new(body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => frame,
                Poll::Ready(Some(Err(_))) => return this.fail(BodyError::Disconnected),
                Poll::Ready(None) => {
                    this.body = None;
                    return Poll::Ready(None);
                }
                Poll::Pending if this.clock.is_over(cx) => return this.fail(BodyError::TooSlow),
                Poll::Pending => return Poll::Pending,
            };
            if let Some(bytes) = frame.into_data().ok().filter(|bytes| !bytes.is_empty()) {
                this.clock.restart();
                this.empty_frames = 0;
                return Poll::Ready(Some(Ok(bytes)));
            }
            this.empty_frames += 1;
            if this.empty_frames > MAX_EMPTY_FRAMES {
                return this.fail(BodyError::TooSlow);
            }
        }
    }
}

impl Drop for PacedBody {
    fn drop(&mut self) {
        let mut slot = self.slot.lock();
        slot.was_read = true;
        if let Some(body) = self.body.take() {
            slot.body = Some(body);
        }
    }
}

/// Measures a pause. Its timer is armed once for many frames, not for each.
struct IdleClock {
    idle: Duration,
    since: Instant,
    timer: Pin<Box<Sleep>>,
}

impl IdleClock {
    fn new(idle: Duration) -> Self {
        Self {
            idle,
            since: Instant::now(),
            timer: Box::pin(sleep(idle)),
        }
    }

    fn restart(&mut self) {
        self.since = Instant::now();
    }

    /// Whether the pause is too long; if not, wakes the task when it may be.
    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        while self.timer.as_mut().poll(cx).is_ready() {
            let due = self.since + self.idle;
            if Instant::now() >= due {
                return true;
            }
            self.timer.as_mut().reset(due);
        }
        false
    }
}
