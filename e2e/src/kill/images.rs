//! What clients do with images: push, tag anew, delete in four ways, pull.

use std::time::Instant;

use serde_json::{Value, json};

use super::caller::{Caller, Step, problem};
use super::client::Client;
use super::model::Manner;
use super::pool::{Image, Pool};
use crate::content::OCI_MANIFEST;

impl Client {
    /// As docker does: look for each blob, mount or upload it, then put the manifest.
    pub(super) fn push(&mut self, repository: usize) -> Step {
        let image = self.random.index(self.pool.images.len());
        let tag = (!self.random.percent(15)).then(|| self.any_tag());
        self.push_image(repository, image, tag.as_deref())
    }

    /// The same with a given image.
    pub(super) fn push_image(
        &mut self,
        repository: usize,
        image: usize,
        tag: Option<&str>,
    ) -> Step {
        match self.provide(repository, image, Manner::Chunks)? {
            Some(until) => self.put_manifest(repository, image, tag, Some(until)),
            None => Ok(()),
        }
    }

    /// Points another tag to an image that is there: its layers are, too.
    pub(super) fn retag(&mut self, repository: usize) -> Step {
        let Some(image) = self.some_image(repository) else {
            return Ok(());
        };
        let tag = self.any_tag();
        self.put_manifest(repository, image, Some(&tag), None)
    }

    /// Puts a manifest. Without `until` it must be taken; with it, until then.
    pub(super) fn put_manifest(
        &mut self,
        repository: usize,
        image: usize,
        tag: Option<&str>,
        until: Option<Instant>,
    ) -> Step {
        let pushed = &self.pool.images[image];
        let reference = tag.unwrap_or(&pushed.digest);
        let target = format!("/v2/{}/manifests/{reference}", self.name(repository));
        let request = self.caller.registry("PUT", &target);
        let request = request
            .header("content-type", OCI_MANIFEST)
            .body(&pushed.manifest);
        let next = self.repositories[repository].place().with(image, tag);
        self.repositories[repository].may_become([next.clone()]);
        let answer = self.expect(&request, &[201, 404])?;
        if answer.status == 404 {
            self.repositories[repository].stays();
            return self.check_refusal(&answer.code(), "MANIFEST_BLOB_UNKNOWN", until);
        }
        self.repositories[repository].is(next);
        self.tally
            .add(if until.is_some() { "push" } else { "retag" });
        Ok(())
    }

    /// A push may be refused for want of layers only once their promise is over.
    fn check_refusal(&mut self, code: &str, expected: &str, until: Option<Instant>) -> Step {
        let is_over = until.is_some_and(|until| Instant::now() >= until);
        if code != expected || !is_over {
            return problem(format!(
                "a push was refused with {code} while its layers were promised"
            ));
        }
        self.tally.add("push refused after the grace");
        Ok(())
    }

    /// As the API's clients do: ask which layers are there, upload the others in parts, then `PutImage`.
    pub(super) fn push_by_api(&mut self, repository: usize) -> Step {
        let image = self.random.index(self.pool.images.len());
        let tag = self.any_tag();
        self.push_image_by_api(repository, image, &tag)
    }

    /// The same with a given image.
    pub(super) fn push_image_by_api(&mut self, repository: usize, image: usize, tag: &str) -> Step {
        let Some(until) = self.provide(repository, image, Manner::Parts)? else {
            return Ok(());
        };
        let pushed = &self.pool.images[image];
        let input = json!({
            "repositoryName": self.name(repository), "imageTag": tag, "imageManifestMediaType": OCI_MANIFEST,
            "imageManifest": String::from_utf8_lossy(&pushed.manifest),
        });
        let next = self.repositories[repository].place().with(image, Some(tag));
        self.repositories[repository].may_become([next.clone()]);
        let codes = ["ImageAlreadyExistsException", "LayersNotFoundException"];
        match self.call_or("PutImage", &input, &codes)? {
            Err(code) if code == codes[1] => {
                self.repositories[repository].stays();
                return self.check_refusal(&code, codes[1], Some(until));
            }
            Err(_) if *self.repositories[repository].place() != next => {
                return problem("an image that is not there is said to exist with its tag");
            }
            Ok(_) | Err(_) => {}
        }
        self.repositories[repository].is(next);
        self.tally.add("push by API");
        Ok(())
    }

