//! `GET /v2/_catalog`: names of repositories, in the order of their bytes.
//!
//! A host of the AWS form names the registry; under any other it is the home registry.

use ecru_domain::{Registry, RepositoryName};
use ecru_services::{RequestContext, Services};
use http::Response;
use http::header::LINK;
use serde::Serialize;

use crate::errors::Failure;
use crate::links;
use crate::listing::Listing;
use crate::query::Query;
use crate::response::{self, ResponseBody};

#[derive(Serialize)]
struct Catalog<'a> {
    repositories: Vec<&'a str>,
}

/// Answers a page of names.
pub(crate) async fn list(
    services: &Services,
    context: &RequestContext,
    registry: &Registry,
    query: &Query,
) -> Result<Response<ResponseBody>, Failure> {
    let listing = Listing::parse(query)?;
    let after = listing.after.clone();
    let found = services
        .repositories
        .catalog(context, registry, after, listing.limit);
    let (names, more) = found.await?;
    let body = Catalog {
        repositories: names.iter().map(RepositoryName::as_str).collect(),
    };
    let mut answer = response::json("application/json", &body)?;
    if let Some(last) = names.last().filter(|_| more) {
        let link = links::next("/v2/_catalog", &listing.next(last.as_str()));
        answer.headers_mut().insert(LINK, link);
    }
    Ok(answer)
}
