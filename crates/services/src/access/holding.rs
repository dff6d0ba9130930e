//! What binds a resource: the policies of its repository and registry, its tags, and its account's control policies.

use std::sync::Arc;

use ecru_domain::{AccountId, Error, Registry, RepositoryName};
use ecru_policy::{Document, Policy};
use ecru_ports::metadata::ReadTransaction;

use super::demand::Resource;
use super::organization::AccountPlace;
use crate::remembered::Remembered;
use crate::store::{Store, Warrant};

/// Resources remembered.
const MAX_REMEMBERED: usize = 10_000;

/// The registry setting that holds the registry policy.
pub(crate) const REGISTRY_POLICY: &str = "policy";

/// What binds a resource.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holding {
    /// The repository policy and the registry policy.
    pub(crate) policies: Vec<Document>,
    /// The tags of the repository.
    pub(crate) tags: Vec<(String, String)>,
    /// Where the account that owns it stands.
    pub(crate) place: Arc<AccountPlace>,
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
    let Some(name) = name else {
        return Ok(holding);
    };
    if let Some(repository) = rows.find_repository(registry, name)? {
        holding.tags = rows.resource_tags(&repository.id)?;
        if let Some(text) = rows.repository_policy(&repository.id)? {
            holding.policies.push(document("repository policy", &text)?);
        }
    }
    if let Some(text) = rows.registry_setting(registry, REGISTRY_POLICY)? {
        holding.policies.push(document("registry policy", &text)?);
    }
    Ok(holding)
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
