//! The table of the API: method, place, operation. Dispatch, metrics and the reference page read it.

use http::Method;

use crate::paths::Place;

/// What a request wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Is this a registry, and are the credentials good?
    Ping,
    /// Names of repositories.
    ListRepositories,
    /// Tags of a repository.
    ListTags,
    /// A manifest, or with HEAD its headers.
    PullManifest,
    /// Stores a manifest.
    PushManifest,
    /// Deletes a manifest or a tag.
    DeleteManifest,
    /// A blob, or with HEAD its headers.
    PullBlob,
    /// Blobs go with their images.
    RefuseBlobDelete,
    /// Begins an upload, mounts a blob, or takes one whole.
    InitiateUpload,
    /// How far an upload is.
    UploadStatus,
    /// Takes a chunk.
    AppendToUpload,
    /// Takes the last chunk and ends an upload.
    CompleteUpload,
    /// Forgets an upload.
    CancelUpload,
    /// Manifests that name another as their subject.
    ListReferrers,
    /// A layer, by the link that `GetDownloadUrlForLayer` gave out.
    FollowLayerLink,
}

/// One line of the table.
#[derive(Debug)]
pub struct Route {
    /// The method; GET stands for HEAD as well.
    pub method: Method,
    /// Where.
    pub place: Place,
    /// What.
    pub operation: Operation,
    /// For metrics and logs.
    pub name: &'static str,
    /// For the reference page.
    pub template: &'static str,
    /// The IAM actions that it is authorized as.
    pub actions: &'static [&'static str],
}

/// Every route.
pub static ROUTES: [Route; 15] = [
    Route {
        method: Method::GET,
        place: Place::Base,
        operation: Operation::Ping,
        name: "ping",
        template: "/v2/",
        actions: &[],
    },
    Route {
        method: Method::GET,
        place: Place::Catalog,
        operation: Operation::ListRepositories,
        name: "catalog",
        template: "/v2/_catalog",
        actions: &["ecr:DescribeRepositories"],
    },
    Route {
        method: Method::GET,
        place: Place::Tags,
        operation: Operation::ListTags,
        name: "tags.list",
        template: "/v2/<name>/tags/list",
        actions: &["ecr:ListImages"],
    },
    Route {
        method: Method::GET,
        place: Place::Manifest,
        operation: Operation::PullManifest,
        name: "manifest.pull",
        template: "/v2/<name>/manifests/<reference>",
        actions: &["ecr:BatchGetImage"],
    },
    Route {
        method: Method::PUT,
        place: Place::Manifest,
        operation: Operation::PushManifest,
        name: "manifest.push",
        template: "/v2/<name>/manifests/<reference>",
        actions: &["ecr:PutImage"],
    },
    Route {
        method: Method::DELETE,
        place: Place::Manifest,
        operation: Operation::DeleteManifest,
        name: "manifest.delete",
        template: "/v2/<name>/manifests/<reference>",
        actions: &["ecr:BatchDeleteImage"],
    },
    Route {
        method: Method::GET,
        place: Place::Blob,
        operation: Operation::PullBlob,
        name: "blob.pull",
        template: "/v2/<name>/blobs/<digest>",
        actions: &[
            "ecr:GetDownloadUrlForLayer",
            "ecr:BatchCheckLayerAvailability",
        ],
    },
    Route {
        method: Method::DELETE,
        place: Place::Blob,
        operation: Operation::RefuseBlobDelete,
        name: "blob.delete",
        template: "/v2/<name>/blobs/<digest>",
        actions: &[],
    },
    Route {
        method: Method::POST,
        place: Place::Uploads,
        operation: Operation::InitiateUpload,
        name: "upload.initiate",
        template: "/v2/<name>/blobs/uploads/",
        actions: &["ecr:InitiateLayerUpload"],
    },
    Route {
        method: Method::GET,
        place: Place::Upload,
        operation: Operation::UploadStatus,
        name: "upload.status",
        template: "/v2/<name>/blobs/uploads/<upload>",
        actions: &["ecr:UploadLayerPart"],
    },
    Route {
        method: Method::PATCH,
        place: Place::Upload,
        operation: Operation::AppendToUpload,
        name: "upload.append",
        template: "/v2/<name>/blobs/uploads/<upload>",
        actions: &["ecr:UploadLayerPart"],
    },
    Route {
        method: Method::PUT,
        place: Place::Upload,
        operation: Operation::CompleteUpload,
        name: "upload.complete",
        template: "/v2/<name>/blobs/uploads/<upload>",
        actions: &["ecr:CompleteLayerUpload", "ecr:UploadLayerPart"],
    },
    Route {
        method: Method::DELETE,
        place: Place::Upload,
        operation: Operation::CancelUpload,
        name: "upload.cancel",
        template: "/v2/<name>/blobs/uploads/<upload>",
        actions: &["ecr:UploadLayerPart"],
    },
    Route {
        method: Method::GET,
        place: Place::Referrers,
        operation: Operation::ListReferrers,
        name: "referrers.list",
        template: "/v2/<name>/referrers/<digest>",
        actions: &["ecr:BatchGetImage"],
    },
    Route {
        method: Method::GET,
        place: Place::LayerLink,
        operation: Operation::FollowLayerLink,
        name: "layer.link",
        template: "/layer/<sealed>",
        actions: &["ecr:GetDownloadUrlForLayer"],
    },
];

/// The route of a method at a place. HEAD takes the route of GET.
pub fn find(method: &Method, place: Place) -> Option<&'static Route> {
    let wanted = if *method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    ROUTES
        .iter()
        .find(|route| route.place == place && route.method == *wanted)
}

/// The methods that a place answers, for the `Allow` header.
pub fn allowed(place: Place) -> String {
    let mut methods = Vec::new();
    for route in ROUTES.iter().filter(|route| route.place == place) {
        methods.push(route.method.as_str());
        if route.method == Method::GET {
            methods.push(Method::HEAD.as_str());
        }
    }
    methods.join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::paths;

    #[test]
    fn every_template_leads_to_its_place_and_every_name_is_unique() {
        let mut names = HashSet::new();
        for route in &ROUTES {
            let path = route.template.replace(['<', '>'], "");
            let place = paths::parse(&path).map(|target| target.place);
            assert_eq!(place, Some(route.place), "{}", route.template);
            assert!(names.insert(route.name), "{}", route.name);
        }
    }

    #[test]
    fn head_is_get_and_other_methods_are_not_found() {
        let get = find(&Method::GET, Place::Blob).unwrap().operation;
        assert_eq!(find(&Method::HEAD, Place::Blob).unwrap().operation, get);
        assert!(find(&Method::PUT, Place::Base).is_none());
        assert!(find(&Method::OPTIONS, Place::Manifest).is_none());
        assert_eq!(allowed(Place::Manifest), "GET, HEAD, PUT, DELETE");
        assert_eq!(allowed(Place::Uploads), "POST");
    }
}
