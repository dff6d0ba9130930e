//! HTTP/1.1 on a bare connection: bad input has to be sent exactly as written, which no client library would do.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_mins(1);
const LARGEST_ANSWER: u64 = 256 * 1024 * 1024;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: u16,
    /// Header names in lower case, in order.
    pub(crate) headers: Vec<(String, String)>,
    /// Body as far as it arrived.
    pub(crate) body: Vec<u8>,
    /// Whether the body arrived whole, as framed by the server.
    pub(crate) complete: bool,
}

impl Answer {
    /// First value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Body as JSON, `null` when it is not.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The error code of an OCI error body, or of an AWS one without its namespace.
    pub(crate) fn code(&self) -> String {
        let json = self.json();
        let aws = json["__type"]
            .as_str()
            .map(|name| name.rsplit('#').next().unwrap_or(name));
        json["errors"][0]["code"]
            .as_str()
            .or(aws)
            .unwrap_or_default()
            .to_owned()
    }

    /// Start of the body, for messages.
    pub(crate) fn excerpt(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        text.chars().take(300).collect()
    }
}

/// A request as it goes on the wire. `Content-Length` is added from the body unless a framing header is given.
#[derive(Clone, Default)]
pub(crate) struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// A request without headers and body. The target is sent untouched.
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            ..Self::default()
        }
    }

    /// Method and target, for messages.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_lowercase(), value.to_owned()));
        self
    }

    /// Adds headers.
    pub(crate) fn headers(mut self, headers: Vec<(String, String)>) -> Self {
        self.headers.extend(headers);
        self
    }

    /// Sets the body.
    pub(crate) fn body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    /// Sends over a new connection to loopback and reads the answer.
    ///
    /// # Errors
    /// When nothing listens, or no well-formed answer head arrives in time.
    pub(crate) fn send(&self, port: u16) -> Result<Answer> {
        let mut stream = connect(port)?;
        stream
            .write_all(&self.head(port))
            .context("the request head could not be written")?;
        // A server may refuse before it has read the body and close; its answer still counts.
        let written = stream.write_all(&self.body);
        let answer = read_answer(&mut stream, self.method == "HEAD");
        match written {
            Ok(()) => answer,
            Err(error) => answer.with_context(|| format!("after the body was cut off: {error}")),
        }
    }

    /// Head of the request: request line, headers, blank line.
    pub(crate) fn head(&self, port: u16) -> Vec<u8> {
        let has = |wanted: &str| self.headers.iter().any(|(name, _)| name == wanted);
        let mut lines = vec![format!("{} {} HTTP/1.1", self.method, self.target)];
        if !has("host") {
            lines.push(format!("host: localhost:{port}"));
        }
        let bodiless =
            self.body.is_empty() && matches!(self.method.as_str(), "GET" | "HEAD" | "DELETE");
        if !has("content-length") && !has("transfer-encoding") && !bodiless {
            lines.push(format!("content-length: {}", self.body.len()));
        }
        let own = self.headers.iter();
        lines.extend(own.map(|(name, value)| format!("{name}: {value}")));
        if !has("connection") {
            lines.push("connection: close".to_owned());
        }
        format!("{}\r\n\r\n", lines.join("\r\n")).into_bytes()
    }
}

/// A connection to loopback with bounded reads and writes.
pub(crate) fn connect(port: u16) -> Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port)).context("no connection to the server")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Reads one answer to the end of its body. Interim answers (1xx) are passed over.
pub(crate) fn read_answer(stream: &mut TcpStream, bodiless: bool) -> Result<Answer> {
    let mut buffer = Vec::new();
    let mut answer = read_head(stream, &mut buffer)?;
    while answer.status < 200 {
        answer = read_head(stream, &mut buffer)?;
    }
    let framing = answer.header("transfer-encoding").map(str::to_lowercase);
    let length: Option<usize> = answer
        .header("content-length")
        .and_then(|text| text.parse().ok());
    if bodiless || matches!(answer.status, 204 | 304) || length == Some(0) {
        answer.complete = true;
        return Ok(answer);
    }
    // Errors while reading mean that the server cut the connection: `complete` tells.
    if let Some(wanted) = length.filter(|_| framing.is_none()) {
        let missing = wanted.saturating_sub(buffer.len()) as u64;
        let _cut = stream.take(missing).read_to_end(&mut buffer).is_err();
        answer.complete = buffer.len() >= wanted;
        buffer.truncate(wanted);
        answer.body = buffer;
        return Ok(answer);
    }
    let cut = stream
        .take(LARGEST_ANSWER)
        .read_to_end(&mut buffer)
        .is_err();
    if framing.as_deref() == Some("chunked") {
        (answer.body, answer.complete) = unchunk(&buffer);
    } else {
        (answer.body, answer.complete) = (buffer, !cut);
    }
    Ok(answer)
}

fn read_head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<Answer> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        let mut block = [0; 16 * 1024];
        let count = stream.read(&mut block).context("no answer")?;
        if count == 0 {
            bail!("the connection was closed without an answer");
        }
        buffer.extend_from_slice(&block[..count]);
    };
    let rest = buffer.split_off(end + 4);
    let head = String::from_utf8_lossy(buffer).into_owned();
    *buffer = rest;
    parse_head(&head)
}

fn parse_head(head: &str) -> Result<Answer> {
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first.split(' ').nth(1).and_then(|text| text.parse().ok());
    let status = status.with_context(|| format!("not an HTTP answer: {first}"))?;
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    Ok(Answer {
        status,
        headers,
        body: Vec::new(),
        complete: false,
    })
}

fn unchunk(mut raw: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(at) = raw.windows(2).position(|window| window == b"\r\n") else {
            return (body, false);
        };
        let size = std::str::from_utf8(&raw[..at])
            .ok()
            .map(|text| text.split(';').next().unwrap_or(text));
        let Some(size) = size.and_then(|text| usize::from_str_radix(text.trim(), 16).ok()) else {
            return (body, false);
        };
        raw = &raw[at + 2..];
        if size == 0 {
            return (body, true);
        }
        body.extend_from_slice(&raw[..size.min(raw.len())]);
        if raw.len() < size + 2 {
            return (body, false);
        }
        raw = &raw[size + 2..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunked_body_is_whole_only_with_its_last_chunk() {
        let cases: [(&[u8], &[u8], bool); 4] = [
            (b"3\r\nabc\r\n0\r\n\r\n", b"abc", true),
            (b"3\r\nabc\r\n", b"abc", false),
            (b"5\r\nab", b"ab", false),
            (b"x\r\n", b"", false),
        ];
        for (raw, body, complete) in cases {
            assert_eq!(unchunk(raw), (body.to_vec(), complete));
        }
    }

    #[test]
    fn a_head_carries_the_target_untouched() {
        let head = Request::new("GET", "/v2/../a%2e")
            .header("Host", "x")
            .head(1);
        let text = String::from_utf8(head).unwrap();
        assert_eq!(
            text,
            "GET /v2/../a%2e HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        );
    }
}
