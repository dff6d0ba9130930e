//! Who makes a request.

use std::sync::Arc;

use crate::account::AccountId;
use crate::timestamp::Timestamp;

/// An authenticated identity. What it may do is decided afresh for every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The account it belongs to.
    pub account: AccountId,
    /// Its ARN, as policies and error messages name it; of a session of a role or of a federated user, the session's.
    pub arn: String,
    /// The unique id of the user, of the session's role, or of the user whose federated session this is; of the root
    /// user, the account's. A principal created again under the same name has another one.
    pub unique_id: String,
    /// The access key that signed the request, or for which the token was issued.
    pub access_key_id: String,
    /// The session, if the credentials are temporary.
    pub session: Option<Arc<Session>>,
}

/// What kind of session temporary credentials are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionKind {
    /// `AssumeRole…`: acts as a role.
    AssumedRole,
    /// `GetFederationToken`: acts as a named part of a user.
    FederatedUser,
    /// `GetSessionToken`: acts as the user itself.
    OwnUser,
}

impl SessionKind {
    /// Whether such a session may use a service at all, by its IAM prefix. Sessions that a user got for itself are
    /// kept from IAM, because none is proven by a second factor (STS, "Requesting temporary security credentials").
    pub fn may_use(self, service: &str) -> bool {
        self == Self::AssumedRole || service != "iam"
    }
}

/// What temporary credentials carry (STS, "Temporary security credentials").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Of which kind.
    pub kind: SessionKind,
    /// The role session's or federated user's name; empty for a user itself.
    pub name: String,
    /// When the credentials were issued (`aws:TokenIssueTime`).
    pub issued_at: Timestamp,
    /// When they end.
    pub expires_at: Timestamp,
    /// Session tags.
    pub tags: Vec<(String, String)>,
    /// Keys of those tags that go on to the next role of a chain.
    pub transitive_tag_keys: Vec<String>,
    /// Who is behind it, through all roles of a chain (`aws:SourceIdentity`).
    pub source_identity: Option<String>,
    /// Session policies.
    pub policies: Vec<SessionPolicy>,
    /// The identity provider that vouched for it (`aws:FederatedProvider`).
    pub provider: Option<String>,
    /// The long-term access key with which a user got it; it ends with that key. A role's session has none.
    pub source_key: Option<SourceKey>,
    /// Tells apart sessions with other tags or policies: the hash of all that the credentials carry.
    pub fingerprint: String,
}

/// A long-term access key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SourceKey {
    /// Its id.
    pub id: String,
    /// When it was made: another secret under the same id is another key.
    pub born_at: Timestamp,
}

/// A policy that narrows a session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SessionPolicy {
    /// A document that was passed.
    Inline(String),
    /// The ARN of a managed policy.
    Managed(String),
}

impl Principal {
    /// The root user of an account.
    pub fn root(account: AccountId, access_key_id: String) -> Self {
        let arn = format!("arn:aws:iam::{account}:root");
        Self {
            unique_id: account.as_str().to_owned(),
            account,
            arn,
            access_key_id,
            session: None,
        }
    }

    /// Whether this is the root user of its account.
    pub fn is_root(&self) -> bool {
        self.unique_id == self.account.as_str()
            && self.session_kind() != Some(SessionKind::FederatedUser)
    }

    /// The kind of its session, if the credentials are temporary.
    pub fn session_kind(&self) -> Option<SessionKind> {
        self.session.as_ref().map(|session| session.kind)
    }

    /// `aws:userid`: the unique id, with the session's name where there is one.
    pub fn user_id(&self) -> String {
        match &self.session {
            Some(session) if session.kind == SessionKind::AssumedRole => {
                format!("{}:{}", self.unique_id, session.name)
            }
            Some(session) if session.kind == SessionKind::FederatedUser => {
                format!("{}:{}", self.account, session.name)
            }
            Some(_) | None => self.unique_id.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(kind: SessionKind, name: &str) -> Arc<Session> {
        Arc::new(Session {
            kind,
            name: name.to_owned(),
            issued_at: Timestamp::default(),
            expires_at: Timestamp::default(),
            tags: Vec::new(),
            transitive_tag_keys: Vec::new(),
            source_identity: None,
            policies: Vec::new(),
            provider: None,
            source_key: None,
            fingerprint: String::new(),
        })
    }

    #[test]
    fn sessions_are_named_in_user_ids_and_a_federated_session_of_root_is_not_root() {
        let account = AccountId::parse("111122223333").unwrap();
        let mut principal = Principal::root(account, "AKIA1".to_owned());
        assert!(principal.is_root());
        assert_eq!(principal.user_id(), "111122223333");
        principal.session = Some(session(SessionKind::OwnUser, ""));
        assert!(principal.is_root());
        principal.session = Some(session(SessionKind::FederatedUser, "bob"));
        assert!(!principal.is_root());
        assert_eq!(principal.user_id(), "111122223333:bob");
        principal.unique_id = "AROA1".to_owned();
        principal.session = Some(session(SessionKind::AssumedRole, "ci"));
        assert_eq!(principal.user_id(), "AROA1:ci");
    }
}
