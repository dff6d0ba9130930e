//! Repositories: create, describe, delete, and their settings and resource tags.

pub(crate) mod policy;
pub mod resource_tags;
pub mod settings;

use std::sync::Arc;

use ecru_domain::error::RepositoryLabel;
use ecru_domain::mutability::TagMutability;
use ecru_domain::repository::Repository;
use ecru_domain::resource_tags::{check_cases, check_tags};
use ecru_domain::{Action, Error, Refusal, Registry, RepositoryId, RepositoryName};
use ecru_ports::metadata::{JobKind, JobRecord, Lane, TagStatus, WriteTransaction};
use ecru_ports::{Clock, Ids};

use crate::access::{Access, Demand, Permit, RequestContext, Resource};
use crate::keys::{Keys, RequestedEncryption};
use crate::page::{Page, PageRequest};
use crate::store::{Store, lane_of};
use crate::tokens::Tokens;

pub use policy::SetRepositoryPolicy;

/// The most repositories of one registry.
pub const MAX_REPOSITORIES: u64 = 100_000;

/// Repositories on a page when the request does not say.
const DEFAULT_PAGE: u32 = 100;

/// `ecr:CreateRepository`
#[derive(Clone, Debug)]
pub struct CreateRepository {
    /// Where.
    pub registry: Registry,
    /// Its name.
    pub name: RepositoryName,
    /// Resource tags.
    pub tags: Vec<(String, String)>,
    /// Which image tags may move.
    pub mutability: TagMutability,
    /// The deprecated flag.
    pub scan_on_push: bool,
    /// How its content is sealed.
    pub encryption: RequestedEncryption,
}

/// A repository as the API describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryDescription {
    /// The repository.
    pub repository: Repository,
    /// ARN of its KMS key; `None` for `AES256`.
    pub kms_key: Option<String>,
}

