//! The query of a request: bounded, decoded, and without control characters.

use std::borrow::Cow;

use http::StatusCode;
use percent_encoding::percent_decode_str;

use crate::errors::{Code, Failure};

/// The longest query that is read, in bytes.
const MAX_QUERY: usize = 16 * 1_024;

/// Parameters in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads `application/x-www-form-urlencoded` text. Refused if it is too long, or if a value is not text or
    /// holds a control character: no store has to cope with U+0000.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        if text.len() > MAX_QUERY {
            let message = "the query is too long";
            return Err(Failure::new(
                StatusCode::URI_TOO_LONG,
                Code::Unsupported,
                message,
            ));
        }
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let read = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        });
        read.collect::<Result<_, Failure>>().map(Self)
    }

    /// The first value of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Every value of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let same = self.0.iter().filter(move |(key, _)| key == name);
        same.map(|(_, value)| value.as_str())
    }
}

fn decode(text: &str) -> Result<String, Failure> {
    let spaced = if text.contains('+') {
        Cow::Owned(text.replace('+', " "))
    } else {
        Cow::Borrowed(text)
    };
    let decoded = percent_decode_str(&spaced).decode_utf8();
    match decoded {
        Ok(text) if !text.chars().any(char::is_control) => Ok(text.into_owned()),
        _ => Err(Failure::new(
            StatusCode::BAD_REQUEST,
            Code::Unsupported,
            "the query is not valid",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_in_order() {
        let query = Query::parse("tag=a&tag=b%2Bc&from=team%2Fapp&x&=y&n=+1").unwrap();
        assert_eq!(query.all("tag").collect::<Vec<_>>(), ["a", "b+c"]);
        assert_eq!(query.get("from"), Some("team/app"));
        assert_eq!(query.get("x"), Some(""));
        assert_eq!(query.get("n"), Some(" 1"));
        assert_eq!(query.get("missing"), None);
        assert_eq!(Query::parse("").unwrap(), Query::default());
    }

    #[test]
    fn control_characters_bad_text_and_long_queries_are_refused() {
        for bad in ["last=%00", "a%0a=b", "last=%ff"] {
            assert_eq!(
                Query::parse(bad).unwrap_err().status(),
                StatusCode::BAD_REQUEST,
                "{bad}"
            );
        }
        let long = format!("tag={}", "a".repeat(MAX_QUERY));
        assert_eq!(
            Query::parse(&long).unwrap_err().status(),
            StatusCode::URI_TOO_LONG
        );
    }
}
