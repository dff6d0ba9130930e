//! The metadata store behind the permit: a use case reaches rows only with proof that it may.

use std::hash::Hash;
use std::sync::Arc;

use ecru_domain::repository::Repository;
use ecru_domain::{Error, Registry, RepositoryName};
use ecru_ports::Metadata;
use ecru_ports::metadata::{Lane, ReadTransaction, WriteTransaction};

use crate::access::Permit;
use crate::remembered::Remembered;

/// Repositories remembered.
const MAX_REPOSITORIES: usize = 10_000;

/// Why rows may be reached.
#[derive(Clone, Copy, Debug)]
pub enum Warrant<'a> {
    /// A principal was authorized.
    Permit(&'a Permit),
    /// The server acts for itself: keys, tokens, collection. Only this crate can say so.
    Server(Server),
}

/// Marks the server's own work.
#[derive(Clone, Copy, Debug)]
pub struct Server(());

impl Warrant<'_> {
    /// The warrant of the server's own work.
    pub(crate) fn server() -> Self {
        Self::Server(Server(()))
    }
}

impl<'a> From<&'a Permit> for Warrant<'a> {
    fn from(permit: &'a Permit) -> Self {
        Self::Permit(permit)
    }
}

/// Rows, for those who have a warrant.
#[derive(Clone)]
pub struct Store {
    metadata: Metadata,
    repositories: Arc<Remembered<(Registry, RepositoryName), Option<Repository>>>,
}

impl Store {
    /// Takes the store into custody.
    pub fn new(metadata: Metadata) -> Self {
        Self {
            metadata,
            repositories: Arc::new(Remembered::new(MAX_REPOSITORIES)),
        }
    }

    /// A few indexed look-ups.
    pub async fn lookup<T, F>(&self, _: Warrant<'_>, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn ReadTransaction) -> Result<T, Error> + Send + 'static,
    {
        self.metadata.lookup(work).await
    }

    /// A few indexed look-ups in repositories or keys, whose answer is remembered while none of those changes. `weigh`
    /// tells how much room it takes.
    pub(crate) async fn recall<K, V, F>(
        &self,
        warrant: Warrant<'_>,
        memory: &Remembered<K, V>,
        key: K,
        weigh: fn(&V) -> usize,
        work: F,
    ) -> Result<V, Error>
    where
        K: Hash + Eq,
        V: Clone + Send + 'static,
        F: FnOnce(&mut dyn ReadTransaction) -> Result<V, Error> + Send + 'static,
    {
        let generation = self.structure().await;
        if let Some(known) = memory.get(generation, &key) {
            return Ok(known);
        }
        let found = self.lookup(warrant, work).await?;
        memory.put(generation, key, found.clone(), weigh(&found));
        Ok(found)
    }

    /// What [`Store::recall`] would answer, if it is remembered.
    pub(crate) async fn remembered<K: Hash + Eq, V: Clone>(
        &self,
        memory: &Remembered<K, V>,
        key: &K,
    ) -> Option<V> {
        memory.get(self.structure().await, key)
    }

    /// Counts the commits after which what was read of keys, identities and repositories is to be read again: see
    /// [`ecru_ports::metadata::Generation`].
    pub(crate) async fn structure(&self) -> Option<u64> {
        let counts = self.metadata.generation().await;
        counts.map(|counts| counts.structure)
    }

    /// Counts every commit: see [`ecru_ports::metadata::Generation`].
    pub(crate) async fn generation(&self) -> Option<u64> {
        let counts = self.metadata.generation().await;
        counts.and_then(|counts| counts.content)
    }

    /// A page of a list, or a scan.
    pub async fn read<T, F>(&self, _: Warrant<'_>, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn ReadTransaction) -> Result<T, Error> + Send + 'static,
    {
        self.metadata.read(work).await
    }

    /// A change. Durable when this returns.
    pub async fn write<T, F>(&self, _: Warrant<'_>, lane: Lane, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn WriteTransaction) -> Result<T, Error> + Send + 'static,
    {
        self.metadata.write(lane, work).await
    }

    /// The repository that the permit is for, or `RepositoryNotFound`. Its version may be an older one: who counts on
    /// it takes it from [`WriteTransaction::change_repository`].
    pub async fn repository(&self, permit: &Permit) -> Result<Repository, Error> {
        let label = permit.label()?;
        let place = (permit.registry().clone(), label.name.clone());
        let (registry, name) = place.clone();
        let read =
            move |rows: &mut dyn ReadTransaction| Ok(rows.find_repository(&registry, &name)?);
        let found = self
            .recall(permit.into(), &self.repositories, place, |_| 1, read)
            .await?;
        found.ok_or_else(|| ecru_domain::Refusal::RepositoryNotFound(label).into())
    }
}

/// The lane of a repository's changes.
pub(crate) fn lane_of(repository: &Repository) -> Lane {
    Lane::Repository(repository.id.as_str().to_owned())
}
