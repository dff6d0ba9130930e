//! Uploads over HTTP/2 when the server is asked to end.

use std::convert::Infallible;

use bytes::Bytes;
use ecru_server::configuration::meaning::HttpLimits;
use futures_util::StreamExt as _;
use futures_util::stream::poll_fn;
use http::{Request, Response, StatusCode};
use http_body_util::StreamBody;
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::{LIMITS, PATIENCE, Running, start};

/// An upload of which half has been sent.
struct Upload {
    pieces: UnboundedSender<Bytes>,
    answer: JoinHandle<hyper::Result<Response<Incoming>>>,
}

async fn begin(server: &Running) -> Upload {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    let (pieces, mut waiting) = unbounded_channel();
    let frames = poll_fn(move |context| waiting.poll_recv(context));
    let body = StreamBody::new(frames.map(|bytes| Ok::<_, Infallible>(Frame::data(bytes))));
    let request = Request::put("http://localhost/upload").body(body).unwrap();
    let answer = tokio::spawn(async move { sender.send_request(request).await });
    pieces.send(Bytes::from_static(b"half")).unwrap();
    server.stage.entered.notified().await;
    Upload { pieces, answer }
}

#[tokio::test]
async fn the_end_lets_a_running_upload_finish() {
    let limits = HttpLimits {
        shutdown_grace: PATIENCE,
        ..LIMITS
    };
    let server = start(limits, None);
    let Upload { pieces, answer } = begin(&server).await;
    server.ending.cancel();
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    pieces.send(Bytes::from_static(b"the rest")).unwrap();
    drop(pieces);
    let answer = timeout(PATIENCE, answer).await.unwrap().unwrap();
    assert_eq!(answer.unwrap().status(), StatusCode::OK);
    timeout(PATIENCE, server.done).await.unwrap().unwrap();
}

#[tokio::test]
async fn an_upload_that_outlasts_the_grace_is_cut_and_not_acknowledged() {
    let server = start(LIMITS, None);
    let Upload { pieces, answer } = begin(&server).await;
    server.ending.cancel();
    let noticed = timeout(PATIENCE, server.stage.body_failed.notified());
    noticed.await.unwrap();
    timeout(PATIENCE, server.done).await.unwrap().unwrap();
    let answer = timeout(PATIENCE, answer).await.unwrap().unwrap();
    assert!(!answer.is_ok_and(|answer| answer.status().is_success()));
    drop(pieces);
}
