//! Keys: those that wrap data keys, the server's own, and access keys.

use ecru_domain::{Registry, Timestamp};
use ecru_ports::metadata::{
    AccessKeyRecord, KeyOrigin, KeyRecord, LastUse, ServerKeyRecord, StoreError,
};

use super::{read_all, read_one};
use crate::row::Row;
use crate::sql::{Sql, query_one};

macro_rules! key_columns {
    () => {
        "id, account, region, origin, enabled, version, created_at"
    };
}

macro_rules! access_key_columns {
    () => {
        "id, account, principal_arn, principal_unique_id, sealed_secret, active, created_at"
    };
}

fn read_key(row: &mut Row) -> Result<KeyRecord, StoreError> {
    Ok(KeyRecord {
        id: row.text()?,
        registry: row.registry()?,
        origin: row.parsed("an origin of a key", KeyOrigin::parse)?,
        enabled: row.flag()?,
        version: row.unsigned::<u32>()?,
        created_at: row.time()?,
    })
}

fn read_access_key(row: &mut Row) -> Result<AccessKeyRecord, StoreError> {
    Ok(AccessKeyRecord {
        id: row.text()?,
        account: row.account()?,
        principal_arn: row.text()?,
        principal_unique_id: row.text()?,
        sealed_secret: row.bytes()?,
        active: row.flag()?,
        created_at: row.time()?,
    })
}

pub(crate) fn find(sql: &mut dyn Sql, id: &str) -> Result<Option<KeyRecord>, StoreError> {
    let row = query_one(
        sql,
        concat!("SELECT ", key_columns!(), " FROM kms_key WHERE id = $1"),
        &[id.into()],
    )?;
    read_one(row, read_key)
}

pub(crate) fn find_of_origin(
    sql: &mut dyn Sql,
    registry: &Registry,
    origin: KeyOrigin,
) -> Result<Option<KeyRecord>, StoreError> {
    let row = query_one(
        sql,
        concat!(
            "SELECT ",
            key_columns!(),
            " FROM kms_key WHERE account = $1 AND region = $2 AND origin = $3 \
             AND origin <> 'CUSTOMER'"
        ),
        &[
            registry.account.as_str().into(),
            registry.region.as_str().into(),
            origin.as_str().into(),
        ],
    )?;
    read_one(row, read_key)
}

pub(crate) fn material(
    sql: &mut dyn Sql,
    id: &str,
    version: u32,
) -> Result<Option<Vec<u8>>, StoreError> {
    let row = query_one(
        sql,
        "SELECT sealed_material FROM kms_key_version WHERE key_id = $1 AND version = $2",
        &[id.into(), version.into()],
    )?;
    read_one(row, Row::bytes)
}

pub(crate) fn insert(
    sql: &mut dyn Sql,
    key: &KeyRecord,
    sealed_material: &[u8],
) -> Result<bool, StoreError> {
    let inserted = sql.execute(
        "INSERT INTO kms_key (id, account, region, origin, enabled, version, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        &[
            (&key.id).into(),
            key.registry.account.as_str().into(),
            key.registry.region.as_str().into(),
            key.origin.as_str().into(),
            key.enabled.into(),
            key.version.into(),
            key.created_at.into(),
        ],
    )?;
    if inserted == 0 {
        return Ok(false);
    }
    sql.submit(
        "INSERT INTO kms_key_version (key_id, version, sealed_material) VALUES ($1, $2, $3)",
        &[(&key.id).into(), key.version.into(), sealed_material.into()],
    )?;
    Ok(true)
}

pub(crate) fn server_keys(sql: &mut dyn Sql) -> Result<Vec<ServerKeyRecord>, StoreError> {
    let rows = sql.query(
        "SELECT id, sealed, created_at, retires_at FROM server_key \
         ORDER BY created_at DESC, id DESC",
        &[],
    )?;
    read_all(rows, |row| {
        Ok(ServerKeyRecord {
            id: row.text()?,
            sealed: row.bytes()?,
            created_at: row.time()?,
            retires_at: row.optional_time()?,
        })
    })
}

