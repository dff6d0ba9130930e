//! What images need: references count only while an image row with their image id exists.

use ecru_domain::{Digest, RepositoryId};
use ecru_ports::metadata::{ReferenceKind, ReferenceRecord, StoreError};

use super::read_all;
use crate::row::Row;
use crate::sql::{Parameter, Sql};

const INSERT: &str = "INSERT INTO image_reference \
    (image_id, target, kind, repository_id, media_type) VALUES ($1, $2, $3, $4, $5) \
    ON CONFLICT (image_id, target, kind) DO NOTHING";
/// Four at once: a round trip's worth of work less each (PostgreSQL answers every statement by itself).
const INSERT_FOUR: &str = "INSERT INTO image_reference \
    (image_id, target, kind, repository_id, media_type) VALUES ($1, $2, $3, $4, $5), \
    ($1, $6, $7, $4, $8), ($1, $9, $10, $4, $11), ($1, $12, $13, $4, $14) \
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
         AND image_reference.kind = $3 ORDER BY image_reference.image_id DESC LIMIT $4",
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
    let fours = references.chunks_exact(4);
    let rest = fours.remainder();
    for four in fours {
        sql.submit(INSERT_FOUR, &values(repository, image_id, four))?;
    }
    for one in rest.chunks(1) {
        sql.submit(INSERT, &values(repository, image_id, one))?;
    }
    Ok(())
}

/// Those of the image and the repository stand once, with the first reference.
fn values<'v>(
    repository: &'v RepositoryId,
    image_id: &'v str,
    references: &'v [ReferenceRecord],
) -> Vec<Parameter<'v>> {
    let mut values = vec![image_id.into()];
    for (place, reference) in references.iter().enumerate() {
        values.push((&reference.target).into());
        values.push(reference.kind.as_str().into());
        if place == 0 {
            values.push(repository.into());
        }
        values.push((&reference.media_type).into());
    }
    values
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
