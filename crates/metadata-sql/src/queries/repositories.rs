//! Repositories, how many a registry has, and their resource tags.

use ecru_domain::mutability::{MutabilityMode, TagMutability};
use ecru_domain::repository::Repository;
use ecru_domain::{Encryption, EncryptionType, Registry, RepositoryId, RepositoryName};
use ecru_ports::metadata::StoreError;

use super::{read_all, read_one};
use crate::row::{Row, corrupt};
use crate::sql::{Parameter, Sql, query_one};

macro_rules! repository_columns {
    () => {
        "repository.id, repository.account, repository.region, repository.name, \
         repository.created_at, repository.mutability, repository.mutability_filters, \
         repository.scan_on_push, repository.encryption, repository.key_id, repository.version, \
         repository.latest_was_set"
    };
}
pub(super) use repository_columns;

pub(super) fn read_repository(row: &mut Row) -> Result<Repository, StoreError> {
    Ok(Repository {
        id: row.repository_id()?,
        registry: row.registry()?,
        name: row.parsed("a repository name", |text| RepositoryName::parse(text).ok())?,
        created_at: row.time()?,
        mutability: read_mutability(row)?,
        scan_on_push: row.flag()?,
        encryption: Encryption {
            kind: row.parsed("an encryption type", EncryptionType::parse)?,
            key_id: row.text()?,
        },
        version: row.integer()?,
        latest_was_set: row.flag()?,
    })
}

fn read_mutability(row: &mut Row) -> Result<TagMutability, StoreError> {
    let mode = row.parsed("a mutability mode", MutabilityMode::parse)?;
    let filters = row.text()?.lines().map(str::to_owned).collect();
    TagMutability::new(mode, filters).map_err(|_| corrupt("mutability filters"))
}

fn filters_text(mutability: &TagMutability) -> String {
    mutability.filters().join("\n")
}

pub(crate) fn find_by_name(
    sql: &mut dyn Sql,
    registry: &Registry,
    name: &RepositoryName,
) -> Result<Option<Repository>, StoreError> {
    let row = query_one(
        sql,
        concat!(
            "SELECT ",
            repository_columns!(),
            " FROM repository WHERE account = $1 AND region = $2 AND name = $3"
        ),
        &[
            registry.account.as_str().into(),
            registry.region.as_str().into(),
            name.as_str().into(),
        ],
    )?;
    read_one(row, read_repository)
}

pub(crate) fn find_by_id(
    sql: &mut dyn Sql,
    id: &RepositoryId,
) -> Result<Option<Repository>, StoreError> {
    let row = query_one(
        sql,
        concat!(
            "SELECT ",
            repository_columns!(),
            " FROM repository WHERE id = $1"
        ),
        &[id.into()],
    )?;
    read_one(row, read_repository)
}

