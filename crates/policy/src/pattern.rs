//! Patterns: `*` for any characters, `?` for one, and `${…}` for values of the request (IAM User Guide, "IAM policy
//! elements: Variables and tags"). A value that is put in place of a variable is literal, whatever is in it.
//!
//! Between two stars stand pieces of text that are looked for from left to right, and the first place that fits is
//! taken: a later one could only leave less. So nothing is ever tried twice because of a star. Text is looked for
//! in time linear in its length; only pieces with many `?` cost more, one step for 64 of their characters.

mod search;

use std::borrow::Cow;

use crate::context::{Context, Key, Value};

/// A variable: a context key, and what stands for it if the request has no single value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    key: Key,
    /// As written.
    name: Box<str>,
    default: Option<Box<str>>,
}

impl Variable {
    /// Reads what stands between the braces: `key`, or `key, 'default'`.
    fn parse(text: &str) -> Self {
        let with_default = text
            .split_once(", '")
            .and_then(|(name, rest)| Some((name, rest.strip_suffix('\'')?)));
        let (name, default) = match with_default {
            Some((name, default)) => (name, Some(default.into())),
            None => (text, None),
        };
        Self {
            key: Key::new(name),
            name: name.into(),
            default,
        }
    }

    /// A key that may have several values is no variable, even when it has one.
    pub(crate) fn resolve<'a>(&'a self, context: &'a Context) -> Option<&'a str> {
        match context.value(&self.key) {
            Some(Value::One(value)) => Some(value),
            Some(Value::Many(_)) | None => self.default.as_deref(),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Text(Box<str>),
    /// `?`
    One,
    /// `*`
    Star,
    Variable(Variable),
}

/// Most pieces of a run that is tried at every place, one after the other.
const SHORT: usize = 8;

/// What may stand in a pattern besides text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Syntax {
    /// `*` and `?`.
    pub(crate) wildcards: bool,
    /// `${…}`.
    pub(crate) variables: bool,
}

/// A pattern in compiled form; the first three are what most patterns are.
#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    Anything,
    Text(Box<str>),
    /// Text and a star.
    Prefix(Box<str>),
    Pieces(Box<[Piece]>),
}

impl Pattern {
    /// Reads a pattern. Anything is one: what looks like a variable but never ends is text.
    pub(crate) fn parse(text: &str, syntax: Syntax) -> Self {
        let mut pieces = Pieces::default();
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            if syntax.variables
                && let Some((inner, after)) = variable(rest)
            {
                pieces.variable(inner);
                rest = after;
                continue;
            }
            match letter {
                '*' if syntax.wildcards => pieces.star(),
                '?' if syntax.wildcards => pieces.push(Piece::One),
                _ => pieces.text.push(letter),
            }
            rest = rest.get(letter.len_utf8()..).unwrap_or_default();
        }
        pieces.into_pattern()
    }

    /// Whether `text` as a whole fits. A pattern with a variable that has no value fits nothing.
    #[inline]
    pub(crate) fn matches(&self, text: &str, context: &Context) -> bool {
        match self {
            Self::Anything => true,
            Self::Text(own) => own.len() == text.len() && begins(text, own),
            Self::Prefix(own) => begins(text, own),
            Self::Pieces(pieces) => matches(pieces, text, context),
        }
    }

    /// The text of a pattern without wildcards. `None` if a variable has no value.
    pub(crate) fn resolve<'a>(&'a self, context: &'a Context) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(own) => Some(Cow::Borrowed(own)),
            Self::Anything | Self::Prefix(_) => None,
            Self::Pieces(pieces) => resolved(pieces, context).map(Cow::Owned),
        }
    }

    /// Its text, if it is nothing but text.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(own) => Some(own),
            _ => None,
        }
    }

    /// What it begins with: text, a variable that follows, and text that follows that.
    pub(crate) fn beginning(&self) -> (&str, Option<&Variable>, &str) {
        match self {
            Self::Anything => ("", None, ""),
            Self::Text(own) | Self::Prefix(own) => (own, None, ""),
            Self::Pieces(pieces) => {
                let (text, rest) = match &**pieces {
                    [Piece::Text(text), rest @ ..] => (&**text, rest),
                    rest => ("", rest),
                };
                match rest {
                    [Piece::Variable(one), Piece::Text(next), ..] => (text, Some(one), next),
                    [Piece::Variable(one), ..] => (text, Some(one), ""),
                    _ => (text, None, ""),
                }
            }
        }
    }

    /// Whether its last character is a star.
    pub(crate) fn ends_with_star(&self) -> bool {
        match self {
            Self::Anything | Self::Prefix(_) => true,
            Self::Text(_) => false,
            Self::Pieces(pieces) => matches!(pieces.last(), Some(Piece::Star)),
        }
    }

    /// The names of its variables, as written.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        let pieces = match self {
            Self::Pieces(pieces) => &**pieces,
            _ => &[],
        };
        pieces.iter().filter_map(|piece| match piece {
            Piece::Variable(variable) => Some(&*variable.name),
            _ => None,
        })
    }
}

