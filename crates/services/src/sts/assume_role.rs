//! `AssumeRole` (STS API Reference; IAM User Guide, "Passing session tags", "Monitor and control actions taken with
//! assumed roles").

use std::sync::Arc;

use ecru_domain::sessions::{self, SessionTag, SessionTags};
use ecru_domain::{Action, Error, Principal, Refusal, SessionKind};
use ecru_policy::Value;

use super::trust::AskedRole;
use super::{IssuedSession, Narrowing, Sts, bare_session, denied, refuse_second_factor};
use crate::access::{Demand, RequestContext};

/// What `AssumeRole` asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssumeRole {
    /// The role.
    pub role_arn: String,
    /// What the session is to be called.
    pub session_name: String,
    /// What it may do at most.
    pub narrowing: Narrowing,
    /// How long it lasts, in seconds.
    pub seconds: Option<u32>,
    /// Its tags.
    pub tags: Vec<SessionTag>,
    /// Keys of those tags that go on to the next role.
    pub transitive_tag_keys: Vec<String>,
    /// What the owner of the role gave to the caller to show.
    pub external_id: Option<String>,
    /// Who is behind it.
    pub source_identity: Option<String>,
    /// Whether a code of a second factor came with it.
    pub has_second_factor: bool,
}

/// What a session of a role is to carry.
pub(super) struct RoleSession {
    pub(super) name: String,
    pub(super) seconds: Option<u32>,
    pub(super) is_chained: bool,
    pub(super) tags: SessionTags,
    pub(super) source_identity: Option<String>,
    pub(super) narrowing: Narrowing,
    /// The provider of identities that vouched for it.
    pub(super) provider: Option<String>,
}

impl Sts {
    /// A session of a role.
    pub async fn assume_role(
        &self,
        context: &RequestContext,
        command: AssumeRole,
    ) -> Result<IssuedSession, Error> {
        if context.principal.is_root() {
            return Err(denied("Roles may not be assumed by root accounts."));
        }
        refuse_second_factor(command.has_second_factor)?;
        let role = self.find_role(&command.role_arn).await?;
        let is_federated = context.principal.session_kind() == Some(SessionKind::FederatedUser);
        if is_federated {
            return Err(not_authorized(
                context,
                &role,
                Action::ASSUME_ROLE,
                String::new(),
            ));
        }
        let (inherited, inherited_source) = inherited(&context.principal);
        let source =
            sessions::decide_source_identity(command.source_identity.clone(), inherited_source)?;
        let tags = sessions::decide_tags(
            command.tags.clone(),
            command.transitive_tag_keys.clone(),
            inherited,
        )?;
        let demands = demands(context, &role, &command, (&tags, source.as_deref()));
        let standing = self.access.standings().of(&context.principal).await?;
        let decided = self
            .decide_role(context, &role, &standing, &demands)
            .await?;
        decided.map_err(|(action, reason)| not_authorized(context, &role, action, reason))?;
        let wanted = RoleSession {
            name: command.session_name,
            seconds: command.seconds,
            is_chained: context.principal.session_kind() == Some(SessionKind::AssumedRole),
            tags,
            source_identity: source,
            narrowing: command.narrowing,
            provider: None,
        };
        self.issue_role_session(role, wanted).await
    }

    /// A session of a role for somebody who may have it.
    pub(super) async fn issue_role_session(
        &self,
        role: AskedRole,
        wanted: RoleSession,
    ) -> Result<IssuedSession, Error> {
        let AskedRole { account, found, .. } = role;
        let (entity, document) =
            found.ok_or_else(|| Error::internal("a role was allowed that is not there"))?;
        let most = document.max_session_duration;
        let seconds = sessions::decide_role_seconds(wanted.seconds, most, wanted.is_chained)?;
        let policies = self.session_policies(&account, wanted.narrowing).await?;
        let arn = format!(
            "arn:aws:sts::{account}:assumed-role/{}/{}",
            document.name, wanted.name
        );
        let mut session = bare_session(
            SessionKind::AssumedRole,
            wanted.name,
            self.clock.now(),
            seconds,
        );
        session.tags = wanted.tags.tags;
        session.transitive_tag_keys = wanted.tags.transitive;
        session.source_identity = wanted.source_identity;
        session.policies = policies;
        session.provider = wanted.provider;
        let principal = Principal {
            account,
            arn,
            unique_id: entity.id,
            access_key_id: String::new(),
            session: Some(Arc::new(session)),
        };
        self.issue(principal).await
    }
}

/// The tags and the source identity that go on from the caller's session.
fn inherited(caller: &Principal) -> (SessionTags, Option<String>) {
    match &caller.session {
        Some(session) if session.kind == SessionKind::AssumedRole => {
            let tags = SessionTags::inherited(&session.tags, &session.transitive_tag_keys);
            (tags, session.source_identity.clone())
        }
        Some(_) | None => (SessionTags::default(), None),
    }
}

/// Each action that the request needs, with its condition keys.
fn demands(
    context: &RequestContext,
    role: &AskedRole,
    command: &AssumeRole,
    (tags, source): (&SessionTags, Option<&str>),
) -> Vec<Demand> {
    let mut actions = vec![Action::ASSUME_ROLE];
    if !tags.tags.is_empty() {
        actions.push(Action::TAG_SESSION);
    }
    if source.is_some() {
        actions.push(Action::SET_SOURCE_IDENTITY);
    }
    let with_keys = |action| {
        let demand = role.demand(context, action);
        let mut demand = session_keys(demand, &command.session_name, &command.tags)
            .with_transitive(&command.transitive_tag_keys);
        if let Some(id) = &command.external_id {
            demand = demand.with_key("sts:ExternalId", id.clone());
        }
        match source {
            Some(source) => demand.with_key("sts:SourceIdentity", source),
            None => demand,
        }
    };
    actions.into_iter().map(with_keys).collect()
}

/// A demand with what every request for a role's session tells.
pub(super) fn session_keys(demand: Demand, name: &str, tags: &[SessionTag]) -> Demand {
    demand
        .with_key("sts:RoleSessionName", name)
        .with_request_tags(tags)
}

impl Demand {
    /// The same with the keys of tags that are to go on to the next role.
    #[must_use]
    pub(super) fn with_transitive(self, keys: &[String]) -> Self {
        if keys.is_empty() {
            return self;
        }
        self.with_key("sts:TransitiveTagKeys", Value::Many(keys.to_vec()))
    }
}

fn not_authorized(
    context: &RequestContext,
    role: &AskedRole,
    action: Action,
    reason: String,
) -> Error {
    Refusal::AccessDenied {
        principal: context.principal.arn.clone(),
        action,
        resource: role.arn.clone(),
        reason,
    }
    .into()
}
