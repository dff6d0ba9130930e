//! Authorization: every path asks here, and only a [`Permit`] opens the store.
//!
//! ```text
//! gateway: credentials ──▶ Principal ──▶ RequestContext
//! use case: authorize(context, demand) ──▶ Permit ──▶ Store::lookup / read / write
//!              └ Standing (identity policies, boundary, session, SCPs) + Holding (resource policies, tags, RCPs)
//!                └ ecru_policy::decide ──▶ outcome, layer, statement ──▶ answer, audit, explanation
//! ```
//!
//! The rules are those of `ecru-policy`; here facts are loaded and handed to it (IAM User Guide, "Policy evaluation
//! logic"; ECR User Guide, "Private repository policies").

mod asked_keys;
mod condition_keys;
mod decided;
mod decisions;
mod demand;
mod holding;
mod image_tag;
mod organization;
mod question;
pub(crate) mod standing;

use std::net::IpAddr;
use std::sync::Arc;

use ecru_domain::error::RepositoryLabel;
use ecru_domain::{Action, Error, Principal, Refusal, Region, Registry, RepositoryName, Timestamp};
use ecru_policy::Document;

use self::decided::Decided;
pub use self::decisions::{DecisionNote, Decisions};
pub use self::demand::{Demand, Resource};
use self::holding::{Holding, Holdings};
pub(crate) use self::holding::{
    NARROW_REGISTRY_ACTIONS, NARROW_SCOPE, REGISTRY_POLICY, REPOSITORY_SOURCE,
};
pub(crate) use self::image_tag::TagRight;
pub(crate) use self::organization::{
    AccountPlace, FULL_ACCESS_DOCUMENT, ancestry, attached, is_detached, path_of,
};
use self::question::Question;
pub(crate) use self::standing::{Standing, Standings};
use crate::store::Store;

/// Everything about a request that a decision may depend on.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// Names the request in answers and logs.
    pub request_id: String,
    /// Who asks.
    pub principal: Principal,
    /// The region that the credentials are for.
    pub region: Region,
    /// The client's address, if it came over a network.
    pub peer: Option<IpAddr>,
    /// Whether it came over TLS (`aws:SecureTransport`).
    pub is_tls: bool,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// When the request arrived.
    pub time: Timestamp,
    /// What was decided on its way, for the audit log.
    pub decisions: Decisions,
}

/// Everything about a request that nobody signed: what it brings itself says who asks.
#[derive(Clone, Debug)]
pub struct RequestOrigin {
    /// Names the request in answers and logs.
    pub request_id: String,
    /// The region asked.
    pub region: Region,
    /// The client's address, if it came over a network.
    pub peer: Option<IpAddr>,
    /// Whether it came over TLS (`aws:SecureTransport`).
    pub is_tls: bool,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// When the request arrived.
    pub time: Timestamp,
    /// What was decided on its way, for the audit log.
    pub decisions: Decisions,
}

impl RequestOrigin {
    /// The same request, signed by `principal` for `region`.
    pub fn signed(self, principal: Principal, region: Region) -> RequestContext {
        RequestContext {
            request_id: self.request_id,
            principal,
            region,
            peer: self.peer,
            is_tls: self.is_tls,
            user_agent: self.user_agent,
            time: self.time,
            decisions: self.decisions,
        }
    }
}

impl RequestContext {
    /// The same request, without who signed it.
    pub fn origin(&self) -> RequestOrigin {
        RequestOrigin {
            request_id: self.request_id.clone(),
            region: self.region.clone(),
            peer: self.peer,
            is_tls: self.is_tls,
            user_agent: self.user_agent.clone(),
            time: self.time,
            decisions: self.decisions.clone(),
        }
    }

    /// The registry that a request means which names none: the caller's account in the credentials' region.
    pub fn own_registry(&self) -> Registry {
        Registry {
            account: self.principal.account.clone(),
            region: self.region.clone(),
        }
    }
}

/// Proof that a principal may perform an action on a resource. Made by [`Access::authorize`] alone.
#[derive(Clone, Debug)]
pub struct Permit {
    grant: Arc<Grant>,
}

#[derive(Debug)]
struct Grant {
    action: Action,
    resource: Resource,
}

impl Permit {
    /// What is permitted.
    pub fn action(&self) -> Action {
        self.grant.action
    }

    /// The registry concerned.
    pub fn registry(&self) -> &Registry {
        self.grant.resource.registry()
    }

    /// The repository concerned, if the permit is for one.
    pub fn repository(&self) -> Option<&RepositoryName> {
        match &self.grant.resource {
            Resource::Repository(_, name) => Some(name),
            Resource::Any(_) | Resource::EveryRepository(_) | Resource::Named(_) => None,
        }
    }

    /// The resource concerned.
    pub(crate) fn resource(&self) -> &Resource {
        &self.grant.resource
    }

    /// The repository as refusals name it.
    pub(crate) fn label(&self) -> Result<RepositoryLabel, Error> {
        let name = self
            .repository()
            .ok_or_else(|| Error::internal("the permit is for no repository"))?;
        Ok(RepositoryLabel {
            name: name.clone(),
            registry_id: self.registry().account.clone(),
        })
    }
}

