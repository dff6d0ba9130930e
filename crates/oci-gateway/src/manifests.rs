//! `/v2/<name>/manifests/<reference>`: pull, push, delete.
//!
//! A manifest is what was pushed, byte for byte, and is never converted, whatever `Accept` says. It only tells who asks
//! in order to push ([`is_before_a_push`]).

use ecru_domain::manifest::media_type;
use ecru_domain::{Digest, Reference, Refusal, Tag};
use ecru_services::images::{FoundManifest, PutImage, PutImageOutcome, StoredImage};
use http::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use http::{Method, Response, StatusCode};

use crate::bodies::Share;
use crate::call::{Call, Received};
use crate::errors::{Code, Failure};
use crate::response::{self, CONTENT_DIGEST, OCI_SUBJECT, OCI_TAG, ResponseBody, header_value};

/// Tags that one push may set.
const MAX_TAGS: usize = 100;

/// Answers a manifest. A text that cannot be a tag is the tag of no image.
pub(crate) async fn pull(call: &Call<'_>) -> Result<Response<ResponseBody>, Failure> {
    let reference = existing_reference(call)?;
    let (found, share) = find(call, &reference).await?;
    let media_type = header_value(found.media_type);
    let mut answer = response::bytes(StatusCode::OK, media_type, share.keep(found.bytes));
    let digest = header_value(found.digest.as_str());
    answer.headers_mut().insert(CONTENT_DIGEST, digest);
    Ok(answer)
}

/// Finds a manifest, and room for it while it is sent: who reads slowly must not fill the memory. One for which
/// there is no room is let go, and read again when there is.
async fn find(call: &Call<'_>, reference: &Reference) -> Result<(FoundManifest, Share), Failure> {
    let (images, pulled) = (&call.services.images, call.request.pulled);
    let (context, registry, name) = (&call.context, call.registry(), call.name());
    let is_before_a_push = is_before_a_push(&call.request);
    let pull = || async move {
        if is_before_a_push {
            images.find_pushed(context, registry, name, reference).await
        } else {
            images.pull(context, registry, name, reference).await
        }
    };
    let found = pull().await?;
    if let Some(share) = pulled.try_share(found.bytes.len()) {
        return Ok((found, share));
    }
    drop(found);
    let share = pulled.share().await?;
    Ok((pull().await?, share))
}

/// Whether this is asked by who is about to push: containerd's library, with which docker pushes from the containerd
/// image store, accepts the type of its manifest, or else anything. Who pulls accepts several types, and who only looks
/// says nothing, or one type.
fn is_before_a_push(request: &Received<'_>) -> bool {
    *request.method == Method::HEAD && request.header(ACCEPT).is_some_and(accepts_one_or_any)
}

fn accepts_one_or_any(accept: &str) -> bool {
    let (first, second) = accept.split_once(',').unwrap_or_default();
    let manifests = [
        media_type::OCI_MANIFEST,
        media_type::OCI_INDEX,
        media_type::DOCKER_MANIFEST,
        media_type::DOCKER_LIST,
    ];
    manifests.contains(&first.trim()) && second.trim() == "*/*"
}

/// Deletes a manifest with its tags, or one tag.
pub(crate) async fn delete(call: &Call<'_>) -> Result<Response<ResponseBody>, Failure> {
    let reference = existing_reference(call)?;
    let (registry, name) = (call.registry(), call.name());
    let images = &call.services.images;
    images
        .delete(&call.context, registry, name, &reference)
        .await?;
    Ok(response::bare(StatusCode::ACCEPTED))
}

/// Stores a manifest under its digest, and sets the tag of the path or those of the query.
pub(crate) async fn push(call: &Call<'_>) -> Result<Response<ResponseBody>, Failure> {
    let push = Push::parse(call)?;
    let request = &call.request;
    let manifest = request.pushed.read(request.body, request.idle).await?;
    let command = PutImage {
        registry: call.registry().clone(),
        name: call.name().clone(),
        manifest: manifest.bytes.clone(),
        media_type: request.header(CONTENT_TYPE).map(str::to_owned),
        digest: push.digest.as_ref().map(Digest::to_string),
        tags: push.tags.clone(),
    };
    match call.services.images.put(&call.context, command).await? {
        PutImageOutcome::Stored(image) | PutImageOutcome::AlreadyPresent(image) => {
            Ok(created(call, &push, &image))
        }
        PutImageOutcome::TagIsImmutable(_, tag) => {
            let repository = call.label();
            Err(Refusal::ImageTagAlreadyExists { tag, repository }.into())
        }
    }
}

