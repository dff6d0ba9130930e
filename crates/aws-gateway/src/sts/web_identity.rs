//! `AssumeRoleWithWebIdentity`: the token of an identity provider instead of a signature.

use ecru_aws_model::sts as wire;
use ecru_domain::Error;
use ecru_services::sts::AssumeRoleWithWebIdentity;
use zeroize::Zeroizing;

use super::sessions::{credentials, narrowing, percent, role_user, seconds};
use crate::call::UnsignedCall;

pub(crate) async fn assume_role(
    call: &UnsignedCall<'_>,
    input: wire::AssumeRoleWithWebIdentityRequest,
) -> Result<wire::AssumeRoleWithWebIdentityResponse, Error> {
    let command = AssumeRoleWithWebIdentity {
        role_arn: input.role_arn,
        session_name: input.role_session_name,
        token: Zeroizing::new(input.web_identity_token.into_string()),
        narrowing: narrowing(input.policy, input.policy_arns),
        seconds: seconds(input.duration_seconds),
    };
    let sts = &call.services.sts;
    let found = sts
        .assume_role_with_web_identity(&call.context, command)
        .await?;
    Ok(wire::AssumeRoleWithWebIdentityResponse {
        credentials: Some(credentials(&found.issued.credentials)),
        subject_from_web_identity_token: Some(found.subject),
        assumed_role_user: Some(role_user(&found.issued)),
        packed_policy_size: percent(found.issued.packed_policy_size),
        provider: Some(found.provider),
        audience: Some(found.audience),
        source_identity: found.issued.source_identity,
        ..wire::AssumeRoleWithWebIdentityResponse::default()
    })
}
