//! Bringing tables up to date while other nodes may want to do the same.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use deadpool_postgres::Pool;
use ecru_domain::Timestamp;
use ecru_ports::clock::Clock;
use ecru_ports::metadata::StoreError;
use tokio::runtime::Handle;
use tokio::{task, time};

use super::driver::Driver;
use super::errors::pool_error;
use super::session::{DIALECT, PostgresSession};
use crate::batch::{BatchFailure, Session as _};
use crate::queries::jobs;
use crate::schema;
use crate::sql::Sql;

/// Of the lease under which one node migrates.
const LEASE: &str = "migration";

/// How long a node may take for one migration.
const LEASE_TIME: Duration = Duration::from_secs(120);

/// How long a node waits for another before it looks again.
const PAUSE: Duration = Duration::from_millis(200);

/// Looks before giving up: more than one lease time, so that a node that died does not stop others.
const MAX_LOOKS: u32 = 900;

/// Looks between two lines of the log that tell of the wait.
const LOOKS_PER_LINE: u32 = 50;

/// Where a node stands.
enum Step {
    Current,
    MayMigrate,
    AnotherDoes,
}

/// Makes the tables what this version needs, or waits until another node has.
pub(super) async fn migrate(pool: &Pool, clock: &dyn Clock) -> Result<(), StoreError> {
    let holder = RandomState::new().build_hasher().finish().to_string();
    let mut last = StoreError::Conflict;
    for look in 0..MAX_LOOKS {
        match advance(pool, &holder, clock.now()).await {
            Ok(Step::Current) => return Ok(()),
            Ok(Step::MayMigrate) => continue,
            Ok(Step::AnotherDoes) if look % LOOKS_PER_LINE == 0 => {
                tracing::info!("another node migrates the tables, or died at it: waiting");
            }
            Ok(Step::AnotherDoes) => {}
            Err(StoreError::Conflict) => last = StoreError::Conflict,
            Err(error) => return Err(error),
        }
        time::sleep(PAUSE).await;
    }
    Err(last)
}

/// Runs the next migration, if there is one and no other node is at it.
async fn advance(pool: &Pool, holder: &str, now: Timestamp) -> Result<Step, StoreError> {
    prepare(pool).await?;
    let until = now.plus(LEASE_TIME);
    let name = holder.to_owned();
    let step = in_transaction(pool, move |sql| {
        if schema::is_current(sql)? {
            return Ok(Step::Current);
        }
        let taken = jobs::take_lease(sql, LEASE, &name, now, until)?;
        Ok(if taken {
            Step::MayMigrate
        } else {
            Step::AnotherDoes
        })
    })
    .await?;
    if !matches!(step, Step::MayMigrate) {
        return Ok(step);
    }
    let name = holder.to_owned();
    in_transaction(pool, move |sql| {
        if !jobs::take_lease(sql, LEASE, &name, now, until)? {
            return Ok(Step::AnotherDoes);
        }
        schema::advance(sql, DIALECT, now)?;
        Ok(Step::MayMigrate)
    })
    .await
}

/// Two nodes that make a table at once may collide even with IF NOT EXISTS; the next look finds it made.
async fn prepare(pool: &Pool) -> Result<(), StoreError> {
    let prepared = in_transaction(pool, |sql| schema::prepare(sql, DIALECT)).await;
    match prepared {
        Err(StoreError::Failed(text)) if text.contains("(23505)") || text.contains("(42P07)") => {
            Err(StoreError::Conflict)
        }
        other => other,
    }
}

async fn in_transaction<T: Send + 'static>(
    pool: &Pool,
    work: impl FnOnce(&mut dyn Sql) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let client = pool.get().await.map_err(pool_error)?;
    let driver = Driver::Others(Handle::current());
    task::spawn_blocking(move || {
        let mut session = PostgresSession::new(client, driver, LEASE_TIME);
        session.begin()?;
        let value = work(&mut session).inspect_err(|_| session.abandon())?;
        match session.commit() {
            Ok(()) => Ok(value),
            Err(BatchFailure::Undone(error) | BatchFailure::Unknown(error)) => Err(error),
        }
    })
    .await
    .map_err(|_| StoreError::Failed("a migration panicked".to_owned()))?
}