pub(crate) fn insert_server_key(
    sql: &mut dyn Sql,
    key: &ServerKeyRecord,
) -> Result<(), StoreError> {
    sql.submit(
        "INSERT INTO server_key (id, sealed, created_at, retires_at) VALUES ($1, $2, $3, $4)",
        &[
            (&key.id).into(),
            key.sealed.as_slice().into(),
            key.created_at.into(),
            key.retires_at.into(),
        ],
    )?;
    Ok(())
}

pub(crate) fn retire_server_key(
    sql: &mut dyn Sql,
    id: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    sql.submit(
        "UPDATE server_key SET retires_at = $1 WHERE id = $2",
        &[at.into(), id.into()],
    )?;
    Ok(())
}

pub(crate) fn delete_retired_server_keys(
    sql: &mut dyn Sql,
    now: Timestamp,
) -> Result<(), StoreError> {
    sql.submit(
        "DELETE FROM server_key WHERE retires_at < $1",
        &[now.into()],
    )?;
    Ok(())
}

pub(crate) fn find_access_key(
    sql: &mut dyn Sql,
    id: &str,
) -> Result<Option<AccessKeyRecord>, StoreError> {
    let row = query_one(
        sql,
        concat!(
            "SELECT ",
            access_key_columns!(),
            " FROM access_key WHERE id = $1"
        ),
        &[id.into()],
    )?;
    read_one(row, read_access_key)
}

pub(crate) fn access_keys_of(
    sql: &mut dyn Sql,
    principal_arn: &str,
) -> Result<Vec<AccessKeyRecord>, StoreError> {
    let rows = sql.query(
        concat!(
            "SELECT ",
            access_key_columns!(),
            " FROM access_key WHERE principal_arn = $1 ORDER BY id"
        ),
        &[principal_arn.into()],
    )?;
    read_all(rows, read_access_key)
}

pub(crate) fn insert_access_key(
    sql: &mut dyn Sql,
    key: &AccessKeyRecord,
) -> Result<(), StoreError> {
    sql.submit(
        "INSERT INTO access_key (id, account, principal_arn, principal_unique_id, sealed_secret, \
         active, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            (&key.id).into(),
            key.account.as_str().into(),
            (&key.principal_arn).into(),
            (&key.principal_unique_id).into(),
            key.sealed_secret.as_slice().into(),
            key.active.into(),
            key.created_at.into(),
        ],
    )?;
    Ok(())
}

pub(crate) fn delete_access_key(sql: &mut dyn Sql, id: &str) -> Result<(), StoreError> {
    sql.submit("DELETE FROM access_key WHERE id = $1", &[id.into()])?;
    Ok(())
}

pub(crate) fn last_use(sql: &mut dyn Sql, id: &str) -> Result<Option<LastUse>, StoreError> {
    let row = query_one(
        sql,
        "SELECT used_at, service, region FROM access_key_use WHERE id = $1",
        &[id.into()],
    )?;
    read_one(row, |row| {
        Ok(LastUse {
            at: row.time()?,
            service: row.text()?,
            region: row.text()?,
        })
    })
}

pub(crate) fn record_last_use(
    sql: &mut dyn Sql,
    id: &str,
    last: &LastUse,
) -> Result<(), StoreError> {
    sql.submit(
        "INSERT INTO access_key_use (id, used_at, service, region) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (id) DO UPDATE SET used_at = excluded.used_at, service = excluded.service, \
         region = excluded.region WHERE access_key_use.used_at < excluded.used_at",
        &[
            id.into(),
            last.at.into(),
            (&last.service).into(),
            (&last.region).into(),
        ],
    )
}

pub(crate) fn set_access_key_active(
    sql: &mut dyn Sql,
    id: &str,
    active: bool,
) -> Result<bool, StoreError> {
    let changed = sql.execute(
        "UPDATE access_key SET active = $1 WHERE id = $2",
        &[active.into(), id.into()],
    )?;
    Ok(changed > 0)
}

pub(crate) fn rename_access_keys(
    sql: &mut dyn Sql,
    old_arn: &str,
    new_arn: &str,
) -> Result<(), StoreError> {
    sql.submit(
        "UPDATE access_key SET principal_arn = $1 WHERE principal_arn = $2",
        &[new_arn.into(), old_arn.into()],
    )
}
