//! What a request wants: an action on a resource, with the condition keys that only this action has.

use ecru_domain::arn::{every_repository_arn, repository_arn};
use ecru_domain::{Action, Registry, RepositoryName};
use ecru_policy::Value;

/// What a request wants to act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// No particular one: `*`.
    Any(Registry),
    /// Every repository of a registry.
    EveryRepository(Registry),
    /// One repository, existing or not.
    Repository(Registry, RepositoryName),
    /// Something that is no repository: a user, a role, a policy, a unit.
    Named(Box<NamedResource>),
}

/// A resource that is known by its ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedResource {
    /// Whose it is; the region is the request's.
    pub registry: Registry,
    /// Its ARN.
    pub arn: String,
    /// Its tags (`aws:ResourceTag`), empty if it does not exist.
    pub tags: Vec<(String, String)>,
    /// As refusals name it: by no more than the request told.
    pub label: String,
}

impl Resource {
    /// Something that is known by its ARN.
    pub fn named(registry: Registry, arn: String, tags: Vec<(String, String)>) -> Self {
        let label = arn.clone();
        Self::named_as(registry, arn, tags, label)
    }

    /// Something that refusals name in another way than by its ARN, which tells of its path.
    pub fn named_as(
        registry: Registry,
        arn: String,
        tags: Vec<(String, String)>,
        label: String,
    ) -> Self {
        Self::Named(Box::new(NamedResource {
            registry,
            arn,
            tags,
            label,
        }))
    }

    /// The same under another name in refusals.
    #[must_use]
    pub fn labelled(mut self, label: String) -> Self {
        if let Self::Named(named) = &mut self {
            named.label = label;
        }
        self
    }

    /// As refusals name it.
    pub fn label(&self) -> String {
        match self {
            Self::Named(named) => named.label.clone(),
            Self::Any(_) | Self::EveryRepository(_) | Self::Repository(..) => self.arn(),
        }
    }

    /// The registry concerned.
    pub fn registry(&self) -> &Registry {
        match self {
            Self::Any(registry)
            | Self::EveryRepository(registry)
            | Self::Repository(registry, _) => registry,
            Self::Named(named) => &named.registry,
        }
    }

    /// As policies name it.
    pub fn arn(&self) -> String {
        match self {
            Self::Any(_) => "*".to_owned(),
            Self::EveryRepository(registry) => every_repository_arn(registry),
            Self::Repository(registry, name) => repository_arn(registry, name),
            Self::Named(named) => named.arn.clone(),
        }
    }
}

/// What is to be authorized.
#[derive(Clone, Debug)]
pub struct Demand {
    /// The action.
    pub action: Action,
    /// On what.
    pub resource: Resource,
    /// Condition keys of this action: `aws:RequestTag/…`, `aws:TagKeys`, `ecr:ImageTag`, `sts:ExternalId` …
    pub keys: Vec<(String, Value)>,
}

impl Demand {
    /// An action on a resource.
    pub fn new(action: Action, resource: Resource) -> Self {
        Self {
            action,
            resource,
            keys: Vec::new(),
        }
    }

    /// The same with a condition key.
    #[must_use]
    pub fn with_key(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.keys.push((name.into(), value.into()));
        self
    }

    /// The same with `aws:RequestTag/…` and `aws:TagKeys` of the tags that a request sets.
    #[must_use]
    pub fn with_request_tags(mut self, tags: &[(String, String)]) -> Self {
        if tags.is_empty() {
            return self;
        }
        for (key, value) in tags {
            let name = format!("aws:RequestTag/{key}");
            self.keys.push((name, Value::One(value.clone())));
        }
        let keys = tags.iter().map(|(key, _)| key.clone()).collect();
        self.with_tag_keys(keys)
    }

    /// The same with `aws:TagKeys`: the tags that a request names.
    #[must_use]
    pub fn with_tag_keys(self, keys: Vec<String>) -> Self {
        self.with_key("aws:TagKeys", keys)
    }
}
