//! Which image is where. The images are one sequence, and a store of any size holds its first so
//! many: it is cut into groups as long as a repository has images on average, and of each group
//! the first image goes to the large repository and the others to a small one of their own.
//!
//! ```text
//! | L0 | a0 a1 … a8 | L1 | b0 b1 … b8 | L2 | …     then, when all repositories are there, only L
//! ```

use std::fmt;
use std::ops::Range;

use anyhow::ensure;

use crate::manifest::{image, referrer, sha256};

/// Of so many images of a repository, one is untagged and one a referrer of the first.
const VARIETY: u64 = 10;

/// How many images and repositories there are in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    images: u64,
    repositories: u64,
}

/// Where one image is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    /// Number of the repository; 0 is the large one.
    pub(super) repository: u64,
    /// Number of the image in it.
    pub(super) number: u64,
}

impl Layout {
    /// A layout of so many images in so many repositories.
    ///
    /// # Errors
    /// No repository, or fewer than two images for each.
    pub(super) fn new(images: u64, repositories: u64) -> anyhow::Result<Self> {
        let enough = repositories > 0 && images / repositories >= 2;
        ensure!(enough, "two images or more for each repository are needed");
        Ok(Self {
            images,
            repositories,
        })
    }

    /// Images in all.
    pub(super) fn images(&self) -> u64 {
        self.images
    }

    /// Repositories in all.
    pub(super) fn repositories(&self) -> u64 {
        self.repositories
    }

    fn group(&self) -> u64 {
        self.images / self.repositories
    }

    /// Images of a small repository.
    pub(super) fn small(&self) -> u64 {
        self.group() - 1
    }

    /// Where the image of this number in the sequence is.
    pub(super) fn place(&self, image: u64) -> Place {
        let (group, within) = (image / self.group(), image % self.group());
        let small = self.repositories - 1;
        match (group < small, within) {
            (false, _) => Place {
                repository: 0,
                number: small + image - small * self.group(),
            },
            (true, 0) => Place {
                repository: 0,
                number: group,
            },
            (true, _) => Place {
                repository: group + 1,
                number: within - 1,
            },
        }
    }

    /// The part of `images` that lies in the group of this number, counted from the first of them.
    /// Empty beyond the last.
    pub(super) fn part(&self, images: &Range<u64>, number: u64) -> Range<u64> {
        let first = (images.start / self.group() + number) * self.group();
        let end = (first + self.group()).min(images.end);
        first.max(images.start).min(images.end)..end
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.place(self.images - 1).number + 1;
        write!(
            formatter,
            "At {} images: {} repositories, one with {last} images and the others with {}; of ten \
             images eight are tagged, one is untagged and one refers to another.",
            self.images,
            self.repositories,
            self.small()
        )
    }
}

/// Name of the repository of this number.
pub(super) fn repository_name(number: u64) -> String {
    format!("growth/r{number:06}")
}

impl Place {
    /// Name of its repository.
    pub(super) fn repository_name(&self) -> String {
        repository_name(self.repository)
    }

    /// The image near this one that has a tag for certain.
    pub(super) fn tagged(self) -> Self {
        Self {
            number: self.number - self.number % VARIETY,
            ..self
        }
    }

    /// Its manifest.
    pub(super) fn manifest(&self) -> serde_json::Result<String> {
        let note = format!("{}-{}", self.repository, self.number);
        if self.number % VARIETY == VARIETY - 2 {
            let first = Self { number: 0, ..*self };
            return referrer(&first.manifest()?, &note);
        }
        image(&[], &note)
    }

    /// What it is pushed as: its tag, or the digest of `manifest` where it has none.
    pub(super) fn reference(&self, manifest: &str) -> String {
        match self.number % VARIETY {
            7 | 8 => sha256(manifest.as_bytes()),
            _ => format!("v{:06}", self.number),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    #[test]
    fn every_image_has_a_place_of_its_own() {
        for (images, repositories) in [(1000, 100), (1009, 100), (20, 1), (20, 10)] {
            let layout = Layout::new(images, repositories).unwrap();
            let places: HashSet<Place> = (0..images).map(|n| layout.place(n)).collect();
            assert_eq!(places.len() as u64, images);
            let mut sizes: HashMap<u64, u64> = HashMap::new();
            for place in &places {
                *sizes.entry(place.repository).or_default() += 1;
            }
            assert_eq!(sizes.len() as u64, repositories);
            for (repository, size) in sizes {
                assert_eq!(size == layout.small(), repository > 0);
            }
        }
        assert!(Layout::new(10, 6).is_err());
        assert!(Layout::new(10, 0).is_err());
    }

    #[test]
    fn the_full_extent_has_one_repository_with_a_hundred_thousand_images() {
        let layout = Layout::new(1_000_000, 100_000).unwrap();
        let first = layout.place(0);
        assert_eq!((first.repository, first.number), (0, 0));
        let last = layout.place(999_999);
        assert_eq!((last.repository, last.number), (0, 100_008));
        let text = layout.to_string();
        assert!(
            text.contains("one with 100009 images and the others with 9;"),
            "{text}"
        );
    }

    #[test]
    fn parts_cover_a_range_group_by_group() {
        let layout = Layout::new(1000, 100).unwrap();
        let parts = |images| -> Vec<_> { (0..4).map(|n| layout.part(&images, n)).collect() };
        assert_eq!(parts(0..1), [0..1, 1..1, 1..1, 1..1]);
        assert_eq!(parts(15..32), [15..20, 20..30, 30..32, 32..32]);
    }

    #[test]
    fn referrers_are_untagged_and_name_the_first_image() {
        let place = |number| Place {
            repository: 3,
            number,
        };
        let subject = sha256(place(0).manifest().unwrap().as_bytes());
        let text = place(8).manifest().unwrap();
        assert!(text.contains(&subject));
        assert!(place(8).reference(&text).starts_with("sha256:"));
        assert!(place(7).reference(&text).starts_with("sha256:"));
        assert_eq!(place(19).reference(&text), "v000019");
        assert_eq!(place(19).tagged(), place(10));
    }
}
