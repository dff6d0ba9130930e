//! Who asks a server: one connection for each API, so that each request waits for the one before.

use anyhow::Context;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Instant;

use crate::aws::EcrClient;
use crate::client::{Answer, Connection, empty, full};
use crate::compare::Server;
use crate::growth::layout::repository_name;
use crate::latency::Latencies;
use crate::manifest::{CONFIG, MEDIA_TYPE, sha256};

/// A client of both APIs.
pub(super) struct Asker {
    ecr: EcrClient,
    aws: Connection,
    /// Connection to `/v2/`.
    pub(super) oci: Connection,
}

impl Asker {
    /// A client of a server.
    ///
    /// # Errors
    /// The server has no ECR API.
    pub(super) fn new(server: &Server) -> anyhow::Result<Self> {
        let ecr = server.ecr().context("only Ecru is made to grow")?.clone();
        Ok(Self {
            aws: ecr.connection(),
            oci: Connection::new(server.endpoint()),
            ecr,
        })
    }

    /// Calls an operation of the ECR API.
    ///
    /// # Errors
    /// A refusal.
    pub(super) async fn call(&mut self, operation: &str, body: &Value) -> anyhow::Result<Value> {
        self.ecr.call(&mut self.aws, operation, body).await
    }

    /// Makes a repository; it is no error if it is there.
    ///
    /// # Errors
    /// A refusal.
    pub(super) async fn create(&mut self, repository: &str) -> anyhow::Result<()> {
        self.ecr.ensure_repository(&mut self.aws, repository).await
    }

    /// Makes a repository that has the configuration of all images, taken from the large one.
    ///
    /// # Errors
    /// A refusal, of the mount too.
    pub(super) async fn create_with_config(&mut self, repository: &str) -> anyhow::Result<()> {
        self.create(repository).await?;
        let (digest, from) = (sha256(CONFIG.as_bytes()), repository_name(0));
        let path = format!("/v2/{repository}/blobs/uploads/?mount={digest}&from={from}");
        let length = [("content-length", "0")];
        self.oci
            .exchange(Method::POST, &path, &length, empty())
            .await?
            .expect(StatusCode::CREATED, "mount")?;
        Ok(())
    }

    /// Deletes a repository with its images.
    ///
    /// # Errors
    /// A refusal.
    pub(super) async fn delete_repository(&mut self, repository: &str) -> anyhow::Result<()> {
        let body = json!({ "repositoryName": repository, "force": true });
        self.call("DeleteRepository", &body).await.map(drop)
    }

    /// Puts a manifest under a tag or its digest.
    ///
    /// # Errors
    /// A refusal.
    pub(super) async fn put(
        &mut self,
        repository: &str,
        reference: &str,
        manifest: String,
    ) -> anyhow::Result<()> {
        let path = format!("/v2/{repository}/manifests/{reference}");
        let kind = [("content-type", MEDIA_TYPE)];
        self.oci
            .exchange(Method::PUT, &path, &kind, full(manifest))
            .await?
            .expect(StatusCode::CREATED, "PUT manifest")?;
        Ok(())
    }

    /// Gets what is at a path of `/v2/`.
    ///
    /// # Errors
    /// A refusal.
    pub(super) async fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        let accept = [("accept", MEDIA_TYPE)];
        let answer = self.oci.exchange(Method::GET, path, &accept, empty());
        answer.await?.expect(StatusCode::OK, path)
    }
}

/// Times of one kind of request.
#[derive(Default)]
pub(super) struct Stopwatch(Vec<u32>);

impl Stopwatch {
    /// Waits for a request and notes how long it took.
    pub(super) async fn time<T>(
        &mut self,
        deed: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let begun = Instant::now();
        let done = deed.await?;
        self.note(begun.elapsed());
        Ok(done)
    }

    /// Notes a time.
    pub(super) fn note(&mut self, time: std::time::Duration) {
        self.0
            .push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
    }

    /// The times, sorted.
    pub(super) fn latencies(self) -> Latencies {
        Latencies::from_micros(self.0)
    }
}
