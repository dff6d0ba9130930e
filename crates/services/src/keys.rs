//! The keys of repositories, and the data keys under them.
//!
//! A repository is sealed with a key of the key table: one that the registry owns (`AES256`), or one of the KMS
//! API (`KMS`, `KMS_DSSE`). Every object and every manifest has a data key of its own, wrapped under that key
//! and bound to repository and object, so that a wrap taken from elsewhere does not open.

use std::collections::HashMap;
use std::sync::Arc;

use ecru_domain::arn::key_arn;
use ecru_domain::encryption::{Encryption, EncryptionType};
use ecru_domain::repository::Repository;
use ecru_domain::{Error, Refusal, Registry, RepositoryId};
use ecru_ports::metadata::{KeyOrigin, KeyRecord, Lane, ReadTransaction};
use ecru_ports::{Clock, DataKey, Ids, KeyStore, SecretKey};
use parking_lot::Mutex;
use zeroize::Zeroizing;

use crate::remembered::Remembered;
use crate::store::{Store, Warrant};

/// The alias of the key that an account has for ECR without making one.
const MANAGED_ALIAS: &str = "alias/aws/ecr";

/// The most opened keys kept in memory.
const MAX_OPENED: usize = 10_000;

/// Encryption as a request asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedEncryption {
    /// Layers and ownership.
    pub kind: EncryptionType,
    /// Id, ARN or alias of a KMS key.
    pub key: Option<String>,
}

/// Keys of repositories.
#[derive(Clone)]
pub struct Keys {
    store: Store,
    keys: Arc<dyn KeyStore>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    opened: Arc<Mutex<HashMap<(String, u32), SecretKey>>>,
    known: Arc<Remembered<String, Option<KeyRecord>>>,
}

impl Keys {
    /// Over the store.
    pub fn new(store: Store, outside: &crate::Outside) -> Self {
        Self {
            store,
            keys: Arc::clone(&outside.keys),
            clock: Arc::clone(&outside.clock),
            ids: Arc::clone(&outside.ids),
            opened: Arc::default(),
            known: Arc::new(Remembered::new(MAX_OPENED)),
        }
    }

    /// The encryption of a new repository: finds the key asked for, or makes the one that the registry has for
    /// everyone. Refused with `Kms` if a key is named that does not exist.
    pub async fn settle(
        &self,
        registry: &Registry,
        requested: &RequestedEncryption,
    ) -> Result<Encryption, Error> {
        let origin = match requested.kind {
            EncryptionType::Aes256 => KeyOrigin::Service,
            EncryptionType::Kms | EncryptionType::KmsDsse => KeyOrigin::AwsManaged,
        };
        if let Some(named) = &requested.key {
            if requested.kind == EncryptionType::Aes256 {
                let constraint = "kmsKey can't be set when encryptionType is AES256".to_owned();
                return Err(Refusal::InvalidParameter {
                    member: "encryptionConfiguration",
                    constraint,
                }
                .into());
            }
            self.check_named(registry, named).await?;
        }
        let key = self.key_of_origin(registry, origin).await?;
        Ok(Encryption {
            kind: requested.kind,
            key_id: key.id,
        })
    }

    /// The ARN that the API reports for a repository's key; `None` for `AES256`.
    pub fn reported_arn(&self, repository: &Repository) -> Option<String> {
        let encryption = &repository.encryption;
        (encryption.kind != EncryptionType::Aes256)
            .then(|| key_arn(&repository.registry, &encryption.key_id))
    }

    /// A fresh data key for `subject` (an object or image id) of a repository, and its wrap.
    pub async fn new_data_key(
        &self,
        repository: &Repository,
        subject: &str,
    ) -> Result<(DataKey, Vec<u8>), Error> {
        let inner = self.keys.generate().map_err(Error::internal)?;
        let outer = repository
            .encryption
            .kind
            .is_double()
            .then(|| self.keys.generate())
            .transpose()
            .map_err(Error::internal)?;
        let data_key = DataKey { inner, outer };
        let wrapped = self.wrap(repository, subject, &data_key).await?;
        Ok((data_key, wrapped))
    }

