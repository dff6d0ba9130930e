//! Deleting images and tags (`ecr:BatchDeleteImage`).
//!
//! By tag, the tag goes, and with the last tag the image. By digest, the image goes with all its tags. An image
//! that an index needs stays. What the image referred to is released by a job.

use std::collections::HashSet;
use std::sync::Arc;

use ecru_domain::error::RepositoryLabel;
use ecru_domain::put_image::MAX_TAGS_PER_IMAGE;
use ecru_domain::repository::Repository;
use ecru_domain::{
    Action, Digest, Error, ImageIdentifier, Reference, Refusal, Registry, RepositoryName, Tag,
};
use ecru_ports::metadata::{ImageRecord, JobKind, JobRecord, ReferenceKind, WriteTransaction};

use super::Images;
use super::describe::{ListedImage, MAX_BATCH_TAGS, check_batch_tags};
use super::find::{ImageFailure, RequestedImage};
use super::tag_rights::{TAGGED_MEANWHILE, Wanted};
use crate::access::{Permit, RequestContext};
use crate::store::lane_of;

/// Tags removed in one transaction; an image with more loses the others first.
const TAGS_PER_WRITE: u32 = 150;

/// Layers marked with their image; those of an image with more are marked by the job alone.
const LAYERS_PER_WRITE: u32 = 130;

/// Indexes named in a refusal.
const MAX_PARENTS: u32 = 10;

/// What `BatchDeleteImage` answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchDeletion {
    /// What was deleted: one entry for each tag, or one without tag.
    pub deleted: Vec<ListedImage>,
    /// The rest.
    pub failures: Vec<(RequestedImage, ImageFailure)>,
}

/// Leave to delete images.
struct Leave {
    permit: Permit,
    /// The tags that may go with images, if that depends on tags.
    tags: Option<Arc<HashSet<Tag>>>,
}

/// How one step of a delete ended.
enum Step {
    /// Done; these entries are gone.
    Done(Vec<ListedImage>),
    /// Some tags are gone, the image is not yet.
    Partly(Vec<ListedImage>),
    Failed(ImageFailure),
}

impl Images {
    /// `ecr:BatchDeleteImage`: in the order of the request, so that an index may go before its images in one call.
    /// Images with too many tags together are refused before any is deleted.
    pub async fn batch_delete(
        &self,
        context: &RequestContext,
        registry: &Registry,
        name: &RepositoryName,
        requested: Vec<RequestedImage>,
    ) -> Result<BatchDeletion, Error> {
        let identifiers: Vec<_> = requested
            .iter()
            .filter_map(|wanted| wanted.parse().ok())
            .collect();
        let (leave, repository) = self.enter(context, (registry, name), &identifiers).await?;
        self.check_batch(&leave.permit, &repository, &requested)
            .await?;
        let mut answer = BatchDeletion::default();
        for wanted in requested {
            let outcome = match wanted.parse() {
                Ok(identifier) => self.delete_one(&leave, &repository, identifier).await?,
                Err(failure) => Err(failure),
            };
            match outcome {
                Ok(deleted) => answer.deleted.extend(deleted),
                Err(failure) => answer.failures.push((wanted, failure)),
            }
        }
        Ok(answer)
    }

    /// The answer names each tag that went: of a few images they are never too many, of others they are counted.
    async fn check_batch(
        &self,
        permit: &Permit,
        repository: &Repository,
        requested: &[RequestedImage],
    ) -> Result<(), Error> {
        if requested.len() <= MAX_BATCH_TAGS / MAX_TAGS_PER_IMAGE {
            return Ok(());
        }
        let identifiers = requested.iter().filter_map(|wanted| wanted.parse().ok());
        let digests: HashSet<Digest> = identifiers
            .filter_map(|identifier| match identifier {
                ImageIdentifier::Digest(digest) => Some(digest),
                ImageIdentifier::Tag(_) | ImageIdentifier::Both(..) => None,
            })
            .collect();
        let place = repository.id.clone();
        self.store
            .read(permit.into(), move |rows| {
                let mut tags = 0;
                for digest in &digests {
                    tags += rows.count_tags_of_image(&place, digest)?;
                }
                Ok(check_batch_tags(tags)?)
            })
            .await
    }

