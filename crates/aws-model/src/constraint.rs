//! Constraint violations and the forms in which AWS words them: that of the framework which all its services share,
//! the registry's own for patterns, and IAM's sentences for names and paths. SDKs check only required, type and
//! minimum, so a server must check all of them.

use std::fmt;

/// Longest part of a refused value that a message repeats, in characters.
const ECHO_LIMIT: usize = 128;

/// Most violations that are told of one input.
pub const MAX_VIOLATIONS: usize = 10;

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

/// One value that broke one constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
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
}

/// In the words of the framework, one among others; a sentence of the service as it is.
impl fmt::Display for ConstraintViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            member, constraint, ..
        } = self;
        if let Constraint::Sentence(sentence) = constraint {
            return f.write_str(&sentence.replace("{}", member));
        }
        match &self.value {
            Some(value) => write!(f, "Value '{value}'")?,
            None => f.write_str("Value null")?,
        }
        write!(
            f,
            " at '{member}' failed to satisfy constraint: {constraint}"
        )
    }
}

/// What an input broke, in the order of the model's members; its `Display` is the message for the client, as most
/// services word it. What the framework checks is told together and first; what a service checks in its own words it
/// tells one at a time, once the framework is content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConstraintViolations {
    first: ConstraintViolation,
    more: Vec<ConstraintViolation>,
}

impl ConstraintViolations {
    /// The first [`MAX_VIOLATIONS`] of `all`; `None` if there are none.
    pub fn of(all: Vec<ConstraintViolation>) -> Option<Self> {
        let mut all = all.into_iter().take(MAX_VIOLATIONS);
        let first = all.next()?;
        Some(Self {
            first,
            more: all.collect(),
        })
    }

    /// The first of them.
    pub fn first(&self) -> &ConstraintViolation {
        &self.first
    }

    /// The message in the words of the registry API, which has its own for patterns.
    pub fn in_registry_words(&self) -> String {
        let is_own = |constraint| matches!(constraint, Constraint::Pattern(_));
        let framework: Vec<_> = self.all().filter(|one| !is_own(one.constraint)).collect();
        if !framework.is_empty() {
            return counted(&framework);
        }
        let ConstraintViolation {
            member, constraint, ..
        } = &self.first;
        let Constraint::Pattern(pattern) = constraint else {
            return self.first.to_string();
        };
        format!(
            "Invalid parameter at '{member}' failed to satisfy constraint: \
             'must satisfy regular expression '{pattern}''"
        )
    }

    fn all(&self) -> impl Iterator<Item = &ConstraintViolation> {
        std::iter::once(&self.first).chain(&self.more)
    }
}

impl fmt::Display for ConstraintViolations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_own = |constraint| matches!(constraint, Constraint::Sentence(_));
        let framework: Vec<_> = self.all().filter(|one| !is_own(one.constraint)).collect();
        if framework.is_empty() {
            return self.first.fmt(f);
        }
        f.write_str(&counted(&framework))
    }
}

/// `2 validation errors detected: …; …`
fn counted(violations: &[&ConstraintViolation]) -> String {
    let errors = match violations.len() {
        1 => "error",
        _ => "errors",
    };
    let told: Vec<String> = violations.iter().map(ToString::to_string).collect();
    let told = told.join("; ");
    format!("{} validation {errors} detected: {told}", violations.len())
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
            let violations = ConstraintViolations::of(vec![violation]).unwrap();
            assert_eq!(violations.to_string(), message);
        }
    }

    fn several(constraints: &[Constraint]) -> ConstraintViolations {
        let broken =
            |constraint: &Constraint| ConstraintViolation::new("m", *constraint, Some("x"));
        ConstraintViolations::of(constraints.iter().map(broken).collect()).unwrap()
    }

    #[test]
    fn all_that_the_framework_checks_is_told_together_and_first() {
        let sentence = Constraint::Sentence("The specified value for {} is invalid.");
        let told = several(&[
            sentence,
            Constraint::MinLength(2),
            Constraint::Pattern("[a-z]+"),
        ]);
        assert_eq!(
            told.to_string(),
            "2 validation errors detected: \
             Value 'x' at 'm' failed to satisfy constraint: Member must have length greater than or equal to 2; \
             Value 'x' at 'm' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+"
        );
        assert_eq!(told.first().constraint, sentence);
        let told = several(&[sentence, sentence]).to_string();
        assert_eq!(told, "The specified value for m is invalid.");
        let many = several(&[Constraint::MinLength(2); MAX_VIOLATIONS + 1]).to_string();
        assert!(
            many.starts_with("10 validation errors detected: "),
            "{many}"
        );
    }

    #[test]
    fn the_registry_words_patterns_in_its_own_way() {
        let pattern = Constraint::Pattern("[0-9]{12}");
        assert_eq!(
            several(&[pattern, pattern]).in_registry_words(),
            "Invalid parameter at 'm' failed to satisfy constraint: \
             'must satisfy regular expression '[0-9]{12}''"
        );
        let told = several(&[pattern, Constraint::MinLength(2)]).in_registry_words();
        assert!(
            told.starts_with("1 validation error detected: Value"),
            "{told}"
        );
    }

    #[test]
    fn echoed_values_are_bounded_and_escaped() {
        assert_eq!(echo("a\nb\u{202e}c"), "a\\u{a}b\\u{202e}c");
        assert_eq!(echo(&"é".repeat(128)), "é".repeat(128));
        assert_eq!(echo(&"é".repeat(129)), format!("{}…", "é".repeat(128)));
    }
}
