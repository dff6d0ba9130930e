//! Authorization tokens, layer links and page tokens: sealed claims, checked afresh at every use.
//!
//! A token stands for a principal, not for permissions. Each use checks that its time is not over and that the
//! access key for which it was issued is alive and still the principal's, or that the role or user stands whose
//! session it was issued for; what the principal may do is then decided as for any request. It lives its twelve hours,
//! also where the session ends before (ECR API Reference, `GetAuthorizationToken`).

use std::sync::Arc;
use std::time::Duration;

use ecru_domain::{
    AccountId, Action, Digest, Error, Principal, Refusal, Region, Registry, RepositoryName,
    Timestamp,
};
use ecru_ports::Clock;
use serde::{Deserialize, Serialize};

use crate::access::{Access, RequestContext, Resource};
use crate::identity::Identity;
use crate::remembered::Remembered;
use crate::server_keys::{Purpose, ServerKeys, TOKEN_LIFETIME};
use crate::sessions::{HeldSession, Sessions};
use crate::store::Store;

/// The user name of every token.
pub const USER: &str = "AWS";

/// The longest password or link that is looked at.
const MAX_SEALED: usize = 1_800;

/// How long a layer link works.
pub const LINK_LIFETIME: Duration = Duration::from_secs(3600);

/// What `GetAuthorizationToken` hands out.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizationToken {
    /// The password that goes with the user name `AWS`.
    pub password: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Who comes with a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenHolder {
    /// For whom it was issued.
    pub principal: Principal,
    /// Where it may be used.
    pub region: Region,
}

/// What a layer link opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerLink {
    /// Who asked for it.
    pub holder: TokenHolder,
    /// The registry.
    pub registry: Registry,
    /// The repository.
    pub name: RepositoryName,
    /// The layer.
    pub digest: Digest,
    /// Whether an image referred to it when the link was made.
    pub was_referenced: bool,
}

#[derive(Serialize, Deserialize)]
struct TokenClaims {
    #[serde(rename = "a")]
    account: String,
    #[serde(rename = "r")]
    region: String,
    #[serde(rename = "u")]
    unique_id: String,
    #[serde(rename = "k")]
    access_key_id: String,
    /// When that access key was made, in microseconds: another secret under the same id is another key.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    access_key_born_at: Option<i64>,
    /// The session, if the access key is one's; what is large of it is kept in a row.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    session: Option<HeldSession>,
    #[serde(rename = "i")]
    issued_at: i64,
    #[serde(rename = "e")]
    expires_at: i64,
}

#[derive(Serialize, Deserialize)]
struct LinkClaims {
    #[serde(flatten)]
    token: TokenClaims,
    #[serde(rename = "o")]
    owner: String,
    #[serde(rename = "n")]
    name: String,
    #[serde(rename = "d")]
    digest: String,
    #[serde(rename = "f")]
    was_referenced: bool,
}

#[derive(Serialize, Deserialize)]
struct PageClaims {
    #[serde(rename = "l")]
    list: String,
    #[serde(rename = "p")]
    position: String,
}

/// Tokens remembered.
const MAX_REMEMBERED: usize = 10_000;

/// What a token says, and who stands behind it as long as nothing is changed on which that depends.
#[derive(Clone)]
struct OpenedToken {
    holder: TokenHolder,
    expires_at: i64,
}

/// Issues and opens tokens.
#[derive(Clone)]
pub struct Tokens {
    store: Store,
    /// By their hashes, so that no token stays in memory. To open one costs 3 µs, 8 % of a manifest GET.
    opened: Arc<Remembered<Digest, OpenedToken>>,
    access: Access,
    identity: Identity,
    server_keys: ServerKeys,
    sessions: Sessions,
    clock: Arc<dyn Clock>,
}

