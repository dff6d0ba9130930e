//! Which handler answers which operation of STS: the table of contents of the API.

use ecru_aws_model::sts::Operation;

use super::{caller, sessions, web_identity};
use crate::call::{Call, UnsignedCall};
use crate::protocol::Protocol;
use crate::query_protocol::Form;
use crate::run::{self, Answer};
use crate::sigv4::SignatureError;

/// Answers an operation of an authenticated caller.
pub(crate) async fn answer(call: &Call<'_>, operation: Operation, form: &Form) -> Answer {
    use Operation as Op;
    match operation {
        Op::GetCallerIdentity => run::query(call, form, caller::get_identity).await,
        // whoever signs it all the same is not believed more than who does not
        Op::AssumeRoleWithWebIdentity => answer_unsigned(&call.unsigned(), operation, form).await,
        Op::AssumeRole => run::query(call, form, sessions::assume_role).await,
        Op::GetAccessKeyInfo => run::query(call, form, caller::get_access_key_info).await,
        Op::GetFederationToken => run::query(call, form, sessions::get_federation_token).await,
        Op::GetSessionToken => run::query(call, form, sessions::get_session_token).await,
    }
}

/// Answers an operation that nobody has to sign.
pub(crate) async fn answer_unsigned(
    call: &UnsignedCall<'_>,
    operation: Operation,
    form: &Form,
) -> Answer {
    use Operation as Op;
    match operation {
        Op::AssumeRoleWithWebIdentity => run::query(call, form, web_identity::assume_role).await,
        Op::AssumeRole
        | Op::GetAccessKeyInfo
        | Op::GetCallerIdentity
        | Op::GetFederationToken
        | Op::GetSessionToken => Err(SignatureError::Missing
            .to_exception(Protocol::AwsQuery)
            .into()),
    }
}
