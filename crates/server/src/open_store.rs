//! Opens the store: the data directory, metadata, objects, keys, and the root access key.
//!
//! The order matters. The lock comes first; then the database says whether the store is new, and only a new store
//! is given a root key, whose fingerprint it keeps. The credentials file is written before the store knows the key in it, so that a crash in
//! between leaves a key that the next start takes up, never one that nobody has.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use ecru_audit_log::AuditLog;
use ecru_blob_store::DirectoryBlobs;
use ecru_key_store::credentials::{self, AccessKeyPair};
use ecru_key_store::{FileKeyStore, JsonWebTokens, KeyStoreError};
use ecru_metadata_sql::{PostgresMetadata, SqliteMetadata};
use ecru_outbound::GuardedHttp;
use ecru_ports::metadata::{Lane, MetadataEngine, StoreError, WriteTransaction};
use ecru_ports::{BlobStore, Clock, Metadata};
use ecru_services::audit;
use ecru_services::identity::{self, RootKeyOutcome};
use ecru_services::{Limits, Outside, Services};

use crate::configuration::StoreConfig;
use crate::configuration::meaning::MetadataPlace;
use crate::data_directory::DataDirectory;
use crate::outside::{RandomIds, SystemClock};

/// How long the bytes of a deleted object stay for requests that just looked it up.
const REMOVAL_DELAY: Duration = Duration::from_secs(5);

/// How long a request waits for an audit log that cannot be written.
const AUDIT_PATIENCE: Duration = Duration::from_secs(5);

/// Names the fact by which a store knows its root key.
const ROOT_KEY_FACT: &str = "root-key-fingerprint";

/// A store that this process has for itself.
pub struct OpenStore {
    /// The use cases on it.
    pub services: Services,
    /// The adapters under them.
    pub outside: Outside,
    /// Where the root credentials are, if they are in the keys directory.
    pub credentials: Option<PathBuf>,
    /// What became of the root access key.
    pub root_key: RootKeyOutcome,
    _directory: DataDirectory,
}

/// Opens the store, creating whatever a new one needs.
///
/// # Errors
/// The directory is in use, a key is missing or wrong, or a store cannot be opened: the message says what to do.
pub async fn open_or_create(config: &StoreConfig) -> Result<OpenStore> {
    let directory = DataDirectory::open_or_create(&config.data)?;
    open_in(directory, config).await
}

/// Opens a store that is there, and creates none.
///
/// # Errors
/// As [`open_or_create`], and if there is no store.
pub async fn open(config: &StoreConfig) -> Result<OpenStore> {
    let directory = DataDirectory::open(&config.data)?;
    if let MetadataPlace::Sqlite(path) = &config.metadata
        && !path.try_exists()?
    {
        bail!("there is no store in {}", config.data.display());
    }
    open_in(directory, config).await
}

async fn open_in(directory: DataDirectory, config: &StoreConfig) -> Result<OpenStore> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let metadata = Metadata::new(open_metadata(&config.metadata, &*clock).await?);
    let blobs = DirectoryBlobs::open(&config.blobs)
        .with_context(|| format!("objects in {}", config.blobs.display()))?;
    let keys = open_keys(&metadata, config).await?;
    let ids = RandomIds::default();
    let audit = open_audit(&metadata, config, Arc::clone(&clock), &ids).await?;
    let outside = Outside {
        metadata,
        blobs: Arc::new(blobs) as Arc<dyn BlobStore>,
        keys: Arc::new(keys),
        clock,
        ids: Arc::new(ids),
        audit: Arc::new(audit),
        outbound: Arc::new(GuardedHttp::with_system_trust(config.egress_allow.clone())?),
        identity_tokens: Arc::new(JsonWebTokens),
    };
    let limits = Limits {
        home: config.home.clone(),
        layer_grace: config.layer_grace,
        removal_delay: REMOVAL_DELAY,
        upload_lifetime: config.upload_lifetime,
        latest: config.latest,
    };
    let services = Services::new(&outside, &limits);
    let (root_key, credentials) = settle_root_access_key(&services, config).await?;
    Ok(OpenStore {
        services,
        outside,
        credentials,
        root_key,
        _directory: directory,
    })
}

/// The metadata of a store that is there; `None` if there is none.
///
/// # Errors
/// It cannot be opened.
pub async fn metadata(config: &StoreConfig) -> Result<Option<Metadata>> {
    if let MetadataPlace::Sqlite(path) = &config.metadata
        && !path.try_exists()?
    {
        return Ok(None);
    }
    let engine = open_metadata(&config.metadata, &SystemClock).await?;
    Ok(Some(Metadata::new(engine)))
}