    /// `BatchDeleteImage` by tag: the image goes with its last tag.
    pub(super) fn delete_tagged(&mut self, repository: usize) -> Step {
        let Some(tag) = self.some_tag(repository) else {
            return Ok(());
        };
        let next = self.repositories[repository].place().without_tagged(&tag);
        self.repositories[repository].may_become([next.clone()]);
        self.batch_delete(repository, &[json!({"imageTag": tag})])?;
        self.repositories[repository].is(next);
        self.tally.add("delete by tag");
        Ok(())
    }

    /// Several images in one request, which need not end together.
    pub(super) fn delete_several(&mut self, repository: usize) -> Step {
        let place = self.repositories[repository].place().clone();
        let images: Vec<usize> = place.images.iter().copied().take(3).collect();
        if images.is_empty() {
            return Ok(());
        }
        let identifiers: Vec<Value> = images
            .iter()
            .map(|&image| json!({"imageDigest": self.pool.images[image].digest}))
            .collect();
        let mut steps = Vec::new();
        for image in images {
            let before = steps.last().unwrap_or(&place);
            steps.push(before.without_image(image));
        }
        let last = steps.last().cloned().unwrap_or(place);
        self.repositories[repository].may_become(steps);
        self.batch_delete(repository, &identifiers)?;
        self.repositories[repository].is(last);
        self.tally.add("delete several");
        Ok(())
    }

    fn batch_delete(&mut self, repository: usize, identifiers: &[Value]) -> Step {
        let input = json!({"repositoryName": self.name(repository), "imageIds": identifiers});
        let output = self
            .call_or("BatchDeleteImage", &input, &[])?
            .or_else(problem)?;
        match output["failures"].as_array() {
            Some(failures) if !failures.is_empty() => {
                problem(format!("BatchDeleteImage: {}", output["failures"]))
            }
            _ => Ok(()),
        }
    }

    /// DELETE of a manifest by digest.
    pub(super) fn delete_image(&mut self, repository: usize) -> Step {
        let Some(image) = self.some_image(repository) else {
            return Ok(());
        };
        let next = self.repositories[repository].place().without_image(image);
        let digest = &self.pool.images[image].digest;
        let target = format!("/v2/{}/manifests/{digest}", self.name(repository));
        self.repositories[repository].may_become([next.clone()]);
        self.expect(&self.caller.registry("DELETE", &target), &[202])?;
        self.repositories[repository].is(next);
        self.tally.add("delete by digest");
        Ok(())
    }

    /// DELETE of a tag: the image stays.
    pub(super) fn untag(&mut self, repository: usize) -> Step {
        let Some(tag) = self.some_tag(repository) else {
            return Ok(());
        };
        let next = self.repositories[repository].place().without_tag(&tag);
        let target = format!("/v2/{}/manifests/{tag}", self.name(repository));
        self.repositories[repository].may_become([next.clone()]);
        self.expect(&self.caller.registry("DELETE", &target), &[202])?;
        self.repositories[repository].is(next);
        self.tally.add("delete a tag alone");
        Ok(())
    }

    /// Reads an image that is there.
    pub(super) fn pull(&mut self, repository: usize) -> Step {
        let Some(image) = self.some_image(repository) else {
            return Ok(());
        };
        read_whole(&self.caller, &self.pool, &self.name(repository), image)?;
        self.tally.add("pull");
        Ok(())
    }
}

/// Reads an image and compares every byte.
pub(super) fn read_whole(caller: &Caller, pool: &Pool, name: &str, image: usize) -> Step {
    let Image {
        manifest,
        digest,
        blobs,
    } = &pool.images[image];
    let target = format!("/v2/{name}/manifests/{digest}");
    let request = caller
        .registry("GET", &target)
        .header("accept", OCI_MANIFEST);
    if caller.expect(&request, &[200])?.body != *manifest {
        return problem(format!("{target}: other bytes than were pushed"));
    }
    for &blob in blobs {
        read_blob(caller, pool, name, blob)?;
    }
    Ok(())
}

/// Reads a blob and compares every byte.
pub(super) fn read_blob(caller: &Caller, pool: &Pool, name: &str, blob: usize) -> Step {
    let blob = &pool.blobs[blob];
    let target = format!("/v2/{name}/blobs/{}", blob.digest);
    let answer = caller.expect(&caller.registry("GET", &target), &[200])?;
    if answer.body == blob.bytes {
        return Ok(());
    }
    problem(format!("{target}: other bytes than were pushed"))
}
