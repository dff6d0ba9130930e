//! The push of a manifest (`ecr:PutImage`).

use bytes::Bytes;
use ecru_domain::error::RepositoryLabel;
use ecru_domain::latest::{counts_as_push, push_moves_latest};
use ecru_domain::manifest::Manifest;
use ecru_domain::put_image::{
    MAX_TAGS_PER_IMAGE, PutImageDecision, PutImageFacts, decide_put_image,
};
use ecru_domain::repository::Repository;
use ecru_domain::{
    Action, Digest, Error, ImageKind, Refusal, Registry, RepositoryName, Tag, Timestamp,
};
use ecru_ports::metadata::{
    ImageRecord, JobKind, JobRecord, Lane, MAX_ROWS_PER_WRITE, ReadTransaction, ReferenceKind,
    ReferenceRecord, SealedManifest, WriteTransaction,
};
use std::time::Duration;

use super::{Images, manifest_context};
use crate::access::{Permit, RequestContext};
use crate::settings::Settings;
use crate::store::lane_of;

/// References written in one transaction.
const REFERENCES_PER_WRITE: usize = MAX_ROWS_PER_WRITE as usize / 2;

/// Digests named in a refusal.
const MAX_NAMED: usize = 100;

/// After this time, references whose image was never stored are removed.
const ABANDONED: Duration = Duration::from_secs(3600);

/// `ecr:PutImage`
#[derive(Clone, Debug)]
pub struct PutImage {
    /// Where.
    pub registry: Registry,
    /// Where.
    pub name: RepositoryName,
    /// The manifest, kept byte for byte.
    pub manifest: Bytes,
    /// `imageManifestMediaType`, or the Content-Type.
    pub media_type: Option<String>,
    /// The digest that the client says it has.
    pub digest: Option<String>,
    /// Tags to set; usually none or one.
    pub tags: Vec<Tag>,
}

/// A manifest that is stored now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredImage {
    /// Its digest.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// The manifest it refers to.
    pub subject: Option<Digest>,
}

/// How a push ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutImageOutcome {
    /// Something changed: the image was stored, or a tag was set.
    Stored(StoredImage),
    /// Image and tag were there already.
    AlreadyPresent(StoredImage),
    /// The tag was there, points to this very image, and may not be set again.
    TagIsImmutable(StoredImage, Tag),
}

/// A push, read and checked as far as it can be without rows.
struct Prepared {
    digest: Digest,
    manifest: Manifest,
    bytes: Bytes,
    tags: Vec<Tag>,
    references: Vec<ReferenceRecord>,
    now: Timestamp,
    label: RepositoryLabel,
    settings: Settings,
}

impl Images {
    /// Stores a manifest and sets its tags. Layers, or the images of an index, must be in the repository.
    pub async fn put(
        &self,
        context: &RequestContext,
        command: PutImage,
    ) -> Result<PutImageOutcome, Error> {
        let permit = self
            .access
            .authorize_repository(context, Action::PUT_IMAGE, &command.registry, &command.name)
            .await?;
        let repository = self.store.repository(&permit).await?;
        let push = self.prepare(command, permit.label()?)?;
        let stored = StoredImage {
            digest: push.digest.clone(),
            media_type: push.manifest.media_type.clone(),
            subject: push.manifest.subject.clone(),
        };
        let id = self.ids.uuid();
        let sealed = self.seal_manifest(&repository, &id, &push.bytes).await?;
        self.write_references_ahead(&permit, &repository, &id, &push)
            .await?;
        let verdict = self
            .write_image(&permit, &repository, push, id, sealed)
            .await?;
        Ok(match verdict {
            Verdict::Changed => PutImageOutcome::Stored(stored),
            Verdict::Unchanged => PutImageOutcome::AlreadyPresent(stored),
            Verdict::Immutable(tag) => PutImageOutcome::TagIsImmutable(stored, tag),
        })
    }

    fn prepare(&self, command: PutImage, label: RepositoryLabel) -> Result<Prepared, Error> {
        let manifest = Manifest::parse(&command.manifest, command.media_type.as_deref())
            .map_err(Refusal::ManifestInvalid)?;
        let digest = settle_digest(&command.manifest, command.digest.as_deref(), &label)?;
        let references = references_of(&manifest);
        let (bytes, tags) = (command.manifest, command.tags);
        Ok(Prepared {
            digest,
            manifest,
            bytes,
            tags,
            references,
            now: self.clock.now(),
            label,
            settings: self.settings.clone(),
        })
    }

    async fn seal_manifest(
        &self,
        repository: &Repository,
        image_id: &str,
        bytes: &[u8],
    ) -> Result<SealedManifest, Error> {
        let (key, wrapped_key) = self.keys.new_data_key(repository, image_id).await?;
        let sealed = self
            .keys
            .seal_small(&key, &manifest_context(image_id), bytes)?;
        Ok(SealedManifest {
            wrapped_key,
            sealed,
        })
    }