/// Opens the audit log where its chain has ended, as far as the store knows.
async fn open_audit(
    metadata: &Metadata,
    config: &StoreConfig,
    clock: Arc<dyn Clock>,
    ids: &RandomIds,
) -> Result<AuditLog> {
    let options = ecru_audit_log::Options {
        directory: config.audit.directory.clone(),
        max_file_bytes: config.audit.max_file_bytes,
        patience: AUDIT_PATIENCE,
        heads: audit::heads(metadata).await?,
    };
    Ok(AuditLog::open(&options, clock, ids)?)
}

async fn open_metadata(
    place: &MetadataPlace,
    clock: &dyn Clock,
) -> Result<Arc<dyn MetadataEngine>> {
    Ok(match place {
        MetadataPlace::Sqlite(path) => {
            let engine = SqliteMetadata::open(path, clock);
            Arc::new(engine.with_context(|| format!("metadata in {}", path.display()))?)
        }
        MetadataPlace::Postgres(url) => {
            let engine = PostgresMetadata::connect(url.expose(), clock).await;
            Arc::new(engine.with_context(|| format!("metadata in {url}"))?)
        }
    })
}

/// The fingerprint of the root key that the store was made with; `None` if nothing was ever sealed for it.
async fn recorded_fingerprint(metadata: &Metadata) -> Result<Option<String>, StoreError> {
    metadata.lookup(|rows| rows.store_fact(ROOT_KEY_FACT)).await
}

/// Opens the root key, which only a store without one is given, and refuses any but the store's own.
async fn open_keys(metadata: &Metadata, config: &StoreConfig) -> Result<FileKeyStore> {
    let recorded = recorded_fingerprint(metadata).await?;
    let keys = FileKeyStore::open_or_create(&config.keys, recorded.is_none())?;
    let own = keys.fingerprint();
    let recorded = match recorded {
        Some(recorded) => recorded,
        None => record_fingerprint(metadata, own.clone()).await?,
    };
    ensure!(
        recorded == own,
        "the root key in {} does not open this store: restore the key that belongs to it",
        config.keys.display()
    );
    Ok(keys)
}

/// Records the fingerprint unless another process was first, and returns the one that counts.
async fn record_fingerprint(metadata: &Metadata, own: String) -> Result<String, StoreError> {
    let record = move |rows: &mut dyn WriteTransaction| {
        if let Some(first) = rows.store_fact(ROOT_KEY_FACT)? {
            return Ok(first);
        }
        rows.put_store_fact(ROOT_KEY_FACT, &own)?;
        Ok(own.clone())
    };
    metadata.write(Lane::Any, record).await
}

/// Sees to it that the root user has an access key and, where this process knows it, that the file has it too.
async fn settle_root_access_key(
    services: &Services,
    config: &StoreConfig,
) -> Result<(RootKeyOutcome, Option<PathBuf>)> {
    let has_key = services.identity.has_root_key(&config.home.account).await?;
    let filed = credentials::read(&config.keys)?;
    let pair = match (&config.root_key, filed) {
        (Some(supplied), filed) => {
            if filed.is_none_or(|filed| {
                filed.id() != supplied.id() || filed.secret() != supplied.secret()
            }) {
                credentials::replace(&config.keys, supplied)?;
            }
            supplied.clone()
        }
        (None, None) if has_key => return Ok((RootKeyOutcome::Unchanged, None)),
        (None, Some(_)) if has_key => {
            return Ok((
                RootKeyOutcome::Unchanged,
                Some(credentials::path(&config.keys)),
            ));
        }
        (None, Some(filed)) => filed,
        (None, None) => create_pair(config)?,
    };
    let pair = identity::AccessKeyPair {
        id: pair.id().to_owned(),
        secret: pair.secret().to_owned().into(),
    };
    let outcome = services
        .identity
        .set_root_key(&config.home.account, &pair)
        .await?;
    Ok((outcome, Some(credentials::path(&config.keys))))
}

/// A new pair in the credentials file; the pair of another process if it was first.
fn create_pair(config: &StoreConfig) -> Result<AccessKeyPair> {
    let pair = AccessKeyPair::generate()?;
    match credentials::create(&config.keys, &pair) {
        Ok(_) => Ok(pair),
        Err(KeyStoreError::AlreadyExists(_)) => {
            credentials::read(&config.keys)?.context("the credentials file came and went")
        }
        Err(error) => Err(error.into()),
    }
}
