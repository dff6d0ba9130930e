//! Where a request ends must be told in one way only: what a proxy and the server read differently is a way to smuggle
//! requests (RFC 9112 §6, §11.2).

use crate::client::Client;
use crate::{LIMITS, Running, start};

/// What a proxy may have taken for the rest of a body.
const SMUGGLED: &str = "GET /panic HTTP/1.1\r\nhost: x\r\n\r\n";

/// The answer to `head` and `body`, with another request right behind.
async fn answer(server: &Running, head: &str, body: &str) -> (Client, u16) {
    let mut client = Client::connect(server.address).await;
    let request = format!("PUT /upload HTTP/1.1\r\nhost: x\r\n{head}\r\n{body}{SMUGGLED}");
    client.send(request.as_bytes()).await;
    let status = client.answer().await.status;
    (client, status)
}

#[tokio::test]
async fn codings_besides_chunked_are_not_understood() {
    let server = start(LIMITS, None);
    for head in [
        "transfer-encoding: gzip, chunked\r\n",
        "transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked, chunked\r\n",
    ] {
        let (mut client, status) = answer(&server, head, "0\r\n\r\n").await;
        assert_eq!(status, 501, "{head}");
        assert_eq!(client.rest().await, "", "{head}");
    }
    let (_, status) = answer(&server, "transfer-encoding: Chunked\r\n", "0\r\n\r\n").await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_length_beside_a_coding_counts_for_nothing_and_ends_the_connection() {
    let server = start(LIMITS, None);
    let (length, coding) = ("content-length: 4\r\n", "transfer-encoding: chunked\r\n");
    for head in [[length, coding].concat(), [coding, length].concat()] {
        let (mut client, status) = answer(&server, &head, "0\r\n\r\n").await;
        assert_eq!(status, 200, "{head}");
        assert_eq!(client.rest().await, "", "{head}");
    }
}

#[tokio::test]
async fn ambiguous_heads_are_refused() {
    let server = start(LIMITS, None);
    for head in [
        "content-length: 4\r\ncontent-length: 5\r\n",
        "content-length: 4, 5\r\n",
        "content-length: +4\r\n",
        "content-length: 0x4\r\n",
        "content-length: -1\r\n",
        "content-length : 4\r\n",
        "content-length: 99999999999999999999\r\n",
        "x: folded\r\n content-length: 4\r\n",
        "transfer-encoding: gzip\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding : chunked\r\n",
        "x: \0\r\n",
    ] {
        let (mut client, status) = answer(&server, head, "").await;
        assert_eq!(status, 400, "{head:?}");
        assert_eq!(client.rest().await, "", "{head:?}");
    }
}

#[tokio::test]
async fn chunks_whose_size_is_no_number_end_the_body() {
    let server = start(LIMITS, None);
    for chunk in [
        "x\r\n",
        "-1\r\n",
        "0x1\r\na\r\n",
        "fffffffffffffffff\r\n",
        "1\r\nab\r\n0\r\n\r\n",
    ] {
        let mut client = Client::connect(server.address).await;
        let head = "PUT /upload HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
        client
            .send(format!("{head}{chunk}{SMUGGLED}").as_bytes())
            .await;
        tokio::time::timeout(crate::PATIENCE, server.stage.body_failed.notified())
            .await
            .unwrap();
        server.stage.released.notify_one();
        let rest = client.rest().await;
        assert!(
            rest.matches("HTTP/1.1").count() <= 1 && !rest.contains(" 500 "),
            "{chunk}: {rest}"
        );
    }
}