    /// A delete over `/v2/`: of a tag alone, whose image stays even without tags (OCI distribution specification,
    /// "Deleting tags"), or of an image with its tags.
    pub async fn delete(
        &self,
        context: &RequestContext,
        registry: &Registry,
        name: &RepositoryName,
        reference: &Reference,
    ) -> Result<(), Error> {
        let identifier = match reference {
            Reference::Tag(tag) => ImageIdentifier::Tag(tag.clone()),
            Reference::Digest(digest) => ImageIdentifier::Digest(digest.clone()),
        };
        let identifiers = std::slice::from_ref(&identifier);
        let (leave, repository) = self.enter(context, (registry, name), identifiers).await?;
        if let Reference::Tag(tag) = reference {
            return self.delete_tag_alone(&leave.permit, &repository, tag).await;
        }
        match self.delete_one(&leave, &repository, identifier).await? {
            Ok(_) => Ok(()),
            Err(ImageFailure::ReferencedByManifestList(parents)) => {
                Err(Refusal::ImageReferencedByManifestList(parents).into())
            }
            Err(_) => Err(Refusal::ManifestNotFound.into()),
        }
    }

    async fn delete_tag_alone(
        &self,
        permit: &Permit,
        repository: &Repository,
        tag: &Tag,
    ) -> Result<(), Error> {
        let (place, label, tag) = (repository.id.clone(), permit.label()?, tag.clone());
        self.store
            .write(permit.into(), lane_of(repository), move |rows| {
                rows.change_repository(&place)?
                    .ok_or_else(|| Refusal::RepositoryNotFound(label.clone()))?;
                if rows.delete_tag(&place, &tag)? {
                    Ok(())
                } else {
                    Err(Refusal::ManifestNotFound.into())
                }
            })
            .await
    }

    /// Authorizes for all images of a request and finds their repository.
    async fn enter(
        &self,
        context: &RequestContext,
        (registry, name): (&Registry, &RepositoryName),
        identifiers: &[ImageIdentifier],
    ) -> Result<(Leave, Repository), Error> {
        let wanted = Wanted {
            registry,
            name,
            action: Action::BATCH_DELETE_IMAGE,
        };
        let (permit, tags) = self.permit_delete(context, wanted, identifiers).await?;
        let repository = self.store.repository(&permit).await?;
        let tags = tags.map(Arc::new);
        Ok((Leave { permit, tags }, repository))
    }

    async fn delete_one(
        &self,
        leave: &Leave,
        repository: &Repository,
        identifier: ImageIdentifier,
    ) -> Result<Result<Vec<ListedImage>, ImageFailure>, Error> {
        let mut deleted = Vec::new();
        loop {
            match self
                .delete_step(leave, repository, identifier.clone())
                .await?
            {
                Step::Done(last) => {
                    deleted.extend(last);
                    return Ok(Ok(deleted));
                }
                Step::Partly(some) => deleted.extend(some),
                Step::Failed(failure) => return Ok(Err(failure)),
            }
        }
    }

    async fn delete_step(
        &self,
        leave: &Leave,
        repository: &Repository,
        identifier: ImageIdentifier,
    ) -> Result<Step, Error> {
        let (place, label) = (repository.id.clone(), leave.permit.label()?);
        let allowed = leave.tags.clone();
        let now = self.clock.now();
        let job = JobRecord {
            id: self.ids.ordered_uuid(now),
            kind: JobKind::DrainImage,
            repository: place.clone(),
            subject: String::new(),
            run_at: now,
        };
        self.store
            .write((&leave.permit).into(), lane_of(repository), move |rows| {
                let gone =
                    || Error::from(Refusal::RepositoryNotFound(RepositoryLabel::clone(&label)));
                let repository = rows.change_repository(&place)?.ok_or_else(gone)?;
                match &identifier {
                    ImageIdentifier::Digest(digest) => {
                        delete_by_digest(rows, &repository, digest, (&job, allowed.as_deref()))
                    }
                    ImageIdentifier::Tag(tag) => delete_by_tag(rows, &repository, tag, None, &job),
                    ImageIdentifier::Both(tag, digest) => {
                        delete_by_tag(rows, &repository, tag, Some(digest), &job)
                    }
                }
            })
            .await
    }
}

