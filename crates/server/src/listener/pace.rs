//! Holds clients to a pace: a socket that fails when its client keeps a connection without using it.
//!
//! ```text
//!            first byte of a head           head complete
//! idle ──────────────────────────▶ head ──────────────────▶ busy ──┐
//!  ▲  idle timeout                  header timeout          no     │ answer sent
//!  └───────────────────────────────────────────────────────────────┘
//! ```
//!
//! While busy, the gateways watch how fast a body comes; here a client that stops reading its answer is dropped
//! after the idle timeout. HTTP/2 has no heads to wait for: there the idle timeout alone counts.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// For the rest of a head once its first byte has come; `None` where heads cannot be told from other bytes.
    pub(crate) head: Option<Duration>,
    /// For the next request, and for reading an answer.
    pub(crate) idle: Duration,
}

/// What the requests of a connection tell its socket.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    begun: AtomicU64,
    in_flight: AtomicU32,
    is_cut: AtomicBool,
}

impl Activity {
    /// Marks a request as in flight until the guard is dropped, after the last byte of its answer.
    pub(crate) fn begin(self: &Arc<Self>) -> InFlight {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(self))
    }

    /// Makes reads and writes fail from now on, so that requests in flight end as if the client had gone. Flushing
    /// still succeeds: a connection that fails to flush is dropped at once, with the request that is just putting
    /// away what it received.
    pub(crate) fn cut(&self) {
        self.is_cut.store(true, Ordering::Relaxed);
    }

    fn refuse_if_cut(&self) -> io::Result<()> {
        if self.is_cut.load(Ordering::Relaxed) {
            Err(io::ErrorKind::ConnectionAborted.into())
        } else {
            Ok(())
        }
    }
}

/// A request in flight.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Activity>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Head,
    Busy,
}

/// A socket whose client is held to a [`Pace`].
pub(crate) struct Paced<S> {
    socket: S,
    activity: Arc<Activity>,
    pace: Pace,
    /// The requests begun when the current phase was entered.
    begun: u64,
    phase: Option<Phase>,
    read_alarm: Pin<Box<Sleep>>,
    write_alarm: Option<Pin<Box<Sleep>>>,
}

impl<S> Paced<S> {
    /// Wraps a socket.
    pub(crate) fn new(socket: S, activity: Arc<Activity>, pace: Pace) -> Self {
        let read_alarm = Box::pin(tokio::time::sleep(pace.idle));
        Self {
            socket,
            activity,
            pace,
            begun: 0,
            phase: None,
            read_alarm,
            write_alarm: None,
        }
    }

    /// Enters the phase that the activity says, and sets the alarm that ends it.
    fn follow(&mut self, bytes_came: bool) {
        let begun = self.activity.begun.load(Ordering::Relaxed);
        let is_same = begun == self.begun;
        let phase = if self.activity.in_flight.load(Ordering::Relaxed) > 0 {
            Phase::Busy
        } else if bytes_came || (is_same && self.phase == Some(Phase::Head)) {
            Phase::Head
        } else {
            Phase::Idle
        };
        if is_same && self.phase == Some(phase) {
            return;
        }
        (self.begun, self.phase) = (begun, Some(phase));
        let limit = match phase {
            Phase::Idle => Some(self.pace.idle),
            Phase::Head => self.pace.head,
            Phase::Busy => None,
        };
        if let Some(limit) = limit {
            self.read_alarm.as_mut().reset(Instant::now() + limit);
        }
    }

    /// Whether the client has taken too long to send what the phase waits for.
    fn is_overdue(&mut self, context: &mut Context<'_>) -> bool {
        self.phase != Some(Phase::Busy) && self.read_alarm.as_mut().poll(context).is_ready()
    }

    /// Passes the outcome of a write on, unless the client has not read for too long.
    fn watch_write<T>(
        &mut self,
        outcome: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.write_alarm = None;
            return outcome;
        }
        let idle = self.pace.idle;
        let alarm = self
            .write_alarm
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
        ready!(alarm.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.activity.refuse_if_cut()?;
        this.follow(false);
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut this.socket).poll_read(context, buffer);
        if outcome.is_ready() {
            this.follow(buffer.filled().len() > before);
            return outcome;
        }
        if this.is_overdue(context) {
            Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
        } else {
            Poll::Pending
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.activity.refuse_if_cut()?;
        let outcome = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.watch_write(outcome, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.activity.refuse_if_cut()?;
        let outcome = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.watch_write(outcome, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.socket).poll_flush(context);
        self.watch_write(outcome, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.socket).poll_shutdown(context);
        self.watch_write(outcome, context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    use super::*;

    const PACE: Pace = Pace {
        head: Some(Duration::from_secs(15)),
        idle: Duration::from_secs(75),
    };

    fn paced(pace: Pace) -> (DuplexStream, Paced<DuplexStream>, Arc<Activity>) {
        let (client, server) = duplex(16);
        let activity = Arc::new(Activity::default());
        (
            client,
            Paced::new(server, Arc::clone(&activity), pace),
            activity,
        )
    }

    async fn fails_after(socket: &mut Paced<DuplexStream>) -> Duration {
        let begun = Instant::now();
        let error = socket.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_requests_ends_after_the_idle_timeout() {
        let (_client, mut socket, _) = paced(PACE);
        assert!(fails_after(&mut socket).await.abs_diff(PACE.idle) < Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_trickles_in_ends_after_the_header_timeout() {
        let (mut client, mut socket, _) = paced(PACE);
        let trickle = tokio::spawn(async move {
            while client.write_u8(b'x').await.is_ok() {
                tokio::time::sleep(Duration::from_secs(4)).await;
            }
        });
        let begun = Instant::now();
        while socket.read_u8().await.is_ok() {}
        assert!(begun.elapsed().abs_diff(Duration::from_secs(15)) < Duration::from_secs(1));
        drop(socket);
        trickle.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_in_flight_may_take_its_time_and_the_next_is_waited_for_afresh() {
        let (mut client, mut socket, activity) = paced(PACE);
        client.write_u8(b'x').await.unwrap();
        socket.read_u8().await.unwrap();
        let request = activity.begin();
        let reading = tokio::time::timeout(Duration::from_hours(1), socket.read_u8());
        assert!(reading.await.is_err(), "a busy connection was ended");
        drop(request);
        assert!(fails_after(&mut socket).await.abs_diff(PACE.idle) < Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_its_answer_is_dropped() {
        let (_client, mut socket, activity) = paced(PACE);
        let _request = activity.begin();
        let begun = Instant::now();
        let error = socket.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed().abs_diff(PACE.idle) < Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn without_heads_the_idle_timeout_counts_from_the_last_request() {
        let (mut client, mut socket, _) = paced(Pace { head: None, ..PACE });
        client.write_u8(b'x').await.unwrap();
        socket.read_u8().await.unwrap();
        assert!(fails_after(&mut socket).await.abs_diff(PACE.idle) < Duration::from_secs(1));
    }

    #[tokio::test]
    async fn a_cut_connection_neither_reads_nor_writes_but_lets_its_request_end() {
        let (_client, mut socket, activity) = paced(PACE);
        activity.cut();
        socket.flush().await.unwrap();
        assert_eq!(
            socket.read_u8().await.unwrap_err().kind(),
            io::ErrorKind::ConnectionAborted
        );
        assert_eq!(
            socket.write_u8(0).await.unwrap_err().kind(),
            io::ErrorKind::ConnectionAborted
        );
    }
}
