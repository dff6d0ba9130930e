//! Images and their sealed manifests.

use ecru_domain::{Digest, ImageKind, RepositoryId, Tag, Timestamp};
use ecru_ports::metadata::{ImageRecord, SealedManifest, StoreError, TagStatus};

use super::{read_all, read_one};
use crate::row::Row;
use crate::sql::{Parameter, Sql, after_digest, query_one, unsigned};

macro_rules! image_columns {
    () => {
        "image.id, image.digest, image.media_type, image.kind, image.artifact_media_type, \
         image.manifest_size, image.size, image.pushed_at, image.last_pulled_at, image.subject, \
         image.is_tagged, image.latest_sequence"
    };
}

const INSERT: &str = "INSERT INTO image (repository_id, digest, id, media_type, kind, \
    artifact_media_type, manifest_size, size, pushed_at, last_pulled_at, subject, is_tagged, \
    latest_sequence, tag_count) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";

/// A manifest is there exactly while its image is.
const INSERT_MANIFEST: &str = "INSERT INTO manifest (repository_id, digest, wrapped_key, sealed) \
    VALUES ($1, $2, $3, $4)";

fn read_image(row: &mut Row) -> Result<ImageRecord, StoreError> {
    Ok(ImageRecord {
        id: row.text()?,
        digest: row.digest()?,
        media_type: row.text()?,
        kind: row.parsed("an image kind", ImageKind::parse)?,
        artifact_media_type: row.optional_text()?,
        manifest_size: row.unsigned()?,
        size: row.unsigned()?,
        pushed_at: row.time()?,
        last_pulled_at: row.optional_time()?,
        subject: row.optional_digest()?,
        is_tagged: row.flag()?,
        latest_sequence: row.optional_integer()?,
    })
}

pub(crate) fn find(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    digest: &Digest,
) -> Result<Option<ImageRecord>, StoreError> {
    let row = query_one(
        sql,
        concat!(
            "SELECT ",
            image_columns!(),
            " FROM image WHERE repository_id = $1 AND digest = $2"
        ),
        &[repository.into(), digest.into()],
    )?;
    read_one(row, read_image)
}

pub(crate) fn is_stored(sql: &mut dyn Sql, image_id: &str) -> Result<bool, StoreError> {
    let row = query_one(
        sql,
        "SELECT id FROM image WHERE id = $1",
        &[image_id.into()],
    )?;
    Ok(row.is_some())
}

pub(crate) fn find_tagged(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    tag: &Tag,
) -> Result<Option<ImageRecord>, StoreError> {
    let row = query_one(
        sql,
        concat!(
            "SELECT ",
            image_columns!(),
            " FROM tag JOIN image \
             ON image.repository_id = tag.repository_id AND image.digest = tag.digest \
             WHERE tag.repository_id = $1 AND tag.name = $2"
        ),
        &[repository.into(), tag.as_str().into()],
    )?;
    read_one(row, read_image)
}

pub(crate) fn newest_push(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
) -> Result<Option<ImageRecord>, StoreError> {
    let row = query_one(
        sql,
        concat!(
            "SELECT ",
            image_columns!(),
            " FROM image WHERE repository_id = $1 AND latest_sequence IS NOT NULL \
             ORDER BY latest_sequence DESC LIMIT 1"
        ),
        &[repository.into()],
    )?;
    read_one(row, read_image)
}

pub(crate) fn manifest(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    digest: &Digest,
) -> Result<Option<SealedManifest>, StoreError> {
    let row = query_one(
        sql,
        "SELECT wrapped_key, sealed FROM manifest WHERE repository_id = $1 AND digest = $2",
        &[repository.into(), digest.into()],
    )?;
    read_one(row, |row| {
        Ok(SealedManifest {
            wrapped_key: row.bytes()?,
            sealed: row.bytes()?,
        })
    })
}

