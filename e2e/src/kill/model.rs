//! What the clients know: states that acknowledged operations explain. An operation without an answer leaves two
//! worlds, with it and without it; what is found after the restart must be one of them, whole.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// What a repository holds. Numbers are those of images in the pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Place {
    /// Whether the repository is there.
    pub(super) exists: bool,
    /// Where each tag points.
    pub(super) tags: BTreeMap<String, usize>,
    /// Images, tagged or not.
    pub(super) images: BTreeSet<usize>,
}

impl Place {
    /// A new repository.
    pub(super) fn empty() -> Self {
        Self {
            exists: true,
            ..Self::default()
        }
    }

    /// After the push of an image, by tag or by digest.
    pub(super) fn with(&self, image: usize, tag: Option<&str>) -> Self {
        let mut next = self.clone();
        next.images.insert(image);
        if let Some(tag) = tag {
            next.tags.insert(tag.to_owned(), image);
        }
        next
    }

    /// After the delete of an image with its tags.
    pub(super) fn without_image(&self, image: usize) -> Self {
        let mut next = self.clone();
        next.images.remove(&image);
        next.tags.retain(|_, pointed| *pointed != image);
        next
    }

    /// After the delete of a tag alone.
    pub(super) fn without_tag(&self, tag: &str) -> Self {
        let mut next = self.clone();
        next.tags.remove(tag);
        next
    }

    /// After the delete of a tag, and of its image if that was its last.
    pub(super) fn without_tagged(&self, tag: &str) -> Self {
        let mut next = self.without_tag(tag);
        let image = self.tags.get(tag);
        next.images
            .retain(|kept| Some(kept) != image || next.tags.values().any(|other| other == kept));
        next
    }
}

/// A repository and the states it may be in.
#[derive(Clone, Debug)]
pub(super) struct Repository {
    /// Its name.
    pub(super) name: String,
    /// At least one; the last is the one that clients go on from.
    worlds: Vec<Place>,
}

impl Repository {
    /// One that does not exist yet.
    pub(super) fn absent(name: String) -> Self {
        Self {
            name,
            worlds: vec![Place::default()],
        }
    }

    /// What it holds as far as is known.
    pub(super) fn place(&self) -> &Place {
        // there always is one
        self.worlds.last().unwrap_or(&NOWHERE)
    }

    /// A request was sent that makes it one of these, in this order, if it is carried out (partly).
    pub(super) fn may_become(&mut self, steps: impl IntoIterator<Item = Place>) {
        let now = self.place().clone();
        // the state before stays the last, so that a refusal only has to drop the others
        self.worlds = steps.into_iter().chain([now]).collect();
    }

    /// It is known to be this.
    pub(super) fn is(&mut self, place: Place) {
        self.worlds = vec![place];
    }

    /// The request was refused.
    pub(super) fn stays(&mut self) {
        let now = self.place().clone();
        self.is(now);
    }

    /// Whether acknowledged operations explain this state.
    pub(super) fn explains(&self, found: &Place) -> bool {
        self.worlds.contains(found)
    }

    /// The states that would have been right, for a message.
    pub(super) fn expected(&self) -> String {
        format!("{:?}", self.worlds)
    }
}

static NOWHERE: Place = Place {
    exists: false,
    tags: BTreeMap::new(),
    images: BTreeSet::new(),
};

/// Which API an upload goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// `/v2/`, in chunks.
    Chunks,
    /// `UploadLayerPart`.
    Parts,
}

/// What a request that ends an upload was meant to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Make it a layer.
    Complete,
    /// Forget it, or its repository.
    Forget,
}

/// An upload that was begun.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    /// Of which repository of its client.
    pub(super) repository: usize,
    /// Path of the upload.
    pub(super) target: String,
    /// Its id.
    pub(super) id: String,
    /// How it is sent.
    pub(super) manner: Manner,
    /// Which blob of the pool.
    pub(super) blob: usize,
    /// Bytes acknowledged.
    pub(super) low: usize,
    /// Bytes that may have been taken besides, by a request without an answer.
    pub(super) high: usize,
    /// When the client last cut a request off, so that any part of it may have been taken.
    pub(super) cut_at: Option<Instant>,
    /// A request without an answer that may have ended it.
    pub(super) ending: Option<Ending>,
    /// When the last acknowledged request was sent.
    pub(super) touched: Instant,
}

impl Upload {
    /// Whether that many bytes are explained.
    pub(super) fn explains(&self, received: usize) -> bool {
        let between = self.cut_at.is_some() && (self.low..=self.high).contains(&received);
        between || received == self.low || received == self.high
    }

    /// The server said how much it holds.
    pub(super) fn stands_at(&mut self, received: usize) {
        (self.low, self.high, self.ending) = (received, received, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        let place = Place::empty().with(1, Some("a")).with(1, Some("b"));
        place.with(2, Some("c")).with(3, None)
    }

    #[test]
    fn an_image_goes_with_its_last_tag_only_when_deleted_by_tag() {
        assert!(place().without_tagged("a").images.contains(&1));
        let after = place().without_tagged("a").without_tagged("b");
        assert!(!after.images.contains(&1));
        assert!(place().without_tag("c").images.contains(&2));
        let after = place().without_image(1);
        assert_eq!(after.tags.keys().collect::<Vec<_>>(), ["c"]);
        assert!(after.images.contains(&3));
    }

    #[test]
    fn a_request_without_an_answer_happened_or_did_not() {
        let mut repository = Repository::absent("r".to_owned());
        repository.is(place());
        let next = place().with(4, Some("a"));
        repository.may_become([next.clone()]);
        assert!(repository.explains(&place()) && repository.explains(&next));
        assert!(!repository.explains(&place().with(4, None)), "half of it");
        repository.stays();
        assert!(!repository.explains(&next));
    }

    #[test]
    fn an_upload_holds_what_was_acknowledged_and_perhaps_one_request_more() {
        let mut upload = Upload {
            repository: 0,
            target: String::new(),
            id: String::new(),
            manner: Manner::Chunks,
            blob: 0,
            low: 10,
            high: 30,
            cut_at: None,
            ending: None,
            touched: Instant::now(),
        };
        let explained = |upload: &Upload| [9, 10, 20, 30, 31].map(|size| upload.explains(size));
        assert_eq!(explained(&upload), [false, true, false, true, false]);
        upload.cut_at = Some(Instant::now());
        assert_eq!(explained(&upload), [false, true, true, true, false]);
    }
}
