//! The end of an upload: the bytes become a layer of the repository.

use ecru_domain::digest::Hasher;
use ecru_domain::repository::Repository;
use ecru_domain::{Action, Algorithm, Digest, Error, Refusal, Registry, RepositoryName};
use ecru_ports::DataKey;
use ecru_ports::blobs::StoredObject;
use ecru_ports::metadata::{
    JobRecord, LayerRecord, ObjectRecord, ReadTransaction, UploadRecord, WriteTransaction,
};
use futures_util::StreamExt as _;
use std::sync::Arc;

use super::session::Finished;
use super::{
    Chunk, Place, UploadAddress, Uploads, doom_if_ended, doom_upload, offset_of, upload_not_found,
};
use crate::access::RequestContext;
use crate::collection::release_layer;
use crate::collection::unused_segments;
use crate::layers::store_failed;
use crate::store::lane_of;

/// Whether the layer is new in the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Settled {
    New,
    WasThere,
}

/// Everything one transaction needs to make a layer.
struct Settlement {
    finished: Finished,
    layer: LayerRecord,
    object: ObjectRecord,
    /// The same content under another object of the deduplication domain, wrapped for this repository.
    shared: Option<LayerRecord>,
    /// Whether the layer that the repository has is damaged, so that this one takes its place.
    replaces: bool,
    job: JobRecord,
}

impl Uploads {
    /// The last request of an upload over `/v2/` (`ecr:CompleteLayerUpload`), perhaps with the last bytes
    /// (`ecr:UploadLayerPart`). `LayerDigestMismatch` leaves the upload as it was before.
    pub async fn complete(
        &self,
        context: &RequestContext,
        address: &UploadAddress,
        chunk: Chunk,
        digest: &Digest,
    ) -> Result<(), Error> {
        let place = self
            .enter_upload(context, Action::COMPLETE_LAYER_UPLOAD, address)
            .await?;
        if chunk.length != Some(0) {
            let (registry, name) = (&address.registry, &address.name);
            self.access
                .authorize_repository(context, Action::UPLOAD_LAYER_PART, registry, name)
                .await?;
        }
        let record = self.find(&place, &address.upload).await?;
        super::check_start(&place, &record, chunk.first)?;
        let mut session = self.open_session(&place, record).await?;
        if let Err(error) = session.take(chunk).await {
            return Err(session.abandon(error).await);
        }
        let finished = session.finish().await?;
        self.settle(&place, finished, digest).await.map(|_| ())
    }

    /// A whole layer in one request.
    pub async fn whole(
        &self,
        context: &RequestContext,
        registry: &Registry,
        name: &RepositoryName,
        chunk: Chunk,
        digest: &Digest,
    ) -> Result<(), Error> {
        let place = self
            .enter(context, Action::COMPLETE_LAYER_UPLOAD, registry, name)
            .await?;
        self.access
            .authorize_repository(context, Action::INITIATE_LAYER_UPLOAD, registry, name)
            .await?;
        self.access
            .authorize_repository(context, Action::UPLOAD_LAYER_PART, registry, name)
            .await?;
        let mut session = self
            .begin_session(&place, digest.algorithm() == Algorithm::Sha512)
            .await?;
        session.take(chunk).await?;
        let finished = session.finish().await?;
        self.settle(&place, finished, digest).await.map(|_| ())
    }

    /// `ecr:CompleteLayerUpload`: at least one of the digests that are SHA-256 must be right.
    /// `LayerAlreadyExists` if the repository has the layer; the upload has ended then all the same.
    pub async fn complete_parts(
        &self,
        context: &RequestContext,
        address: &UploadAddress,
        digests: &[String],
    ) -> Result<Digest, Error> {
        let place = self
            .enter_upload(context, Action::COMPLETE_LAYER_UPLOAD, address)
            .await?;
        let record = self.find(&place, &address.upload).await?;
        if offset_of(&record) == 0 {
            return Err(Refusal::EmptyUpload {
                upload: record.id,
                repository: place.label,
            }
            .into());
        }
        if record
            .first_short_part
            .is_some_and(|short| short < record.parts)
        {
            return Err(Refusal::LayerPartTooSmall.into());
        }
        let finished = self.open_session(&place, record).await?.finish().await?;
        let calculated = finished.digests.sha256.clone();
        if !digests
            .iter()
            .any(|digest| digest.eq_ignore_ascii_case(calculated.as_str()))
        {
            return Err(Refusal::LayerDigestMismatch { calculated }.into());
        }
        match self.settle(&place, finished, &calculated).await? {
            Settled::New => Ok(calculated),
            Settled::WasThere => Err(Refusal::LayerAlreadyExists {
                digest: calculated,
                repository: place.label,
            }
            .into()),
        }
    }

