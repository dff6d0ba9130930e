//! Tags of users, roles, policies, providers and instance profiles.

use ecru_aws_model::iam as wire;
use ecru_domain::Error;
use ecru_services::iam::tags::Tagged;

use super::descriptions::{page, pairs, tag_list};
use crate::call::Call;

pub(crate) async fn tag_user(
    call: &Call<'_>,
    input: wire::TagUserRequest,
) -> Result<wire::TagUserResponse, Error> {
    let tagged = Tagged::User(&input.user_name);
    let tags = pairs(Some(input.tags));
    call.services.iam.tag(&call.context, tagged, tags).await?;
    Ok(wire::TagUserResponse {})
}

pub(crate) async fn untag_user(
    call: &Call<'_>,
    input: wire::UntagUserRequest,
) -> Result<wire::UntagUserResponse, Error> {
    let tagged = Tagged::User(&input.user_name);
    let iam = &call.services.iam;
    iam.untag(&call.context, tagged, input.tag_keys).await?;
    Ok(wire::UntagUserResponse {})
}

pub(crate) async fn list_of_user(
    call: &Call<'_>,
    input: wire::ListUserTagsRequest,
) -> Result<wire::ListUserTagsResponse, Error> {
    let page = page(input.max_items, input.marker);
    let tagged = Tagged::User(&input.user_name);
    let iam = &call.services.iam;
    let found = iam.list_tags(&call.context, tagged, &page).await?;
    Ok(wire::ListUserTagsResponse {
        tags: tag_list(found.items),
        is_truncated: Some(found.next_token.is_some()),
        marker: found.next_token,
    })
}

pub(crate) async fn tag_role(
    call: &Call<'_>,
    input: wire::TagRoleRequest,
) -> Result<wire::TagRoleResponse, Error> {
    let tagged = Tagged::Role(&input.role_name);
    let tags = pairs(Some(input.tags));
    call.services.iam.tag(&call.context, tagged, tags).await?;
    Ok(wire::TagRoleResponse {})
}

pub(crate) async fn untag_role(
    call: &Call<'_>,
    input: wire::UntagRoleRequest,
) -> Result<wire::UntagRoleResponse, Error> {
    let tagged = Tagged::Role(&input.role_name);
    let iam = &call.services.iam;
    iam.untag(&call.context, tagged, input.tag_keys).await?;
    Ok(wire::UntagRoleResponse {})
}

pub(crate) async fn list_of_role(
    call: &Call<'_>,
    input: wire::ListRoleTagsRequest,
) -> Result<wire::ListRoleTagsResponse, Error> {
    let page = page(input.max_items, input.marker);
    let tagged = Tagged::Role(&input.role_name);
    let iam = &call.services.iam;
    let found = iam.list_tags(&call.context, tagged, &page).await?;
    Ok(wire::ListRoleTagsResponse {
        tags: tag_list(found.items),
        is_truncated: Some(found.next_token.is_some()),
        marker: found.next_token,
    })
}

pub(crate) async fn tag_policy(
    call: &Call<'_>,
    input: wire::TagPolicyRequest,
) -> Result<wire::TagPolicyResponse, Error> {
    let tagged = Tagged::Policy(&input.policy_arn);
    let tags = pairs(Some(input.tags));
    call.services.iam.tag(&call.context, tagged, tags).await?;
    Ok(wire::TagPolicyResponse {})
}

pub(crate) async fn untag_policy(
    call: &Call<'_>,
    input: wire::UntagPolicyRequest,
) -> Result<wire::UntagPolicyResponse, Error> {
    let tagged = Tagged::Policy(&input.policy_arn);
    let iam = &call.services.iam;
    iam.untag(&call.context, tagged, input.tag_keys).await?;
    Ok(wire::UntagPolicyResponse {})
}

pub(crate) async fn list_of_policy(
    call: &Call<'_>,
    input: wire::ListPolicyTagsRequest,
) -> Result<wire::ListPolicyTagsResponse, Error> {
    let page = page(input.max_items, input.marker);
    let tagged = Tagged::Policy(&input.policy_arn);
    let iam = &call.services.iam;
    let found = iam.list_tags(&call.context, tagged, &page).await?;
    Ok(wire::ListPolicyTagsResponse {
        tags: tag_list(found.items),
        is_truncated: Some(found.next_token.is_some()),
        marker: found.next_token,
    })
}

pub(crate) async fn tag_oidc_provider(
    call: &Call<'_>,
    input: wire::TagOpenIDConnectProviderRequest,
) -> Result<wire::TagOpenIDConnectProviderResponse, Error> {
    let tagged = Tagged::OidcProvider(&input.open_id_connect_provider_arn);
    let tags = pairs(Some(input.tags));
    call.services.iam.tag(&call.context, tagged, tags).await?;
    Ok(wire::TagOpenIDConnectProviderResponse {})
}

pub(crate) async fn untag_oidc_provider(
    call: &Call<'_>,
    input: wire::UntagOpenIDConnectProviderRequest,
) -> Result<wire::UntagOpenIDConnectProviderResponse, Error> {
    let tagged = Tagged::OidcProvider(&input.open_id_connect_provider_arn);
    let iam = &call.services.iam;
    iam.untag(&call.context, tagged, input.tag_keys).await?;
    Ok(wire::UntagOpenIDConnectProviderResponse {})
}

pub(crate) async fn list_of_oidc_provider(
    call: &Call<'_>,
    input: wire::ListOpenIDConnectProviderTagsRequest,
) -> Result<wire::ListOpenIDConnectProviderTagsResponse, Error> {
    let page = page(input.max_items, input.marker);
    let tagged = Tagged::OidcProvider(&input.open_id_connect_provider_arn);
    let iam = &call.services.iam;
    let found = iam.list_tags(&call.context, tagged, &page).await?;
    Ok(wire::ListOpenIDConnectProviderTagsResponse {
        tags: tag_list(found.items),
        is_truncated: Some(found.next_token.is_some()),
        marker: found.next_token,
    })
}

pub(crate) async fn tag_instance_profile(
    call: &Call<'_>,
    input: wire::TagInstanceProfileRequest,
) -> Result<wire::TagInstanceProfileResponse, Error> {
    let tagged = Tagged::InstanceProfile(&input.instance_profile_name);
    let tags = pairs(Some(input.tags));
    call.services.iam.tag(&call.context, tagged, tags).await?;
    Ok(wire::TagInstanceProfileResponse {})
}

pub(crate) async fn untag_instance_profile(
    call: &Call<'_>,
    input: wire::UntagInstanceProfileRequest,
) -> Result<wire::UntagInstanceProfileResponse, Error> {
    let tagged = Tagged::InstanceProfile(&input.instance_profile_name);
    let iam = &call.services.iam;
    iam.untag(&call.context, tagged, input.tag_keys).await?;
    Ok(wire::UntagInstanceProfileResponse {})
}

pub(crate) async fn list_of_instance_profile(
    call: &Call<'_>,
    input: wire::ListInstanceProfileTagsRequest,
) -> Result<wire::ListInstanceProfileTagsResponse, Error> {
    let page = page(input.max_items, input.marker);
    let tagged = Tagged::InstanceProfile(&input.instance_profile_name);
    let iam = &call.services.iam;
    let found = iam.list_tags(&call.context, tagged, &page).await?;
    Ok(wire::ListInstanceProfileTagsResponse {
        tags: tag_list(found.items),
        is_truncated: Some(found.next_token.is_some()),
        marker: found.next_token,
    })
}
