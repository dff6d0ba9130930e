//! One connection from its first byte to its last: handshake, HTTP version, requests, end.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::pace::{Activity, Pace, Paced};
use super::{Peer, Shared, misdirected};
use crate::front::{Answer, Application};

/// The longest head of a request, in bytes. Tokens fill at most 2 KiB of it.
const LONGEST_HEAD: usize = 32 * 1_024;
const MOST_HEADERS: usize = 100;
/// How much of an upload one read may take: large reads make hashing and sealing cheap.
const READ_BUFFER: usize = 512 * 1_024;
/// The same where many connections share the memory: 64 uploads at once stay below 128 MiB.
const CROWDED_READ_BUFFER: usize = 96 * 1_024;
/// Connections that read in large steps; those that come later read in small ones.
const ROOMY_CONNECTIONS: i64 = 8;
const STREAM_WINDOW: u32 = 4 * 1_024 * 1_024;
const CONNECTION_WINDOW: u32 = 16 * 1_024 * 1_024;
const MOST_STREAMS: u32 = 128;
/// How long requests may take to notice that their connection was cut.
const CUT_PATIENCE: Duration = Duration::from_secs(3);
/// How HTTP/2 begins where no handshake has settled the version; no HTTP/1 method begins so.
const HTTP2_OPENING: &[u8] = b"PRI ";
const OPENING_STEP: Duration = Duration::from_millis(20);

/// Serves a connection to its end.
pub(super) async fn serve<A: Application>(
    stream: TcpStream,
    address: SocketAddr,
    shared: Arc<Shared<A>>,
) {
    let outcome = match &shared.tls {
        None => serve_plain(stream, address, &shared).await,
        Some(tls) => serve_encrypted(stream, address, tls.acceptor(), &shared).await,
    };
    if let Err(error) = outcome {
        tracing::debug!(peer = %address, %error, "connection ended early");
    }
}

async fn serve_encrypted<A: Application>(
    mut stream: TcpStream,
    address: SocketAddr,
    acceptor: TlsAcceptor,
    shared: &Arc<Shared<A>>,
) -> Result<(), BoxedError> {
    let handshake = async {
        if misdirected::is_plain_http(&stream).await? {
            misdirected::refuse(&mut stream).await?;
            return Ok(None);
        }
        acceptor.accept(stream).await.map(Some)
    };
    let Some(stream) = timeout(shared.limits.header_timeout, handshake).await?? else {
        return Ok(());
    };
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let peer = Peer {
        address,
        is_tls: true,
    };
    speak(stream, is_http2, peer, shared).await
}

async fn serve_plain<A: Application>(
    stream: TcpStream,
    address: SocketAddr,
    shared: &Arc<Shared<A>>,
) -> Result<(), BoxedError> {
    timeout(shared.limits.idle_timeout, stream.readable()).await??;
    let is_http2 = timeout(shared.limits.header_timeout, begins_http2(&stream)).await??;
    speak(
        stream,
        is_http2,
        Peer {
            address,
            is_tls: false,
        },
        shared,
    )
    .await
}

type BoxedError = Box<dyn std::error::Error + Send + Sync>;

/// Looks at the first bytes without taking them.
async fn begins_http2(stream: &TcpStream) -> io::Result<bool> {
    let mut opening = [0; HTTP2_OPENING.len()];
    loop {
        let seen = stream.peek(&mut opening).await?;
        if seen == 0 || !HTTP2_OPENING.starts_with(&opening[..seen]) {
            return Ok(false);
        }
        if seen == opening.len() {
            return Ok(true);
        }
        // a few bytes of POST, PUT or PATCH look like it: the rest comes soon, or the caller gives up
        tokio::time::sleep(OPENING_STEP).await;
    }
}

async fn speak<S, A>(
    stream: S,
    is_http2: bool,
    peer: Peer,
    shared: &Arc<Shared<A>>,
) -> Result<(), BoxedError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Application,
{
    let activity = Arc::new(Activity::default());
    let head = (!is_http2).then_some(shared.limits.header_timeout);
    let pace = Pace {
        head,
        idle: shared.limits.idle_timeout,
    };
    let io = TokioIo::new(Paced::new(stream, Arc::clone(&activity), pace));
    let (front, in_flight) = (Arc::clone(&shared.front), Arc::clone(&activity));
    let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
        let front = Arc::clone(&front);
        let guard = in_flight.begin();
        async move {
            // a connection keeps room for its service's future even while it is idle: keep that small
            let answer = Box::pin(front.answer(request, peer, guard)).await;
            Ok::<http::Response<Answer>, std::convert::Infallible>(answer)
        }
    });
    if is_http2 {
        let connection = http2_builder().serve_connection(io, service);
        drive(pin!(connection), &activity, shared, |connection| {
            connection.graceful_shutdown();
        })
        .await
    } else {
        let connection = http1_builder(shared).serve_connection(io, service);
        drive(pin!(connection), &activity, shared, |connection| {
            connection.graceful_shutdown();
        })
        .await
    }
}

/// Polls a connection until it ends, is asked to end, and at last is cut.
async fn drive<C, A>(
    mut connection: Pin<&mut C>,
    activity: &Activity,
    shared: &Shared<A>,
    finish: impl FnOnce(Pin<&mut C>),
) -> Result<(), BoxedError>
where
    C: Future<Output = hyper::Result<()>>,
{
    tokio::select! {
        outcome = connection.as_mut() => return outcome.map_err(Into::into),
        () = shared.ending.cancelled() => finish(connection.as_mut()),
    }
    tokio::select! {
        outcome = connection.as_mut() => return outcome.map_err(Into::into),
        () = shared.cutting.cancelled() => activity.cut(),
    }
    timeout(CUT_PATIENCE, connection).await?.map_err(Into::into)
}

fn http1_builder<A>(shared: &Shared<A>) -> http1::Builder {
    let limits = &shared.limits;
    let is_crowded = shared.metrics.open_connections() > ROOMY_CONNECTIONS;
    let read_buffer = if is_crowded {
        CROWDED_READ_BUFFER
    } else {
        READ_BUFFER
    };
    // the socket ends idle connections before; with a timeout of its own, hyper looks at the socket between requests
    let longest = limits.idle_timeout + limits.header_timeout;
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(longest)
        .max_header_size(LONGEST_HEAD)
        .max_headers(MOST_HEADERS)
        .max_buf_size(read_buffer);
    builder
}

fn http2_builder() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(u32::try_from(LONGEST_HEAD).unwrap_or(u32::MAX));
    builder
}