/// Decides who may do what.
#[derive(Clone)]
pub struct Access {
    standings: Standings,
    holdings: Holdings,
    decided: Arc<Decided>,
}

impl Access {
    /// The decider, over the store that has the policies.
    pub fn new(store: &Store) -> Self {
        Self {
            standings: Standings::new(store.clone()),
            holdings: Holdings::new(store.clone()),
            decided: Arc::default(),
        }
    }

    /// Whether the principal of `context` may perform `action` on `resource`.
    ///
    /// Refused with `AccessDenied`, which tells nothing of whether the resource exists.
    pub async fn authorize(
        &self,
        context: &RequestContext,
        action: Action,
        resource: Resource,
    ) -> Result<Permit, Error> {
        self.authorize_demand(context, Demand::new(action, resource))
            .await
    }

    /// [`Access::authorize`] for a repository.
    pub async fn authorize_repository(
        &self,
        context: &RequestContext,
        action: Action,
        registry: &Registry,
        name: &RepositoryName,
    ) -> Result<Permit, Error> {
        self.authorize(
            context,
            action,
            Resource::Repository(registry.clone(), name.clone()),
        )
        .await
    }

    /// [`Access::authorize`] for a demand that carries condition keys of its own.
    pub async fn authorize_demand(
        &self,
        context: &RequestContext,
        demand: Demand,
    ) -> Result<Permit, Error> {
        let decision = self.decide(context, &demand).await?;
        if decision.is_allowed() {
            let Demand {
                action, resource, ..
            } = demand;
            return Ok(Permit {
                grant: Arc::new(Grant { action, resource }),
            });
        }
        Err(Refusal::AccessDenied {
            principal: context.principal.arn.clone(),
            action: demand.action,
            resource: demand.resource.label(),
            reason: decision.reason(demand.action.as_str()),
        }
        .into())
    }

    /// The decision on a demand, noted for the audit log.
    pub(crate) async fn decide(
        &self,
        context: &RequestContext,
        demand: &Demand,
    ) -> Result<ecru_policy::Decision, Error> {
        let standing = self.standings.of(&context.principal).await?;
        let holding = self.holdings.of(&demand.resource).await?;
        let question = Question {
            context,
            demand,
            standing: &standing,
            holding: &holding,
        };
        let decision = match &demand.resource {
            // what binds it binds nothing else
            Resource::Repository(..) => self.decided.decide(&question, &standing, &holding),
            Resource::Any(_) | Resource::EveryRepository(_) | Resource::Named(_) => {
                question.decide()
            }
        };
        context.decisions.note(demand, &decision);
        Ok(decision)
    }

    /// The decision on a demand if the repository had this policy. Nobody asked for it, so it is not noted.
    pub(crate) async fn decide_under(
        &self,
        context: &RequestContext,
        demand: &Demand,
        policy: ecru_policy::Document,
    ) -> Result<ecru_policy::Decision, Error> {
        let standing = self.standings.of(&context.principal).await?;
        let holding = self.holdings.of(&demand.resource).await?.under(policy);
        let question = Question {
            context,
            demand,
            standing: &standing,
            holding: &holding,
        };
        Ok(question.decide())
    }

    /// The decision on a demand with everything that was looked at; `trust` is the trust policy of the role that it
    /// names, if it asks for one. Not noted: nothing is done.
    pub(crate) async fn explain(
        &self,
        context: &RequestContext,
        demand: &Demand,
        trust: Option<Document>,
    ) -> Result<ecru_policy::Explanation, Error> {
        let standing = self.standings.of(&context.principal).await?;
        let holding = match trust {
            Some(trust) => Arc::new(self.held_by_role(demand, trust).await?),
            None => self.holdings.of(&demand.resource).await?,
        };
        let question = Question {
            context,
            demand,
            standing: &standing,
            holding: &holding,
        };
        Ok(question.explain())
    }

    /// The decision on the role that `demand` names: its trust policy is what the resource says. `standing` is what
    /// binds the caller. Noted for the audit log.
    pub(crate) async fn decide_trust(
        &self,
        context: &RequestContext,
        demand: &Demand,
        standing: &Standing,
        trust: Document,
    ) -> Result<ecru_policy::Decision, Error> {
        let holding = self.held_by_role(demand, trust).await?;
        let question = Question {
            context,
            demand,
            standing,
            holding: &holding,
        };
        let decision = question.decide();
        context.decisions.note(demand, &decision);
        Ok(decision)
    }

    /// What binds the role that a demand names.
    async fn held_by_role(&self, demand: &Demand, trust: Document) -> Result<Holding, Error> {
        let place = Arc::clone(&self.holdings.of(&demand.resource).await?.place);
        Ok(Holding::of_role(trust, place))
    }

    /// What binds a principal.
    pub(crate) fn standings(&self) -> &Standings {
        &self.standings
    }
}
