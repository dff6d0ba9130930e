//! A whole registry in a temporary directory, with a clock that tests turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use ecru_blob_store::DirectoryBlobs;
use ecru_domain::latest::LatestMode;
use ecru_domain::manifest::media_type;
use ecru_domain::mutability::TagMutability;
use ecru_domain::{
    AccountId, Digest, EncryptionType, Error, Principal, Refusal, Region, Registry, RepositoryName,
    Tag, Timestamp,
};
use ecru_key_store::{FileKeyStore, JsonWebTokens};
use ecru_metadata_sql::SqliteMetadata;
use ecru_ports::conformance::audit::KeptLines;
use ecru_ports::{BlobStore, Clock, Ids, Metadata};
use ecru_services::images::{PutImage, PutImageOutcome};
use ecru_services::keys::RequestedEncryption;
use ecru_services::repositories::CreateRepository;
use ecru_services::uploads::{BodyError, Chunk};
use ecru_services::{Decisions, Limits, Outside, RequestContext, Services};
use futures_util::StreamExt as _;

use crate::issuers::Issuers;
use crate::rigged::{Rig, Rigged};

/// How long unreferenced layers stay here.
pub(crate) const GRACE: Duration = Duration::from_secs(24 * 3600);

/// A clock that stands until it is turned.
pub(crate) struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

struct CountingIds(AtomicU64);

impl Ids for CountingIds {
    fn random(&self) -> [u8; 16] {
        let count = self.0.fetch_add(1, Ordering::SeqCst);
        // spread over the first bytes too: some ids use only those
        Digest::sha256(&count.to_be_bytes()).hex().as_bytes()[..16]
            .try_into()
            .unwrap()
    }
}

/// A registry.
pub(crate) struct World {
    pub(crate) services: Services,
    pub(crate) outside: Outside,
    pub(crate) home: Registry,
    pub(crate) directory: tempfile::TempDir,
    pub(crate) issuers: Arc<Issuers>,
    clock: Arc<HandClock>,
}

pub(crate) const ROOT_KEY: &str = "AKIAAAAAAAAAAAAAAAAA";

impl World {
    pub(crate) async fn new() -> Self {
        Self::with_latest(LatestMode::Newest).await
    }

    pub(crate) async fn with_latest(latest: LatestMode) -> Self {
        Self::with(latest, |blobs| blobs).await
    }

    /// With a blob store that can be made to fail.
    pub(crate) async fn rigged() -> (Self, Arc<Rig>) {
        let rig = Arc::new(Rig::default());
        let before = |inner| {
            let rig = Arc::clone(&rig);
            Arc::new(Rigged { inner, rig }) as Arc<dyn BlobStore>
        };
        (Self::with(LatestMode::Newest, before).await, rig)
    }

    async fn with(
        latest: LatestMode,
        before: impl FnOnce(Arc<dyn BlobStore>) -> Arc<dyn BlobStore>,
    ) -> Self {
        Self::open(tempfile::tempdir().unwrap(), 0, latest, before).await
    }

    /// What another world left in a directory; ids begin where it cannot have come.
    pub(crate) async fn found(directory: tempfile::TempDir) -> Self {
        Self::open(directory, 1_000_000, LatestMode::Newest, |blobs| blobs).await
    }

    /// Ends the world and leaves its directory.
    pub(crate) fn close(self) -> tempfile::TempDir {
        self.directory
    }