/// What stands between the braces at the beginning of `text`, and what follows them.
pub(crate) fn variable(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix("${")?.split_once('}')
}

/// The pieces of a pattern while it is read.
#[derive(Default)]
struct Pieces {
    done: Vec<Piece>,
    /// Text at the end.
    text: String,
}

impl Pieces {
    fn push(&mut self, piece: Piece) {
        if !self.text.is_empty() {
            let text = std::mem::take(&mut self.text);
            self.done.push(Piece::Text(text.into()));
        }
        self.done.push(piece);
    }

    fn star(&mut self) {
        let is_second = self.text.is_empty() && matches!(self.done.last(), Some(Piece::Star));
        if !is_second {
            self.push(Piece::Star);
        }
    }

    /// `${*}`, `${?}` and `${$}` are the characters themselves.
    fn variable(&mut self, inner: &str) {
        match inner {
            "*" | "?" | "$" => self.text.push_str(inner),
            _ => self.push(Piece::Variable(Variable::parse(inner))),
        }
    }

    fn into_pattern(mut self) -> Pattern {
        if self.done.is_empty() {
            return Pattern::Text(self.text.into());
        }
        if !self.text.is_empty() {
            self.done.push(Piece::Text(self.text.into()));
        }
        match self.done.as_slice() {
            [Piece::Star] => Pattern::Anything,
            [Piece::Text(text), Piece::Star] => Pattern::Prefix(text.clone()),
            _ => Pattern::Pieces(self.done.into()),
        }
    }
}

/// Whether `text` as a whole fits `pieces`.
fn matches(pieces: &[Piece], text: &str, context: &Context) -> bool {
    let is_star = |piece: &Piece| matches!(piece, Piece::Star);
    let mut runs = pieces.split(is_star);
    let first = runs.next().unwrap_or_default();
    let Some(rest) = strip(first, text, context) else {
        return false;
    };
    let Some(last) = runs.next_back() else {
        return rest.is_empty();
    };
    let Some(mut rest) = strip_end(last, rest, context) else {
        return false;
    };
    for run in runs {
        match find(run, rest, context) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    true
}

/// Whether `text` begins with `own`. Names mostly begin alike, so that the last character tells them apart soonest;
/// and they are so short that a call to compare them would cost more than comparing.
#[inline]
pub(crate) fn begins(text: &str, own: &str) -> bool {
    let own = own.as_bytes();
    let Some(text) = text.as_bytes().get(..own.len()) else {
        return false;
    };
    let (words, end) = text.as_chunks::<8>();
    let (own_words, own_end) = own.as_chunks::<8>();
    let same =
        |(one, other): (&[u8; 8], &[u8; 8])| u64::from_ne_bytes(*one) == u64::from_ne_bytes(*other);
    text.last() == own.last()
        && words.iter().zip(own_words).all(same)
        && end.iter().zip(own_end).all(|(one, other)| one == other)
}

/// What follows `run` at the beginning of `text`.
fn strip<'t>(run: &[Piece], text: &'t str, context: &Context) -> Option<&'t str> {
    let mut rest = text;
    for piece in run {
        rest = match piece {
            Piece::Text(own) => after(rest, own)?,
            Piece::Variable(variable) => after(rest, variable.resolve(context)?)?,
            Piece::One | Piece::Star => without_first(rest)?,
        };
    }
    Some(rest)
}

