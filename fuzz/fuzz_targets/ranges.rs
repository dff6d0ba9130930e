//! Byte positions: no range reaches outside of what there is, however large its numbers are.
//!
//! Input: four lines, `Range`, `Content-Range`, and two numbers.
#![no_main]

use std::sync::LazyLock;

use ecru_domain::upload::{PartProblem, PartRange, decide_part};
use ecru_oci_gateway::content_range;
use ecru_oci_gateway::range::{Selection, select};
use libfuzzer_sys::fuzz_target;
use regex::Regex;

static PLAIN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\A[bB][yY][tT][eE][sS]=([0-9]*)-([0-9]*)\z").expect("the form compiles")
});

fuzz_target!(|text: &str| {
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (range, content_range) = (line(), line());
    let mut number = || line().parse().unwrap_or(100_000_u64);
    let (size, received) = (number(), number());
    selected(range, size);
    positioned(content_range, received);
});

fn selected(header: &str, size: u64) {
    let selection = select(header, size);
    if let Selection::Part(part) = &selection {
        assert!(part.start < part.end && part.end <= size);
    }
    let Some(found) = PLAIN.captures(header) else {
        return;
    };
    assert_eq!(selection, expected(&found[1], &found[2], size));
}

/// RFC 9110 §14.1.2, in numbers that do not overflow.
fn expected(first: &str, last: &str, size: u64) -> Selection {
    let number = |text: &str| text.parse().unwrap_or(u128::MAX);
    let (first, last) = match (first, last) {
        ("", "") => return Selection::Whole,
        ("", length) => (u128::from(size).saturating_sub(number(length)), u128::MAX),
        (first, "") => (number(first), u128::MAX),
        (first, last) => (number(first), number(last)),
    };
    let end = last.saturating_add(1).min(u128::from(size));
    match (u64::try_from(first), u64::try_from(end)) {
        (Ok(first), Ok(end)) if first < end => Selection::Part(first..end),
        _ => Selection::Unsatisfiable,
    }
}

fn positioned(header: &str, received: u64) {
    let Some(range) = content_range::parse(header) else {
        return;
    };
    assert!(range.length > 0);
    let last = range.first.checked_add(range.length - 1);
    let last = last.expect("the last position has a number");
    let printed = format!("{}-{last}", range.first);
    assert_eq!(content_range::parse(&printed), Some(range));
    let part = PartRange {
        first: range.first,
        last,
    };
    let decided = decide_part(received, part, range.length);
    if range.first == received {
        assert_eq!(decided, Ok(()));
        let longer = decide_part(received, part, range.length.wrapping_add(1));
        assert_eq!(longer, Err(PartProblem::WrongLength));
    } else {
        assert_eq!(decided, Err(PartProblem::OutOfOrder));
    }
}
