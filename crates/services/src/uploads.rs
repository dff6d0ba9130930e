//! Uploads of layers, over `/v2/` and through the ECR API: the same sessions.
//!
//! ```text
//!            ┌────────── append (epoch, offset compared) ──────────┐
//! initiate ──▶ open ─────────────────────────────────────────────▶ open ──complete──▶ layer, unreferenced
//!                └──cancel / expiry──▶ gone                           └─ wrong digest ─▶ open
//! ```
//!
//! The session row holds what is durable. A request that must write a segment first raises the row's epoch: from
//! then on an older request can spoil nothing, because it can no longer commit.

pub mod body;
pub mod complete;
pub mod session;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ecru_domain::error::RepositoryLabel;
use ecru_domain::repository::Repository;
use ecru_domain::upload::{
    MAX_PART_SIZE, MAX_PARTS, MAX_SEGMENTS, MIN_PART_SIZE, PartProblem, PartRange, decide_part,
};
use ecru_domain::{Action, Error, Refusal, Registry, RepositoryName, UploadId};
use ecru_ports::metadata::{UploadRecord, WriteTransaction};
use ecru_ports::{BlobStore, Clock, Ids, ObjectId};

pub use body::{BodyError, BodyStream, Chunk};

use crate::access::{Access, Permit, RequestContext};
use crate::collection::doom_segments;
use crate::keys::Keys;
use crate::layers::Layers;
use crate::store::{Store, lane_of};

/// Which upload of which repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadAddress {
    /// Account and region.
    pub registry: Registry,
    /// The repository.
    pub name: RepositoryName,
    /// The upload.
    pub upload: UploadId,
}

/// Uploads.
#[derive(Clone)]
pub struct Uploads {
    access: Access,
    store: Store,
    keys: Keys,
    layers: Layers,
    blobs: Arc<dyn BlobStore>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    lifetime: Duration,
}

/// A permit with what it is for.
#[derive(Clone)]
struct Place {
    permit: Permit,
    repository: Repository,
    label: RepositoryLabel,
}

impl Uploads {
    /// Over the stores.
    pub fn new(
        access: Access,
        store: Store,
        keys: Keys,
        layers: Layers,
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
            layers,
            blobs,
            clock,
            ids,
            lifetime: limits.upload_lifetime,
        }
    }

    /// `ecr:InitiateLayerUpload`. `sha512` announces that the layer will be asked for by that digest.
    pub async fn initiate(
        &self,
        context: &RequestContext,
        registry: &Registry,
        name: &RepositoryName,
        sha512: bool,
    ) -> Result<UploadId, Error> {
        let place = self
            .enter(context, Action::INITIATE_LAYER_UPLOAD, registry, name)
            .await?;
        let record = self.fresh_record(&place, sha512).await?;
        let id = record.id.clone();
        let label = place.label.clone();
        self.store
            .write(
                (&place.permit).into(),
                lane_of(&place.repository),
                move |rows| {
                    if rows.repository(&record.repository)?.is_none() {
                        return Err(Refusal::RepositoryNotFound(label.clone()).into());
                    }
                    Ok(rows.insert_upload(&record)?)
                },
            )
            .await?;
        Ok(id)
    }

    /// How many bytes an upload holds, or `UploadNotFound`.
    pub async fn status(
        &self,
        context: &RequestContext,
        address: &UploadAddress,
    ) -> Result<u64, Error> {
        let place = self
            .enter_upload(context, Action::UPLOAD_LAYER_PART, address)
            .await?;
        Ok(offset_of(&self.find(&place, &address.upload).await?))
    }

    /// A chunk over `/v2/` (`ecr:UploadLayerPart`): returns how many bytes the upload holds then.
    /// `InvalidLayerPart` if it says where it begins and does not begin where the upload ends; `TooManyChunks` if
    /// the upload is made of as many segments as its row may list, which every request writes anew.
    pub async fn append(
        &self,
        context: &RequestContext,
        address: &UploadAddress,
        chunk: Chunk,
    ) -> Result<u64, Error> {
        let place = self
            .enter_upload(context, Action::UPLOAD_LAYER_PART, address)
            .await?;
        let record = self.find(&place, &address.upload).await?;
        check_start(&place, &record, chunk.first)?;
        if segments_of(&record) >= MAX_SEGMENTS {
            return Err(Refusal::TooManyChunks.into());
        }
        let keeps_broken_body = chunk.first.is_none();
        let mut session = self.open_session(&place, record).await?;
        let taken = session.take(chunk).await;
        match taken {
            Ok(()) => session.suspend(None).await,
            Err(error) if keeps_broken_body && is_broken_off(&error) && session.has_grown() => {
                session.suspend(None).await?;
                Err(error)
            }
            Err(error) => Err(session.abandon(error).await),
        }
    }

    /// `ecr:UploadLayerPart`: returns the position of the last byte received.
    pub async fn append_part(
        &self,
        context: &RequestContext,
        address: &UploadAddress,
        range: PartRange,
        part: Bytes,
    ) -> Result<u64, Error> {
        let place = self
            .enter_upload(context, Action::UPLOAD_LAYER_PART, address)
            .await?;
        let record = self.find(&place, &address.upload).await?;
        let length = part.len() as u64;
        decide_part(offset_of(&record), range, length)
            .map_err(|problem| refuse_part(&place, &record, range, problem))?;
        if length > MAX_PART_SIZE || record.parts >= MAX_PARTS {
            let message =
                format!("A layer has at most {MAX_PARTS} parts of at most {MAX_PART_SIZE} bytes");
            return Err(Refusal::LimitExceeded(message).into());
        }
        let mut session = self.open_session(&place, record).await?;
        session.take_bytes(part).await?;
        session.suspend(Some(length < MIN_PART_SIZE)).await?;
        Ok(range.last)
    }

    /// Ends an upload; what it held is removed.
    pub async fn cancel(
        &self,
        context: &RequestContext,
        address: &UploadAddress,
    ) -> Result<(), Error> {
        let place = self
            .enter_upload(context, Action::UPLOAD_LAYER_PART, address)
            .await?;
        let record = self.find(&place, &address.upload).await?;
        let not_found = upload_not_found(&place, &record.id);
        self.store
            .write(
                (&place.permit).into(),
                lane_of(&place.repository),
                move |rows| {
                    // as it is now: the epoch may have risen since
                    let Some(now) = rows.find_upload(&record.id)? else {
                        return Err(not_found.clone().into());
                    };
                    rows.delete_upload(&now.id)?;
                    doom_upload(rows, &now)
                },
            )
            .await
    }

    async fn enter(
        &self,
        context: &RequestContext,
        action: Action,
        registry: &Registry,
        name: &RepositoryName,
    ) -> Result<Place, Error> {
        let permit = self
            .access
            .authorize_repository(context, action, registry, name)
            .await?;
        let repository = self.store.repository(&permit).await?;
        let label = permit.label()?;
        Ok(Place {
            permit,
            repository,
            label,
        })
    }

    async fn enter_upload(
        &self,
        context: &RequestContext,
        action: Action,
        address: &UploadAddress,
    ) -> Result<Place, Error> {
        self.enter(context, action, &address.registry, &address.name)
            .await
    }

    /// The session, if it is of this repository. Collection alone decides when it has expired: the clock may have been
    /// set since the session's time was written.
    async fn find(&self, place: &Place, upload: &UploadId) -> Result<UploadRecord, Error> {
        let wanted = upload.clone();
        let found = self
            .store
            .lookup((&place.permit).into(), move |rows| {
                Ok(rows.find_upload(&wanted)?)
            })
            .await?;
        let own = found.filter(|record| record.repository == place.repository.id);
        own.ok_or_else(|| upload_not_found(place, upload).into())
    }

    async fn fresh_record(&self, place: &Place, sha512: bool) -> Result<UploadRecord, Error> {
        let now = self.clock.now();
        let object = ObjectId::ordered(now, self.ids.random());
        let (_, wrapped_key) = self
            .keys
            .new_data_key(&place.repository, object.as_str())
            .await?;
        Ok(UploadRecord {
            id: UploadId::parse(&self.ids.uuid()).map_err(Error::internal)?,
            repository: place.repository.id.clone(),
            object,
            wrapped_key,
            sha512,
            epoch: 0,
            progress: None,
            parts: 0,
            first_short_part: None,
            expires_at: now.plus(self.lifetime),
        })
    }
}

