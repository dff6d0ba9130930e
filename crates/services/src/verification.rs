//! Verification: re-reads and re-hashes everything, and reports what is wrong.
//!
//! Three passes: every object that rows name is read and hashed; in every repository the key of each layer is
//! opened, each manifest is opened and hashed, and what it refers to looked up; stored bytes that no row names are
//! found by listing. Repair sets damaged and orphaned
//! bytes aside where no read reaches them; it never deletes. Pushes and collection go on meanwhile: what looks wrong
//! is looked at again before it is reported.
//!
//! It goes in steps, each from one [`Position`] to the next, so that no request must last as long as the whole.

mod images;
mod layers;
mod orphans;
mod position;

use std::ops::RangeInclusive;
use std::sync::Arc;

use ecru_domain::digest::Hasher;
use ecru_domain::repository::Repository;
use ecru_domain::{Action, Algorithm, Error, Registry, RepositoryId};
use ecru_ports::metadata::{LayerRecord, ObjectRecord, ReadTransaction};
use ecru_ports::{BlobError, BlobStore, DataKey, ObjectId};
use futures_util::StreamExt as _;

use crate::access::{Access, RequestContext, Resource};
use crate::keys::Keys;
use crate::store::{Store, Warrant};

pub use position::Position;

/// Rows read at a time.
const BATCH: u32 = 200;
/// Batches of one answer.
const STEPS_PER_PAGE: u32 = 50;
/// Bytes of objects after which an answer ends.
const BYTES_PER_PAGE: u64 = 1024 * 1024 * 1024;
/// Problems reported in full; further ones are counted.
const MAX_REPORTED: usize = 1_000;

/// What to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerifyRequest {
    /// Set damaged and orphaned bytes aside.
    pub repair: bool,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Objects read.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Manifests opened.
    pub manifests: u64,
    /// How many problems there are.
    pub problem_count: u64,
    /// The first of them.
    pub problems: Vec<Problem>,
}

/// What one answer tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyPage {
    /// What was found since the position that was asked for.
    pub report: VerifyReport,
    /// Where to go on; `None` if all was verified.
    pub next: Option<Position>,
}

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// In words.
    pub what: String,
    /// The object concerned.
    pub object: Option<String>,
    /// The repository concerned.
    pub repository: Option<String>,
    /// The image or layer concerned.
    pub digest: Option<String>,
    /// Whether bytes were set aside.
    pub quarantined: bool,
}

impl VerifyReport {
    fn add(&mut self, problem: Problem) {
        self.problem_count += 1;
        if self.problems.len() < MAX_REPORTED {
            self.problems.push(problem);
        }
    }
}

/// Re-reads the store.
#[derive(Clone)]
pub struct Verification {
    access: Access,
    store: Store,
    keys: Keys,
    blobs: Arc<dyn BlobStore>,
}

impl Verification {
    /// Over the stores.
    pub fn new(access: Access, store: Store, keys: Keys, outside: &crate::Outside) -> Self {
        Self {
            access,
            store,
            keys,
            blobs: Arc::clone(&outside.blobs),
        }
    }

    /// `ecru:Verify` through the administration API, on a running server: as much as one answer may take, from a
    /// position on. `home` is the server's own registry.
    pub async fn verify(
        &self,
        context: &RequestContext,
        home: &Registry,
        request: VerifyRequest,
        from: Position,
    ) -> Result<VerifyPage, Error> {
        self.access
            .authorize(context, Action::VERIFY, Resource::Any(home.clone()))
            .await?;
        let (mut report, mut next) = (VerifyReport::default(), Some(from));
        for _ in 0..STEPS_PER_PAGE {
            let Some(position) = next.take_if(|_| report.bytes < BYTES_PER_PAGE) else {
                break;
            };
            next = self.step(request, position, &mut report).await?;
        }
        Ok(VerifyPage { report, next })
    }

    /// All of it, for whoever holds the data directory's lock.
    pub async fn verify_offline(&self, request: VerifyRequest) -> Result<VerifyReport, Error> {
        let (mut report, mut next) = (VerifyReport::default(), Some(Position::START));
        while let Some(position) = next {
            next = self.step(request, position, &mut report).await?;
        }
        Ok(report)
    }

    /// Verifies a batch and returns where the next begins; `None` after the last.
    async fn step(
        &self,
        request: VerifyRequest,
        from: Position,
        report: &mut VerifyReport,
    ) -> Result<Option<Position>, Error> {
        match from {
            Position::Objects(after) => self.verify_objects(request, after, report).await.map(Some),
            Position::Repositories(after) => self.next_repository(after).await.map(Some),
            Position::Layers(place, after) => {
                self.verify_layers(place, after, report).await.map(Some)
            }
            Position::Images(place, after) => {
                self.verify_images(place, after, report).await.map(Some)
            }
            Position::Segments(after) => self.verify_orphans(request, after, report).await,
        }
    }

