//! One signed request and its answer, over a connection of its own.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::pinned;
use super::signature::Signer;

/// The longest answer that is read, in bytes: reports list a bounded number of problems.
const LONGEST_ANSWER: u64 = 16 * 1_024 * 1_024;

/// Status and body.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// Where the server is, and the certificate that it must show if it speaks TLS.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) server: SocketAddr,
    pub(super) certificate: Option<&'a Path>,
}

/// Calls an operation of the administration API.
pub(super) async fn call(
    place: Place<'_>,
    signer: &Signer<'_>,
    operation: &str,
    body: &[u8],
) -> Result<Answer> {
    let host = place.server.to_string();
    let target = format!("EcruAdmin.{operation}");
    let headers = [
        ("content-type", "application/x-amz-json-1.1"),
        ("host", &host),
        ("x-amz-target", &target),
    ];
    // HTTP/1.0: one answer, in one piece, then the connection ends
    let mut request = "POST / HTTP/1.0\r\n".to_owned();
    // writing to a String cannot fail
    for (name, value) in signer.signed(&headers, body) {
        write!(request, "{name}: {value}\r\n").ok();
    }
    write!(request, "content-length: {}\r\n\r\n", body.len()).ok();
    let request = [request.as_bytes(), body].concat();
    let unreachable = || {
        let server = place.server;
        format!("no server answers on {server}: with --offline the store is opened without one")
    };
    let stream = TcpStream::connect(place.server)
        .await
        .with_context(unreachable)?;
    match place.certificate {
        None => exchange(stream, &request).await,
        Some(file) => exchange(pinned::connect(stream, place.server, file).await?, &request).await,
    }
}

async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &[u8],
) -> Result<Answer> {
    stream.write_all(request).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    let read = stream.take(LONGEST_ANSWER).read_to_end(&mut answer).await;
    read.context("the answer was cut off")?;
    parse(&answer)
}

fn parse(answer: &[u8]) -> Result<Answer> {
    const END: &[u8] = b"\r\n\r\n";
    let Some(end) = answer.windows(END.len()).position(|window| window == END) else {
        bail!(
            "the answer is not HTTP: if the server speaks TLS, name its certificate with --tls-cert"
        );
    };
    let head = String::from_utf8_lossy(&answer[..end]);
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .context("the answer has no status")?;
    Ok(Answer {
        status,
        body: answer[end + END.len()..].to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_status_and_what_follows_the_head() {
        let answer = parse(b"HTTP/1.0 403 Forbidden\r\na: b\r\n\r\n{}\r\n\r\n").unwrap();
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (403, &b"{}\r\n\r\n"[..])
        );
        for bad in [&b""[..], b"\x15\x03\x01\x00\x02\x02\x46", b"HTTP\r\n\r\n"] {
            assert!(parse(bad).is_err());
        }
    }
}
