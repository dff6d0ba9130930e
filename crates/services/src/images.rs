//! Images: push, pull, describe, list, delete.

pub mod delete;
pub mod describe;
pub mod find;
pub mod put;
pub mod referrers;
mod tag_rights;
pub mod tags;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use ecru_domain::repository::Repository;
use ecru_domain::{
    Action, Digest, Error, Reference, Refusal, Registry, RepositoryId, RepositoryName, Timestamp,
};
use ecru_ports::metadata::{ImageRecord, Lane, SealedManifest};
use ecru_ports::{Clock, Ids};
use parking_lot::Mutex;

use crate::access::{Access, Permit, RequestContext};
use crate::keys::Keys;
use crate::remembered::Remembered;
use crate::settings::Settings;
use crate::store::{Store, Warrant};
use crate::tokens::Tokens;
use tag_rights::Wanted;

pub use delete::BatchDeletion;
pub use describe::{ImageDescription, ListedImage};
pub use find::{BatchGet, ImageFailure, RequestedImage};
pub use put::{PutImage, PutImageOutcome, StoredImage};
pub use referrers::{ReferrerDescription, ReferrerQuery};

/// The most pulls that wait to be recorded; further ones of new images are not recorded.
const MAX_WAITING_PULLS: usize = 10_000;

/// Bytes of manifests remembered: what a manifest GET costs then is a look into a map.
const MAX_REMEMBERED_BYTES: usize = 8 * 1024 * 1024;

/// Bytes that remembering a manifest takes besides its own.
const REMEMBERED_OVERHEAD: usize = 512;

/// Pulls recorded in one transaction.
const PULLS_PER_WRITE: usize = 200;

/// A manifest that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundManifest {
    /// Its digest.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// Exactly the bytes that were pushed.
    pub bytes: Bytes,
}

/// Images.
#[derive(Clone)]
pub struct Images {
    access: Access,
    store: Store,
    keys: Keys,
    settings: Settings,
    tokens: Tokens,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    pulls: Arc<Mutex<HashMap<(RepositoryId, Digest), Timestamp>>>,
    manifests: Arc<Remembered<(RepositoryId, Reference), FoundManifest>>,
    tag_pages: Arc<Remembered<tags::PageKey, tags::TagPage>>,
}

impl Images {
    /// Over the store.
    pub fn new(
        access: Access,
        store: Store,
        keys: Keys,
        settings: Settings,
        tokens: Tokens,
        outside: &crate::Outside,
    ) -> Self {
        let (clock, ids) = (Arc::clone(&outside.clock), Arc::clone(&outside.ids));
        Self {
            access,
            store,
            keys,
            settings,
            tokens,
            clock,
            ids,
            pulls: Arc::default(),
            manifests: Arc::new(Remembered::new(MAX_REMEMBERED_BYTES)),
            tag_pages: Arc::new(Remembered::new(tags::MAX_REMEMBERED_BYTES)),
        }
    }

    /// A pull over `/v2/` (`ecr:BatchGetImage`). `ManifestNotFound` if there is no such image.
    pub async fn pull(
        &self,
        context: &RequestContext,
        registry: &Registry,
        name: &RepositoryName,
        reference: &Reference,
    ) -> Result<FoundManifest, Error> {
        let (wanted, permit, repository) =
            self.begin_pull(context, registry, name, reference).await?;
        self.end_pull(context, wanted, reference, (&permit, &repository))
            .await
    }

