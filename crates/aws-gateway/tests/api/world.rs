//! A whole server behind the gateway, in a temporary directory, with a clock that tests turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use ecru_aws_gateway::{AwsConfig, AwsGateway, ConnectionInfo, ResponseBody, RouteName};
use ecru_aws_model::ecr::Operation;
use ecru_blob_store::DirectoryBlobs;
use ecru_domain::latest::LatestMode;
use ecru_domain::{AccountId, Digest, Principal, Region, Registry, Timestamp};
use ecru_key_store::{FileKeyStore, JsonWebTokens};
use ecru_metadata_sql::SqliteMetadata;
use ecru_outbound::{EgressAllow, GuardedHttp};
use ecru_ports::conformance::audit::KeptLines;
use ecru_ports::{Clock, Ids, Metadata};
use ecru_services::identity::AccessKeyPair;
use ecru_services::{Limits, Outside, Services};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::oracle;

pub(crate) const HOME: &str = "000000000000";
pub(crate) const OTHER: &str = "222222222222";
pub(crate) const REGION: &str = "us-east-1";
pub(crate) const HOST: &str = "localhost:5050";
/// When it is, with milliseconds.
pub(crate) const NOW_MICROS: i64 = 1_795_165_687_250_000;

pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

/// The clock of the use cases: it stands until it is turned.
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

/// Who signs, and how.
#[derive(Clone)]
pub(crate) struct Signer {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
    pub(crate) service: &'static str,
    pub(crate) region: String,
}

impl Signer {
    /// The root user of an account.
    pub(crate) fn root(account: &str) -> Self {
        Self {
            id: format!("AKIA{account}AAAA"),
            secret: format!("secret of {account}"),
            token: None,
            service: "ecr",
            region: REGION.to_owned(),
        }
    }

    pub(crate) fn of(self, service: &'static str) -> Self {
        Self { service, ..self }
    }

    pub(crate) fn in_region(self, region: &str) -> Self {
        Self {
            region: region.to_owned(),
            ..self
        }
    }

    /// Adds the headers of a signature made at [`NOW_MICROS`].
    pub(crate) fn sign(&self, request: &mut Request<Bytes>) {
        let (id, secret) = (self.id.clone(), self.secret.clone());
        let identity = Credentials::new(id, secret, self.token.clone(), None, "test").into();
        let seconds = Duration::from_micros(NOW_MICROS.unsigned_abs());
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service)
            .time(SystemTime::UNIX_EPOCH + seconds)
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let uri = format!("http://{HOST}{}", request.uri());
        let headers = request.headers().iter();
        let headers = headers.map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
        let signable = SignableRequest::new(
            request.method().as_str(),
            uri.as_str(),
            headers.filter(|(name, _)| *name != "host"),
            SignableBody::Bytes(request.body()),
        );
        let (instructions, _) = sign(signable.unwrap(), &params).unwrap().into_parts();
        instructions.apply_to_request_http1x(request);
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    pub(crate) headers: http::HeaderMap,
    pub(crate) route: &'static str,
    pub(crate) principal: Option<Principal>,
    /// Whether the length was announced.
    pub(crate) is_whole: bool,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The code of an error, in either dialect.
    pub(crate) fn code(&self) -> String {
        match serde_json::from_slice::<Value>(&self.body) {
            Ok(body) => body["__type"].as_str().unwrap_or_default().to_owned(),
            Err(_) => between(self.text(), "<Code>", "</Code>").to_owned(),
        }
    }

    /// The text of an error, in either dialect.
    pub(crate) fn message(&self) -> String {
        match serde_json::from_slice::<Value>(&self.body) {
            Ok(body) => body["message"].as_str().unwrap_or_default().to_owned(),
            Err(_) => between(self.text(), "<Message>", "</Message>").to_owned(),
        }
    }
}

pub(crate) fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let rest = text.split_once(begin).map_or("", |(_, rest)| rest);
    rest.split_once(end).map_or("", |(inner, _)| inner)
}

/// A server.
pub(crate) struct World {
    pub(crate) gateway: AwsGateway,
    pub(crate) services: Services,
    clock: Arc<HandClock>,
    pub(crate) audit: Arc<KeptLines>,
    _directory: tempfile::TempDir,
}

impl World {
    /// With two accounts, each with an access key of its root user.
    pub(crate) async fn new() -> Self {
        Self::with_host(HOST).await
    }

