//! Times of conditions: ISO 8601 as the W3C profiles it, or seconds since 1970 (IAM User Guide, "Date condition
//! operators"). A plain number is always seconds.

/// Digits of a fraction of a second that are kept; further ones are dropped.
const FRACTION: usize = 9;

/// Most characters of a time.
const MAX_LENGTH: usize = 64;

/// A time, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(i128);

impl Instant {
    /// Reads a time. `None` if it is none. Without an offset it is in UTC.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        if is_number(text) {
            return epoch(text);
        }
        let (date, time) = match text.split_once(['T', 't']) {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let days = days(date)?;
        let (seconds, nanoseconds) = time.map_or(Some((0, 0)), time_of_day)?;
        let seconds = i128::from(days) * 86_400 + i128::from(seconds);
        Some(Self(seconds * 1_000_000_000 + i128::from(nanoseconds)))
    }
}

/// Digits, with a sign and a fraction perhaps.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let mut parts = digits.splitn(2, '.');
    parts.all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

fn epoch(text: &str) -> Option<Instant> {
    let is_negative = text.starts_with('-');
    let digits = text.trim_start_matches('-');
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let whole: i64 = whole.parse().ok()?;
    let value = i128::from(whole) * 1_000_000_000 + i128::from(nanoseconds(fraction)?);
    Some(Instant(if is_negative { -value } else { value }))
}

/// The fraction of a second that these digits are.
fn nanoseconds(digits: &str) -> Option<i64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let kept: String = digits.chars().take(FRACTION).collect();
    format!("{kept:0<FRACTION$}").parse().ok()
}

/// Days since 1970 of `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
fn days(date: &str) -> Option<i64> {
    let mut parts = date.split('-');
    let year = number(parts.next()?, 4, 0..=9_999)?;
    let month = parts
        .next()
        .map_or(Some(1), |text| number(text, 2, 1..=12))?;
    let day = parts
        .next()
        .map_or(Some(1), |text| number(text, 2, 1..=length_of(year, month)))?;
    if parts.next().is_some() {
        return None;
    }
    Some(days_before_year(year) + days_before_month(year, month) + day - 1)
}

/// Days from 1970 to the beginning of a year.
fn days_before_year(year: i64) -> i64 {
    let leap_days = |year: i64| {
        let before = year - 1;
        before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400)
    };
    (year - 1970) * 365 + leap_days(year) - leap_days(1970)
}

fn days_before_month(year: i64, month: i64) -> i64 {
    (1..month).map(|month| length_of(year, month)).sum()
}

fn length_of(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Seconds since midnight in UTC, and nanoseconds, of `hh[:mm[:ss[.f]]]` with an offset perhaps.
fn time_of_day(text: &str) -> Option<(i64, i64)> {
    let (clock, offset) = match text.find(['Z', 'z', '+', '-']) {
        Some(at) => text.split_at_checked(at)?,
        None => (text, "Z"),
    };
    let (clock, nanoseconds) = match clock.split_once('.') {
        Some((clock, digits)) => (clock, nanoseconds(digits)?),
        None => (clock, 0),
    };
    let mut parts = clock.split(':');
    let hour = number(parts.next()?, 2, 0..=23)?;
    let minute = parts.next().map(|text| number(text, 2, 0..=59));
    let second = parts.next().map(|text| number(text, 2, 0..=59));
    let is_too_long = parts.next().is_some();
    let has_odd_fraction = nanoseconds != 0 && second.is_none();
    if is_too_long || has_odd_fraction {
        return None;
    }
    let seconds = hour * 3_600 + minute.unwrap_or(Some(0))? * 60 + second.unwrap_or(Some(0))?;
    Some((seconds - seconds_of_offset(offset)?, nanoseconds))
}

/// `Z`, `+hh`, `+hhmm` or `+hh:mm`.
fn seconds_of_offset(text: &str) -> Option<i64> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("Z" | "z", "") => return Some(0),
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(pair) => pair,
        None if digits.len() == 2 => (digits, "00"),
        None => digits.split_at_checked(2)?,
    };
    let seconds = number(hours, 2, 0..=23)? * 3_600 + number(minutes, 2, 0..=59)? * 60;
    Some(sign * seconds)
}

/// A number of so many digits within a range.
fn number(text: &str, digits: usize, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
    let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_number)?;
    range.contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Instant {
        Instant::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn all_forms_of_a_time_are_read() {
        for (one, other) in [
            ("2026-01-01T00:00:00Z", "1767225600"),
            ("2026-01-01T00:00:00Z", "2026-01-01"),
            ("2026-01-01T00:00:00Z", "2026-01"),
            ("2026-01-01T00:00:00Z", "2026-01-01T00:00Z"),
            ("2026-01-01T00:00:00Z", "2026-01-01T00"),
            ("2026-01-01T00:00:00Z", "2026-01-01t00:00:00z"),
            ("2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00"),
            ("2026-01-01T00:00:00Z", "2025-12-31T19:30:00-0430"),
            ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00"),
            ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z"),
            ("1970-01-01", "0"),
            ("1969-12-31T23:59:59.5Z", "-0.5"),
            ("2000-02-29T12:00:00Z", "951825600"),
            ("1900-03-01", "-2203891200"),
            ("0001-01-01", "-62135596800"),
            ("2026-01-01T00:00:00.25Z", "1767225600.25"),
        ] {
            assert_eq!(instant(one), instant(other), "{one} {other}");
        }
        assert!(instant("2026-01-01T00:00:00.1Z") < instant("2026-01-01T00:00:00.11Z"));
        assert!(instant("2025-12-31T23:59:59Z") < instant("2026-01-01"));
    }

    #[test]
    fn a_plain_number_is_seconds() {
        assert_eq!(instant("2026"), instant("1970-01-01T00:33:46Z"));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "now",
            "-",
            "1.",
            "2026-13-01",
            "2026-02-29",
            "2026-1-1",
            "2026-01-01-01",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60Z",
            "2026-01-01T00:00:60Z",
            "2026-01-01T00:00.5Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+1",
            "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:00:00ZZ",
            "2026-01-01T",
            "99999999999999999999",
            "２０２６-01-01",
        ] {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
        assert_eq!(Instant::parse(&"1".repeat(100_000)), None);
    }
}