    async fn open(
        directory: tempfile::TempDir,
        first_id: u64,
        latest: LatestMode,
        before: impl FnOnce(Arc<dyn BlobStore>) -> Arc<dyn BlobStore>,
    ) -> Self {
        let is_new = !directory.path().join("keys").try_exists().unwrap();
        let issuers = Arc::new(Issuers::default());
        let clock = Arc::new(HandClock(AtomicI64::new(1_800_000_000_000_000)));
        let metadata = SqliteMetadata::open(&directory.path().join("ecru.db"), &*clock).unwrap();
        let outside = Outside {
            metadata: Metadata::new(Arc::new(metadata)),
            blobs: before(Arc::new(
                DirectoryBlobs::open(&directory.path().join("blobs")).unwrap(),
            )),
            keys: Arc::new(
                FileKeyStore::open_or_create(&directory.path().join("keys"), is_new).unwrap(),
            ),
            clock: clock.clone(),
            ids: Arc::new(CountingIds(AtomicU64::new(first_id))),
            audit: Arc::new(KeptLines::default()),
            outbound: issuers.clone(),
            identity_tokens: Arc::new(JsonWebTokens),
        };
        let home = registry("000000000000", "us-east-1");
        let limits = Limits {
            home: home.clone(),
            layer_grace: GRACE,
            removal_delay: Duration::ZERO,
            upload_lifetime: GRACE,
            latest,
        };
        let services = Services::new(&outside, &limits);
        let world = Self {
            services,
            outside,
            home,
            directory,
            issuers,
            clock,
        };
        world.set_root_key(ROOT_KEY).await;
        world
    }

    pub(crate) async fn set_root_key(&self, id: &str) {
        let pair = ecru_services::identity::AccessKeyPair {
            id: id.to_owned(),
            secret: "secret".to_owned().into(),
        };
        self.services
            .identity
            .set_root_key(&self.home.account, &pair)
            .await
            .unwrap();
    }