    /// Wraps a data key for a repository.
    pub async fn wrap(
        &self,
        repository: &Repository,
        subject: &str,
        data_key: &DataKey,
    ) -> Result<Vec<u8>, Error> {
        let (version, key) = self.usable_key(repository, None).await?;
        let mut material = Zeroizing::new(data_key.inner.material().to_vec());
        if let Some(outer) = &data_key.outer {
            material.extend_from_slice(outer.material());
        }
        let sealed = self
            .keys
            .seal(&key, &wrap_context(&repository.id, subject), &material)
            .map_err(Error::internal)?;
        let mut wrapped = version.to_be_bytes().to_vec();
        wrapped.extend(sealed);
        Ok(wrapped)
    }

    /// Opens a wrap. Refused with `Kms` while the key is disabled.
    pub async fn unwrap(
        &self,
        repository: &Repository,
        subject: &str,
        wrapped: &[u8],
    ) -> Result<DataKey, Error> {
        let corrupt = || Error::internal("a wrapped data key is malformed");
        let (version, sealed) = wrapped.split_first_chunk::<4>().ok_or_else(corrupt)?;
        let (_, key) = self
            .usable_key(repository, Some(u32::from_be_bytes(*version)))
            .await?;
        let material = self
            .keys
            .open(&key, &wrap_context(&repository.id, subject), sealed)
            .map_err(Error::internal)?;
        let (inner, outer) = material
            .split_at_checked(SecretKey::LENGTH)
            .ok_or_else(corrupt)?;
        let outer = if outer.is_empty() {
            None
        } else {
            Some(SecretKey::from_slice(outer).ok_or_else(corrupt)?)
        };
        Ok(DataKey {
            inner: SecretKey::from_slice(inner).ok_or_else(corrupt)?,
            outer,
        })
    }

    /// Seals small content (a manifest) under its data key.
    pub fn seal_small(
        &self,
        key: &DataKey,
        context: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let once = self
            .keys
            .seal(&key.inner, context, plaintext)
            .map_err(Error::internal)?;
        match &key.outer {
            None => Ok(once),
            Some(outer) => self
                .keys
                .seal(outer, context, &once)
                .map_err(Error::internal),
        }
    }

    /// Opens what `seal_small` made.
    pub fn open_small(
        &self,
        key: &DataKey,
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        match &key.outer {
            None => self
                .keys
                .open(&key.inner, context, sealed)
                .map_err(Error::internal),
            Some(outer) => {
                let once = self
                    .keys
                    .open(outer, context, sealed)
                    .map_err(Error::internal)?;
                self.keys
                    .open(&key.inner, context, &once)
                    .map_err(Error::internal)
            }
        }
    }

    /// Whether content of a repository may be given out now. Refused with `Kms` while its key is disabled.
    pub async fn check_usable(&self, repository: &Repository) -> Result<(), Error> {
        self.usable_record(repository).await.map(|_| ())
    }

    /// The key of a repository, if it may be used now: its state is that of this moment.
    async fn usable_record(&self, repository: &Repository) -> Result<KeyRecord, Error> {
        let id = &repository.encryption.key_id;
        let wanted = id.clone();
        let read = move |rows: &mut dyn ReadTransaction| Ok(rows.find_key(&wanted)?);
        let record = self
            .store
            .recall(Warrant::server(), &self.known, id.clone(), |_| 1, read)
            .await?;
        let arn = || key_arn(&repository.registry, id);
        let record = record.ok_or_else(|| not_found(&arn()))?;
        if !record.enabled {
            let (code, message) = ("DisabledException", format!("{} is disabled.", arn()));
            return Err(Refusal::Kms { code, message }.into());
        }
        Ok(record)
    }

