//! The server's own keys: what seals tokens, session tokens, layer URLs and page tokens.
//!
//! One base key is current; from it a key is derived for each purpose, so that nothing sealed for one opens for
//! another. What is sealed names its base key. A rotated key still opens for the life of a token; a revoked one
//! opens nothing, from the next request on every node.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ecru_domain::{Error, Timestamp};
use ecru_ports::metadata::{Lane, ReadTransaction, ServerKeyRecord};
use ecru_ports::{Clock, Ids, KeyStore, SecretKey};
use parking_lot::Mutex;
use zeroize::Zeroizing;

use crate::remembered::Remembered;
use crate::store::{Store, Warrant};

/// How long an authorization token lives, and with it a key that was rotated.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(12 * 3600);

/// What secrets of sessions are derived for; the session's access key id follows.
const SESSION_SECRET: &[u8] = b"ecru session secret v1 ";

/// Bytes of a session's secret: 40 characters of base64, as AWS has them.
const SECRET_BYTES: usize = 30;

/// Bytes of a key id in front of what is sealed.
const ID_BYTES: usize = 8;

/// What a sealed text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// An authorization token for `/v2/`.
    RegistryToken,
    /// A link to a layer.
    LayerLink,
    /// Where a page ended.
    PageToken,
    /// What temporary credentials carry.
    SessionToken,
}

impl Purpose {
    const ALL: [Self; 4] = [
        Self::RegistryToken,
        Self::LayerLink,
        Self::PageToken,
        Self::SessionToken,
    ];

    fn label(self) -> &'static [u8] {
        match self {
            Self::RegistryToken => b"ecru registry token v1",
            Self::LayerLink => b"ecru layer link v1",
            Self::PageToken => b"ecru page token v1",
            Self::SessionToken => b"ecru session token v1",
        }
    }
}

/// A base key and those derived from it. Deriving one for each request was 3.8 % of a manifest GET.
struct OpenedKey {
    base: SecretKey,
    derived: [SecretKey; Purpose::ALL.len()],
}

impl OpenedKey {
    fn of(base: SecretKey, keys: &dyn KeyStore) -> Self {
        let derived = Purpose::ALL.map(|purpose| keys.derive(&base, purpose.label()));
        Self { base, derived }
    }

    fn key(&self, purpose: Purpose) -> &SecretKey {
        let [token, link, page, session] = &self.derived;
        match purpose {
            Purpose::RegistryToken => token,
            Purpose::LayerLink => link,
            Purpose::PageToken => page,
            Purpose::SessionToken => session,
        }
    }
}

/// The server's keys.
#[derive(Clone)]
pub struct ServerKeys {
    store: Store,
    keys: Arc<dyn KeyStore>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    opened: Arc<Mutex<HashMap<String, Arc<OpenedKey>>>>,
    known: Arc<Remembered<(), Arc<[ServerKeyRecord]>>>,
}

impl ServerKeys {
    /// Over the store.
    pub fn new(store: Store, outside: &crate::Outside) -> Self {
        Self {
            store,
            keys: Arc::clone(&outside.keys),
            clock: Arc::clone(&outside.clock),
            ids: Arc::clone(&outside.ids),
            opened: Arc::default(),
            known: Arc::new(Remembered::new(1)),
        }
    }

