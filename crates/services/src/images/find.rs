//! Finding images as the ECR API names them, and why one is not found.

use ecru_domain::latest::newest_answers;
use ecru_domain::repository::Repository;
use ecru_domain::{
    Action, Digest, Error, ImageIdentifier, Reference, Refusal, Registry, RepositoryId,
    RepositoryName, Tag,
};
use ecru_ports::metadata::{ImageRecord, ReadTransaction};

use super::tag_rights::Wanted;
use super::{FoundManifest, Images};
use crate::access::{Permit, RequestContext};
use crate::settings::Settings;

/// An image identifier as it stands on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestedImage {
    /// `imageTag`
    pub tag: Option<String>,
    /// `imageDigest`
    pub digest: Option<String>,
}

/// Why one image of a batch was passed over (`ImageFailureCode`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageFailure {
    /// Not a digest.
    InvalidDigest,
    /// Not a tag.
    InvalidTag,
    /// The tag points to another image than the digest names.
    TagDoesNotMatchDigest,
    /// No such image.
    NotFound,
    /// Neither tag nor digest was given.
    MissingDigestAndTag,
    /// An index needs it.
    ReferencedByManifestList(Vec<Digest>),
    /// Its key cannot be used.
    Kms(String),
}

impl ImageFailure {
    /// The code on the wire.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidDigest => "InvalidImageDigest",
            Self::InvalidTag => "InvalidImageTag",
            Self::TagDoesNotMatchDigest => "ImageTagDoesNotMatchDigest",
            Self::NotFound => "ImageNotFound",
            Self::MissingDigestAndTag => "MissingDigestAndTag",
            Self::ReferencedByManifestList(_) => "ImageReferencedByManifestList",
            Self::Kms(_) => "KmsError",
        }
    }

    /// The text that goes with it.
    pub fn reason(&self) -> String {
        match self {
            Self::InvalidDigest => {
                "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'".to_owned()
            }
            Self::InvalidTag => "Invalid request parameters: image tag should satisfy the regex '[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}'".to_owned(),
            Self::TagDoesNotMatchDigest => "Requested image tag does not match the image digest".to_owned(),
            Self::NotFound => Refusal::ManifestNotFound.to_string(),
            Self::MissingDigestAndTag => "Invalid request parameters: both tag and digest cannot be null".to_owned(),
            Self::ReferencedByManifestList(parents) => Refusal::ImageReferencedByManifestList(parents.clone()).to_string(),
            Self::Kms(message) => message.clone(),
        }
    }
}

impl RequestedImage {
    /// Reads it.
    pub fn parse(&self) -> Result<ImageIdentifier, ImageFailure> {
        let tag = self
            .tag
            .as_deref()
            .map(|tag| Tag::parse(tag).map_err(|_| ImageFailure::InvalidTag))
            .transpose()?;
        let digest = self
            .digest
            .as_deref()
            .map(|digest| Digest::parse(digest).map_err(|_| ImageFailure::InvalidDigest))
            .transpose()?;
        match (tag, digest) {
            (None, None) => Err(ImageFailure::MissingDigestAndTag),
            (Some(tag), None) => Ok(ImageIdentifier::Tag(tag)),
            (None, Some(digest)) => Ok(ImageIdentifier::Digest(digest)),
            (Some(tag), Some(digest)) => Ok(ImageIdentifier::Both(tag, digest)),
        }
    }
}

/// What `BatchGetImage` answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchGet {
    /// Images found, each with the identifier that asked for it.
    pub images: Vec<(RequestedImage, FoundManifest)>,
    /// The rest.
    pub failures: Vec<(RequestedImage, ImageFailure)>,
}

impl Images {
    /// `ecr:BatchGetImage`: never fails for an image that is not there.
    pub async fn batch_get(
        &self,
        context: &RequestContext,
        registry: &Registry,
        name: &RepositoryName,
        requested: Vec<RequestedImage>,
    ) -> Result<BatchGet, Error> {
        let place = Wanted {
            registry,
            name,
            action: Action::BATCH_GET_IMAGE,
        };
        let permit = self.permit_each(context, place, &requested).await?;
        let repository = self.store.repository(&permit).await?;
        let mut answer = BatchGet::default();
        for wanted in requested {
            match self.get_one(&permit, &repository, &wanted).await? {
                Ok(found) => {
                    if let Ok(ImageIdentifier::Tag(tag) | ImageIdentifier::Both(tag, _)) =
                        wanted.parse()
                    {
                        self.permit_newest(context, place, &tag, &found.digest)
                            .await?;
                    }
                    self.note_pull(&repository, &found.digest);
                    answer.images.push((wanted, found));
                }
                Err(failure) => answer.failures.push((wanted, failure)),
            }
        }
        Ok(answer)
    }

