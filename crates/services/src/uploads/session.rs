//! One request's hold on an upload: takes bytes, then suspends or finishes.

use bytes::Bytes;
use ecru_domain::upload::MAX_LAYER_SIZE;
use ecru_domain::{Error, Refusal};
use ecru_ports::blobs::{ObjectWriter, StoredObject, WriteProgress, WrittenDigests};
use ecru_ports::metadata::{UploadAdvance, UploadRecord};
use futures_util::StreamExt as _;

use super::{Chunk, Place, Uploads, doom_if_ended, invalid_part, offset_of, upload_not_found};
use crate::layers::store_failed;
use crate::store::lane_of;

/// An upload session while a request works on it.
pub(super) struct Session<'a> {
    uploads: &'a Uploads,
    place: &'a Place,
    pub(super) record: UploadRecord,
    writer: Box<dyn ObjectWriter>,
    /// Whether the session has a row yet; a single request makes one only when it must write a segment.
    pub(super) is_stored: bool,
    has_segment: bool,
}

impl Uploads {
    /// Goes on with a session that has a row.
    pub(super) async fn open_session<'a>(
        &'a self,
        place: &'a Place,
        record: UploadRecord,
    ) -> Result<Session<'a>, Error> {
        self.session(place, record, true).await
    }

    /// Begins a session that has no row yet.
    pub(super) async fn begin_session<'a>(
        &'a self,
        place: &'a Place,
        sha512: bool,
    ) -> Result<Session<'a>, Error> {
        let record = self.fresh_record(place, sha512).await?;
        self.session(place, record, false).await
    }

    async fn session<'a>(
        &'a self,
        place: &'a Place,
        record: UploadRecord,
        is_stored: bool,
    ) -> Result<Session<'a>, Error> {
        let key = self
            .keys
            .unwrap(
                &place.repository,
                record.object.as_str(),
                &record.wrapped_key,
            )
            .await?;
        let writer = self.blobs.writer(
            &record.object,
            &key,
            record.sha512,
            record.progress.as_ref(),
        );
        let writer = writer.await.map_err(store_failed)?;
        Ok(Session {
            uploads: self,
            place,
            record,
            writer,
            is_stored,
            has_segment: false,
        })
    }
}

