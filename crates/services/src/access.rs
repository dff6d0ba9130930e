//! Authorization: every path asks here, and only a [`Permit`] opens the store.
//!
//! ```text
//! gateway: credentials ──▶ Principal ──▶ RequestContext
//! use case: authorize(context, action, resource) ──▶ Permit ──▶ Store::lookup / read / write
//! ```

use std::net::IpAddr;
use std::sync::Arc;

use ecru_domain::arn::{every_repository_arn, repository_arn};
use ecru_domain::error::RepositoryLabel;
use ecru_domain::{Action, Error, Principal, Refusal, Region, Registry, RepositoryName, Timestamp};

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

/// What a request wants to act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// No particular one: `*`.
    Any(Registry),
    /// Every repository of a registry.
    EveryRepository(Registry),
    /// One repository, existing or not.
    Repository(Registry, RepositoryName),
}

impl Resource {
    /// The registry concerned.
    pub fn registry(&self) -> &Registry {
        match self {
            Self::Any(registry)
            | Self::EveryRepository(registry)
            | Self::Repository(registry, _) => registry,
        }
    }

    /// As policies name it.
    pub fn arn(&self) -> String {
        match self {
            Self::Any(_) => "*".to_owned(),
            Self::EveryRepository(registry) => every_repository_arn(registry),
            Self::Repository(registry, name) => repository_arn(registry, name),
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
            Resource::Any(_) | Resource::EveryRepository(_) => None,
        }
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
#[derive(Clone, Debug, Default)]
pub struct Access {}

impl Access {
    /// The decider.
    pub fn new() -> Self {
        Self {}
    }

    /// Whether the principal of `context` may perform `action` on `resource`.
    ///
    /// The root user of an account may do everything in it; nobody else has rights, nor has root elsewhere.
    /// Refused with `AccessDenied`, which tells nothing of whether the resource exists.
    #[expect(
        clippy::unused_async,
        reason = "policies are rows: deciding reads them"
    )]
    pub async fn authorize(
        &self,
        context: &RequestContext,
        action: Action,
        resource: Resource,
    ) -> Result<Permit, Error> {
        if context.principal.is_root() && context.principal.account == resource.registry().account {
            return Ok(Permit {
                grant: Arc::new(Grant { action, resource }),
            });
        }
        let reason = if context.principal.account == resource.registry().account {
            format!(" because no identity-based policy allows the {action} action")
        } else {
            format!(" because no resource-based policy allows the {action} action")
        };
        let principal = context.principal.arn.clone();
        Err(Refusal::AccessDenied {
            principal,
            action,
            resource: resource.arn(),
            reason,
        }
        .into())
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
}
