//! The part of the Security Token Service that registry clients use: `GetCallerIdentity`.

use ecru_aws_model::sts::{self, GetCallerIdentityResponse, Operation};
use http::Response;

use crate::body_budget::BufferedBody;
use crate::call::Call;
use crate::errors::Failure;
use crate::query_protocol::{self, Form, invalid_action};
use crate::response::{self, ResponseBody};

/// What metrics call the service's one operation.
pub(crate) const ROUTE_NAME: &str = "sts:GetCallerIdentity";

/// Answers a request of the query dialect; URL or body names the operation.
pub(crate) fn answer(
    call: &Call<'_>,
    query: Option<&str>,
    body: &BufferedBody,
) -> Result<Response<ResponseBody>, Failure> {
    let form = Form::parse(query, body.as_slice())?;
    let action = form.operation(sts::API_VERSION)?;
    match Operation::from_name(action) {
        Some(Operation::GetCallerIdentity) => Ok(get_caller_identity(call)),
        None => Err(invalid_action(action, sts::API_VERSION).into()),
    }
}

/// Allowed to whoever is authenticated.
fn get_caller_identity(call: &Call<'_>) -> Response<ResponseBody> {
    let identity = call.services.identity.caller(&call.context);
    let output = GetCallerIdentityResponse {
        user_id: Some(identity.user_id),
        account: Some(identity.account.to_string()),
        arn: Some(identity.arn),
    };
    let operation = Operation::GetCallerIdentity.name();
    let id = &call.context.request_id;
    let response = query_protocol::success(sts::XML_NAMESPACE, operation, id, |xml| {
        for (name, value) in output.elements() {
            if let Some(value) = value {
                xml.text(name, value);
            }
        }
    });
    response::whole(response)
}