impl Tokens {
    /// Over the server's keys.
    pub(crate) fn new(
        store: Store,
        access: Access,
        identity: Identity,
        server_keys: ServerKeys,
        sessions: Sessions,
        outside: &crate::Outside,
    ) -> Self {
        Self {
            store,
            opened: Arc::new(Remembered::new(MAX_REMEMBERED)),
            access,
            identity,
            server_keys,
            sessions,
            clock: Arc::clone(&outside.clock),
        }
    }

    /// `ecr:GetAuthorizationToken`: a token of the caller for the region of the request.
    pub async fn issue(&self, context: &RequestContext) -> Result<AuthorizationToken, Error> {
        let resource = Resource::Any(context.own_registry());
        self.access
            .authorize(context, Action::GET_AUTHORIZATION_TOKEN, resource)
            .await?;
        let now = self.clock.now();
        let expires_at = now.plus(TOKEN_LIFETIME);
        let claims = self
            .claims(&context.principal, &context.region, now, expires_at)
            .await?;
        let password = self
            .server_keys
            .seal(Purpose::RegistryToken, &to_bytes(&claims)?)
            .await?;
        Ok(AuthorizationToken {
            password,
            expires_at,
        })
    }

    /// Who comes with a user name and a password. Refused with `TokenInvalid` or `TokenExpired`.
    pub async fn authenticate(
        &self,
        user: &str,
        password: &str,
        now: Timestamp,
    ) -> Result<TokenHolder, Error> {
        if user != USER || password.len() > MAX_SEALED {
            return Err(Refusal::TokenInvalid.into());
        }
        let hash = Digest::sha256(password.as_bytes());
        let structure = self.store.structure().await;
        if let Some(opened) = self.opened.get(structure, &hash) {
            return opened.admit(now);
        }
        let opened = self.open_token(password).await?;
        self.opened.put(structure, hash, opened.clone(), 1);
        opened.admit(now)
    }

    async fn open_token(&self, password: &str) -> Result<OpenedToken, Error> {
        let bytes = self
            .server_keys
            .open(Purpose::RegistryToken, password)
            .await?
            .ok_or(Refusal::TokenInvalid)?;
        let claims: TokenClaims =
            serde_json::from_slice(&bytes).map_err(|_| Refusal::TokenInvalid)?;
        self.behind(&claims).await
    }

    /// Seals a link.
    pub(crate) async fn seal_link(&self, link: &LayerLink) -> Result<String, Error> {
        let now = self.clock.now();
        let (holder, expires_at) = (&link.holder, now.plus(LINK_LIFETIME));
        let claims = LinkClaims {
            token: self
                .claims(&holder.principal, &holder.region, now, expires_at)
                .await?,
            owner: link.registry.account.to_string(),
            name: link.name.to_string(),
            digest: link.digest.to_string(),
            was_referenced: link.was_referenced,
        };
        self.server_keys
            .seal(Purpose::LayerLink, &to_bytes(&claims)?)
            .await
    }

    /// What a link opens. Refused with `TokenInvalid` or `TokenExpired`.
    pub(crate) async fn open_link(&self, sealed: &str, now: Timestamp) -> Result<LayerLink, Error> {
        if sealed.len() > MAX_SEALED {
            return Err(Refusal::TokenInvalid.into());
        }
        let bytes = self
            .server_keys
            .open(Purpose::LayerLink, sealed)
            .await?
            .ok_or(Refusal::TokenInvalid)?;
        let claims: LinkClaims =
            serde_json::from_slice(&bytes).map_err(|_| Refusal::TokenInvalid)?;
        let holder = self.behind(&claims.token).await?.admit(now)?;
        let invalid = |_| Refusal::TokenInvalid;
        let account = AccountId::parse(&claims.owner).map_err(invalid)?;
        Ok(LayerLink {
            registry: Registry {
                account,
                region: holder.region.clone(),
            },
            holder,
            name: RepositoryName::parse(&claims.name).map_err(invalid)?,
            digest: Digest::parse(&claims.digest).map_err(invalid)?,
            was_referenced: claims.was_referenced,
        })
    }

