//! What a path asks for, as logs and metrics name it: a few templates, so that their number is bounded.

use std::fmt::{self, Write as _};

use http::Method;
use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};

/// A route template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Route {
    /// The AWS APIs.
    Api,
    /// `/v2/`
    Version,
    /// The list of repositories.
    Catalog,
    /// The list of tags.
    Tags,
    /// A manifest.
    Manifest,
    /// A blob.
    Blob,
    /// The uploads of a repository.
    Uploads,
    /// One upload.
    Upload,
    /// The list of referrers.
    Referrers,
    /// A layer link of the ECR API.
    Layer,
    /// Whether the process answers.
    Health,
    /// Whether the stores answer.
    Ready,
    /// The metrics.
    Metrics,
    /// Nothing.
    Unknown,
}

impl Route {
    /// The template of a path.
    pub fn of(path: &str) -> Self {
        match path {
            "/" => Self::Api,
            "/healthz" => Self::Health,
            "/readyz" => Self::Ready,
            "/metrics" => Self::Metrics,
            "/v2" | "/v2/" => Self::Version,
            "/v2/_catalog" => Self::Catalog,
            _ if path.starts_with("/layer/") => Self::Layer,
            _ => path
                .strip_prefix("/v2/")
                .map_or(Self::Unknown, Self::of_repository),
        }
    }

    /// Told from the end, since names of repositories have slashes too.
    fn of_repository(path: &str) -> Self {
        let mut last = path.rsplit('/');
        let (Some(end), Some(before), Some(third)) = (last.next(), last.next(), last.next()) else {
            return Self::Unknown;
        };
        match (third, before, end) {
            (_, "tags", "list") => Self::Tags,
            (_, "manifests", _) => Self::Manifest,
            (_, "referrers", _) => Self::Referrers,
            (_, "blobs", "uploads") | ("blobs", "uploads", "") => Self::Uploads,
            ("blobs", "uploads", _) => Self::Upload,
            (_, "blobs", _) => Self::Blob,
            _ => Self::Unknown,
        }
    }

    /// The template.
    pub fn template(self) -> &'static str {
        match self {
            Self::Api => "/",
            Self::Version => "/v2/",
            Self::Catalog => "/v2/_catalog",
            Self::Tags => "/v2/{name}/tags/list",
            Self::Manifest => "/v2/{name}/manifests/{reference}",
            Self::Blob => "/v2/{name}/blobs/{digest}",
            Self::Uploads => "/v2/{name}/blobs/uploads/",
            Self::Upload => "/v2/{name}/blobs/uploads/{upload}",
            Self::Referrers => "/v2/{name}/referrers/{digest}",
            Self::Layer => "/layer/{sealed}",
            Self::Health => "/healthz",
            Self::Ready => "/readyz",
            Self::Metrics => "/metrics",
            Self::Unknown => "unknown",
        }
    }

    /// Whether a request of this method sends the bytes of a layer.
    pub fn is_upload(self, method: &Method) -> bool {
        matches!(self, Self::Upload | Self::Uploads)
            && matches!(*method, Method::POST | Method::PUT | Method::PATCH)
    }

    /// Whether a line for each request would only be noise.
    pub fn is_probe(self) -> bool {
        matches!(self, Self::Health | Self::Ready | Self::Metrics)
    }
}

impl EncodeLabelValue for Route {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        encoder.write_str(self.template())
    }
}

/// Methods that nobody defined are one, so that clients cannot write into logs and labels.
pub(crate) fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_by_their_template_whatever_the_repository_is_called() {
        for (path, route) in [
            ("/", Route::Api),
            ("/v2", Route::Version),
            ("/v2/", Route::Version),
            ("/v2/_catalog", Route::Catalog),
            ("/v2/app/tags/list", Route::Tags),
            ("/v2/team/app/manifests/v1", Route::Manifest),
            ("/v2/team/blobs/manifests/v1", Route::Manifest),
            (
                "/v2/222222222222.eu-west-1/app/blobs/sha256:00",
                Route::Blob,
            ),
            ("/v2/app/blobs/uploads", Route::Uploads),
            ("/v2/app/blobs/uploads/", Route::Uploads),
            ("/v2/app/blobs/uploads/1-2", Route::Upload),
            ("/v2/uploads/blobs/uploads/1-2", Route::Upload),
            ("/v2/app/referrers/sha256:00", Route::Referrers),
            ("/layer/abc", Route::Layer),
            ("/healthz", Route::Health),
            ("/readyz", Route::Ready),
            ("/v2/app", Route::Unknown),
            ("/v2/app/nothing", Route::Unknown),
            ("/v3/", Route::Unknown),
            ("*", Route::Unknown),
        ] {
            assert_eq!(Route::of(path), route, "{path}");
        }
    }

    #[test]
    fn only_requests_that_may_carry_layer_bytes_count_as_uploads() {
        assert!(Route::Upload.is_upload(&Method::PATCH));
        assert!(Route::Uploads.is_upload(&Method::POST));
        assert!(!Route::Upload.is_upload(&Method::GET));
        assert!(!Route::Manifest.is_upload(&Method::PUT));
    }
}
