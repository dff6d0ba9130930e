//! Pushes around the end of a layer's grace: the layers are uploaded, nothing refers to them, and the manifest comes
//! when the collector does.

use std::thread;
use std::time::Duration;

use super::deeds::RepositoryDeed;
use super::racer::Racer;

/// How long before the end of the grace the earliest manifest comes.
const BEFORE: Duration = Duration::from_millis(150);
/// How long after it the latest one comes: collection looks every two seconds, and a round takes its time.
const AFTER: Duration = Duration::from_millis(4_500);
/// The longest wait before the second look at an image that was pushed.
const WAIT: u64 = 2_500;
/// Images pushed so: of the pool, after those of the shared repositories.
const FIRST_IMAGE: usize = 6;
const IMAGES: usize = 7;

impl Racer {
    /// One such push, into a repository of this client.
    pub(super) fn push_at_the_edge(&mut self) {
        let repository = self.own_repository();
        let image = FIRST_IMAGE + self.random.index(IMAGES);
        let blobs = self.pool.images[image].blobs.clone();
        if !blobs
            .into_iter()
            .all(|blob| self.provide(&repository, blob, None))
        {
            return;
        }
        let spread = u64::try_from((BEFORE + AFTER).as_millis()).unwrap_or(0);
        let delay = Duration::from_millis(self.random.below(spread));
        thread::sleep((self.grace + delay).saturating_sub(BEFORE));
        let by_api = self.random.percent(50);
        let outcome = self.put(&repository, image, Some("edge"), by_api);
        let is_taken = matches!(outcome, Some(RepositoryDeed::Put(..)));
        self.history.tally.add(if is_taken {
            "put at the end of the grace taken"
        } else {
            "put at the end of the grace refused"
        });
        self.pull_digest(&repository, image);
        thread::sleep(Duration::from_millis(self.random.below(WAIT)));
        self.pull_digest(&repository, image);
        self.delete_image(&repository, image);
    }

    /// A repository that no other client changes.
    pub(super) fn own_repository(&self) -> String {
        format!("races/edge{}", self.who)
    }
}
