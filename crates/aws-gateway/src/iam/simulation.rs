//! `SimulateCustomPolicy`, `SimulatePrincipalPolicy`, `GetContextKeysForCustomPolicy`, `GetContextKeysForPrincipalPolicy`.

use std::collections::BTreeMap;

use ecru_aws_model::iam as wire;
use ecru_domain::Error;
use ecru_policy::Position;
use ecru_services::Page;
use ecru_services::iam::simulation::{
    MatchedStatement, Outcome, PolicySource, SimulatedDecision, Simulation,
};

use super::descriptions::page;
use crate::call::Call;

pub(crate) async fn simulate_custom(
    call: &Call<'_>,
    input: wire::SimulateCustomPolicyRequest,
) -> Result<wire::SimulatePolicyResponse, Error> {
    let page = page(input.max_items, input.marker);
    let levels = input.ordered_organization_policy_input_list;
    let levels = levels.unwrap_or_default().into_iter();
    let simulation = Simulation {
        policies: input.policy_input_list,
        boundaries: input
            .permissions_boundary_policy_input_list
            .unwrap_or_default(),
        control_levels: levels
            .map(|level| level.service_control_policy_input_list.unwrap_or_default())
            .collect(),
        excluded: Vec::new(),
        actions: input.action_names,
        resources: input.resource_arns.unwrap_or_default(),
        resource_policy: input.resource_policy,
        resource_owner: input.resource_owner,
        caller: input.caller_arn,
        context: context(input.context_entries),
    };
    let iam = &call.services.iam;
    let decided = iam.simulate_custom_policy(&call.context, simulation, &page);
    Ok(response(decided.await?))
}

pub(crate) async fn simulate_principal(
    call: &Call<'_>,
    input: wire::SimulatePrincipalPolicyRequest,
) -> Result<wire::SimulatePolicyResponse, Error> {
    let page = page(input.max_items, input.marker);
    let excluded = input.policy_exclusion_list.unwrap_or_default().into_iter();
    let name_of = |policy: wire::PolicyIdentifier| {
        let inline = policy.inline_policy_identifier;
        let inline = inline.map(|one| format!("{}/{}", one.attachment_name, one.policy_name));
        policy.policy_arn.or(inline)
    };
    let simulation = Simulation {
        policies: input.policy_input_list.unwrap_or_default(),
        boundaries: input
            .permissions_boundary_policy_input_list
            .unwrap_or_default(),
        control_levels: Vec::new(),
        excluded: excluded.filter_map(name_of).collect(),
        actions: input.action_names,
        resources: input.resource_arns.unwrap_or_default(),
        resource_policy: input.resource_policy,
        resource_owner: input.resource_owner,
        caller: input.caller_arn,
        context: context(input.context_entries),
    };
    let source = &input.policy_source_arn;
    let iam = &call.services.iam;
    let decided = iam.simulate_principal_policy(&call.context, source, simulation, &page);
    Ok(response(decided.await?))
}

pub(crate) async fn custom_context_keys(
    call: &Call<'_>,
    input: wire::GetContextKeysForCustomPolicyRequest,
) -> Result<wire::GetContextKeysForPolicyResponse, Error> {
    let policies = &input.policy_input_list;
    let iam = &call.services.iam;
    let keys = iam.context_keys_of_policies(&call.context, policies);
    Ok(wire::GetContextKeysForPolicyResponse {
        context_key_names: Some(keys.await?),
    })
}

pub(crate) async fn principal_context_keys(
    call: &Call<'_>,
    input: wire::GetContextKeysForPrincipalPolicyRequest,
) -> Result<wire::GetContextKeysForPolicyResponse, Error> {
    let policies = input.policy_input_list.unwrap_or_default();
    let source = &input.policy_source_arn;
    let iam = &call.services.iam;
    let keys = iam.context_keys_of_principal(&call.context, source, &policies);
    Ok(wire::GetContextKeysForPolicyResponse {
        context_key_names: Some(keys.await?),
    })
}