/// Bytes that a session holds.
fn offset_of(record: &UploadRecord) -> u64 {
    record
        .progress
        .as_ref()
        .map_or(0, |progress| progress.offset)
}

/// Segments that a session lists.
fn segments_of(record: &UploadRecord) -> usize {
    record
        .progress
        .as_ref()
        .map_or(0, |progress| progress.segments.len())
}

/// Whether a body ended early, as opposed to a request that the server could not carry out: that one takes nothing.
fn is_broken_off(error: &Error) -> bool {
    matches!(error, Error::Refused(Refusal::BodyIncomplete))
}

/// Has what a session may have left in the blob store removed.
pub(crate) fn doom_upload(
    rows: &mut dyn WriteTransaction,
    record: &UploadRecord,
) -> Result<(), Error> {
    doom_segments(rows, &record.object, record.epoch)
}

/// Has what a request wrote removed if its session has ended: the file may have come to be only after the session's
/// bytes were removed. While the session stands, its row names the file.
fn doom_if_ended(rows: &mut dyn WriteTransaction, record: &UploadRecord) -> Result<(), Error> {
    if rows.find_upload(&record.id)?.is_none() {
        doom_upload(rows, record)?;
    }
    Ok(())
}

fn upload_not_found(place: &Place, upload: &UploadId) -> Refusal {
    Refusal::UploadNotFound {
        upload: upload.clone(),
        repository: place.label.clone(),
    }
}

fn check_start(place: &Place, record: &UploadRecord, first: Option<u64>) -> Result<(), Error> {
    let received = offset_of(record);
    match first {
        Some(first) if first != received => {
            let problem = format!("First byte of the layer part is {first} instead of {received}");
            Err(invalid_part(place, record, problem).into())
        }
        _ => Ok(()),
    }
}

fn refuse_part(
    place: &Place,
    record: &UploadRecord,
    range: PartRange,
    problem: PartProblem,
) -> Refusal {
    let received = offset_of(record);
    let text = match problem {
        PartProblem::OutOfOrder => format!(
            "First byte of the layer part is {} instead of {received}",
            range.first
        ),
        PartProblem::WrongLength => {
            "The layer part does not have the length that its positions announce".to_owned()
        }
    };
    invalid_part(place, record, text)
}

fn invalid_part(place: &Place, record: &UploadRecord, problem: String) -> Refusal {
    Refusal::InvalidLayerPart {
        problem,
        upload: record.id.clone(),
        repository: place.label.clone(),
        received: offset_of(record),
    }
}
