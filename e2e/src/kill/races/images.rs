//! What racing clients do with images of repositories that all of them use: push, delete in every way, look, through
//! both APIs.

use serde_json::{Value, json};

use super::deeds::RepositoryDeed as Deed;
use super::history::Refusal;
use super::looks::{absent, gone};
use super::racer::{Asked, Racer};
use crate::content::OCI_MANIFEST;
use crate::wire::Answer;

/// Repositories that all clients use.
pub(super) const SHARED: [&str; 2] = ["races/one", "races/two"];
/// The same, where tags never move.
pub(super) const FIXED: &str = "races/fixed";
/// Where one tag moves all the time.
pub(super) const HOT: &str = "races/hot";
/// That tag.
const HOT_TAG: &str = "hot";
/// Images pushed there: of the pool, from 1 on.
const IMAGES: usize = 5;
/// Tags pushed there.
const TAGS: u64 = 3;

impl Racer {
    /// Does one thing to one of the shared repositories.
    pub(super) fn act(&mut self) {
        let repository = match self.random.below(5) {
            0 => FIXED,
            1 | 2 => SHARED[1],
            _ => SHARED[0],
        };
        let image = 1 + self.random.index(IMAGES);
        let tag = format!("v{}", self.random.below(TAGS));
        match self.random.below(100) {
            0..16 => self.push(repository, image, Some(&tag), false),
            16..26 => self.push(repository, image, Some(&tag), true),
            26..30 if repository != FIXED => self.push(repository, image, None, false),
            26..37 => {
                self.put(repository, image, Some(&tag), false);
            }
            37..44 => {
                self.get_tag(repository, &tag);
            }
            44..50 => self.head(repository, &tag),
            50..57 => {
                self.get_digest(repository, image);
            }
            57..63 => self.batch_get(repository, &tag),
            63..67 => self.list(repository),
            67..70 => self.describe(repository),
            70..73 => self.list_tags(repository),
            73..80 => self.pull(repository, &tag),
            80..84 => self.delete_image(repository, image),
            84..87 => self.batch_delete_image(repository, image),
            87..91 => self.delete_tagged(repository, &tag),
            91..95 => self.untag(repository, &tag),
            95..97 => self.look_for(repository),
            _ => self.drop_repository(repository),
        }
    }

    /// Moves one tag to another image, or deletes it.
    pub(super) fn move_tag(&mut self) {
        let image = 1 + self.random.index(IMAGES);
        if self.random.percent(10) {
            return self.untag(HOT, HOT_TAG);
        }
        let by_api = self.random.percent(20);
        if self.random.percent(5) {
            return self.push(HOT, image, Some(HOT_TAG), by_api);
        }
        // the image was pushed before, or its layers are missing
        self.put(HOT, image, Some(HOT_TAG), by_api);
    }

    /// Looks where that tag is, in one of the ways that take different paths in the server.
    pub(super) fn look_at_tag(&mut self) {
        match self.random.below(10) {
            0..5 => {
                self.get_tag(HOT, HOT_TAG);
            }
            5..7 => self.head(HOT, HOT_TAG),
            7..9 => self.batch_get(HOT, HOT_TAG),
            _ => self.list(HOT),
        }
    }

    /// Pushes an image with its layers.
    fn push(&mut self, repository: &'static str, image: usize, tag: Option<&str>, by_api: bool) {
        for blob in self.pool.images[image].blobs.clone() {
            let others = [SHARED[0], SHARED[1], FIXED];
            let source = others[self.random.index(others.len())];
            if !self.provide(repository, blob, Some(source)) {
                return;
            }
        }
        self.put(repository, image, tag, by_api);
    }

    /// Puts a manifest, whose layers may be there or not: what came of it.
    pub(super) fn put(
        &mut self,
        repository: &str,
        image: usize,
        tag: Option<&str>,
        by_api: bool,
    ) -> Option<Deed> {
        let meant = match tag {
            Some(tag) if repository == FIXED => Deed::PutOnce(image, tag.to_owned()),
            _ => Deed::Put(image, tag.map(str::to_owned)),
        };
        let asked = match tag {
            Some(tag) if by_api => self.put_by_api(repository, image, tag),
            _ => self.put_by_docker(repository, image, tag),
        };
        let tag = tag.unwrap_or_default().to_owned();
        let outcome = asked.answer.as_ref().map(Answer::code).unwrap_or_default();
        if ["MANIFEST_BLOB_UNKNOWN", "LayersNotFoundException"].contains(&outcome.as_str()) {
            let window = asked.window;
            self.history.tally.add("put refused for layers");
            let refusals = &mut self.history.of(repository).refusals;
            refusals.push(Refusal { image, window });
        }
        let done = meant.clone();
        self.changed(repository, &asked, meant, |answer| {
            Some(match (answer.status, outcome.as_str()) {
                (200 | 201, _) => done,
                (404, "NAME_UNKNOWN") | (_, "RepositoryNotFoundException") => Deed::IsGone,
                (404, "MANIFEST_BLOB_UNKNOWN") | (_, "LayersNotFoundException") => Deed::IsThere,
                (400, "TAG_INVALID") | (_, "ImageTagAlreadyExistsException") => Deed::Taken(tag),
                (_, "ImageAlreadyExistsException") => Deed::SeesTag(tag, image),
                _ => return None,
            })
        })
    }