/// What a push names besides the manifest itself.
struct Push {
    digest: Option<Digest>,
    tags: Vec<Tag>,
    /// Whether the tags came as parameters, so that each is to be confirmed.
    by_parameter: bool,
}

impl Push {
    fn parse(call: &Call<'_>) -> Result<Self, Failure> {
        let digest = match reference(call.last, Code::TagInvalid)? {
            Reference::Digest(digest) => digest,
            Reference::Tag(tag) => {
                let tags = vec![tag];
                return Ok(Self {
                    digest: None,
                    tags,
                    by_parameter: false,
                });
            }
        };
        let mut tags = Vec::new();
        for text in call.request.query.all("tag") {
            let tag = Tag::parse(text).map_err(|bad| Failure::invalid(Code::TagInvalid, bad))?;
            if !tags.contains(&tag) {
                tags.push(tag);
            }
            if tags.len() > MAX_TAGS {
                let message = format!("at most {MAX_TAGS} tags can be pushed at once");
                return Err(Failure::new(
                    StatusCode::URI_TOO_LONG,
                    Code::Unsupported,
                    message,
                ));
            }
        }
        Ok(Self {
            digest: Some(digest),
            tags,
            by_parameter: true,
        })
    }
}

fn created(call: &Call<'_>, push: &Push, image: &StoredImage) -> Response<ResponseBody> {
    let mut answer = response::bare(StatusCode::CREATED);
    let headers = answer.headers_mut();
    headers.insert(
        LOCATION,
        call.location(&format!("manifests/{}", image.digest)),
    );
    headers.insert(CONTENT_DIGEST, header_value(image.digest.as_str()));
    if let Some(subject) = &image.subject {
        headers.insert(OCI_SUBJECT, header_value(subject.as_str()));
    }
    if push.by_parameter {
        for tag in &push.tags {
            headers.append(OCI_TAG, header_value(tag.as_str()));
        }
    }
    answer
}

/// The reference of a pull or a delete.
fn existing_reference(call: &Call<'_>) -> Result<Reference, Failure> {
    reference(call.last, Code::ManifestUnknown)
}

/// Reads a digest or a tag. What is no tag is refused with `bad_tag`: unknown when asked for, invalid when pushed.
fn reference(text: &str, bad_tag: Code) -> Result<Reference, Failure> {
    Reference::parse(text).map_err(|invalid| match (invalid.what(), bad_tag) {
        ("digest", _) => Failure::digest(&invalid),
        (_, Code::ManifestUnknown) => Refusal::ManifestNotFound.into(),
        (_, code) => Failure::invalid(code, invalid),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_type_or_any_is_what_a_pusher_accepts() {
        let table = [
            ("application/vnd.oci.image.index.v1+json, */*", true),
            (
                "application/vnd.docker.distribution.manifest.v2+json,*/*",
                true,
            ),
            ("application/vnd.oci.image.manifest.v1+json", false),
            (
                "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, */*",
                false,
            ),
            ("application/json, */*", false),
            ("*/*", false),
            ("", false),
        ];
        for (accept, expected) in table {
            assert_eq!(accepts_one_or_any(accept), expected, "{accept}");
        }
    }

    #[test]
    fn bad_references_are_unknown_when_asked_for_and_invalid_when_pushed() {
        let table = [
            ("-v1", Code::ManifestUnknown, 404, "MANIFEST_UNKNOWN"),
            ("", Code::ManifestUnknown, 404, "MANIFEST_UNKNOWN"),
            ("-v1", Code::TagInvalid, 400, "TAG_INVALID"),
            ("sha256:bad", Code::ManifestUnknown, 400, "DIGEST_INVALID"),
            ("sha256:bad", Code::TagInvalid, 400, "DIGEST_INVALID"),
            ("a/b", Code::TagInvalid, 400, "TAG_INVALID"),
        ];
        for (text, bad_tag, status, code) in table {
            let failure = reference(text, bad_tag).unwrap_err();
            let found = (failure.status().as_u16(), failure.code().as_str());
            assert_eq!(found, (status, code), "{text}");
        }
        assert!(reference("v1.0", Code::TagInvalid).is_ok());
    }
}
