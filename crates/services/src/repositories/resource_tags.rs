//! Resource tags of repositories: `Key` and `Value`, by ARN.

use ecru_domain::arn::parse_repository_arn;
use ecru_domain::resource_tags::{
    MAX_RESOURCE_TAGS, ResourceTagProblem, check_cases, check_key, check_tags,
};
use ecru_domain::{Action, Error, Refusal};

use super::Repositories;
use crate::access::{Demand, RequestContext, Resource};

impl Repositories {
    /// `ecr:TagResource`: sets tags; those of other keys stay.
    pub async fn tag_resource(
        &self,
        context: &RequestContext,
        arn: &str,
        tags: Vec<(String, String)>,
    ) -> Result<(), Error> {
        let demand = arn_demand(context, Action::TAG_RESOURCE, arn)?.with_request_tags(&tags);
        let permit = self.access.authorize_demand(context, demand).await?;
        check_tags(&tags).map_err(refuse_tag)?;
        self.change(&permit, move |rows, id| {
            let present = rows.resource_tags(id)?;
            check_cases(&tags, &present).map_err(refuse_tag)?;
            let is_new = |key: &String| !present.iter().any(|(known, _)| known == key);
            if present.len() + tags.iter().filter(|(key, _)| is_new(key)).count()
                > MAX_RESOURCE_TAGS
            {
                return Err(Refusal::TooManyTags.into());
            }
            for (key, value) in &tags {
                rows.put_resource_tag(id, key, value)?;
            }
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// `ecr:UntagResource`: keys that are not there are passed over.
    pub async fn untag_resource(
        &self,
        context: &RequestContext,
        arn: &str,
        keys: Vec<String>,
    ) -> Result<(), Error> {
        let demand = arn_demand(context, Action::UNTAG_RESOURCE, arn)?.with_tag_keys(keys.clone());
        let permit = self.access.authorize_demand(context, demand).await?;
        if keys.len() > MAX_RESOURCE_TAGS {
            return Err(Refusal::TooManyTags.into());
        }
        for key in &keys {
            check_key(key).map_err(refuse_tag)?;
        }
        self.change(&permit, move |rows, id| {
            for key in &keys {
                rows.delete_resource_tag(id, key)?;
            }
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// `ecr:ListTagsForResource`
    pub async fn list_resource_tags(
        &self,
        context: &RequestContext,
        arn: &str,
    ) -> Result<Vec<(String, String)>, Error> {
        let demand = arn_demand(context, Action::LIST_TAGS_FOR_RESOURCE, arn)?;
        let permit = self.access.authorize_demand(context, demand).await?;
        let repository = self.store.repository(&permit).await?;
        self.store
            .lookup((&permit).into(), move |rows| {
                Ok(rows.resource_tags(&repository.id)?)
            })
            .await
    }
}

/// The repository of an ARN, in the region of the request: what is decided on that must be what is acted on.
fn arn_demand(context: &RequestContext, action: Action, arn: &str) -> Result<Demand, Error> {
    let invalid = || Refusal::InvalidParameter {
        member: "resourceArn",
        constraint: "Invalid ARN".to_owned(),
    };
    let named = parse_repository_arn(arn);
    let (registry, name) = named
        .filter(|(registry, _)| registry.region == context.region)
        .ok_or_else(invalid)?;
    Ok(Demand::new(action, Resource::Repository(registry, name)))
}

pub(super) fn refuse_tag(problem: ResourceTagProblem) -> Refusal {
    match problem {
        ResourceTagProblem::Invalid(text) => Refusal::InvalidTagParameter(text),
        ResourceTagProblem::TooMany => Refusal::TooManyTags,
    }
}
