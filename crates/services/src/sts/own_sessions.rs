//! `GetSessionToken` and `GetFederationToken`: sessions that a user gets for itself, and for a named part of itself
//! (STS API Reference). They end with the access key that asked for them.

use std::sync::Arc;

use ecru_domain::sessions::{self, SessionTag, SessionTags};
use ecru_domain::{Action, Error, Principal, Refusal, SessionKind, SourceKey};

use super::{IssuedSession, Narrowing, Sts, bare_session, denied, refuse_second_factor};
use crate::access::{Demand, RequestContext, Resource};

/// What `GetSessionToken` asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GetSessionToken {
    /// How long it lasts, in seconds.
    pub seconds: Option<u32>,
    /// Whether a code of a second factor came with it.
    pub has_second_factor: bool,
}

/// What `GetFederationToken` asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GetFederationToken {
    /// What the federated user is called.
    pub name: String,
    /// How long it lasts, in seconds.
    pub seconds: Option<u32>,
    /// What it may do at most. Without any, it may do what policies of resources allow it by its name, and nothing else.
    pub narrowing: Narrowing,
    /// Its tags.
    pub tags: Vec<SessionTag>,
}

impl Sts {
    /// A session of the caller itself, which needs no permission.
    pub async fn session_token(
        &self,
        context: &RequestContext,
        command: &GetSessionToken,
    ) -> Result<IssuedSession, Error> {
        refuse_sessions(context, "GetSessionToken")?;
        refuse_second_factor(command.has_second_factor)?;
        let caller = &context.principal;
        let seconds = sessions::decide_own_seconds(command.seconds, caller.is_root())?;
        let now = self.clock.now();
        let mut session = bare_session(SessionKind::OwnUser, String::new(), now, seconds);
        session.source_key = Some(self.source_key(caller).await?);
        let principal = Principal {
            session: Some(Arc::new(session)),
            ..caller.clone()
        };
        self.issue(principal).await
    }

    /// A session of a named part of the caller.
    pub async fn federation_token(
        &self,
        context: &RequestContext,
        command: GetFederationToken,
    ) -> Result<IssuedSession, Error> {
        refuse_sessions(context, "GetFederationToken")?;
        let caller = &context.principal;
        let arn = format!(
            "arn:aws:sts::{}:federated-user/{}",
            caller.account, command.name
        );
        let resource = Resource::named(context.own_registry(), arn.clone(), Vec::new());
        let demand =
            |action| Demand::new(action, resource.clone()).with_request_tags(&command.tags);
        let wanted = demand(Action::GET_FEDERATION_TOKEN);
        self.access.authorize_demand(context, wanted).await?;
        if !command.tags.is_empty() {
            let wanted = demand(Action::TAG_SESSION);
            self.access.authorize_demand(context, wanted).await?;
        }
        let tags = sessions::decide_tags(command.tags, Vec::new(), SessionTags::default())?;
        let seconds = sessions::decide_own_seconds(command.seconds, caller.is_root())?;
        let policies = self.session_policies(&caller.account, command.narrowing);
        let policies = policies.await?;
        let now = self.clock.now();
        let mut session = bare_session(SessionKind::FederatedUser, command.name, now, seconds);
        session.tags = tags.tags;
        session.policies = policies;
        session.source_key = Some(self.source_key(caller).await?);
        let principal = Principal {
            arn,
            session: Some(Arc::new(session)),
            ..caller.clone()
        };
        self.issue(principal).await
    }
}

impl Sts {
    /// The access key with which the caller asks: the session ends with it.
    async fn source_key(&self, caller: &Principal) -> Result<SourceKey, Error> {
        let found = self.identity.source_key(caller).await?;
        found.ok_or_else(|| Refusal::TokenInvalid.into())
    }
}

/// Temporary credentials beget no others of these kinds.
fn refuse_sessions(context: &RequestContext, operation: &str) -> Result<(), Error> {
    if context.principal.session.is_none() {
        return Ok(());
    }
    Err(denied(format!(
        "Cannot call {operation} with session credentials"
    )))
}
