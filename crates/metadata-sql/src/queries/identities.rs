//! Accounts, users, roles, policies and what joins them.

use ecru_domain::{AccountId, Timestamp};
use ecru_ports::metadata::{
    DocumentKind, EntityKind, EntityList, EntityRecord, LinkKind, NamedDocument, StoreError,
};

use super::{read_all, read_one};
use crate::row::Row;
use crate::sql::{Sql, query_one};

macro_rules! entity_columns {
    () => {
        "account, kind, entity_key, id, path, document, created_at"
    };
}

/// Sorts behind everything that begins like the text before it.
const BEHIND: char = char::MAX;

fn read_entity(row: &mut Row) -> Result<EntityRecord, StoreError> {
    Ok(EntityRecord {
        account: row.account()?,
        kind: row.parsed("a kind of entity", EntityKind::parse)?,
        key: row.text()?,
        id: row.text()?,
        path: row.text()?,
        document: row.text()?,
        created_at: row.time()?,
    })
}

pub(crate) fn find(
    sql: &mut dyn Sql,
    account: &AccountId,
    kind: EntityKind,
    key: &str,
) -> Result<Option<EntityRecord>, StoreError> {
    let row = query_one(
        sql,
        concat!(
            "SELECT ",
            entity_columns!(),
            " FROM entity WHERE account = $1 AND kind = $2 AND entity_key = $3"
        ),
        &[account.as_str().into(), kind.as_str().into(), key.into()],
    )?;
    read_one(row, read_entity)
}

pub(crate) fn find_by_id(sql: &mut dyn Sql, id: &str) -> Result<Option<EntityRecord>, StoreError> {
    let row = query_one(
        sql,
        concat!("SELECT ", entity_columns!(), " FROM entity WHERE id = $1"),
        &[id.into()],
    )?;
    read_one(row, read_entity)
}

pub(crate) fn list(
    sql: &mut dyn Sql,
    list: EntityList<'_>,
) -> Result<Vec<EntityRecord>, StoreError> {
    let (path, key) = list
        .after
        .map_or(("", ""), |after| (after.path.as_str(), after.key.as_str()));
    let end = format!("{}{BEHIND}", list.path_prefix);
    let rows = sql.query(
        concat!(
            "SELECT ",
            entity_columns!(),
            " FROM entity WHERE account = $1 AND kind = $2 AND path >= $3 AND path < $4 \
             AND (path, entity_key) > ($5, $6) ORDER BY path, entity_key LIMIT $7"
        ),
        &[
            list.account.as_str().into(),
            list.kind.as_str().into(),
            list.path_prefix.into(),
            (&end).into(),
            path.into(),
            key.into(),
            list.limit.into(),
        ],
    )?;
    read_all(rows, read_entity)
}

pub(crate) fn count(
    sql: &mut dyn Sql,
    account: &AccountId,
    kind: EntityKind,
) -> Result<u64, StoreError> {
    let row = query_one(
        sql,
        "SELECT entities FROM entity_count WHERE account = $1 AND kind = $2",
        &[account.as_str().into(), kind.as_str().into()],
    )?;
    Ok(read_one(row, Row::unsigned::<u64>)?.unwrap_or(0))
}

pub(crate) fn insert(sql: &mut dyn Sql, entity: &EntityRecord) -> Result<bool, StoreError> {
    let inserted = sql.execute(
        "INSERT INTO entity (account, kind, entity_key, id, path, document, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        &[
            entity.account.as_str().into(),
            entity.kind.as_str().into(),
            (&entity.key).into(),
            (&entity.id).into(),
            (&entity.path).into(),
            (&entity.document).into(),
            entity.created_at.into(),
        ],
    )?;
    if inserted == 0 {
        return Ok(false);
    }
    sql.submit(
        "INSERT INTO entity_count (account, kind, entities) VALUES ($1, $2, 1) \
         ON CONFLICT (account, kind) DO UPDATE SET entities = entity_count.entities + 1",
        &[entity.account.as_str().into(), entity.kind.as_str().into()],
    )?;
    Ok(true)
}

