//! Layers of repositories: are they there, read them, mount them.
//!
//! A layer is visible only in the repository where it was uploaded or mounted. One that no image refers to is
//! reported available in the first half of its grace only, so that nothing promised vanishes before the push
//! that relies on it ends.

pub mod links;
pub mod mount;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use ecru_domain::repository::Repository;
use ecru_domain::{
    Action, Digest, Error, Refusal, Registry, RepositoryId, RepositoryName, Timestamp,
};
use ecru_ports::blobs::{BlobStream, StoredObject};
use ecru_ports::metadata::{JobKind, JobRecord, LayerUse, ObjectRecord, ReadTransaction};
use ecru_ports::{BlobError, BlobStore, Clock, DataKey, Ids};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::access::{Access, Permit, RequestContext};
use crate::keys::Keys;
use crate::remembered::Remembered;
use crate::store::Store;
use crate::tokens::Tokens;

/// Bytes of small layers remembered.
const MAX_REMEMBERED_BYTES: usize = 8 * 1024 * 1024;

/// Bytes that remembering a layer takes besides its own.
const REMEMBERED_OVERHEAD: usize = 1024;

/// Layers of one request whose bytes are looked at at once.
const LOOKED_AT: usize = 8;

/// Whether a layer can be relied on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayerAvailability {
    /// It is in the repository.
    Available {
        /// Its bytes.
        size: u64,
        /// As an image of the repository calls it.
        media_type: Option<String>,
    },
    /// It is not.
    Unavailable,
}

/// A layer, ready to be read.
pub struct OpenLayer {
    digest: Digest,
    object: Arc<StoredObject>,
    key: Arc<DataKey>,
    blobs: Arc<dyn BlobStore>,
}

impl OpenLayer {
    /// By which it was asked for.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Its bytes.
    pub fn size(&self) -> u64 {
        self.object.size
    }

    /// Streams a range within its size; every frame is verified before a byte of it is given out.
    pub async fn read(&self, range: Range<u64>) -> Result<BlobStream, Error> {
        self.blobs
            .read(Arc::clone(&self.object), Arc::clone(&self.key), range)
            .await
            .map_err(store_failed)
    }
}

/// Layers.
#[derive(Clone)]
pub struct Layers {
    access: Access,
    store: Store,
    keys: Keys,
    tokens: Tokens,
    blobs: Arc<dyn BlobStore>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    grace: Duration,
    known: Arc<Remembered<(RepositoryId, Digest), Option<OpenRecords>>>,
}

impl Layers {
    /// Over the stores.
    pub fn new(
        access: Access,
        store: Store,
        keys: Keys,
        tokens: Tokens,
        outside: &crate::Outside,
        limits: &crate::Limits,
    ) -> Self {
        let (blobs, clock, ids) = (
            Arc::clone(&outside.blobs),
            Arc::clone(&outside.clock),
            Arc::clone(&outside.ids),
        );
        Self {
            access,
            store,
            keys,
            tokens,
            blobs,
            clock,
            ids,
            grace: limits.layer_grace,
            known: Arc::new(Remembered::new(MAX_REMEMBERED_BYTES)),
        }
    }

    /// `ecr:BatchCheckLayerAvailability`, in the order of the request. As with [`Self::stat`], a layer is there when
    /// its bytes are.
    pub async fn check(
        &self,
        context: &RequestContext,
        registry: &Registry,
        name: &RepositoryName,
        digests: Vec<Digest>,
    ) -> Result<Vec<(Digest, LayerAvailability)>, Error> {
        let (permit, repository) = self
            .enter(
                context,
                Action::BATCH_CHECK_LAYER_AVAILABILITY,
                registry,
                name,
            )
            .await?;
        let (promise, place) = (self.promise(), repository.id.clone());
        let look = move |rows: &mut dyn ReadTransaction| {
            let mut found = Vec::with_capacity(digests.len());
            for digest in digests {
                let records = rows
                    .open_layer(&place, &digest)?
                    .filter(|(layer, _)| promise.covers(layer));
                found.push((digest, records));
            }
            Ok(found)
        };
        let found = self.store.read((&permit).into(), look).await?;
        stream::iter(found)
            .map(|(digest, records)| self.availability(&repository, digest, records))
            .buffered(LOOKED_AT)
            .try_collect()
            .await
    }

    async fn availability(
        &self,
        repository: &Repository,
        digest: Digest,
        records: Option<(LayerUse, ObjectRecord)>,
    ) -> Result<(Digest, LayerAvailability), Error> {
        let Some((found, object)) = records else {
            return Ok((digest, LayerAvailability::Unavailable));
        };
        let object = Arc::new(object.stored);
        let opened = self.unlock(repository, &digest, &found, object).await;
        let availability = if self.lacks_bytes(opened).await? {
            LayerAvailability::Unavailable
        } else {
            LayerAvailability::Available {
                size: found.layer.size,
                media_type: found.referenced_as,
            }
        };
        Ok((digest, availability))
    }

    /// The size of a layer (`ecr:BatchCheckLayerAvailability`), or `LayerNotFound`.
    pub async fn stat(
        &self,
        context: &RequestContext,
        registry: &Registry,
        name: &RepositoryName,
        digest: &Digest,
    ) -> Result<u64, Error> {
        let (permit, repository) = self
            .enter(
                context,
                Action::BATCH_CHECK_LAYER_AVAILABILITY,
                registry,
                name,
            )
            .await?;
        let promise = self.promise();
        let is_promised = move |found: &LayerUse| promise.covers(found);
        let opened = self
            .open_if(&permit, &repository, digest, is_promised)
            .await?;
        if self.is_damaged(&opened).await? {
            return Err(not_found(&permit, digest)?.into());
        }
        Ok(opened.size())
    }