    /// References beyond what one transaction may write go ahead of the image: they count only once the image is
    /// there, and a job removes them if it never comes.
    async fn write_references_ahead(
        &self,
        permit: &Permit,
        repository: &Repository,
        image_id: &str,
        push: &Prepared,
    ) -> Result<(), Error> {
        let Some(ahead) = push.references.get(REFERENCES_PER_WRITE..) else {
            return Ok(());
        };
        let job = JobRecord {
            id: self.ids.uuid(),
            kind: JobKind::DrainImage,
            repository: repository.id.clone(),
            subject: image_id.to_owned(),
            run_at: push.now.plus(ABANDONED),
        };
        self.store
            .write(permit.into(), Lane::Any, move |rows| {
                Ok(rows.insert_job(&job)?)
            })
            .await?;
        for batch in ahead.chunks(REFERENCES_PER_WRITE).map(<[_]>::to_vec) {
            let (place, image_id) = (repository.id.clone(), image_id.to_owned());
            self.store
                .write(permit.into(), Lane::Any, move |rows| {
                    Ok(rows.insert_references(&place, &image_id, &batch)?)
                })
                .await?;
        }
        Ok(())
    }

    async fn write_image(
        &self,
        permit: &Permit,
        repository: &Repository,
        push: Prepared,
        id: String,
        sealed: SealedManifest,
    ) -> Result<Verdict, Error> {
        let place = repository.id.clone();
        self.store
            .write(permit.into(), lane_of(repository), move |rows| {
                let gone = || Error::from(Refusal::RepositoryNotFound(push.label.clone()));
                let repository = rows.change_repository(&place)?.ok_or_else(gone)?;
                check_content(rows, &repository, &push)?;
                let steps = decide(rows, &repository, &push)?;
                if let Steps::Stop(verdict) = steps {
                    return Ok(verdict);
                }
                store_image(rows, &repository, &push, &id, &sealed)?;
                set_tags(rows, &repository, &push)?;
                Ok(Verdict::Changed)
            })
            .await
    }
}

enum Verdict {
    Changed,
    Unchanged,
    Immutable(Tag),
}

enum Steps {
    Go,
    Stop(Verdict),
}

/// The digest of the bytes: SHA-256, unless the client names a SHA-512 that is right.
fn settle_digest(
    bytes: &[u8],
    supplied: Option<&str>,
    label: &RepositoryLabel,
) -> Result<Digest, Error> {
    let Some(supplied) = supplied else {
        return Ok(Digest::sha256(bytes));
    };
    let wrong = || Refusal::ImageDigestDoesNotMatch {
        supplied: supplied
            .chars()
            .take(160)
            .flat_map(char::escape_default)
            .collect(),
        repository: label.clone(),
    };
    let supplied = Digest::parse(supplied).map_err(|_| wrong())?;
    let calculated = Digest::of(supplied.algorithm(), bytes);
    if calculated == supplied {
        Ok(calculated)
    } else {
        Err(wrong().into())
    }
}

fn references_of(manifest: &Manifest) -> Vec<ReferenceRecord> {
    let mut seen = std::collections::HashSet::new();
    let layers = manifest
        .config
        .iter()
        .chain(&manifest.layers)
        .map(|descriptor| (descriptor, ReferenceKind::Layer));
    let images = manifest
        .manifests
        .iter()
        .map(|descriptor| (descriptor, ReferenceKind::Manifest));
    let all = layers
        .chain(images)
        .filter(|(descriptor, _)| !descriptor.is_foreign);
    all.filter(|(descriptor, _)| seen.insert(descriptor.digest.clone()))
        .map(|(descriptor, kind)| ReferenceRecord {
            target: descriptor.digest.clone(),
            kind,
            media_type: descriptor.media_type.clone(),
        })
        .collect()
}

