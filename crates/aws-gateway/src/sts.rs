//! The Security Token Service (`spec` of awsQuery, version 2011-06-15), a file for each family of operations.
//!
//! - `dispatch`: the table of contents
//! - [`caller`]: who a caller is, and whose an access key
//! - [`sessions`]: sessions of roles and of users
//! - [`web_identity`]: sessions for those whom another identity provider knows; their requests are not signed

mod caller;
mod dispatch;
mod sessions;
mod web_identity;

use ecru_aws_model::sts::Operation;

use crate::body_budget::BufferedBody;
use crate::call::Call;
use crate::response::RouteName;
use crate::run::{self, Answer};

pub(crate) use dispatch::answer_unsigned;

/// What metrics call a request that names no operation.
pub(crate) const ROUTE_NAME: RouteName = RouteName("sts:unknown");

/// Answers a signed request; URL or body names the operation.
pub(crate) async fn answer(
    call: &Call<'_>,
    url_query: Option<&str>,
    body: &BufferedBody,
) -> (RouteName, Answer) {
    match run::read_form::<Operation>(url_query, body.as_slice()) {
        Ok((operation, form)) => {
            let answer = dispatch::answer(call, operation, &form).await;
            (RouteName(operation.iam_action()), answer)
        }
        Err(refused) => (ROUTE_NAME, Err(refused.into())),
    }
}
