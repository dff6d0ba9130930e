//! Tables, and how they come to be: forward-only migrations, each recorded with its checksum.
//!
//! The text is the same for every engine but for a few tokens in braces. Two tables stand before the first
//! migration: `migration` records them, and `lease` keeps two processes from running them at once.

use ecru_domain::{Digest, Timestamp};
use ecru_ports::metadata::StoreError;

use crate::sql::Sql;

/// What an engine calls things in table definitions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    /// Type of text keys: compared byte by byte.
    pub(crate) key: &'static str,
    /// Type of byte strings.
    pub(crate) bytes: &'static str,
    /// Ends the definition of a table whose rows are small and live in the primary key's tree.
    pub(crate) clustered: &'static str,
}

impl Dialect {
    fn render(self, text: &str) -> String {
        text.replace("{key}", self.key)
            .replace("{bytes}", self.bytes)
            .replace("{clustered}", self.clustered)
    }
}

const BEFORE_ALL: &str = "
CREATE TABLE IF NOT EXISTS migration (
    version BIGINT NOT NULL PRIMARY KEY,
    checksum TEXT NOT NULL,
    applied_at BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS lease (
    name {key} NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    expires_at BIGINT NOT NULL
){clustered};
";

/// The migrations, oldest first. Released ones are never edited: their checksums are recorded in every store.
const MIGRATIONS: &[&str] = &[
    include_str!("schema/0001.sql"),
    include_str!("schema/0002.sql"),
    include_str!("schema/0003.sql"),
];

/// Makes the tables that migrations need, unless they are there.
pub(crate) fn prepare(sql: &mut dyn Sql, dialect: Dialect) -> Result<(), StoreError> {
    sql.run_script(&dialect.render(BEFORE_ALL))
}

/// How many migrations the store has. Fails if it has others than this version knows.
pub(crate) fn applied(sql: &mut dyn Sql) -> Result<usize, StoreError> {
    let rows = sql.query("SELECT checksum FROM migration ORDER BY version", &[])?;
    let count = rows.len();
    if count > MIGRATIONS.len() {
        return Err(StoreError::Failed(
            "the store was written by a newer version".to_owned(),
        ));
    }
    for (mut row, text) in rows.into_iter().zip(MIGRATIONS) {
        if row.text()? != checksum(text) {
            return Err(StoreError::Corrupt(
                "a recorded migration is not the one that this version knows".to_owned(),
            ));
        }
    }
    Ok(count)
}

/// Runs the next migration within the transaction around it. `false` if there is none left.
pub(crate) fn advance(
    sql: &mut dyn Sql,
    dialect: Dialect,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = applied(sql)?;
    let Some(text) = MIGRATIONS.get(done) else {
        return Ok(false);
    };
    sql.run_script(&dialect.render(text))?;
    let version = i64::try_from(done).unwrap_or(i64::MAX).saturating_add(1);
    sql.execute(
        "INSERT INTO migration (version, checksum, applied_at) VALUES ($1, $2, $3)",
        &[version.into(), (&checksum(text)).into(), now.into()],
    )?;
    Ok(true)
}

/// Whether nothing is left to run.
pub(crate) fn is_current(sql: &mut dyn Sql) -> Result<bool, StoreError> {
    Ok(applied(sql)? == MIGRATIONS.len())
}

fn checksum(text: &str) -> String {
    Digest::sha256(text.as_bytes()).as_str().to_owned()
}
