//! Calls of the ECR API: a password for `/v2/` and a repository to push to, which every benchmark
//! needs before its clock starts, and whatever else one measures. AWS JSON 1.1, signed.

use std::sync::Arc;

use anyhow::Context;
use hyper::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::client::{Answer, Connection, Endpoint, full};
use crate::sigv4::{AccessKey, Scope, Signable, authorization};

const TARGET: &str = "AmazonEC2ContainerRegistry_V20150921";
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// Client of the ECR API of one server.
#[derive(Clone)]
pub(crate) struct EcrClient {
    endpoint: Arc<Endpoint>,
    key: AccessKey,
    region: String,
}

impl EcrClient {
    /// A client that signs with `key` for `region`.
    pub(crate) fn new(endpoint: Arc<Endpoint>, key: AccessKey, region: &str) -> Self {
        Self {
            endpoint,
            key,
            region: region.to_owned(),
        }
    }

    /// Gets the Authorization header value for `/v2/` (`GetAuthorizationToken`).
    ///
    /// # Errors
    /// A refusal, or an answer without a token.
    pub(crate) async fn registry_authorization(&self) -> anyhow::Result<String> {
        let mut connection = self.connection();
        let value = self
            .call(&mut connection, "GetAuthorizationToken", &json!({}))
            .await?;
        let token = value["authorizationData"][0]["authorizationToken"]
            .as_str()
            .context("GetAuthorizationToken: answer without a token")?;
        Ok(format!("Basic {token}"))
    }

    /// Makes a repository, or finds it there (`CreateRepository`).
    ///
    /// # Errors
    /// Any refusal but `RepositoryAlreadyExistsException`.
    pub(crate) async fn ensure_repository(
        &self,
        connection: &mut Connection,
        name: &str,
    ) -> anyhow::Result<()> {
        let body = json!({ "repositoryName": name });
        let answer = self.send(connection, "CreateRepository", &body).await?;
        let text = String::from_utf8_lossy(&answer.body);
        if text.contains("RepositoryAlreadyExistsException") {
            return Ok(());
        }
        answer.expect(StatusCode::OK, "CreateRepository")?;
        Ok(())
    }

    /// A connection for calls.
    pub(crate) fn connection(&self) -> Connection {
        Connection::new(Arc::clone(&self.endpoint))
    }

    /// Calls an operation and gives its answer.
    ///
    /// # Errors
    /// A refusal, or an answer that is no JSON.
    pub(crate) async fn call(
        &self,
        connection: &mut Connection,
        operation: &str,
        body: &Value,
    ) -> anyhow::Result<Value> {
        let answer = self.send(connection, operation, body).await?;
        let answer = answer.expect(StatusCode::OK, operation)?;
        Ok(serde_json::from_slice(&answer.body)?)
    }

    async fn send(
        &self,
        connection: &mut Connection,
        operation: &str,
        body: &Value,
    ) -> anyhow::Result<Answer> {
        let body = serde_json::to_vec(body)?;
        let target = format!("{TARGET}.{operation}");
        let scope = Scope {
            region: &self.region,
            service: "ecr",
            time: Timestamp::now(),
        };
        let date_time = scope.date_time();
        let request = Signable {
            method: "POST",
            headers: &[
                ("content-type", CONTENT_TYPE),
                ("host", self.endpoint.authority()),
                ("x-amz-date", &date_time),
                ("x-amz-target", &target),
            ],
            body: &body,
        };
        let signature = authorization(&self.key, &scope, &request)?;
        let headers = [
            ("content-type", CONTENT_TYPE),
            ("x-amz-date", &date_time),
            ("x-amz-target", &target),
            ("authorization", &signature),
        ];
        connection
            .exchange(Method::POST, "/", &headers, full(body))
            .await
    }
}