    async fn settle(
        &self,
        place: &Place,
        finished: Finished,
        digest: &Digest,
    ) -> Result<Settled, Error> {
        self.check_digest(place, &finished, digest).await?;
        let repository = &place.repository;
        let now = self.clock.now();
        let layer = LayerRecord {
            digest: digest.clone(),
            object: finished.stored.id.clone(),
            size: finished.stored.size,
            wrapped_key: finished.record.wrapped_key.clone(),
            idle_since: now,
        };
        let object = ObjectRecord {
            stored: finished.stored.clone(),
            domain: deduplication_domain(repository),
            sha256: finished.digests.sha256.clone(),
        };
        let shared = self.find_shared(place, &object, digest).await?;
        let job = self.layers.collect_job(repository, digest);
        let replaces = self
            .layers
            .is_layer_damaged(&place.permit, repository, digest)
            .await?;
        let settlement = Settlement {
            finished,
            layer,
            object,
            shared,
            replaces,
            job,
        };
        self.commit(place, settlement).await
    }

    /// The digest must be that of the bytes. SHA-512 that was not announced is computed by reading them again.
    async fn check_digest(
        &self,
        place: &Place,
        finished: &Finished,
        digest: &Digest,
    ) -> Result<(), Error> {
        let calculated = match digest.algorithm() {
            Algorithm::Sha256 => finished.digests.sha256.clone(),
            Algorithm::Sha512 => match &finished.digests.sha512 {
                Some(known) => known.clone(),
                None => self.read_again(place, finished).await?,
            },
        };
        if calculated == *digest {
            Ok(())
        } else {
            Err(Refusal::LayerDigestMismatch { calculated }.into())
        }
    }

    async fn read_again(&self, place: &Place, finished: &Finished) -> Result<Digest, Error> {
        let record = &finished.record;
        let key: DataKey = self
            .keys
            .unwrap(
                &place.repository,
                record.object.as_str(),
                &record.wrapped_key,
            )
            .await?;
        let object: Arc<StoredObject> = Arc::new(finished.stored.clone());
        let size = object.size;
        let mut bytes = self
            .blobs
            .read(object, Arc::new(key), 0..size)
            .await
            .map_err(store_failed)?;
        let mut hasher = Hasher::new(Algorithm::Sha512);
        while let Some(piece) = bytes.next().await {
            hasher.update(&piece.map_err(store_failed)?);
        }
        Ok(hasher.finish())
    }

    /// Equal content that is stored already. If it, or its key, turns out to be damaged, what was just received is
    /// kept instead: a push must not be acknowledged and then answered with what cannot be read.
    async fn find_shared(
        &self,
        place: &Place,
        object: &ObjectRecord,
        digest: &Digest,
    ) -> Result<Option<LayerRecord>, Error> {
        let (domain, sha256) = (object.domain.clone(), object.sha256.clone());
        let look = move |rows: &mut dyn ReadTransaction| {
            let Some((source, layer)) = rows.find_content(&domain, &sha256)? else {
                return Ok(None);
            };
            let object = rows.find_object(&layer.object)?;
            Ok(object.map(|object| (source, layer, object.stored)))
        };
        let found = self.store.lookup((&place.permit).into(), look).await?;
        let Some((source, layer, stored)) = found else {
            return Ok(None);
        };
        let shared = self.share(place, (&source, &layer), stored, digest).await;
        match shared {
            Ok(shared) => Ok(Some(shared)),
            Err(Error::Unavailable(error)) => Err(Error::Unavailable(error)),
            Err(error) => {
                tracing::warn!(%error, "equal content cannot be shared and is stored again");
                Ok(None)
            }
        }
    }

