//! The Security Token Service: who gets temporary credentials for whom (STS API Reference).
//!
//! - [`assume_role`]: a role, for those whom its trust policy lets (and whose own policies do)
//! - [`web_identity`]: a role, for those whom a registered provider of identities vouches for; `key_sets` has the
//!   providers' keys
//! - [`own_sessions`]: sessions that a user gets for itself, or for a named part of itself
//! - `narrowing`: the session policies that a request may pass
//! - [`provider_keys`]: keys of a provider that cannot be asked for them

pub mod assume_role;
mod key_sets;
mod narrowing;
pub mod own_sessions;
pub mod provider_keys;
mod trust;
pub mod web_identity;

use std::sync::Arc;

use ecru_domain::{
    AccountId, Action, Error, Principal, Refusal, Session, SessionKind, StsRefusal, Timestamp,
    sessions,
};
use ecru_ports::{Clock, IdentityTokens};

pub use self::assume_role::AssumeRole;
use self::key_sets::KeySets;
pub use self::narrowing::Narrowing;
pub use self::own_sessions::{GetFederationToken, GetSessionToken};
pub(crate) use self::trust::AskedRole;
pub use self::web_identity::{AssumeRoleWithWebIdentity, WebIdentitySession};
use crate::access::{Access, RequestContext, Resource};
use crate::identity::Identity;
use crate::sessions::{SessionContext, SessionCredentials, Sessions};
use crate::store::Store;

/// A session and its credentials.
#[derive(Clone, Debug)]
pub struct IssuedSession {
    /// The credentials.
    pub credentials: SessionCredentials,
    /// The ARN of the session.
    pub arn: String,
    /// `AROA…:name`, or `account:name` of a federated user.
    pub user_id: String,
    /// How much of the room for policies and tags it takes, in percent; `None` if it has none.
    pub packed_policy_size: Option<u32>,
    /// Who is behind it.
    pub source_identity: Option<String>,
}

/// Temporary credentials.
#[derive(Clone)]
pub struct Sts {
    access: Access,
    store: Store,
    identity: Identity,
    sessions: Sessions,
    key_sets: KeySets,
    identity_tokens: Arc<dyn IdentityTokens>,
    clock: Arc<dyn Clock>,
}

impl Sts {
    /// Over the store.
    pub(crate) fn new(
        access: Access,
        store: Store,
        identity: Identity,
        sessions: Sessions,
        outside: &crate::Outside,
    ) -> Self {
        Self {
            access,
            store,
            identity,
            sessions,
            key_sets: KeySets::new(outside),
            identity_tokens: Arc::clone(&outside.identity_tokens),
            clock: Arc::clone(&outside.clock),
        }
    }

    /// `sts:GetAccessKeyInfo`: whose a long-term access key is. Those of sessions are told by nothing but their token.
    pub async fn access_key_info(
        &self,
        context: &RequestContext,
        access_key_id: &str,
    ) -> Result<AccountId, Error> {
        refuse_users_sessions(context, Action::GET_ACCESS_KEY_INFO)?;
        let resource = Resource::Any(context.own_registry());
        self.access
            .authorize(context, Action::GET_ACCESS_KEY_INFO, resource)
            .await?;
        let found = self.identity.account_of(access_key_id).await?;
        found.ok_or_else(|| invalid("The access key id is not known."))
    }

    /// Credentials for a session of `principal`.
    async fn issue(&self, principal: Principal) -> Result<IssuedSession, Error> {
        let session = principal.session.as_ref();
        let session = session.ok_or_else(|| Error::internal("there is no session to issue"))?;
        let packed = SessionContext::of(session).packed_bytes()?;
        let percent = sessions::decide_packed_size(packed)?;
        let (arn, user_id) = (principal.arn.clone(), principal.user_id());
        let source_identity = session.source_identity.clone();
        Ok(IssuedSession {
            credentials: self.sessions.issue(principal).await?,
            arn,
            user_id,
            packed_policy_size: (packed > 0).then_some(percent),
            source_identity,
        })
    }
}

/// A session with nothing but a beginning and an end.
fn bare_session(kind: SessionKind, name: String, now: Timestamp, seconds: u32) -> Session {
    Session {
        kind,
        name,
        issued_at: now,
        expires_at: now.plus(std::time::Duration::from_secs(seconds.into())),
        tags: Vec::new(),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
        policies: Vec::new(),
        provider: None,
        source_key: None,
        fingerprint: String::new(),
    }
}

fn invalid(message: impl Into<String>) -> Error {
    let message = message.into();
    StsRefusal::ValidationError { message }.into()
}

fn denied(message: impl Into<String>) -> Error {
    let message = message.into();
    StsRefusal::AccessDenied { message }.into()
}

/// Codes of a second factor are taken from nobody: no device can be registered.
fn refuse_second_factor(is_given: bool) -> Result<(), Error> {
    if is_given {
        return Err(denied(
            "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.",
        ));
    }
    Ok(())
}

/// Sessions that a user got for itself use little of STS (IAM User Guide, "Compare AWS STS credentials").
fn refuse_users_sessions(context: &RequestContext, action: Action) -> Result<(), Error> {
    match context.principal.session_kind() {
        None | Some(SessionKind::AssumedRole) => Ok(()),
        Some(SessionKind::FederatedUser | SessionKind::OwnUser) => Err(Refusal::AccessDenied {
            principal: context.principal.arn.clone(),
            action,
            resource: "*".to_owned(),
            reason: String::new(),
        }
        .into()),
    }
}
