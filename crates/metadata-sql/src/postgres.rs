//! The engine of the cluster shape: PostgreSQL, or what speaks its protocol.
//!
//! Writes are serializable transactions, run again on conflicts; reads see one snapshot. Closures are plain
//! code: they run on blocking threads that wait for each answer.

mod driver;
mod errors;
mod migration;
mod moment;
mod pipeline;
mod session;
mod turns;
mod values;
mod writer;

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use deadpool_postgres::{Hook, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use ecru_ports::clock::Clock;
use ecru_ports::metadata::{
    Generation, Lane, MetadataEngine, ReadWork, StoreError, Verdict, WriteTransaction, WriteWork,
};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task;
use tokio_postgres::{Config, NoTls};

use crate::transaction::SqlTransaction;
use driver::Driver;
use errors::pool_error;
use moment::Moments;
use session::PostgresSession;
use writer::Writer;

/// Connections for look-ups and scans.
const READ_CONNECTIONS: usize = 16;

/// Connections for writing: one writes.
const WRITE_CONNECTIONS: usize = 1;

/// Connections that ask whether anything was committed.
const WATCH_CONNECTIONS: usize = 1;

/// Connections that scans may hold of those.
const SCAN_CONNECTIONS: usize = 4;

/// How long a caller waits for a connection.
const POOL_TIMEOUT: Duration = Duration::from_secs(10);

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// After how much silence, and how often, the system asks whether the server's machine is still there.
const KEEPALIVE: Duration = Duration::from_secs(10);
const KEEPALIVES: u32 = 3;

/// How long an answer may take: longer than the server works on a statement. A server that fell silent would else
/// hold a writer until the system's network gives up, a quarter of an hour later.
const ANSWER_LIMIT: Duration = Duration::from_secs(35);

/// What every connection asks of the server: milliseconds for a statement, and for doing nothing in a transaction.
const SERVER_OPTIONS: &str =
    "-c statement_timeout=30000 -c idle_in_transaction_session_timeout=10000";

/// Asked of servers that know them. Every statement has its index: a plan that reads a whole (small) table would
/// make serializable transactions conflict that have nothing in common.
const TUNING: [&str; 2] = [
    "SET enable_seqscan = off",
    "SET plan_cache_mode = force_generic_plan",
];

/// Metadata in a PostgreSQL database.
pub struct PostgresMetadata {
    pool: Pool,
    writer: Writer,
    moments: Moments,
    limit: Duration,
    scans: Arc<Semaphore>,
}

impl PostgresMetadata {
    /// Connects, and makes the tables if needed. `url` is `postgres://user:password@host:port/database`, with
    /// any `options=` of the server; the connection is plain TCP.
    ///
    /// # Errors
    /// `Unavailable` if the server cannot be reached or refuses, `Failed` if the URL does not parse or a newer
    /// version wrote the tables.
    pub async fn connect(url: &str, clock: &dyn Clock) -> Result<Self, StoreError> {
        Self::connect_with_limit(url, clock, ANSWER_LIMIT).await
    }

    /// The same with another limit for how long an answer may take.
    ///
    /// # Errors
    /// As [`PostgresMetadata::connect`].
    pub async fn connect_with_limit(
        url: &str,
        clock: &dyn Clock,
        limit: Duration,
    ) -> Result<Self, StoreError> {
        let config = config(url)?;
        let pool = self::pool(config.clone(), READ_CONNECTIONS + WATCH_CONNECTIONS)?;
        let own = self::pool(config, WRITE_CONNECTIONS)?;
        migration::migrate(&pool, clock).await?;
        Ok(Self {
            limit,
            writer: Writer::start(own, limit)?,
            moments: Moments::start(pool.clone()),
            scans: Arc::new(Semaphore::new(SCAN_CONNECTIONS)),
            pool,
        })
    }

    async fn run(&self, work: ReadWork) -> Result<(), StoreError> {
        let client = self.pool.get().await.map_err(pool_error)?;
        let session = PostgresSession::new(client, Driver::Others(Handle::current()), self.limit);
        task::spawn_blocking(move || run_read(session, work))
            .await
            .map_err(|_| StoreError::Failed("a read closure panicked".to_owned()))?
    }
}

/// The URL may hold a password: errors do not repeat it.
fn config(url: &str) -> Result<Config, StoreError> {
    let mut config = Config::from_str(url).map_err(|_| {
        StoreError::Failed("the URL of the metadata store does not parse".to_owned())
    })?;
    let options = config.get_options().unwrap_or_default();
    let options = format!("{options} {SERVER_OPTIONS}");
    config
        .options(options.trim())
        .connect_timeout(CONNECT_TIMEOUT)
        .keepalives_idle(KEEPALIVE)
        .keepalives_interval(KEEPALIVE)
        .keepalives_retries(KEEPALIVES);
    if config.get_application_name().is_none() {
        config.application_name("ecru");
    }
    Ok(config)
}

fn pool(config: Config, size: usize) -> Result<Pool, StoreError> {
    let recycling = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    let tune = Hook::async_fn(|client, _| {
        Box::pin(async move {
            for setting in TUNING {
                if client.batch_execute(setting).await.is_err() {
                    tracing::debug!(setting, "the metadata store does not know a setting");
                }
            }
            Ok(())
        })
    });
    Pool::builder(Manager::from_config(config, NoTls, recycling))
        .max_size(size)
        .timeouts(Timeouts {
            wait: Some(POOL_TIMEOUT),
            create: Some(POOL_TIMEOUT),
            recycle: Some(POOL_TIMEOUT),
        })
        .post_create(tune)
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|error| StoreError::Failed(error.to_string()))
}

fn run_read(mut session: PostgresSession, work: ReadWork) -> Result<(), StoreError> {
    session.begin_read();
    let mut transaction = SqlTransaction::new(&mut session);
    work(&mut transaction);
    let ended = transaction.end();
    session.end_read();
    ended
}

#[async_trait]
impl MetadataEngine for PostgresMetadata {
    /// All lanes are one here.
    async fn write(&self, _lane: Lane, work: WriteWork) -> Result<(), StoreError> {
        self.writer.write(work).await
    }

    async fn lookup(&self, work: ReadWork) -> Result<(), StoreError> {
        self.run(work).await
    }

    async fn read(&self, work: ReadWork) -> Result<(), StoreError> {
        let _permit = self
            .scans
            .acquire()
            .await
            .map_err(|_| StoreError::Unavailable("the metadata store is closed".to_owned()))?;
        self.run(work).await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        let probe = |transaction: &mut dyn WriteTransaction| {
            // a failure is remembered by the transaction
            drop(transaction.put_store_fact("probe", "1"));
            Verdict::Commit
        };
        self.write(Lane::Any, Box::new(probe)).await
    }

    /// Asking the server is not cheap.
    fn size_in_bytes(&self) -> Option<u64> {
        None
    }

    async fn generation(&self) -> Option<Generation> {
        self.moments.generation().await
    }
}