    /// Makes sure that the stored bytes are there and begin soundly, and wraps their key for this repository.
    async fn share(
        &self,
        place: &Place,
        (source, layer): (&Repository, &LayerRecord),
        stored: StoredObject,
        digest: &Digest,
    ) -> Result<LayerRecord, Error> {
        let (subject, wrapped) = (layer.object.as_str(), &layer.wrapped_key);
        let key = self.keys.unwrap(source, subject, wrapped).await?;
        let first = 0..stored.size.min(1);
        let look = self.blobs.read(Arc::new(stored), Arc::new(key), first);
        drop(look.await.map_err(store_failed)?);
        let target = &place.repository;
        self.layers.rewrap(source, layer, target, digest).await
    }

    async fn commit(&self, place: &Place, settlement: Settlement) -> Result<Settled, Error> {
        let (id, label) = (place.repository.id.clone(), place.label.clone());
        let lost = upload_not_found(place, &settlement.finished.record.id);
        self.store
            .write(
                (&place.permit).into(),
                lane_of(&place.repository),
                move |rows| {
                    let finished = &settlement.finished;
                    rows.change_repository(&id)?
                        .ok_or_else(|| Refusal::RepositoryNotFound(label.clone()))?;
                    let Some(ended) = end_session(rows, finished)? else {
                        doom_if_ended(rows, &finished.record)?;
                        return Ok(None);
                    };
                    let present = rows.find_layer(&id, &settlement.layer.digest)?;
                    if let Some(damaged) = present.as_ref().filter(|_| settlement.replaces) {
                        release_layer(rows, &id, &damaged.layer)?;
                    } else if present.is_some() {
                        rows.set_layer_idle(
                            &id,
                            &settlement.layer.digest,
                            settlement.layer.idle_since,
                        )?;
                        rows.insert_job(&settlement.job)?;
                        doom_upload(rows, &ended)?;
                        return Ok(Some(Settled::WasThere));
                    }
                    match &settlement.shared {
                        Some(shared) if rows.find_object(&shared.object)?.is_some() => {
                            rows.insert_layer(&id, shared)?;
                            doom_upload(rows, &ended)?;
                        }
                        _ => {
                            rows.insert_object(&settlement.object)?;
                            rows.insert_layer(&id, &settlement.layer)?;
                            doom_abandoned(rows, finished, &ended)?;
                        }
                    }
                    rows.insert_job(&settlement.job)?;
                    Ok(Some(Settled::New))
                },
            )
            .await?
            .ok_or_else(|| lost.into())
    }
}

/// Removes the session's row, if it still stands as this request knows it, and returns it as it was. A request that
/// wrote no segment of its own needs no epoch: one that another raised and then left with nothing is no hindrance.
fn end_session(
    rows: &mut dyn WriteTransaction,
    finished: &Finished,
) -> Result<Option<UploadRecord>, Error> {
    let record = &finished.record;
    if !finished.is_stored {
        return Ok(Some(record.clone()));
    }
    let Some(now) = rows.find_upload(&record.id)? else {
        return Ok(None);
    };
    let recorded = record.progress.as_ref();
    let recorded = recorded.map_or(&[][..], |progress| progress.segments.as_slice());
    let wrote_none = finished.stored.segments == recorded;
    let stands = now.progress == record.progress && (wrote_none || now.epoch == record.epoch);
    Ok((stands && rows.delete_upload(&now.id)?).then_some(now))
}

/// Has what requests wrote that could not commit removed, in the same transaction: no crash can part the two.
fn doom_abandoned(
    rows: &mut dyn WriteTransaction,
    finished: &Finished,
    ended: &UploadRecord,
) -> Result<(), Error> {
    if !unused_segments(&finished.stored.segments, ended.epoch).is_empty() {
        doom_upload(rows, ended)?;
    }
    Ok(())
}

/// Where equal content is stored once: account, region, and the key with its layers.
fn deduplication_domain(repository: &Repository) -> String {
    let (registry, encryption) = (&repository.registry, &repository.encryption);
    format!(
        "{} {} {} {}",
        registry.account,
        registry.region,
        encryption.kind.as_str(),
        encryption.key_id
    )
}