fn delete_by_tag(
    rows: &mut dyn WriteTransaction,
    repository: &Repository,
    tag: &Tag,
    digest: Option<&Digest>,
    job: &JobRecord,
) -> Result<Step, Error> {
    let Some(image) = rows.find_tagged_image(&repository.id, tag)? else {
        return Ok(Step::Failed(ImageFailure::NotFound));
    };
    if digest.is_some_and(|digest| *digest != image.digest) {
        return Ok(Step::Failed(ImageFailure::TagDoesNotMatchDigest));
    }
    if rows.count_tags_of_image(&repository.id, &image.digest)? == 1
        && let Some(failure) = needed_by_index(rows, repository, &image.digest)?
    {
        return Ok(Step::Failed(failure));
    }
    rows.delete_tag(&repository.id, tag)?;
    let digest = image.digest.clone();
    if rows.count_tags_of_image(&repository.id, &digest)? == 0 {
        delete_image(rows, repository, &image, job)?;
    }
    Ok(Step::Done(vec![ListedImage {
        digest,
        tag: Some(tag.clone()),
    }]))
}

fn delete_by_digest(
    rows: &mut dyn WriteTransaction,
    repository: &Repository,
    digest: &Digest,
    (job, allowed): (&JobRecord, Option<&HashSet<Tag>>),
) -> Result<Step, Error> {
    let Some(image) = rows.find_image(&repository.id, digest)? else {
        return Ok(Step::Failed(ImageFailure::NotFound));
    };
    if let Some(failure) = needed_by_index(rows, repository, digest)? {
        return Ok(Step::Failed(failure));
    }
    let tags = rows.tags_of_image(&repository.id, digest, TAGS_PER_WRITE)?;
    if let Some(allowed) = allowed
        && !tags.iter().all(|tag| allowed.contains(tag))
    {
        return Err(Error::Unavailable(TAGGED_MEANWHILE.into()));
    }
    for tag in &tags {
        rows.delete_tag(&repository.id, tag)?;
    }
    let were_tagged = !tags.is_empty();
    let mut deleted: Vec<_> = tags
        .into_iter()
        .map(|tag| ListedImage {
            digest: digest.clone(),
            tag: Some(tag),
        })
        .collect();
    if rows.count_tags_of_image(&repository.id, digest)? > 0 {
        return Ok(Step::Partly(deleted));
    }
    delete_image(rows, repository, &image, job)?;
    if !were_tagged {
        deleted.push(ListedImage {
            digest: digest.clone(),
            tag: None,
        });
    }
    Ok(Step::Done(deleted))
}

fn needed_by_index(
    rows: &mut dyn WriteTransaction,
    repository: &Repository,
    digest: &Digest,
) -> Result<Option<ImageFailure>, Error> {
    let parents =
        rows.referring_images(&repository.id, digest, ReferenceKind::Manifest, MAX_PARENTS)?;
    Ok((!parents.is_empty()).then_some(ImageFailure::ReferencedByManifestList(parents)))
}

fn delete_image(
    rows: &mut dyn WriteTransaction,
    repository: &Repository,
    image: &ImageRecord,
    job: &JobRecord,
) -> Result<(), Error> {
    rows.delete_image(&repository.id, &image.digest)?;
    // the grace of its layers begins now: a collection that is due before the job must not take them
    for reference in rows.references_of(&image.id, LAYERS_PER_WRITE)? {
        if reference.kind == ReferenceKind::Layer {
            rows.set_layer_idle(&repository.id, &reference.target, job.run_at)?;
        }
    }
    rows.insert_job(&JobRecord {
        subject: image.id.clone(),
        ..job.clone()
    })?;
    Ok(())
}
