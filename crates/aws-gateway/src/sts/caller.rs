//! `GetCallerIdentity` and `GetAccessKeyInfo`.

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

pub(crate) async fn get_access_key_info(
    call: &Call<'_>,
    input: wire::GetAccessKeyInfoRequest,
) -> Result<wire::GetAccessKeyInfoResponse, Error> {
    let sts = &call.services.sts;
    let account = sts
        .access_key_info(&call.context, &input.access_key_id)
        .await?;
    Ok(wire::GetAccessKeyInfoResponse {
        account: Some(account.to_string()),
    })
}