    /// Seals where a page of `list` ended. `list` names the operation and everything that selects its items.
    pub(crate) async fn seal_page(&self, list: &str, position: &str) -> Result<String, Error> {
        let claims = PageClaims {
            list: list.to_owned(),
            position: position.to_owned(),
        };
        self.server_keys
            .seal(Purpose::PageToken, &to_bytes(&claims)?)
            .await
    }

    /// Where the page before ended. Refused with `PageTokenInvalid` if the token is of another list.
    pub(crate) async fn open_page(
        &self,
        list: &str,
        token: Option<&str>,
    ) -> Result<Option<String>, Error> {
        let Some(token) = token else { return Ok(None) };
        let bytes = self
            .server_keys
            .open(Purpose::PageToken, token)
            .await?
            .ok_or(Refusal::PageTokenInvalid)?;
        let claims: PageClaims =
            serde_json::from_slice(&bytes).map_err(|_| Refusal::PageTokenInvalid)?;
        if claims.list == list {
            Ok(Some(claims.position))
        } else {
            Err(Refusal::PageTokenInvalid.into())
        }
    }

    async fn claims(
        &self,
        principal: &Principal,
        region: &Region,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<TokenClaims, Error> {
        let mut claims = TokenClaims {
            account: principal.account.to_string(),
            region: region.to_string(),
            unique_id: principal.unique_id.clone(),
            access_key_id: principal.access_key_id.clone(),
            access_key_born_at: None,
            session: None,
            issued_at: now.seconds(),
            expires_at: expires_at.seconds(),
        };
        if let Some(session) = &principal.session {
            let held = self.sessions.hold(principal, session, expires_at).await?;
            claims.session = Some(held);
        } else {
            let key = self.identity.living_key(&principal.access_key_id).await?;
            let (_, born_at) = key.ok_or(Refusal::TokenInvalid)?;
            claims.access_key_born_at = Some(born_at.micros());
        }
        Ok(claims)
    }

    async fn behind(&self, claims: &TokenClaims) -> Result<OpenedToken, Error> {
        let found = match &claims.session {
            Some(held) => self.session_holder(claims, held).await?,
            None => self.key_holder(claims).await?,
        };
        let principal = found.ok_or(Refusal::TokenInvalid)?;
        let region = Region::parse(&claims.region).map_err(|_| Refusal::TokenInvalid)?;
        Ok(OpenedToken {
            holder: TokenHolder { principal, region },
            expires_at: claims.expires_at,
        })
    }

    async fn key_holder(&self, claims: &TokenClaims) -> Result<Option<Principal>, Error> {
        let found = self.identity.living_key(&claims.access_key_id).await?;
        Ok(found.and_then(|(principal, born_at)| {
            let is_same_key = claims.access_key_born_at == Some(born_at.micros());
            let is_same_owner = principal.unique_id == claims.unique_id
                && principal.account.as_str() == claims.account;
            (is_same_key && is_same_owner).then_some(principal)
        }))
    }

    async fn session_holder(
        &self,
        claims: &TokenClaims,
        held: &HeldSession,
    ) -> Result<Option<Principal>, Error> {
        let Some(session) = self.sessions.restore(held).await? else {
            return Ok(None);
        };
        let (account, unique_id) = (&claims.account, &claims.unique_id);
        let Some(mut principal) = held.principal(account, unique_id, session) else {
            return Ok(None);
        };
        principal.access_key_id.clone_from(&claims.access_key_id);
        self.identity.living(principal).await
    }
}

impl OpenedToken {
    /// Who comes with it, unless its time is over.
    fn admit(self, now: Timestamp) -> Result<TokenHolder, Error> {
        if now.seconds() >= self.expires_at {
            return Err(Refusal::TokenExpired.into());
        }
        Ok(self.holder)
    }
}

fn to_bytes(claims: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(claims).map_err(Error::internal)
}
