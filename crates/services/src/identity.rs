//! Identities: whose access key or session signed a request, and the first key of all.
//!
//! Whoever it is must stand now: a user or role that is gone, or an account that was closed, signs nothing any more,
//! and what a user got with an access key ends with that key.

use std::sync::Arc;

use ecru_domain::{AccountId, Error, Principal, Registry, SessionKind, SourceKey, Timestamp};
use ecru_ports::metadata::{AccessKeyRecord, Lane, ReadTransaction};
use ecru_ports::{Clock, KeyStore};
use zeroize::Zeroizing;

use crate::access::{RequestContext, Standings};
use crate::remembered::Remembered;
use crate::server_keys::ServerKeys;
use crate::sessions::Sessions;
use crate::store::{Store, Warrant};

/// Access keys remembered.
const MAX_REMEMBERED: usize = 10_000;

/// An access key that may sign.
pub struct SigningKey {
    /// Whom it stands for.
    pub principal: Principal,
    /// The secret.
    pub secret: Zeroizing<Vec<u8>>,
}

/// What `sts:GetCallerIdentity` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The account.
    pub account: AccountId,
    /// The principal.
    pub arn: String,
    /// Its unique id.
    pub user_id: String,
}

/// A pair of access key id and secret.
pub struct AccessKeyPair {
    /// `AKIA…`
    pub id: String,
    /// The secret.
    pub secret: Zeroizing<String>,
}

/// What became of the root user's access key at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootKeyOutcome {
    /// The key given is the one the store knows.
    Unchanged,
    /// The store had none; the key given is the first.
    Created,
    /// The store had another; it is gone, and with it every token issued for it.
    Replaced,
}

/// Who a caller is.
#[derive(Clone)]
pub struct Identity {
    store: Store,
    keys: Arc<dyn KeyStore>,
    clock: Arc<dyn Clock>,
    server_keys: ServerKeys,
    standings: Standings,
    sessions: Sessions,
    known: Arc<Remembered<String, Option<AccessKeyRecord>>>,
}

impl Identity {
    /// Over the store.
    pub(crate) fn new(
        store: Store,
        access: &crate::Access,
        server_keys: ServerKeys,
        sessions: Sessions,
        outside: &crate::Outside,
    ) -> Self {
        Self {
            store,
            keys: Arc::clone(&outside.keys),
            clock: Arc::clone(&outside.clock),
            server_keys,
            standings: access.standings().clone(),
            sessions,
            known: Arc::new(Remembered::new(MAX_REMEMBERED)),
        }
    }

    /// The secret and the principal of an access key, long-term or (with the token of its session) temporary; `None` if
    /// nobody has it, or not any more. Refused with `TokenExpired` when the session's time is over.
    pub async fn signing_key(
        &self,
        access_key_id: &str,
        session_token: Option<&str>,
    ) -> Result<Option<SigningKey>, Error> {
        let claimed = match session_token {
            Some(token) => self.sessions.open(token, access_key_id).await?,
            None => self.long_term_key(access_key_id).await?,
        };
        let Some((principal, secret)) = claimed else {
            return Ok(None);
        };
        let living = self.living(principal).await?;
        Ok(living.map(|principal| SigningKey { principal, secret }))
    }

    async fn long_term_key(
        &self,
        id: &str,
    ) -> Result<Option<(Principal, Zeroizing<Vec<u8>>)>, Error> {
        let Some(record) = self.access_key(id).await? else {
            return Ok(None);
        };
        let secret = self
            .keys
            .open_under_root(&secret_context(&record.id), &record.sealed_secret)
            .await
            .map_err(Error::internal)?;
        Ok(Some((principal_of(record), secret)))
    }

    /// The principal under the ARN that it has now; `None` if its user, role or account is gone, or the access key
    /// with which its session was got.
    pub(crate) async fn living(
        &self,
        mut principal: Principal,
    ) -> Result<Option<Principal>, Error> {
        let source_key = principal.session.as_ref();
        let source_key = source_key.and_then(|session| session.source_key.as_ref());
        if let Some(source_key) = source_key
            && !self.is_alive(source_key, &principal).await?
        {
            return Ok(None);
        }
        let Some(standing) = self.standings.find(&principal).await? else {
            return Ok(None);
        };
        if principal.session_kind() == Some(SessionKind::OwnUser) {
            // users can be renamed while their sessions last
            principal.arn.clone_from(&standing.arn);
        }
        Ok(Some(principal))
    }

    async fn is_alive(&self, key: &SourceKey, principal: &Principal) -> Result<bool, Error> {
        let found = self.living_key(&key.id).await?;
        Ok(found.is_some_and(|(owner, born_at)| {
            born_at == key.born_at && owner.unique_id == principal.unique_id
        }))
    }

