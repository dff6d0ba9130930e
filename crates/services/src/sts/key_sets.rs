//! The keys of providers of identities, fetched from their issuers (`OpenID` Connect Discovery) and kept for a while.
//!
//! Whoever has a token that names a registered issuer can make the server ask that issuer, so asking is bounded: one
//! request at a time for each issuer, few in all, and not again soon, whatever the answer was.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ecru_domain::Timestamp;
use ecru_ports::{Clock, FetchLimits, IdentityTokens, Outbound};
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::sync::Semaphore;

/// Issuers remembered.
const MAX_ISSUERS: usize = 1_000;

/// Issuers that are asked at once.
const MAX_ASKED: usize = 8;

/// How long keys are used before they are fetched again.
const KEPT: Duration = Duration::from_secs(3_600);

/// How long nothing is fetched again for a key that was not among them.
const PAUSE: Duration = Duration::from_secs(60);

/// How long nothing is fetched again after a failure.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(10);

/// For the issuer's description of itself.
const DESCRIPTION: FetchLimits = FetchLimits {
    bytes: 64 * 1_024,
    time: Duration::from_secs(5),
};

/// For its keys.
const KEYS: FetchLimits = FetchLimits {
    bytes: 256 * 1_024,
    time: Duration::from_secs(5),
};

/// Why there are no keys, for the log and the client: it quotes nothing of an answer.
pub(super) type NoKeys = String;

/// How fresh keys have to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Those that are kept.
    Kept,
    /// New ones: a key was not among those that are kept.
    Fresh,
}

#[derive(Clone, Default)]
struct Entry {
    keys: Option<(Arc<str>, Timestamp)>,
    failure: Option<(NoKeys, Timestamp)>,
}

/// Keys of issuers.
#[derive(Clone)]
pub(super) struct KeySets {
    outbound: Arc<dyn Outbound>,
    identity_tokens: Arc<dyn IdentityTokens>,
    clock: Arc<dyn Clock>,
    entries: Arc<Mutex<HashMap<String, Arc<tokio::sync::Mutex<Entry>>>>>,
    asking: Arc<Semaphore>,
}

#[derive(Deserialize)]
struct Description {
    issuer: String,
    jwks_uri: String,
}

impl KeySets {
    pub(super) fn new(outside: &crate::Outside) -> Self {
        Self {
            outbound: Arc::clone(&outside.outbound),
            identity_tokens: Arc::clone(&outside.identity_tokens),
            clock: Arc::clone(&outside.clock),
            entries: Arc::default(),
            asking: Arc::new(Semaphore::new(MAX_ASKED)),
        }
    }

    /// The keys of a registered issuer.
    pub(super) async fn of(&self, issuer: &str, wanted: Wanted) -> Result<Arc<str>, NoKeys> {
        let entry = self.entry(issuer);
        let mut entry = entry.lock().await;
        let now = self.clock.now();
        if let Some((keys, since)) = &entry.keys {
            let lasts = match wanted {
                Wanted::Kept => KEPT,
                Wanted::Fresh => PAUSE,
            };
            if now < since.plus(lasts) {
                return Ok(Arc::clone(keys));
            }
        }
        if let Some((failure, since)) = &entry.failure
            && now < since.plus(PAUSE_AFTER_FAILURE)
        {
            return Err(failure.clone());
        }
        match self.fetch(issuer).await {
            Ok(keys) => {
                *entry = Entry {
                    keys: Some((Arc::clone(&keys), now)),
                    failure: None,
                };
                Ok(keys)
            }
            Err(failure) => {
                entry.failure = Some((failure.clone(), now));
                Err(failure)
            }
        }
    }

    fn entry(&self, issuer: &str) -> Arc<tokio::sync::Mutex<Entry>> {
        let mut entries = self.entries.lock();
        if entries.len() >= MAX_ISSUERS && !entries.contains_key(issuer) {
            entries.clear();
        }
        Arc::clone(entries.entry(issuer.to_owned()).or_default())
    }

    async fn fetch(&self, issuer: &str) -> Result<Arc<str>, NoKeys> {
        let _turn = self.asking.acquire().await.map_err(told)?;
        let place = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let description = self.outbound.fetch(&place, DESCRIPTION).await;
        let description: Description = serde_json::from_slice(&description.map_err(told)?)
            .map_err(|_| "its OpenID configuration cannot be read".to_owned())?;
        if description.issuer != issuer {
            return Err("its OpenID configuration names another issuer".to_owned());
        }
        let keys = self.outbound.fetch(&description.jwks_uri, KEYS).await;
        let keys = String::from_utf8(keys.map_err(told)?)
            .map_err(|_| "its keys cannot be read".to_owned())?;
        match self.identity_tokens.count_keys(&keys) {
            Ok(0) | Err(_) => Err("it has no keys for signatures".to_owned()),
            Ok(_) => Ok(keys.into()),
        }
    }
}

fn told(error: impl std::fmt::Display) -> NoKeys {
    error.to_string()
}
