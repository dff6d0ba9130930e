//! `GET /v2/<name>/referrers/<digest>`: manifests that name another as their subject, as an index.

use std::collections::BTreeMap;

use ecru_domain::Digest;
use ecru_domain::manifest::media_type;
use ecru_services::PageRequest;
use ecru_services::images::{ReferrerDescription, ReferrerQuery};
use http::header::LINK;
use http::{HeaderValue, Response};
use serde::Serialize;

use crate::call::Call;
use crate::errors::{Code, Failure};
use crate::links;
use crate::response::{self, OCI_FILTERS_APPLIED, ResponseBody};

/// Referrers of one answer.
const PAGE: u32 = 100;
/// Artifact types that one request may filter by.
const MAX_TYPES: usize = 5;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Index<'a> {
    schema_version: u32,
    media_type: &'static str,
    manifests: Vec<Descriptor<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor<'a> {
    media_type: &'a str,
    digest: &'a str,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<String, String>,
}

impl<'a> From<&'a ReferrerDescription> for Descriptor<'a> {
    fn from(referrer: &'a ReferrerDescription) -> Self {
        Self {
            media_type: &referrer.media_type,
            digest: referrer.digest.as_str(),
            size: referrer.size,
            artifact_type: referrer.artifact_type.as_deref(),
            annotations: &referrer.annotations,
        }
    }
}

/// Answers a page of referrers; an empty index if there are none, or no such subject.
pub(crate) async fn list(call: &Call<'_>) -> Result<Response<ResponseBody>, Failure> {
    let subject = call.digest()?;
    let types = artifact_types(call)?;
    let page = PageRequest {
        limit: Some(PAGE),
        token: call.request.query.get("last").map(str::to_owned),
    };
    let query = ReferrerQuery {
        registry: call.registry(),
        name: call.name(),
        subject: &subject,
        artifact_types: &types,
        page: &page,
    };
    let images = &call.services.images;
    let found = images.list_referrers(&call.context, query).await?;
    let index = Index {
        schema_version: 2,
        media_type: media_type::OCI_INDEX,
        manifests: found.items.iter().map(Descriptor::from).collect(),
    };
    let mut answer = response::json(media_type::OCI_INDEX, &index)?;
    if !types.is_empty() {
        let applied = HeaderValue::from_static("artifactType");
        answer.headers_mut().insert(OCI_FILTERS_APPLIED, applied);
    }
    if let Some(token) = &found.next_token {
        let link = next_page(call, &subject, &types, token);
        answer.headers_mut().insert(LINK, link);
    }
    Ok(answer)
}

/// A media type holds no space: one in the query was a plus sign that the client did not encode.
fn artifact_types(call: &Call<'_>) -> Result<Vec<String>, Failure> {
    let asked = call.request.query.all("artifactType");
    let types: Vec<_> = asked
        .filter(|text| !text.is_empty())
        .map(|text| text.replace(' ', "+"))
        .collect();
    if types.len() > MAX_TYPES {
        let message = format!("at most {MAX_TYPES} artifact types can be asked for at once");
        return Err(Failure::invalid(Code::Unsupported, message));
    }
    Ok(types)
}

fn next_page(call: &Call<'_>, subject: &Digest, types: &[String], token: &str) -> HeaderValue {
    let mut parameters: Vec<_> = types
        .iter()
        .map(|text| ("artifactType", text.as_str()))
        .collect();
    parameters.push(("last", token));
    links::next(&call.path_of(&format!("referrers/{subject}")), &parameters)
}
