//! The steps of a push inside its transaction: check content, decide, store, set tags.

use ecru_domain::latest::{counts_as_push, push_moves_latest};
use ecru_domain::put_image::{
    MAX_TAGS_PER_IMAGE, PutImageDecision, PutImageFacts, decide_put_image,
};
use ecru_domain::repository::Repository;
use ecru_domain::{Digest, Error, Refusal, RepositoryId, Tag};
use ecru_ports::metadata::{
    ImageRecord, PushFacts, PushedImage, ReadTransaction, ReferenceKind, ReferenceRecord,
    SealedManifest, WriteTransaction,
};

use super::{Prepared, REFERENCES_PER_WRITE, Verdict};
use crate::images::tag_rights::TAGGED_MEANWHILE;

/// Digests named in a refusal.
const MAX_NAMED: usize = 100;

/// Whether the push goes on after the decision.
pub(super) enum Steps {
    Go,
    Stop(Verdict),
}

/// Everything the manifest refers to must be in the repository.
pub(super) fn check_content(
    rows: &mut dyn ReadTransaction,
    repository: &RepositoryId,
    push: &Prepared,
) -> Result<(), Error> {
    let mut missing = Vec::new();
    for reference in &push.references {
        if !is_present(rows, repository, reference)? {
            missing.push(reference.target.clone());
        }
    }
    refuse_missing(&missing, push)
}

/// Refuses a push if anything is missing.
pub(super) fn refuse_missing(missing: &[Digest], push: &Prepared) -> Result<(), Error> {
    if missing.is_empty() {
        return Ok(());
    }
    let digests = missing.iter().take(MAX_NAMED).cloned().collect();
    let repository = push.label.clone();
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

/// Refuses a push whose index has an image that came only after its tags were asked about. Nothing is missing any more.
pub(super) fn refuse_unasked(push: &Prepared) -> Result<(), Error> {
    let mut references = push.references.iter();
    if references.any(|reference| push.unasked.contains(&reference.target)) {
        return Err(Error::Unavailable(TAGGED_MEANWHILE.into()));
    }
    Ok(())
}

/// Whether the repository has what is referred to.
pub(super) fn is_present(
    rows: &mut dyn ReadTransaction,
    repository: &RepositoryId,
    reference: &ReferenceRecord,
) -> Result<bool, Error> {
    Ok(match reference.kind {
        ReferenceKind::Layer => rows.find_layer(repository, &reference.target)?.is_some(),
        ReferenceKind::Manifest => rows.find_image(repository, &reference.target)?.is_some(),
    })
}

/// Applies the rule to each tag, or once if there is none.
pub(super) fn decide(
    rows: &mut dyn WriteTransaction,
    known: &PushFacts,
    push: &Prepared,
) -> Result<Steps, Error> {
    let mut changes = false;
    let asked: Vec<(Option<&Tag>, Option<&Digest>)> = if push.tags.is_empty() {
        vec![(None, None)]
    } else {
        let targets = known.targets.iter().map(Option::as_ref);
        push.tags.iter().map(Some).zip(targets).collect()
    };
    for (tag, tag_points_to) in asked {
        let facts = PutImageFacts {
            digest: &push.digest,
            tag,
            image_exists: known.tags_on_image.is_some(),
            tag_points_to,
            tags_on_image: known.tags_on_image.unwrap_or_default(),
            mutability: &known.repository.mutability,
        };
        match (decide_put_image(&facts), tag) {
            (PutImageDecision::Store, _) => changes = true,
            // pushed again: nothing is stored, but it is the newest push now
            (PutImageDecision::AlreadyPresent, Some(tag)) => {
                count_push(rows, known, push, tag)?;
            }
            (PutImageDecision::AlreadyPresent, None) => {}
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

/// Stores an image that is new, with its tags.
pub(super) fn store_image(
    rows: &mut dyn WriteTransaction,
    known: &PushFacts,
    push: &Prepared,
    id: &str,
    sealed: &SealedManifest,
) -> Result<(), Error> {
    let repository = &known.repository;
    let kind = push.manifest.kind;
    let counts = push.tags.iter().any(|tag| counts_as_push(kind, tag));
    let image = ImageRecord {
        id: id.to_owned(),
        digest: push.digest.clone(),
        media_type: push.manifest.media_type.clone(),
        kind,
        artifact_media_type: push.manifest.artifact_media_type().map(str::to_owned),
        manifest_size: push.bytes.len() as u64,
        size: size_of(rows, repository, push)?,
        pushed_at: push.now,
        last_pulled_at: None,
        subject: push.manifest.subject.clone(),
        is_tagged: !push.tags.is_empty(),
        latest_sequence: counts.then_some(repository.version),
    };
    let first = push.references.get(..REFERENCES_PER_WRITE);
    let pushed = PushedImage {
        image: &image,
        manifest: sealed,
        references: first.unwrap_or(&push.references),
        tags: &push.tags,
        targets: &known.targets,
    };
    rows.insert_pushed(&repository.id, &pushed, push.now)?;
    for tag in &push.tags {
        remember_latest(rows, repository, tag)?;
        follow(rows, known, push, tag)?;
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

/// Sets the tags of an image that was there before.
pub(super) fn set_tags(
    rows: &mut dyn WriteTransaction,
    known: &PushFacts,
    push: &Prepared,
) -> Result<(), Error> {
    let repository = &known.repository;
    for tag in &push.tags {
        rows.put_tag(&repository.id, tag, &push.digest, push.now)?;
        remember_latest(rows, repository, tag)?;
        count_push(rows, known, push, tag)?;
    }
    Ok(())
}

fn remember_latest(
    rows: &mut dyn WriteTransaction,
    repository: &Repository,
    tag: &Tag,
) -> Result<(), Error> {
    if tag.is_latest() && !repository.latest_was_set {
        rows.set_latest_was_set(&repository.id)?;
    }
    Ok(())
}

/// What a push by tag of an image that is there means for `latest`.
fn count_push(
    rows: &mut dyn WriteTransaction,
    known: &PushFacts,
    push: &Prepared,
    tag: &Tag,
) -> Result<(), Error> {
    let repository = &known.repository;
    if counts_as_push(push.manifest.kind, tag) {
        rows.set_latest_sequence(&repository.id, &push.digest, repository.version)?;
    }
    follow(rows, known, push, tag)
}

/// Moves `latest` as well, where it follows pushes.
fn follow(
    rows: &mut dyn WriteTransaction,
    known: &PushFacts,
    push: &Prepared,
    tag: &Tag,
) -> Result<(), Error> {
    let (kind, repository) = (push.manifest.kind, &known.repository);
    let mode = push.settings.latest_mode_of(known.setting.as_deref());
    if !push.may_move_latest || !push_moves_latest(mode, kind, tag, &repository.mutability) {
        return Ok(());
    }
    let latest = Tag::parse(Tag::LATEST).map_err(Error::internal)?;
    rows.put_tag(&repository.id, &latest, &push.digest, push.now)?;
    remember_latest(rows, repository, &latest)
}
