//! `GET /v2/<name>/tags/list`: tags in the order of their bytes.

use http::Response;
use http::header::LINK;
use serde::Serialize;

use crate::call::Call;
use crate::errors::Failure;
use crate::links;
use crate::listing::Listing;
use crate::response::{self, ResponseBody};

#[derive(Serialize)]
struct TagList<'a> {
    name: &'a str,
    tags: Vec<&'a str>,
}

/// Answers a page of tags. None are asked for with `n=0`: the repository must exist all the same.
pub(crate) async fn list(call: &Call<'_>) -> Result<Response<ResponseBody>, Failure> {
    let listing = Listing::parse(call.request.query)?;
    let images = &call.services.images;
    let after = listing.after.clone();
    let found = images.list_tags(
        &call.context,
        call.registry(),
        call.name(),
        after,
        listing.limit,
    );
    let (tags, more) = found.await?;
    let body = TagList {
        name: call.path,
        tags: tags.iter().map(ecru_domain::Tag::as_str).collect(),
    };
    let mut answer = response::json("application/json", &body)?;
    if let Some(last) = tags.last().filter(|_| more) {
        let link = links::next(&call.path_of("tags/list"), &listing.next(last.as_str()));
        answer.headers_mut().insert(LINK, link);
    }
    Ok(answer)
}
