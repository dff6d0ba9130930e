//! `AssumeRoleWithWebIdentity`: the token of an identity provider instead of a signature.

use ecru_aws_model::sts as wire;
use ecru_domain::{Error, StsRefusal};

use crate::call::UnsignedCall;

/// Only tokens of providers that an account has registered are believed, and none can be registered yet.
pub(crate) async fn assume_role(
    _call: &UnsignedCall<'_>,
    _input: wire::AssumeRoleWithWebIdentityRequest,
) -> Result<wire::AssumeRoleWithWebIdentityResponse, Error> {
    Err(StsRefusal::InvalidIdentityToken {
        message: "No OpenIDConnect provider found in your account".to_owned(),
    }
    .into())
}