    async fn begin_pull<'w>(
        &self,
        context: &RequestContext,
        registry: &'w Registry,
        name: &'w RepositoryName,
        reference: &Reference,
    ) -> Result<(Wanted<'w>, Permit, Repository), Error> {
        let wanted = Wanted {
            registry,
            name,
            action: Action::BATCH_GET_IMAGE,
        };
        let permit = self.permit_pull(context, wanted, reference).await?;
        let repository = self.store.repository(&permit).await?;
        Ok((wanted, permit, repository))
    }

    async fn end_pull(
        &self,
        context: &RequestContext,
        wanted: Wanted<'_>,
        reference: &Reference,
        (permit, repository): (&Permit, &Repository),
    ) -> Result<FoundManifest, Error> {
        let place = (repository.id.clone(), reference.clone());
        let generation = self.store.generation().await;
        let found = if let Some(found) = self.manifests.get(generation, &place) {
            self.keys.check_usable(repository).await?;
            found
        } else {
            let found = self.read_manifest(permit, repository, reference).await?;
            let weight = found.bytes.len() + REMEMBERED_OVERHEAD;
            self.manifests.put(generation, place, found.clone(), weight);
            found
        };
        if let Reference::Tag(tag) = reference {
            self.permit_newest(context, wanted, tag, &found.digest)
                .await?;
        }
        self.note_pull(repository, &found.digest);
        Ok(found)
    }

    /// What a client asks before it pushes, to save itself the push: whether the reference names an image already
    /// (`ecr:BatchGetImage`). An image that `latest` only stands for is not one that was pushed as `latest`.
    pub async fn find_pushed(
        &self,
        context: &RequestContext,
        registry: &Registry,
        name: &RepositoryName,
        reference: &Reference,
    ) -> Result<FoundManifest, Error> {
        let (wanted, permit, repository) =
            self.begin_pull(context, registry, name, reference).await?;
        if let Reference::Tag(tag) = reference
            && tag.is_latest()
        {
            let (id, tag) = (repository.id.clone(), tag.clone());
            let set = self.store.lookup((&permit).into(), move |rows| {
                Ok(rows.find_tagged_image(&id, &tag)?)
            });
            set.await?.ok_or(Refusal::ManifestNotFound)?;
        }
        self.end_pull(context, wanted, reference, (&permit, &repository))
            .await
    }

    async fn read_manifest(
        &self,
        permit: &Permit,
        repository: &Repository,
        reference: &Reference,
    ) -> Result<FoundManifest, Error> {
        let found = self
            .find_with_manifest(permit, repository, reference.clone())
            .await?;
        let (image, sealed) = found.ok_or(Refusal::ManifestNotFound)?;
        self.open_manifest(repository, image, &sealed).await
    }

    /// An image and its sealed manifest, by tag or digest; `latest` as the registry has it.
    async fn find_with_manifest(
        &self,
        permit: &Permit,
        repository: &Repository,
        reference: Reference,
    ) -> Result<Option<(ImageRecord, SealedManifest)>, Error> {
        let (settings, repository) = (self.settings.clone(), repository.clone());
        self.store
            .lookup(permit.into(), move |rows| {
                let image = match &reference {
                    Reference::Digest(digest) => rows.find_image(&repository.id, digest)?,
                    Reference::Tag(tag) => find::by_tag(rows, &settings, &repository, tag)?,
                };
                let Some(image) = image else { return Ok(None) };
                let manifest = rows.manifest(&repository.id, &image.digest)?;
                let manifest =
                    manifest.ok_or_else(|| Error::internal("an image has no manifest"))?;
                Ok(Some((image, manifest)))
            })
            .await
    }

    /// Opens a manifest and makes sure that it has the image's digest.
    pub(crate) async fn open_manifest(
        &self,
        repository: &Repository,
        image: ImageRecord,
        sealed: &SealedManifest,
    ) -> Result<FoundManifest, Error> {
        let key = self
            .keys
            .unwrap(repository, &image.id, &sealed.wrapped_key)
            .await?;
        let mut plain = self
            .keys
            .open_small(&key, &manifest_context(&image.id), &sealed.sealed)?;
        let bytes = Bytes::from(std::mem::take(&mut *plain));
        Ok(FoundManifest {
            digest: image.digest,
            media_type: image.media_type,
            bytes,
        })
    }

    /// Remembers that an image was pulled; [`Images::record_pulls`] writes it down.
    fn note_pull(&self, repository: &Repository, digest: &Digest) {
        let mut pulls = self.pulls.lock();
        if pulls.len() < MAX_WAITING_PULLS {
            pulls.insert((repository.id.clone(), digest.clone()), self.clock.now());
        }
    }

    /// Writes down when images were last pulled. Called from time to time; a crash loses only what came since, and what
    /// cannot be written waits for the next time.
    pub async fn record_pulls(&self) -> Result<(), Error> {
        let mut waiting: Vec<_> = std::mem::take(&mut *self.pulls.lock())
            .into_iter()
            .collect();
        while !waiting.is_empty() {
            let rest = waiting.split_off(waiting.len().min(PULLS_PER_WRITE));
            let batch = waiting.clone();
            let written = self.store.write(Warrant::server(), Lane::Any, move |rows| {
                for ((repository, digest), at) in &batch {
                    rows.record_pull(repository, digest, *at)?;
                }
                Ok(())
            });
            if let Err(error) = written.await {
                self.note_again(waiting.into_iter().chain(rest));
                return Err(error);
            }
            waiting = rest;
        }
        Ok(())
    }

    /// Keeps notes, unless there is a newer one or no room.
    fn note_again(&self, notes: impl Iterator<Item = ((RepositoryId, Digest), Timestamp)>) {
        let mut pulls = self.pulls.lock();
        for (pulled, at) in notes {
            if pulls.len() >= MAX_WAITING_PULLS {
                return;
            }
            pulls.entry(pulled).or_insert(at);
        }
    }
}

/// What the seal of a manifest is bound to.
pub(crate) fn manifest_context(image_id: &str) -> Vec<u8> {
    format!("manifest of image {image_id}").into_bytes()
}
