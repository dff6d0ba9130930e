//! An HTTP request from text: a request line, headers, an empty line, a body.

use http::request::Parts;
use http::{HeaderName, HeaderValue, Request};

/// Reads `METHOD TARGET`, then `name: value` lines, then after an empty line the body. `None` if `http` takes no such
/// request: then no server ever sees it.
pub fn parse(bytes: &[u8]) -> Option<(Parts, &[u8])> {
    let (head, body) = split(bytes);
    let head = std::str::from_utf8(head).ok()?;
    let mut lines = head.split('\n');
    let (method, target) = lines.next()?.split_once(' ')?;
    let request = Request::builder().method(method).uri(target);
    let (mut parts, ()) = request.body(()).ok()?.into_parts();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let value = HeaderValue::from_bytes(value.trim().as_bytes()).ok()?;
        parts.headers.try_append(name, value).ok()?;
    }
    Some((parts, body))
}

fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n");
    end.map_or((bytes, &[]), |end| (&bytes[..end], &bytes[end + 2..]))
}
