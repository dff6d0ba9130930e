//! Uploads over HTTP/2 while the server ends: what was acknowledged is there when it starts again.

use std::convert::Infallible;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::poll_fn;
use http::{Request, Response};
use http_body_util::StreamBody;
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use crate::server::{Home, Running};
use crate::{create_repository, digest, token};

/// More than the server gathers before it writes.
const PIECE: usize = 1_000_000;

/// A chunk on its way: sends pieces, and tells the answer once the sender is dropped.
struct Chunk {
    pieces: UnboundedSender<Bytes>,
    answer: JoinHandle<hyper::Result<Response<Incoming>>>,
}

async fn patch(server: &Running<'_>, place: &str, token: &str) -> Chunk {
    let stream = TcpStream::connect(("127.0.0.1", server.port))
        .await
        .unwrap();
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    let (pieces, mut waiting) = unbounded_channel();
    let frames = poll_fn(move |context| waiting.poll_recv(context));
    let body = StreamBody::new(frames.map(|bytes| Ok::<_, Infallible>(Frame::data(bytes))));
    let (_, credentials) = token.split_once(": ").unwrap();
    let request = Request::patch(format!("http://localhost:{}{place}", server.port))
        .header("authorization", credentials)
        .body(body)
        .unwrap();
    let answer = tokio::spawn(async move { sender.send_request(request).await });
    Chunk { pieces, answer }
}

/// How many bytes an upload holds.
fn received(server: &Running<'_>, place: &str, token: &str) -> usize {
    let answer = server.http("GET", place, &[token], b"");
    assert_eq!(answer.status, 204, "{}", answer.text());
    let range = answer.header("range");
    range.split_once('-').unwrap().1.parse::<usize>().unwrap() + 1
}

/// Files of segments: a request makes one when its first whole frame has come.
fn segments(directory: &Path) -> usize {
    let shards = fs::read_dir(directory).unwrap();
    let files = shards.map(|shard| fs::read_dir(shard.unwrap().path()).unwrap().count());
    files.sum()
}

/// Ends the server in the middle of the second of two chunks, which then ends if `finishes`, and completes the upload
/// after a new start. Returns how many bytes were there.
async fn end_within_an_upload(grace: &str, finishes: bool) -> usize {
    let home = Home::new();
    let content: Vec<u8> = (0..=250).cycle().take(3 * PIECE).collect();
    let piece = |n: usize| Bytes::copy_from_slice(&content[n * PIECE..][..PIECE]);
    let mut server = Running::start_with(&home, &["--shutdown-grace", grace]);
    create_repository(&server, "app");
    let token = token(&server);
    let begun = server.http("POST", "/v2/app/blobs/uploads/", &[&token], b"");
    let place = begun.header("location");
    let first = patch(&server, &place, &token).await;
    first.pieces.send(piece(0)).unwrap();
    drop(first.pieces);
    assert_eq!(first.answer.await.unwrap().unwrap().status(), 202);
    let second = patch(&server, &place, &token).await;
    second.pieces.send(piece(1)).unwrap();
    while segments(&home.path().join("data/blobs/objects")) < 2 {
        tokio::task::yield_now().await;
    }
    server.ask_to_end();
    while !server.told().contains("asked to end") {
        tokio::task::yield_now().await;
    }
    if finishes {
        second.pieces.send(piece(2)).unwrap();
        drop(second.pieces);
        assert_eq!(second.answer.await.unwrap().unwrap().status(), 202);
    } else {
        let answer = second.answer.await.unwrap();
        assert!(!answer.is_ok_and(|answer| answer.status().is_success()));
    }
    assert_eq!(server.wait(), Some(0));
    let server = Running::start(&home, &[]);
    let there = received(&server, &place, &token);
    let name = digest(&content);
    let end = format!("{place}?digest={name}");
    let completed = server.http("PUT", &end, &[&token], &content[there..]);
    assert_eq!(completed.status, 201, "{}", completed.text());
    let pulled = server.http("GET", &format!("/v2/app/blobs/{name}"), &[&token], b"");
    assert!(pulled.body == content, "the layer is another");
    there
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_ends_within_the_grace_is_acknowledged_and_there() {
    assert_eq!(end_within_an_upload("1m", true).await, 3 * PIECE);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_cut_goes_on_where_its_last_durable_byte_was() {
    let there = end_within_an_upload("0s", false).await;
    assert!((PIECE..=2 * PIECE).contains(&there), "{there}");
}