/// Everything the manifest refers to must be in the repository.
fn check_content(
    rows: &mut dyn WriteTransaction,
    repository: &Repository,
    push: &Prepared,
) -> Result<(), Error> {
    let mut missing = Vec::new();
    for reference in &push.references {
        let found = match reference.kind {
            ReferenceKind::Layer => rows
                .find_layer(&repository.id, &reference.target)?
                .is_some(),
            ReferenceKind::Manifest => rows
                .find_image(&repository.id, &reference.target)?
                .is_some(),
        };
        if !found && missing.len() < MAX_NAMED {
            missing.push(reference.target.clone());
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let (digests, repository) = (missing, push.label.clone());
    if push.manifest.manifests.is_empty() {
        return Err(Refusal::LayersNotFound {
            digests,
            repository,
        }
        .into());
    }
    Err(Refusal::ReferencedImagesNotFound {
        digests,
        repository,
    }
    .into())
}

/// Applies the rule to each tag, or once if there is none.
fn decide(
    rows: &mut dyn WriteTransaction,
    repository: &Repository,
    push: &Prepared,
) -> Result<Steps, Error> {
    let image = rows.find_image(&repository.id, &push.digest)?;
    let tags_on_image = rows.count_tags_of_image(&repository.id, &push.digest)?;
    let mut changes = false;
    let asked: Vec<Option<&Tag>> = if push.tags.is_empty() {
        vec![None]
    } else {
        push.tags.iter().map(Some).collect()
    };
    for tag in asked {
        let points_to = match tag {
            Some(tag) => rows
                .find_tagged_image(&repository.id, tag)?
                .map(|image| image.digest),
            None => None,
        };
        let facts = PutImageFacts {
            digest: &push.digest,
            tag,
            image_exists: image.is_some(),
            tag_points_to: points_to.as_ref(),
            tags_on_image,
            mutability: &repository.mutability,
        };
        match (decide_put_image(&facts), tag) {
            (PutImageDecision::Store, _) => changes = true,
            (PutImageDecision::AlreadyPresent, Some(tag))
                if counts_as_push(push.manifest.kind, tag) =>
            {
                // pushed again: nothing is stored, but it is the newest push now
                rows.set_latest_sequence(&repository.id, &push.digest, repository.version)?;
            }
            (PutImageDecision::AlreadyPresent, _) => {}
            (PutImageDecision::TagIsImmutable { same_image: true }, Some(tag)) => {
                return Ok(Steps::Stop(Verdict::Immutable(tag.clone())));
            }
            (PutImageDecision::TagIsImmutable { .. }, tag) => {
                let tag = tag
                    .ok_or_else(|| Error::internal("a decision about no tag"))?
                    .clone();
                return Err(Refusal::ImageTagAlreadyExists {
                    tag,
                    repository: push.label.clone(),
                }
                .into());
            }
            (PutImageDecision::TooManyTags, _) => return Err(too_many_tags().into()),
        }
    }
    Ok(if changes {
        Steps::Go
    } else {
        Steps::Stop(Verdict::Unchanged)
    })
}

fn too_many_tags() -> Refusal {
    Refusal::LimitExceeded(format!(
        "The maximum of {MAX_TAGS_PER_IMAGE} tags per image is reached"
    ))
}

fn store_image(
    rows: &mut dyn WriteTransaction,
    repository: &Repository,
    push: &Prepared,
    id: &str,
    sealed: &SealedManifest,
) -> Result<(), Error> {
    let record = ImageRecord {
        id: id.to_owned(),
        digest: push.digest.clone(),
        media_type: push.manifest.media_type.clone(),
        kind: push.manifest.kind,
        artifact_media_type: push.manifest.artifact_media_type().map(str::to_owned),
        manifest_size: push.bytes.len() as u64,
        size: size_of(rows, repository, push)?,
        pushed_at: push.now,
        last_pulled_at: None,
        subject: push.manifest.subject.clone(),
        is_tagged: false,
        latest_sequence: None,
    };
    if rows.insert_image(&repository.id, &record, sealed)? {
        let first = push
            .references
            .get(..REFERENCES_PER_WRITE)
            .unwrap_or(&push.references);
        rows.insert_references(&repository.id, id, first)?;
    }
    Ok(())
}

/// `imageSizeInBytes`: configuration and layers; for an index the largest of its images.
fn size_of(
    rows: &mut dyn WriteTransaction,
    repository: &Repository,
    push: &Prepared,
) -> Result<u64, Error> {
    let mut size = push.manifest.content_size();
    for child in &push.manifest.manifests {
        let child = rows.find_image(&repository.id, &child.digest)?;
        size = size.max(child.map_or(0, |child| child.size));
    }
    Ok(size)
}

fn set_tags(
    rows: &mut dyn WriteTransaction,
    repository: &Repository,
    push: &Prepared,
) -> Result<(), Error> {
    let mode = push
        .settings
        .latest_mode(rows_as_reads(rows), &repository.registry)?;
    let kind: ImageKind = push.manifest.kind;
    for tag in &push.tags {
        rows.put_tag(&repository.id, tag, &push.digest, push.now)?;
        if counts_as_push(kind, tag) {
            rows.set_latest_sequence(&repository.id, &push.digest, repository.version)?;
        }
        let latest = if push_moves_latest(mode, kind, tag, &repository.mutability) {
            Tag::parse(Tag::LATEST).ok()
        } else {
            None
        };
        if let Some(latest) = &latest {
            rows.put_tag(&repository.id, latest, &push.digest, push.now)?;
        }
        if (tag.is_latest() || latest.is_some()) && !repository.latest_was_set {
            rows.set_latest_was_set(&repository.id)?;
        }
    }
    Ok(())
}

fn rows_as_reads(rows: &mut dyn WriteTransaction) -> &mut dyn ReadTransaction {
    rows
}
