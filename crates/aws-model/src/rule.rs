//! The checks that the generated tables are made of: one value per shape of the model, each of which reads and
//! validates a value.

use std::marker::PhantomData;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;

use crate::constraint::Constraint;
use crate::decode::{Decode, Node, Refused};
use crate::scalar::{Blob, Sensitive};
use crate::wire_enum::WireEnum;

/// Reads one shape.
pub(crate) trait Rule {
    /// What the shape is in Rust.
    type Value;

    /// Reads and checks the value.
    fn read(&self, node: Node<'_>) -> Result<Self::Value, Refused>;
}

/// A regular expression of the model, matched against the whole value; compiled at its first use.
#[derive(Debug)]
pub(crate) struct Pattern {
    /// What is matched.
    expression: &'static str,
    /// What is told to whom it does not match.
    told: Constraint,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// An expression that messages show as it is.
    pub(crate) const fn new(expression: &'static str) -> Self {
        Self::told(expression, Constraint::Pattern(expression))
    }

    /// An expression that messages show as `model`: what the model says in a way that cannot be matched here.
    pub(crate) const fn shown_as(expression: &'static str, model: &'static str) -> Self {
        Self::told(expression, Constraint::Pattern(model))
    }

    /// An expression for which the service has a sentence.
    pub(crate) const fn worded(expression: &'static str, sentence: &'static str) -> Self {
        Self::told(expression, Constraint::Sentence(sentence))
    }

    const fn told(expression: &'static str, told: Constraint) -> Self {
        Self {
            expression,
            told,
            compiled: OnceLock::new(),
        }
    }

    /// Whether the whole text matches. An expression that does not compile matches nothing; a test proves that the
    /// models have none.
    fn matches(&self, text: &str) -> bool {
        self.compiled()
            .is_some_and(|expression| expression.is_match(text))
    }

    /// The anchored expression.
    fn compiled(&self) -> Option<&Regex> {
        self.compiled
            .get_or_init(|| Regex::new(&format!(r"\A(?:{})\z", in_ascii(self.expression))).ok())
            .as_ref()
    }
}

/// Classes such as `\w` mean ASCII, as they do where the models come from; `\p{…}` means Unicode in both.
fn in_ascii(expression: &str) -> String {
    let mut text = String::new();
    let mut characters = expression.chars();
    while let Some(character) = characters.next() {
        let class = match character {
            '\\' => characters.next(),
            other => {
                text.push(other);
                continue;
            }
        };
        match class {
            Some('w') => text.push_str("[0-9A-Za-z_]"),
            Some('d') => text.push_str("[0-9]"),
            Some('s') => text.push_str(r"[\t\n\x0B\f\r ]"),
            Some('S') => text.push_str(r"[^\t\n\x0B\f\r ]"),
            Some(escaped) => text.extend(['\\', escaped]),
            None => text.push('\\'),
        }
    }
    text
}

/// A string shape.
#[derive(Debug)]
pub(crate) struct Text {
    min: usize,
    max: usize,
    pattern: Option<Pattern>,
}

impl Text {
    /// Text without constraint.
    pub(crate) const fn any() -> Self {
        Self::bounded(0, usize::MAX)
    }

    /// Text of `min` to `max` characters.
    pub(crate) const fn bounded(min: usize, max: usize) -> Self {
        Self {
            min,
            max,
            pattern: None,
        }
    }

    /// Text of `min` to `max` characters that matches `pattern` as a whole.
    pub(crate) const fn matching(min: usize, max: usize, pattern: Pattern) -> Self {
        Self {
            min,
            max,
            pattern: Some(pattern),
        }
    }

    /// Checks the text of `node`, of which messages repeat `shown`. What is too long is not matched.
    fn check(&self, node: Node<'_>, text: &str, shown: &str) -> Result<(), Refused> {
        let length = text.chars().count();
        let is_too_long = length > self.max;
        let pattern = self.pattern.as_ref().filter(|_| !is_too_long);
        let broken = [
            (length < self.min).then_some(Constraint::MinLength(self.min)),
            is_too_long.then_some(Constraint::MaxLength(self.max)),
            text.contains('\0').then_some(Constraint::NoNul),
            pattern
                .filter(|pattern| !pattern.matches(text))
                .map(|pattern| pattern.told),
        ];
        let mut outcome = Ok(());
        for constraint in broken.into_iter().flatten() {
            outcome = Err(node.refuse(constraint, shown));
        }
        outcome
    }
}

impl Rule for Text {
    type Value = String;

    fn read(&self, node: Node<'_>) -> Result<String, Refused> {
        let text = node.string()?;
        self.check(node, &text, &text)?;
        Ok(text.into_owned())
    }
}

/// A string shape whose value no message repeats.
#[derive(Debug)]
pub(crate) struct SensitiveText(pub(crate) Text);

impl Rule for SensitiveText {
    type Value = Sensitive;

    fn read(&self, node: Node<'_>) -> Result<Sensitive, Refused> {
        let text = node.string()?;
        self.0.check(node, &text, "***")?;
        Ok(Sensitive::new(text.into_owned()))
    }
}

/// An enum shape.
#[derive(Debug)]
pub(crate) struct OneOf<E>(PhantomData<fn() -> E>);

impl<E> OneOf<E> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<E: WireEnum> Rule for OneOf<E> {
    type Value = E;

    fn read(&self, node: Node<'_>) -> Result<E, Refused> {
        let text = node.string()?;
        E::from_text(&text).ok_or_else(|| node.refuse(Constraint::Enum(E::TEXTS), &text))
    }
}

/// An integer or long shape.
#[derive(Debug)]
pub(crate) struct Number<N> {
    min: i64,
    max: i64,
    integer: PhantomData<fn() -> N>,
}

impl<N> Number<N> {
    /// A number of `min` to `max`.
    pub(crate) const fn bounded(min: i64, max: i64) -> Self {
        Self {
            min,
            max,
            integer: PhantomData,
        }
    }
}

impl<N: TryFrom<i64>> Rule for Number<N> {
    type Value = N;