#[inline]
fn after<'t>(text: &'t str, beginning: &str) -> Option<&'t str> {
    let rest = || text.get(beginning.len()..);
    begins(text, beginning).then(rest).flatten()
}

/// What precedes `run` at the end of `text`.
fn strip_end<'t>(run: &[Piece], text: &'t str, context: &Context) -> Option<&'t str> {
    let mut rest = text;
    for piece in run.iter().rev() {
        rest = match piece {
            Piece::Text(own) => rest.strip_suffix(&**own)?,
            Piece::Variable(variable) => rest.strip_suffix(variable.resolve(context)?)?,
            Piece::One | Piece::Star => {
                let mut letters = rest.chars();
                letters.next_back()?;
                letters.as_str()
            }
        };
    }
    Some(rest)
}

/// What follows the first place in `text` where `run` fits.
fn find<'t>(run: &[Piece], text: &'t str, context: &Context) -> Option<&'t str> {
    if let [Piece::Text(own)] = run {
        return after_first(text, own);
    }
    if !run.iter().any(|piece| matches!(piece, Piece::One)) {
        return after_first(text, &resolved(run, context)?);
    }
    if run.len() > SHORT {
        return search::find(&letters(run, context)?, text);
    }
    let mut rest = text;
    loop {
        if let Some(after) = strip(run, rest, context) {
            return Some(after);
        }
        rest = without_first(rest)?;
    }
}

fn after_first<'t>(text: &'t str, wanted: &str) -> Option<&'t str> {
    text.split_once(wanted).map(|(_, after)| after)
}

/// The text of pieces without wildcards.
fn resolved(pieces: &[Piece], context: &Context) -> Option<String> {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(own) => text.push_str(own),
            Piece::Variable(variable) => text.push_str(variable.resolve(context)?),
            Piece::One | Piece::Star => return None,
        }
    }
    Some(text)
}

/// The characters of a run; `None` is any.
fn letters(run: &[Piece], context: &Context) -> Option<Vec<Option<char>>> {
    let mut letters = Vec::new();
    for piece in run {
        match piece {
            Piece::Text(own) => letters.extend(own.chars().map(Some)),
            Piece::Variable(variable) => {
                letters.extend(variable.resolve(context)?.chars().map(Some));
            }
            Piece::One | Piece::Star => letters.push(None),
        }
    }
    Some(letters)
}

