//! Signed API calls and registry requests of the run's own, for preparation and for bad input.

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::content::{self, Image};
use crate::scene::Scene;
use crate::server::REGION;
use crate::signing::{self, Scope};
use crate::wire::{Answer, Request};

/// Target prefix of the ECR API.
pub(crate) const ECR_TARGET: &str = "AmazonEC2ContainerRegistry_V20150921";
const JSON: &str = "application/x-amz-json-1.1";

impl Scene {
    /// Calls an ECR operation in the server's region and requires success.
    pub(crate) fn call(&self, operation: &str, input: &Value) -> Result<Value> {
        self.call_in(REGION, operation, input)
    }

    /// Calls an ECR operation in a region and requires success.
    pub(crate) fn call_in(&self, region: &str, operation: &str, input: &Value) -> Result<Value> {
        let answer = self.try_call_in(region, operation, input.to_string().as_bytes())?;
        if answer.status != 200 {
            bail!("{operation}: {} {}", answer.status, answer.excerpt());
        }
        Ok(answer.json())
    }

    /// Sends any body to an ECR operation, signed, and returns what came back.
    pub(crate) fn try_call(&self, operation: &str, body: &[u8]) -> Result<Answer> {
        self.try_call_in(REGION, operation, body)
    }

    fn try_call_in(&self, region: &str, operation: &str, body: &[u8]) -> Result<Answer> {
        let target = format!("{ECR_TARGET}.{operation}");
        let host = format!("localhost:{}", self.port());
        let scope = Scope {
            service: "ecr",
            region,
            host: &host,
        };
        let headers = [("content-type", JSON), ("x-amz-target", target.as_str())];
        let signed = signing::sign(&self.key, &scope, &headers, body);
        Request::new("POST", "/")
            .headers(signed)
            .body(body)
            .send(self.port())
    }

    /// Creates a repository in the server's region.
    pub(crate) fn create_repository(&self, name: &str) -> Result<()> {
        self.call(
            "CreateRepository",
            &serde_json::json!({"repositoryName": name}),
        )?;
        Ok(())
    }

    /// A fresh registry password for a region; remembered as a secret of the run.
    pub(crate) fn password_for(&self, region: &str) -> Result<String> {
        let output = self.call_in(region, "GetAuthorizationToken", &serde_json::json!({}))?;
        let token = output["authorizationData"][0]["authorizationToken"].as_str();
        let token = token.context("no authorization token")?;
        let pair = String::from_utf8(STANDARD.decode(token)?)?;
        let (user, password) = pair
            .split_once(':')
            .context("the token holds no password")?;
        if user != "AWS" || password.contains(':') {
            bail!("the token is not AWS:<password without colon>");
        }
        self.bench.remember_secret(token);
        self.bench.remember_secret(password);
        Ok(password.to_owned())
    }

    /// A `/v2/` request with the scene's password.
    pub(crate) fn registry(&self, method: &str, target: &str) -> Request {
        authenticated(Request::new(method, target), &self.password)
    }

    /// Uploads a blob in one request (POST, then PUT) and requires 201.
    pub(crate) fn push_blob(&self, repository: &str, bytes: &[u8]) -> Result<()> {
        let location = self.begin_upload(repository)?;
        let target = with_query(&location, &format!("digest={}", content::digest(bytes)));
        let answer = self
            .registry("PUT", &target)
            .body(bytes)
            .send(self.port())?;
        expect(&answer, 201, "blob PUT")
    }

    /// Begins an upload and returns the target of its requests.
    pub(crate) fn begin_upload(&self, repository: &str) -> Result<String> {
        let target = format!("/v2/{repository}/blobs/uploads/");
        let answer = self.registry("POST", &target).send(self.port())?;
        expect(&answer, 202, "upload POST")?;
        location_path(&answer)
    }

    /// PUTs a manifest under a tag or digest.
    pub(crate) fn put_manifest(
        &self,
        repository: &str,
        reference: &str,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<Answer> {
        self.registry("PUT", &format!("/v2/{repository}/manifests/{reference}"))
            .header("content-type", media_type)
            .body(bytes)
            .send(self.port())
    }

    /// Pushes an image with its blobs; by digest when there is no tag.
    pub(crate) fn push_image(
        &self,
        repository: &str,
        tag: Option<&str>,
        image: &Image,
    ) -> Result<()> {
        self.push_blob(repository, &image.config)?;
        self.push_blob(repository, &image.layer)?;
        let digest = image.digest();
        let reference = tag.unwrap_or(&digest);
        let answer = self.put_manifest(repository, reference, image.media_type, &image.manifest)?;
        expect(&answer, 201, "manifest PUT")
    }

    /// GETs a manifest, accepting every format.
    pub(crate) fn get_manifest(&self, repository: &str, reference: &str) -> Result<Answer> {
        let accepted = [
            content::OCI_MANIFEST,
            content::OCI_INDEX,
            content::DOCKER_MANIFEST,
            content::DOCKER_LIST,
        ]
        .join(", ");
        self.registry("GET", &format!("/v2/{repository}/manifests/{reference}"))
            .header("accept", &accepted)
            .send(self.port())
    }

    /// GETs a blob.
    pub(crate) fn get_blob(&self, repository: &str, digest: &str) -> Result<Answer> {
        self.registry("GET", &format!("/v2/{repository}/blobs/{digest}"))
            .send(self.port())
    }
}

/// Adds Basic credentials.
pub(crate) fn authenticated(request: Request, password: &str) -> Request {
    let pair = STANDARD.encode(format!("AWS:{password}"));
    request.header("authorization", &format!("Basic {pair}"))
}

/// Requires a status.
pub(crate) fn expect(answer: &Answer, status: u16, what: &str) -> Result<()> {
    if answer.status != status {
        bail!(
            "{what}: {} instead of {status}: {}",
            answer.status,
            answer.excerpt()
        );
    }
    Ok(())
}

/// Requires a status and an error code.
pub(crate) fn expect_error(
    answer: &Answer,
    statuses: &[u16],
    codes: &[&str],
    what: &str,
) -> Result<()> {
    let code = answer.code();
    if !statuses.contains(&answer.status) || !codes.contains(&code.as_str()) {
        bail!(
            "{what}: {} {code:?} instead of {statuses:?} {codes:?}: {}",
            answer.status,
            answer.excerpt()
        );
    }
    Ok(())
}

/// Path and query of the `Location` header.
pub(crate) fn location_path(answer: &Answer) -> Result<String> {
    let location = answer.header("location").context("no Location header")?;
    Ok(match location.split_once("://") {
        Some((_, rest)) => rest
            .find('/')
            .and_then(|at| rest.get(at..))
            .unwrap_or("/")
            .to_owned(),
        None => location.to_owned(),
    })
}

/// Adds a query parameter to a target that may already have some.
pub(crate) fn with_query(target: &str, parameter: &str) -> String {
    let separator = if target.contains('?') { '&' } else { '?' };
    format!("{target}{separator}{parameter}")
}
