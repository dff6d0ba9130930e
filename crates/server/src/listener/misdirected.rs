//! Tells a client that speaks plain HTTP where TLS is spoken what is wrong; a connection that just ends says nothing.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How a TLS connection begins: a record of the handshake (RFC 8446 §5.1). No method of HTTP begins so.
const HANDSHAKE: u8 = 22;

const ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    content-type: text/plain\r\n\
    content-length: 54\r\n\
    connection: close\r\n\
    \r\n\
    this port speaks TLS: use https:// to send a request.\n";

/// Looks at the first byte without taking it.
pub(super) async fn is_plain_http(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [HANDSHAKE];
    stream.peek(&mut first).await?;
    Ok(first[0].is_ascii_uppercase())
}

/// Answers whatever was asked, and reads the rest away: a client that still writes would not see the answer.
pub(super) async fn refuse(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(ANSWER).await?;
    stream.shutdown().await?;
    let mut rest = [0; 4_096];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}
