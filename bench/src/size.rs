//! Sizes on the command line: a number with an optional binary suffix.

use anyhow::Context;

/// Parses `N`, `Nk`, `Nm` or `Ng` (powers of 1,024, either case) into bytes.
///
/// # Errors
/// Anything that is not a decimal number with at most one suffix, or that exceeds 64 bits.
pub(crate) fn parse_size(text: &str) -> anyhow::Result<u64> {
    let (digits, shift) = match text.as_bytes().last().map(u8::to_ascii_lowercase) {
        Some(b'k') => (&text.as_bytes()[..text.len() - 1], 10),
        Some(b'm') => (&text.as_bytes()[..text.len() - 1], 20),
        Some(b'g') => (&text.as_bytes()[..text.len() - 1], 30),
        _ => (text.as_bytes(), 0),
    };
    let refusal = || format!("`{text}` is not a size such as 4096, 64k, 8m or 1g");
    if !digits.iter().all(u8::is_ascii_digit) {
        anyhow::bail!(refusal());
    }
    let number: u64 = std::str::from_utf8(digits)?.parse().with_context(refusal)?;
    number.checked_mul(1 << shift).with_context(refusal)
}

/// Turns a count into a floating-point number for rates and ratios.
#[expect(
    clippy::cast_precision_loss,
    reason = "figures are rounded to a few digits; counts stay far below 2^52"
)]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_binary_and_bounded() {
        let cases = [
            ("0", Some(0)),
            ("4096", Some(4096)),
            ("4k", Some(4096)),
            ("64K", Some(65_536)),
            ("8m", Some(8_388_608)),
            ("1g", Some(1_073_741_824)),
            ("", None),
            ("k", None),
            ("+1", None),
            ("-1", None),
            ("1t", None),
            ("1.5m", None),
            ("1 k", None),
            ("99999999999999999999", None),
            ("18446744073709551615k", None),
        ];
        for (text, wanted) in cases {
            assert_eq!(parse_size(text).ok(), wanted, "{text:?}");
        }
    }
}
