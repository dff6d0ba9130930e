//! One HTTP/1.1 connection to a registry: plain TCP, kept alive, reopened after a failure.
//! A worker owns one, so that the concurrency asked for is the number of connections.

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;

/// Body of a request.
pub(crate) type Body = BoxBody<Bytes, Infallible>;

/// Read buffer of a connection: large enough that pulls are not bound by read calls.
const READ_BUFFER: usize = 1 << 20;
/// Longest answer that is kept in memory; pulls are discarded piece by piece instead.
const KEPT_ANSWER: usize = 16 << 20;

/// Wraps bytes at hand as a body with a declared length.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed()
}

/// A body of no bytes.
pub(crate) fn empty() -> Body {
    Empty::new().boxed()
}

/// Where a registry is and who asks.
pub(crate) struct Endpoint {
    authority: String,
    authorization: Option<String>,
}

impl Endpoint {
    /// Parses `http://host[:port]` and `basic:USER:PASSWORD` or `bearer:TOKEN`.
    ///
    /// # Errors
    /// Another scheme than `http`, a path, or another form of credentials.
    pub(crate) fn parse(url: &str, auth: Option<&str>) -> anyhow::Result<Self> {
        let authority = url
            .strip_prefix("http://")
            .context("only http:// addresses are driven")?
            .trim_end_matches('/');
        if authority.is_empty() || authority.contains('/') {
            bail!("`{url}` is not of the form http://host:port");
        }
        let authority = if authority.contains(':') {
            authority.to_owned()
        } else {
            format!("{authority}:80")
        };
        let authorization = auth.map(parse_credentials).transpose()?;
        Ok(Self {
            authority,
            authorization,
        })
    }

    /// Host and port, as in the Host header.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// The same place asked with the value of an Authorization header.
    pub(crate) fn with_authorization(&self, value: String) -> Self {
        Self {
            authority: self.authority.clone(),
            authorization: Some(value),
        }
    }
}

fn parse_credentials(text: &str) -> anyhow::Result<String> {
    match text.split_once(':') {
        Some(("basic", pair)) if pair.contains(':') => Ok(format!("Basic {}", BASE64.encode(pair))),
        Some(("bearer", token)) if !token.is_empty() => Ok(format!("Bearer {token}")),
        _ => bail!("credentials are basic:USER:PASSWORD or bearer:TOKEN"),
    }
}

/// An answer whose body was kept.
pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    /// Body, at most 16 MiB.
    pub(crate) body: Bytes,
}

impl Answer {
    /// Passes the answer on if it has the status wanted.
    ///
    /// # Errors
    /// Another status, with the start of the body.
    pub(crate) fn expect(self, wanted: StatusCode, deed: &str) -> anyhow::Result<Self> {
        if self.status == wanted {
            return Ok(self);
        }
        let text = String::from_utf8_lossy(&self.body);
        let start: String = text.trim().chars().take(300).collect();
        bail!("{deed}: status {}, expected {wanted}: {start}", self.status)
    }

    /// Status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Path and query of the next page of a list, where there is one.
    pub(crate) fn next_page(&self) -> Option<&str> {
        let link = self.headers.get(header::LINK)?.to_str().ok()?;
        let (path, _) = link.strip_prefix('<')?.split_once('>')?;
        Some(path_of(path))
    }

    /// Path and query of the Location header.
    pub(crate) fn location(&self) -> anyhow::Result<String> {
        let value = self
            .headers
            .get(header::LOCATION)
            .context("answer without a location header")?
            .to_str()
            .context("location header is not text")?;
        Ok(path_of(value).to_owned())
    }
}

fn path_of(location: &str) -> &str {
    match location.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        None => location,
    }
}

/// What a discarded answer was.
pub(crate) struct Received {
    /// Status of the answer.
    pub(crate) status: StatusCode,
    /// Bytes of the body.
    pub(crate) bytes: u64,
    /// Digest of the body, where it was asked for.
    pub(crate) digest: Option<String>,
}

impl Received {
    /// Gives the number of bytes if the answer has the status wanted.
    ///
    /// # Errors
    /// Another status.
    pub(crate) fn expect(&self, wanted: StatusCode) -> anyhow::Result<u64> {
        if self.status != wanted {
            bail!("GET: status {}, expected {wanted}", self.status);
        }
        Ok(self.bytes)
    }
}

