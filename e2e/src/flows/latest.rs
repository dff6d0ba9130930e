//! `latest`: each sentence of its rule, seen by crane (HEAD and GET of a manifest) and by docker (a pull without tag).

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

use super::Flow;
use crate::api::expect;
use crate::content::{self, Image, OCI_INDEX, OCI_MANIFEST};
use crate::docker::Docker;
use crate::scene::Scene;

/// Who looks.
#[derive(Clone, Copy)]
pub(super) enum Eye {
    Crane,
    Docker(Docker),
}

macro_rules! sentences {
    ($($name:literal => $rule:ident),+ $(,)?) => {
        &[$(
            Flow::new("crane", concat!("latest: ", $name), |scene| {
                let repository = concat!("crane/", stringify!($rule)).replace('_', "-");
                $rule(scene, &Look { eye: Eye::Crane, repository })
            }),
            Flow::new(Docker::Classic.client(), concat!("latest: ", $name), |scene| {
                $rule(scene, &Look::by(Docker::Classic, stringify!($rule)))
            }),
            Flow::new(Docker::Containerd.client(), concat!("latest: ", $name), |scene| {
                $rule(scene, &Look::by(Docker::Containerd, stringify!($rule)))
            }),
        )+]
    };
}

pub(super) const FLOWS: &[Flow] = sentences![
    "names what was pushed as latest" => names_what_was_pushed,
    "else the image last pushed by tag" => newest_by_tag,
    "404 once the tag was set and deleted" => gone_after_delete,
    "a re-push counts" => re_push_counts,
    "a retag counts" => retag_counts,
    "a push without tag does not count" => untagged_does_not_count,
    "signature tags do not count" => signature_does_not_count,
    "artifacts do not count" => artifact_does_not_count,
    "a deleted image does not count" => deleted_does_not_count,
    "an index counts, not before it is pushed" => index_counts,
    "not where latest would be immutable" => immutable_has_none,
    "a push of what it stands for sets it" => push_sets_it,
    "shows in no list" => shows_in_no_list,
    "deleting it is 404" => delete_is_not_found,
];

/// Who looks at which repository.
pub(super) struct Look {
    pub(super) eye: Eye,
    pub(super) repository: String,
}

impl Look {
    fn by(docker: Docker, rule: &str) -> Self {
        Self {
            eye: Eye::Docker(docker),
            repository: docker.repository(&rule.replace('_', "-")),
        }
    }

    fn create(&self, scene: &Scene) -> Result<()> {
        scene.create_repository(&self.repository)
    }

    pub(super) fn push(&self, scene: &Scene, tag: &str, seed: &str) -> Result<String> {
        let image = Image::oci(&format!("{}-{seed}", self.repository.replace('/', "-")));
        scene.push_image(&self.repository, Some(tag), &image)?;
        Ok(image.digest())
    }

    fn uri(&self, scene: &Scene) -> String {
        scene.uri(&self.repository)
    }

    /// Requires that `latest` answers a digest: by the client, and by `BatchGetImage`.
    pub(super) fn expect(&self, scene: &Scene, digest: &str) -> Result<()> {
        let seen = match self.eye {
            Eye::Crane => {
                let head = scene
                    .client("crane")?
                    .args(["--insecure", "digest", &self.uri(scene)])
                    .run()?;
                let manifest = scene
                    .client("crane")?
                    .args(["--insecure", "manifest", &self.uri(scene)])
                    .run()?;
                ensure!(
                    content::digest(manifest.trim_end().as_bytes()) == head.trim(),
                    "GET and HEAD differ"
                );
                head.trim().to_owned()
            }
            Eye::Docker(docker) => self.pull(scene, docker)?,
        };
        ensure!(seen == digest, "latest is {seen} instead of {digest}");
        let images = self.batch_get(scene)?;
        ensure!(
            images["images"][0]["imageId"]["imageDigest"] == digest,
            "BatchGetImage answers {images}"
        );
        Ok(())
    }

    /// Requires that `latest` is not found.
    pub(super) fn expect_none(&self, scene: &Scene) -> Result<()> {
        let refusal = match self.eye {
            Eye::Crane => scene
                .client("crane")?
                .args(["--insecure", "digest", &self.uri(scene)])
                .refused()?,
            Eye::Docker(docker) => docker.refused(scene, &["pull", &self.uri(scene)])?,
        };
        let head = scene.registry("HEAD", &format!("/v2/{}/manifests/latest", self.repository));
        ensure!(
            head.send(scene.port())?.status == 404,
            "not a 404: {refusal}"
        );
        let images = self.batch_get(scene)?;
        ensure!(
            images["failures"][0]["failureCode"] == "ImageNotFound",
            "BatchGetImage answers {images}"
        );
        Ok(())
    }

