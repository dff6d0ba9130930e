//! `/v2/<name>/blobs/<digest>`: pull with ranges, and what HEAD tells.

use ecru_domain::Digest;
use ecru_services::layers::OpenLayer;
use http::header::{
    ACCEPT_RANGES, ALLOW, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    IF_RANGE, RANGE,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use crate::call::{Call, Received};
use crate::errors::{Code, Failure};
use crate::range::{Selection, select};
use crate::response::{self, CONTENT_DIGEST, ResponseBody, header_value};

/// Answers a blob, or part of it. HEAD reads no bytes.
pub(crate) async fn pull(call: &Call<'_>) -> Result<Response<ResponseBody>, Failure> {
    let digest = call.digest()?;
    let (registry, name) = (call.registry(), call.name());
    let layers = &call.services.layers;
    if call.request.method == Method::HEAD {
        let size = layers.stat(&call.context, registry, name, &digest).await?;
        return Ok(head(&digest, size));
    }
    let layer = layers.open(&call.context, registry, name, &digest).await?;
    send(&layer, &call.request).await
}

/// Blobs go when no image needs them, never by request.
pub(crate) fn refuse_delete() -> Failure {
    let message = "blobs cannot be deleted; they go with their images";
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, Code::Unsupported, message)
        .with_header(ALLOW, HeaderValue::from_static("GET, HEAD"))
}

/// The headers of a blob.
pub(crate) fn head(digest: &Digest, size: u64) -> Response<ResponseBody> {
    let mut answer = response::bare(StatusCode::OK);
    let headers = answer.headers_mut();
    describe(headers, digest);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(size));
    answer
}

/// The bytes that the request selects, streamed.
pub(crate) async fn send(
    layer: &OpenLayer,
    request: &Received<'_>,
) -> Result<Response<ResponseBody>, Failure> {
    let (digest, size) = (layer.digest(), layer.size());
    if is_known(request, digest) {
        let mut answer = response::bare(StatusCode::NOT_MODIFIED);
        answer.headers_mut().remove(CONTENT_LENGTH);
        describe(answer.headers_mut(), digest);
        return Ok(answer);
    }
    let (status, range) = match selection(request, digest, size) {
        Selection::Whole => (StatusCode::OK, 0..size),
        Selection::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Selection::Unsatisfiable => return Err(unsatisfiable(size)),
    };
    let length = range.end - range.start;
    let mut answer = head(digest, length);
    *answer.status_mut() = status;
    if status == StatusCode::PARTIAL_CONTENT {
        let value = format!("bytes {}-{}/{size}", range.start, range.end - 1);
        answer
            .headers_mut()
            .insert(CONTENT_RANGE, header_value(value));
    }
    if length > 0 {
        *answer.body_mut() = ResponseBody::stream(layer.read(range).await?, length);
    }
    Ok(answer)
}

fn describe(headers: &mut HeaderMap, digest: &Digest) {
    let binary = HeaderValue::from_static("application/octet-stream");
    headers.insert(CONTENT_TYPE, binary);
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CONTENT_DIGEST, header_value(digest.as_str()));
    headers.insert(ETAG, header_value(entity_tag(digest)));
}

/// A digest never names other bytes.
fn entity_tag(digest: &Digest) -> String {
    format!("\"{digest}\"")
}

/// Whether the client has the blob already (RFC 9110 §13.1.2).
fn is_known(request: &Received<'_>, digest: &Digest) -> bool {
    let Some(known) = request.header(IF_NONE_MATCH) else {
        return false;
    };
    let tag = entity_tag(digest);
    let mut known = known.split(',').map(str::trim);
    known.any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}

/// The range asked for; all of the blob if it was asked for on condition of another blob (RFC 9110 §13.1.5).
fn selection(request: &Received<'_>, digest: &Digest, size: u64) -> Selection {
    let Some(range) = request.header(RANGE) else {
        return Selection::Whole;
    };
    if request.headers.contains_key(IF_RANGE)
        && request.header(IF_RANGE) != Some(entity_tag(digest).as_str())
    {
        return Selection::Whole;
    }
    select(range, size)
}

fn unsatisfiable(size: u64) -> Failure {
    let message = format!("the range lies outside of the {size} bytes of the blob");
    Failure::new(
        StatusCode::RANGE_NOT_SATISFIABLE,
        Code::SizeInvalid,
        message,
    )
    .with_header(CONTENT_RANGE, header_value(format!("bytes */{size}")))
}
