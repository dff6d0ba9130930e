//! What travels, sealed, in a session token, and what a registry token of a session keeps of it.
//!
//! Names are short: a registry token has 1,800 characters for everything. The form is for as long as tokens live; a
//! field is added with a default.

use std::sync::Arc;

use ecru_domain::{
    AccountId, Digest, Error, Principal, Session, SessionKind, SessionPolicy, SourceKey, Timestamp,
};
use serde::{Deserialize, Serialize};

/// Everything that temporary credentials carry.
#[derive(Serialize, Deserialize)]
pub(crate) struct SessionClaims {
    #[serde(rename = "a")]
    account: String,
    #[serde(rename = "u")]
    unique_id: String,
    #[serde(rename = "k")]
    pub(crate) access_key_id: String,
    #[serde(rename = "e")]
    pub(crate) expires_at: i64,
    #[serde(rename = "h")]
    held: HeldSession,
    #[serde(rename = "c")]
    context: SessionContext,
}

/// The part of a session that has a small bound.
#[derive(Serialize, Deserialize)]
pub(crate) struct HeldSession {
    #[serde(rename = "t")]
    kind: HeldKind,
    #[serde(rename = "p")]
    pub(crate) arn: String,
    #[serde(rename = "i")]
    issued_at: i64,
    #[serde(rename = "e")]
    expires_at: i64,
    /// Id of the access key with which a user got it, and when that was made, in microseconds.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    source_key: Option<(String, i64)>,
    /// The hash of its context, where that is kept apart.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(crate) context: Option<String>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum HeldKind {
    #[serde(rename = "r")]
    Role,
    #[serde(rename = "f")]
    Federated,
    #[serde(rename = "o")]
    Own,
}

/// The part that may be large.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionContext {
    #[serde(rename = "t", default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<(String, String)>,
    #[serde(rename = "k", default, skip_serializing_if = "Vec::is_empty")]
    transitive: Vec<String>,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    source_identity: Option<String>,
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    /// Inline policies.
    #[serde(rename = "i", default, skip_serializing_if = "Vec::is_empty")]
    inline: Vec<String>,
    /// ARNs of managed policies.
    #[serde(rename = "m", default, skip_serializing_if = "Vec::is_empty")]
    managed: Vec<String>,
}

impl SessionClaims {
    pub(crate) fn of(principal: &Principal) -> Result<Self, Error> {
        let session = principal.session.as_ref();
        let session = session.ok_or_else(|| Error::internal("there is no session to seal"))?;
        Ok(Self {
            account: principal.account.to_string(),
            unique_id: principal.unique_id.clone(),
            access_key_id: principal.access_key_id.clone(),
            expires_at: session.expires_at.seconds(),
            held: HeldSession::of(principal, session, None),
            context: SessionContext::of(session),
        })
    }

    /// Whose credentials they are; `None` if they make no sense.
    pub(crate) fn principal(&self) -> Result<Option<Principal>, Error> {
        let session = self.held.session(&self.context)?;
        let (account, unique_id) = (&self.account, &self.unique_id);
        let held = self.held.principal(account, unique_id, session);
        Ok(held.map(|principal| Principal {
            access_key_id: self.access_key_id.clone(),
            ..principal
        }))
    }
}

impl HeldSession {
    pub(crate) fn of(principal: &Principal, session: &Session, context: Option<String>) -> Self {
        let source_key = session.source_key.as_ref();
        Self {
            kind: match session.kind {
                SessionKind::AssumedRole => HeldKind::Role,
                SessionKind::FederatedUser => HeldKind::Federated,
                SessionKind::OwnUser => HeldKind::Own,
            },
            arn: principal.arn.clone(),
            issued_at: session.issued_at.seconds(),
            expires_at: session.expires_at.seconds(),
            source_key: source_key.map(|key| (key.id.clone(), key.born_at.micros())),
            context,
        }
    }

    /// Whose session it is; `None` if the claims make no sense together. The access key id is left empty.
    pub(crate) fn principal(
        &self,
        account: &str,
        unique_id: &str,
        session: Session,
    ) -> Option<Principal> {
        let is_of_user = session.kind != SessionKind::AssumedRole;
        let makes_sense = is_of_user == session.source_key.is_some()
            && (is_of_user || unique_id != account)
            && ecru_policy::Principal::parse(&self.arn).is_ok();
        let account = AccountId::parse(account).ok().filter(|_| makes_sense)?;
        Some(Principal {
            account,
            arn: self.arn.clone(),
            unique_id: unique_id.to_owned(),
            access_key_id: String::new(),
            session: Some(Arc::new(session)),
        })
    }

    /// The session, with its context.
    pub(crate) fn session(&self, context: &SessionContext) -> Result<Session, Error> {
        let inline = context.inline.iter().cloned().map(SessionPolicy::Inline);
        let managed = context.managed.iter().cloned().map(SessionPolicy::Managed);
        let kind = match self.kind {
            HeldKind::Role => SessionKind::AssumedRole,
            HeldKind::Federated => SessionKind::FederatedUser,
            HeldKind::Own => SessionKind::OwnUser,
        };
        let name = self.arn.rsplit('/').next().unwrap_or_default();
        Ok(Session {
            kind,
            name: match kind {
                SessionKind::OwnUser => String::new(),
                SessionKind::AssumedRole | SessionKind::FederatedUser => name.to_owned(),
            },
            issued_at: Timestamp::from_seconds(self.issued_at),
            expires_at: Timestamp::from_seconds(self.expires_at),
            tags: context.tags.clone(),
            transitive_tag_keys: context.transitive.clone(),
            source_identity: context.source_identity.clone(),
            policies: inline.chain(managed).collect(),
            provider: context.provider.clone(),
            source_key: self.source_key.as_ref().map(|(id, born_at)| SourceKey {
                id: id.clone(),
                born_at: Timestamp::from_micros(*born_at),
            }),
            fingerprint: fingerprint(kind, context)?,
        })
    }
}

/// Sessions of the same identity that differ in it are bound by different things.
fn fingerprint(kind: SessionKind, context: &SessionContext) -> Result<String, Error> {
    let (hash, _) = context.hashed()?;
    Ok(format!("{kind:?} {hash}"))
}

impl SessionContext {
    pub(crate) fn of(session: &Session) -> Self {
        let (mut inline, mut managed) = (Vec::new(), Vec::new());
        for policy in &session.policies {
            match policy {
                SessionPolicy::Inline(text) => inline.push(text.clone()),
                SessionPolicy::Managed(arn) => managed.push(arn.clone()),
            }
        }
        Self {
            tags: session.tags.clone(),
            transitive: session.transitive_tag_keys.clone(),
            source_identity: session.source_identity.clone(),
            provider: session.provider.clone(),
            inline,
            managed,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Its hash, and what it is the hash of.
    pub(crate) fn hashed(&self) -> Result<(String, String), Error> {
        let document = serde_json::to_string(self).map_err(Error::internal)?;
        let hash = Digest::sha256(document.as_bytes()).hex().to_owned();
        Ok((hash, document))
    }

    pub(crate) fn read(document: &str) -> Result<Self, Error> {
        serde_json::from_str(document).map_err(Error::internal)
    }

    /// How many bytes its policies and tags take in a token; none if there are none.
    pub(crate) fn packed_bytes(&self) -> Result<usize, Error> {
        let narrowed = Self {
            source_identity: None,
            provider: None,
            ..self.clone()
        };
        if narrowed.is_empty() {
            return Ok(0);
        }
        let (_, document) = narrowed.hashed()?;
        Ok(document.len())
    }
}