    /// Seals `plaintext` for a purpose, as text of `[A-Za-z0-9_-]`.
    pub async fn seal(&self, purpose: Purpose, plaintext: &[u8]) -> Result<String, Error> {
        let now = self.clock.now();
        let current = self.current(now).await?;
        let opened = self.open_base(&current).await?;
        let id = hex::decode(&current.id).map_err(Error::internal)?;
        let mut bytes = id;
        bytes.extend(
            self.keys
                .seal(opened.key(purpose), purpose.label(), plaintext)
                .map_err(Error::internal)?,
        );
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Opens what `seal` made for the same purpose; `None` if it was altered, is of another purpose, or its key is gone.
    pub async fn open(
        &self,
        purpose: Purpose,
        text: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let Some((opened, bytes)) = self.base_of(text).await? else {
            return Ok(None);
        };
        let sealed = bytes.get(ID_BYTES..).unwrap_or_default();
        let key = opened.key(purpose);
        Ok(self.keys.open(key, purpose.label(), sealed).ok())
    }

    /// The secret access key that goes with a session token: derived from the key under which the token is sealed and
    /// from the session's access key id, so that whoever sees both, token and id, does not have it. `None` if that key
    /// is gone.
    pub(crate) async fn session_secret(
        &self,
        token: &str,
        access_key_id: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let Some((opened, _)) = self.base_of(token).await? else {
            return Ok(None);
        };
        let purpose = [SESSION_SECRET, access_key_id.as_bytes()].concat();
        let key = self.keys.derive(&opened.base, &purpose);
        let part = key.material().get(..SECRET_BYTES).unwrap_or_default();
        Ok(Some(Zeroizing::new(STANDARD.encode(part).into_bytes())))
    }

    /// The base key that a sealed text names, and the bytes of the text.
    async fn base_of(&self, text: &str) -> Result<Option<(Arc<OpenedKey>, Vec<u8>)>, Error> {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(text) else {
            return Ok(None);
        };
        let Some(id) = bytes.get(..ID_BYTES) else {
            return Ok(None);
        };
        let (id, now) = (hex::encode(id), self.clock.now());
        let records = self.records().await?;
        let usable = |record: &&ServerKeyRecord| {
            record.id == id && record.retires_at.is_none_or(|end| now < end)
        };
        let Some(record) = records.iter().find(usable) else {
            return Ok(None);
        };
        let opened = self.open_base(record).await?;
        Ok(Some((opened, bytes)))
    }

    /// Makes a new current key. The old ones end at once (`revoke`) or when the last token under them ends.
    pub async fn rotate(&self, revoke: bool) -> Result<(), Error> {
        let now = self.clock.now();
        let end = if revoke {
            // over, even if the clock is set back
            Timestamp::default()
        } else {
            now.plus(TOKEN_LIFETIME)
        };
        let fresh = self.fresh(now).await?;
        self.store
            .write(Warrant::server(), Lane::Any, move |rows| {
                for old in rows
                    .server_keys()?
                    .iter()
                    .filter(|old| old.retires_at.is_none_or(|at| at > end))
                {
                    rows.retire_server_key(&old.id, end)?;
                }
                rows.insert_server_key(&fresh)?;
                rows.delete_retired_server_keys(now.minus(TOKEN_LIFETIME))?;
                Ok(())
            })
            .await
    }

    async fn records(&self) -> Result<Arc<[ServerKeyRecord]>, Error> {
        let read = |rows: &mut dyn ReadTransaction| Ok(Arc::from(rows.server_keys()?));
        self.store
            .recall(Warrant::server(), &self.known, (), |_| 1, read)
            .await
    }

    /// The current key; the first use makes one.
    async fn current(&self, now: Timestamp) -> Result<ServerKeyRecord, Error> {
        let is_current = |record: &ServerKeyRecord| record.retires_at.is_none();
        if let Some(record) = self
            .records()
            .await?
            .iter()
            .find(|record| is_current(record))
        {
            return Ok(record.clone());
        }
        let fresh = self.fresh(now).await?;
        self.store
            .write(Warrant::server(), Lane::Any, move |rows| {
                if let Some(record) = rows.server_keys()?.into_iter().find(is_current) {
                    return Ok(record);
                }
                rows.insert_server_key(&fresh)?;
                Ok(fresh.clone())
            })
            .await
    }

    async fn fresh(&self, now: Timestamp) -> Result<ServerKeyRecord, Error> {
        let material = self.keys.generate().map_err(Error::internal)?;
        let random = self.ids.random();
        let id = hex::encode(random.get(..ID_BYTES).unwrap_or_default());
        let sealed = self
            .keys
            .seal_under_root(&context(&id), material.material())
            .await
            .map_err(Error::internal)?;
        Ok(ServerKeyRecord {
            id,
            sealed,
            created_at: now,
            retires_at: None,
        })
    }

    async fn open_base(&self, record: &ServerKeyRecord) -> Result<Arc<OpenedKey>, Error> {
        if let Some(key) = self.opened.lock().get(&record.id) {
            return Ok(Arc::clone(key));
        }
        let material = self
            .keys
            .open_under_root(&context(&record.id), &record.sealed)
            .await
            .map_err(Error::internal)?;
        let base = SecretKey::from_slice(&material)
            .ok_or_else(|| Error::internal("a server key has the wrong length"))?;
        let key = Arc::new(OpenedKey::of(base, &*self.keys));
        self.opened
            .lock()
            .insert(record.id.clone(), Arc::clone(&key));
        Ok(key)
    }
}

fn context(id: &str) -> Vec<u8> {
    format!("server key {id}").into_bytes()
}
