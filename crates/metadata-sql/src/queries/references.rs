//! What images need: references count only while an image row with their image id exists.

use ecru_domain::{Digest, RepositoryId};
use ecru_ports::metadata::{ReferenceKind, ReferenceRecord, StoreError};

use super::read_all;
use crate::row::Row;
use crate::sql::Sql;

const INSERT: &str = "INSERT INTO image_reference \
    (image_id, target, kind, repository_id, media_type) VALUES ($1, $2, $3, $4, $5) \
    ON CONFLICT (image_id, target, kind) DO NOTHING";
const DELETE: &str = "DELETE FROM image_reference WHERE image_id = $1 AND target = $2";

fn parse_kind(text: &str) -> Option<ReferenceKind> {
    [ReferenceKind::Layer, ReferenceKind::Manifest]
        .into_iter()
        .find(|kind| kind.as_str() == text)
}

pub(crate) fn referring_images(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    target: &Digest,
    kind: ReferenceKind,
    limit: u32,
) -> Result<Vec<Digest>, StoreError> {
    let rows = sql.query(
        "SELECT image.digest FROM image_reference \
         JOIN image ON image.id = image_reference.image_id \
         WHERE image_reference.repository_id = $1 AND image_reference.target = $2 \
         AND image_reference.kind = $3 ORDER BY image_reference.image_id LIMIT $4",
        &[
            repository.into(),
            target.into(),
            kind.as_str().into(),
            limit.into(),
        ],
    )?;
    read_all(rows, Row::digest)
}

pub(crate) fn of_image(
    sql: &mut dyn Sql,
    image_id: &str,
    limit: u32,
) -> Result<Vec<ReferenceRecord>, StoreError> {
    let rows = sql.query(
        "SELECT target, kind, media_type FROM image_reference WHERE image_id = $1 \
         ORDER BY target, kind LIMIT $2",
        &[image_id.into(), limit.into()],
    )?;
    read_all(rows, |row| {
        Ok(ReferenceRecord {
            target: row.digest()?,
            kind: row.parsed("a kind of reference", parse_kind)?,
            media_type: row.text()?,
        })
    })
}

pub(crate) fn insert(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    image_id: &str,
    references: &[ReferenceRecord],
) -> Result<(), StoreError> {
    for reference in references {
        let values = [
            image_id.into(),
            (&reference.target).into(),
            reference.kind.as_str().into(),
            repository.into(),
            (&reference.media_type).into(),
        ];
        sql.submit(INSERT, &values)?;
    }
    Ok(())
}

pub(crate) fn delete(
    sql: &mut dyn Sql,
    image_id: &str,
    targets: &[Digest],
) -> Result<(), StoreError> {
    for target in targets {
        sql.submit(DELETE, &[image_id.into(), target.into()])?;
    }
    Ok(())
}
