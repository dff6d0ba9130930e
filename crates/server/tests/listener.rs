//! The listener on a real socket: ids, limits of time, size and number, panics, HTTP versions, TLS, the end.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "clippy takes what tests share for program text"
)]

#[path = "listener/client.rs"]
mod client;
#[path = "listener/framing.rs"]
mod framing;
#[path = "listener/http2.rs"]
mod http2;
#[path = "listener/tls.rs"]
mod tls;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use client::Client;
use ecru_server::configuration::meaning::HttpLimits;
use ecru_server::front::{AnswerBody, Application, Front, RequestBody, Visit, json, whole};
use ecru_server::listener::Listener;
use ecru_server::listener::tls::Tls;
use ecru_server::metrics::Metrics;
use ecru_server::outside::RandomIds;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const LIMITS: HttpLimits = HttpLimits {
    header_timeout: Duration::from_millis(400),
    idle_timeout: Duration::from_millis(1_200),
    shutdown_grace: Duration::from_millis(300),
    max_connections: 64,
};

/// Longer than anything here takes, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(20);

/// Answers by path, so that each test can ask for what it looks at.
#[derive(Clone, Default)]
struct Stage {
    entered: Arc<Notify>,
    released: Arc<Notify>,
    body_failed: Arc<Notify>,
    put_away: Arc<Notify>,
}

impl Application for Stage {
    async fn answer(&self, request: Request<RequestBody>, visit: Visit) -> Response<AnswerBody> {
        match request.uri().path() {
            "/panic" => panic!("on purpose"),
            "/wait" => {
                self.entered.notify_one();
                self.released.notified().await;
                json(StatusCode::OK, "{}")
            }
            "/upload" => {
                let mut body = request.into_body();
                self.entered.notify_one();
                while let Some(frame) = body.frame().await {
                    if frame.is_err() {
                        self.body_failed.notify_one();
                        self.released.notified().await;
                        self.put_away.notify_one();
                        break;
                    }
                }
                json(StatusCode::OK, "{}")
            }
            _ => {
                let text = format!("{} {}", visit.request_id, visit.peer.is_tls);
                Response::new(whole(Bytes::from(text)))
            }
        }
    }
}

struct Running {
    address: SocketAddr,
    stage: Stage,
    metrics: Arc<Metrics>,
    ending: CancellationToken,
    done: JoinHandle<()>,
}

fn start(limits: HttpLimits, tls: Option<Arc<Tls>>) -> Running {
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.address().unwrap();
    let (stage, metrics, ending) = (Stage::default(), Metrics::new(), CancellationToken::new());
    let ids = Arc::new(RandomIds::default());
    let front = Front::new(stage.clone(), ids, Arc::clone(&metrics));
    let done = tokio::spawn(listener.run(front, tls, limits, ending.clone()));
    Running {
        address,
        stage,
        metrics,
        ending,
        done,
    }
}

#[tokio::test]
async fn every_answer_has_a_date_and_an_id_of_its_own() {
    let server = start(LIMITS, None);
    let mut client = Client::connect(server.address).await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        let answer = client.get("/").await;
        assert_eq!(answer.status, 200);
        assert!(answer.headers.contains_key("date"));
        let id = answer.header("x-amzn-requestid");
        assert_eq!(answer.body, format!("{id} false"));
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        seen.push(id);
    }
    assert_ne!(seen[0], seen[1]);
}

#[tokio::test]
async fn a_panic_costs_its_own_request_and_nothing_else() {
    let server = start(LIMITS, None);
    let mut client = Client::connect(server.address).await;
    let answer = client.get("/panic").await;
    assert_eq!(answer.status, 500);
    assert!(!answer.body.contains("purpose"));
    assert!(!answer.header("x-amzn-requestid").is_empty());
    assert_eq!(client.get("/").await.status, 200);
}

#[tokio::test]
async fn a_head_that_does_not_end_closes_the_connection() {
    let server = start(LIMITS, None);
    for opening in ["GET / HTTP/1.1\r\nhost:", "P", "PRI "] {
        let mut client = Client::connect(server.address).await;
        client.send(opening.as_bytes()).await;
        let begun = Instant::now();
        client.expect_close().await;
        assert!(begun.elapsed() >= LIMITS.header_timeout / 2, "{opening}");
    }
}

#[tokio::test]
async fn a_connection_that_asks_nothing_is_closed() {
    let server = start(LIMITS, None);
    let mut silent = Client::connect(server.address).await;
    let mut kept = Client::connect(server.address).await;
    assert_eq!(kept.get("/").await.status, 200);
    let begun = Instant::now();
    silent.expect_close().await;
    kept.expect_close().await;
    assert!(begun.elapsed() >= LIMITS.idle_timeout / 2);
}

