//! What the answers of the registry say: what each operation did to a repository or an upload, or saw of it, and in
//! which states that can be.

use std::collections::BTreeSet;

use super::super::model::Place;
use super::order::Deed;

/// What an operation did to a repository, or saw of it. Numbers are those of images in the pool.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum RepositoryDeed {
    /// It was created.
    Create,
    /// It was deleted with everything in it.
    Drop,
    /// An image was pushed, by tag or by digest.
    Put(usize, Option<String>),
    /// The same where tags never move.
    PutOnce(usize, String),
    /// A push was refused since the tag is taken.
    Taken(String),
    /// An image was deleted with its tags.
    DeleteImage(usize),
    /// A tag was deleted that pointed to the image, and the image with its last tag.
    DeleteTagged(String, usize),
    /// A tag was deleted, and nothing else.
    Untag(String),
    /// It is there.
    IsThere,
    /// It is not.
    IsGone,
    /// The image is there, by digest.
    SeesImage(usize),
    /// It is not.
    MissesImage(usize),
    /// The tag points to the image.
    SeesTag(String, usize),
    /// The tag is not there.
    MissesTag(String),
    /// Its tags are these.
    SeesTags(BTreeSet<String>),
    /// It holds exactly this.
    Holds(Place),
}

impl Deed for RepositoryDeed {
    type State = Place;

    fn apply(&self, place: &Place) -> Option<Place> {
        let points_to = |tag: &String, image: &usize| place.tags.get(tag) == Some(image);
        let is_possible = match self {
            Self::Create | Self::IsGone => !place.exists,
            Self::Drop | Self::Put(..) | Self::IsThere => place.exists,
            Self::PutOnce(_, tag) => place.exists && !place.tags.contains_key(tag),
            Self::Taken(tag) | Self::Untag(tag) => place.tags.contains_key(tag),
            Self::DeleteImage(image) | Self::SeesImage(image) => place.images.contains(image),
            Self::MissesImage(image) => !place.images.contains(image),
            Self::DeleteTagged(tag, image) | Self::SeesTag(tag, image) => points_to(tag, image),
            Self::MissesTag(tag) => !place.tags.contains_key(tag),
            Self::SeesTags(tags) => place.exists && place.tags.keys().eq(tags),
            Self::Holds(seen) => place == seen,
        };
        is_possible.then(|| self.next(place))
    }

    fn is_read(&self) -> bool {
        match self {
            Self::Create
            | Self::Drop
            | Self::Put(..)
            | Self::PutOnce(..)
            | Self::DeleteImage(_)
            | Self::DeleteTagged(..)
            | Self::Untag(_) => false,
            Self::Taken(_)
            | Self::IsThere
            | Self::IsGone
            | Self::SeesImage(_)
            | Self::MissesImage(_)
            | Self::SeesTag(..)
            | Self::MissesTag(_)
            | Self::SeesTags(_)
            | Self::Holds(_) => true,
        }
    }
}

impl RepositoryDeed {
    fn next(&self, place: &Place) -> Place {
        match self {
            Self::Create => Place::empty(),
            Self::Drop => Place::default(),
            Self::Put(image, tag) => place.with(*image, tag.as_deref()),
            Self::PutOnce(image, tag) => place.with(*image, Some(tag)),
            Self::DeleteImage(image) => place.without_image(*image),
            Self::DeleteTagged(tag, _) => place.without_tagged(tag),
            Self::Untag(tag) => place.without_tag(tag),
            _ => place.clone(),
        }
    }

