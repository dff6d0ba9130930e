//! Settings of registries, and facts about the whole store.

use ecru_domain::Registry;
use ecru_ports::metadata::StoreError;

use super::read_one;
use crate::row::Row;
use crate::sql::{Sql, query_one};

pub(crate) fn find(
    sql: &mut dyn Sql,
    registry: &Registry,
    name: &str,
) -> Result<Option<String>, StoreError> {
    let row = query_one(
        sql,
        "SELECT value FROM registry_setting WHERE account = $1 AND region = $2 AND name = $3",
        &[
            registry.account.as_str().into(),
            registry.region.as_str().into(),
            name.into(),
        ],
    )?;
    read_one(row, Row::text)
}

pub(crate) fn put(
    sql: &mut dyn Sql,
    registry: &Registry,
    name: &str,
    value: &str,
) -> Result<(), StoreError> {
    sql.submit(
        "INSERT INTO registry_setting (account, region, name, value) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (account, region, name) DO UPDATE SET value = excluded.value",
        &[
            registry.account.as_str().into(),
            registry.region.as_str().into(),
            name.into(),
            value.into(),
        ],
    )?;
    Ok(())
}

pub(crate) fn delete(
    sql: &mut dyn Sql,
    registry: &Registry,
    name: &str,
) -> Result<bool, StoreError> {
    let deleted = sql.execute(
        "DELETE FROM registry_setting WHERE account = $1 AND region = $2 AND name = $3",
        &[
            registry.account.as_str().into(),
            registry.region.as_str().into(),
            name.into(),
        ],
    )?;
    Ok(deleted > 0)
}

pub(crate) fn find_fact(sql: &mut dyn Sql, name: &str) -> Result<Option<String>, StoreError> {
    let row = query_one(
        sql,
        "SELECT value FROM store_fact WHERE name = $1",
        &[name.into()],
    )?;
    read_one(row, Row::text)
}

pub(crate) fn put_fact(sql: &mut dyn Sql, name: &str, value: &str) -> Result<(), StoreError> {
    sql.submit(
        "INSERT INTO store_fact (name, value) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        &[name.into(), value.into()],
    )?;
    Ok(())
}

/// Counts a change to repositories, keys, identities or settings: what was read of them before holds no longer.
pub(crate) fn count_structure(sql: &mut dyn Sql) -> Result<(), StoreError> {
    sql.restructure();
    sql.submit(
        "INSERT INTO store_fact (name, value) VALUES ('structure', '1') ON CONFLICT (name) \
         DO UPDATE SET value = CAST(CAST(store_fact.value AS BIGINT) + 1 AS TEXT)",
        &[],
    )?;
    Ok(())
}
