//! The push of a manifest (`ecr:PutImage`).

mod store;

use bytes::Bytes;
use ecru_domain::error::RepositoryLabel;
use ecru_domain::manifest::Manifest;
use ecru_domain::repository::Repository;
use ecru_domain::{Action, Digest, Error, Refusal, Registry, RepositoryName, Tag, Timestamp};
use ecru_ports::metadata::{
    JobKind, JobRecord, Lane, MAX_ROWS_PER_WRITE, PushQuestion, ReferenceKind, ReferenceRecord,
    SealedManifest,
};
use std::sync::Arc;
use std::time::Duration;

use super::tag_rights::Wanted;
use super::{Images, manifest_context};
use crate::access::{Permit, RequestContext, TagRight};
use crate::settings::{LATEST, Settings};
use crate::store::lane_of;

/// References written in one transaction.
const REFERENCES_PER_WRITE: usize = MAX_ROWS_PER_WRITE as usize / 2;

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
    /// What must be in the repository; then also what is there although it need not be.
    references: Vec<ReferenceRecord>,
    /// What may be elsewhere.
    foreign: Vec<ReferenceRecord>,
    now: Timestamp,
    label: RepositoryLabel,
    settings: Settings,
    /// Whether `latest` may follow the push, if the registry has it so.
    may_move_latest: bool,
    /// Images of an index about which nobody was asked, where that depends on tags: they were not there.
    unasked: Vec<Digest>,
}

impl Prepared {
    /// What the transaction must know of it.
    fn question<'a>(&'a self, registry: &'a Registry) -> PushQuestion<'a> {
        PushQuestion {
            digest: &self.digest,
            tags: &self.tags,
            references: &self.references,
            setting: (registry, LATEST),
        }
    }
}

impl Images {
    /// Stores a manifest and sets its tags. Layers, or the images of an index, must be in the repository.
    pub async fn put(
        &self,
        context: &RequestContext,
        command: PutImage,
    ) -> Result<PutImageOutcome, Error> {
        let permit = self.permit_push(context, &command).await?;
        let repository = self.store.repository(&permit).await?;
        let mut push = self.prepare(command, permit.label()?)?;
        self.permit_content(context, &permit, &mut push).await?;
        self.refer_to_present(&permit, &repository, &mut push)
            .await?;
        let stored = StoredImage {
            digest: push.digest.clone(),
            media_type: push.manifest.media_type.clone(),
            subject: push.manifest.subject.clone(),
        };
        let push = Arc::new(push);
        let id = self.ids.ordered_uuid(push.now);
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

    async fn permit_push(
        &self,
        context: &RequestContext,
        command: &PutImage,
    ) -> Result<Permit, Error> {
        let place = (&command.registry, &command.name);
        let right = TagRight::Every(&command.tags);
        self.access
            .authorize_tags(context, Action::PUT_IMAGE, place, right)
            .await
    }

    /// What the push would give new names to, and whether `latest` may follow it.
    async fn permit_content(
        &self,
        context: &RequestContext,
        permit: &Permit,
        push: &mut Prepared,
    ) -> Result<(), Error> {
        let (registry, name) = (permit.registry(), &push.label.name);
        let wanted = Wanted {
            registry,
            name,
            action: Action::PUT_IMAGE,
        };
        if !self.tags_matter(context, wanted).await? {
            return Ok(());
        }
        let all = push.references.iter().chain(&push.foreign);
        let children = all.filter(|reference| reference.kind == ReferenceKind::Manifest);
        let children = children.map(|reference| reference.target.clone()).collect();
        let unasked = self.permit_reuse(context, wanted, (&push.digest, children), &push.tags);
        push.unasked = unasked.await?;
        if let Some(subject) = &push.manifest.subject {
            self.permit_subject(context, wanted, subject, &push.tags)
                .await?;
        }
        push.may_move_latest = self.may_push_latest(context, wanted).await?;
        Ok(())
    }

    fn prepare(&self, command: PutImage, label: RepositoryLabel) -> Result<Prepared, Error> {
        let manifest = Manifest::parse(&command.manifest, command.media_type.as_deref())
            .map_err(Refusal::ManifestInvalid)?;
        let digest = settle_digest(&command.manifest, command.digest.as_deref(), &label)?;
        let (references, foreign) = references_of(&manifest);
        let (bytes, tags) = (command.manifest, command.tags);
        Ok(Prepared {
            digest,
            manifest,
            bytes,
            tags,
            references,
            foreign,
            now: self.clock.now(),
            label,
            settings: self.settings.clone(),
            may_move_latest: true,
            unasked: Vec::new(),
        })
    }

    /// Content that may be elsewhere but was pushed here all the same is kept as long as what must be here.
    async fn refer_to_present(
        &self,
        permit: &Permit,
        repository: &Repository,
        push: &mut Prepared,
    ) -> Result<(), Error> {
        let foreign = std::mem::take(&mut push.foreign);
        if foreign.is_empty() {
            return Ok(());
        }
        let place = repository.id.clone();
        let look = self.store.read(permit.into(), move |rows| {
            let mut present = Vec::new();
            for reference in foreign {
                if store::is_present(rows, &place, &reference)? {
                    present.push(reference);
                }
            }
            Ok(present)
        });
        push.references.extend(look.await?);
        Ok(())
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
    /// there, and a job removes them if it never comes. A manifest that will be refused writes none.
    async fn write_references_ahead(
        &self,
        permit: &Permit,
        repository: &Repository,
        image_id: &str,
        push: &Arc<Prepared>,
    ) -> Result<(), Error> {
        let Some(ahead) = push.references.get(REFERENCES_PER_WRITE..) else {
            return Ok(());
        };
        let (place, checked) = (repository.id.clone(), Arc::clone(push));
        let check = self.store.read(permit.into(), move |rows| {
            store::check_content(rows, &place, &checked)
        });
        check.await?;
        let job = JobRecord {
            id: self.ids.ordered_uuid(push.now),
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
        push: Arc<Prepared>,
        id: String,
        sealed: SealedManifest,
    ) -> Result<Verdict, Error> {
        let (place, registry) = (repository.id.clone(), repository.registry.clone());
        self.store
            .write(permit.into(), lane_of(repository), move |rows| {
                let gone = || Error::from(Refusal::RepositoryNotFound(push.label.clone()));
                let facts = rows
                    .begin_push(&place, &push.question(&registry))?
                    .ok_or_else(gone)?;
                store::refuse_missing(&facts.missing, &push)?;
                store::refuse_unasked(&push)?;
                let steps = store::decide(rows, &facts, &push)?;
                if let store::Steps::Stop(verdict) = steps {
                    return Ok(verdict);
                }
                if facts.tags_on_image.is_none() {
                    store::store_image(rows, &facts, &push, &id, &sealed)?;
                } else {
                    store::set_tags(rows, &facts, &push)?;
                }
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

/// What a manifest refers to, each once: what must be in the repository, and what may be elsewhere.
fn references_of(manifest: &Manifest) -> (Vec<ReferenceRecord>, Vec<ReferenceRecord>) {
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
    let all: Vec<_> = layers.chain(images).collect();
    let mut pick = |is_foreign: bool| -> Vec<ReferenceRecord> {
        all.iter()
            .filter(|(descriptor, _)| descriptor.is_foreign == is_foreign)
            .filter(|(descriptor, _)| seen.insert(descriptor.digest.clone()))
            .map(|(descriptor, kind)| ReferenceRecord {
                target: descriptor.digest.clone(),
                kind: *kind,
                media_type: descriptor.media_type.clone(),
            })
            .collect()
    };
    (pick(false), pick(true))
}
