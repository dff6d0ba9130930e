//! `GetCallerIdentity`.

use ecru_aws_model::sts as wire;
use ecru_domain::Error;

use crate::call::Call;

/// Allowed to whoever is authenticated.
pub(crate) async fn get_identity(
    call: &Call<'_>,
    _input: wire::GetCallerIdentityRequest,
) -> Result<wire::GetCallerIdentityResponse, Error> {
    let identity = call.services.identity.caller(&call.context);
    Ok(wire::GetCallerIdentityResponse {
        user_id: Some(identity.user_id),
        account: Some(identity.account.to_string()),
        arn: Some(identity.arn),
    })
}