/// By tag status, the inner query finds digests in an index that holds little else; asked for whole rows at once,
/// SQLite would walk all images of the repository.
pub(crate) fn list(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    status: TagStatus,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<ImageRecord>, StoreError> {
    let statement = match status {
        TagStatus::Any => concat!(
            "SELECT ",
            image_columns!(),
            " FROM image WHERE repository_id = $1 AND digest > $2 ORDER BY digest LIMIT $3"
        ),
        TagStatus::Tagged => concat!(
            "SELECT ",
            image_columns!(),
            " FROM image WHERE repository_id = $1 AND digest IN \
             (SELECT DISTINCT digest FROM tag WHERE repository_id = $1 AND digest > $2 \
             ORDER BY digest LIMIT $3) ORDER BY digest"
        ),
        TagStatus::Untagged => concat!(
            "SELECT ",
            image_columns!(),
            " FROM image WHERE repository_id = $1 AND digest IN \
             (SELECT digest FROM image WHERE repository_id = $1 AND digest > $2 \
             AND is_tagged = 0 ORDER BY digest LIMIT $3) ORDER BY digest"
        ),
    };
    let values = [repository.into(), after_digest(after)?, limit.into()];
    read_all(sql.query(statement, &values)?, read_image)
}

pub(crate) fn list_referrers(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    subject: &Digest,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<ImageRecord>, StoreError> {
    let rows = sql.query(
        concat!(
            "SELECT ",
            image_columns!(),
            " FROM image WHERE repository_id = $1 AND digest IN \
             (SELECT digest FROM image WHERE repository_id = $1 AND subject = $2 \
             AND digest > $3 ORDER BY digest LIMIT $4) ORDER BY digest"
        ),
        &[
            repository.into(),
            subject.into(),
            after_digest(after)?,
            limit.into(),
        ],
    )?;
    read_all(rows, read_image)
}

pub(crate) fn insert(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    (image, manifest): (&ImageRecord, &SealedManifest),
    tag_count: u64,
) -> Result<(), StoreError> {
    let digest = Parameter::from(&image.digest);
    let row = [
        repository.into(),
        digest.clone(),
        (&image.id).into(),
        (&image.media_type).into(),
        image.kind.as_str().into(),
        image.artifact_media_type.as_deref().into(),
        unsigned(image.manifest_size)?,
        unsigned(image.size)?,
        image.pushed_at.into(),
        image.last_pulled_at.into(),
        image.subject.as_ref().into(),
        image.is_tagged.into(),
        image.latest_sequence.into(),
        unsigned(tag_count)?,
    ];
    let sealed = [
        repository.into(),
        digest,
        manifest.wrapped_key.as_slice().into(),
        manifest.sealed.as_slice().into(),
    ];
    sql.submit(INSERT, &row)?;
    sql.submit(INSERT_MANIFEST, &sealed)
}

pub(crate) fn delete(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    digest: &Digest,
) -> Result<bool, StoreError> {
    let key = [repository.into(), Parameter::from(digest)];
    let removed = sql.execute(
        "DELETE FROM image WHERE repository_id = $1 AND digest = $2",
        &key,
    )?;
    if removed > 0 {
        sql.submit(
            "DELETE FROM manifest WHERE repository_id = $1 AND digest = $2",
            &key,
        )?;
    }
    Ok(removed > 0)
}

pub(crate) fn set_latest_sequence(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    digest: &Digest,
    sequence: i64,
) -> Result<(), StoreError> {
    sql.submit(
        "UPDATE image SET latest_sequence = $1 WHERE repository_id = $2 AND digest = $3",
        &[sequence.into(), repository.into(), digest.into()],
    )?;
    Ok(())
}

pub(crate) fn record_pull(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    digest: &Digest,
    at: Timestamp,
) -> Result<(), StoreError> {
    sql.submit(
        "UPDATE image SET last_pulled_at = $1 WHERE repository_id = $2 AND digest = $3 \
         AND (last_pulled_at IS NULL OR last_pulled_at < $1)",
        &[at.into(), repository.into(), digest.into()],
    )?;
    Ok(())
}
