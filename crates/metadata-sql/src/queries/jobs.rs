//! Work for later, and the leases under which one process does it.

use ecru_domain::Timestamp;
use ecru_ports::metadata::{JobKind, JobRecord, StoreError};

use super::read_all;
use crate::sql::Sql;

pub(crate) fn list_due(
    sql: &mut dyn Sql,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<JobRecord>, StoreError> {
    let rows = sql.query(
        "SELECT id, kind, repository_id, subject, run_at FROM job \
         WHERE run_at <= $1 ORDER BY run_at, id LIMIT $2",
        &[now.into(), limit.into()],
    )?;
    read_all(rows, |row| {
        Ok(JobRecord {
            id: row.text()?,
            kind: row.parsed("a kind of job", JobKind::parse)?,
            repository: row.repository_id()?,
            subject: row.text()?,
            run_at: row.time()?,
        })
    })
}

pub(crate) fn insert(sql: &mut dyn Sql, job: &JobRecord) -> Result<(), StoreError> {
    sql.submit(
        "INSERT INTO job (id, kind, repository_id, subject, run_at) VALUES ($1, $2, $3, $4, $5)",
        &[
            (&job.id).into(),
            job.kind.as_str().into(),
            (&job.repository).into(),
            (&job.subject).into(),
            job.run_at.into(),
        ],
    )?;
    Ok(())
}

pub(crate) fn postpone(sql: &mut dyn Sql, id: &str, run_at: Timestamp) -> Result<(), StoreError> {
    sql.submit(
        "UPDATE job SET run_at = $1 WHERE id = $2",
        &[run_at.into(), id.into()],
    )?;
    Ok(())
}

pub(crate) fn delete(sql: &mut dyn Sql, id: &str) -> Result<(), StoreError> {
    sql.submit("DELETE FROM job WHERE id = $1", &[id.into()])?;
    Ok(())
}

pub(crate) fn take_lease(
    sql: &mut dyn Sql,
    name: &str,
    holder: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let taken = sql.execute(
        "INSERT INTO lease (name, holder, expires_at) VALUES ($1, $2, $3) \
         ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at \
         WHERE lease.holder = excluded.holder OR lease.expires_at <= $4",
        &[name.into(), holder.into(), until.into(), now.into()],
    )?;
    Ok(taken > 0)
}
