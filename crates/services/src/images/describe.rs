//! Descriptions and lists of images.

use std::collections::HashMap;

use ecru_domain::put_image::MAX_TAGS_PER_IMAGE;
use ecru_domain::repository::Repository;
use ecru_domain::{Action, Digest, Error, Refusal, Registry, RepositoryName, Tag};
use ecru_ports::metadata::{ImageRecord, ReadTransaction, TagRecord, TagStatus};

use super::Images;
use super::find::{ImageFailure, RequestedImage, by_identifier};
use crate::access::{Permit, RequestContext};
use crate::page::{Page, PageRequest};
use crate::repositories::cut;

/// Images on a page when the request does not say.
const DEFAULT_PAGE: u32 = 100;

/// Tags on a page: with those of the next image it would have more. One image may have as many.
const MAX_PAGE_TAGS: usize = MAX_TAGS_PER_IMAGE;

/// Tags that one request by identifiers may concern.
pub(super) const MAX_BATCH_TAGS: usize = 2 * MAX_TAGS_PER_IMAGE;

/// An image as `DescribeImages` tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageDescription {
    /// The image.
    pub record: ImageRecord,
    /// Its tags, by name.
    pub tags: Vec<Tag>,
}

/// An entry of `ListImages`: one for each tag, one for each untagged image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedImage {
    /// The image.
    pub digest: Digest,
    /// The tag.
    pub tag: Option<Tag>,
}

impl Images {
    /// `ecr:DescribeImages` by identifiers: `ImageNotFound` if any is not there. A tag must be set: what `latest`
    /// stands for where no such tag is never shows here. Images with too many tags together are refused.
    pub async fn describe(
        &self,
        context: &RequestContext,
        registry: &Registry,
        name: &RepositoryName,
        requested: Vec<RequestedImage>,
    ) -> Result<Vec<ImageDescription>, Error> {
        let (permit, repository) = self
            .open(context, Action::DESCRIBE_IMAGES, registry, name)
            .await?;
        let label = permit.label()?;
        self.store
            .read((&permit).into(), move |rows| {
                let mut found: Vec<ImageDescription> = Vec::new();
                let mut tags = 0;
                for wanted in &requested {
                    let identifier = wanted
                        .parse()
                        .map_err(|failure| refuse_identifier(&failure))?;
                    let not_found = || Refusal::ImageNotFound {
                        digest: identifier.digest().cloned(),
                        tag: identifier.tag().cloned(),
                        repository: label.clone(),
                    };
                    let find_tag = |rows: &mut dyn ReadTransaction, tag: &Tag| {
                        Ok(rows.find_tagged_image(&repository.id, tag)?)
                    };
                    let record = by_identifier(rows, &repository.id, &identifier, find_tag)?
                        .map_err(|_| not_found())?;
                    if !found
                        .iter()
                        .any(|known| known.record.digest == record.digest)
                    {
                        let described = describe_one(rows, &repository, record)?;
                        tags += described.tags.len();
                        check_batch_tags(tags)?;
                        found.push(described);
                    }
                }
                Ok(found)
            })
            .await
    }

    /// `ecr:DescribeImages` without identifiers: images by digest. A page ends early where its images have too many
    /// tags together.
    pub async fn describe_page(
        &self,
        context: &RequestContext,
        registry: &Registry,
        name: &RepositoryName,
        status: TagStatus,
        page: &PageRequest,
    ) -> Result<Page<ImageDescription>, Error> {
        let (permit, repository) = self
            .open(context, Action::DESCRIBE_IMAGES, registry, name)
            .await?;
        let list = format!("DescribeImages {} {status:?}", repository.id);
        let limit = page.limit.unwrap_or(DEFAULT_PAGE);
        let after = self.tokens.open_page(&list, page.token.as_deref()).await?;
        let found = self
            .store
            .read((&permit).into(), move |rows| {
                let ask = limit.saturating_add(1);
                let (records, more) = cut(
                    rows.list_images(&repository.id, status, after.as_deref(), ask)?,
                    limit,
                );
                let (items, more_tagged) = with_tags(rows, &repository, records)?;
                Ok((items, more || more_tagged))
            })
            .await?;
        let (items, more) = found;
        let next_token = match items.last() {
            Some(last) if more => Some(
                self.tokens
                    .seal_page(&list, last.record.digest.as_str())
                    .await?,
            ),
            _ => None,
        };
        Ok(Page { items, next_token })
    }

    /// `ecr:ListImages`: tags by name, then untagged images by digest.
    pub async fn list(
        &self,
        context: &RequestContext,
        registry: &Registry,
        name: &RepositoryName,
        status: TagStatus,
        page: &PageRequest,
    ) -> Result<Page<ListedImage>, Error> {
        let (permit, repository) = self
            .open(context, Action::LIST_IMAGES, registry, name)
            .await?;
        let list = format!("ListImages {} {status:?}", repository.id);
        let limit = page.limit.unwrap_or(DEFAULT_PAGE);
        let after = self.tokens.open_page(&list, page.token.as_deref()).await?;
        let position = Position::parse(status, after.as_deref())?;
        let found = self
            .store
            .read((&permit).into(), move |rows| {
                list_from(rows, &repository, status, &position, limit)
            })
            .await?;
        let (items, more) = cut(found, limit);
        let next_token = match items.last() {
            Some(last) if more => Some(
                self.tokens
                    .seal_page(&list, &Position::of(last).text())
                    .await?,
            ),
            _ => None,
        };
        Ok(Page { items, next_token })
    }

