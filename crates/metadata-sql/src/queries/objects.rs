//! Objects: where bytes are, and which are to be removed.

use ecru_ports::blobs::{ObjectId, StoredObject};
use ecru_ports::metadata::{DoomedObject, ObjectRecord, ObjectTotals, StoreError};

use super::{read_all, read_one};
use crate::row::{Row, corrupt, read_segments, segments_text};
use crate::sql::{Sql, query_one, unsigned};

macro_rules! object_columns {
    () => {
        "object.id, object.size, object.segments, object.tail, object.domain, object.sha256"
    };
}
pub(super) use object_columns;

pub(super) fn read_object(row: &mut Row) -> Result<ObjectRecord, StoreError> {
    Ok(ObjectRecord {
        stored: StoredObject {
            id: row.object_id()?,
            size: row.unsigned()?,
            segments: read_segments(&row.text()?)?,
            tail: row.bytes()?,
        },
        domain: row.text()?,
        sha256: row.digest()?,
    })
}

pub(crate) fn find(
    sql: &mut dyn Sql,
    object: &ObjectId,
) -> Result<Option<ObjectRecord>, StoreError> {
    let row = query_one(
        sql,
        concat!("SELECT ", object_columns!(), " FROM object WHERE id = $1"),
        &[object.into()],
    )?;
    read_one(row, read_object)
}

pub(crate) fn list(
    sql: &mut dyn Sql,
    after: Option<&ObjectId>,
    limit: u32,
) -> Result<Vec<ObjectRecord>, StoreError> {
    let after = after.map(ObjectId::as_str).unwrap_or_default();
    let rows = sql.query(
        concat!(
            "SELECT ",
            object_columns!(),
            " FROM object WHERE id > $1 ORDER BY id LIMIT $2"
        ),
        &[after.into(), limit.into()],
    )?;
    read_all(rows, read_object)
}

const INSERT: &str = "INSERT INTO object (id, size, segments, tail, domain, sha256) \
    VALUES ($1, $2, $3, $4, $5, $6)";

const ONE_MORE: &str =
    "UPDATE object_total SET objects = objects + 1, bytes = bytes + $1 WHERE name = 'all'";

const ONE_LESS: &str =
    "UPDATE object_total SET objects = objects - 1, bytes = bytes - $1 WHERE name = 'all'";

/// One row counts all objects: a node has one writer, so nobody waits for it there.
pub(crate) fn insert(sql: &mut dyn Sql, object: &ObjectRecord) -> Result<(), StoreError> {
    let segments = segments_text(&object.stored.segments);
    let size = unsigned(object.stored.size)?;
    let values = [
        (&object.stored.id).into(),
        size.clone(),
        (&segments).into(),
        object.stored.tail.as_slice().into(),
        (&object.domain).into(),
        (&object.sha256).into(),
    ];
    sql.submit(INSERT, &values)?;
    sql.submit(ONE_MORE, &[size])
}

pub(crate) fn delete(sql: &mut dyn Sql, object: &ObjectId) -> Result<(), StoreError> {
    let row = query_one(
        sql,
        "DELETE FROM object WHERE id = $1 RETURNING size",
        &[object.into()],
    )?;
    if let Some(size) = read_one(row, Row::unsigned)? {
        sql.submit(ONE_LESS, &[unsigned(size)?])?;
    }
    Ok(())
}

pub(crate) fn totals(sql: &mut dyn Sql) -> Result<ObjectTotals, StoreError> {
    let row = query_one(
        sql,
        "SELECT objects, bytes FROM object_total WHERE name = 'all'",
        &[],
    )?;
    let read = |row: &mut Row| {
        Ok(ObjectTotals {
            objects: row.unsigned()?,
            bytes: row.unsigned()?,
        })
    };
    read_one(row, read)?.ok_or_else(|| corrupt("the count of objects"))
}

pub(crate) fn is_doomed(sql: &mut dyn Sql, object: &ObjectId) -> Result<bool, StoreError> {
    let row = query_one(
        sql,
        "SELECT id FROM doomed_object WHERE id = $1",
        &[object.into()],
    )?;
    Ok(row.is_some())
}

pub(crate) fn list_doomed(sql: &mut dyn Sql, limit: u32) -> Result<Vec<DoomedObject>, StoreError> {
    let rows = sql.query(
        "SELECT id, last_segment FROM doomed_object ORDER BY id LIMIT $1",
        &[limit.into()],
    )?;
    read_all(rows, |row| {
        Ok(DoomedObject {
            object: row.object_id()?,
            last_segment: row.unsigned()?,
        })
    })
}

/// Doomed twice, an object has the higher of both last segments.
pub(crate) fn insert_doomed(sql: &mut dyn Sql, doomed: &DoomedObject) -> Result<(), StoreError> {
    sql.submit(
        "INSERT INTO doomed_object (id, last_segment) VALUES ($1, $2) \
         ON CONFLICT (id) DO UPDATE SET last_segment = excluded.last_segment \
         WHERE doomed_object.last_segment < excluded.last_segment",
        &[(&doomed.object).into(), unsigned(doomed.last_segment)?],
    )?;
    Ok(())
}

pub(crate) fn delete_doomed(sql: &mut dyn Sql, object: &ObjectId) -> Result<(), StoreError> {
    sql.submit("DELETE FROM doomed_object WHERE id = $1", &[object.into()])?;
    Ok(())
}
