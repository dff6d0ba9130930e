//! Who may push, pull and delete images under which tags (`ecr:ImageTag`; the rules stand in
//! [`crate::access::TagRight`]'s module).
//!
//! The key must not be got around: an image that only forbidden tags name is not pulled by its digest, not through
//! `latest` standing for it, not by giving it another tag, and not from within an index; nor is it described among the
//! referrers of another.

use std::collections::HashSet;

use ecru_domain::put_image::MAX_TAGS_PER_IMAGE;
use ecru_domain::{
    Action, Digest, Error, ImageIdentifier, Reference, Registry, RepositoryId, RepositoryName, Tag,
};
use ecru_ports::metadata::{ReadTransaction, ReferenceKind};

use super::Images;
use crate::access::{Permit, RequestContext, TagRight};
use crate::store::Warrant;

/// How deep indexes in indexes are followed.
const MAX_DEPTH: u32 = 4;

/// Indexes looked at for one image.
const MAX_INDEXES: usize = 200;

/// What becomes of a change that would concern a tag for which nobody was asked yet.
pub(super) const TAGGED_MEANWHILE: &str = "the image was given another tag in the meantime";

/// An image of a repository that somebody wants to have.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) registry: &'a Registry,
    pub(super) name: &'a RepositoryName,
    pub(super) action: Action,
}

impl<'a> Wanted<'a> {
    fn place(self) -> (&'a Registry, &'a RepositoryName) {
        (self.registry, self.name)
    }
}

impl Images {
    /// Whether tags matter for this request at all.
    pub(super) async fn tags_matter(
        &self,
        context: &RequestContext,
        wanted: Wanted<'_>,
    ) -> Result<bool, Error> {
        self.access
            .asks_for_image_tag(context, wanted.registry, wanted.name)
            .await
    }

    /// Leave to pull by tag or digest.
    pub(super) async fn permit_pull(
        &self,
        context: &RequestContext,
        wanted: Wanted<'_>,
        reference: &Reference,
    ) -> Result<Permit, Error> {
        let (action, place) = (wanted.action, wanted.place());
        let tags = match reference {
            Reference::Tag(tag) => {
                let right = TagRight::One(tag);
                return self
                    .access
                    .authorize_tags(context, action, place, right)
                    .await;
            }
            Reference::Digest(digest) if self.tags_matter(context, wanted).await? => {
                self.carried_tags(wanted, digest).await?
            }
            Reference::Digest(_) => Vec::new(),
        };
        let right = TagRight::Any(&tags);
        self.access
            .authorize_tags(context, action, place, right)
            .await
    }

    /// Leave for an image that `latest` only stands for: it must also be had under a tag of its own.
    pub(super) async fn permit_newest(
        &self,
        context: &RequestContext,
        wanted: Wanted<'_>,
        tag: &Tag,
        digest: &Digest,
    ) -> Result<(), Error> {
        if !tag.is_latest() || !self.tags_matter(context, wanted).await? {
            return Ok(());
        }
        let (registry, name) = (wanted.registry.clone(), wanted.name.clone());
        let (tag, digest) = (tag.clone(), digest.clone());
        let look = self.store.lookup(Warrant::server(), move |rows| {
            let Some(repository) = rows.find_repository(&registry, &name)? else {
                return Ok(None);
            };
            let tagged = rows.find_tagged_image(&repository.id, &tag)?;
            // another image may have got the tag since this one was found
            if tagged.is_some_and(|image| image.digest == digest) {
                return Ok(None);
            }
            let tags = rows.tags_of_image(&repository.id, &digest, most_tags())?;
            Ok(Some(tags))
        });
        if let Some(tags) = look.await? {
            let right = TagRight::Any(&tags);
            let (action, place) = (wanted.action, wanted.place());
            self.access
                .authorize_tags(context, action, place, right)
                .await?;
        }
        Ok(())
    }

    /// Leave to delete images, and under which tags they may go; `None` where tags do not matter.
    pub(super) async fn permit_delete(
        &self,
        context: &RequestContext,
        wanted: Wanted<'_>,
        identifiers: &[ImageIdentifier],
    ) -> Result<(Permit, Option<HashSet<Tag>>), Error> {
        let (action, place) = (wanted.action, wanted.place());
        if !self.tags_matter(context, wanted).await? || identifiers.is_empty() {
            let right = TagRight::Every(&[]);
            let permit = self.access.authorize_tags(context, action, place, right);
            return Ok((permit.await?, None));
        }
        let (mut last, mut allowed) = (None, HashSet::new());
        for identifier in identifiers {
            let tags = match identifier {
                ImageIdentifier::Tag(tag) | ImageIdentifier::Both(tag, _) => vec![tag.clone()],
                ImageIdentifier::Digest(digest) => self.own_tags(wanted, digest).await?,
            };
            let right = TagRight::Every(&tags);
            last = Some(
                self.access
                    .authorize_tags(context, action, place, right)
                    .await?,
            );
            allowed.extend(tags);
        }
        let permit = last.ok_or_else(|| Error::internal("nothing was authorized"))?;
        Ok((permit, Some(allowed)))
    }

    /// Leave to push under tags what is there already: the image itself, and the images of an index. What the pusher
    /// does not bring must be its own to pull, or the push would give it away. Returns the images of the index that are
    /// not there, so that nobody was asked about them.
    pub(super) async fn permit_reuse(
        &self,
        context: &RequestContext,
        wanted: Wanted<'_>,
        (own, children): (&Digest, Vec<Digest>),
        tags: &[Tag],
    ) -> Result<Vec<Digest>, Error> {
        let carried = self.carried_tags(wanted, own).await?;
        if !carried.is_empty() {
            self.permit_shared(context, wanted, &carried, tags).await?;
        }
        let mut absent = Vec::new();
        for digest in children {
            match self.carried(wanted, &digest).await? {
                Some(carried) => self.permit_shared(context, wanted, &carried, tags).await?,
                None => absent.push(digest),
            }
        }
        Ok(absent)
    }

