//! Temporary credentials: sealed into a token that holds all that they carry, and verified without a row.
//!
//! ```text
//! Session ──seal──▶ session token           travels, says everything, opens for nobody else
//! server key + ASIA… id ──derive──▶ secret  never travels with them
//! ```
//!
//! A registry token of a session has no room for its tags and policies: it names them by their hash, and a row has
//! them. Who is behind a session is looked up at every use (see [`crate::identity`]), so that it ends with its role or
//! user (IAM User Guide, "Temporary security credentials in IAM").

mod claims;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ecru_domain::{Error, Principal, Refusal, Session, Timestamp};
use ecru_ports::metadata::{Lane, ReadTransaction};
use ecru_ports::{Clock, Ids};
use parking_lot::Mutex;
use zeroize::Zeroizing;

pub(crate) use self::claims::{HeldSession, SessionClaims, SessionContext};
use crate::remembered::Remembered;
use crate::server_keys::{Purpose, ServerKeys};
use crate::store::{Store, Warrant};

/// The longest session token that is looked at, in characters.
pub const MAX_SESSION_TOKEN: usize = 8 * 1_024;

/// How access key ids of sessions begin.
pub const ACCESS_KEY_PREFIX: &str = "ASIA";

/// The letters of access key ids.
const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Contexts remembered.
const MAX_REMEMBERED: usize = 10_000;

/// How much longer than asked for a context is kept, so that it need not be written again for every token.
const SPARE_TIME: Duration = Duration::from_secs(24 * 3_600);

/// Temporary credentials.
#[derive(Clone)]
pub struct SessionCredentials {
    /// `ASIA…`
    pub access_key_id: String,
    /// The secret; whoever has it signs as the session.
    pub secret: Zeroizing<String>,
    /// The session token, which goes with every request.
    pub token: Zeroizing<String>,
    /// When they end.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for SessionCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionCredentials")
            .field("access_key_id", &self.access_key_id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Issues and opens temporary credentials.
#[derive(Clone)]
pub(crate) struct Sessions {
    store: Store,
    server_keys: ServerKeys,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    contexts: Arc<Remembered<String, Option<Arc<SessionContext>>>>,
    /// Until when contexts are kept at least, by their hash.
    kept: Arc<Mutex<HashMap<String, Timestamp>>>,
}

impl Sessions {
    pub(crate) fn new(store: Store, server_keys: ServerKeys, outside: &crate::Outside) -> Self {
        Self {
            store,
            server_keys,
            clock: Arc::clone(&outside.clock),
            ids: Arc::clone(&outside.ids),
            contexts: Arc::new(Remembered::new(MAX_REMEMBERED)),
            kept: Arc::default(),
        }
    }

    /// Credentials for a session of `principal`, whose access key id is the new one.
    pub(crate) async fn issue(
        &self,
        mut principal: Principal,
    ) -> Result<SessionCredentials, Error> {
        principal.access_key_id = self.fresh_id();
        let claims = SessionClaims::of(&principal)?;
        let plaintext = serde_json::to_vec(&claims).map_err(Error::internal)?;
        let token = self.server_keys.seal(Purpose::SessionToken, &plaintext);
        let token = Zeroizing::new(token.await?);
        let id = &principal.access_key_id;
        let secret = self.server_keys.session_secret(&token, id).await?;
        let secret = secret.ok_or_else(|| Error::internal("a server key was revoked just now"))?;
        let secret = String::from_utf8(secret.to_vec()).map_err(Error::internal)?;
        Ok(SessionCredentials {
            access_key_id: principal.access_key_id,
            secret: Zeroizing::new(secret),
            token,
            expires_at: Timestamp::from_seconds(claims.expires_at),
        })
    }

    /// Whose session a token is for, and the secret that belongs to it; `None` if it was not issued here, or with
    /// another access key id. Refused with `TokenExpired` when its time is over.
    pub(crate) async fn open(
        &self,
        token: &str,
        access_key_id: &str,
    ) -> Result<Option<(Principal, Zeroizing<Vec<u8>>)>, Error> {
        if token.len() > MAX_SESSION_TOKEN || !access_key_id.starts_with(ACCESS_KEY_PREFIX) {
            return Ok(None);
        }
        let opened = self.server_keys.open(Purpose::SessionToken, token).await?;
        let Some(plaintext) = opened else {
            return Ok(None);
        };
        let Ok(claims) = serde_json::from_slice::<SessionClaims>(&plaintext) else {
            return Ok(None);
        };
        if claims.access_key_id != access_key_id {
            return Ok(None);
        }
        if self.clock.now().seconds() >= claims.expires_at {
            return Err(Refusal::TokenExpired.into());
        }
        let secret = self
            .server_keys
            .session_secret(token, access_key_id)
            .await?;
        Ok(claims.principal()?.zip(secret))
    }

    /// What a registry token keeps of a session. Its context is kept until `until`.
    pub(crate) async fn hold(
        &self,
        principal: &Principal,
        session: &Session,
        until: Timestamp,
    ) -> Result<HeldSession, Error> {
        let context = SessionContext::of(session);
        let hash = if context.is_empty() {
            None
        } else {
            let (hash, document) = context.hashed()?;
            self.keep(&hash, document, until).await?;
            Some(hash)
        };
        Ok(HeldSession::of(principal, session, hash))
    }

    async fn keep(&self, hash: &str, document: String, until: Timestamp) -> Result<(), Error> {
        let is_kept = |end: &Timestamp| *end >= until;
        if self.kept.lock().get(hash).is_some_and(is_kept) {
            return Ok(());
        }
        let (end, key) = (until.plus(SPARE_TIME), hash.to_owned());
        let put = self.store.write(Warrant::server(), Lane::Any, move |rows| {
            Ok(rows.put_session_context(&key, &document, end)?)
        });
        put.await?;
        let mut kept = self.kept.lock();
        if kept.len() >= MAX_REMEMBERED {
            kept.clear();
        }
        kept.insert(hash.to_owned(), end);
        Ok(())
    }

    /// The session that a registry token holds; `None` if its context is gone.
    pub(crate) async fn restore(&self, held: &HeldSession) -> Result<Option<Session>, Error> {
        let Some(hash) = held.context.clone() else {
            return Ok(Some(held.session(&SessionContext::default())?));
        };
        let key = hash.clone();
        let read = move |rows: &mut dyn ReadTransaction| {
            let Some(text) = rows.session_context(&key)? else {
                return Ok(None);
            };
            Ok(Some(Arc::new(SessionContext::read(&text)?)))
        };
        let found = self
            .store
            .recall(Warrant::server(), &self.contexts, hash, |_| 1, read)
            .await?;
        found.map(|context| held.session(&context)).transpose()
    }

    /// `ASIA` and 80 random bits.
    fn fresh_id(&self) -> String {
        let random = self.ids.random();
        let letters = random
            .iter()
            .filter_map(|byte| LETTERS.get(usize::from(byte & 31)));
        let letters = letters.map(|letter| char::from(*letter));
        ACCESS_KEY_PREFIX.chars().chain(letters).collect()
    }
}
