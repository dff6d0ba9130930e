//! Which place of the API a path names (OCI distribution specification, "Endpoints").
//!
//! A repository's name may hold slashes, so a path is read from its end. Reading is total: every path either
//! names a place or does not, whatever bytes it holds; names, tags and digests are checked by their own types.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Paths longer than this name nothing.
const MAX_PATH: usize = 4_096;

/// The kinds of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `/v2/`
    Base,
    /// `/v2/_catalog`
    Catalog,
    /// `/v2/<name>/tags/list`
    Tags,
    /// `/v2/<name>/manifests/<reference>`
    Manifest,
    /// `/v2/<name>/blobs/<digest>`
    Blob,
    /// `/v2/<name>/blobs/uploads/`
    Uploads,
    /// `/v2/<name>/blobs/uploads/<upload>`
    Upload,
    /// `/v2/<name>/referrers/<digest>`
    Referrers,
    /// `/layer/<sealed>`
    LayerLink,
}

/// A path, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// What it names.
    pub place: Place,
    /// What stands for the repository, as the client wrote it; empty where there is none.
    pub repository: Cow<'a, str>,
    /// The last segment: reference, digest, upload or seal; empty where there is none.
    pub last: Cow<'a, str>,
}

impl Target<'_> {
    fn bare(place: Place) -> Self {
        Target {
            place,
            repository: Cow::Borrowed(""),
            last: Cow::Borrowed(""),
        }
    }
}

/// Reads a path; `None` if it names nothing here.
pub fn parse(path: &str) -> Option<Target<'_>> {
    if path.len() > MAX_PATH {
        return None;
    }
    if let Some(sealed) = path.strip_prefix("/layer/") {
        return layer_link(sealed);
    }
    match path.strip_prefix("/v2")? {
        "" | "/" => Some(Target::bare(Place::Base)),
        "/_catalog" => Some(Target::bare(Place::Catalog)),
        rest => in_repository(rest.strip_prefix('/')?),
    }
}

fn layer_link(sealed: &str) -> Option<Target<'_>> {
    let is_segment = !sealed.is_empty() && !sealed.contains('/');
    is_segment.then(|| Target {
        last: decode(sealed),
        ..Target::bare(Place::LayerLink)
    })
}

/// `<name>/<word>/<last>`, or one of the fixed tails.
fn in_repository(rest: &str) -> Option<Target<'_>> {
    let fixed = [
        ("/tags/list", Place::Tags),
        ("/blobs/uploads/", Place::Uploads),
        ("/blobs/uploads", Place::Uploads),
    ];
    for (tail, place) in fixed {
        if let Some(name) = rest.strip_suffix(tail) {
            return Some(named(place, name, ""));
        }
    }
    let (head, last) = rest.rsplit_once('/')?;
    if let Some(name) = head.strip_suffix("/blobs/uploads") {
        return Some(named(Place::Upload, name, last));
    }
    let (name, word) = head.rsplit_once('/')?;
    let place = match word {
        "manifests" => Place::Manifest,
        "blobs" => Place::Blob,
        "referrers" => Place::Referrers,
        _ => return None,
    };
    Some(named(place, name, last))
}

fn named<'a>(place: Place, name: &'a str, last: &'a str) -> Target<'a> {
    Target {
        place,
        repository: decode_name(name),
        last: decode(last),
    }
}

fn decode_name(name: &str) -> Cow<'_, str> {
    if !name.contains('%') {
        return Cow::Borrowed(name);
    }
    let segments: Vec<_> = name.split('/').map(decode).collect();
    Cow::Owned(segments.join("/"))
}

