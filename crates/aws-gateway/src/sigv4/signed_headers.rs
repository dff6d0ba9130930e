//! The headers a signature covers: which must be there, and how their values are written.

use http::header::{CONTENT_TYPE, DATE, HOST, HeaderMap};
use http::request::Parts;

use super::signature_error::{SignatureError, quoted};

const MAX_SIGNED_HEADERS: usize = 128;

/// The `SignedHeaders` list: lower-case names in ascending order, each once.
pub(super) struct SignedHeaders(Vec<String>);

impl SignedHeaders {
    /// Reads `content-type;host;x-amz-date`.
    pub(super) fn parse(text: &str) -> Result<Self, SignatureError> {
        let names: Vec<&str> = text.splitn(MAX_SIGNED_HEADERS + 1, ';').collect();
        let sorted = names.is_sorted_by(|a, b| a < b);
        if names.len() > MAX_SIGNED_HEADERS || !sorted || !names.iter().all(|n| is_header_name(n)) {
            return Err(SignatureError::Incomplete(format!(
                "'SignedHeaders' must be lower-case header names in ascending order, got {}",
                quoted(text)
            )));
        }
        Ok(Self(names.into_iter().map(str::to_owned).collect()))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The list as it was written.
    pub(super) fn text(&self) -> String {
        self.0.join(";")
    }

    /// The first header of the request that had to be signed and is not in the list.
    pub(super) fn first_unsigned(&self, headers: &HeaderMap) -> Option<String> {
        if !self.contains(HOST.as_str()) {
            return Some(HOST.as_str().to_owned());
        }
        headers
            .keys()
            .map(http::HeaderName::as_str)
            .find(|name| must_be_signed(name) && !self.contains(name))
            .map(str::to_owned)
    }

    fn contains(&self, name: &str) -> bool {
        self.0
            .binary_search_by(|signed| signed.as_str().cmp(name))
            .is_ok()
    }
}

/// Appends the values of one header, joined by commas.
pub(super) fn write_values(
    parts: &Parts,
    name: &str,
    out: &mut Vec<u8>,
) -> Result<(), SignatureError> {
    let absent = || SignatureError::AbsentHeader(name.to_owned());
    if name == HOST.as_str() {
        write_folded(host(parts)?.ok_or_else(absent)?, out);
        return Ok(());
    }
    let mut values = parts.headers.get_all(name).iter();
    write_folded(values.next().ok_or_else(absent)?.as_bytes(), out);
    for value in values {
        out.push(b',');
        write_folded(value.as_bytes(), out);
    }
    Ok(())
}

/// Refuses a second value where two readers of the request could take different ones.
pub(super) fn refuse_duplicates(headers: &HeaderMap) -> Result<(), SignatureError> {
    for name in headers.keys() {
        let single = must_be_signed(name.as_str()) || *name == HOST || *name == DATE;
        if single && headers.get_all(name).iter().nth(1).is_some() {
            return Err(SignatureError::Duplicate(name.as_str().to_owned()));
        }
    }
    Ok(())
}

fn must_be_signed(name: &str) -> bool {
    name.starts_with("x-amz-") || name == CONTENT_TYPE.as_str()
}

/// The `Host` header or, in HTTP/2, the authority. Where both are given they must be the same.
fn host(parts: &Parts) -> Result<Option<&[u8]>, SignatureError> {
    let header = parts.headers.get(HOST).map(http::HeaderValue::as_bytes);
    let authority = parts.uri.authority().map(|a| a.as_str().as_bytes());
    match (header, authority) {
        (Some(h), Some(a)) if !h.eq_ignore_ascii_case(a) => {
            Err(SignatureError::Duplicate(HOST.as_str().to_owned()))
        }
        (header, authority) => Ok(header.or(authority)),
    }
}

/// Trims a value and makes every run of blanks one space.
fn write_folded(value: &[u8], out: &mut Vec<u8>) {
    let words = value
        .split(|b| matches!(b, b' ' | b'\t'))
        .filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
}

fn is_header_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|b| {
            b.is_ascii_lowercase() || b.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&b)
        })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_list_is_lower_case_sorted_and_unique() {
        for text in [
            "",
            ";",
            "host;",
            "Host",
            "x-amz-date;host",
            "host;host",
            "ho st",
            "a;;b",
            "h\u{f6}st",
        ] {
            assert!(SignedHeaders::parse(text).is_err(), "{text}");
        }
        assert_eq!(
            SignedHeaders::parse("content-type;host").unwrap().text(),
            "content-type;host"
        );
    }

    #[test]
    fn the_list_is_bounded() {
        let names: Vec<String> = (0..=MAX_SIGNED_HEADERS)
            .map(|n| format!("x-{n:04}"))
            .collect();
        assert!(SignedHeaders::parse(&names.join(";")).is_err());
        assert!(SignedHeaders::parse(&names.get(1..).unwrap().join(";")).is_ok());
    }

    #[test]
    fn host_content_type_and_amz_headers_must_be_signed() {
        let mut headers = HeaderMap::new();
        headers.insert("user-agent", HeaderValue::from_static("x"));
        headers.insert("x-amzn-trace-id", HeaderValue::from_static("x"));
        let signed = SignedHeaders::parse("host").unwrap();
        assert_eq!(signed.first_unsigned(&headers), None);
        for name in ["x-amz-target", "content-type", "x-amz-security-token"] {
            let mut with = headers.clone();
            with.insert(name, HeaderValue::from_static("x"));
            assert_eq!(signed.first_unsigned(&with).as_deref(), Some(name));
        }
        let without_host = SignedHeaders::parse("x-amz-date").unwrap();
        assert_eq!(
            without_host.first_unsigned(&headers).as_deref(),
            Some("host")
        );
    }

    #[test]
    fn values_are_trimmed_and_folded() {
        for (value, folded) in [
            ("  a  b\t\tc ", "a b c"),
            ("\"a   b   c\"", "\"a b c\""),
            ("", ""),
            ("   ", ""),
            ("a,  b", "a, b"),
        ] {
            let mut out = Vec::new();
            write_folded(value.as_bytes(), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), folded);
        }
    }

    #[test]
    fn host_and_authority_must_agree() {
        let parts = |uri: &str, host_header: &str| {
            let request = http::Request::get(uri)
                .header("host", host_header)
                .body(())
                .unwrap();
            request.into_parts().0
        };
        assert!(host(&parts("http://a.example:1/", "b.example:1")).is_err());
        let same = parts("http://a.example:1/", "A.example:1");
        assert_eq!(host(&same).unwrap(), Some(&b"A.example:1"[..]));
    }
}
