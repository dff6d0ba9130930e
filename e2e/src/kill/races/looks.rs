//! How racing clients look: at tags, images, lists and repositories, in the ways that take different paths in the
//! server.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::model::Place;
use super::deeds::RepositoryDeed as Deed;
use super::racer::{Asked, Racer};
use crate::content::OCI_MANIFEST;
use crate::wire::Answer;

impl Racer {
    /// GET by tag: the image that it points to.
    pub(super) fn get_tag(&mut self, repository: &str, tag: &str) -> Option<usize> {
        let request = self.request("GET", &format!("/v2/{repository}/manifests/{tag}"));
        let asked = self.send(&request.header("accept", OCI_MANIFEST));
        let found = asked
            .answer
            .as_ref()
            .and_then(|answer| self.image_in(answer));
        self.saw(repository, &asked, |answer| match answer.status {
            200 => found.map(|image| Deed::SeesTag(tag.to_owned(), image)),
            404 => Some(absent(answer, Deed::MissesTag(tag.to_owned()))),
            _ => None,
        });
        found
    }

    /// The image whose manifest, whole, is the body.
    fn image_in(&self, answer: &Answer) -> Option<usize> {
        let image = self
            .pool
            .image_of(answer.header("docker-content-digest")?)?;
        let is_whole = answer.body == self.pool.images[image].manifest;
        (answer.status == 200 && is_whole).then_some(image)
    }

    pub(super) fn head(&mut self, repository: &str, tag: &str) {
        let request = self.request("HEAD", &format!("/v2/{repository}/manifests/{tag}"));
        let asked = self.send(&request.header("accept", OCI_MANIFEST));
        let digest = asked
            .answer
            .as_ref()
            .and_then(|answer| answer.header("docker-content-digest"));
        let image = digest.and_then(|digest| self.pool.image_of(digest));
        self.saw(repository, &asked, |answer| match answer.status {
            200 => Some(Deed::SeesTag(tag.to_owned(), image?)),
            404 => Some(Deed::MissesTag(tag.to_owned())),
            _ => None,
        });
    }

    /// GET by digest. Whether it is there.
    pub(super) fn get_digest(&mut self, repository: &str, image: usize) -> bool {
        let digest = self.pool.images[image].digest.clone();
        let request = self.request("GET", &format!("/v2/{repository}/manifests/{digest}"));
        let asked = self.send(&request.header("accept", OCI_MANIFEST));
        let found = asked
            .answer
            .as_ref()
            .and_then(|answer| self.image_in(answer));
        let seen = self.saw(repository, &asked, |answer| match answer.status {
            200 if found == Some(image) => Some(Deed::SeesImage(image)),
            404 => Some(absent(answer, Deed::MissesImage(image))),
            _ => None,
        });
        seen == Some(Deed::SeesImage(image))
    }

    pub(super) fn batch_get(&mut self, repository: &str, tag: &str) {
        let input = json!({"repositoryName": repository, "imageIds": [{"imageTag": tag}]});
        let asked = self.call("BatchGetImage", &input);
        let json = asked.answer.as_ref().map(Answer::json).unwrap_or_default();
        let digest = json["images"][0]["imageId"]["imageDigest"].as_str();
        let image = digest.and_then(|digest| self.pool.image_of(digest));
        self.saw(repository, &asked, |answer| match answer.status {
            200 if json["failures"][0]["failureCode"] == "ImageNotFound" => {
                Some(Deed::MissesTag(tag.to_owned()))
            }
            200 => Some(Deed::SeesTag(tag.to_owned(), image?)),
            _ => gone(answer),
        });
    }

    pub(super) fn list(&mut self, repository: &str) {
        let input = json!({"repositoryName": repository, "maxResults": 1000});
        let asked = self.call("ListImages", &input);
        let json = asked.answer.as_ref().map(Answer::json).unwrap_or_default();
        let listed = json["imageIds"].as_array().cloned().unwrap_or_default();
        let tagged = listed
            .iter()
            .map(|entry| (&entry["imageDigest"], entry["imageTag"].as_str()));
        self.saw_place(repository, &asked, tagged.collect());
    }

    pub(super) fn describe(&mut self, repository: &str) {
        let input = json!({"repositoryName": repository, "maxResults": 1000});
        let asked = self.call("DescribeImages", &input);
        let json = asked.answer.as_ref().map(Answer::json).unwrap_or_default();
        let listed = json["imageDetails"].as_array().cloned().unwrap_or_default();
        let mut found = Vec::new();
        for entry in &listed {
            found.push((&entry["imageDigest"], None));
            let tags = entry["imageTags"].as_array().into_iter().flatten();
            found.extend(tags.map(|tag| (&entry["imageDigest"], tag.as_str())));
        }
        self.saw_place(repository, &asked, found);
    }

    fn saw_place(&mut self, repository: &str, asked: &Asked, listed: Vec<(&Value, Option<&str>)>) {
        let (mut tags, mut images) = (BTreeMap::new(), BTreeSet::new());
        for (digest, tag) in listed {
            let Some(image) = self.pool.image_of(digest.as_str().unwrap_or_default()) else {
                let text = format!("{repository} lists {digest}, which was never pushed");
                return self.history.problems.push(text);
            };
            images.insert(image);
            tags.extend(tag.map(|tag| (tag.to_owned(), image)));
        }
        let place = Place {
            exists: true,
            tags,
            images,
        };
        self.saw(repository, asked, |answer| match answer.status {
            200 => Some(Deed::Holds(place)),
            _ => gone(answer),
        });
    }

    pub(super) fn list_tags(&mut self, repository: &str) {
        let asked = self.send(&self.request("GET", &format!("/v2/{repository}/tags/list")));
        self.saw(repository, &asked, |answer| match answer.status {
            200 => {
                let json = answer.json();
                let tags = json["tags"].as_array().into_iter().flatten();
                Some(Deed::SeesTags(
                    tags.filter_map(Value::as_str).map(str::to_owned).collect(),
                ))
            }
            404 => Some(Deed::IsGone),
            _ => None,
        });
    }

    /// Reads what a tag points to, with its layers.
    pub(super) fn pull(&mut self, repository: &str, tag: &str) {
        if let Some(image) = self.get_tag(repository, tag) {
            self.read_layers(repository, image);
        }
    }

    /// Reads an image by digest, with its layers.
    pub(super) fn pull_digest(&mut self, repository: &str, image: usize) {
        if self.get_digest(repository, image) {
            self.read_layers(repository, image);
        }
    }

    fn read_layers(&mut self, repository: &str, image: usize) {
        for blob in self.pool.images[image].blobs.clone() {
            self.read_layer(repository, blob);
        }
    }

    pub(super) fn look_for(&mut self, repository: &str) {
        let asked = self.call(
            "DescribeRepositories",
            &json!({"repositoryNames": [repository]}),
        );
        let seen = self.saw(repository, &asked, |answer| match answer.status {
            200 => Some(Deed::IsThere),
            _ => gone(answer),
        });
        if seen == Some(Deed::IsGone) {
            self.create(repository);
        }
    }
}

/// What a 404 means where either the repository is not there, or what was asked for.
pub(super) fn absent(answer: &Answer, missing: Deed) -> Deed {
    if answer.code() == "NAME_UNKNOWN" {
        Deed::IsGone
    } else {
        missing
    }
}

/// The one refusal of the API that says something.
pub(super) fn gone(answer: &Answer) -> Option<Deed> {
    (answer.code() == "RepositoryNotFoundException").then_some(Deed::IsGone)
}