    pub(crate) async fn with_host(uri_host: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let clock = Arc::new(HandClock(AtomicI64::new(NOW_MICROS)));
        let metadata = SqliteMetadata::open(&path.join("ecru.db"), &*clock).unwrap();
        let audit = Arc::new(KeptLines::default());
        let outside = Outside {
            metadata: Metadata::new(Arc::new(metadata)),
            blobs: Arc::new(DirectoryBlobs::open(&path.join("blobs")).unwrap()),
            keys: Arc::new(FileKeyStore::open_or_create(&path.join("keys"), true).unwrap()),
            clock: clock.clone(),
            ids: Arc::new(CountingIds(AtomicU64::new(0))),
            audit: audit.clone(),
            outbound: Arc::new(GuardedHttp::with_trust(EgressAllow::default(), vec![]).unwrap()),
            identity_tokens: Arc::new(JsonWebTokens),
        };
        let home = registry(HOME, REGION);
        let limits = Limits {
            home: home.clone(),
            layer_grace: DAY,
            removal_delay: Duration::ZERO,
            upload_lifetime: DAY,
            latest: LatestMode::Newest,
        };
        let services = Services::new(&outside, &limits);
        for account in [HOME, OTHER] {
            set_root_key(&services, account).await;
        }
        let config = AwsConfig {
            home,
            uri_host: uri_host.to_owned(),
            is_plain_http: true,
        };
        Self {
            gateway: AwsGateway::new(services.clone(), config),
            services,
            audit,
            clock,
            _directory: directory,
        }
    }

    /// Turns the clock of the use cases; requests are still signed and received at [`NOW_MICROS`].
    pub(crate) fn turn(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap();
        self.clock.0.fetch_add(micros, Ordering::SeqCst);
    }

    /// Hands a request over as it is, and leaves the body of the answer where it is.
    async fn receive(&self, request: Request<Bytes>) -> Response<ResponseBody> {
        let connection = ConnectionInfo {
            peer: Some([127, 0, 0, 1].into()),
            is_tls: false,
        };
        let now = Timestamp::from_micros(NOW_MICROS);
        self.gateway
            .handle(request.map(Full::new), &connection, "request-1", now)
            .await
    }

