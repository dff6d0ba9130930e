//! Numbers of conditions: decimals, compared as such, so that `300` is `300.0` and nothing is rounded.

/// Digits behind the point that are kept.
const SCALE: usize = 18;

/// Most digits before the point.
const WHOLE: usize = 20;

/// Largest exponent, in digits.
const MAX_EXPONENT: i32 = 38;

/// A decimal, in units of 10⁻¹⁸.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Decimal(i128);

impl Decimal {
    /// Reads a sign, digits with or without a point, and an exponent. `None` if it is no number or beyond
    /// 20 digits before or 18 behind the point.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (is_negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() && fraction.is_empty() || mantissa.len() > 2 * (WHOLE + SCALE) {
            return None;
        }
        let digits = format!("{whole}{fraction}");
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let point = i32::try_from(whole.len()).ok()? + bounded(exponent)?;
        let value = scaled(&digits, point)?;
        Some(Self(if is_negative { -value } else { value }))
    }
}

fn bounded(exponent: i32) -> Option<i32> {
    (-MAX_EXPONENT..=MAX_EXPONENT)
        .contains(&exponent)
        .then_some(exponent)
}

/// The value of digits with the point behind the `point`th of them, in units of 10⁻¹⁸. Digits that do not fit must
/// be zeros.
fn scaled(digits: &str, point: i32) -> Option<i128> {
    let mut value: i128 = 0;
    for (place, digit) in (1..).zip(digits.bytes()) {
        if digit == b'0' {
            continue;
        }
        let power = point - place + i32::try_from(SCALE).ok()?;
        let power = u32::try_from(power).ok()?;
        if power >= u32::try_from(WHOLE + SCALE).ok()? {
            return None;
        }
        value += i128::from(digit - b'0') * 10_i128.pow(power);
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_compare_by_value() {
        let number = |text: &str| Decimal::parse(text).unwrap();
        for (one, other) in [
            ("300", "300.0"),
            ("0", "-0"),
            ("+5", "5."),
            (".5", "0.50"),
            ("1e3", "1000"),
            ("1.5E-3", "0.0015"),
            ("0007", "7"),
            ("10000000000000000000e0", "1e19"),
        ] {
            assert_eq!(number(one), number(other), "{one} {other}");
        }
        for (less, more) in [
            ("-2", "-1"),
            ("9007199254740992", "9007199254740993"),
            ("99999999999999999998", "99999999999999999999"),
            ("0.000000000000000001", "0.000000000000000002"),
            ("-99999999999999999999.9", "99999999999999999999.9"),
        ] {
            assert!(number(less) < number(more), "{less} {more}");
        }
    }

    #[test]
    fn what_is_no_number_of_bounded_size_is_refused() {
        for text in [
            "",
            ".",
            "-",
            "e3",
            "1e",
            "1e99",
            "1 ",
            "0x1",
            "1.2.3",
            "--1",
            "NaN",
            "100000000000000000000",
            "0.0000000000000000001",
            "１",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
        assert_eq!(Decimal::parse(&"0".repeat(100_000)), None);
    }
}