    /// All images of the request, or none.
    async fn permit_each(
        &self,
        context: &RequestContext,
        place: Wanted<'_>,
        requested: &[RequestedImage],
    ) -> Result<Permit, Error> {
        let mut permit = None;
        if self.tags_matter(context, place).await? {
            for wanted in requested {
                let reference = match wanted.parse() {
                    Ok(ImageIdentifier::Tag(tag) | ImageIdentifier::Both(tag, _)) => {
                        Reference::Tag(tag)
                    }
                    Ok(ImageIdentifier::Digest(digest)) => Reference::Digest(digest),
                    Err(_) => continue,
                };
                permit = Some(self.permit_pull(context, place, &reference).await?);
            }
        }
        if let Some(permit) = permit {
            Ok(permit)
        } else {
            let (registry, name) = (place.registry, place.name);
            self.access
                .authorize_repository(context, place.action, registry, name)
                .await
        }
    }

    async fn get_one(
        &self,
        permit: &Permit,
        repository: &Repository,
        wanted: &RequestedImage,
    ) -> Result<Result<FoundManifest, ImageFailure>, Error> {
        let identifier = match wanted.parse() {
            Ok(identifier) => identifier,
            Err(failure) => return Ok(Err(failure)),
        };
        let (settings, place) = (self.settings.clone(), repository.clone());
        let found = self
            .store
            .lookup(permit.into(), move |rows| {
                let find_tag = |rows: &mut dyn ReadTransaction, tag: &Tag| {
                    by_tag(rows, &settings, &place, tag)
                };
                match by_identifier(rows, &place.id, &identifier, find_tag)? {
                    Err(failure) => Ok(Err(failure)),
                    Ok(image) => {
                        let manifest = rows.manifest(&place.id, &image.digest)?;
                        Ok(Ok((
                            image,
                            manifest.ok_or_else(|| Error::internal("an image has no manifest"))?,
                        )))
                    }
                }
            })
            .await?;
        match found {
            Err(failure) => Ok(Err(failure)),
            Ok((image, sealed)) => match self.open_manifest(repository, image, &sealed).await {
                Err(Error::Refused(Refusal::Kms { message, .. })) => {
                    Ok(Err(ImageFailure::Kms(message)))
                }
                opened => opened.map(Ok),
            },
        }
    }
}

/// The image of an identifier; `find_tag` tells what a tag means.
pub(super) fn by_identifier(
    rows: &mut dyn ReadTransaction,
    repository: &RepositoryId,
    identifier: &ImageIdentifier,
    find_tag: impl FnOnce(&mut dyn ReadTransaction, &Tag) -> Result<Option<ImageRecord>, Error>,
) -> Result<Result<ImageRecord, ImageFailure>, Error> {
    let found = match identifier {
        ImageIdentifier::Digest(digest) => rows.find_image(repository, digest)?,
        ImageIdentifier::Tag(tag) => find_tag(rows, tag)?,
        ImageIdentifier::Both(tag, digest) => match find_tag(rows, tag)? {
            Some(image) if image.digest != *digest => {
                return Ok(Err(ImageFailure::TagDoesNotMatchDigest));
            }
            found => found,
        },
    };
    Ok(found.ok_or(ImageFailure::NotFound))
}

/// The image of a tag; where no tag `latest` was ever set, `latest` may stand for the newest push.
pub(super) fn by_tag(
    rows: &mut dyn ReadTransaction,
    settings: &Settings,
    repository: &Repository,
    tag: &Tag,
) -> Result<Option<ImageRecord>, Error> {
    let found = rows.find_tagged_image(&repository.id, tag)?;
    if found.is_some() || !tag.is_latest() {
        return Ok(found);
    }
    let mode = settings.latest_mode(rows, &repository.registry)?;
    // the stored fact is read again: it belongs to the snapshot in which the tag was not found
    let Some(repository) = rows.repository(&repository.id)? else {
        return Ok(None);
    };
    if newest_answers(mode, repository.latest_was_set, &repository.mutability) {
        Ok(rows.newest_push(&repository.id)?)
    } else {
        Ok(None)
    }
}
