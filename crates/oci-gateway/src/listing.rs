//! How much of a list is asked for: `n` and `last` (OCI distribution specification, "Listing tags").

use crate::errors::{Code, Failure};
use crate::query::Query;

/// The most names of one answer, and as many as come when the client does not say.
const MAX_NAMES: u32 = 10_000;
/// The longest `last` that is looked at, in bytes.
const MAX_LAST: usize = 1_024;

/// A page of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// At most so many.
    pub limit: u32,
    /// Only those after it.
    pub after: Option<String>,
    /// `n`, as it goes into the link to the next page.
    pub asked: Option<String>,
}

impl Listing {
    /// Reads `n` and `last`. More than the most is the most; what is no number is refused.
    pub fn parse(query: &Query) -> Result<Self, Failure> {
        let asked = query.get("n");
        let limit = match asked {
            None => MAX_NAMES,
            Some(text) => limit(text)?,
        };
        let after = query.get("last").filter(|last| !last.is_empty());
        if after.is_some_and(|last| last.len() > MAX_LAST) {
            return Err(Failure::invalid(
                Code::PaginationNumberInvalid,
                "last is too long",
            ));
        }
        Ok(Self {
            limit,
            after: after.map(str::to_owned),
            asked: asked.map(|_| limit.to_string()),
        })
    }

    /// The parameters of the next page, after `last`.
    pub fn next<'a>(&'a self, last: &'a str) -> Vec<(&'static str, &'a str)> {
        let asked = self.asked.as_deref().map(|asked| ("n", asked));
        asked.into_iter().chain([("last", last)]).collect()
    }
}

fn limit(text: &str) -> Result<u32, Failure> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        let message = "n must be a number that is not negative";
        return Err(Failure::invalid(Code::PaginationNumberInvalid, message));
    }
    // only digits: what does not fit is larger than the most
    Ok(text
        .parse()
        .map_or(MAX_NAMES, |limit: u32| limit.min(MAX_NAMES)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_capped_and_what_is_none_is_refused() {
        let parse = |text: &str| Listing::parse(&Query::parse(text).unwrap());
        let table = [
            ("", 10_000),
            ("n=0", 0),
            ("n=2", 2),
            ("n=10001", 10_000),
            ("n=99999999999999999999", 10_000),
        ];
        for (query, limit) in table {
            assert_eq!(parse(query).unwrap().limit, limit, "{query}");
        }
        let long = format!("last={}", "a".repeat(1_025));
        for bad in ["n=-1", "n=abc", "n=", "n=1.5", "n=%2B1", long.as_str()] {
            let code = parse(bad).unwrap_err().code();
            assert_eq!(code, Code::PaginationNumberInvalid, "{bad}");
        }
    }

    #[test]
    fn the_next_page_keeps_the_number_that_was_asked_for() {
        let parse = |text: &str| Listing::parse(&Query::parse(text).unwrap()).unwrap();
        assert_eq!(parse("n=2").next("b"), [("n", "2"), ("last", "b")]);
        assert_eq!(parse("last=a").next("b"), [("last", "b")]);
    }
}