impl Session<'_> {
    /// Takes a chunk to its end. `BodyIncomplete` if it is not as long as announced.
    pub(super) async fn take(&mut self, mut chunk: Chunk) -> Result<(), Error> {
        let begin = self.writer.offset();
        if chunk
            .length
            .is_some_and(|length| begin.saturating_add(length) > MAX_LAYER_SIZE)
        {
            return Err(Refusal::LayerTooLarge.into());
        }
        while let Some(bytes) = chunk.body.next().await {
            let bytes = bytes?;
            let total = (self.writer.offset() - begin).saturating_add(bytes.len() as u64);
            if chunk.length.is_some_and(|length| total > length) {
                return Err(Refusal::BodyIncomplete.into());
            }
            self.take_bytes(bytes).await?;
        }
        let taken = self.writer.offset() - begin;
        if chunk.length.is_some_and(|length| taken != length) {
            return Err(Refusal::BodyIncomplete.into());
        }
        Ok(())
    }

    /// Takes bytes.
    pub(super) async fn take_bytes(&mut self, bytes: Bytes) -> Result<(), Error> {
        if self.writer.offset().saturating_add(bytes.len() as u64) > MAX_LAYER_SIZE {
            return Err(Refusal::LayerTooLarge.into());
        }
        if !self.has_segment && self.writer.needs_segment(bytes.len()) {
            self.begin_segment().await?;
        }
        self.writer.write(bytes).await.map_err(store_failed)
    }

    /// Whether this request added bytes.
    pub(super) fn has_grown(&self) -> bool {
        self.writer.offset() > offset_of(&self.record)
    }

    /// Makes the row name the segment before its file exists.
    async fn begin_segment(&mut self) -> Result<(), Error> {
        let (record, epoch) = (self.record.clone(), self.record.epoch);
        let store = &self.uploads.store;
        let lane = lane_of(&self.place.repository);
        let is_ours = if self.is_stored {
            store
                .write((&self.place.permit).into(), lane, move |rows| {
                    Ok(rows.take_upload_epoch(&record.id, epoch)?)
                })
                .await?
        } else {
            let record = UploadRecord {
                epoch: epoch + 1,
                ..record
            };
            store
                .write((&self.place.permit).into(), lane, move |rows| {
                    Ok(rows.insert_upload(&record)?)
                })
                .await?;
            true
        };
        if !is_ours {
            return Err(self.lost());
        }
        self.is_stored = true;
        self.has_segment = true;
        self.record.epoch = epoch + 1;
        self.writer.begin_segment(epoch + 1);
        Ok(())
    }

    /// Makes what was taken durable and records it: returns how many bytes the upload holds. `part` tells whether
    /// an API part was below the minimum.
    pub(super) async fn suspend(self, part: Option<bool>) -> Result<u64, Error> {
        let (uploads, place, record) = (self.uploads, self.place, self.record);
        let progress = self.writer.suspend().await.map_err(store_failed)?;
        let offset = progress.offset;
        let advance = advance_of(uploads, &record, progress, part);
        let lost = Error::from(invalid_part(
            place,
            &record,
            "The upload was continued by another request".to_owned(),
        ));
        let before = offset_of(&record);
        let advanced = uploads
            .store
            .write(
                (&place.permit).into(),
                lane_of(&place.repository),
                move |rows| {
                    if rows.advance_upload(&record.id, record.epoch, before, &advance)? {
                        return Ok(true);
                    }
                    doom_if_ended(rows, &record)?;
                    Ok(false)
                },
            )
            .await?;
        if advanced { Ok(offset) } else { Err(lost) }
    }

    /// Gives up over an error, which is returned, and sees to it that the segment is found if the session ended
    /// meanwhile.
    pub(super) async fn abandon(self, error: Error) -> Error {
        let (uploads, place, record) = (self.uploads, self.place, self.record);
        self.writer.abandon().await;
        if !self.has_segment {
            return error;
        }
        let noted = uploads.store.write(
            (&place.permit).into(),
            lane_of(&place.repository),
            move |rows| doom_if_ended(rows, &record),
        );
        if let Err(failure) = noted.await {
            tracing::warn!(error = %failure, "an abandoned segment may be left");
        }
        error
    }

    /// Makes everything durable and ends the object; the session's row still stands.
    pub(super) async fn finish(self) -> Result<Finished, Error> {
        let (stored, digests) = self.writer.finish().await.map_err(store_failed)?;
        Ok(Finished {
            record: self.record,
            is_stored: self.is_stored,
            stored,
            digests,
        })
    }

    fn lost(&self) -> Error {
        if self.is_stored {
            invalid_part(
                self.place,
                &self.record,
                "The upload was continued by another request".to_owned(),
            )
            .into()
        } else {
            upload_not_found(self.place, &self.record.id).into()
        }
    }
}

/// An object that is durable but not yet a layer.
pub(super) struct Finished {
    pub(super) record: UploadRecord,
    pub(super) is_stored: bool,
    pub(super) stored: StoredObject,
    pub(super) digests: WrittenDigests,
}

fn advance_of(
    uploads: &Uploads,
    record: &UploadRecord,
    progress: WriteProgress,
    part: Option<bool>,
) -> UploadAdvance {
    let parts = record.parts + u64::from(part.is_some());
    let is_short = part == Some(true);
    UploadAdvance {
        progress,
        parts,
        first_short_part: record.first_short_part.or(is_short.then_some(parts)),
        expires_at: uploads.clock.now().plus(uploads.lifetime),
    }
}