    /// What it is called where such deeds are counted.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Create => "repository created",
            Self::Drop => "repository deleted",
            Self::Put(..) | Self::PutOnce(..) => "image put",
            Self::Taken(_) => "put refused for a tag",
            Self::DeleteImage(_) => "image deleted",
            Self::DeleteTagged(..) => "image deleted by tag",
            Self::Untag(_) => "tag deleted",
            Self::IsThere => "repository there",
            Self::IsGone => "repository not there",
            Self::SeesImage(_) => "image there",
            Self::MissesImage(_) => "image not there",
            Self::SeesTag(..) => "tag there",
            Self::MissesTag(_) => "tag not there",
            Self::SeesTags(_) => "tags listed",
            Self::Holds(_) => "images listed",
        }
    }

    /// Whether the image is certainly there at some moment of it.
    pub(super) fn shows(&self, image: usize) -> bool {
        match self {
            Self::Put(seen, _)
            | Self::PutOnce(seen, _)
            | Self::SeesImage(seen)
            | Self::SeesTag(_, seen) => *seen == image,
            Self::Holds(place) => place.images.contains(&image),
            _ => false,
        }
    }

    /// Whether it may take the image away.
    pub(super) fn may_remove(&self, image: usize) -> bool {
        match self {
            Self::Drop => true,
            Self::DeleteImage(gone) | Self::DeleteTagged(_, gone) => *gone == image,
            _ => false,
        }
    }
}

/// Where an upload is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    /// It holds so many bytes.
    Open(usize),
    /// It became a layer, or was cancelled.
    Ended,
}

/// What an operation did to an upload, or saw of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum UploadDeed {
    /// Bytes were added from there to there.
    Append(usize, usize),
    /// It became a layer of so many bytes, of which the last from there on came with this request.
    Complete(usize),
    /// It was cancelled.
    Cancel,
    /// It holds so many bytes.
    Stands(usize),
    /// It is not there.
    IsGone,
}

impl Deed for UploadDeed {
    type State = Stage;

    fn apply(&self, stage: &Stage) -> Option<Stage> {
        let next = match (self, stage) {
            (Self::Append(from, to), Stage::Open(held)) if from == held => Stage::Open(*to),
            (Self::Complete(from), Stage::Open(held)) if from == held => Stage::Ended,
            (Self::Stands(seen), Stage::Open(held)) if seen == held => *stage,
            (Self::Cancel, Stage::Open(_)) | (Self::IsGone, Stage::Ended) => Stage::Ended,
            _ => return None,
        };
        Some(next)
    }

    fn is_read(&self) -> bool {
        matches!(self, Self::Stands(_) | Self::IsGone)
    }
}

#[cfg(test)]
mod tests {
    use super::super::order::{Event, Window, explain};
    use super::*;
    use RepositoryDeed as R;
    use UploadDeed as U;

    /// A history in which times are `begin` and `end`; an end of 0 stands for no answer.
    fn problem<D: Deed>(start: D::State, history: &[(u64, u64, D)]) -> Option<String> {
        let events = history.iter().map(|(begin, end, deed)| Event {
            window: Window {
                begin: *begin,
                end: (*end > 0).then_some(*end),
            },
            who: 0,
            deed: deed.clone(),
        });
        explain(start, &events.collect::<Vec<_>>()).err()
    }

    fn tag() -> String {
        "v".to_owned()
    }

    fn put(image: usize) -> R {
        R::Put(image, Some(tag()))
    }

    #[test]
    fn right_histories_of_a_repository_are_explained() {
        let both = Place::empty().with(1, Some("v")).with(2, None);
        let histories: [&[(u64, u64, R)]; 6] = [
            &[
                (1, 2, R::Create),
                (3, 4, put(1)),
                (5, 6, R::SeesTag(tag(), 1)),
                (7, 8, R::Drop),
            ],
            // a push beside the delete of the repository is in the old one, or in none
            &[
                (1, 2, R::Create),
                (3, 9, put(1)),
                (3, 9, R::Drop),
                (10, 11, R::IsGone),
            ],
            &[
                (1, 2, R::Create),
                (3, 4, put(2)),
                (5, 6, put(1)),
                (7, 8, R::Holds(both)),
            ],
            // the tag moved, so that the delete by tag took another image
            &[
                (1, 2, R::Create),
                (3, 4, put(1)),
                (5, 9, put(2)),
                (5, 9, R::DeleteTagged(tag(), 1)),
                (10, 11, R::SeesTag(tag(), 2)),
            ],
            // untagging keeps the image
            &[
                (1, 2, R::Create),
                (3, 4, put(1)),
                (5, 6, R::Untag(tag())),
                (7, 8, R::SeesImage(1)),
            ],
            // one of two pushes of a tag that never moves is refused
            &[
                (1, 2, R::Create),
                (3, 9, R::PutOnce(1, tag())),
                (3, 9, R::Taken(tag())),
                (10, 11, R::SeesTag(tag(), 1)),
            ],
        ];
        for history in histories {
            assert_eq!(problem(Place::default(), history), None);
        }
    }