fn without_first(text: &str) -> Option<&str> {
    let mut letters = text.chars();
    letters.next()?;
    Some(letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: Syntax = Syntax {
        wildcards: true,
        variables: true,
    };
    const WILD: Syntax = Syntax {
        wildcards: true,
        variables: false,
    };

    fn fits(pattern: &str, text: &str) -> bool {
        let mut context = Context::new();
        context
            .set("aws:username", "alice")
            .set("aws:PrincipalTag/star", "*")
            .set("aws:PrincipalTag/none", "")
            .set("aws:TagKeys", vec!["alice".to_owned()]);
        Pattern::parse(pattern, ALL).matches(text, &context)
    }

    #[test]
    fn stars_and_question_marks_fit_what_they_stand_for() {
        for (pattern, text, fit) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("**", "ab", true),
            ("?", "é", true),
            ("?", "", false),
            ("?", "ab", false),
            ("a*", "a", true),
            ("*a", "ba", true),
            ("*a", "ab", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("a*a", "a", false),
            ("ab*ba", "aba", false),
            ("*?x", "x", false),
            ("*?x", "yx", true),
            ("*a?c*", "xabdabcx", true),
            ("*a?c*", "xabdabx", false),
            ("?*?", "a", false),
            ("?*?", "ab", true),
            ("*é?", "éé€", true),
            ("a\n*", "a\nb", true),
        ] {
            assert_eq!(fits(pattern, text), fit, "{pattern} {text}");
        }
    }

    #[test]
    fn variables_are_replaced_by_literal_text() {
        for (pattern, text, fit) in [
            ("${aws:username}", "alice", true),
            ("${AWS:UserName}/*", "alice/x", true),
            ("*/${aws:username}/*", "a/alice/alice/b", true),
            ("*${aws:username}", "x-alice", true),
            ("${aws:PrincipalTag/star}", "x", false),
            ("${aws:PrincipalTag/star}", "*", true),
            ("a${aws:PrincipalTag/none}b", "ab", true),
            ("${*}${?}${$}", "*?$", true),
            ("a${*}", "ab", false),
            ("${aws:missing}", "", false),
            ("*${aws:missing}*", "x", false),
            ("${aws:missing, 'x*'}", "x*", true),
            ("${aws:missing, 'x*'}", "xy", false),
            ("${aws:missing, ''}", "", true),
            ("${aws:username, 'x'}", "alice", true),
            ("${aws:missing,'x'}", "x", false),
            ("${aws:TagKeys}", "alice", false),
            ("${aws:username", "${aws:username", true),
            ("$a{}", "$a{}", true),
            ("${}", "", false),
        ] {
            assert_eq!(fits(pattern, text), fit, "{pattern} {text}");
        }
    }

    #[test]
    fn without_variables_their_signs_are_text() {
        let pattern = Pattern::parse("${aws:username}", WILD);
        let context = Context::from_iter([("aws:username", "alice")]);
        assert!(!pattern.matches("alice", &context));
        assert!(pattern.matches("${aws:username}", &context));
    }

    #[test]
    fn hostile_patterns_end() {
        let text = "a".repeat(10_000);
        let context = Context::new();
        for pattern in [
            "*a".repeat(5_000) + "b",
            "a*".repeat(5_000) + "b*",
            "*?".repeat(5_001) + "b",
            format!("*{}b*", "a?".repeat(2_000)),
            format!("*{}b", "a".repeat(9_000)),
            format!("*{}b*", "a".repeat(9_000)),
        ] {
            assert!(!Pattern::parse(&pattern, ALL).matches(&text, &context));
        }
    }

    /// The textbook matcher, by a table of all beginnings.
    fn textbook(pattern: &[char], text: &[char]) -> bool {
        let mut row = vec![false; text.len() + 1];
        row[0] = true;
        for letter in pattern {
            let mut next = vec![false; text.len() + 1];
            next[0] = row[0] && *letter == '*';
            for end in 1..=text.len() {
                next[end] = match letter {
                    '*' => row[end] || next[end - 1],
                    '?' => row[end - 1],
                    other => row[end - 1] && *other == text[end - 1],
                };
            }
            row = next;
        }
        row[text.len()]
    }

    proptest! {
        #[test]
        fn every_pattern_fits_what_the_textbook_fits(
            pattern in "[ab?*é]{0,10}|[*]([ab]?[?]){0,90}[*]?b?|[*][ab?]{60,70}[*][ab?]{0,70}[*]",
            text in "[abé]{0,12}|[ab]{80,250}",
        ) {
            let expected = textbook(
                &pattern.chars().collect::<Vec<_>>(),
                &text.chars().collect::<Vec<_>>(),
            );
            let fits = Pattern::parse(&pattern, WILD).matches(&text, &Context::new());
            prop_assert_eq!(fits, expected);
        }
    }
}
