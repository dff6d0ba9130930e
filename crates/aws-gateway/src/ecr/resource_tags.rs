//! Resource tags of repositories, which are not image tags.

use ecru_aws_model::ecr as wire;
use ecru_domain::Error;

use crate::call::Call;

pub(crate) async fn tag(
    call: &Call<'_>,
    input: wire::TagResourceRequest,
) -> Result<wire::TagResourceResponse, Error> {
    let (arn, tags) = (input.resource_arn, pairs(input.tags));
    let repositories = &call.services.repositories;
    repositories.tag_resource(&call.context, &arn, tags).await?;
    Ok(wire::TagResourceResponse {})
}

pub(crate) async fn untag(
    call: &Call<'_>,
    input: wire::UntagResourceRequest,
) -> Result<wire::UntagResourceResponse, Error> {
    let (arn, keys) = (input.resource_arn, input.tag_keys);
    let repositories = &call.services.repositories;
    repositories
        .untag_resource(&call.context, &arn, keys)
        .await?;
    Ok(wire::UntagResourceResponse {})
}

pub(crate) async fn list(
    call: &Call<'_>,
    input: wire::ListTagsForResourceRequest,
) -> Result<wire::ListTagsForResourceResponse, Error> {
    let repositories = &call.services.repositories;
    let tags = repositories.list_resource_tags(&call.context, &input.resource_arn);
    let wire_tag = |(key, value)| wire::Tag { key, value };
    Ok(wire::ListTagsForResourceResponse {
        tags: Some(tags.await?.into_iter().map(wire_tag).collect()),
    })
}

pub(super) fn pairs(tags: Vec<wire::Tag>) -> Vec<(String, String)> {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}