/// Looks for the key first: no engine goes on after a statement that breaks a constraint.
pub(crate) fn update(sql: &mut dyn Sql, entity: &EntityRecord) -> Result<bool, StoreError> {
    let holder = find(sql, &entity.account, entity.kind, &entity.key)?;
    if holder.is_some_and(|holder| holder.id != entity.id) {
        return Ok(false);
    }
    sql.submit(
        "UPDATE entity SET entity_key = $1, path = $2, document = $3 WHERE id = $4",
        &[
            (&entity.key).into(),
            (&entity.path).into(),
            (&entity.document).into(),
            (&entity.id).into(),
        ],
    )?;
    Ok(true)
}

pub(crate) fn delete(sql: &mut dyn Sql, id: &str) -> Result<bool, StoreError> {
    let Some(entity) = find_by_id(sql, id)? else {
        return Ok(false);
    };
    sql.submit("DELETE FROM entity WHERE id = $1", &[id.into()])?;
    sql.submit(
        "UPDATE entity_count SET entities = entities - 1 WHERE account = $1 AND kind = $2",
        &[entity.account.as_str().into(), entity.kind.as_str().into()],
    )?;
    Ok(true)
}

pub(crate) fn document(
    sql: &mut dyn Sql,
    id: &str,
    kind: DocumentKind,
    name: &str,
) -> Result<Option<String>, StoreError> {
    let row = query_one(
        sql,
        "SELECT document FROM entity_document WHERE entity_id = $1 AND kind = $2 AND name = $3",
        &[id.into(), kind.as_str().into(), name.into()],
    )?;
    read_one(row, Row::text)
}