    /// Pushes the image of a tag as `latest`.
    fn push_as_latest(&self, scene: &Scene, tag: &str) -> Result<()> {
        let (bare, tagged) = (self.uri(scene), format!("{}:{tag}", self.uri(scene)));
        match self.eye {
            Eye::Crane => {
                let tag = ["--insecure", "tag", &tagged, "latest"];
                scene.client("crane")?.args(tag).run()?;
            }
            Eye::Docker(docker) => {
                docker.run(scene, &["pull", "--quiet", &tagged])?;
                docker.run(scene, &["tag", &tagged, &bare])?;
                docker.run(scene, &["push", &bare])?;
                docker.remove(scene, &tagged)?;
                docker.remove(scene, &bare)?;
            }
        }
        Ok(())
    }

    fn pull(&self, scene: &Scene, docker: Docker) -> Result<String> {
        let bare = self.uri(scene);
        let output = docker.run(scene, &["pull", &bare])?;
        docker.remove(scene, &bare)?;
        let digest = output
            .lines()
            .find_map(|line| line.strip_prefix("Digest: "));
        match digest {
            Some(digest) => Ok(digest.trim().to_owned()),
            None => bail!("docker names no digest: {output}"),
        }
    }

    fn batch_get(&self, scene: &Scene) -> Result<Value> {
        let input =
            json!({"repositoryName": self.repository, "imageIds": [{"imageTag": "latest"}]});
        scene.call("BatchGetImage", &input)
    }
}

fn names_what_was_pushed(scene: &mut Scene, look: &Look) -> Result<()> {
    look.create(scene)?;
    let first = look.push(scene, "latest", "one")?;
    look.push(scene, "v2", "two")?;
    look.expect(scene, &first)
}

fn newest_by_tag(scene: &mut Scene, look: &Look) -> Result<()> {
    look.create(scene)?;
    look.expect_none(scene)?;
    let first = look.push(scene, "v1", "one")?;
    look.expect(scene, &first)?;
    let second = look.push(scene, "v2", "two")?;
    look.expect(scene, &second)
}

fn gone_after_delete(scene: &mut Scene, look: &Look) -> Result<()> {
    look.create(scene)?;
    look.push(scene, "latest", "one")?;
    let input = json!({"repositoryName": look.repository, "imageIds": [{"imageTag": "latest"}]});
    scene.call("BatchDeleteImage", &input)?;
    look.push(scene, "v2", "two")?;
    look.expect_none(scene)
}

fn re_push_counts(scene: &mut Scene, look: &Look) -> Result<()> {
    look.create(scene)?;
    let first = look.push(scene, "v1", "one")?;
    look.push(scene, "v2", "two")?;
    look.push(scene, "v1", "one")?;
    look.expect(scene, &first)
}

fn retag_counts(scene: &mut Scene, look: &Look) -> Result<()> {
    look.create(scene)?;
    let first = look.push(scene, "v1", "one")?;
    look.push(scene, "v2", "two")?;
    let tagged = format!("{}:v1", look.uri(scene));
    scene
        .client("crane")?
        .args(["--insecure", "tag", &tagged, "v3"])
        .run()?;
    look.expect(scene, &first)
}

fn untagged_does_not_count(scene: &mut Scene, look: &Look) -> Result<()> {
    look.create(scene)?;
    let first = look.push(scene, "v1", "one")?;
    scene.push_image(
        &look.repository,
        None,
        &Image::oci(&format!("{}-untagged", look.uri(scene))),
    )?;
    look.expect(scene, &first)
}

fn signature_does_not_count(scene: &mut Scene, look: &Look) -> Result<()> {
    look.create(scene)?;
    let first = look.push(scene, "v1", "one")?;
    for suffix in [".sig", ".att", ""] {
        look.push(
            scene,
            &format!("{}{suffix}", first.replace(':', "-")),
            suffix,
        )?;
        look.expect(scene, &first)?;
    }
    Ok(())
}