/// A segment without its percent-encoding. One that would become several segments, or is no text, stays encoded:
/// nothing with a `%` is a name, a tag or a digest, so it is refused where those are read.
fn decode(segment: &str) -> Cow<'_, str> {
    match percent_decode_str(segment).decode_utf8() {
        Ok(text) if !text.contains('/') => text,
        _ => Cow::Borrowed(segment),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(path: &str) -> Option<(Place, String, String)> {
        let target = parse(path)?;
        Some((
            target.place,
            target.repository.into_owned(),
            target.last.into_owned(),
        ))
    }

    #[test]
    fn every_endpoint_is_recognised() {
        let table = [
            ("/v2", Place::Base, "", ""),
            ("/v2/", Place::Base, "", ""),
            ("/v2/_catalog", Place::Catalog, "", ""),
            ("/v2/a/tags/list", Place::Tags, "a", ""),
            ("/v2/a/b/c/tags/list", Place::Tags, "a/b/c", ""),
            ("/v2/a/manifests/v1", Place::Manifest, "a", "v1"),
            ("/v2/a/blobs/sha256:00", Place::Blob, "a", "sha256:00"),
            ("/v2/a/blobs/sha256%3A00", Place::Blob, "a", "sha256:00"),
            ("/v2/a/blobs/uploads/", Place::Uploads, "a", ""),
            ("/v2/a/blobs/uploads", Place::Uploads, "a", ""),
            ("/v2/a/blobs/uploads/u-1", Place::Upload, "a", "u-1"),
            (
                "/v2/a/referrers/sha256:00",
                Place::Referrers,
                "a",
                "sha256:00",
            ),
            ("/layer/abc.def", Place::LayerLink, "", "abc.def"),
            (
                "/v2/222222222222.eu-west-1/team/app/tags/list",
                Place::Tags,
                "222222222222.eu-west-1/team/app",
                "",
            ),
        ];
        for (path, place, name, last) in table {
            let expected = Some((place, name.to_owned(), last.to_owned()));
            assert_eq!(parsed(path), expected, "{path}");
        }
    }

    #[test]
    fn repositories_may_be_named_like_endpoints() {
        let table = [
            ("/v2/tags/list/tags/list", Place::Tags, "tags/list", ""),
            ("/v2/a/blobs/blobs/x", Place::Blob, "a/blobs", "x"),
            (
                "/v2/manifests/manifests/manifests",
                Place::Manifest,
                "manifests",
                "manifests",
            ),
            (
                "/v2/a/blobs/uploads/manifests/v1",
                Place::Manifest,
                "a/blobs/uploads",
                "v1",
            ),
            ("/v2/a/manifests/uploads", Place::Manifest, "a", "uploads"),
        ];
        for (path, place, name, last) in table {
            let expected = Some((place, name.to_owned(), last.to_owned()));
            assert_eq!(parsed(path), expected, "{path}");
        }
    }

    #[test]
    fn odd_paths_name_nothing_or_something_that_is_refused_later() {
        let long = format!("/v2/{}/tags/list", "a".repeat(MAX_PATH));
        for nothing in [
            "",
            "/",
            "//",
            "/v1/",
            "/v2x",
            "/v2/a",
            "/v2/a/nonsense",
            "/v2/../etc/passwd",
            "/v2/manifests/v1",
            "/v2/a/blobs/uploads/u/",
            "/v2/a/tags/",
            "/layer/",
            "/layer/a/b",
            "/v2//",
            "*",
            long.as_str(),
        ] {
            assert_eq!(parse(nothing), None, "{nothing}");
        }
        let refused_later = [
            ("/v2//manifests/v1", "", "v1"),
            ("/v2/a//b/manifests/v1", "a//b", "v1"),
            ("/v2/a/../b/manifests/v1", "a/../b", "v1"),
            ("/v2/a%2Fb/manifests/v1", "a%2Fb", "v1"),
            ("/v2/a%2e%2e/manifests/v1", "a..", "v1"),
            ("/v2/a/manifests/", "a", ""),
            ("/v2/a/manifests/x%2Fy", "a", "x%2Fy"),
            ("/v2/a/manifests/%00", "a", "\0"),
            ("/v2/a/manifests/%ff", "a", "%ff"),
            ("/v2/a/manifests/%", "a", "%"),
        ];
        for (path, name, last) in refused_later {
            let expected = Some((Place::Manifest, name.to_owned(), last.to_owned()));
            assert_eq!(parsed(path), expected, "{path}");
        }
    }
}
