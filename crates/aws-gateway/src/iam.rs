//! The Identity and Access Management API (awsQuery, version 2010-05-08), a file for each family of operations.
//!
//! - `dispatch`: the table of contents
//! - [`descriptions`]: users, roles, groups and policies in the form of the wire
//! - [`users`], [`roles`], [`groups`], [`instance_profiles`], [`oidc_providers`]: who and what there is
//! - [`policies`], [`attachments`], [`inline_policies`], [`boundaries`], [`simulation`]: what they may do
//! - [`access_keys`], [`login_profiles`]: how they prove who they are
//! - [`tags`], [`account`], [`authorization_details`]: all else
//! - [`absent`]: what nobody can have here

mod absent;
mod access_keys;
mod account;
mod attachments;
mod authorization_details;
mod boundaries;
mod descriptions;
mod dispatch;
mod groups;
mod inline_policies;
mod instance_profiles;
mod login_profiles;
mod oidc_providers;
mod policies;
mod roles;
mod simulation;
mod tags;
mod users;

use ecru_aws_model::iam::Operation;

use crate::body_budget::BufferedBody;
use crate::call::Call;
use crate::response::RouteName;
use crate::run::{self, Answer};

/// What metrics call a request that names no operation.
pub(crate) const ROUTE_NAME: RouteName = RouteName("iam:unknown");

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
