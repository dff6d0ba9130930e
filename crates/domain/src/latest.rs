//! The rule of `latest`: it names what was pushed as `latest`, and until that ever happened it stands for the
//! image last pushed by tag.

use crate::image::ImageKind;
use crate::mutability::TagMutability;
use crate::tag::Tag;

/// The registry setting `latest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum LatestMode {
    /// Until a tag `latest` was ever set, it answers the image last pushed by tag.
    #[default]
    Newest,
    /// Only a tag that was set answers: what ECR does.
    Explicit,
    /// Every tagged push of a container image really moves the tag, where mutability allows.
    Follow,
}

impl LatestMode {
    /// The value in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Explicit => "explicit",
            Self::Follow => "follow",
        }
    }

    /// The mode of that value.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Newest, Self::Explicit, Self::Follow]
            .into_iter()
            .find(|mode| mode.as_str() == text)
    }
}

/// Whether a push of `kind` under `tag` makes the image a candidate for `latest`.
pub fn counts_as_push(kind: ImageKind, tag: &Tag) -> bool {
    matches!(kind, ImageKind::Image | ImageKind::Index) && !tag.names_a_companion()
}

/// Whether a request for `latest`, no such tag existing, is answered with the image last pushed by tag.
pub fn newest_answers(mode: LatestMode, latest_was_set: bool, mutability: &TagMutability) -> bool {
    mode == LatestMode::Newest && !latest_was_set && !latest_is_immutable(mutability)
}

/// Whether a push under `tag` also moves `latest`.
pub fn push_moves_latest(
    mode: LatestMode,
    kind: ImageKind,
    tag: &Tag,
    mutability: &TagMutability,
) -> bool {
    mode == LatestMode::Follow
        && !tag.is_latest()
        && counts_as_push(kind, tag)
        && !latest_is_immutable(mutability)
}

fn latest_is_immutable(mutability: &TagMutability) -> bool {
    Tag::parse(Tag::LATEST).is_ok_and(|latest| mutability.is_immutable(&latest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutability::MutabilityMode;

    fn tag(text: &str) -> Tag {
        Tag::parse(text).unwrap()
    }

    #[test]
    fn only_container_images_and_indexes_count_and_no_companions() {
        assert!(counts_as_push(ImageKind::Image, &tag("v1")));
        assert!(counts_as_push(ImageKind::Index, &tag("v1")));
        assert!(!counts_as_push(ImageKind::Artifact, &tag("v1")));
        let signature = format!("sha256-{}.sig", "a".repeat(64));
        assert!(!counts_as_push(ImageKind::Image, &tag(&signature)));
    }

    #[test]
    fn the_newest_push_answers_until_latest_was_set_or_where_latest_could_not_move() {
        let mutable = TagMutability::mutable();
        let immutable = TagMutability::new(MutabilityMode::Immutable, vec![]).unwrap();
        assert!(newest_answers(LatestMode::Newest, false, &mutable));
        assert!(!newest_answers(LatestMode::Newest, true, &mutable));
        assert!(!newest_answers(LatestMode::Newest, false, &immutable));
        assert!(!newest_answers(LatestMode::Explicit, false, &mutable));
        assert!(push_moves_latest(
            LatestMode::Follow,
            ImageKind::Image,
            &tag("v1"),
            &mutable
        ));
        assert!(!push_moves_latest(
            LatestMode::Follow,
            ImageKind::Image,
            &tag("v1"),
            &immutable
        ));
        assert!(!push_moves_latest(
            LatestMode::Newest,
            ImageKind::Image,
            &tag("v1"),
            &mutable
        ));
    }
}
