//! Constraint violations and the forms in which AWS words them: that of the framework which all its services share,
//! the registry's own for patterns, and IAM's sentences for names and paths. SDKs check only required, type and
//! minimum, so a server must check all of them.

use std::fmt;

/// Longest part of a refused value that a message repeats, in characters.
const ECHO_LIMIT: usize = 128;

/// A rule of the model that a value broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    /// The member is required and was absent or null.
    Required,
    /// Text, blob or list is shorter than this many characters, bytes or items.
    MinLength(usize),
    /// Text, blob or list is longer than this many characters, bytes or items.
    MaxLength(usize),
    /// The number is below this value.
    MinValue(i64),
    /// The number is above this value.
    MaxValue(i64),
    /// The text does not match this pattern as a whole.
    Pattern(&'static str),
    /// The text does not match a pattern for which the service has a sentence; `{}` in it stands for the member.
    Sentence(&'static str),
    /// The text is none of these values.
    Enum(&'static [&'static str]),
    /// The text holds U+0000, which no store keeps.
    NoNul,
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Required => f.write_str("Member must not be null"),
            Self::MinLength(n) => write!(f, "Member must have length greater than or equal to {n}"),
            Self::MaxLength(n) => write!(f, "Member must have length less than or equal to {n}"),
            Self::MinValue(n) => write!(f, "Member must have value greater than or equal to {n}"),
            Self::MaxValue(n) => write!(f, "Member must have value less than or equal to {n}"),
            Self::Pattern(pattern) => {
                write!(
                    f,
                    "Member must satisfy regular expression pattern: {pattern}"
                )
            }
            Self::Sentence(sentence) => f.write_str(sentence),
            Self::Enum(values) => {
                write!(
                    f,
                    "Member must satisfy enum value set: [{}]",
                    values.join(", ")
                )
            }
            Self::NoNul => f.write_str("Member must not contain the null character"),
        }
    }
}

/// One value that broke one constraint; its `Display` is the message for the client, as most services word it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConstraintViolation {
    /// Where the value stands, as AWS writes it: `imageIds.1.member.imageTag`.
    pub member: String,
    /// What it broke.
    pub constraint: Constraint,
    /// The value, shortened and escaped; `None` for null.
    pub value: Option<String>,
}

impl ConstraintViolation {
    /// A violation at `member` by `value`, which is shortened and escaped here.
    pub fn new(member: impl fmt::Display, constraint: Constraint, value: Option<&str>) -> Self {
        Self {
            member: member.to_string(),
            constraint,
            value: value.map(echo),
        }
    }

    /// The message in the words of the registry API, which has its own for patterns.
    pub fn in_registry_words(&self) -> String {
        let Constraint::Pattern(pattern) = self.constraint else {
            return self.to_string();
        };
        let member = &self.member;
        format!(
            "Invalid parameter at '{member}' failed to satisfy constraint: \
             'must satisfy regular expression '{pattern}''"
        )
    }
}

impl fmt::Display for ConstraintViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            member, constraint, ..
        } = self;
        if let Constraint::Sentence(sentence) = constraint {
            return f.write_str(&sentence.replace("{}", member));
        }
        f.write_str("1 validation error detected: Value ")?;
        match &self.value {
            Some(value) => write!(f, "'{value}'")?,
            None => f.write_str("null")?,
        }
        write!(
            f,
            " at '{member}' failed to satisfy constraint: {constraint}"
        )
    }
}

/// A value as a message may repeat it: bounded, and without characters that could forge or reorder a log line.
fn echo(value: &str) -> String {
    let mut shown = String::new();
    let mut characters = value.chars();
    for character in characters.by_ref().take(ECHO_LIMIT) {
        if character.is_control() || reorders_text(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// Whether a character is one of the line separators or bidirectional controls of Unicode.
fn reorders_text(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_forms_of_aws() {
        let cases: [(Constraint, Option<&str>, &str); 7] = [
            (
                Constraint::MaxLength(256),
                Some("aaa"),
                "1 validation error detected: Value 'aaa' at 'm' failed to satisfy constraint: \
                 Member must have length less than or equal to 256",
            ),
            (
                Constraint::MaxValue(1000),
                Some("5000"),
                "1 validation error detected: Value '5000' at 'm' failed to satisfy constraint: \
                 Member must have value less than or equal to 1000",
            ),
            (
                Constraint::MinLength(1),
                Some(""),
                "1 validation error detected: Value '' at 'm' failed to satisfy constraint: \
                 Member must have length greater than or equal to 1",
            ),
            (
                Constraint::Required,
                None,
                "1 validation error detected: Value null at 'm' failed to satisfy constraint: \
                 Member must not be null",
            ),
            (
                Constraint::Enum(&["A", "B"]),
                Some("C"),
                "1 validation error detected: Value 'C' at 'm' failed to satisfy constraint: \
                 Member must satisfy enum value set: [A, B]",
            ),
            (
                Constraint::Pattern("[0-9]{12}"),
                Some("x"),
                "1 validation error detected: Value 'x' at 'm' failed to satisfy constraint: \
                 Member must satisfy regular expression pattern: [0-9]{12}",
            ),
            (
                Constraint::Sentence("The specified value for {} is invalid."),
                Some("x"),
                "The specified value for m is invalid.",
            ),
        ];
        for (constraint, value, message) in cases {
            let violation = ConstraintViolation::new("m", constraint, value);
            assert_eq!(violation.to_string(), message);
        }
    }

    #[test]
    fn the_registry_words_patterns_in_its_own_way() {
        let words = |constraint| {
            let violation = ConstraintViolation::new("m", constraint, Some("x"));
            violation.in_registry_words()
        };
        assert_eq!(
            words(Constraint::Pattern("[0-9]{12}")),
            "Invalid parameter at 'm' failed to satisfy constraint: \
             'must satisfy regular expression '[0-9]{12}''"
        );
        assert!(words(Constraint::MinLength(2)).starts_with("1 validation error detected: Value"));
    }

    #[test]
    fn echoed_values_are_bounded_and_escaped() {
        assert_eq!(echo("a\nb\u{202e}c"), "a\\u{a}b\\u{202e}c");
        assert_eq!(echo(&"é".repeat(128)), "é".repeat(128));
        assert_eq!(echo(&"é".repeat(129)), format!("{}…", "é".repeat(128)));
    }
}
