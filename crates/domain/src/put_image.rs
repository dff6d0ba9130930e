//! What a push of a manifest does to a repository (`spec` term: `PutImage`).

use crate::digest::Digest;
use crate::mutability::TagMutability;
use crate::tag::Tag;

/// What is known of the repository when a manifest arrives.
#[derive(Clone, Copy, Debug)]
pub struct PutImageFacts<'a> {
    /// The digest of the manifest pushed.
    pub digest: &'a Digest,
    /// The tag to set, if any.
    pub tag: Option<&'a Tag>,
    /// Whether an image of that digest is stored.
    pub image_exists: bool,
    /// Where the tag points now.
    pub tag_points_to: Option<&'a Digest>,
    /// How many tags the image has.
    pub tags_on_image: usize,
    /// The repository's rule.
    pub mutability: &'a TagMutability,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutImageDecision {
    /// Store the image unless it is stored, and set the tag if one was given.
    Store,
    /// Nothing changes: the image is there, with that tag or with none asked for.
    AlreadyPresent,
    /// The tag exists and may not be moved. `same_image` tells whether it points to this very image.
    TagIsImmutable {
        /// The tag points to the manifest pushed.
        same_image: bool,
    },
    /// The image has as many tags as it may have.
    TooManyTags,
}

/// Tags that one image may have.
pub const MAX_TAGS_PER_IMAGE: usize = 10_000;

/// Decides (`spec` §5, decision table).
pub fn decide_put_image(facts: &PutImageFacts<'_>) -> PutImageDecision {
    let Some(tag) = facts.tag else {
        return if facts.image_exists {
            PutImageDecision::AlreadyPresent
        } else {
            PutImageDecision::Store
        };
    };
    let same_image = facts.tag_points_to == Some(facts.digest);
    if facts.tag_points_to.is_some() && facts.mutability.is_immutable(tag) {
        return PutImageDecision::TagIsImmutable { same_image };
    }
    if same_image {
        return PutImageDecision::AlreadyPresent;
    }
    if facts.tags_on_image >= MAX_TAGS_PER_IMAGE {
        return PutImageDecision::TooManyTags;
    }
    PutImageDecision::Store
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutability::MutabilityMode;

    #[test]
    fn the_decision_table_of_a_push() {
        use PutImageDecision::{AlreadyPresent, Store, TagIsImmutable, TooManyTags};
        let (this, other) = (Digest::sha256(b"this"), Digest::sha256(b"other"));
        let tag = Tag::parse("v1").unwrap();
        let mutable = TagMutability::mutable();
        let immutable = TagMutability::new(MutabilityMode::Immutable, vec![]).unwrap();
        let table = [
            (false, false, None::<&Digest>, 0, &mutable, Store),
            (false, true, None, 0, &mutable, Store),
            (false, true, Some(&other), 0, &mutable, Store),
            (
                false,
                true,
                Some(&other),
                0,
                &immutable,
                TagIsImmutable { same_image: false },
            ),
            (true, false, None, 0, &mutable, AlreadyPresent),
            (true, true, None, 0, &immutable, Store),
            (true, true, Some(&this), 1, &mutable, AlreadyPresent),
            (
                true,
                true,
                Some(&this),
                1,
                &immutable,
                TagIsImmutable { same_image: true },
            ),
            (true, true, Some(&other), 0, &mutable, Store),
            (
                true,
                true,
                Some(&other),
                0,
                &immutable,
                TagIsImmutable { same_image: false },
            ),
            (true, true, None, MAX_TAGS_PER_IMAGE, &mutable, TooManyTags),
        ];
        for (row, (image_exists, tagged, tag_points_to, tags_on_image, mutability, expected)) in
            table.into_iter().enumerate()
        {
            let tag = tagged.then_some(&tag);
            let facts = PutImageFacts {
                digest: &this,
                tag,
                image_exists,
                tag_points_to,
                tags_on_image,
                mutability,
            };
            assert_eq!(decide_put_image(&facts), expected, "row {row}");
        }
    }
}
