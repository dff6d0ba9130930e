//! Upload sessions.

use ecru_domain::{RepositoryId, Timestamp, UploadId};
use ecru_ports::blobs::{ObjectId, WriteProgress};
use ecru_ports::metadata::{StoreError, UploadAdvance, UploadRecord};

use super::{read_all, read_one};
use crate::row::{Row, corrupt, read_segments, segments_text};
use crate::sql::{Sql, optional_unsigned, query_one, unsigned};

macro_rules! upload_columns {
    () => {
        "id, repository_id, object_id, wrapped_key, sha512, epoch, received, segments, \
         sealed_state, parts, first_short_part, expires_at"
    };
}

fn read_upload(row: &mut Row) -> Result<UploadRecord, StoreError> {
    Ok(UploadRecord {
        id: row.upload_id()?,
        repository: row.repository_id()?,
        object: row.object_id()?,
        wrapped_key: row.bytes()?,
        sha512: row.flag()?,
        epoch: row.unsigned()?,
        progress: read_progress(row)?,
        parts: row.unsigned()?,
        first_short_part: row.optional_unsigned()?,
        expires_at: row.time()?,
    })
}

fn read_progress(row: &mut Row) -> Result<Option<WriteProgress>, StoreError> {
    let offset = row.unsigned()?;
    match (row.optional_text()?, row.optional_bytes()?) {
        (None, None) => Ok(None),
        (Some(segments), Some(sealed_state)) => Ok(Some(WriteProgress {
            offset,
            segments: read_segments(&segments)?,
            sealed_state,
        })),
        _ => Err(corrupt("the progress of an upload")),
    }
}

pub(crate) fn find(sql: &mut dyn Sql, id: &UploadId) -> Result<Option<UploadRecord>, StoreError> {
    let row = query_one(
        sql,
        concat!("SELECT ", upload_columns!(), " FROM upload WHERE id = $1"),
        &[id.into()],
    )?;
    read_one(row, read_upload)
}

pub(crate) fn of_object(
    sql: &mut dyn Sql,
    object: &ObjectId,
) -> Result<Option<UploadRecord>, StoreError> {
    let row = query_one(
        sql,
        concat!(
            "SELECT ",
            upload_columns!(),
            " FROM upload WHERE object_id = $1"
        ),
        &[object.into()],
    )?;
    read_one(row, read_upload)
}

pub(crate) fn list_expired(
    sql: &mut dyn Sql,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<UploadRecord>, StoreError> {
    let rows = sql.query(
        concat!(
            "SELECT ",
            upload_columns!(),
            " FROM upload WHERE expires_at < $1 ORDER BY expires_at, id LIMIT $2"
        ),
        &[now.into(), limit.into()],
    )?;
    read_all(rows, read_upload)
}

pub(crate) fn list(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    limit: u32,
) -> Result<Vec<UploadRecord>, StoreError> {
    let rows = sql.query(
        concat!(
            "SELECT ",
            upload_columns!(),
            " FROM upload WHERE repository_id = $1 ORDER BY id LIMIT $2"
        ),
        &[repository.into(), limit.into()],
    )?;
    read_all(rows, read_upload)
}

pub(crate) fn insert(sql: &mut dyn Sql, upload: &UploadRecord) -> Result<(), StoreError> {
    let progress = upload.progress.as_ref();
    let segments = progress.map(|progress| segments_text(&progress.segments));
    let state = progress.map(|progress| progress.sealed_state.as_slice());
    sql.submit(
        "INSERT INTO upload (id, repository_id, object_id, wrapped_key, sha512, epoch, received, \
         segments, sealed_state, parts, first_short_part, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        &[
            (&upload.id).into(),
            (&upload.repository).into(),
            (&upload.object).into(),
            upload.wrapped_key.as_slice().into(),
            upload.sha512.into(),
            unsigned(upload.epoch)?,
            unsigned(progress.map_or(0, |progress| progress.offset))?,
            segments.as_ref().into(),
            state.into(),
            unsigned(upload.parts)?,
            optional_unsigned(upload.first_short_part)?,
            upload.expires_at.into(),
        ],
    )?;
    Ok(())
}

pub(crate) fn take_epoch(sql: &mut dyn Sql, id: &UploadId, epoch: u64) -> Result<bool, StoreError> {
    let changed = sql.execute(
        "UPDATE upload SET epoch = epoch + 1 WHERE id = $1 AND epoch = $2",
        &[id.into(), unsigned(epoch)?],
    )?;
    Ok(changed > 0)
}

pub(crate) fn advance(
    sql: &mut dyn Sql,
    id: &UploadId,
    epoch: u64,
    offset: u64,
    advance: &UploadAdvance,
) -> Result<bool, StoreError> {
    let segments = segments_text(&advance.progress.segments);
    let changed = sql.execute(
        "UPDATE upload SET received = $1, segments = $2, sealed_state = $3, parts = $4, \
         first_short_part = $5, expires_at = $6 WHERE id = $7 AND epoch = $8 AND received = $9",
        &[
            unsigned(advance.progress.offset)?,
            (&segments).into(),
            advance.progress.sealed_state.as_slice().into(),
            unsigned(advance.parts)?,
            optional_unsigned(advance.first_short_part)?,
            advance.expires_at.into(),
            id.into(),
            unsigned(epoch)?,
            unsigned(offset)?,
        ],
    )?;
    Ok(changed > 0)
}

pub(crate) fn delete(sql: &mut dyn Sql, id: &UploadId) -> Result<bool, StoreError> {
    let removed = sql.execute("DELETE FROM upload WHERE id = $1", &[id.into()])?;
    Ok(removed > 0)
}
