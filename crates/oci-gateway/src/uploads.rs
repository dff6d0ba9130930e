//! `/v2/<name>/blobs/uploads/`: uploads in one request, in two, in chunks, as a stream; resumed and cancelled.
//!
//! ```text
//! POST ─▶ 202 Location ─▶ PATCH* 202 ─▶ PUT ?digest= 201      GET 204: how far     DELETE 204
//! POST ?digest= 201         POST ?mount=&from= 201, or 202 as without
//! ```

use ecru_domain::address::RepositoryAddress;
use ecru_domain::{Algorithm, Digest, Error, Invalid, Refusal, UploadId};
use ecru_services::uploads::{Chunk, UploadAddress};
use http::header::{CONTENT_RANGE, LOCATION, RANGE};
use http::{Response, StatusCode};

use crate::call::Call;
use crate::content_range;
use crate::errors::{Code, Failure};
use crate::response::{self, CONTENT_DIGEST, ResponseBody, UPLOAD_UUID, header_value};

/// Begins an upload, mounts a layer, or takes a whole one.
pub(crate) async fn initiate(call: &Call<'_>) -> Result<Response<ResponseBody>, Failure> {
    let query = call.request.query;
    if let Some(digest) = query.get("mount") {
        return mount(call, &digest_parameter(digest)?).await;
    }
    if let Some(digest) = query.get("digest") {
        return whole(call, &digest_parameter(digest)?).await;
    }
    let algorithm = match query.get("digest-algorithm") {
        None => Algorithm::Sha256,
        Some(name) => Algorithm::from_name(name)
            .ok_or_else(|| Failure::digest(&Invalid::new("digest algorithm", name)))?,
    };
    begin(call, algorithm).await
}

async fn begin(call: &Call<'_>, algorithm: Algorithm) -> Result<Response<ResponseBody>, Failure> {
    let is_sha512 = algorithm == Algorithm::Sha512;
    let uploads = &call.services.uploads;
    let begun = uploads.initiate(&call.context, call.registry(), call.name(), is_sha512);
    Ok(progress(call, StatusCode::ACCEPTED, &begun.await?, 0))
}

/// Mounts a layer of the repository that `from` names. Whatever stands against it, the client may upload instead.
async fn mount(call: &Call<'_>, digest: &Digest) -> Result<Response<ResponseBody>, Failure> {
    let from = call.request.query.get("from");
    let source = from.and_then(|path| call.request.resolve(path).ok());
    let source = source
        .as_ref()
        .map(|RepositoryAddress { registry, name }| (registry, name));
    let target = (call.registry(), call.name());
    let layers = &call.services.layers;
    if layers.mount(&call.context, target, source, digest).await? {
        Ok(created(call, digest))
    } else {
        begin(call, digest.algorithm()).await
    }
}

async fn whole(call: &Call<'_>, digest: &Digest) -> Result<Response<ResponseBody>, Failure> {
    let chunk = chunk(call)?;
    let uploads = &call.services.uploads;
    let done = uploads.whole(&call.context, call.registry(), call.name(), chunk, digest);
    done.await?;
    Ok(created(call, digest))
}

/// How far an upload is.
pub(crate) async fn status(call: &Call<'_>) -> Result<Response<ResponseBody>, Failure> {
    let address = address(call)?;
    let uploads = &call.services.uploads;
    let received = uploads.status(&call.context, &address).await?;
    let status = StatusCode::NO_CONTENT;
    Ok(progress(call, status, &address.upload, received))
}

/// Takes a chunk.
pub(crate) async fn append(call: &Call<'_>) -> Result<Response<ResponseBody>, Failure> {
    let (address, chunk) = (address(call)?, chunk(call)?);
    let uploads = &call.services.uploads;
    let appended = uploads.append(&call.context, &address, chunk).await;
    let received = appended.map_err(|error| refuse_chunk(call, error))?;
    let status = StatusCode::ACCEPTED;
    Ok(progress(call, status, &address.upload, received))
}

/// Takes the last chunk, if there is one, and ends the upload.
pub(crate) async fn complete(call: &Call<'_>) -> Result<Response<ResponseBody>, Failure> {
    let address = address(call)?;
    let Some(digest) = call.request.query.get("digest") else {
        let message = "the digest parameter is required";
        return Err(Failure::invalid(Code::DigestInvalid, message));
    };
    let (digest, chunk) = (digest_parameter(digest)?, chunk(call)?);
    let uploads = &call.services.uploads;
    let completed = uploads.complete(&call.context, &address, chunk, &digest);
    let completed = completed.await;
    completed.map_err(|error| refuse_chunk(call, error))?;
    Ok(created(call, &digest))
}

/// Forgets an upload.
pub(crate) async fn cancel(call: &Call<'_>) -> Result<Response<ResponseBody>, Failure> {
    let address = address(call)?;
    let uploads = &call.services.uploads;
    uploads.cancel(&call.context, &address).await?;
    Ok(response::bare(StatusCode::NO_CONTENT))
}

