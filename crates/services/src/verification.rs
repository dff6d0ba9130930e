//! Verification: re-reads and re-hashes everything, and reports what is wrong.
//!
//! Three passes: every object that rows name is read and hashed; in every repository the key of each layer is
//! opened, each manifest is opened and hashed, and what it refers to looked up; stored bytes that no row names are
//! found by listing. Repair sets damaged and orphaned
//! bytes aside where no read reaches them; it never deletes. Pushes and collection go on meanwhile: what looks wrong
//! is looked at again before it is reported.

mod layers;
mod orphans;

use std::ops::RangeInclusive;
use std::sync::Arc;

use ecru_domain::digest::Hasher;
use ecru_domain::repository::Repository;
use ecru_domain::{Action, Algorithm, Digest, Error, Registry};
use ecru_ports::metadata::{
    ImageRecord, LayerRecord, ObjectRecord, ReferenceKind, SealedManifest, TagStatus,
};
use ecru_ports::{BlobError, BlobStore, DataKey, ObjectId};
use futures_util::StreamExt as _;

use crate::access::{Access, RequestContext, Resource};
use crate::keys::Keys;
use crate::store::{Store, Warrant};

/// Rows read at a time.
const BATCH: u32 = 200;
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

    /// `ecru:Verify` through the administration API, on a running server. `home` is its own registry.
    pub async fn verify(
        &self,
        context: &RequestContext,
        home: &Registry,
        request: VerifyRequest,
    ) -> Result<VerifyReport, Error> {
        self.access
            .authorize(context, Action::VERIFY, Resource::Any(home.clone()))
            .await?;
        self.verify_offline(request).await
    }

    /// The same for whoever holds the data directory's lock.
    pub async fn verify_offline(&self, request: VerifyRequest) -> Result<VerifyReport, Error> {
        let mut report = VerifyReport::default();
        self.verify_objects(request, &mut report).await?;
        self.verify_manifests(&mut report).await?;
        self.verify_orphans(request, &mut report).await?;
        Ok(report)
    }

    async fn verify_objects(
        &self,
        request: VerifyRequest,
        report: &mut VerifyReport,
    ) -> Result<(), Error> {
        let mut after: Option<ObjectId> = None;
        loop {
            let from = after.clone();
            let objects = self
                .store
                .read(Warrant::server(), move |rows| {
                    Ok(rows.list_objects(from.as_ref(), BATCH)?)
                })
                .await?;
            let Some(last) = objects.last() else {
                return Ok(());
            };
            after = Some(last.stored.id.clone());
            for object in objects {
                self.verify_object(request, object, report).await?;
            }
        }
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

    async fn verify_manifests(&self, report: &mut VerifyReport) -> Result<(), Error> {
        let mut after: Option<String> = None;
        loop {
            let from = after.clone();
            let repositories = self
                .store
                .read(Warrant::server(), move |rows| {
                    Ok(rows.list_all_repositories(from.as_deref(), BATCH)?)
                })
                .await?;
            let Some(last) = repositories.last() else {
                return Ok(());
            };
            after = Some(last.id.as_str().to_owned());
            for repository in repositories {
                self.verify_layers(&repository, report).await?;
                self.verify_images(&repository, report).await?;
            }
        }
    }

    async fn verify_images(
        &self,
        repository: &Repository,
        report: &mut VerifyReport,
    ) -> Result<(), Error> {
        let mut after: Option<String> = None;
        loop {
            let (id, from) = (repository.id.clone(), after.clone());
            let images = self
                .store
                .read(Warrant::server(), move |rows| {
                    Ok(rows.list_images(&id, TagStatus::Any, from.as_deref(), BATCH)?)
                })
                .await?;
            let Some(last) = images.last() else {
                return Ok(());
            };
            after = Some(last.digest.to_string());
            for image in images {
                report.manifests += 1;
                if let Some(what) = self.damage_of_image(repository, &image).await? {
                    report.add(Problem {
                        what,
                        object: None,
                        repository: Some(repository.name.to_string()),
                        digest: Some(image.digest.to_string()),
                        quarantined: false,
                    });
                }
            }
        }
    }

    async fn damage_of_image(
        &self,
        repository: &Repository,
        image: &ImageRecord,
    ) -> Result<Option<String>, Error> {
        let (place, wanted) = (repository.id.clone(), image.clone());
        let (manifest, missing) = self
            .store
            .lookup(Warrant::server(), move |rows| {
                let manifest: Option<SealedManifest> = rows.manifest(&place, &wanted.digest)?;
                let mut missing: Option<Digest> = None;
                for reference in rows.references_of(&wanted.id, u32::MAX)? {
                    let found = match reference.kind {
                        ReferenceKind::Layer => {
                            rows.find_layer(&place, &reference.target)?.is_some()
                        }
                        ReferenceKind::Manifest => {
                            rows.find_image(&place, &reference.target)?.is_some()
                        }
                    };
                    if !found && missing.is_none() {
                        missing = Some(reference.target);
                    }
                }
                // deleted meanwhile: not a problem
                let is_there = rows
                    .find_image(&place, &wanted.digest)?
                    .is_some_and(|now| now.id == wanted.id);
                Ok(if is_there {
                    (Some(manifest), missing)
                } else {
                    (None, None)
                })
            })
            .await?;
        let Some(manifest) = manifest else {
            return Ok(None);
        };
        let Some(manifest) = manifest else {
            return Ok(Some("the manifest is missing".to_owned()));
        };
        if let Some(missing) = missing {
            return Ok(Some(format!(
                "it refers to {missing}, which is not in the repository"
            )));
        }
        self.damage_of_manifest(repository, image, &manifest).await
    }

    async fn damage_of_manifest(
        &self,
        repository: &Repository,
        image: &ImageRecord,
        manifest: &SealedManifest,
    ) -> Result<Option<String>, Error> {
        let key = self
            .keys
            .unwrap(repository, &image.id, &manifest.wrapped_key);
        let Some(key) = opened(key.await)? else {
            return Ok(Some("the manifest's data key does not open".to_owned()));
        };
        let context = crate::images::manifest_context(&image.id);
        let Ok(bytes) = self.keys.open_small(&key, &context, &manifest.sealed) else {
            return Ok(Some("the manifest does not open".to_owned()));
        };
        let calculated = Digest::of(image.digest.algorithm(), &bytes);
        Ok(
            (calculated != image.digest)
                .then(|| "the manifest does not have its digest".to_owned()),
        )
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
