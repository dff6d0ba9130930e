//! A registry in a temporary directory behind the gateway, and a client for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use ecru_blob_store::DirectoryBlobs;
use ecru_domain::latest::LatestMode;
use ecru_domain::manifest::media_type;
use ecru_domain::mutability::{MutabilityMode, TagMutability};
use ecru_domain::{
    AccountId, Digest, EncryptionType, Principal, Region, Registry, RepositoryName, Timestamp,
};
use ecru_key_store::{FileKeyStore, JsonWebTokens};
use ecru_metadata_sql::SqliteMetadata;
use ecru_oci_gateway::{ConnectionInfo, OciConfig, OciGateway, ResponseBody, RouteName};
use ecru_outbound::{EgressAllow, GuardedHttp};
use ecru_ports::conformance::audit::KeptLines;
use ecru_ports::{Clock, Ids, Metadata};
use ecru_services::identity::AccessKeyPair;
use ecru_services::keys::RequestedEncryption;
use ecru_services::repositories::CreateRepository;
use ecru_services::{Decisions, Limits, Outside, RequestContext, Services};
use futures_util::stream;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, LOCATION};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Full, StreamBody};

pub(crate) const ROOT_KEY: &str = "AKIAAAAAAAAAAAAAAAAA";
pub(crate) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const DAY: Duration = Duration::from_secs(24 * 3_600);

struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

struct CountingIds(AtomicU64);

impl Ids for CountingIds {
    fn random(&self) -> [u8; 16] {
        let count = self.0.fetch_add(1, Ordering::SeqCst);
        Digest::sha256(&count.to_be_bytes()).hex().as_bytes()[..16]
            .try_into()
            .unwrap()
    }
}

