//! Image tags, and references that are a tag or a digest.

use crate::account::print_as_text;
use crate::digest::Digest;
use crate::invalid::Invalid;

/// A tag: `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}` (OCI distribution specification, "Pulling manifests").
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(String);

impl Tag {
    /// The tag that clients ask for when none is given.
    pub const LATEST: &'static str = "latest";

    /// Reads a tag.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let begins = text.bytes().next().is_some_and(word);
        if begins && text.len() <= 128 && text.bytes().all(|b| word(b) || b == b'.' || b == b'-') {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new("tag", text))
        }
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is `latest`.
    pub fn is_latest(&self) -> bool {
        self.0 == Self::LATEST
    }

    /// Whether the tag has the form that signing tools give to companions of an image: `sha256-<hex>…`.
    pub fn names_a_companion(&self) -> bool {
        let Some(rest) = self.0.strip_prefix("sha256-") else {
            return false;
        };
        rest.bytes().take_while(u8::is_ascii_hexdigit).count() >= 64
    }
}

print_as_text!(Tag);

/// How a manifest is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reference {
    /// By name.
    Tag(Tag),
    /// By content.
    Digest(Digest),
}

impl Reference {
    /// Reads a digest if there is a colon, else a tag.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.contains(':') {
            Digest::parse(text).map(Self::Digest)
        } else {
            Tag::parse(text).map(Self::Tag)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_follow_the_distribution_grammar() {
        let full = "a".repeat(128);
        for good in ["latest", "1", "_x", "v1.0-rc.1", "A_b", full.as_str()] {
            assert!(Tag::parse(good).is_ok(), "{good}");
        }
        let long = "a".repeat(129);
        for bad in [
            "",
            ".a",
            "-a",
            "a/b",
            "a:b",
            "a b",
            "..",
            "ü",
            long.as_str(),
        ] {
            assert!(Tag::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn signature_tags_are_companions() {
        let hex = "0".repeat(64);
        assert!(
            Tag::parse(&format!("sha256-{hex}.sig"))
                .unwrap()
                .names_a_companion()
        );
        assert!(
            Tag::parse(&format!("sha256-{hex}"))
                .unwrap()
                .names_a_companion()
        );
        assert!(!Tag::parse("sha256-short").unwrap().names_a_companion());
        assert!(!Tag::parse("v1").unwrap().names_a_companion());
    }
}
