//! Lengths of time as people write them: `90s`, `15m`, `24h`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

/// A length of time in whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(Duration);

/// A text that is no length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "not a length of time: write a whole number and a unit, such as 500ms, 30s, 15m, 24h or 7d"
)]
pub struct NotASpan;

const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
];

impl Span {
    /// The length.
    pub fn duration(self) -> Duration {
        self.0
    }
}

impl From<Duration> for Span {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl FromStr for Span {
    type Err = NotASpan;

    fn from_str(text: &str) -> Result<Self, NotASpan> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| NotASpan)?;
        let (_, factor) = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or(NotASpan)?;
        let milliseconds = number.checked_mul(*factor).ok_or(NotASpan)?;
        Ok(Self(Duration::from_millis(milliseconds)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        let (unit, factor) = match milliseconds {
            0 => ("s", 1_000),
            whole => ["d", "h", "m", "s", "ms"]
                .into_iter()
                .filter_map(|name| UNITS.into_iter().find(|(unit, _)| *unit == name))
                .find(|(_, factor)| whole % factor == 0)
                .unwrap_or(("ms", 1)),
        };
        write!(f, "{}{unit}", milliseconds / factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_whole_number_and_a_unit() {
        for (text, milliseconds) in [
            ("0s", 0),
            ("500ms", 500),
            ("30s", 30_000),
            ("15m", 900_000),
            ("24h", 86_400_000),
            ("7d", 604_800_000),
        ] {
            assert_eq!(
                text.parse(),
                Ok(Span(Duration::from_millis(milliseconds))),
                "{text}"
            );
        }
        for text in [
            "",
            "5",
            "s",
            "-1s",
            "1.5h",
            "1 h",
            "1w",
            "1H",
            "99999999999999999999s",
            "18446744073709551615d",
        ] {
            assert_eq!(text.parse::<Span>(), Err(NotASpan), "{text}");
        }
    }

    #[test]
    fn a_span_prints_in_its_largest_whole_unit() {
        for (text, printed) in [
            ("0ms", "0s"),
            ("1500ms", "1500ms"),
            ("60s", "1m"),
            ("90m", "90m"),
            ("48h", "2d"),
        ] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), printed);
        }
    }
}