/// The upload of the path. A text that cannot be an upload's id is that of no upload.
fn address(call: &Call<'_>) -> Result<UploadAddress, Failure> {
    let unknown = |invalid| Failure::unknown(Code::BlobUploadUnknown, invalid);
    Ok(UploadAddress {
        registry: call.registry().clone(),
        name: call.name().clone(),
        upload: UploadId::parse(call.last).map_err(unknown)?,
    })
}

fn digest_parameter(text: &str) -> Result<Digest, Failure> {
    Digest::parse(text).map_err(|invalid| Failure::digest(&invalid))
}

/// The bytes of the request, and where they say they belong.
fn chunk(call: &Call<'_>) -> Result<Chunk, Failure> {
    let request = &call.request;
    let announced = request.body.announced();
    let (first, length) = position(
        request.headers.contains_key(CONTENT_RANGE),
        request.header(CONTENT_RANGE),
        announced,
    )?;
    let body = request.body.stream(request.idle);
    Ok(Chunk {
        first,
        length,
        body,
    })
}

/// Settles `Content-Range` with `Content-Length`: where a chunk begins and how long it is, as far as is known.
fn position(
    is_given: bool,
    content_range: Option<&str>,
    announced: Option<u64>,
) -> Result<(Option<u64>, Option<u64>), Failure> {
    if !is_given {
        return Ok((None, announced));
    }
    let Some(range) = content_range.and_then(content_range::parse) else {
        let message = "Content-Range must be '<first byte>-<last byte>'";
        return Err(Failure::invalid(Code::BlobUploadInvalid, message));
    };
    if announced.is_some_and(|announced| announced != range.length) {
        let message = "Content-Range and Content-Length do not agree";
        return Err(Failure::invalid(Code::SizeInvalid, message));
    }
    Ok((Some(range.first), Some(range.length)))
}

/// Where to go on, and how much is there.
fn progress(
    call: &Call<'_>,
    status: StatusCode,
    upload: &UploadId,
    received: u64,
) -> Response<ResponseBody> {
    let mut answer = response::bare(status);
    let headers = answer.headers_mut();
    headers.insert(LOCATION, call.location(&format!("blobs/uploads/{upload}")));
    headers.insert(RANGE, header_value(received_range(received)));
    headers.insert(UPLOAD_UUID, header_value(upload.as_str()));
    answer
}

/// The bytes received, as positions. There is no way to write "none": `0-0` is what every client expects.
fn received_range(received: u64) -> String {
    format!("0-{}", received.saturating_sub(1))
}

fn created(call: &Call<'_>, digest: &Digest) -> Response<ResponseBody> {
    let mut answer = response::bare(StatusCode::CREATED);
    let headers = answer.headers_mut();
    headers.insert(LOCATION, call.location(&format!("blobs/{digest}")));
    headers.insert(CONTENT_DIGEST, header_value(digest.as_str()));
    answer
}

/// A chunk that does not follow is told where the upload stands.
fn refuse_chunk(call: &Call<'_>, error: Error) -> Failure {
    let stands = match &error {
        Error::Refused(Refusal::InvalidLayerPart {
            upload, received, ..
        }) => Some((upload.clone(), *received)),
        _ => None,
    };
    let failure = Failure::from(error);
    match stands {
        None => failure,
        Some((upload, received)) => failure
            .with_header(LOCATION, call.location(&format!("blobs/uploads/{upload}")))
            .with_header(RANGE, header_value(received_range(received)))
            .with_header(UPLOAD_UUID, header_value(upload.as_str())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_come_from_both_headers_and_must_agree() {
        let position = |range: Option<&str>, announced| {
            super::position(range.is_some(), range, announced)
                .map_err(|failure| failure.code().as_str())
        };
        let table = [
            (None, None, Ok((None, None))),
            (None, Some(10), Ok((None, Some(10)))),
            (Some("5-14"), Some(10), Ok((Some(5), Some(10)))),
            (Some("5-14"), None, Ok((Some(5), Some(10)))),
            (Some("5-14"), Some(9), Err("SIZE_INVALID")),
            (Some("0-99"), Some(0), Err("SIZE_INVALID")),
            (
                Some("bytes=zero-nine"),
                Some(10),
                Err("BLOB_UPLOAD_INVALID"),
            ),
            (Some("14-5"), Some(10), Err("BLOB_UPLOAD_INVALID")),
        ];
        for (range, announced, expected) in table {
            assert_eq!(
                position(range, announced),
                expected,
                "{range:?} {announced:?}"
            );
        }
        let twice = super::position(true, None, Some(10)).unwrap_err();
        assert_eq!(twice.code(), Code::BlobUploadInvalid);
    }

    #[test]
    fn received_bytes_are_inclusive_positions() {
        assert_eq!(received_range(0), "0-0");
        assert_eq!(received_range(1), "0-0");
        assert_eq!(received_range(1024), "0-1023");
    }
}
