//! What binds a resource: the policies of its repository and registry, its tags, and its account's control policies.

use std::sync::Arc;

use ecru_domain::settings::AccountSetting;
use ecru_domain::{AccountId, Action, Error, Registry, RepositoryName};
use ecru_policy::{Document, Policy};
use ecru_ports::metadata::ReadTransaction;

use super::asked_keys::AskedKeys;
use super::demand::Resource;
use super::organization::AccountPlace;
use crate::remembered::Remembered;
use crate::settings::account_setting;
use crate::store::{Store, Warrant};

/// Resources remembered.
const MAX_REMEMBERED: usize = 10_000;

/// What decisions call the policy of a repository.
pub(crate) const REPOSITORY_SOURCE: &str = "repository policy";

/// What decisions call the policy of a registry.
const REGISTRY_SOURCE: &str = "registry policy";

/// The registry setting that holds the registry policy.
pub(crate) const REGISTRY_POLICY: &str = "policy";

/// The value of `REGISTRY_POLICY_SCOPE` under which a registry policy is about [`NARROW_REGISTRY_ACTIONS`] alone.
pub(crate) const NARROW_SCOPE: &str = "V1";

/// What a registry policy is about in the narrow scope (ECR User Guide, "Registry policy scope").
pub(crate) const NARROW_REGISTRY_ACTIONS: [&str; 3] = [
    "ecr:ReplicateImage",
    "ecr:BatchImportUpstreamImage",
    "ecr:CreateRepository",
];

/// What binds a resource.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holding {
    /// The repository policy and the registry policy, as far as there are any.
    policies: Vec<Document>,
    /// Of those, how many bind actions that a registry policy of narrow scope is not about.
    binding_all: usize,
    /// The condition keys that any of it asks for.
    pub(crate) asked: AskedKeys,
    /// The trust policy, if it is a role.
    pub(crate) trust: Option<Document>,
    /// The tags of the repository.
    pub(crate) tags: Vec<(String, String)>,
    /// Where the account that owns it stands.
    pub(crate) place: Arc<AccountPlace>,
}

impl Holding {
    /// The resource policies that bind an action.
    pub(crate) fn policies(&self, action: Action) -> &[Document] {
        if NARROW_REGISTRY_ACTIONS.contains(&action.as_str()) {
            return &self.policies;
        }
        self.policies.get(..self.binding_all).unwrap_or_default()
    }

    /// What binds a role: its trust policy.
    pub(crate) fn of_role(trust: Document, place: Arc<AccountPlace>) -> Self {
        Self {
            trust: Some(trust),
            place,
            ..Self::default()
        }
        .finished()
    }

    /// The same with another repository policy.
    pub(crate) fn under(&self, repository_policy: Document) -> Self {
        let mut holding = self.clone();
        let is_registrys = |document: &Document| &*document.source == REGISTRY_SOURCE;
        holding.policies.retain(is_registrys);
        let dropped = self.policies.len() - holding.policies.len();
        holding.policies.insert(0, repository_policy);
        holding.binding_all = holding.binding_all - dropped + 1;
        holding.finished()
    }

    fn finished(mut self) -> Self {
        let levels = self.place.rcps.iter().flatten();
        let asked = AskedKeys::of(self.policies.iter().chain(&self.trust).chain(levels));
        self.asked = asked;
        self
    }
}

/// What is remembered under: an account alone, a registry, or a repository of it.
type Place = (Registry, Option<RepositoryName>);

/// What binds resources.
#[derive(Clone)]
pub(crate) struct Holdings {
    store: Store,
    known: Arc<Remembered<Place, Arc<Holding>>>,
}

impl Holdings {
    /// Over the store.
    pub(crate) fn new(store: Store) -> Self {
        Self {
            store,
            known: Arc::new(Remembered::new(MAX_REMEMBERED)),
        }
    }

    /// What binds a resource. One that does not exist is bound by its registry alone: nobody learns from a refusal
    /// whether it is there.
    pub(crate) async fn of(&self, resource: &Resource) -> Result<Arc<Holding>, Error> {
        let place: Place = match resource {
            Resource::Repository(registry, name) => (registry.clone(), Some(name.clone())),
            Resource::Any(registry) | Resource::EveryRepository(registry) => {
                (registry.clone(), None)
            }
            Resource::Named(named) => (named.registry.clone(), None),
        };
        // nearly always: found without a copy of what it would be read for
        if let Some(known) = self.store.remembered(&self.known, &place).await {
            return Ok(known);
        }
        let (registry, name) = place.clone();
        let read = move |rows: &mut dyn ReadTransaction| {
            load(rows, &registry, name.as_ref()).map(Arc::new)
        };
        self.store
            .recall(Warrant::server(), &self.known, place, |_| 1, read)
            .await
    }
}

fn load(
    rows: &mut dyn ReadTransaction,
    registry: &Registry,
    name: Option<&RepositoryName>,
) -> Result<Holding, Error> {
    let mut holding = Holding {
        place: place_of(rows, &registry.account)?,
        ..Holding::default()
    };
    if let Some(name) = name
        && let Some(repository) = rows.find_repository(registry, name)?
    {
        holding.tags = rows.resource_tags(&repository.id)?;
        if let Some(text) = rows.repository_policy(&repository.id)? {
            holding.policies.push(document(REPOSITORY_SOURCE, &text)?);
        }
    }
    holding.binding_all = holding.policies.len();
    if let Some(text) = rows.registry_setting(registry, REGISTRY_POLICY)? {
        holding.policies.push(document(REGISTRY_SOURCE, &text)?);
        let scope = account_setting(rows, registry, AccountSetting::RegistryPolicyScope)?;
        if scope != NARROW_SCOPE {
            holding.binding_all = holding.policies.len();
        }
    }
    Ok(holding.finished())
}

fn place_of(
    rows: &mut dyn ReadTransaction,
    account: &AccountId,
) -> Result<Arc<AccountPlace>, Error> {
    AccountPlace::load(rows, account).map(Arc::new)
}

fn document(source: &str, text: &str) -> Result<Document, Error> {
    Ok(Document::new(
        source,
        Policy::parse(text).map_err(Error::internal)?,
    ))
}
