//! What clients write down: every operation with the time before its request and the time after its answer.

use std::collections::BTreeMap;

use super::super::client::Tally;
use super::deeds::{RepositoryDeed, UploadDeed};
use super::order::{Event, Window};

/// What a request said about a layer of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LayerDeed {
    /// It was uploaded or mounted: it stays for the whole grace.
    Provided,
    /// It was reported as present: it stays for half the grace.
    Reported,
    /// It is not there.
    Missed,
}

/// A request about a layer.
#[derive(Clone, Debug)]
pub(super) struct LayerEvent {
    /// Number of the blob in the pool.
    pub(super) blob: usize,
    /// When.
    pub(super) window: Window,
    /// What it said.
    pub(super) deed: LayerDeed,
}

/// A push that was refused for want of layers.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    /// Which image.
    pub(super) image: usize,
    /// When.
    pub(super) window: Window,
}

/// What happened to one repository.
#[derive(Clone, Debug, Default)]
pub(super) struct RepositoryHistory {
    /// To it, its images and tags.
    pub(super) events: Vec<Event<RepositoryDeed>>,
    /// To its layers.
    pub(super) layers: Vec<LayerEvent>,
    /// Pushes refused for want of layers.
    pub(super) refusals: Vec<Refusal>,
}

/// What happened, as one client or all of them saw it.
#[derive(Default)]
pub(super) struct History {
    /// By the repository's name.
    pub(super) repositories: BTreeMap<String, RepositoryHistory>,
    /// By the upload's path.
    pub(super) uploads: BTreeMap<String, Vec<Event<UploadDeed>>>,
    /// What is wrong by itself, such as other bytes than were pushed.
    pub(super) problems: Vec<String>,
    /// How often what was acknowledged or seen.
    pub(super) tally: Tally,
}

impl History {
    /// Of a repository.
    pub(super) fn of(&mut self, repository: &str) -> &mut RepositoryHistory {
        self.repositories.entry(repository.to_owned()).or_default()
    }

    /// Takes over what another client saw.
    pub(super) fn merge(&mut self, other: Self) {
        for (name, seen) in other.repositories {
            let all = self.of(&name);
            all.events.extend(seen.events);
            all.layers.extend(seen.layers);
            all.refusals.extend(seen.refusals);
        }
        for (target, seen) in other.uploads {
            self.uploads.entry(target).or_default().extend(seen);
        }
        self.problems.extend(other.problems);
        self.tally.merge(other.tally);
    }
}
