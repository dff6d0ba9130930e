//! Repositories and their names.

use crate::account::{Registry, print_as_text};
use crate::encryption::Encryption;
use crate::invalid::Invalid;
use crate::mutability::TagMutability;
use crate::timestamp::Timestamp;

/// The name of a repository. Slashes separate folders, which exist only in names.
///
/// 2 to 256 characters; components of `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` joined by `/` (ECR model), and the
/// first character a letter, so that a name is never mistaken for an account in a path.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepositoryName(String);

impl RepositoryName {
    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let sized = (2..=256).contains(&text.len());
        let begins = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if sized && begins && text.split('/').all(is_component) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new("repository name", text))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

print_as_text!(RepositoryName);

/// Alphanumeric runs, joined by one dot, one or two underscores, or any run of hyphens.
fn is_component(text: &str) -> bool {
    let is_alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let edges = text.bytes().next().is_some_and(is_alphanumeric)
        && text.bytes().last().is_some_and(is_alphanumeric);
    edges
        && text
            .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            .all(is_separator)
}

fn is_separator(text: &str) -> bool {
    matches!(text, "" | "." | "_" | "__") || text.bytes().all(|b| b == b'-')
}

/// Identifies a repository for life: a repository created again under the same name is another one.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepositoryId(String);

impl RepositoryId {
    /// Wraps an id drawn by the `Ids` port.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

print_as_text!(RepositoryId);

/// A repository with its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Its identity.
    pub id: RepositoryId,
    /// Account and region.
    pub registry: Registry,
    /// Its name there.
    pub name: RepositoryName,
    /// When it was created.
    pub created_at: Timestamp,
    /// Which tags may move.
    pub mutability: TagMutability,
    /// The deprecated per-repository flag; stored and reported.
    pub scan_on_push: bool,
    /// Fixed at creation.
    pub encryption: Encryption,
    /// Counts changes to the repository and what it holds. A cache entry made at one version is good while the
    /// version stands; the version at a push by tag is that push's place in the order of pushes.
    pub version: i64,
    /// Whether a tag `latest` was ever set here.
    pub latest_was_set: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_model_and_begin_with_a_letter() {
        let long = "a".repeat(256);
        for good in [
            "ab",
            "a1",
            "team/app",
            "a--b",
            "a---b",
            "a__b",
            "a_b",
            "a.b",
            "a/b/c-d.e",
            long.as_str(),
        ] {
            assert!(RepositoryName::parse(good).is_ok(), "{good}");
        }
        let too_long = "a".repeat(257);
        let bad = [
            "",
            "a",
            "UPPER",
            "-x",
            "x-",
            "a//b",
            "a..b",
            "a-_b",
            "a___b",
            "a b",
            "/a",
            "a/",
            "1a",
            "a/../b",
            "a\u{0}b",
            "ä/b",
            "a._b",
            too_long.as_str(),
        ];
        for bad in bad {
            assert!(RepositoryName::parse(bad).is_err(), "{bad:?}");
        }
    }
}