    /// Leave to push what refers to a subject: whoever asks for that is shown the push beside it. A subject may be absent.
    pub(super) async fn permit_subject(
        &self,
        context: &RequestContext,
        wanted: Wanted<'_>,
        subject: &Digest,
        tags: &[Tag],
    ) -> Result<(), Error> {
        match self.carried(wanted, subject).await? {
            Some(carried) => self.permit_shared(context, wanted, &carried, tags).await,
            None => Ok(()),
        }
    }

    /// Leave to pull what carries `carried` already, unless one of `tags` is among them.
    async fn permit_shared(
        &self,
        context: &RequestContext,
        wanted: Wanted<'_>,
        carried: &[Tag],
        tags: &[Tag],
    ) -> Result<(), Error> {
        if carried.iter().any(|tag| tags.contains(tag)) {
            return Ok(());
        }
        let (action, place) = (Action::BATCH_GET_IMAGE, wanted.place());
        let right = TagRight::Any(carried);
        let permit = self.access.authorize_tags(context, action, place, right);
        permit.await.map(drop)
    }

    /// Whether the pusher may also move `latest`, which a registry may let follow every push.
    pub(super) async fn may_push_latest(
        &self,
        context: &RequestContext,
        wanted: Wanted<'_>,
    ) -> Result<bool, Error> {
        if !self.tags_matter(context, wanted).await? {
            return Ok(true);
        }
        let latest = Tag::parse(Tag::LATEST).map_err(Error::internal)?;
        self.is_permitted(context, wanted, TagRight::One(&latest))
            .await
    }

    /// Whether a referrer may be shown with its subject. One without tags goes with it; one with tags must be had under
    /// any of them.
    pub(super) async fn may_see_referrer(
        &self,
        context: &RequestContext,
        wanted: Wanted<'_>,
        digest: &Digest,
    ) -> Result<bool, Error> {
        let tags = self.carried_tags(wanted, digest).await?;
        if tags.is_empty() {
            return Ok(true);
        }
        self.is_permitted(context, wanted, TagRight::Any(&tags))
            .await
    }

    async fn is_permitted(
        &self,
        context: &RequestContext,
        wanted: Wanted<'_>,
        right: TagRight<'_>,
    ) -> Result<bool, Error> {
        let (action, place) = (wanted.action, wanted.place());
        let outcome = self
            .access
            .authorize_tags(context, action, place, right)
            .await;
        match outcome {
            Ok(_) => Ok(true),
            Err(Error::Refused(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn own_tags(&self, wanted: Wanted<'_>, digest: &Digest) -> Result<Vec<Tag>, Error> {
        let digest = digest.clone();
        self.look_up(wanted, move |rows, repository| {
            Ok(rows.tags_of_image(repository, &digest, most_tags())?)
        })
        .await
    }

    /// The tags of an image and of the indexes that contain it.
    async fn carried_tags(&self, wanted: Wanted<'_>, digest: &Digest) -> Result<Vec<Tag>, Error> {
        Ok(self.carried(wanted, digest).await?.unwrap_or_default())
    }

    /// The same; `None` if there is no such image.
    async fn carried(
        &self,
        wanted: Wanted<'_>,
        digest: &Digest,
    ) -> Result<Option<Vec<Tag>>, Error> {
        let digest = digest.clone();
        self.look_up(wanted, move |rows, repository| {
            carried(rows, repository, &digest)
        })
        .await
    }

    async fn look_up<T, F>(&self, wanted: Wanted<'_>, find: F) -> Result<T, Error>
    where
        T: Default + Send + 'static,
        F: FnOnce(&mut dyn ReadTransaction, &RepositoryId) -> Result<T, Error> + Send + 'static,
    {
        let (registry, name) = (wanted.registry.clone(), wanted.name.clone());
        self.store
            .read(Warrant::server(), move |rows| {
                match rows.find_repository(&registry, &name)? {
                    Some(repository) => find(rows, &repository.id),
                    None => Ok(T::default()),
                }
            })
            .await
    }
}

fn most_tags() -> u32 {
    u32::try_from(MAX_TAGS_PER_IMAGE).unwrap_or(u32::MAX)
}

/// The tags of an image and of the indexes that contain it; `None` if it is not there.
fn carried(
    rows: &mut dyn ReadTransaction,
    repository: &RepositoryId,
    digest: &Digest,
) -> Result<Option<Vec<Tag>>, Error> {
    if rows.find_image(repository, digest)?.is_none() {
        return Ok(None);
    }
    carried_tags(rows, repository, digest.clone()).map(Some)
}

/// Beyond the bounds an image is taken for one that fewer tags carry: less is allowed, never more.
fn carried_tags(
    rows: &mut dyn ReadTransaction,
    repository: &RepositoryId,
    digest: Digest,
) -> Result<Vec<Tag>, Error> {
    let mut tags = Vec::new();
    let mut seen = HashSet::from([digest.clone()]);
    let mut level = vec![digest];
    for _ in 0..MAX_DEPTH {
        let mut above = Vec::new();
        for digest in level {
            tags.extend(rows.tags_of_image(repository, &digest, most_tags())?);
            let limit = u32::try_from(MAX_INDEXES).unwrap_or(u32::MAX);
            let parents =
                rows.referring_images(repository, &digest, ReferenceKind::Manifest, limit)?;
            for parent in parents {
                if seen.len() <= MAX_INDEXES && seen.insert(parent.clone()) {
                    above.push(parent);
                }
            }
        }
        level = above;
    }
    Ok(tags)
}