    async fn verify_objects(
        &self,
        request: VerifyRequest,
        after: Option<ObjectId>,
        report: &mut VerifyReport,
    ) -> Result<Position, Error> {
        let objects = self
            .store
            .read(Warrant::server(), move |rows| {
                Ok(rows.list_objects(after.as_ref(), BATCH)?)
            })
            .await?;
        let mut last = None;
        let enough = report.bytes + BYTES_PER_PAGE;
        for object in objects {
            last = Some(object.stored.id.clone());
            self.verify_object(request, object, report).await?;
            if report.bytes >= enough {
                break;
            }
        }
        Ok(match last {
            Some(last) => Position::Objects(Some(last)),
            None => Position::Repositories(None),
        })
    }

    /// The repository, unless it was deleted meanwhile.
    async fn repository(&self, id: &RepositoryId) -> Result<Option<Repository>, Error> {
        let wanted = id.clone();
        let look = move |rows: &mut dyn ReadTransaction| Ok(rows.repository(&wanted)?);
        self.store.lookup(Warrant::server(), look).await
    }

    async fn verify_object(
        &self,
        request: VerifyRequest,
        object: ObjectRecord,
        report: &mut VerifyReport,
    ) -> Result<(), Error> {
        let id = object.stored.id.clone();
        let wanted = id.clone();
        let user = self
            .store
            .lookup(Warrant::server(), move |rows| {
                Ok(rows.layer_of_object(&wanted)?)
            })
            .await?;
        let Some((repository, layer)) = user else {
            // its repository may just be drained: then a job is about to remove it
            return Ok(());
        };
        report.objects += 1;
        report.bytes += object.stored.size;
        let Some(what) = self.damage_of(&object, &repository, &layer).await? else {
            return Ok(());
        };
        if !self.is_stored(&id).await? {
            return Ok(());
        }
        let last_segment = object
            .stored
            .segments
            .iter()
            .map(|segment| segment.number)
            .max()
            .unwrap_or(0);
        let quarantined = self.set_aside(request, &id, 1..=last_segment).await;
        report.add(Problem {
            what,
            object: Some(id.as_str().to_owned()),
            repository: Some(repository.name.to_string()),
            digest: Some(layer.digest.to_string()),
            quarantined,
        });
        Ok(())
    }

    /// Sets bytes aside if that is asked for, and tells whether there were any.
    async fn set_aside(
        &self,
        request: VerifyRequest,
        object: &ObjectId,
        segments: RangeInclusive<u64>,
    ) -> bool {
        if !request.repair {
            return false;
        }
        self.blobs
            .quarantine(object, segments)
            .await
            .unwrap_or_else(|error| {
                tracing::error!(%error, "damaged bytes were not set aside");
                false
            })
    }

    /// Whether an object is still there: collected while it was read, it may end early.
    async fn is_stored(&self, object: &ObjectId) -> Result<bool, Error> {
        let wanted = object.clone();
        self.store
            .lookup(Warrant::server(), move |rows| {
                Ok(rows.find_object(&wanted)?.is_some())
            })
            .await
    }

    /// What is wrong with an object, if anything.
    async fn damage_of(
        &self,
        object: &ObjectRecord,
        repository: &Repository,
        layer: &LayerRecord,
    ) -> Result<Option<String>, Error> {
        let subject = object.stored.id.as_str();
        let key = self.keys.unwrap(repository, subject, &layer.wrapped_key);
        let Some(key) = opened(key.await)? else {
            // it is found with the layer; the bytes, which others may read by their own keys, are not at fault
            return Ok(None);
        };
        let mut hasher = Hasher::new(Algorithm::Sha256);
        let stored = Arc::new(object.stored.clone());
        let size = stored.size;
        let mut bytes = match self.blobs.read(stored, Arc::new(key), 0..size).await {
            Ok(bytes) => bytes,
            Err(error) => return damage(error).map(Some),
        };
        while let Some(piece) = bytes.next().await {
            match piece {
                Ok(piece) => hasher.update(&piece),
                Err(error) => return damage(error).map(Some),
            }
        }
        Ok((hasher.finish() != object.sha256)
            .then(|| "the bytes do not have their digest".to_owned()))
    }

    /// The repository after one; after the last, the stored segments.
    async fn next_repository(&self, after: Option<RepositoryId>) -> Result<Position, Error> {
        let look = move |rows: &mut dyn ReadTransaction| {
            let after = after.as_ref().map(RepositoryId::as_str);
            Ok(rows.list_all_repositories(after, 1)?)
        };
        let mut found = self.store.read(Warrant::server(), look).await?;
        Ok(match found.pop() {
            Some(repository) => Position::Layers(repository.id, None),
            None => Position::Segments(None),
        })
    }
}

/// A key that does not open is a finding; a store that does not answer is an error.
fn opened(key: Result<DataKey, Error>) -> Result<Option<DataKey>, Error> {
    match key {
        Ok(key) => Ok(Some(key)),
        Err(Error::Unavailable(error)) => Err(Error::Unavailable(error)),
        Err(_) => Ok(None),
    }
}

/// Damage is a finding; a store that does not answer is an error.
fn damage(error: BlobError) -> Result<String, Error> {
    match error {
        BlobError::Missing | BlobError::Corrupt => Ok(error.to_string()),
        BlobError::Full | BlobError::Io(_) => Err(crate::layers::store_failed(error)),
    }
}
