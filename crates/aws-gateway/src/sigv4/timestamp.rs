//! The two spellings of time in a signed request: ISO 8601 basic (`X-Amz-Date`) and the HTTP date (`Date`).

use ecru_domain::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::tz::Offset;

/// When a request says it was signed, with the text that the signature covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SigningTime {
    at: Timestamp,
    basic: String,
}

impl SigningTime {
    /// Reads `20150830T123600Z`, exactly so written.
    pub(super) fn parse_basic(text: &str) -> Option<Self> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        if date.len() != 8 || time.len() != 6 {
            return None;
        }
        let (year, month, day) = (
            digits(date, 0, 4)?,
            digits(date, 4, 2)?,
            digits(date, 6, 2)?,
        );
        let (hour, minute, second) = (
            digits(time, 0, 2)?,
            digits(time, 2, 2)?,
            digits(time, 4, 2)?,
        );
        let narrow = |n: i16| i8::try_from(n).ok();
        let civil = DateTime::new(
            year,
            narrow(month)?,
            narrow(day)?,
            narrow(hour)?,
            narrow(minute)?,
            narrow(second)?,
            0,
        );
        let at = Offset::UTC.to_timestamp(civil.ok()?).ok()?.as_second();
        Some(Self {
            at: Timestamp::from_seconds(at),
            basic: text.to_owned(),
        })
    }

    /// Reads the `Date` header: `Sun, 30 Aug 2015 12:36:00 GMT`, or the basic form.
    pub(super) fn parse_date_header(text: &str) -> Option<Self> {
        if let Some(time) = Self::parse_basic(text) {
            return Some(time);
        }
        let at = DateTimeParser::new().parse_timestamp(text).ok()?;
        let at = Timestamp::from_seconds(at.as_second());
        Some(Self {
            at,
            basic: basic_format(at),
        })
    }

    /// The point in time.
    pub(super) fn at(&self) -> Timestamp {
        self.at
    }

    /// `20150830T123600Z`, as the string to sign holds it.
    pub(super) fn basic(&self) -> &str {
        &self.basic
    }

    /// `20150830`, as the credential scope holds it.
    pub(super) fn date(&self) -> &str {
        self.basic.split('T').next().unwrap_or_default()
    }
}

/// `20150830T123600Z` of a point in time, for messages.
pub(super) fn basic_format(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at.seconds())
        .map(|t| t.strftime("%Y%m%dT%H%M%SZ").to_string())
        .unwrap_or_default()
}

fn digits(text: &str, from: usize, length: usize) -> Option<i16> {
    let part = text.get(from..from + length)?;
    if part.bytes().all(|b| b.is_ascii_digit()) {
        part.parse().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_440_938_160;

    #[test]
    fn both_spellings_mean_the_same_second() {
        for text in ["20150830T123600Z", "Sun, 30 Aug 2015 12:36:00 GMT"] {
            let time = SigningTime::parse_date_header(text).unwrap();
            assert_eq!(time.at(), Timestamp::from_seconds(NOON), "{text}");
            assert_eq!(
                (time.basic(), time.date()),
                ("20150830T123600Z", "20150830"),
                "{text}"
            );
        }
    }

    #[test]
    fn the_basic_form_is_exact() {
        for text in [
            "",
            "Z",
            "TZ",
            "20150830T123600",
            "20150830t123600z",
            "2015-08-30T12:36:00Z",
            "20150830T1236Z",
            "20151330T123600Z",
            "20150832T123600Z",
            "20150830T250000Z",
            "+0150830T123600Z",
            "20150830T123600ZZ",
            "２０１５0830T123600Z",
            "20150830T123660Z ",
        ] {
            assert_eq!(SigningTime::parse_basic(text), None, "{text}");
        }
    }

    #[test]
    fn a_date_that_is_neither_is_refused() {
        for text in ["", "yesterday", "30 Aug", "1440938160"] {
            assert_eq!(SigningTime::parse_date_header(text), None, "{text}");
        }
    }
}