/// A registry with one client.
pub(crate) struct World {
    pub(crate) services: Services,
    pub(crate) home: Registry,
    pub(crate) password: String,
    gateway: OciGateway,
    pub(crate) audit: Arc<KeptLines>,
    clock: Arc<HandClock>,
    _directory: tempfile::TempDir,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) route: &'static str,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn location(&self) -> String {
        self.header(LOCATION.as_str()).unwrap().to_owned()
    }

    /// Status and OCI code; the body must be of the specification's form.
    pub(crate) fn refusal(&self) -> (u16, String) {
        let body = self.json();
        let errors = body["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{body}");
        assert!(errors[0]["message"].is_string(), "{body}");
        let media_type = self.header("content-type");
        assert_eq!(media_type, Some("application/json; charset=utf-8"));
        let code = errors[0]["code"].as_str().unwrap();
        (self.status.as_u16(), code.to_owned())
    }

    pub(crate) fn message(&self) -> String {
        let body = self.json();
        body["errors"][0]["message"].as_str().unwrap().to_owned()
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let clock = Arc::new(HandClock(AtomicI64::new(1_800_000_000_000_000)));
        let metadata = SqliteMetadata::open(&path.join("ecru.db"), &*clock).unwrap();
        let keys = FileKeyStore::open_or_create(&path.join("keys"), true).unwrap();
        let audit = Arc::new(KeptLines::default());
        let outside = Outside {
            metadata: Metadata::new(Arc::new(metadata)),
            blobs: Arc::new(DirectoryBlobs::open(&path.join("blobs")).unwrap()),
            keys: Arc::new(keys),
            clock: clock.clone(),
            ids: Arc::new(CountingIds(AtomicU64::new(0))),
            audit: audit.clone(),
            outbound: Arc::new(GuardedHttp::with_trust(EgressAllow::default(), vec![]).unwrap()),
            identity_tokens: Arc::new(JsonWebTokens),
        };
        let home = registry("000000000000", "us-east-1");
        let limits = Limits {
            home: home.clone(),
            layer_grace: DAY,
            removal_delay: Duration::ZERO,
            upload_lifetime: DAY,
            latest: LatestMode::Newest,
        };
        let services = Services::new(&outside, &limits);
        let gateway = OciGateway::new(services.clone(), OciConfig::new(home.clone()));
        let mut world = Self {
            services,
            home,
            password: String::new(),
            gateway,
            audit,
            clock,
            _directory: directory,
        };
        world.set_root_key(ROOT_KEY).await;
        world.password = world.token("us-east-1").await;
        world.create("team/app").await;
        world
    }

    pub(crate) async fn set_root_key(&self, id: &str) {
        let pair = AccessKeyPair {
            id: id.to_owned(),
            secret: "secret".to_owned().into(),
        };
        let account = &self.home.account;
        let identity = &self.services.identity;
        identity.set_root_key(account, &pair).await.unwrap();
    }

    pub(crate) fn turn(&self, by: Duration) {
        let by = i64::try_from(by.as_micros()).unwrap();
        self.clock.0.fetch_add(by, Ordering::SeqCst);
    }

    pub(crate) fn context(&self, region: &str) -> RequestContext {
        RequestContext {
            request_id: "request".to_owned(),
            principal: Principal::root(self.home.account.clone(), ROOT_KEY.to_owned()),
            region: Region::parse(region).unwrap(),
            peer: None,
            is_tls: false,
            user_agent: None,
            time: self.clock.now(),
            decisions: Decisions::default(),
        }
    }

    /// The password of a token for a region.
    pub(crate) async fn token(&self, region: &str) -> String {
        let issued = self.services.tokens.issue(&self.context(region)).await;
        issued.unwrap().password
    }

    pub(crate) async fn create(&self, name: &str) {
        self.create_in(&self.home.clone(), name, MutabilityMode::Mutable)
            .await;
    }

    pub(crate) async fn create_in(&self, registry: &Registry, name: &str, mode: MutabilityMode) {
        let command = CreateRepository {
            registry: registry.clone(),
            name: RepositoryName::parse(name).unwrap(),
            tags: vec![],
            mutability: TagMutability::new(mode, vec![]).unwrap(),
            scan_on_push: false,
            encryption: RequestedEncryption {
                kind: EncryptionType::Aes256,
                key: None,
            },
        };
        let context = self.context(registry.region.as_str());
        let repositories = &self.services.repositories;
        repositories.create(&context, command).await.unwrap();
    }

    /// Sends a request exactly as it is.
    pub(crate) async fn raw<B>(&self, request: Request<B>) -> Answer
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let connection = ConnectionInfo::default();
        let now = self.clock.now();
        let answer = self.gateway.handle(request, &connection, "id", now).await;
        let (parts, body) = answer.into_parts();
        let version = parts.headers.get("docker-distribution-api-version");
        assert_eq!(version.unwrap(), "registry/2.0");
        let announced = parts.headers.get("content-length").cloned();
        let body = body.collect().await.unwrap().to_bytes();
        if let (Some(announced), false) = (announced, body.is_empty()) {
            assert_eq!(announced, body.len().to_string().as_str());
        }
        let RouteName(route) = *parts.extensions.get().unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
            route,
        }
    }

    /// Sends a request with credentials.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header(AUTHORIZATION, basic("AWS", &self.password));
        if !headers.iter().any(|(name, _)| *name == HOST.as_str()) {
            request = request.header(HOST, "localhost:5050");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.raw(request.body(Full::new(body.into())).unwrap())
            .await
    }

    /// Asks for a path and leaves the body of the answer where it is.
    pub(crate) async fn unread(&self, path: &str) -> Response<ResponseBody> {
        let request = Request::builder().uri(path);
        let request = request.header(AUTHORIZATION, basic("AWS", &self.password));
        let request = request.body(Full::new(Bytes::new())).unwrap();
        let connection = ConnectionInfo::default();
        let now = self.clock.now();
        self.gateway.handle(request, &connection, "id", now).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    /// Uploads a blob in one request and returns its digest.
    pub(crate) async fn push_blob(&self, name: &str, content: &[u8]) -> Digest {
        let digest = Digest::sha256(content);
        let path = format!("/v2/{name}/blobs/uploads/?digest={digest}");
        let answer = self.send("POST", &path, &[], content.to_vec()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        digest
    }

    /// Puts a manifest of the OCI image type.
    pub(crate) async fn put(&self, path: &str, manifest: &[u8]) -> Answer {
        let headers = [(CONTENT_TYPE.as_str(), media_type::OCI_MANIFEST)];
        self.send("PUT", path, &headers, manifest.to_vec()).await
    }

    /// Pushes an image with one layer; returns its manifest.
    pub(crate) async fn push_image(
        &self,
        name: &str,
        reference: Option<&str>,
        seed: &str,
    ) -> Bytes {
        let manifest = self.image(name, seed, serde_json::json!({})).await;
        let digest = Digest::sha256(&manifest);
        let reference = reference.unwrap_or(digest.as_str());
        let path = format!("/v2/{name}/manifests/{reference}");
        let answer = self.put(&path, &manifest).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        manifest
    }

    /// The manifest of an image whose blobs are pushed; `extra` members are added.
    pub(crate) async fn image(&self, name: &str, seed: &str, extra: serde_json::Value) -> Bytes {
        let config = format!("{{\"author\":\"{seed}\"}}");
        let layer = format!("layer of {seed}");
        let config_digest = self.push_blob(name, config.as_bytes()).await;
        let layer_digest = self.push_blob(name, layer.as_bytes()).await;
        let mut manifest = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_MANIFEST,
            "config": descriptor(media_type::OCI_CONFIG, &config_digest, config.len()),
            "layers": [descriptor(LAYER, &layer_digest, layer.len())],
        });
        let members = manifest.as_object_mut().unwrap();
        members.extend(extra.as_object().unwrap().clone());
        Bytes::from(manifest.to_string())
    }
}

pub(crate) fn registry(account: &str, region: &str) -> Registry {
    Registry {
        account: AccountId::parse(account).unwrap(),
        region: Region::parse(region).unwrap(),
    }
}

pub(crate) fn basic(user: &str, password: &str) -> String {
    format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("{user}:{password}"))
    )
}

pub(crate) fn descriptor(media_type: &str, digest: &Digest, size: usize) -> serde_json::Value {
    serde_json::json!({"mediaType": media_type, "digest": digest.as_str(), "size": size})
}

/// A body that announces no length.
pub(crate) fn streamed(
    pieces: Vec<Result<&'static [u8], std::io::Error>>,
) -> impl Body<Data = Bytes, Error = std::io::Error> + Send + 'static {
    let frames = pieces
        .into_iter()
        .map(|piece| piece.map(|bytes| Frame::data(Bytes::from_static(bytes))));
    StreamBody::new(stream::iter(frames))
}
