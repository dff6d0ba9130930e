//! Tags of roots, units, accounts and policies.

use ecru_aws_model::organizations as wire;
use ecru_domain::Error;

use crate::call::Call;

pub(super) async fn tag(
    call: &Call<'_>,
    input: wire::TagResourceRequest,
) -> Result<wire::TagResourceResponse, Error> {
    let (id, tags) = (input.resource_id, pairs(input.tags));
    let organizations = &call.services.organizations;
    organizations.tag_resource(&call.context, &id, tags).await?;
    Ok(wire::TagResourceResponse {})
}

pub(super) async fn untag(
    call: &Call<'_>,
    input: wire::UntagResourceRequest,
) -> Result<wire::UntagResourceResponse, Error> {
    let (id, keys) = (input.resource_id, input.tag_keys);
    let organizations = &call.services.organizations;
    organizations
        .untag_resource(&call.context, &id, keys)
        .await?;
    Ok(wire::UntagResourceResponse {})
}

pub(super) async fn list(
    call: &Call<'_>,
    input: wire::ListTagsForResourceRequest,
) -> Result<wire::ListTagsForResourceResponse, Error> {
    let organizations = &call.services.organizations;
    let tags = organizations.list_tags(&call.context, &input.resource_id);
    let wire_tag = |(key, value)| wire::Tag { key, value };
    Ok(wire::ListTagsForResourceResponse {
        tags: Some(tags.await?.into_iter().map(wire_tag).collect()),
        next_token: None,
    })
}

pub(super) fn pairs(tags: Vec<wire::Tag>) -> Vec<(String, String)> {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}
