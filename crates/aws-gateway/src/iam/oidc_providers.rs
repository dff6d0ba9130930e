//! `OpenID` Connect providers.

use ecru_aws_model::iam as wire;
use ecru_domain::Error;
use ecru_services::iam::oidc_providers::OidcProvider;

use super::descriptions::{pairs, tags, time};
use crate::call::Call;

pub(crate) async fn create(
    call: &Call<'_>,
    input: wire::CreateOpenIDConnectProviderRequest,
) -> Result<wire::CreateOpenIDConnectProviderResponse, Error> {
    let command = OidcProvider {
        url: input.url,
        client_ids: input.client_id_list.unwrap_or_default(),
        thumbprints: input.thumbprint_list.unwrap_or_default(),
        tags: pairs(input.tags),
        ..OidcProvider::default()
    };
    let told = tags(command.tags.clone());
    let iam = &call.services.iam;
    let arn = iam.create_oidc_provider(&call.context, command).await?;
    Ok(wire::CreateOpenIDConnectProviderResponse {
        open_id_connect_provider_arn: Some(arn),
        tags: told,
    })
}

pub(crate) async fn get(
    call: &Call<'_>,
    input: wire::GetOpenIDConnectProviderRequest,
) -> Result<wire::GetOpenIDConnectProviderResponse, Error> {
    let arn = &input.open_id_connect_provider_arn;
    let iam = &call.services.iam;
    let found = iam.get_oidc_provider(&call.context, arn).await?;
    Ok(wire::GetOpenIDConnectProviderResponse {
        url: Some(found.url),
        client_id_list: Some(found.client_ids),
        thumbprint_list: Some(found.thumbprints),
        create_date: Some(time(found.created_at)),
        tags: tags(found.tags),
    })
}

pub(crate) async fn list(
    call: &Call<'_>,
    _input: wire::ListOpenIDConnectProvidersRequest,
) -> Result<wire::ListOpenIDConnectProvidersResponse, Error> {
    let iam = &call.services.iam;
    let arns = iam.list_oidc_providers(&call.context).await?.into_iter();
    let entry = |arn| wire::OpenIDConnectProviderListEntry { arn: Some(arn) };
    Ok(wire::ListOpenIDConnectProvidersResponse {
        open_id_connect_provider_list: Some(arns.map(entry).collect()),
    })
}

pub(crate) async fn add_client_id(
    call: &Call<'_>,
    input: wire::AddClientIDToOpenIDConnectProviderRequest,
) -> Result<wire::AddClientIDToOpenIDConnectProviderResponse, Error> {
    let arn = &input.open_id_connect_provider_arn;
    let iam = &call.services.iam;
    iam.add_client_id(&call.context, arn, input.client_id)
        .await?;
    Ok(wire::AddClientIDToOpenIDConnectProviderResponse {})
}

pub(crate) async fn remove_client_id(
    call: &Call<'_>,
    input: wire::RemoveClientIDFromOpenIDConnectProviderRequest,
) -> Result<wire::RemoveClientIDFromOpenIDConnectProviderResponse, Error> {
    let arn = &input.open_id_connect_provider_arn;
    let iam = &call.services.iam;
    iam.remove_client_id(&call.context, arn, input.client_id)
        .await?;
    Ok(wire::RemoveClientIDFromOpenIDConnectProviderResponse {})
}

pub(crate) async fn update_thumbprints(
    call: &Call<'_>,
    input: wire::UpdateOpenIDConnectProviderThumbprintRequest,
) -> Result<wire::UpdateOpenIDConnectProviderThumbprintResponse, Error> {
    let arn = &input.open_id_connect_provider_arn;
    let iam = &call.services.iam;
    iam.set_thumbprints(&call.context, arn, input.thumbprint_list)
        .await?;
    Ok(wire::UpdateOpenIDConnectProviderThumbprintResponse {})
}

pub(crate) async fn delete(
    call: &Call<'_>,
    input: wire::DeleteOpenIDConnectProviderRequest,
) -> Result<wire::DeleteOpenIDConnectProviderResponse, Error> {
    let arn = &input.open_id_connect_provider_arn;
    let iam = &call.services.iam;
    iam.delete_oidc_provider(&call.context, arn).await?;
    Ok(wire::DeleteOpenIDConnectProviderResponse {})
}