    async fn usable_key(
        &self,
        repository: &Repository,
        version: Option<u32>,
    ) -> Result<(u32, SecretKey), Error> {
        let record = self.usable_record(repository).await?;
        let version = version.unwrap_or(record.version);
        Ok((version, self.open_version(&record.id, version).await?))
    }

    async fn open_version(&self, id: &str, version: u32) -> Result<SecretKey, Error> {
        let place = (id.to_owned(), version);
        if let Some(key) = self.opened.lock().get(&place) {
            return Ok(key.clone());
        }
        let wanted = id.to_owned();
        let sealed = self
            .store
            .lookup(Warrant::server(), move |rows| {
                Ok(rows.key_material(&wanted, version)?)
            })
            .await?;
        let sealed = sealed.ok_or_else(|| Error::internal("a key version is missing"))?;
        let material = self
            .keys
            .open_under_root(&material_context(id, version), &sealed)
            .await
            .map_err(Error::internal)?;
        let key = SecretKey::from_slice(&material)
            .ok_or_else(|| Error::internal("a key has the wrong length"))?;
        let mut opened = self.opened.lock();
        if opened.len() >= MAX_OPENED {
            opened.clear();
        }
        opened.insert(place, key.clone());
        Ok(key)
    }

    /// Until the KMS API exists, the only key that can be named is the account's managed one.
    async fn check_named(&self, registry: &Registry, named: &str) -> Result<(), Error> {
        if named == MANAGED_ALIAS {
            return Ok(());
        }
        let wanted = registry.clone();
        let managed = self
            .store
            .lookup(Warrant::server(), move |rows| {
                Ok(rows.find_key_of_origin(&wanted, KeyOrigin::AwsManaged)?)
            })
            .await?;
        let is_managed =
            managed.is_some_and(|key| named == key.id || named == key_arn(registry, &key.id));
        let alias_arn = format!(
            "arn:aws:kms:{}:{}:{MANAGED_ALIAS}",
            registry.region, registry.account
        );
        if is_managed || named == alias_arn {
            Ok(())
        } else {
            Err(not_found(named).into())
        }
    }

    async fn key_of_origin(
        &self,
        registry: &Registry,
        origin: KeyOrigin,
    ) -> Result<KeyRecord, Error> {
        let wanted = registry.clone();
        let found = self
            .store
            .lookup(Warrant::server(), move |rows| {
                Ok(rows.find_key_of_origin(&wanted, origin)?)
            })
            .await?;
        if let Some(key) = found {
            return Ok(key);
        }
        let id = self.ids.uuid();
        let material = self.keys.generate().map_err(Error::internal)?;
        let sealed = self
            .keys
            .seal_under_root(&material_context(&id, 1), material.material())
            .await
            .map_err(Error::internal)?;
        let record = KeyRecord {
            id,
            registry: registry.clone(),
            origin,
            enabled: true,
            version: 1,
            created_at: self.clock.now(),
        };
        self.store
            .write(Warrant::server(), Lane::Any, move |rows| {
                if let Some(key) = rows.find_key_of_origin(&record.registry, origin)? {
                    return Ok(key);
                }
                rows.insert_key(&record, &sealed)?;
                Ok(record.clone())
            })
            .await
    }
}

fn not_found(key: &str) -> Refusal {
    let excerpt: String = key
        .chars()
        .take(256)
        .flat_map(char::escape_default)
        .collect();
    Refusal::Kms {
        code: "NotFoundException",
        message: format!("Key '{excerpt}' does not exist"),
    }
}

fn wrap_context(repository: &RepositoryId, subject: &str) -> Vec<u8> {
    format!("data key of {subject} in repository {repository}").into_bytes()
}

fn material_context(id: &str, version: u32) -> Vec<u8> {
    format!("key {id} version {version}").into_bytes()
}