    #[test]
    fn wrong_histories_of_a_repository_are_not() {
        let half = Place::empty().with(1, None);
        let histories: [&[(u64, u64, R)]; 9] = [
            // an image outlives the delete of its repository
            &[
                (1, 2, R::Create),
                (3, 4, put(1)),
                (5, 6, R::Drop),
                (7, 8, R::SeesImage(1)),
            ],
            // a push is acknowledged where there is no repository
            &[(1, 2, put(1))],
            // two creations
            &[(1, 2, R::Create), (3, 4, R::Create)],
            // the image goes, its tag stays
            &[
                (1, 2, R::Create),
                (3, 4, put(1)),
                (5, 6, R::DeleteImage(1)),
                (7, 8, R::SeesTag(tag(), 1)),
            ],
            // a list shows the image without its tag: half a push
            &[(1, 2, R::Create), (3, 9, put(1)), (4, 5, R::Holds(half))],
            // a list misses an acknowledged image
            &[
                (1, 2, R::Create),
                (3, 4, put(1)),
                (5, 6, R::Holds(Place::empty())),
            ],
            // a tag that never moves has two values
            &[
                (1, 2, R::Create),
                (3, 9, R::PutOnce(1, tag())),
                (3, 9, R::PutOnce(2, tag())),
            ],
            // an image is gone that nobody deleted
            &[
                (1, 2, R::Create),
                (3, 4, put(1)),
                (5, 6, put(2)),
                (7, 8, R::MissesImage(1)),
            ],
            // the tag was seen moved, and is seen back
            &[
                (1, 2, R::Create),
                (3, 4, put(1)),
                (5, 20, put(2)),
                (6, 7, R::SeesTag(tag(), 2)),
                (8, 9, R::SeesTag(tag(), 1)),
            ],
        ];
        for history in histories {
            assert!(problem(Place::default(), history).is_some(), "{history:?}");
        }
    }

    #[test]
    fn right_histories_of_an_upload_are_explained() {
        let histories: [&[(u64, u64, U)]; 4] = [
            &[
                (1, 2, U::Append(0, 5)),
                (3, 4, U::Stands(5)),
                (5, 6, U::Complete(5)),
            ],
            &[
                (1, 9, U::Complete(0)),
                (2, 3, U::Stands(0)),
                (10, 11, U::IsGone),
            ],
            &[(1, 9, U::Cancel), (1, 9, U::IsGone)],
            &[
                (1, 2, U::Append(0, 5)),
                (3, 9, U::Append(5, 9)),
                (3, 9, U::Cancel),
            ],
        ];
        for history in histories {
            assert_eq!(problem(Stage::Open(0), history), None);
        }
    }

    #[test]
    fn wrong_histories_of_an_upload_are_not() {
        let histories: [&[(u64, u64, U)]; 6] = [
            // completed and cancelled
            &[(1, 9, U::Complete(0)), (1, 9, U::Cancel)],
            // two requests were both told that their bytes are the next
            &[(1, 9, U::Append(0, 5)), (1, 9, U::Append(0, 7))],
            // acknowledged bytes are lost
            &[(1, 2, U::Append(0, 5)), (3, 4, U::Stands(0))],
            // completed without bytes that were acknowledged meanwhile
            &[(1, 9, U::Append(0, 5)), (1, 9, U::Complete(0))],
            // gone while nobody ended it
            &[(1, 2, U::Append(0, 5)), (3, 4, U::IsGone)],
            // ended, and there again
            &[(1, 2, U::Cancel), (3, 4, U::Stands(0))],
        ];
        for history in histories {
            assert!(problem(Stage::Open(0), history).is_some(), "{history:?}");
        }
    }
}