/// Repositories.
#[derive(Clone)]
pub struct Repositories {
    access: Access,
    store: Store,
    keys: Keys,
    tokens: Tokens,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl Repositories {
    /// Over the store.
    pub fn new(
        access: Access,
        store: Store,
        keys: Keys,
        tokens: Tokens,
        outside: &crate::Outside,
    ) -> Self {
        Self {
            access,
            store,
            keys,
            tokens,
            clock: Arc::clone(&outside.clock),
            ids: Arc::clone(&outside.ids),
        }
    }

    /// `ecr:CreateRepository`, and `ecr:TagResource` if tags are given.
    pub async fn create(
        &self,
        context: &RequestContext,
        command: CreateRepository,
    ) -> Result<RepositoryDescription, Error> {
        let demand = |action| {
            let (registry, name) = (command.registry.clone(), command.name.clone());
            let resource = Resource::Repository(registry, name);
            Demand::new(action, resource).with_request_tags(&command.tags)
        };
        let create = demand(Action::CREATE_REPOSITORY);
        let permit = self.access.authorize_demand(context, create).await?;
        if !command.tags.is_empty() {
            let tag = demand(Action::TAG_RESOURCE);
            self.access.authorize_demand(context, tag).await?;
            check_tags(&command.tags)
                .and_then(|()| check_cases(&command.tags, &[]))
                .map_err(resource_tags::refuse_tag)?;
        }
        let label = permit.label()?;
        self.check_name_is_free(&permit, &label).await?;
        let encryption = self
            .keys
            .settle(&command.registry, &command.encryption)
            .await?;
        let repository = Repository {
            id: RepositoryId::new(self.ids.uuid()),
            registry: command.registry,
            name: command.name,
            created_at: self.clock.now(),
            mutability: command.mutability,
            scan_on_push: command.scan_on_push,
            encryption,
            version: 0,
            latest_was_set: false,
        };
        let stored = repository.clone();
        let tags = command.tags;
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                insert(rows, &stored, &tags, &label)
            })
            .await?;
        Ok(self.description(repository))
    }

    async fn check_name_is_free(
        &self,
        permit: &Permit,
        label: &RepositoryLabel,
    ) -> Result<(), Error> {
        let (registry, label) = (permit.registry().clone(), label.clone());
        self.store
            .lookup(permit.into(), move |rows| {
                match rows.find_repository(&registry, &label.name)? {
                    Some(_) => Err(Refusal::RepositoryAlreadyExists(label).into()),
                    None => Ok(()),
                }
            })
            .await
    }

    /// `ecr:DescribeRepositories` by names: `RepositoryNotFound` if any is unknown.
    pub async fn describe(
        &self,
        context: &RequestContext,
        registry: &Registry,
        names: &[RepositoryName],
    ) -> Result<Vec<RepositoryDescription>, Error> {
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            let permit = self
                .permit(context, Action::DESCRIBE_REPOSITORIES, registry, name)
                .await?;
            found.push(self.description(self.store.repository(&permit).await?));
        }
        Ok(found)
    }

    /// `ecr:DescribeRepositories` without names: all of a registry, by name.
    pub async fn list(
        &self,
        context: &RequestContext,
        registry: &Registry,
        page: &PageRequest,
    ) -> Result<Page<RepositoryDescription>, Error> {
        let list = format!(
            "DescribeRepositories {} {}",
            registry.account, registry.region
        );
        let limit = page.limit.unwrap_or(DEFAULT_PAGE);
        let permit = self.permit_all(context, registry).await?;
        let after = self.tokens.open_page(&list, page.token.as_deref()).await?;
        let (items, more) = self.names_after(&permit, after, limit).await?;
        let next_token = match items.last() {
            Some(last) if more => Some(self.tokens.seal_page(&list, last.name.as_str()).await?),
            _ => None,
        };
        Ok(Page {
            items: items
                .into_iter()
                .map(|repository| self.description(repository))
                .collect(),
            next_token,
        })
    }

    /// Names of repositories after one, for the catalog of `/v2/`; and whether more follow.
    pub async fn catalog(
        &self,
        context: &RequestContext,
        registry: &Registry,
        after: Option<String>,
        limit: u32,
    ) -> Result<(Vec<RepositoryName>, bool), Error> {
        let permit = self.permit_all(context, registry).await?;
        let (items, more) = self.names_after(&permit, after, limit).await?;
        Ok((
            items
                .into_iter()
                .map(|repository| repository.name)
                .collect(),
            more,
        ))
    }

    async fn names_after(
        &self,
        permit: &Permit,
        after: Option<String>,
        limit: u32,
    ) -> Result<(Vec<Repository>, bool), Error> {
        let registry = permit.registry().clone();
        let ask = limit.saturating_add(1);
        let found = self.store.read(permit.into(), move |rows| {
            Ok(rows.list_repositories(&registry, after.as_deref(), ask)?)
        });
        Ok(cut(found.await?, limit))
    }

    /// `ecr:DeleteRepository`. Its name is free at once; what it held is removed by a job.
    pub async fn delete(
        &self,
        context: &RequestContext,
        registry: &Registry,
        name: &RepositoryName,
        force: bool,
    ) -> Result<RepositoryDescription, Error> {
        let permit = self
            .permit(context, Action::DELETE_REPOSITORY, registry, name)
            .await?;
        let repository = self.store.repository(&permit).await?;
        let label = permit.label()?;
        let now = self.clock.now();
        let job = JobRecord {
            id: self.ids.ordered_uuid(now),
            kind: JobKind::DrainRepository,
            repository: repository.id.clone(),
            subject: String::new(),
            run_at: now,
        };
        let id = repository.id.clone();
        self.store
            .write((&permit).into(), lane_of(&repository), move |rows| {
                if !force && !rows.list_images(&id, TagStatus::Any, None, 1)?.is_empty() {
                    return Err(Refusal::RepositoryNotEmpty(label.clone()).into());
                }
                if !rows.delete_repository(&id)? {
                    return Err(Refusal::RepositoryNotFound(label.clone()).into());
                }
                Ok(rows.insert_job(&job)?)
            })
            .await?;
        Ok(self.description(repository))
    }

    /// Changes the repository that the permit is for and returns it as it is then.
    async fn change<F>(&self, permit: &Permit, mut work: F) -> Result<Repository, Error>
    where
        F: FnMut(&mut dyn WriteTransaction, &RepositoryId) -> Result<(), Error> + Send + 'static,
    {
        let repository = self.store.repository(permit).await?;
        let (id, label) = (repository.id.clone(), permit.label()?);
        self.store
            .write(permit.into(), lane_of(&repository), move |rows| {
                let gone = || Error::from(Refusal::RepositoryNotFound(label.clone()));
                rows.change_repository(&id)?.ok_or_else(gone)?;
                work(rows, &id)?;
                rows.repository(&id)?.ok_or_else(gone)
            })
            .await
    }

    fn description(&self, repository: Repository) -> RepositoryDescription {
        RepositoryDescription {
            kms_key: self.keys.reported_arn(&repository),
            repository,
        }
    }

    async fn permit(
        &self,
        context: &RequestContext,
        action: Action,
        registry: &Registry,
        name: &RepositoryName,
    ) -> Result<Permit, Error> {
        self.access
            .authorize_repository(context, action, registry, name)
            .await
    }

    async fn permit_all(
        &self,
        context: &RequestContext,
        registry: &Registry,
    ) -> Result<Permit, Error> {
        let resource = Resource::EveryRepository(registry.clone());
        self.access
            .authorize(context, Action::DESCRIBE_REPOSITORIES, resource)
            .await
    }
}

fn insert(
    rows: &mut dyn WriteTransaction,
    repository: &Repository,
    tags: &[(String, String)],
    label: &RepositoryLabel,
) -> Result<(), Error> {
    if rows.count_repositories(&repository.registry)? >= MAX_REPOSITORIES {
        let message = format!(
            "The registry with id '{}' already has the maximum of {MAX_REPOSITORIES} repositories",
            label.registry_id
        );
        return Err(Refusal::LimitExceeded(message).into());
    }
    if !rows.insert_repository(repository)? {
        return Err(Refusal::RepositoryAlreadyExists(label.clone()).into());
    }
    for (key, value) in tags {
        rows.put_resource_tag(&repository.id, key, value)?;
    }
    Ok(())
}

/// The first `limit` of a list that was asked for with one more, and whether that one was there.
pub(crate) fn cut<T>(mut items: Vec<T>, limit: u32) -> (Vec<T>, bool) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    (items, more)
}
