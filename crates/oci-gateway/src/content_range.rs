//! The `Content-Range` header of an upload's chunk (OCI distribution specification, "Pushing a blob in chunks").
//!
//! It is not HTTP's header of that name: `<first>-<last>`, both inclusive, nothing else.

/// Where a chunk says it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentRange {
    /// Position of its first byte.
    pub first: u64,
    /// How many bytes; at least one.
    pub length: u64,
}

/// Reads the header; `None` if it is not of that form, ends before it begins, or counts more than 64 bits can.
pub fn parse(text: &str) -> Option<ContentRange> {
    let (first, last) = text.split_once('-')?;
    let (first, last) = (number(first)?, number(last)?);
    let length = last.checked_sub(first)?.checked_add(1)?;
    Some(ContentRange { first, length })
}

fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_inclusive() {
        assert_eq!(
            parse("0-1023"),
            Some(ContentRange {
                first: 0,
                length: 1024
            })
        );
        assert_eq!(
            parse("7-7"),
            Some(ContentRange {
                first: 7,
                length: 1
            })
        );
        let largest = ContentRange {
            first: 1,
            length: u64::MAX,
        };
        assert_eq!(parse("1-18446744073709551615"), Some(largest));
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in [
            "",
            "-",
            "0-",
            "-5",
            "5-3",
            "a-b",
            "+1-2",
            "0x0-1",
            "0 - 1",
            "0-1/2",
            "bytes 0-1/2",
            "bytes=zero-nine",
            "0-18446744073709551615",
            "0-99999999999999999999",
            "1-2-3",
            "٠-١",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
