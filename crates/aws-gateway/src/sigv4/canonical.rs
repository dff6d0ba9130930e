//! The canonical request: one spelling for every way to write the same request (AWS Signature Version 4, "create a canonical
//! request"; services other than S3).

use http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};

use super::payload::PayloadHash;
use super::signature_error::SignatureError;
use super::signed_headers::{SignedHeaders, write_values};

/// RFC 3986 §2.3: everything but letters, digits, `-`, `.`, `_` and `~` is encoded.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

const MAX_PARAMETERS: usize = 1_024;
const SIGNATURE_PARAMETER: &str = "X-Amz-Signature";

/// The query of a request, decoded, in the order of the wire.
pub(super) struct Query(Vec<(Vec<u8>, Vec<u8>)>);

impl Query {
    /// Splits and decodes a query. `+` is a space, as in every form decoder behind this.
    pub(super) fn parse(raw: &str) -> Result<Self, SignatureError> {
        let mut pairs = Vec::new();
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            if pairs.len() == MAX_PARAMETERS {
                return Err(SignatureError::Incomplete(
                    "Too many query parameters.".to_owned(),
                ));
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            pairs.push((decoded(name), decoded(value)));
        }
        Ok(Self(pairs))
    }

    /// The only value of a parameter; a second one is refused.
    pub(super) fn single(&self, name: &str) -> Result<Option<&str>, SignatureError> {
        let mut values = self
            .0
            .iter()
            .filter(|(n, _)| n == name.as_bytes())
            .map(|(_, v)| v);
        let first = values.next();
        if values.next().is_some() {
            return Err(SignatureError::Duplicate(name.to_owned()));
        }
        first
            .map(|value| std::str::from_utf8(value))
            .transpose()
            .map_err(|_| SignatureError::Incomplete(format!("'{name}' is not UTF-8.")))
    }

    /// Sorted and encoded again, without the signature itself.
    fn canonical(&self) -> String {
        let mut encoded: Vec<(String, String)> = self
            .0
            .iter()
            .filter(|(name, _)| name != SIGNATURE_PARAMETER.as_bytes())
            .map(|(name, value)| (encoded(name), encoded(value)))
            .collect();
        encoded.sort();
        let pairs: Vec<String> = encoded
            .into_iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        pairs.join("&")
    }
}

/// Everything of the canonical request but its last line, the payload hash.
pub(super) struct CanonicalHead(Vec<u8>);

impl CanonicalHead {
    /// Writes method, path, query, headers and the list of signed headers.
    pub(super) fn build(
        parts: &Parts,
        query: &Query,
        signed: &SignedHeaders,
    ) -> Result<Self, SignatureError> {
        let mut head = Vec::with_capacity(1_024);
        push_line(&mut head, parts.method.as_str().as_bytes());
        push_line(&mut head, canonical_path(parts.uri.path()).as_bytes());
        push_line(&mut head, query.canonical().as_bytes());
        for name in signed.names() {
            head.extend_from_slice(name.as_bytes());
            head.push(b':');
            write_values(parts, name, &mut head)?;
            head.push(b'\n');
        }
        head.push(b'\n');
        push_line(&mut head, signed.text().as_bytes());
        Ok(Self(head))
    }

    /// The SHA-256 of the canonical request with this payload.
    pub(super) fn hash_with(&self, payload: &PayloadHash) -> String {
        use sha2::{Digest, Sha256};
        let mut hash = Sha256::new();
        hash.update(&self.0);
        hash.update(payload.hex().as_bytes());
        hex::encode(hash.finalize())
    }
}

fn push_line(out: &mut Vec<u8>, line: &[u8]) {
    out.extend_from_slice(line);
    out.push(b'\n');
}

fn decoded(text: &str) -> Vec<u8> {
    let spaced: Vec<u8> = text
        .bytes()
        .map(|b| if b == b'+' { b' ' } else { b })
        .collect();
    percent_decode(&spaced).collect()
}

fn encoded(bytes: &[u8]) -> String {
    percent_encode(bytes, RESERVED).to_string()
}

/// The path with empty and dot segments removed (RFC 3986 §5.2.4), each segment encoded once more than it came.
fn canonical_path(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            other => kept.push(other),
        }
    }
    if kept.is_empty() {
        return "/".to_owned();
    }
    let mut out = String::with_capacity(path.len() + 8);
    for segment in kept {
        out.push('/');
        out.push_str(&encoded(segment.as_bytes()));
    }
    if path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..") {
        out.push('/');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalized_and_encoded_once_more() {
        for (path, canonical) in [
            ("/", "/"),
            ("", "/"),
            ("//", "/"),
            ("/./", "/"),
            ("/example/..", "/"),
            ("/example1/example2/../..", "/"),
            ("/./example", "/example"),
            ("//example//", "/example/"),
            ("/../../x", "/x"),
            ("/a/.", "/a/"),
            ("/a/b/..", "/a/"),
            ("/a.b~c-d_e", "/a.b~c-d_e"),
            ("/a%20b", "/a%2520b"),
            ("/a+b:c", "/a%2Bb%3Ac"),
        ] {
            assert_eq!(canonical_path(path), canonical, "{path}");
        }
    }

    #[test]
    fn queries_are_sorted_and_have_one_spelling() {
        for (raw, canonical) in [
            ("", ""),
            ("b=2&a=1", "a=1&b=2"),
            ("a=2&a=1", "a=1&a=2"),
            ("a", "a="),
            ("a=b=c", "a=b%3Dc"),
            ("&&a=1&", "a=1"),
            ("a=x+y&b=x%20y&c=x%2by", "a=x%20y&b=x%20y&c=x%2By"),
            ("a=%7e%41%2f", "a=~A%2F"),
            ("a=%zz", "a=%25zz"),
            ("A=1&a=1&_=1", "A=1&_=1&a=1"),
            ("a=1&X-Amz-Signature=00&b=2", "a=1&b=2"),
        ] {
            assert_eq!(Query::parse(raw).unwrap().canonical(), canonical, "{raw}");
        }
    }

    #[test]
    fn queries_are_bounded() {
        assert!(Query::parse(&"a=1&".repeat(MAX_PARAMETERS)).is_ok());
        assert!(Query::parse(&"a=1&".repeat(MAX_PARAMETERS + 1)).is_err());
    }

    #[test]
    fn a_parameter_that_comes_twice_is_refused() {
        let query = Query::parse("X-Amz-Date=1&X-Amz-Dat%65=2").unwrap();
        let refused = query.single("X-Amz-Date").unwrap_err();
        assert_eq!(refused, SignatureError::Duplicate("X-Amz-Date".to_owned()));
    }
}