pub(crate) fn documents(
    sql: &mut dyn Sql,
    id: &str,
    kind: DocumentKind,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<NamedDocument>, StoreError> {
    let rows = sql.query(
        "SELECT name, document FROM entity_document WHERE entity_id = $1 AND kind = $2 AND name > $3 \
         ORDER BY name LIMIT $4",
        &[
            id.into(),
            kind.as_str().into(),
            after.unwrap_or_default().into(),
            limit.into(),
        ],
    )?;
    read_all(rows, |row| {
        Ok(NamedDocument {
            name: row.text()?,
            document: row.text()?,
        })
    })
}

pub(crate) fn put_document(
    sql: &mut dyn Sql,
    id: &str,
    kind: DocumentKind,
    document: &NamedDocument,
) -> Result<(), StoreError> {
    sql.submit(
        "INSERT INTO entity_document (entity_id, kind, name, document) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (entity_id, kind, name) DO UPDATE SET document = excluded.document",
        &[
            id.into(),
            kind.as_str().into(),
            (&document.name).into(),
            (&document.document).into(),
        ],
    )
}

pub(crate) fn delete_document(
    sql: &mut dyn Sql,
    id: &str,
    kind: DocumentKind,
    name: &str,
) -> Result<bool, StoreError> {
    let deleted = sql.execute(
        "DELETE FROM entity_document WHERE entity_id = $1 AND kind = $2 AND name = $3",
        &[id.into(), kind.as_str().into(), name.into()],
    )?;
    Ok(deleted > 0)
}

pub(crate) fn links_from(
    sql: &mut dyn Sql,
    source: &str,
    kind: LinkKind,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<String>, StoreError> {
    let rows = sql.query(
        "SELECT target FROM entity_link WHERE source = $1 AND kind = $2 AND target > $3 \
         ORDER BY target LIMIT $4",
        &[
            source.into(),
            kind.as_str().into(),
            after.unwrap_or_default().into(),
            limit.into(),
        ],
    )?;
    read_all(rows, Row::text)
}

pub(crate) fn links_to(
    sql: &mut dyn Sql,
    target: &str,
    kind: LinkKind,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<String>, StoreError> {
    let rows = sql.query(
        "SELECT source FROM entity_link WHERE target = $1 AND kind = $2 AND source > $3 \
         ORDER BY source LIMIT $4",
        &[
            target.into(),
            kind.as_str().into(),
            after.unwrap_or_default().into(),
            limit.into(),
        ],
    )?;
    read_all(rows, Row::text)
}

pub(crate) fn count_links_to(
    sql: &mut dyn Sql,
    target: &str,
    kind: LinkKind,
) -> Result<u64, StoreError> {
    let row = query_one(
        sql,
        "SELECT links FROM entity_link_count WHERE target = $1 AND kind = $2",
        &[target.into(), kind.as_str().into()],
    )?;
    Ok(read_one(row, Row::unsigned::<u64>)?.unwrap_or(0))
}

pub(crate) fn insert_link(
    sql: &mut dyn Sql,
    source: &str,
    kind: LinkKind,
    target: &str,
) -> Result<bool, StoreError> {
    let inserted = sql.execute(
        "INSERT INTO entity_link (source, kind, target) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        &[source.into(), kind.as_str().into(), target.into()],
    )?;
    if inserted == 0 {
        return Ok(false);
    }
    sql.submit(
        "INSERT INTO entity_link_count (target, kind, links) VALUES ($1, $2, 1) \
         ON CONFLICT (target, kind) DO UPDATE SET links = entity_link_count.links + 1",
        &[target.into(), kind.as_str().into()],
    )?;
    Ok(true)
}

pub(crate) fn delete_link(
    sql: &mut dyn Sql,
    source: &str,
    kind: LinkKind,
    target: &str,
) -> Result<bool, StoreError> {
    let deleted = sql.execute(
        "DELETE FROM entity_link WHERE source = $1 AND kind = $2 AND target = $3",
        &[source.into(), kind.as_str().into(), target.into()],
    )?;
    if deleted == 0 {
        return Ok(false);
    }
    let values = [target.into(), kind.as_str().into()];
    sql.submit(
        "UPDATE entity_link_count SET links = links - 1 WHERE target = $1 AND kind = $2",
        &values,
    )?;
    sql.submit(
        "DELETE FROM entity_link_count WHERE target = $1 AND kind = $2 AND links = 0",
        &values,
    )?;
    Ok(true)
}

pub(crate) fn version(sql: &mut dyn Sql, account: &AccountId) -> Result<u64, StoreError> {
    let row = query_one(
        sql,
        "SELECT version FROM identity_version WHERE account = $1",
        &[account.as_str().into()],
    )?;
    Ok(read_one(row, Row::unsigned::<u64>)?.unwrap_or(0))
}

pub(crate) fn raise_version(sql: &mut dyn Sql, account: &AccountId) -> Result<(), StoreError> {
    sql.submit(
        "INSERT INTO identity_version (account, version) VALUES ($1, 1) \
         ON CONFLICT (account) DO UPDATE SET version = identity_version.version + 1",
        &[account.as_str().into()],
    )
}

pub(crate) fn session_context(sql: &mut dyn Sql, hash: &str) -> Result<Option<String>, StoreError> {
    let row = query_one(
        sql,
        "SELECT document FROM session_context WHERE hash = $1",
        &[hash.into()],
    )?;
    read_one(row, Row::text)
}

pub(crate) fn put_session_context(
    sql: &mut dyn Sql,
    hash: &str,
    document: &str,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    sql.submit(
        "INSERT INTO session_context (hash, document, expires_at) VALUES ($1, $2, $3) \
         ON CONFLICT (hash) DO UPDATE SET expires_at = excluded.expires_at \
         WHERE session_context.expires_at < excluded.expires_at",
        &[hash.into(), document.into(), expires_at.into()],
    )
}

pub(crate) fn delete_expired_session_contexts(
    sql: &mut dyn Sql,
    now: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    sql.execute(
        "DELETE FROM session_context WHERE hash IN (SELECT hash FROM session_context \
         WHERE expires_at < $1 ORDER BY expires_at, hash LIMIT $2)",
        &[now.into(), limit.into()],
    )
}