    /// Hands a request over as it is.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Answer {
        let (parts, body) = self.receive(request).await.into_parts();
        let is_whole = http_body::Body::size_hint(&body).exact().is_some();
        Answer {
            status: parts.status,
            body: body.collect().await.unwrap().to_bytes(),
            headers: parts.headers,
            route: parts.extensions.get::<RouteName>().unwrap().0,
            principal: parts.extensions.get::<Principal>().cloned(),
            is_whole,
        }
    }

    /// Sends any body to an operation as the root user of the management account, whatever comes back.
    pub(crate) async fn call_unchecked(
        &self,
        operation: Operation,
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut request = post(
            &format!("AmazonEC2ContainerRegistry_V20150921.{operation}"),
            body.into(),
        );
        Signer::root(HOME).sign(&mut request);
        self.send(request).await
    }

    /// Sends any body to an ECR operation, and checks that the answer is one that the model allows.
    pub(crate) async fn send_as(
        &self,
        signer: &Signer,
        operation: Operation,
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut request = post(
            &format!("AmazonEC2ContainerRegistry_V20150921.{operation}"),
            body.into(),
        );
        signer.sign(&mut request);
        let answer = self.send(request).await;
        oracle::check(operation, &answer);
        answer
    }

    /// Asks IAM or STS, whichever `signer` signs for.
    pub(crate) async fn query(&self, signer: &Signer, parameters: &[(&str, &str)]) -> Answer {
        let mut request = form(parameters);
        signer.sign(&mut request);
        self.send(request).await
    }

    /// Asks Organizations as the root user of the management account.
    pub(crate) async fn organizations(&self, operation: &str, input: Value) -> Answer {
        let target = format!("AWSOrganizationsV20161128.{operation}");
        let mut request = post(&target, input.to_string().into());
        Signer::root(HOME).of("organizations").sign(&mut request);
        self.send(request).await
    }

    /// Calls an operation as the root user of the management account.
    pub(crate) async fn call(&self, operation: Operation, input: Value) -> Answer {
        self.send_as(&Signer::root(HOME), operation, input.to_string())
            .await
    }

    /// Calls an operation and reads nothing of the answer's body.
    pub(crate) async fn unread(
        &self,
        operation: Operation,
        input: Value,
    ) -> Response<ResponseBody> {
        let target = format!("AmazonEC2ContainerRegistry_V20150921.{operation}");
        let mut request = post(&target, input.to_string().into());
        Signer::root(HOME).sign(&mut request);
        self.receive(request).await
    }

    /// Calls an operation and requires success.
    pub(crate) async fn ok(&self, operation: Operation, input: Value) -> Value {
        let answer = self.call(operation, input).await;
        assert_eq!(answer.status, 200, "{operation}: {}", answer.text());
        answer.json()
    }

    /// Calls an operation and requires a refusal; returns its text.
    pub(crate) async fn refused(&self, operation: Operation, input: Value, code: &str) -> String {
        let answer = self.call(operation, input.clone()).await;
        let seen = (answer.status.as_u16(), answer.code());
        assert_eq!(seen, (400, code.to_owned()), "{input}: {}", answer.text());
        answer.message()
    }

    pub(crate) async fn create(&self, repository: &str) -> Value {
        let input = json!({"repositoryName": repository});
        self.ok(Operation::CreateRepository, input).await
    }

    /// Uploads a layer in one part and returns its digest.
    pub(crate) async fn upload(&self, repository: &str, content: &[u8]) -> String {
        let digest = Digest::sha256(content).to_string();
        let input = json!({"repositoryName": repository});
        let begun = self.ok(Operation::InitiateLayerUpload, input).await;
        let upload = &begun["uploadId"];
        let part = part(repository, upload, 0, content);
        self.ok(Operation::UploadLayerPart, part).await;
        let input =
            json!({"repositoryName": repository, "uploadId": upload, "layerDigests": [digest]});
        self.ok(Operation::CompleteLayerUpload, input).await;
        digest
    }

    /// The manifest of an image whose layers are uploaded; `seed` makes it distinct.
    pub(crate) async fn image(&self, repository: &str, seed: &str) -> Value {
        let config = format!("{{\"config\":\"{seed}\"}}");
        let config_digest = self.upload(repository, config.as_bytes()).await;
        let layer = self.upload(repository, seed.as_bytes()).await;
        json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": config_digest, "size": config.len()},
            "layers": [{"mediaType": LAYER, "digest": layer, "size": seed.len()}],
        })
    }

    /// Pushes an image and returns its digest and manifest.
    pub(crate) async fn push(
        &self,
        repository: &str,
        seed: &str,
        tag: Option<&str>,
    ) -> (String, String) {
        let manifest = self.image(repository, seed).await.to_string();
        let mut input = json!({"repositoryName": repository, "imageManifest": manifest});
        if let Some(tag) = tag {
            input["imageTag"] = tag.into();
        }
        let put = self.ok(Operation::PutImage, input).await;
        let digest = put["image"]["imageId"]["imageDigest"].as_str().unwrap();
        (digest.to_owned(), manifest)
    }
}

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// The input of `UploadLayerPart`.
pub(crate) fn part(repository: &str, upload: &Value, first: usize, content: &[u8]) -> Value {
    use base64::Engine as _;
    let blob = base64::engine::general_purpose::STANDARD.encode(content);
    json!({
        "repositoryName": repository,
        "uploadId": upload,
        "partFirstByte": first,
        "partLastByte": first + content.len() - 1,
        "layerPartBlob": blob,
    })
}

pub(crate) fn post(target: &str, body: Bytes) -> Request<Bytes> {
    Request::builder()
        .method("POST")
        .uri("/")
        .header("host", HOST)
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", target)
        .body(body)
        .unwrap()
}

/// A request of the query dialect.
pub(crate) fn form(parameters: &[(&str, &str)]) -> Request<Bytes> {
    let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs = parameters.iter();
    let pairs: Vec<String> = pairs
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect();
    Request::builder()
        .method("POST")
        .uri("/")
        .header("host", HOST)
        .header(
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        )
        .body(pairs.join("&").into())
        .unwrap()
}

pub(crate) fn registry(account: &str, region: &str) -> Registry {
    Registry {
        account: AccountId::parse(account).unwrap(),
        region: Region::parse(region).unwrap(),
    }
}

pub(crate) async fn set_root_key(services: &Services, account: &str) {
    let signer = Signer::root(account);
    let pair = AccessKeyPair {
        id: signer.id,
        secret: signer.secret.into(),
    };
    let account = AccountId::parse(account).unwrap();
    services
        .identity
        .set_root_key(&account, &pair)
        .await
        .unwrap();
}
