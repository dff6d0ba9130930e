//! `GetAuthorizationToken`: what `docker login` uses as a password.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ecru_aws_model::Sensitive;
use ecru_aws_model::ecr as wire;
use ecru_domain::{Error, Registry};
use ecru_services::tokens::USER;

use super::wire_time;
use crate::call::Call;

/// One token works wherever its principal may go; each registry asked for gets an entry with its own endpoint.
pub(crate) async fn get_token(
    call: &Call<'_>,
    input: wire::GetAuthorizationTokenRequest,
) -> Result<wire::GetAuthorizationTokenResponse, Error> {
    let registries = registries(call, input.registry_ids)?;
    let issued = call.services.tokens.issue(&call.context).await?;
    let token = STANDARD.encode(format!("{USER}:{}", issued.password));
    let entry = |registry: &Registry| wire::AuthorizationData {
        authorization_token: Some(Sensitive::new(token.clone())),
        expires_at: Some(wire_time(issued.expires_at)),
        proxy_endpoint: Some(call.config.endpoint(registry)),
    };
    Ok(wire::GetAuthorizationTokenResponse {
        authorization_data: Some(registries.iter().map(entry).collect()),
    })
}

fn registries(call: &Call<'_>, ids: Option<Vec<String>>) -> Result<Vec<Registry>, Error> {
    match ids {
        Some(ids) => ids.iter().map(|id| call.registry(Some(id))).collect(),
        None => Ok(vec![call.registry(None)?]),
    }
}
