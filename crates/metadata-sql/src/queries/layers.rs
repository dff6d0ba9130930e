//! Layers: which object a digest means in a repository.

use ecru_domain::repository::Repository;
use ecru_domain::{Digest, RepositoryId, Timestamp};
use ecru_ports::blobs::ObjectId;
use ecru_ports::metadata::{LayerRecord, LayerUse, ObjectRecord, StoreError};

use super::objects::{object_columns, read_object};
use super::repositories::{read_repository, repository_columns};
use super::{read_all, read_one};
use crate::row::Row;
use crate::sql::{Sql, after_digest, query_one, unsigned};

macro_rules! layer_columns {
    () => {
        "layer.digest, layer.object_id, layer.size, layer.wrapped_key, layer.idle_since"
    };
}

/// The media type under which one stored image refers to the layer row.
macro_rules! referenced_as {
    () => {
        "(SELECT image_reference.media_type FROM image_reference \
         JOIN image ON image.id = image_reference.image_id \
         WHERE image_reference.repository_id = layer.repository_id \
         AND image_reference.target = layer.digest AND image_reference.kind = 'layer' \
         ORDER BY image_reference.image_id LIMIT 1)"
    };
}

fn read_layer(row: &mut Row) -> Result<LayerRecord, StoreError> {
    Ok(LayerRecord {
        digest: row.digest()?,
        object: row.object_id()?,
        size: row.unsigned()?,
        wrapped_key: row.bytes()?,
        idle_since: row.time()?,
    })
}

fn read_layer_use(row: &mut Row) -> Result<LayerUse, StoreError> {
    Ok(LayerUse {
        layer: read_layer(row)?,
        referenced_as: row.optional_text()?,
    })
}

fn read_home(row: &mut Row) -> Result<(Repository, LayerRecord), StoreError> {
    Ok((read_repository(row)?, read_layer(row)?))
}

pub(crate) fn find(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    digest: &Digest,
) -> Result<Option<LayerUse>, StoreError> {
    let row = query_one(
        sql,
        concat!(
            "SELECT ",
            layer_columns!(),
            ", ",
            referenced_as!(),
            " FROM layer WHERE layer.repository_id = $1 AND layer.digest = $2"
        ),
        &[repository.into(), digest.into()],
    )?;
    read_one(row, read_layer_use)
}

pub(crate) fn open(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    digest: &Digest,
) -> Result<Option<(LayerUse, ObjectRecord)>, StoreError> {
    let row = query_one(
        sql,
        concat!(
            "SELECT ",
            layer_columns!(),
            ", ",
            referenced_as!(),
            ", ",
            object_columns!(),
            " FROM layer JOIN object ON object.id = layer.object_id \
             WHERE layer.repository_id = $1 AND layer.digest = $2"
        ),
        &[repository.into(), digest.into()],
    )?;
    read_one(row, |row| Ok((read_layer_use(row)?, read_object(row)?)))
}

pub(crate) fn list(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<LayerRecord>, StoreError> {
    let rows = sql.query(
        concat!(
            "SELECT ",
            layer_columns!(),
            " FROM layer WHERE repository_id = $1 AND digest > $2 ORDER BY digest LIMIT $3"
        ),
        &[repository.into(), after_digest(after)?, limit.into()],
    )?;
    read_all(rows, read_layer)
}

/// CROSS JOIN keeps SQLite to the order written: few objects have one content.
pub(crate) fn find_content(
    sql: &mut dyn Sql,
    domain: &str,
    sha256: &Digest,
) -> Result<Option<(Repository, LayerRecord)>, StoreError> {
    let row = query_one(
        sql,
        concat!(
            "SELECT ",
            repository_columns!(),
            ", ",
            layer_columns!(),
            " FROM object CROSS JOIN layer CROSS JOIN repository \
             WHERE object.domain = $1 AND object.sha256 = $2 AND layer.object_id = object.id \
             AND repository.id = layer.repository_id LIMIT 1"
        ),
        &[domain.into(), sha256.into()],
    )?;
    read_one(row, read_home)
}

pub(crate) fn of_object(
    sql: &mut dyn Sql,
    object: &ObjectId,
) -> Result<Option<(Repository, LayerRecord)>, StoreError> {
    let row = query_one(
        sql,
        concat!(
            "SELECT ",
            repository_columns!(),
            ", ",
            layer_columns!(),
            " FROM layer CROSS JOIN repository \
             WHERE layer.object_id = $1 AND repository.id = layer.repository_id LIMIT 1"
        ),
        &[object.into()],
    )?;
    read_one(row, read_home)
}

pub(crate) fn is_object_used(sql: &mut dyn Sql, object: &ObjectId) -> Result<bool, StoreError> {
    let row = query_one(
        sql,
        "SELECT digest FROM layer WHERE object_id = $1 LIMIT 1",
        &[object.into()],
    )?;
    Ok(row.is_some())
}

pub(crate) fn insert(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    layer: &LayerRecord,
) -> Result<bool, StoreError> {
    let inserted = sql.execute(
        "INSERT INTO layer (repository_id, digest, object_id, size, wrapped_key, idle_since) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (repository_id, digest) DO NOTHING",
        &[
            repository.into(),
            (&layer.digest).into(),
            (&layer.object).into(),
            unsigned(layer.size)?,
            layer.wrapped_key.as_slice().into(),
            layer.idle_since.into(),
        ],
    )?;
    if inserted == 0 {
        set_idle(sql, repository, &layer.digest, layer.idle_since)?;
    }
    Ok(inserted > 0)
}

/// Transactions commit in another order than that in which their times were read: the time never goes back.
pub(crate) fn set_idle(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    digest: &Digest,
    since: Timestamp,
) -> Result<(), StoreError> {
    sql.submit(
        "UPDATE layer SET idle_since = $1 \
         WHERE repository_id = $2 AND digest = $3 AND idle_since < $1",
        &[since.into(), repository.into(), digest.into()],
    )?;
    Ok(())
}

pub(crate) fn delete(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    digest: &Digest,
) -> Result<bool, StoreError> {
    let removed = sql.execute(
        "DELETE FROM layer WHERE repository_id = $1 AND digest = $2",
        &[repository.into(), digest.into()],
    )?;
    Ok(removed > 0)
}