/// A connection that opens itself when needed.
pub(crate) struct Connection {
    endpoint: Arc<Endpoint>,
    sender: Option<SendRequest<Body>>,
}

impl Connection {
    /// Prepares a connection; nothing is sent yet.
    pub(crate) fn new(endpoint: Arc<Endpoint>) -> Self {
        Self {
            endpoint,
            sender: None,
        }
    }

    /// Forgets the connection, so that the next request opens another.
    pub(crate) fn close(&mut self) {
        self.sender = None;
    }

    async fn opened(&mut self) -> anyhow::Result<SendRequest<Body>> {
        if let Some(sender) = self.sender.take().filter(|sender| !sender.is_closed()) {
            return Ok(sender);
        }
        let stream = TcpStream::connect(&self.endpoint.authority)
            .await
            .with_context(|| format!("connect to {}", self.endpoint.authority))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(READ_BUFFER)
            .handshake(TokioIo::new(stream))
            .await?;
        // The task ends with the connection; what fails is reported by the request that meets it.
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> anyhow::Result<Response<Incoming>> {
        let mut sender = self.opened().await?;
        sender.ready().await?;
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.endpoint.authority)
            .header(header::USER_AGENT, "ecru-bench");
        if let Some(authorization) = &self.endpoint.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = sender.send_request(request.body(body)?).await?;
        self.sender = Some(sender);
        Ok(response)
    }

    /// Sends a request and keeps the answer.
    ///
    /// # Errors
    /// Connection or protocol failures, and bodies above 16 MiB.
    pub(crate) async fn exchange(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> anyhow::Result<Answer> {
        let (parts, body) = self.send(method, path, headers, body).await?.into_parts();
        let collected = Limited::new(body, KEPT_ANSWER)
            .collect()
            .await
            .map_err(|error| anyhow::anyhow!("read the answer: {error}"))?;
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body: collected.to_bytes(),
        })
    }

    /// Sends a HEAD request and gives the status.
    pub(crate) async fn head(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> anyhow::Result<StatusCode> {
        let answer = self.exchange(Method::HEAD, path, headers, empty()).await?;
        Ok(answer.status())
    }

    /// Gets a body and discards it piece by piece, hashing it where `verify` says so.
    pub(crate) async fn download(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        verify: bool,
    ) -> anyhow::Result<Received> {
        let response = self.send(Method::GET, path, headers, empty()).await?;
        let status = response.status();
        let mut body = response.into_body();
        let mut bytes = 0;
        let mut hasher = verify.then(Sha256::new);
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else {
                continue;
            };
            bytes += data.len() as u64;
            if let Some(hasher) = &mut hasher {
                hasher.update(&data);
            }
        }
        Ok(Received {
            status,
            bytes,
            digest: hasher.map(|hasher| format!("sha256:{}", hex::encode(hasher.finalize()))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_plain_http_without_a_path() {
        let authority = |url| Endpoint::parse(url, None).ok().map(|end| end.authority);
        assert_eq!(authority("http://h:1").as_deref(), Some("h:1"));
        assert_eq!(authority("http://h/").as_deref(), Some("h:80"));
        for refused in ["https://h", "h:1", "http://", "http://h/v2"] {
            assert_eq!(authority(refused), None, "{refused}");
        }
    }

    #[test]
    fn credentials_become_the_header_value() {
        let header = |text| parse_credentials(text).ok();
        assert_eq!(
            header("basic:AWS:secret").as_deref(),
            Some("Basic QVdTOnNlY3JldA==")
        );
        assert_eq!(header("bearer:abc").as_deref(), Some("Bearer abc"));
        for refused in ["", "basic", "basic:user", "bearer:", "digest:a:b"] {
            assert_eq!(header(refused), None, "{refused}");
        }
    }

    #[test]
    fn location_is_reduced_to_path_and_query() {
        let cases = [
            ("/v2/a/blobs/uploads/1?s=2", "/v2/a/blobs/uploads/1?s=2"),
            ("http://h:1/v2/x?s=%2F", "/v2/x?s=%2F"),
            ("http://h", "/"),
        ];
        for (location, wanted) in cases {
            assert_eq!(path_of(location), wanted);
        }
    }
}
