//! One authenticated request to a repository, decoded as far as every handler needs.

use std::time::Duration;

use ecru_domain::address::{self, RepositoryAddress};
use ecru_domain::error::RepositoryLabel;
use ecru_domain::{Digest, Refusal, Registry, RepositoryName};
use ecru_services::{RequestContext, Services};
use http::header::{HOST, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};

use crate::bodies::{ManifestBudget, RequestBody};
use crate::errors::{Code, Failure};
use crate::query::Query;
use crate::response::header_value;

/// The longest `User-Agent` that is kept, in characters.
const MAX_USER_AGENT: usize = 512;

/// What a handler is called with.
pub(crate) struct Call<'a> {
    pub(crate) services: &'a Services,
    pub(crate) context: RequestContext,
    pub(crate) repository: RepositoryAddress,
    /// What stands for the repository in the client's path: Locations keep it.
    pub(crate) path: &'a str,
    /// The last segment of the path.
    pub(crate) last: &'a str,
    pub(crate) request: Received<'a>,
}

/// What was received besides the path.
#[derive(Clone, Copy)]
pub(crate) struct Received<'a> {
    pub(crate) home: &'a Registry,
    pub(crate) host: &'a str,
    pub(crate) method: &'a Method,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) query: &'a Query,
    pub(crate) body: &'a RequestBody,
    pub(crate) pushed: &'a ManifestBudget,
    pub(crate) pulled: &'a ManifestBudget,
    pub(crate) idle: Duration,
}

impl Call<'_> {
    /// The registry addressed.
    pub(crate) fn registry(&self) -> &Registry {
        &self.repository.registry
    }

    /// The repository addressed.
    pub(crate) fn name(&self) -> &RepositoryName {
        &self.repository.name
    }

    /// The repository as refusals name it.
    pub(crate) fn label(&self) -> RepositoryLabel {
        RepositoryLabel {
            name: self.name().clone(),
            registry_id: self.registry().account.clone(),
        }
    }

    /// The last segment as a digest.
    pub(crate) fn digest(&self) -> Result<Digest, Failure> {
        Digest::parse(self.last).map_err(|invalid| Failure::digest(&invalid))
    }

    /// A path below this repository, in the client's form.
    pub(crate) fn path_of(&self, tail: &str) -> String {
        format!("/v2/{}/{tail}", self.path)
    }

    /// The same as the value of `Location`.
    pub(crate) fn location(&self, tail: &str) -> HeaderValue {
        header_value(self.path_of(tail))
    }
}

impl Received<'_> {
    /// The repository that a path means under the host that was asked.
    pub(crate) fn resolve(&self, path: &str) -> Result<RepositoryAddress, Failure> {
        address::resolve(self.home, self.host, path).map_err(|invalid| {
            if invalid.what() == "repository name" {
                return Refusal::RepositoryNameInvalid.into();
            }
            Failure::invalid(Code::NameInvalid, invalid)
        })
    }

    /// A header, if it is there once and is text.
    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    }
}

/// The host that the client asked: HTTP/2 and absolute targets carry it in the target.
pub(crate) fn host_of(parts: &Parts) -> &str {
    let header = || {
        parts
            .headers
            .get(HOST)
            .and_then(|value| value.to_str().ok())
    };
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    authority.or_else(header).unwrap_or_default()
}

/// What the client calls itself, shortened.
pub(crate) fn user_agent(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(USER_AGENT)?;
    if let Ok(text) = value.to_str()
        && text.len() <= MAX_USER_AGENT
    {
        return Some(text.to_owned());
    }
    let text = String::from_utf8_lossy(value.as_bytes());
    Some(text.chars().take(MAX_USER_AGENT).collect())
}
