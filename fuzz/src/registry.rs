//! A registry in a scratch directory, with one account, one repository and a clock that stands.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ecru_blob_store::{Bucket, S3ShapedBlobs};
use ecru_domain::latest::LatestMode;
use ecru_domain::mutability::TagMutability;
use ecru_domain::{
    AccountId, Digest, EncryptionType, Principal, Region, Registry, RepositoryName, Timestamp,
};
use ecru_key_store::{FileKeyStore, JsonWebTokens};
use ecru_metadata_sql::SqliteMetadata;
use ecru_outbound::{EgressAllow, GuardedHttp};
use ecru_ports::{Clock, Ids, Metadata};
use ecru_services::identity::AccessKeyPair;
use ecru_services::keys::RequestedEncryption;
use ecru_services::repositories::CreateRepository;
use ecru_services::server_keys::ServerKeys;
use ecru_services::store::Store;
use ecru_services::{Decisions, Limits, Outside, RequestContext, Services};
use tempfile::TempDir;

/// The access key of the only account's root user.
pub const ACCESS_KEY: &str = "AKIAAAAAAAAAAAAAAAAA";
/// The only repository.
pub const REPOSITORY: &str = "team/app";
/// When it is, in microseconds since the Unix epoch.
pub const NOW: i64 = 1_800_000_000_000_000;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// The clock stands, and identifiers count, so that an input does the same at every run.
struct Fixed(AtomicU64);

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(NOW)
    }
}

impl Ids for Fixed {
    fn random(&self) -> [u8; 16] {
        let count = self.0.fetch_add(1, Ordering::SeqCst);
        let digest = Digest::sha256(&count.to_be_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&digest.hex().as_bytes()[..16]);
        id
    }
}

/// The registry.
pub struct World {
    /// All use cases.
    pub services: Services,
    /// What seals tokens, links and pages.
    pub server_keys: ServerKeys,
    /// The key store itself.
    pub keys: Arc<FileKeyStore>,
    /// The registry that a bare path means.
    pub home: Registry,
    _scratch: TempDir,
}

impl World {
    /// A new one.
    pub async fn new() -> Self {
        let scratch = tempfile::tempdir().expect("a scratch directory");
        let fixed = Arc::new(Fixed(AtomicU64::new(0)));
        let metadata = SqliteMetadata::open(&scratch.path().join("ecru.db"), &*fixed);
        let keys = FileKeyStore::from_text(&"5a".repeat(32)).expect("a root key");
        let keys = Arc::new(keys);
        let outside = Outside {
            metadata: Metadata::new(Arc::new(metadata.expect("a database"))),
            blobs: Arc::new(S3ShapedBlobs::in_bucket(Bucket::default())),
            keys: keys.clone(),
            clock: fixed.clone(),
            ids: fixed,
            audit: Arc::new(ecru_ports::conformance::audit::KeptLines::default()),
            outbound: Arc::new(GuardedHttp::with_trust(EgressAllow::default(), vec![]).expect("no authorities")),
            identity_tokens: Arc::new(JsonWebTokens),
        };
        let home = Registry {
            account: AccountId::parse("000000000000").expect("an account"),
            region: Region::parse("us-east-1").expect("a region"),
        };
        let limits = Limits {
            home: home.clone(),
            layer_grace: DAY,
            removal_delay: Duration::ZERO,
            upload_lifetime: DAY,
            latest: LatestMode::Newest,
        };
        let world = Self {
            services: Services::new(&outside, &limits),
            server_keys: ServerKeys::new(Store::new(outside.metadata.clone()), &outside),
            keys,
            home,
            _scratch: scratch,
        };
        world.settle().await;
        world
    }

    async fn settle(&self) {
        let pair = AccessKeyPair {
            id: ACCESS_KEY.to_owned(),
            secret: "secret".to_owned().into(),
        };
        let identity = &self.services.identity;
        let set = identity.set_root_key(&self.home.account, &pair).await;
        set.expect("the root key is set");
        let command = CreateRepository {
            registry: self.home.clone(),
            name: RepositoryName::parse(REPOSITORY).expect("a name"),
            tags: Vec::new(),
            mutability: TagMutability::mutable(),
            scan_on_push: false,
            encryption: RequestedEncryption {
                kind: EncryptionType::Aes256,
                key: None,
            },
        };
        let context = self.context();
        let created = self.services.repositories.create(&context, command);
        created.await.expect("a repository");
    }

    /// A request of the root user.
    pub fn context(&self) -> RequestContext {
        RequestContext {
            request_id: "request".to_owned(),
            principal: Principal::root(self.home.account.clone(), ACCESS_KEY.to_owned()),
            region: self.home.region.clone(),
            peer: None,
            is_tls: false,
            user_agent: None,
            time: Timestamp::from_micros(NOW),
            decisions: Decisions::default(),
        }
    }
}