/// Keys and values; a key whose type is a list has as many as there are.
fn context(entries: Option<Vec<wire::ContextEntry>>) -> Vec<(String, Vec<String>, bool)> {
    let entries = entries.unwrap_or_default().into_iter();
    entries
        .filter_map(|entry| {
            let is_list = entry
                .context_key_type
                .is_some_and(|kind| kind.as_str().ends_with("List"));
            let values = entry.context_key_values.unwrap_or_default();
            Some((entry.context_key_name?, values, is_list))
        })
        .collect()
}

fn response(decided: Page<SimulatedDecision>) -> wire::SimulatePolicyResponse {
    wire::SimulatePolicyResponse {
        evaluation_results: Some(decided.items.into_iter().map(result).collect()),
        is_truncated: Some(decided.next_token.is_some()),
        marker: decided.next_token,
    }
}

/// What is missing is told of the resource if one is named.
fn result(decided: SimulatedDecision) -> wire::EvaluationResult {
    let specific = specific(&decided);
    let missing = match &specific {
        Some(_) => Vec::new(),
        None => decided.missing_keys,
    };
    wire::EvaluationResult {
        eval_action_name: decided.action,
        eval_resource_name: Some(decided.resource),
        eval_decision: decision(decided.outcome),
        matched_statements: Some(decided.matched.iter().map(statement).collect()),
        missing_context_values: Some(missing),
        organizations_decision_detail: decided.allowed_by_organization.map(|allowed| {
            wire::OrganizationsDecisionDetail {
                allowed_by_organizations: Some(allowed),
            }
        }),
        permissions_boundary_decision_detail: boundary(decided.allowed_by_boundary),
        eval_decision_details: sides(decided.sides),
        resource_specific_results: specific.map(|one| vec![one]),
    }
}

/// The same of the resource, if one is named.
fn specific(decided: &SimulatedDecision) -> Option<wire::ResourceSpecificResult> {
    (decided.resource != "*").then(|| wire::ResourceSpecificResult {
        eval_resource_name: decided.resource.clone(),
        eval_resource_decision: decision(decided.outcome),
        matched_statements: Some(decided.matched.iter().map(statement).collect()),
        missing_context_values: Some(decided.missing_keys.clone()),
        eval_decision_details: sides(decided.sides.clone()),
        permissions_boundary_decision_detail: boundary(decided.allowed_by_boundary),
    })
}

fn decision(outcome: Outcome) -> wire::PolicyEvaluationDecisionType {
    use wire::PolicyEvaluationDecisionType as Decision;
    match outcome {
        Outcome::Allowed => Decision::Allowed,
        Outcome::ExplicitlyDenied => Decision::ExplicitDeny,
        Outcome::ImplicitlyDenied => Decision::ImplicitDeny,
    }
}

fn boundary(allowed: Option<bool>) -> Option<wire::PermissionsBoundaryDecisionDetail> {
    let detail = |allowed| wire::PermissionsBoundaryDecisionDetail {
        allowed_by_permissions_boundary: Some(allowed),
    };
    allowed.map(detail)
}

fn sides(
    sides: Option<BTreeMap<&'static str, Outcome>>,
) -> Option<BTreeMap<String, wire::PolicyEvaluationDecisionType>> {
    let side = |(name, outcome): (&str, Outcome)| (name.to_owned(), decision(outcome));
    sides.map(|sides| sides.into_iter().map(side).collect())
}

fn statement(matched: &MatchedStatement) -> wire::Statement {
    use wire::PolicySourceType as Type;
    wire::Statement {
        source_policy_id: Some(matched.policy.clone()),
        source_policy_type: Some(match matched.source {
            PolicySource::User => Type::User,
            PolicySource::Group => Type::Group,
            PolicySource::Role => Type::Role,
            PolicySource::Aws => Type::AwsManaged,
            PolicySource::Local => Type::UserManaged,
            PolicySource::Resource => Type::Resource,
            PolicySource::Given => Type::None,
        }),
        start_position: Some(position(matched.place.start)),
        end_position: Some(position(matched.place.end)),
    }
}

fn position(position: Position) -> wire::Position {
    wire::Position {
        line: i32::try_from(position.line).ok(),
        column: i32::try_from(position.column).ok(),
    }
}