    fn put_by_docker(&mut self, repository: &str, image: usize, tag: Option<&str>) -> Asked {
        let pushed = &self.pool.images[image];
        let reference = tag.unwrap_or(&pushed.digest);
        let request = self.request("PUT", &format!("/v2/{repository}/manifests/{reference}"));
        let request = request.header("content-type", OCI_MANIFEST);
        let request = request.body(&pushed.manifest);
        self.send(&request)
    }

    fn put_by_api(&mut self, repository: &str, image: usize, tag: &str) -> Asked {
        let manifest = String::from_utf8_lossy(&self.pool.images[image].manifest).into_owned();
        let input = json!({
            "repositoryName": repository, "imageTag": tag, "imageManifestMediaType": OCI_MANIFEST,
            "imageManifest": manifest,
        });
        self.call("PutImage", &input)
    }

    /// DELETE by digest.
    pub(super) fn delete_image(&mut self, repository: &str, image: usize) {
        let digest = self.pool.images[image].digest.clone();
        let request = self.request("DELETE", &format!("/v2/{repository}/manifests/{digest}"));
        let asked = self.send(&request);
        self.changed(
            repository,
            &asked,
            Deed::DeleteImage(image),
            |answer| match answer.status {
                202 => Some(Deed::DeleteImage(image)),
                404 => Some(absent(answer, Deed::MissesImage(image))),
                _ => None,
            },
        );
    }

    fn batch_delete_image(&mut self, repository: &str, image: usize) {
        let digest = &self.pool.images[image].digest;
        let input = json!({"repositoryName": repository, "imageIds": [{"imageDigest": digest}]});
        let asked = self.call("BatchDeleteImage", &input);
        self.changed(
            repository,
            &asked,
            Deed::DeleteImage(image),
            |answer| match (answer.status, &answer.json()["failures"][0]["failureCode"]) {
                (200, Value::Null) => Some(Deed::DeleteImage(image)),
                (200, code) if code == "ImageNotFound" => Some(Deed::MissesImage(image)),
                _ => gone(answer),
            },
        );
    }

    /// `BatchDeleteImage` by tag; which image that meant is in the answer alone.
    fn delete_tagged(&mut self, repository: &str, tag: &str) {
        let input = json!({"repositoryName": repository, "imageIds": [{"imageTag": tag}]});
        let asked = self.call("BatchDeleteImage", &input);
        if asked.answer.is_none() {
            for image in 1..=IMAGES {
                let meant = Deed::DeleteTagged(tag.to_owned(), image);
                self.changed(repository, &asked, meant, |_| None);
            }
            return;
        }
        let json = asked.answer.as_ref().map(Answer::json).unwrap_or_default();
        let digest = json["imageIds"][0]["imageDigest"].as_str();
        let image = digest.and_then(|digest| self.pool.image_of(digest));
        self.saw(repository, &asked, |answer| match answer.status {
            200 if json["failures"][0]["failureCode"] == "ImageNotFound" => {
                Some(Deed::MissesTag(tag.to_owned()))
            }
            200 => Some(Deed::DeleteTagged(tag.to_owned(), image?)),
            _ => gone(answer),
        });
    }

    /// DELETE by tag: the image stays.
    fn untag(&mut self, repository: &str, tag: &str) {
        let asked =
            self.send(&self.request("DELETE", &format!("/v2/{repository}/manifests/{tag}")));
        let meant = Deed::Untag(tag.to_owned());
        self.changed(repository, &asked, meant.clone(), |answer| {
            match answer.status {
                202 => Some(meant),
                404 => Some(absent(answer, Deed::MissesTag(tag.to_owned()))),
                _ => None,
            }
        });
    }

    fn drop_repository(&mut self, repository: &str) {
        let input = json!({"repositoryName": repository, "force": true});
        let asked = self.call("DeleteRepository", &input);
        self.changed(repository, &asked, Deed::Drop, |answer| {
            match answer.status {
                200 => Some(Deed::Drop),
                _ => gone(answer),
            }
        });
        self.create(repository);
    }

    /// Creates a repository.
    pub(super) fn create(&mut self, repository: &str) {
        let mutability = if repository == FIXED {
            "IMMUTABLE"
        } else {
            "MUTABLE"
        };
        let input = json!({"repositoryName": repository, "imageTagMutability": mutability});
        let asked = self.call("CreateRepository", &input);
        self.changed(repository, &asked, Deed::Create, |answer| {
            match answer.status {
                200 => Some(Deed::Create),
                _ if answer.code() == "RepositoryAlreadyExistsException" => Some(Deed::IsThere),
                _ => None,
            }
        });
    }
}
