//! One signed request and its answer, over a connection of its own.

use std::fmt::Write as _;
use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::signature::Signer;

/// The longest answer that is read, in bytes: reports list a bounded number of problems.
const LONGEST_ANSWER: u64 = 16 * 1_024 * 1_024;

/// Status and body.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// Calls an operation of the administration API.
pub(super) async fn call(
    server: SocketAddr,
    signer: &Signer<'_>,
    operation: &str,
    body: &[u8],
) -> Result<Answer> {
    let host = server.to_string();
    let target = format!("EcruAdmin.{operation}");
    let headers = [
        ("content-type", "application/x-amz-json-1.1"),
        ("host", &host),
        ("x-amz-target", &target),
    ];
    // HTTP/1.0: one answer, in one piece, then the connection ends
    // writing to a String cannot fail
    let mut request = "POST / HTTP/1.0\r\n".to_owned();
    for (name, value) in signer.signed(&headers, body) {
        write!(request, "{name}: {value}\r\n").ok();
    }
    write!(request, "content-length: {}\r\n\r\n", body.len()).ok();
    let unreachable =
        || format!("no server answers on {server}: with --offline the store is opened without one");
    let mut stream = TcpStream::connect(server).await.with_context(unreachable)?;
    stream.write_all(request.as_bytes()).await?;
    stream.write_all(body).await?;
    let mut answer = Vec::new();
    stream
        .take(LONGEST_ANSWER)
        .read_to_end(&mut answer)
        .await
        .context("the answer was cut off")?;
    parse(&answer)
}

fn parse(answer: &[u8]) -> Result<Answer> {
    const END: &[u8] = b"\r\n\r\n";
    let Some(end) = answer.windows(END.len()).position(|window| window == END) else {
        bail!(
            "the answer is not HTTP: does the server speak TLS? then use --offline, or a listener without"
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
