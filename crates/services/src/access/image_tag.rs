//! `ecr:ImageTag`: rights that depend on the tag of an image. ECR does not have it; everything else is as there.
//!
//! | request | the key is | allowed if |
//! |---|---|---|
//! | push, pull or delete by a tag | that tag | it is |
//! | pull by digest | each tag of the image, and of the indexes that contain it | any is |
//! | the images of an index that is pushed, and its subject | as for a pull of each by digest | all are, but for those that a pushed tag carries |
//! | delete by digest | each tag of the image | all are |
//! | a referrer of an image that may be pulled by digest | each tag of the referrer, if it has any | any is; else it is left out |
//! | an image without any tag; a push by digest | missing | it is without the key |
//!
//! Where no policy that binds the request asks for the key, nothing of this is looked at.

use ecru_domain::{Action, Error, Registry, RepositoryName, Tag};

use super::{Access, Demand, Permit, RequestContext, Resource};

/// The condition key.
const IMAGE_TAG: &str = "ecr:ImageTag";

/// For which tags a right is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TagRight<'a> {
    /// For this one.
    One(&'a Tag),
    /// For at least one of them; if there are none, without the key.
    Any(&'a [Tag]),
    /// For all of them; if there are none, without the key.
    Every(&'a [Tag]),
}

impl Access {
    /// Whether any policy that binds the principal or the repository asks for the tag of an image.
    pub(crate) async fn asks_for_image_tag(
        &self,
        context: &RequestContext,
        registry: &Registry,
        name: &RepositoryName,
    ) -> Result<bool, Error> {
        let standing = self.standings.of(&context.principal).await?;
        if standing.asked.contain(IMAGE_TAG) {
            return Ok(true);
        }
        let resource = Resource::Repository(registry.clone(), name.clone());
        let holding = self.holdings.of(&resource).await?;
        Ok(holding.asked.contain(IMAGE_TAG))
    }

    /// [`Access::authorize`] for images of a repository under tags.
    pub(crate) async fn authorize_tags(
        &self,
        context: &RequestContext,
        action: Action,
        (registry, name): (&Registry, &RepositoryName),
        right: TagRight<'_>,
    ) -> Result<Permit, Error> {
        let demand = |tag: Option<&Tag>| {
            let resource = Resource::Repository(registry.clone(), name.clone());
            let demand = Demand::new(action, resource);
            match tag {
                Some(tag) => demand.with_key(IMAGE_TAG, tag.as_str()),
                None => demand,
            }
        };
        let (tags, is_any_enough) = match right {
            TagRight::One(tag) => (std::slice::from_ref(tag), false),
            TagRight::Any(tags) => (tags, true),
            TagRight::Every(tags) => (tags, false),
        };
        let mut last = None;
        for tag in tags {
            let outcome = self.authorize_demand(context, demand(Some(tag))).await;
            if outcome.is_ok() == is_any_enough {
                return outcome;
            }
            last = Some(outcome);
        }
        match last {
            Some(outcome) => outcome,
            None => self.authorize_demand(context, demand(None)).await,
        }
    }
}