    /// The access key with which the caller signs, as its sessions remember it.
    pub(crate) async fn source_key(
        &self,
        principal: &Principal,
    ) -> Result<Option<SourceKey>, Error> {
        let found = self.living_key(&principal.access_key_id).await?;
        Ok(found.map(|(_, born_at)| SourceKey {
            id: principal.access_key_id.clone(),
            born_at,
        }))
    }

    /// The account of a long-term access key, whether it is active or not.
    pub(crate) async fn account_of(&self, access_key_id: &str) -> Result<Option<AccountId>, Error> {
        let id = access_key_id.to_owned();
        let read = self.store.lookup(Warrant::server(), move |rows| {
            Ok(rows.find_access_key(&id)?.map(|record| record.account))
        });
        read.await
    }

    /// The principal of an access key that is alive, and when the key was made.
    pub(crate) async fn living_key(
        &self,
        access_key_id: &str,
    ) -> Result<Option<(Principal, Timestamp)>, Error> {
        let found = self.access_key(access_key_id).await?;
        Ok(found.map(|record| {
            let born_at = record.created_at;
            (principal_of(record), born_at)
        }))
    }

    async fn access_key(&self, id: &str) -> Result<Option<AccessKeyRecord>, Error> {
        let wanted = id.to_owned();
        let read = move |rows: &mut dyn ReadTransaction| Ok(rows.find_access_key(&wanted)?);
        let found = self
            .store
            .recall(Warrant::server(), &self.known, id.to_owned(), |_| 1, read)
            .await?;
        Ok(found.filter(|record| record.active))
    }

    /// `sts:GetCallerIdentity`: allowed to every authenticated principal.
    pub fn caller(&self, context: &RequestContext) -> CallerIdentity {
        let principal = &context.principal;
        CallerIdentity {
            account: principal.account.clone(),
            arn: principal.arn.clone(),
            user_id: principal.user_id(),
        }
    }

    /// Whether the root user of `account` has an access key.
    pub async fn has_root_key(&self, account: &AccountId) -> Result<bool, Error> {
        let arn = root_arn(account);
        self.store
            .lookup(Warrant::server(), move |rows| {
                Ok(!rows.access_keys_of(&arn)?.is_empty())
            })
            .await
    }

    /// Makes `pair` the one access key of the root user of `account`.
    pub async fn set_root_key(
        &self,
        account: &AccountId,
        pair: &AccessKeyPair,
    ) -> Result<RootKeyOutcome, Error> {
        let principal = Principal::root(account.clone(), pair.id.clone());
        if self.is_known(pair, &principal).await? {
            return Ok(RootKeyOutcome::Unchanged);
        }
        let now = self.clock.now();
        let record = self.sealed_record(&principal, pair, now).await?;
        self.store
            .write(Warrant::server(), Lane::Any, move |rows| {
                let old = rows.access_keys_of(&record.principal_arn)?;
                for key in &old {
                    rows.delete_access_key(&key.id)?;
                }
                rows.insert_access_key(&record)?;
                Ok(if old.is_empty() {
                    RootKeyOutcome::Created
                } else {
                    RootKeyOutcome::Replaced
                })
            })
            .await
    }

    /// Ends every token of every account at once (`ecru:RevokeTokens`). `home` is the registry whose administrators may.
    pub async fn revoke_tokens(
        &self,
        access: &crate::Access,
        context: &RequestContext,
        home: &Registry,
    ) -> Result<(), Error> {
        let resource = crate::Resource::Any(home.clone());
        access
            .authorize(context, ecru_domain::Action::REVOKE_TOKENS, resource)
            .await?;
        self.server_keys.rotate(true).await
    }

    async fn is_known(&self, pair: &AccessKeyPair, principal: &Principal) -> Result<bool, Error> {
        let known = self.signing_key(&pair.id, None).await?;
        Ok(known.is_some_and(|known| {
            known.principal == *principal && *known.secret == *pair.secret.as_bytes()
        }))
    }

    pub(crate) async fn sealed_record(
        &self,
        principal: &Principal,
        pair: &AccessKeyPair,
        now: Timestamp,
    ) -> Result<AccessKeyRecord, Error> {
        let context = secret_context(&pair.id);
        let sealed_secret = self
            .keys
            .seal_under_root(&context, pair.secret.as_bytes())
            .await
            .map_err(Error::internal)?;
        Ok(AccessKeyRecord {
            id: pair.id.clone(),
            account: principal.account.clone(),
            principal_arn: principal.arn.clone(),
            principal_unique_id: principal.unique_id.clone(),
            sealed_secret,
            active: true,
            created_at: now,
        })
    }
}

fn root_arn(account: &AccountId) -> String {
    Principal::root(account.clone(), String::new()).arn
}

fn secret_context(id: &str) -> Vec<u8> {
    format!("access key secret {id}").into_bytes()
}

fn principal_of(record: AccessKeyRecord) -> Principal {
    Principal {
        account: record.account,
        arn: record.principal_arn,
        unique_id: record.principal_unique_id,
        access_key_id: record.id,
        session: None,
    }
}
