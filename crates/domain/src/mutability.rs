//! Tag mutability: which tags may be moved to another image (`spec` term: `imageTagMutability`).

use crate::tag::Tag;

/// The mode of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MutabilityMode {
    /// Every tag may move.
    Mutable,
    /// No tag may move.
    Immutable,
    /// No tag may move but those that a filter matches.
    ImmutableWithExclusion,
    /// Every tag may move but those that a filter matches.
    MutableWithExclusion,
}

impl MutabilityMode {
    /// The value on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mutable => "MUTABLE",
            Self::Immutable => "IMMUTABLE",
            Self::ImmutableWithExclusion => "IMMUTABLE_WITH_EXCLUSION",
            Self::MutableWithExclusion => "MUTABLE_WITH_EXCLUSION",
        }
    }

    /// The mode of that wire value.
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Mutable,
            Self::Immutable,
            Self::ImmutableWithExclusion,
            Self::MutableWithExclusion,
        ]
        .into_iter()
        .find(|mode| mode.as_str() == text)
    }

    /// Whether the mode needs filters; the others must have none.
    pub fn takes_filters(self) -> bool {
        matches!(
            self,
            Self::ImmutableWithExclusion | Self::MutableWithExclusion
        )
    }
}

/// A mode with its exclusion filters (wildcards, `*` = any run, anchored at both ends).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagMutability {
    mode: MutabilityMode,
    filters: Vec<String>,
}

/// How many filters a repository may have.
pub const MAX_FILTERS: usize = 5;

impl TagMutability {
    /// Joins mode and filters. `Err` carries the text of the constraint that is broken.
    pub fn new(mode: MutabilityMode, filters: Vec<String>) -> Result<Self, String> {
        let name = mode.as_str();
        if mode.takes_filters() && filters.is_empty() {
            return Err(format!(
                "ImageTagMutabilityExclusionFilters can't be null when imageTagMutability is set as {name}"
            ));
        }
        if !mode.takes_filters() && !filters.is_empty() {
            return Err(format!(
                "ImageTagMutabilityExclusionFilters must be null when imageTagMutability is set as {name}"
            ));
        }
        if filters.len() > MAX_FILTERS {
            return Err(format!(
                "Member must have length less than or equal to {MAX_FILTERS}"
            ));
        }
        if let Some(bad) = filters
            .iter()
            .find(|filter| filter.matches('*').count() > 2)
        {
            return Err(format!("filter '{bad}' must contain at most two wildcards"));
        }
        Ok(Self { mode, filters })
    }

    /// `MUTABLE`, the default.
    pub fn mutable() -> Self {
        Self {
            mode: MutabilityMode::Mutable,
            filters: Vec::new(),
        }
    }

    /// The mode.
    pub fn mode(&self) -> MutabilityMode {
        self.mode
    }

    /// The exclusion filters.
    pub fn filters(&self) -> &[String] {
        &self.filters
    }

    /// Whether `tag`, once set, must stay where it is.
    pub fn is_immutable(&self, tag: &Tag) -> bool {
        let excluded = || {
            self.filters
                .iter()
                .any(|filter| wildcard_matches(filter, tag.as_str()))
        };
        match self.mode {
            MutabilityMode::Mutable => false,
            MutabilityMode::Immutable => true,
            MutabilityMode::ImmutableWithExclusion => !excluded(),
            MutabilityMode::MutableWithExclusion => excluded(),
        }
    }
}

/// Whether `pattern`, in which `*` stands for any run of characters, matches the whole of `text`.
/// Takes time linear in the text for each piece of the pattern.
pub fn wildcard_matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(head) else {
        return false;
    };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    for piece in middle.split('*').filter(|piece| !piece.is_empty()) {
        let Some((_, after)) = text.split_once(piece) else {
            return false;
        };
        text = after;
    }
    text.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(text: &str) -> Tag {
        Tag::parse(text).unwrap()
    }

    #[test]
    fn wildcards_are_anchored_at_both_ends() {
        let table = [
            ("prod*", "prod-1", true),
            ("prod*", "prod", true),
            ("prod*", "reprod", false),
            ("*prod", "reprod", true),
            ("*prod", "prod1", false),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "acb", false),
            ("*", "anything", true),
            ("**", "", true),
            ("latest", "latest", true),
            ("latest", "latest1", false),
            ("a*a", "a", false),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(
                wildcard_matches(pattern, text),
                expected,
                "{pattern} against {text}"
            );
        }
    }

    #[test]
    fn each_mode_decides_by_its_filters() {
        let with = |mode, filters: &[&str]| {
            TagMutability::new(mode, filters.iter().map(ToString::to_string).collect()).unwrap()
        };
        assert!(!TagMutability::mutable().is_immutable(&tag("v1")));
        assert!(with(MutabilityMode::Immutable, &[]).is_immutable(&tag("v1")));
        let dev_moves = with(MutabilityMode::ImmutableWithExclusion, &["dev*"]);
        assert!(!dev_moves.is_immutable(&tag("dev-1")));
        assert!(dev_moves.is_immutable(&tag("v1")));
        let prod_stays = with(MutabilityMode::MutableWithExclusion, &["prod*"]);
        assert!(prod_stays.is_immutable(&tag("prod-1")));
        assert!(!prod_stays.is_immutable(&tag("v1")));
    }

    #[test]
    fn filters_come_with_the_exclusion_modes_only() {
        assert!(TagMutability::new(MutabilityMode::ImmutableWithExclusion, vec![]).is_err());
        assert!(TagMutability::new(MutabilityMode::Mutable, vec!["x".into()]).is_err());
        assert!(
            TagMutability::new(MutabilityMode::MutableWithExclusion, vec!["a*b*c*".into()])
                .is_err()
        );
    }
}
