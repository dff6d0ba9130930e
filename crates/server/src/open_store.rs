//! Opens the store: the data directory, metadata, objects, keys, and the root access key.
//!
//! The order matters. The lock comes first; then the database says whether the store is new, and only a new store
//! is given a root key. The credentials file is written before the store knows the key in it, so that a crash in
//! between leaves a key that the next start takes up, never one that nobody has.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use ecru_blob_store::DirectoryBlobs;
use ecru_domain::{Error, Principal};
use ecru_key_store::credentials::{self, AccessKeyPair};
use ecru_key_store::{FileKeyStore, KeyStoreError};
use ecru_metadata_sql::{PostgresMetadata, SqliteMetadata};
use ecru_ports::metadata::{MetadataEngine, StoreError};
use ecru_ports::{BlobStore, Clock, Metadata};
use ecru_services::identity::{self, RootKeyOutcome};
use ecru_services::{Limits, Outside, Services};

use crate::configuration::StoreConfig;
use crate::configuration::meaning::MetadataPlace;
use crate::data_directory::DataDirectory;
use crate::outside::{RandomIds, SystemClock};

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
    let is_new = is_new(&metadata, config).await.context("metadata")?;
    let outside = Outside {
        metadata,
        blobs: Arc::new(blobs) as Arc<dyn BlobStore>,
        keys: Arc::new(FileKeyStore::open_or_create(&config.keys, is_new)?),
        clock,
        ids: Arc::new(RandomIds::default()),
    };
    let limits = Limits {
        home: config.home.clone(),
        layer_grace: config.layer_grace,
        upload_lifetime: config.upload_lifetime,
        latest: config.latest,
    };
    let services = Services::new(&outside, &limits);
    check_root_key(&services, &outside.metadata, config).await?;
    let (root_key, credentials) = settle_root_access_key(&services, config).await?;
    Ok(OpenStore {
        services,
        outside,
        credentials,
        root_key,
        _directory: directory,
    })
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

/// The access keys of the management account's root user.
async fn root_access_keys(
    metadata: &Metadata,
    config: &StoreConfig,
) -> Result<Vec<String>, StoreError> {
    let root = Principal::root(config.home.account.clone(), String::new()).arn;
    let keys = metadata
        .lookup(move |rows| rows.access_keys_of(&root))
        .await?;
    Ok(keys.into_iter().map(|key| key.id).collect())
}

/// Whether nothing was ever sealed for this store, so that it may be given a root key.
async fn is_new(metadata: &Metadata, config: &StoreConfig) -> Result<bool, StoreError> {
    let has_server_keys = metadata
        .lookup(|rows| Ok::<_, StoreError>(!rows.server_keys()?.is_empty()))
        .await?;
    Ok(!has_server_keys && root_access_keys(metadata, config).await?.is_empty())
}

/// Refuses a root key that does not open what the store holds.
async fn check_root_key(
    services: &Services,
    metadata: &Metadata,
    config: &StoreConfig,
) -> Result<()> {
    for id in root_access_keys(metadata, config).await? {
        if let Err(error) = services.identity.signing_key(&id).await {
            match error {
                Error::Internal(source) => bail!(
                    "the root key in {} does not open this store ({source}): restore the key that belongs to it",
                    config.keys.display()
                ),
                other => return Err(other.into()),
            }
        }
    }
    Ok(())
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