    /// Authorizes for a repository and finds it.
    pub(super) async fn open(
        &self,
        context: &RequestContext,
        action: Action,
        registry: &Registry,
        name: &RepositoryName,
    ) -> Result<(Permit, Repository), Error> {
        let permit = self
            .access
            .authorize_repository(context, action, registry, name)
            .await?;
        let repository = self.store.repository(&permit).await?;
        Ok((permit, repository))
    }
}

/// Where a page of `ListImages` begins: after a tag, or after an untagged digest.
enum Position {
    Tags(Option<String>),
    Untagged(Option<String>),
}

impl Position {
    fn parse(status: TagStatus, text: Option<&str>) -> Result<Self, Error> {
        match text.map(|text| text.split_once(' ')) {
            None if status == TagStatus::Untagged => Ok(Self::Untagged(None)),
            None => Ok(Self::Tags(None)),
            Some(Some(("tag", after))) => Ok(Self::Tags(Some(after.to_owned()))),
            Some(Some(("digest", after))) => Ok(Self::Untagged(Some(after.to_owned()))),
            Some(_) => Err(Refusal::PageTokenInvalid.into()),
        }
    }

    fn of(item: &ListedImage) -> Self {
        match &item.tag {
            Some(tag) => Self::Tags(Some(tag.to_string())),
            None => Self::Untagged(Some(item.digest.to_string())),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Tags(after) => format!("tag {}", after.as_deref().unwrap_or_default()),
            Self::Untagged(after) => format!("digest {}", after.as_deref().unwrap_or_default()),
        }
    }
}

/// Up to `limit` entries and one more.
fn list_from(
    rows: &mut dyn ReadTransaction,
    repository: &Repository,
    status: TagStatus,
    position: &Position,
    limit: u32,
) -> Result<Vec<ListedImage>, Error> {
    let ask = limit.saturating_add(1);
    let mut found = Vec::new();
    let mut after_digest = None;
    match position {
        Position::Tags(after) => {
            let tags = rows.list_tags(&repository.id, after.as_deref(), ask)?;
            found.extend(tags.into_iter().map(|tag| ListedImage {
                digest: tag.digest,
                tag: Some(tag.name),
            }));
        }
        Position::Untagged(after) => after_digest.clone_from(after),
    }
    let rest = ask.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
    if rest > 0 && status != TagStatus::Tagged {
        let untagged = rows.list_images(
            &repository.id,
            TagStatus::Untagged,
            after_digest.as_deref(),
            rest,
        )?;
        found.extend(untagged.into_iter().map(|image| ListedImage {
            digest: image.digest,
            tag: None,
        }));
    }
    Ok(found)
}

fn describe_one(
    rows: &mut dyn ReadTransaction,
    repository: &Repository,
    record: ImageRecord,
) -> Result<ImageDescription, Error> {
    let most = u32::try_from(MAX_TAGS_PER_IMAGE).unwrap_or(u32::MAX);
    let tags = if record.is_tagged {
        rows.tags_of_image(&repository.id, &record.digest, most)?
    } else {
        Vec::new()
    };
    Ok(ImageDescription { record, tags })
}

/// Refuses a request whose images have more tags together than one answer holds.
pub(super) fn check_batch_tags(tags: usize) -> Result<(), Refusal> {
    if tags <= MAX_BATCH_TAGS {
        return Ok(());
    }
    Err(Refusal::InvalidParameter {
        member: "imageIds",
        constraint: format!("Images have at most {MAX_BATCH_TAGS} tags together"),
    })
}

/// Joins a run of images, in order of digest, with their tags, and tells whether some were left out because all would
/// have too many.
fn with_tags(
    rows: &mut dyn ReadTransaction,
    repository: &Repository,
    mut records: Vec<ImageRecord>,
) -> Result<(Vec<ImageDescription>, bool), Error> {
    let tagged = || records.iter().filter(|record| record.is_tagged);
    let (Some(first), Some(last)) = (tagged().next(), tagged().next_back()) else {
        let untagged = |record| ImageDescription {
            record,
            tags: Vec::new(),
        };
        return Ok((records.into_iter().map(untagged).collect(), false));
    };
    let ask = u32::try_from(MAX_PAGE_TAGS + 1).unwrap_or(u32::MAX);
    let found = rows.tags_between(&repository.id, &first.digest, &last.digest, ask)?;
    // the image at which the tags were cut off begins the next page; it is never the first, whose tags fit
    let cut_off = found.get(MAX_PAGE_TAGS).map(|tag| tag.digest.clone());
    if let Some(digest) = &cut_off {
        records.retain(|record| record.digest < *digest);
    }
    let mut tags: HashMap<Digest, Vec<Tag>> = HashMap::new();
    for TagRecord { name, digest } in found {
        tags.entry(digest).or_default().push(name);
    }
    let describe = |record: ImageRecord| ImageDescription {
        tags: tags.remove(&record.digest).unwrap_or_default(),
        record,
    };
    let items = records.into_iter().map(describe).collect();
    Ok((items, cut_off.is_some()))
}

fn refuse_identifier(failure: &ImageFailure) -> Refusal {
    Refusal::InvalidParameter {
        member: "imageIds",
        constraint: failure.reason(),
    }
}
