//! What a push of one blob does: OCI distribution specification 1.1, "Pushing blobs".

use std::fmt;
use std::str::FromStr;

use anyhow::Context;
use http_body_util::BodyExt;
use hyper::{Method, StatusCode};

use crate::blob::{BLOCK, Blob};
use crate::client::{Connection, empty, full};
use crate::size::parse_size;

const OCTETS: (&str, &str) = ("content-type", "application/octet-stream");

/// How the bytes of a blob travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UploadMode {
    /// POST, one PATCH without a declared length, PUT: what docker does
    Stream,
    /// POST, then PUT with the whole body
    Mono,
    /// POST, one PATCH with Content-Range for each so many bytes, PUT
    Chunk(u64),
}

impl FromStr for UploadMode {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        match (text, text.strip_prefix("chunk:")) {
            ("stream", _) => Ok(Self::Stream),
            ("mono", _) => Ok(Self::Mono),
            (_, Some(size)) => Ok(Self::Chunk(whole_blocks(parse_size(size)?))),
            _ => anyhow::bail!("`{text}` is not stream, mono or chunk:SIZE"),
        }
    }
}

/// Chunks start where a block of the blob starts.
fn whole_blocks(size: u64) -> u64 {
    (size / BLOCK).max(1) * BLOCK
}

impl fmt::Display for UploadMode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream => formatter.write_str("stream"),
            Self::Mono => formatter.write_str("mono"),
            Self::Chunk(size) => write!(formatter, "chunk:{size}"),
        }
    }
}

/// A blob together with the digest computed before the clock started.
pub(crate) struct Upload<'a> {
    /// Repository that receives it.
    pub(crate) repository: &'a str,
    /// The content.
    pub(crate) blob: &'a Blob,
    /// `sha256:<hex>` of the content.
    pub(crate) digest: &'a str,
}

/// Pushes one blob.
///
/// # Errors
/// Any answer but 202 to POST and PATCH and 201 to PUT.
pub(crate) async fn push_blob(
    connection: &mut Connection,
    upload: &Upload<'_>,
    mode: UploadMode,
) -> anyhow::Result<()> {
    let location = begin(connection, upload.repository).await?;
    match mode {
        UploadMode::Mono => {
            let body = upload.blob.body().boxed();
            finish(connection, &location, upload.digest, body).await
        }
        UploadMode::Stream => {
            let location = stream(connection, &location, upload.blob).await?;
            finish(connection, &location, upload.digest, empty()).await
        }
        UploadMode::Chunk(size) => {
            let location = chunks(connection, location, upload.blob, size).await?;
            finish(connection, &location, upload.digest, empty()).await
        }
    }
}

/// Pushes bytes at hand (a configuration) with POST and PUT.
pub(crate) async fn push_bytes(
    connection: &mut Connection,
    repository: &str,
    bytes: &'static str,
    digest: &str,
) -> anyhow::Result<()> {
    let location = begin(connection, repository).await?;
    finish(connection, &location, digest, full(bytes)).await
}

async fn begin(connection: &mut Connection, repository: &str) -> anyhow::Result<String> {
    let path = format!("/v2/{repository}/blobs/uploads/");
    connection
        .exchange(Method::POST, &path, &[("content-length", "0")], empty())
        .await?
        .expect(StatusCode::ACCEPTED, "POST upload")?
        .location()
}

async fn stream(
    connection: &mut Connection,
    location: &str,
    blob: &Blob,
) -> anyhow::Result<String> {
    let body = blob.streamed_body().boxed();
    connection
        .exchange(Method::PATCH, location, &[OCTETS], body)
        .await?
        .expect(StatusCode::ACCEPTED, "PATCH upload")?
        .location()
}

async fn chunks(
    connection: &mut Connection,
    mut location: String,
    blob: &Blob,
    size: u64,
) -> anyhow::Result<String> {
    let mut from = 0;
    while from < blob.size() {
        let to = (from + size).min(blob.size());
        let range = format!("{from}-{}", to - 1);
        let headers = [OCTETS, ("content-range", range.as_str())];
        let body = blob.part(from, to).boxed();
        location = connection
            .exchange(Method::PATCH, &location, &headers, body)
            .await?
            .expect(StatusCode::ACCEPTED, "PATCH chunk")?
            .location()?;
        from = to;
    }
    Ok(location)
}

async fn finish(
    connection: &mut Connection,
    location: &str,
    digest: &str,
    body: crate::client::Body,
) -> anyhow::Result<()> {
    let separator = if location.contains('?') { '&' } else { '?' };
    let path = format!("{location}{separator}digest={digest}");
    connection
        .exchange(Method::PUT, &path, &[OCTETS], body)
        .await
        .context("PUT upload")?
        .expect(StatusCode::CREATED, "PUT upload")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upload_modes_parse_and_print() {
        let cases = [
            ("stream", Some("stream")),
            ("mono", Some("mono")),
            ("chunk:20m", Some("chunk:20971520")),
            ("chunk:1", Some("chunk:262144")),
            ("chunk:300000", Some("chunk:262144")),
            ("chunk:", None),
            ("chunk", None),
            ("Stream", None),
        ];
        for (text, wanted) in cases {
            let shown = text.parse::<UploadMode>().ok().map(|mode| mode.to_string());
            assert_eq!(shown.as_deref(), wanted, "{text}");
        }
    }
}
