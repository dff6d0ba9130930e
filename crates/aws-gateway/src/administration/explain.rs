//! `EcruAdmin.Explain`: why a principal may do something, or not.

use std::collections::BTreeMap;

use ecru_aws_model::{ecr, iam, organizations, sts};
use ecru_domain::action::ECR_ACTIONS;
use ecru_domain::{Action, Error};
use ecru_policy::Explanation;
use ecru_services::explanation::ExplainRequest;
use serde::{Deserialize, Serialize};

use crate::call::{Call, refuse};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExplainInput {
    principal: String,
    action: String,
    resource: String,
    #[serde(default)]
    context: BTreeMap<String, Values>,
}

/// One value, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Many(Vec<String>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExplainOutput {
    /// What an answer to the request would say of the refusal; empty if it is allowed.
    reason: String,
    #[serde(flatten)]
    explanation: Explanation,
}

pub(super) async fn explain(call: &Call<'_>, input: ExplainInput) -> Result<ExplainOutput, Error> {
    let action = known_action(&input.action)
        .ok_or_else(|| refuse("action", "must be an action that this server decides about"))?;
    let keys = input.context.into_iter().map(|(key, values)| match values {
        Values::One(value) => (key, vec![value]),
        Values::Many(values) => (key, values),
    });
    let request = ExplainRequest {
        principal: input.principal,
        action,
        resource: input.resource,
        keys: keys.collect(),
    };
    let explanations = &call.services.explanations;
    let explanation = explanations.explain(&call.context, request).await?;
    Ok(ExplainOutput {
        reason: explanation.decision.reason(action.as_str()),
        explanation,
    })
}

/// What trust policies of roles are asked.
const ROLE_ACTIONS: [Action; 3] = [
    Action::ASSUME_ROLE,
    Action::TAG_SESSION,
    Action::SET_SOURCE_IDENTITY,
];

/// The action of that name, whatever its case.
fn known_action(name: &str) -> Option<Action> {
    let of_ecr = ecr::Operation::ALL.iter().map(|known| known.iam_action());
    let of_iam = iam::Operation::ALL.iter().map(|known| known.iam_action());
    let of_sts = sts::Operation::ALL.iter().map(|known| known.iam_action());
    let of_roles = ROLE_ACTIONS.map(Action::as_str);
    let of_organizations = organizations::Operation::ALL.iter();
    let of_organizations = of_organizations.map(|known| known.iam_action());
    let known = ECR_ACTIONS.into_iter().chain(of_ecr).chain(of_iam);
    let mut known = known.chain(of_sts).chain(of_roles).chain(of_organizations);
    known
        .find(|known| known.eq_ignore_ascii_case(name))
        .map(Action::named)
}
