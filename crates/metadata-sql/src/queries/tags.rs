//! Tags, and what images know of them: whether they have any, and how many.

use ecru_domain::{Digest, RepositoryId, Tag, Timestamp};
use ecru_ports::metadata::{StoreError, TagRecord};

use super::{read_all, read_one};
use crate::row::Row;
use crate::sql::{Sql, query_one};

const MOVE: &str = "INSERT INTO tag (repository_id, name, digest, moved_at) \
    VALUES ($1, $2, $3, $4) ON CONFLICT (repository_id, name) \
    DO UPDATE SET digest = excluded.digest, moved_at = excluded.moved_at";

const COUNT_MORE: &str = "UPDATE image SET is_tagged = 1, tag_count = tag_count + 1 \
    WHERE repository_id = $1 AND digest = $2";

const COUNT_LESS: &str = "UPDATE image SET tag_count = tag_count - 1, \
    is_tagged = CASE WHEN tag_count > 1 THEN 1 ELSE 0 END \
    WHERE repository_id = $1 AND digest = $2";

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

fn target(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    tag: &Tag,
) -> Result<Option<Digest>, StoreError> {
    let row = query_one(
        sql,
        "SELECT digest FROM tag WHERE repository_id = $1 AND name = $2",
        &[repository.into(), tag.as_str().into()],
    )?;
    read_one(row, Row::digest)
}

pub(crate) fn put(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    tag: &Tag,
    digest: &Digest,
    now: Timestamp,
) -> Result<Option<Digest>, StoreError> {
    let before = target(sql, repository, tag)?;
    if before.as_ref() == Some(digest) {
        return Ok(before);
    }
    let moved = vec![
        repository.into(),
        tag.as_str().into(),
        digest.into(),
        now.into(),
    ];
    let mut statements = vec![
        (MOVE, moved),
        (COUNT_MORE, vec![repository.into(), digest.into()]),
    ];
    if let Some(digest) = &before {
        statements.push((COUNT_LESS, vec![repository.into(), digest.into()]));
    }
    sql.execute_each(&statements)?;
    Ok(before)
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
    sql.execute(COUNT_LESS, &[repository.into(), (&digest).into()])?;
    Ok(true)
}