pub(crate) fn list(
    sql: &mut dyn Sql,
    registry: &Registry,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<Repository>, StoreError> {
    let rows = sql.query(
        concat!(
            "SELECT ",
            repository_columns!(),
            " FROM repository WHERE account = $1 AND region = $2 AND name > $3 \
             ORDER BY name LIMIT $4"
        ),
        &[
            registry.account.as_str().into(),
            registry.region.as_str().into(),
            after.unwrap_or_default().into(),
            limit.into(),
        ],
    )?;
    read_all(rows, read_repository)
}

pub(crate) fn list_all(
    sql: &mut dyn Sql,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<Repository>, StoreError> {
    let rows = sql.query(
        concat!(
            "SELECT ",
            repository_columns!(),
            " FROM repository WHERE id > $1 ORDER BY id LIMIT $2"
        ),
        &[after.unwrap_or_default().into(), limit.into()],
    )?;
    read_all(rows, read_repository)
}

pub(crate) fn count(sql: &mut dyn Sql, registry: &Registry) -> Result<u64, StoreError> {
    let row = query_one(
        sql,
        "SELECT repositories FROM registry WHERE account = $1 AND region = $2",
        &[
            registry.account.as_str().into(),
            registry.region.as_str().into(),
        ],
    )?;
    read_one(row, Row::unsigned).map(Option::unwrap_or_default)
}

pub(crate) fn insert(sql: &mut dyn Sql, repository: &Repository) -> Result<bool, StoreError> {
    let account = Parameter::from(repository.registry.account.as_str());
    let region = Parameter::from(repository.registry.region.as_str());
    let filters = filters_text(&repository.mutability);
    let inserted = sql.execute(
        "INSERT INTO repository (account, region, name, id, created_at, mutability, \
         mutability_filters, scan_on_push, encryption, key_id, version, latest_was_set) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT (account, region, name) DO NOTHING",
        &[
            account.clone(),
            region.clone(),
            repository.name.as_str().into(),
            (&repository.id).into(),
            repository.created_at.into(),
            repository.mutability.mode().as_str().into(),
            (&filters).into(),
            repository.scan_on_push.into(),
            repository.encryption.kind.as_str().into(),
            (&repository.encryption.key_id).into(),
            repository.version.into(),
            repository.latest_was_set.into(),
        ],
    )?;
    if inserted == 0 {
        return Ok(false);
    }
    sql.submit(
        "INSERT INTO registry (account, region, repositories) VALUES ($1, $2, 1) \
         ON CONFLICT (account, region) DO UPDATE SET repositories = registry.repositories + 1",
        &[account, region],
    )?;
    Ok(true)
}

const CHANGE: &str = concat!(
    "UPDATE repository SET version = version + 1 WHERE id = $1 RETURNING ",
    repository_columns!()
);

pub(crate) fn change(
    sql: &mut dyn Sql,
    id: &RepositoryId,
) -> Result<Option<Repository>, StoreError> {
    let row = query_one(sql, CHANGE, &[id.into()])?;
    read_one(row, read_repository)
}

pub(crate) fn set_mutability(
    sql: &mut dyn Sql,
    id: &RepositoryId,
    mutability: &TagMutability,
) -> Result<(), StoreError> {
    let filters = filters_text(mutability);
    sql.submit(
        "UPDATE repository SET mutability = $1, mutability_filters = $2 WHERE id = $3",
        &[
            mutability.mode().as_str().into(),
            (&filters).into(),
            id.into(),
        ],
    )?;
    Ok(())
}

pub(crate) fn set_scan_on_push(
    sql: &mut dyn Sql,
    id: &RepositoryId,
    scan_on_push: bool,
) -> Result<(), StoreError> {
    sql.submit(
        "UPDATE repository SET scan_on_push = $1 WHERE id = $2",
        &[scan_on_push.into(), id.into()],
    )?;
    Ok(())
}

pub(crate) fn set_latest_was_set(sql: &mut dyn Sql, id: &RepositoryId) -> Result<(), StoreError> {
    sql.submit(
        "UPDATE repository SET latest_was_set = 1 WHERE id = $1",
        &[id.into()],
    )?;
    Ok(())
}

pub(crate) fn delete(sql: &mut dyn Sql, id: &RepositoryId) -> Result<bool, StoreError> {
    let row = query_one(
        sql,
        "DELETE FROM repository WHERE id = $1 RETURNING account, region",
        &[id.into()],
    )?;
    let Some(registry) = read_one(row, Row::registry)? else {
        return Ok(false);
    };
    set_policy(sql, id, None)?;
    sql.submit(
        "UPDATE registry SET repositories = repositories - 1 WHERE account = $1 AND region = $2",
        &[
            registry.account.as_str().into(),
            registry.region.as_str().into(),
        ],
    )?;
    Ok(true)
}

/// What a deleted repository leaves, table by table.
const DRAINS: [&str; 5] = [
    "DELETE FROM tag WHERE repository_id = $1 AND name IN \
     (SELECT name FROM tag WHERE repository_id = $1 ORDER BY name LIMIT $2)",
    "DELETE FROM image WHERE repository_id = $1 AND digest IN \
     (SELECT digest FROM image WHERE repository_id = $1 ORDER BY digest LIMIT $2)",
    "DELETE FROM manifest WHERE repository_id = $1 AND digest IN \
     (SELECT digest FROM manifest WHERE repository_id = $1 ORDER BY digest LIMIT $2)",
    "DELETE FROM image_reference WHERE (image_id, target, kind) IN \
     (SELECT image_id, target, kind FROM image_reference WHERE repository_id = $1 LIMIT $2)",
    "DELETE FROM resource_tag WHERE repository_id = $1 AND tag_key IN \
     (SELECT tag_key FROM resource_tag WHERE repository_id = $1 ORDER BY tag_key LIMIT $2)",
];

pub(crate) fn drain(sql: &mut dyn Sql, id: &RepositoryId, limit: u32) -> Result<u64, StoreError> {
    let mut removed = 0;
    for statement in DRAINS {
        let left = i64::from(limit) - i64::try_from(removed).unwrap_or(i64::MAX);
        if left <= 0 {
            break;
        }
        removed += sql.execute(statement, &[id.into(), left.into()])?;
    }
    Ok(removed)
}

pub(crate) fn resource_tags(
    sql: &mut dyn Sql,
    id: &RepositoryId,
) -> Result<Vec<(String, String)>, StoreError> {
    let rows = sql.query(
        "SELECT tag_key, tag_value FROM resource_tag WHERE repository_id = $1 ORDER BY tag_key",
        &[id.into()],
    )?;
    read_all(rows, |row| Ok((row.text()?, row.text()?)))
}

pub(crate) fn policy(sql: &mut dyn Sql, id: &RepositoryId) -> Result<Option<String>, StoreError> {
    let row = query_one(
        sql,
        "SELECT document FROM repository_policy WHERE repository_id = $1",
        &[id.into()],
    )?;
    read_one(row, Row::text)
}

pub(crate) fn set_policy(
    sql: &mut dyn Sql,
    id: &RepositoryId,
    policy: Option<&str>,
) -> Result<(), StoreError> {
    match policy {
        Some(document) => sql.submit(
            "INSERT INTO repository_policy (repository_id, document) VALUES ($1, $2) \
             ON CONFLICT (repository_id) DO UPDATE SET document = excluded.document",
            &[id.into(), document.into()],
        ),
        None => sql.submit(
            "DELETE FROM repository_policy WHERE repository_id = $1",
            &[id.into()],
        ),
    }
}

pub(crate) fn put_resource_tag(
    sql: &mut dyn Sql,
    id: &RepositoryId,
    key: &str,
    value: &str,
) -> Result<(), StoreError> {
    sql.submit(
        "INSERT INTO resource_tag (repository_id, tag_key, tag_value) VALUES ($1, $2, $3) \
         ON CONFLICT (repository_id, tag_key) DO UPDATE SET tag_value = excluded.tag_value",
        &[id.into(), key.into(), value.into()],
    )?;
    Ok(())
}

pub(crate) fn delete_resource_tag(
    sql: &mut dyn Sql,
    id: &RepositoryId,
    key: &str,
) -> Result<(), StoreError> {
    sql.submit(
        "DELETE FROM resource_tag WHERE repository_id = $1 AND tag_key = $2",
        &[id.into(), key.into()],
    )?;
    Ok(())
}
