//! Calls of the AWS APIs, signed. ECR (AWS JSON 1.1): a password for `/v2/` and a repository to push
//! to, which every benchmark needs before its clock starts. IAM (query): who may do what.

use std::sync::Arc;

use anyhow::Context;
use hyper::{Method, StatusCode};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::client::{Answer, Connection, Endpoint, full};
use crate::sigv4::{AccessKey, Scope, Signable, authorization};

const ECR_TARGET: &str = "AmazonEC2ContainerRegistry_V20150921";
const ECR_CONTENT_TYPE: &str = "application/x-amz-json-1.1";
const IAM_VERSION: &str = "2010-05-08";
const IAM_CONTENT_TYPE: &str = "application/x-www-form-urlencoded; charset=utf-8";
/// What a form need not escape: the unreserved characters of RFC 3986.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Who asks which server.
#[derive(Clone)]
struct Signer {
    endpoint: Arc<Endpoint>,
    key: AccessKey,
    region: String,
}

/// The headers in which calls of the services differ.
struct Call<'a> {
    service: &'a str,
    content_type: &'a str,
    /// `x-amz-target`, where the service has it.
    target: Option<&'a str>,
}

impl Signer {
    fn connection(&self) -> Connection {
        Connection::new(Arc::clone(&self.endpoint))
    }

    async fn send(
        &self,
        connection: &mut Connection,
        call: &Call<'_>,
        body: Vec<u8>,
    ) -> anyhow::Result<Answer> {
        let scope = Scope {
            region: &self.region,
            service: call.service,
            time: Timestamp::now(),
        };
        let date_time = scope.date_time();
        let target = call.target.map(|target| ("x-amz-target", target));
        let signed: Vec<_> = [
            ("content-type", call.content_type),
            ("host", self.endpoint.authority()),
            ("x-amz-date", date_time.as_str()),
        ]
        .into_iter()
        .chain(target)
        .collect();
        let request = Signable {
            method: "POST",
            headers: &signed,
            body: &body,
        };
        let signature = authorization(&self.key, &scope, &request)?;
        // the connection sends the host by itself
        let mut headers: Vec<_> = signed
            .iter()
            .copied()
            .filter(|(name, _)| *name != "host")
            .collect();
        headers.push(("authorization", signature.as_str()));
        connection
            .exchange(Method::POST, "/", &headers, full(body))
            .await
    }
}

/// Client of the ECR API of one server.
#[derive(Clone)]
pub(crate) struct EcrClient {
    signer: Signer,
}

impl EcrClient {
    /// A client that signs with `key` for `region`.
    pub(crate) fn new(endpoint: Arc<Endpoint>, key: AccessKey, region: &str) -> Self {
        Self {
            signer: Signer {
                endpoint,
                key,
                region: region.to_owned(),
            },
        }
    }

    /// Somebody else at the same server.
    pub(crate) fn with_key(&self, key: AccessKey) -> Self {
        let signer = Signer {
            key,
            ..self.signer.clone()
        };
        Self { signer }
    }

    /// The same asker, of the IAM API.
    pub(crate) fn iam(&self) -> IamClient {
        IamClient {
            signer: self.signer.clone(),
        }
    }

    /// Where `/v2/` is, with a password for it.
    ///
    /// # Errors
    /// A refusal, or an answer without a token.
    pub(crate) async fn registry_endpoint(&self) -> anyhow::Result<Arc<Endpoint>> {
        let authorization = self.registry_authorization().await?;
        Ok(Arc::new(
            self.signer.endpoint.with_authorization(authorization),
        ))
    }

    /// Gets the Authorization header value for `/v2/` (`GetAuthorizationToken`).
    async fn registry_authorization(&self) -> anyhow::Result<String> {
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
        self.signer.connection()
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
        let target = format!("{ECR_TARGET}.{operation}");
        let call = Call {
            service: "ecr",
            content_type: ECR_CONTENT_TYPE,
            target: Some(&target),
        };
        let body = serde_json::to_vec(body)?;
        self.signer.send(connection, &call, body).await
    }
}

/// Client of the IAM API of one server.
#[derive(Clone)]
pub(crate) struct IamClient {
    signer: Signer,
}

impl IamClient {
    /// A connection for calls.
    pub(crate) fn connection(&self) -> Connection {
        self.signer.connection()
    }

    /// Calls an operation and gives its answer, XML.
    ///
    /// # Errors
    /// A refusal.
    pub(crate) async fn call(
        &self,
        connection: &mut Connection,
        operation: &str,
        parameters: &[(&str, &str)],
    ) -> anyhow::Result<String> {
        let call = Call {
            service: "iam",
            content_type: IAM_CONTENT_TYPE,
            target: None,
        };
        let body = form(operation, parameters).into_bytes();
        let answer = self.signer.send(connection, &call, body).await?;
        let answer = answer.expect(StatusCode::OK, operation)?;
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    }
}

fn form(operation: &str, parameters: &[(&str, &str)]) -> String {
    let mut text = format!("Action={operation}&Version={IAM_VERSION}");
    for (name, value) in parameters {
        text.push('&');
        text.push_str(name);
        text.push('=');
        text.extend(utf8_percent_encode(value, ESCAPED));
    }
    text
}

/// The text of the first element of that name, where there is nothing to unescape in it.
///
/// # Errors
/// There is no such element.
pub(crate) fn element<'a>(xml: &'a str, name: &str) -> anyhow::Result<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let found = xml
        .split_once(&open)
        .and_then(|(_, rest)| rest.split_once(&close));
    let (text, _) = found.with_context(|| format!("answer without {name}"))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_a_form_are_escaped() {
        let parameters = [("UserName", "a+b"), ("PolicyDocument", "{\"x\": 1}")];
        let wanted = "Action=CreateUser&Version=2010-05-08\
                      &UserName=a%2Bb&PolicyDocument=%7B%22x%22%3A%201%7D";
        assert_eq!(form("CreateUser", &parameters), wanted);
    }

    #[test]
    fn elements_are_found_by_name() {
        let xml = "<User><Path>/</Path><UserName>ann</UserName></User>";
        assert_eq!(element(xml, "UserName").unwrap(), "ann");
        assert!(element(xml, "Arn").is_err());
    }
}