    pub(crate) fn turn(&self, by: Duration) {
        self.clock
            .0
            .fetch_add(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The context of the management account's root user.
    pub(crate) fn root(&self) -> RequestContext {
        self.context(Principal::root(
            self.home.account.clone(),
            ROOT_KEY.to_owned(),
        ))
    }

    pub(crate) fn context(&self, principal: Principal) -> RequestContext {
        RequestContext {
            request_id: "request".to_owned(),
            principal,
            region: self.home.region.clone(),
            peer: None,
            is_tls: false,
            user_agent: None,
            time: self.now(),
            decisions: Decisions::default(),
        }
    }

    pub(crate) async fn create(&self, repository: &str) -> RepositoryName {
        self.create_with(repository, TagMutability::mutable(), EncryptionType::Aes256)
            .await
    }

    pub(crate) async fn create_with(
        &self,
        repository: &str,
        mutability: TagMutability,
        kind: EncryptionType,
    ) -> RepositoryName {
        let name = name(repository);
        let command = CreateRepository {
            registry: self.home.clone(),
            name: name.clone(),
            tags: vec![],
            mutability,
            scan_on_push: false,
            encryption: RequestedEncryption { kind, key: None },
        };
        self.services
            .repositories
            .create(&self.root(), command)
            .await
            .unwrap();
        name
    }

    /// Unless it is there.
    pub(crate) async fn try_create(&self, repository: &str) {
        let command = CreateRepository {
            registry: self.home.clone(),
            name: name(repository),
            tags: vec![],
            mutability: TagMutability::mutable(),
            scan_on_push: false,
            encryption: RequestedEncryption {
                kind: EncryptionType::Aes256,
                key: None,
            },
        };
        let (context, repositories) = (self.root(), &self.services.repositories);
        if let Err(error) = repositories.create(&context, command).await {
            assert!(matches!(error, Error::Refused(_)), "{error:?}");
        }
    }

    pub(crate) async fn push_layer(&self, name: &RepositoryName, content: &[u8]) -> Digest {
        let digest = Digest::sha256(content);
        self.services
            .uploads
            .whole(&self.root(), &self.home, name, chunk(content), &digest)
            .await
            .unwrap();
        digest
    }

    /// A container image with one layer; its content makes it distinct.
    pub(crate) async fn push_image(
        &self,
        name: &RepositoryName,
        content: &str,
        tag: Option<&str>,
    ) -> Digest {
        let config = self
            .push_layer(name, format!("{{\"config\":\"{content}\"}}").as_bytes())
            .await;
        let layer = self.push_layer(name, content.as_bytes()).await;
        let manifest = manifest(&config, &[&layer]);
        let digest = Digest::sha256(&manifest);
        self.put(name, manifest, tag).await.unwrap();
        digest
    }

    pub(crate) async fn push_index(
        &self,
        name: &RepositoryName,
        images: &[&Digest],
        tag: Option<&str>,
    ) -> Result<Digest, Error> {
        let entries: Vec<_> = images
            .iter()
            .map(|digest| serde_json::json!({"mediaType": media_type::OCI_MANIFEST, "digest": digest.as_str(), "size": 2}))
            .collect();
        let index = serde_json::json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": entries});
        let bytes = Bytes::from(index.to_string());
        let digest = Digest::sha256(&bytes);
        self.put(name, bytes, tag).await.map(|_| digest)
    }

    pub(crate) async fn put(
        &self,
        name: &RepositoryName,
        manifest: Bytes,
        tag: Option<&str>,
    ) -> Result<PutImageOutcome, Error> {
        let command = PutImage {
            registry: self.home.clone(),
            name: name.clone(),
            manifest,
            media_type: None,
            digest: None,
            tags: tag
                .into_iter()
                .map(|tag| Tag::parse(tag).unwrap())
                .collect(),
        };
        self.services.images.put(&self.root(), command).await
    }

    pub(crate) async fn pull(
        &self,
        name: &RepositoryName,
        reference: &str,
    ) -> Result<Digest, Error> {
        let reference = ecru_domain::Reference::parse(reference).unwrap();
        Ok(self
            .services
            .images
            .pull(&self.root(), &self.home, name, &reference)
            .await?
            .digest)
    }

    pub(crate) async fn read_layer(
        &self,
        name: &RepositoryName,
        digest: &Digest,
    ) -> Result<Vec<u8>, Error> {
        let layer = self
            .services
            .layers
            .open(&self.root(), &self.home, name, digest)
            .await?;
        let mut stream = layer.read(0..layer.size()).await?;
        let mut bytes = Vec::new();
        while let Some(piece) = stream.next().await {
            bytes.extend_from_slice(&piece.map_err(Error::internal)?);
        }
        Ok(bytes)
    }

    /// Runs the collector until nothing is left to do now.
    pub(crate) async fn collect(&self) -> ecru_services::collection::CollectionReport {
        let mut total = ecru_services::collection::CollectionReport::default();
        loop {
            let round = self.services.collection.run_once(self.now()).await.unwrap();
            total.layers += round.layers;
            total.objects += round.objects;
            total.uploads += round.uploads;
            total.jobs += round.jobs;
            if round.jobs + round.objects + round.uploads == 0 {
                return total;
            }
        }
    }
}

pub(crate) fn registry(account: &str, region: &str) -> Registry {
    Registry {
        account: AccountId::parse(account).unwrap(),
        region: Region::parse(region).unwrap(),
    }
}

pub(crate) fn name(text: &str) -> RepositoryName {
    RepositoryName::parse(text).unwrap()
}

pub(crate) fn chunk(content: &[u8]) -> Chunk {
    let pieces: Vec<Result<Bytes, BodyError>> = content
        .chunks(50_000)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    Chunk {
        first: None,
        length: Some(content.len() as u64),
        body: Box::pin(futures_util::stream::iter(pieces)),
    }
}

pub(crate) fn manifest(config: &Digest, layers: &[&Digest]) -> Bytes {
    let layers: Vec<_> = layers
        .iter()
        .map(|digest| serde_json::json!({"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest.as_str(), "size": 7}))
        .collect();
    let manifest = serde_json::json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
        "config": {"mediaType": media_type::OCI_CONFIG, "digest": config.as_str(), "size": 3}, "layers": layers,
    });
    Bytes::from(manifest.to_string())
}

pub(crate) fn refusal<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Refusal {
    match outcome {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}
