//! The `Range` header of a blob pull (RFC 9110 §14; OCI distribution specification, "Pulling blobs").
//!
//! One range is honoured. Several ranges, another unit or text that is no range are ignored, as RFC 9110 allows:
//! the whole blob is a right answer to them.

use std::ops::Range;

/// What part of a blob to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All of it.
    Whole,
    /// These bytes; never empty.
    Part(Range<u64>),
    /// The range lies outside.
    Unsatisfiable,
}

/// Decides what `header` selects from `size` bytes.
pub fn select(header: &str, size: u64) -> Selection {
    let Some((unit, range)) = header.split_once('=') else {
        return Selection::Whole;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Selection::Whole;
    }
    match range.trim().split_once('-') {
        Some(("", suffix)) => select_suffix(suffix, size),
        Some((first, last)) => select_from(first, last, size),
        None => Selection::Whole,
    }
}

/// The last `suffix` bytes.
fn select_suffix(suffix: &str, size: u64) -> Selection {
    match number(suffix) {
        None => Selection::Whole,
        Some(0) => Selection::Unsatisfiable,
        Some(_) if size == 0 => Selection::Unsatisfiable,
        Some(length) => Selection::Part(size.saturating_sub(length)..size),
    }
}

/// From `first` to `last`, both inclusive; without `last`, to the end.
fn select_from(first: &str, last: &str, size: u64) -> Selection {
    let Some(first) = number(first) else {
        return Selection::Whole;
    };
    let last = match (last, number(last)) {
        ("", _) => u64::MAX,
        (_, Some(last)) => last,
        (_, None) => return Selection::Whole,
    };
    if first >= size || last < first {
        return Selection::Unsatisfiable;
    }
    Selection::Part(first..last.saturating_add(1).min(size))
}

/// Digits only; a number too large for 64 bits is as good as the largest.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::Selection::{Part, Unsatisfiable, Whole};
    use super::*;

    #[test]
    fn one_range_is_honoured_and_the_rest_ignored() {
        let table = [
            ("bytes=500-1499", 2048, Part(500..1500)),
            ("bytes=500-", 2048, Part(500..2048)),
            ("bytes=-500", 2048, Part(1548..2048)),
            ("bytes=-5000", 2048, Part(0..2048)),
            ("bytes=2000-5000", 2048, Part(2000..2048)),
            ("bytes=0-0", 2048, Part(0..1)),
            ("bytes=2047-2047", 2048, Part(2047..2048)),
            ("BYTES=0-1", 2048, Part(0..2)),
            ("bytes=0-99999999999999999999", 2048, Part(0..2048)),
            ("bytes=0-18446744073709551615", 2048, Part(0..2048)),
            ("bytes=2048-", 2048, Unsatisfiable),
            ("bytes=5000-10000", 2048, Unsatisfiable),
            ("bytes=500-0", 2048, Unsatisfiable),
            ("bytes=99999999999999999999-", 2048, Unsatisfiable),
            ("bytes=-0", 2048, Unsatisfiable),
            ("bytes=0-", 0, Unsatisfiable),
            ("bytes=-5", 0, Unsatisfiable),
            ("bytes=0-1,5-6", 2048, Whole),
            ("bytes=", 2048, Whole),
            ("bytes=-", 2048, Whole),
            ("bytes=a-b", 2048, Whole),
            ("bytes=0x1-2", 2048, Whole),
            ("bytes=+1-2", 2048, Whole),
            ("bytes=1-2-3", 2048, Whole),
            ("items=0-1", 2048, Whole),
            ("0-1", 2048, Whole),
            ("", 2048, Whole),
        ];
        for (header, size, expected) in table {
            assert_eq!(select(header, size), expected, "{header}");
        }
    }
}
