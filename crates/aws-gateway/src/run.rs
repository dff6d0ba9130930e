//! What stands between a dispatch table and a handler: decode, call, encode.

use bytes::Bytes;
use ecru_aws_model::{ConstraintViolations, Decode, Request, WriteXml, ecr, organizations};
use ecru_domain::Error;
use ecru_services::audit::Shown;
use http::Response;
use serde::Serialize;

use crate::audit::Elements;
use crate::body_budget::{BodyShare, BufferedBody};
use crate::call::{Call, Context};
use crate::errors::{self, Failure};
use crate::exception::Exception;
use crate::json_protocol;
use crate::query_protocol::{self, Form, QueryOperation, invalid_action};
use crate::response::{self, ResponseBody};

/// What a dispatch table gives back.
pub(crate) type Answer = Result<Response<ResponseBody>, Failure>;

/// An operation of a service that speaks the JSON dialect.
pub(crate) trait JsonOperation: Copy + 'static {
    /// The refusal of an input that breaks constraints.
    fn broken(self, violations: &ConstraintViolations) -> Exception;

    /// How many bytes of a body of this length go on to the handler.
    fn kept(self, length: usize) -> usize {
        length
    }
}

impl JsonOperation for ecr::Operation {
    fn broken(self, violations: &ConstraintViolations) -> Exception {
        errors::ecr::broken(self, violations)
    }

    fn kept(self, length: usize) -> usize {
        match self {
            // base64 shrinks by a quarter
            Self::UploadLayerPart => length / 4 * 3,
            _ => length,
        }
    }
}

impl JsonOperation for organizations::Operation {
    fn broken(self, violations: &ConstraintViolations) -> Exception {
        errors::organizations::broken(violations)
    }
}

/// Runs a handler of a JSON service.
pub(crate) async fn json<I, F>(call: &Call<'_>, body: BufferedBody, handler: F) -> Answer
where
    I: Decode + Request,
    I::Operation: JsonOperation,
    I::Response: Serialize,
    F: AsyncFn(&Call<'_>, I) -> Result<I::Response, Error>,
{
    let (input, share) = decode(body)?;
    let output = handler(call, input).await?;
    let response: Response<Bytes> = json_protocol::success(&output, &call.context.request_id);
    // some answers repeat their request
    Ok(response::whole(response).map(|body| body.keeping(share)))
}

/// The same for an operation that writes its answer piece by piece.
pub(crate) async fn json_stream<I, F>(call: &Call<'_>, body: BufferedBody, handler: F) -> Answer
where
    I: Decode + Request,
    I::Operation: JsonOperation,
    F: AsyncFn(&Call<'_>, I) -> Result<ResponseBody, Error>,
{
    let (input, _share) = decode(body)?;
    let body = handler(call, input).await?;
    Ok(json_protocol::streamed(body, &call.context.request_id))
}

/// Reads the input and frees the body's text; what was read keeps a share of the budget.
fn decode<I>(body: BufferedBody) -> Result<(I, BodyShare), Exception>
where
    I: Decode + Request,
    I::Operation: JsonOperation,
{
    let broken = |violations: &ConstraintViolations| I::OPERATION.broken(violations);
    let input = json_protocol::decode(body.as_slice(), broken)?;
    let kept = I::OPERATION.kept(body.as_slice().len());
    Ok((input, body.into_share(kept)))
}

/// Runs a handler of a query service, for a signed request or an unsigned one.
pub(crate) async fn query<C, I, F>(call: &Call<'_, C>, form: &Form, handler: F) -> Answer
where
    C: Context,
    I: Decode + Request,
    I::Operation: QueryOperation,
    I::Response: WriteXml + Serialize,
    F: AsyncFn(&Call<'_, C>, I) -> Result<I::Response, Error>,
{
    let input = query_protocol::decode(form)?;
    let output = handler(call, input).await?;
    let id = call.context.request_id();
    let mut response = query_protocol::success(I::OPERATION, &output, id);
    if I::OPERATION.is_told()
        && let Some(shown) = Shown::of_answer(&output)
    {
        response.extensions_mut().insert(Elements(shown));
    }
    Ok(response::whole(response))
}

/// The form of a query request, and the operation that it names.
pub(crate) fn read_form<O: QueryOperation>(
    url_query: Option<&str>,
    body: &[u8],
) -> Result<(O, Form), Exception> {
    let form = Form::parse(url_query, body)?;
    let action = form.operation(O::VERSION)?;
    let operation = O::from_name(action).ok_or_else(|| invalid_action(action, O::VERSION))?;
    Ok((operation, form))
}

/// An operation that an API has and this version has not, under the code that its dialect has for unknown ones; the
/// files in `coverage` list them.
pub(crate) fn not_built(code: &'static str, operation: &'static str) -> Failure {
    let text = format!("This version of Ecru does not have the operation {operation} yet.");
    Exception::new(code, text).into()
}