    fn read(&self, node: Node<'_>) -> Result<N, Refused> {
        let number = node.integer()?;
        if number < self.min {
            return Err(node.refuse(Constraint::MinValue(self.min), &node.shown()));
        }
        N::try_from(number)
            .ok()
            .filter(|_| number <= self.max)
            .ok_or_else(|| node.refuse(Constraint::MaxValue(self.max), &node.shown()))
    }
}

/// A boolean shape.
#[derive(Debug)]
pub(crate) struct Flag;

impl Rule for Flag {
    type Value = bool;

    fn read(&self, node: Node<'_>) -> Result<bool, Refused> {
        node.boolean()
    }
}

/// A blob shape.
#[derive(Debug)]
pub(crate) struct Bytes {
    min: usize,
    max: usize,
}

impl Bytes {
    /// A blob of `min` to `max` bytes.
    pub(crate) const fn bounded(min: usize, max: usize) -> Self {
        Self { min, max }
    }
}

impl Rule for Bytes {
    type Value = Blob;

    fn read(&self, node: Node<'_>) -> Result<Blob, Refused> {
        let encoded = node.string()?;
        let bytes = STANDARD.decode(encoded.as_bytes()).map_err(|_| {
            node.unreadable("STRING_VALUE can not be converted to a Blob".to_owned())
        })?;
        let shown = format!("{} bytes", bytes.len());
        if bytes.len() < self.min {
            return Err(node.refuse(Constraint::MinLength(self.min), &shown));
        }
        if bytes.len() > self.max {
            return Err(node.refuse(Constraint::MaxLength(self.max), &shown));
        }
        Ok(Blob::new(bytes))
    }
}

/// A list shape.
#[derive(Debug)]
pub(crate) struct List<R: 'static> {
    min: usize,
    max: usize,
    item: &'static R,
}

impl<R> List<R> {
    /// A list of `min` to `max` items.
    pub(crate) const fn bounded(min: usize, max: usize, item: &'static R) -> Self {
        Self { min, max, item }
    }
}

impl<R: Rule> Rule for List<R> {
    type Value = Vec<R::Value>;

    fn read(&self, node: Node<'_>) -> Result<Self::Value, Refused> {
        let items = node.items(self.max.saturating_add(1))?;
        if items.len() < self.min {
            return Err(node.refuse(Constraint::MinLength(self.min), &node.shown()));
        }
        if items.len() > self.max {
            return Err(node.refuse(Constraint::MaxLength(self.max), &node.shown()));
        }
        let mut values = Vec::with_capacity(items.len());
        let mut refused = None;
        for (value, position) in items.into_iter().zip(1..) {
            match node.item(position, value, self.item) {
                Ok(value) => values.push(value),
                Err(problem) => refused = Some(problem),
            }
        }
        refused.map_or(Ok(values), Err)
    }
}

/// A structure shape.
#[derive(Debug)]
pub(crate) struct Structure<T>(PhantomData<fn() -> T>);

impl<T> Structure<T> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: Decode> Rule for Structure<T> {
    type Value = T;

    fn read(&self, node: Node<'_>) -> Result<T, Refused> {
        T::decode(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// Only outputs use them, so nothing is checked against them.
    const OUTPUT_ONLY: [&str; 1] = ["Base64"];

    /// What `models/subset.toml` says in another way.
    const OTHERWISE: [&str; 1] = ["accountAliasType"];

    #[test]
    fn every_pattern_of_the_models_compiles() {
        let mut compiled = 0;
        for model in ["ecr", "iam", "organizations", "sts"] {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models");
            let text = std::fs::read(format!("{folder}/{model}.json")).unwrap();
            let model: Value = serde_json::from_slice(&text).unwrap();
            for (name, shape) in model["shapes"].as_object().unwrap() {
                let Some(pattern) = shape["pattern"].as_str() else {
                    continue;
                };
                let pattern = Pattern::new(String::leak(pattern.to_owned()));
                let name = name.as_str();
                let is_known = OUTPUT_ONLY.contains(&name) || OTHERWISE.contains(&name);
                assert!(pattern.compiled().is_some() || is_known, "{name}");
                compiled += 1;
            }
        }
        assert!(compiled > 50, "{compiled}");
    }

    #[test]
    fn patterns_match_whole_values_and_mean_ascii() {
        for (pattern, text, matches) in [
            ("[0-9]{3}", "123", true),
            ("[0-9]{3}", "1234", false),
            ("[0-9]{3}", "123\n", false),
            ("^$|a", "", true),
            ("^$|a", "ab", false),
            (r"^(a)|(b)$", "ab", false),
            (r"\w+", "a_1", true),
            (r"\w+", "é", false),
            (r"[\w+=,.@-]+", "a@b-c", true),
            (r"[\w+=,.@-]+", "a b", false),
            (r"\d+", "٣", false),
            ("[0-9]+", "٣", false),
            (r"[^\s@]+", "a\u{a0}", true),
            (r"[^\s@]+", "a b", false),
            (r"[\s\S]*", "a\né", true),
            (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+", "é ٣-x", true),
            (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+", "a!", false),
            (r"[\u0009\u000A\u000D\u0020-\u00FF]+", "a\tÿ", true),
            (r"[\u0009\u000A\u000D\u0020-\u00FF]+", "Ā", false),
        ] {
            let matched = Pattern::new(pattern).matches(text);
            assert_eq!(matched, matches, "{pattern} {text:?}");
        }
    }
}