fn artifact_does_not_count(scene: &mut Scene, look: &Look) -> Result<()> {
    look.create(scene)?;
    let first = look.push(scene, "v1", "one")?;
    let subject = json!({"mediaType": OCI_MANIFEST, "digest": first, "size": 2});
    for subject in [None, Some(subject)] {
        let tag = if subject.is_some() {
            "attached"
        } else {
            "alone"
        };
        let (manifest, empty) = content::artifact("application/vnd.example.note", subject);
        scene.push_blob(&look.repository, &empty)?;
        expect(
            &scene.put_manifest(&look.repository, tag, OCI_MANIFEST, &manifest)?,
            201,
            tag,
        )?;
        look.expect(scene, &first)?;
    }
    let chart = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": [],
        "config": content::descriptor("application/vnd.cncf.helm.config.v1+json", b"{}"),
    });
    let chart = chart.to_string();
    expect(
        &scene.put_manifest(&look.repository, "chart", OCI_MANIFEST, chart.as_bytes())?,
        201,
        "chart",
    )?;
    look.expect(scene, &first)
}

fn deleted_does_not_count(scene: &mut Scene, look: &Look) -> Result<()> {
    look.create(scene)?;
    let first = look.push(scene, "v1", "one")?;
    let second = look.push(scene, "v2", "two")?;
    let input = json!({"repositoryName": look.repository, "imageIds": [{"imageDigest": second}]});
    scene.call("BatchDeleteImage", &input)?;
    look.expect(scene, &first)
}

fn index_counts(scene: &mut Scene, look: &Look) -> Result<()> {
    look.create(scene)?;
    let first = look.push(scene, "v1", "one")?;
    let seed = look.repository.replace('/', "-");
    let children = [
        Image::oci(&format!("{seed}-amd")),
        Image::oci_for(&format!("{seed}-arm"), "arm64"),
    ];
    for child in &children {
        scene.push_image(&look.repository, None, child)?;
        look.expect(scene, &first)?;
    }
    let index = content::index(&children);
    expect(
        &scene.put_manifest(&look.repository, "v2", OCI_INDEX, &index)?,
        201,
        "index",
    )?;
    look.expect(scene, &content::digest(&index))
}

fn immutable_has_none(scene: &mut Scene, look: &Look) -> Result<()> {
    look.create(scene)?;
    let first = look.push(scene, "v1", "one")?;
    let filter = json!([{"filterType": "WILDCARD", "filter": "late*"}]);
    let cases = [
        ("IMMUTABLE", None, false),
        ("MUTABLE_WITH_EXCLUSION", Some(&filter), false),
        ("IMMUTABLE_WITH_EXCLUSION", Some(&filter), true),
        ("MUTABLE", None, true),
    ];
    for (mode, filters, answers) in cases {
        let mut input = json!({"repositoryName": look.repository, "imageTagMutability": mode});
        if let Some(filters) = filters {
            input["imageTagMutabilityExclusionFilters"] = filters.clone();
        }
        scene.call("PutImageTagMutability", &input)?;
        if answers {
            look.expect(scene, &first)?;
        } else {
            look.expect_none(scene)?;
        }
    }
    Ok(())
}

/// Of the classic store, the image comes back with a manifest of docker's own.
fn push_sets_it(scene: &mut Scene, look: &Look) -> Result<()> {
    look.create(scene)?;
    look.push(scene, "v1", "one")?;
    look.push_as_latest(scene, "v1")?;
    let path = format!("/v2/{}/manifests/latest", look.repository);
    let set = scene.registry("GET", &path).send(scene.port())?;
    look.push(scene, "v2", "two")?;
    look.expect(scene, &content::digest(&set.body))
}

fn shows_in_no_list(scene: &mut Scene, look: &Look) -> Result<()> {
    look.create(scene)?;
    let first = look.push(scene, "v1", "one")?;
    look.expect(scene, &first)?;
    let input = json!({"repositoryName": look.repository});
    for operation in ["DescribeImages", "ListImages"] {
        let output = scene.call(operation, &input)?.to_string();
        ensure!(!output.contains("latest"), "{operation} shows it: {output}");
    }
    let tags = scene
        .client("crane")?
        .args(["--insecure", "ls", &look.uri(scene)])
        .run()?;
    ensure!(tags.trim() == "v1", "tags/list shows {tags}");
    Ok(())
}

fn delete_is_not_found(scene: &mut Scene, look: &Look) -> Result<()> {
    look.create(scene)?;
    let first = look.push(scene, "v1", "one")?;
    let delete = scene.registry(
        "DELETE",
        &format!("/v2/{}/manifests/latest", look.repository),
    );
    expect(&delete.send(scene.port())?, 404, "DELETE of latest")?;
    let input = json!({"repositoryName": look.repository, "imageIds": [{"imageTag": "latest"}]});
    let output = scene.call("BatchDeleteImage", &input)?;
    ensure!(
        output["failures"][0]["failureCode"] == "ImageNotFound",
        "BatchDeleteImage answers {output}"
    );
    look.expect(scene, &first)
}