    /// Whether a layer of the repository is there but its bytes are not, or do not begin soundly: it is as good as
    /// absent, so that clients send it again.
    pub(crate) async fn is_layer_damaged(
        &self,
        permit: &Permit,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<bool, Error> {
        match self.open_if(permit, repository, digest, |_| true).await {
            Err(Error::Refused(Refusal::LayerNotFound { .. })) => Ok(false),
            opened => self.lacks_bytes(opened).await,
        }
    }

    /// Whether a layer that was found cannot be opened, or is damaged.
    async fn lacks_bytes(&self, opened: Result<OpenLayer, Error>) -> Result<bool, Error> {
        match opened {
            Ok(opened) => self.is_damaged(&opened).await,
            Err(Error::Internal(_)) => Ok(true),
            Err(error) => Err(error),
        }
    }

    async fn is_damaged(&self, layer: &OpenLayer) -> Result<bool, Error> {
        match layer.read(0..layer.size().min(1)).await {
            Ok(_) => Ok(false),
            Err(Error::Internal(_)) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// A layer to read (`ecr:GetDownloadUrlForLayer`), or `LayerNotFound`.
    pub async fn open(
        &self,
        context: &RequestContext,
        registry: &Registry,
        name: &RepositoryName,
        digest: &Digest,
    ) -> Result<OpenLayer, Error> {
        let (permit, repository) = self
            .enter(context, Action::GET_DOWNLOAD_URL_FOR_LAYER, registry, name)
            .await?;
        let promise = self.promise();
        self.open_if(&permit, &repository, digest, move |found| {
            promise.covers(found)
        })
        .await
    }

    /// The job that collects a layer if no image refers to it when its grace is over.
    pub(crate) fn collect_job(&self, repository: &Repository, digest: &Digest) -> JobRecord {
        let now = self.clock.now();
        JobRecord {
            id: self.ids.ordered_uuid(now),
            kind: JobKind::CollectLayer,
            repository: repository.id.clone(),
            subject: digest.to_string(),
            run_at: now.plus(self.grace),
        }
    }

    async fn open_if(
        &self,
        permit: &Permit,
        repository: &Repository,
        digest: &Digest,
        is_served: impl FnOnce(&LayerUse) -> bool + Send,
    ) -> Result<OpenLayer, Error> {
        let found = self.find_records(permit, repository, digest).await?;
        let (found, object) = found
            .filter(|(found, _)| is_served(found))
            .ok_or(not_found(permit, digest)?)?;
        self.unlock(repository, digest, &found, object).await
    }

    /// The rows of a layer, remembered until anything is committed: layers come and go with pushes.
    async fn find_records(
        &self,
        permit: &Permit,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Option<OpenRecords>, Error> {
        let (place, wanted) = (repository.id.clone(), digest.clone());
        let key = (place.clone(), wanted.clone());
        let generation = self.store.generation().await;
        if let Some(known) = self.known.get(generation, &key) {
            return Ok(known);
        }
        let read = self.store.lookup(permit.into(), move |rows| {
            let found = rows.open_layer(&place, &wanted)?;
            Ok(found.map(|(layer, object)| (layer, Arc::new(object.stored))))
        });
        let found = read.await?;
        let weight = weight_of(found.as_ref());
        self.known.put(generation, key, found.clone(), weight);
        Ok(found)
    }

    /// Opens the key of a layer that was found.
    async fn unlock(
        &self,
        repository: &Repository,
        digest: &Digest,
        found: &LayerUse,
        object: Arc<StoredObject>,
    ) -> Result<OpenLayer, Error> {
        let wrapped = &found.layer.wrapped_key;
        let key = self
            .keys
            .unwrap(repository, object.id.as_str(), wrapped)
            .await?;
        Ok(OpenLayer {
            digest: digest.clone(),
            object,
            key: Arc::new(key),
            blobs: Arc::clone(&self.blobs),
        })
    }

    async fn enter(
        &self,
        context: &RequestContext,
        action: Action,
        registry: &Registry,
        name: &RepositoryName,
    ) -> Result<(Permit, Repository), Error> {
        let permit = self
            .access
            .authorize_repository(context, action, registry, name)
            .await?;
        let repository = self.store.repository(&permit).await?;
        Ok((permit, repository))
    }

    fn promise(&self) -> Promise {
        Promise {
            idle_after: self.clock.now().minus(self.grace / 2),
        }
    }
}

/// A layer and its object, as they are needed to read it.
type OpenRecords = (LayerUse, Arc<StoredObject>);

/// The room that remembering a layer takes: its object may be a row, bytes included.
fn weight_of(found: Option<&OpenRecords>) -> usize {
    let bytes = |object: &StoredObject| object.tail.len() + size_of_val(object.segments.as_slice());
    REMEMBERED_OVERHEAD + found.map_or(0, |(_, object)| bytes(object))
}

/// Which layers are reported available: those referred to, and those idle for less than half the grace.
#[derive(Clone, Copy)]
struct Promise {
    idle_after: Timestamp,
}

impl Promise {
    fn covers(self, found: &LayerUse) -> bool {
        found.referenced_as.is_some() || found.layer.idle_since > self.idle_after
    }
}

fn not_found(permit: &Permit, digest: &Digest) -> Result<Refusal, Error> {
    Ok(Refusal::LayerNotFound {
        digest: digest.clone(),
        repository: permit.label()?,
    })
}

/// A failing blob store, as an error of ours.
pub(crate) fn store_failed(error: BlobError) -> Error {
    match error {
        BlobError::Full => Error::Unavailable(Box::new(error)),
        BlobError::Missing | BlobError::Corrupt | BlobError::Io(_) => {
            Error::Internal(Box::new(error))
        }
    }
}
