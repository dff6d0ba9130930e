//! Tags, and what images know of them: whether they have any, and how many.

use ecru_domain::{Digest, RepositoryId, Tag, Timestamp};
use ecru_ports::metadata::{StoreError, TagRecord};

use super::{read_all, read_one};
use crate::row::Row;
use crate::sql::{Parameter, Sql, query_one};

const MOVE: &str = "INSERT INTO tag (repository_id, name, digest, moved_at) \
    VALUES ($1, $2, $3, $4) ON CONFLICT (repository_id, name) \
    DO UPDATE SET digest = excluded.digest, moved_at = excluded.moved_at \
    WHERE tag.digest <> excluded.digest";

/// An image has a tag less. One image at a time, by its whole key: asked for two, PostgreSQL may walk all images of the
/// repository.
macro_rules! count_less {
    ($digest:literal) => {
        concat!(
            "UPDATE image SET tag_count = tag_count - 1, \
             is_tagged = CASE WHEN tag_count > 1 THEN 1 ELSE 0 END \
             WHERE repository_id = $1 AND digest = ",
            $digest
        )
    };
}

const COUNT_LESS: &str = count_less!("$2");

/// Before a tag moves to another image: the one that has it now.
const COUNT_LEFT: &str =
    count_less!("(SELECT digest FROM tag WHERE repository_id = $1 AND name = $2 AND digest <> $3)");

/// Before a tag moves to an image: that has one more, unless it has it already.
const COUNT_GAINED: &str = "UPDATE image SET tag_count = tag_count + 1, is_tagged = 1 \
    WHERE repository_id = $1 AND digest = $2 AND NOT EXISTS \
    (SELECT name FROM tag WHERE repository_id = $1 AND name = $3 AND digest = $2)";

fn read_tag(row: &mut Row) -> Result<TagRecord, StoreError> {
    Ok(TagRecord {
        name: row.tag()?,
        digest: row.digest()?,
    })
}

pub(crate) fn of_image(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    digest: &Digest,
    limit: u32,
) -> Result<Vec<Tag>, StoreError> {
    let rows = sql.query(
        "SELECT name FROM tag WHERE repository_id = $1 AND digest = $2 ORDER BY name LIMIT $3",
        &[repository.into(), digest.into(), limit.into()],
    )?;
    read_all(rows, Row::tag)
}

pub(crate) fn count_of_image(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    digest: &Digest,
) -> Result<usize, StoreError> {
    let row = query_one(
        sql,
        "SELECT tag_count FROM image WHERE repository_id = $1 AND digest = $2",
        &[repository.into(), digest.into()],
    )?;
    read_one(row, Row::unsigned).map(Option::unwrap_or_default)
}

pub(crate) fn between(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    first: &Digest,
    last: &Digest,
    limit: u32,
) -> Result<Vec<TagRecord>, StoreError> {
    let rows = sql.query(
        "SELECT name, digest FROM tag WHERE repository_id = $1 AND digest >= $2 \
         AND digest <= $3 ORDER BY digest, name LIMIT $4",
        &[repository.into(), first.into(), last.into(), limit.into()],
    )?;
    read_all(rows, read_tag)
}

pub(crate) fn list(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<TagRecord>, StoreError> {
    let rows = sql.query(
        "SELECT name, digest FROM tag WHERE repository_id = $1 AND name > $2 \
         ORDER BY name LIMIT $3",
        &[
            repository.into(),
            after.unwrap_or_default().into(),
            limit.into(),
        ],
    )?;
    read_all(rows, read_tag)
}

pub(crate) fn put(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    tag: &Tag,
    digest: &Digest,
    now: Timestamp,
) -> Result<(), StoreError> {
    let name = Parameter::from(tag.as_str());
    sql.submit(
        COUNT_LEFT,
        &[repository.into(), name.clone(), digest.into()],
    )?;
    sql.submit(
        COUNT_GAINED,
        &[repository.into(), digest.into(), name.clone()],
    )?;
    sql.submit(MOVE, &[repository.into(), name, digest.into(), now.into()])
}

/// Points a tag to an image whose row counts it already. `before` is the image that has it.
pub(crate) fn place(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    (tag, before): (&Tag, Option<&Digest>),
    digest: &Digest,
    now: Timestamp,
) -> Result<(), StoreError> {
    if let Some(before) = before {
        sql.submit(COUNT_LESS, &[repository.into(), before.into()])?;
    }
    let name = Parameter::from(tag.as_str());
    sql.submit(MOVE, &[repository.into(), name, digest.into(), now.into()])
}

pub(crate) fn delete(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    tag: &Tag,
) -> Result<bool, StoreError> {
    let row = query_one(
        sql,
        "DELETE FROM tag WHERE repository_id = $1 AND name = $2 RETURNING digest",
        &[repository.into(), tag.as_str().into()],
    )?;
    let Some(digest) = read_one(row, Row::digest)? else {
        return Ok(false);
    };
    sql.submit(COUNT_LESS, &[repository.into(), (&digest).into()])?;
    Ok(true)
}