#[tokio::test]
async fn a_request_may_take_longer_than_the_timeouts() {
    let server = start(LIMITS, None);
    let mut client = Client::connect(server.address).await;
    let (entered, released) = (server.stage.entered.clone(), server.stage.released.clone());
    let release = tokio::spawn(async move {
        entered.notified().await;
        tokio::time::sleep(LIMITS.idle_timeout + LIMITS.header_timeout).await;
        released.notify_one();
    });
    assert_eq!(client.get("/wait").await.status, 200);
    release.await.unwrap();
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let server = start(LIMITS, None);
    let mut client = Client::connect(server.address).await;
    let value = "y".repeat(64 * 1_024);
    client
        .send(format!("GET / HTTP/1.1\r\nhost: x\r\nx: {value}\r\n\r\n").as_bytes())
        .await;
    assert_eq!(client.answer().await.status, 431);
    let mut client = Client::connect(server.address).await;
    let headers = "x: y\r\n".repeat(200);
    client
        .send(format!("GET / HTTP/1.1\r\nhost: x\r\n{headers}\r\n").as_bytes())
        .await;
    assert_eq!(client.answer().await.status, 431);
}

#[tokio::test]
async fn a_request_names_its_host_once() {
    let server = start(LIMITS, None);
    let table = [
        ("GET / HTTP/1.1\r\nhost: a\r\n\r\n", 200),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400),
        ("GET / HTTP/1.0\r\n\r\n", 200),
        ("GET / HTTP/1.0\r\nhost: a\r\nhost: a\r\n\r\n", 400),
    ];
    for (head, status) in table {
        let mut client = Client::connect(server.address).await;
        client.send(head.as_bytes()).await;
        assert_eq!(client.answer().await.status, status, "{head:?}");
    }
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_their_turn() {
    let server = start(
        HttpLimits {
            max_connections: 1,
            ..LIMITS
        },
        None,
    );
    let mut first = Client::connect(server.address).await;
    assert_eq!(first.get("/").await.status, 200);
    let mut second = Client::connect(server.address).await;
    let waiting = tokio::time::timeout(LIMITS.header_timeout / 2, second.get("/"));
    assert!(waiting.await.is_err(), "a second connection was served");
    drop(first);
    assert_eq!(second.answer().await.status, 200);
}

#[tokio::test]
async fn http_2_is_spoken_to_who_begins_with_it() {
    let server = start(LIMITS, None);
    let stream = tokio::net::TcpStream::connect(server.address)
        .await
        .unwrap();
    let answer = client::get_over_http2(stream, "/").await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.headers().contains_key("x-amzn-requestid"));
}

#[tokio::test]
async fn the_end_lets_requests_finish_and_takes_no_new_ones() {
    let server = start(
        HttpLimits {
            shutdown_grace: PATIENCE,
            ..LIMITS
        },
        None,
    );
    let (mut busy, mut idle) = (
        Client::connect(server.address).await,
        Client::connect(server.address).await,
    );
    assert_eq!(idle.get("/").await.status, 200);
    busy.send(b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.stage.entered.notified().await;
    server.ending.cancel();
    idle.expect_close().await;
    let refused = tokio::net::TcpStream::connect(server.address)
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    server.stage.released.notify_one();
    assert_eq!(busy.answer().await.status, 200);
    server.done.await.unwrap();
}

#[tokio::test]
async fn what_outlasts_the_grace_is_cut_and_may_put_away_what_it_received() {
    let server = start(LIMITS, None);
    let mut client = Client::connect(server.address).await;
    client
        .send(b"PUT /upload HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf")
        .await;
    server.stage.entered.notified().await;
    server.ending.cancel();
    tokio::time::timeout(PATIENCE, server.stage.body_failed.notified())
        .await
        .unwrap();
    server.stage.released.notify_one();
    tokio::time::timeout(PATIENCE, server.stage.put_away.notified())
        .await
        .unwrap();
    tokio::time::timeout(PATIENCE, server.done)
        .await
        .unwrap()
        .unwrap();
    client.expect_close().await;
}

#[tokio::test]
async fn requests_are_counted_by_template() {
    let server = start(LIMITS, None);
    let mut client = Client::connect(server.address).await;
    client.get("/v2/secret-team/app/manifests/v1").await;
    client.get("/panic").await;
    // the record of an answer is written when its last byte has left, which the client may see first
    let counted = async {
        loop {
            let text = server.metrics.text().unwrap();
            if text.contains(r#"status="5xx"} 1"#) {
                return text;
            }
            tokio::task::yield_now().await;
        }
    };
    let text = tokio::time::timeout(PATIENCE, counted).await.unwrap();
    let manifest = r#"ecru_http_requests_total{route="/v2/{name}/manifests/{reference}",operation="unknown",method="GET",status="2xx"} 1"#;
    assert!(text.contains(manifest), "{text}");
    assert!(text.contains("ecru_open_connections 1"), "{text}");
    assert!(!text.contains("secret-team"), "{text}");
}
