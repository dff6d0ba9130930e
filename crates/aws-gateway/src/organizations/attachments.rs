//! Which policy binds which root, unit or account.

use ecru_aws_model::organizations as wire;
use ecru_domain::Error;

use super::policies::wire_summary;
use super::{policy_type, wire_target_type};
use crate::call::Call;
use crate::ecr::page;

pub(super) async fn attach(
    call: &Call<'_>,
    input: wire::AttachPolicyRequest,
) -> Result<wire::AttachPolicyResponse, Error> {
    let organizations = &call.services.organizations;
    organizations
        .attach_policy(&call.context, &input.policy_id, &input.target_id)
        .await?;
    Ok(wire::AttachPolicyResponse {})
}

pub(super) async fn detach(
    call: &Call<'_>,
    input: wire::DetachPolicyRequest,
) -> Result<wire::DetachPolicyResponse, Error> {
    let organizations = &call.services.organizations;
    organizations
        .detach_policy(&call.context, &input.policy_id, &input.target_id)
        .await?;
    Ok(wire::DetachPolicyResponse {})
}

pub(super) async fn list_policies(
    call: &Call<'_>,
    input: wire::ListPoliciesForTargetRequest,
) -> Result<wire::ListPoliciesForTargetResponse, Error> {
    let kind = policy_type(input.filter)?;
    let page = page(input.max_results, input.next_token);
    let organizations = &call.services.organizations;
    let found =
        organizations.list_policies_for_target(&call.context, &input.target_id, kind, &page);
    let found = found.await?.map(wire_summary);
    Ok(wire::ListPoliciesForTargetResponse {
        policies: Some(found.items),
        next_token: found.next_token,
    })
}

pub(super) async fn list_targets(
    call: &Call<'_>,
    input: wire::ListTargetsForPolicyRequest,
) -> Result<wire::ListTargetsForPolicyResponse, Error> {
    let page = page(input.max_results, input.next_token);
    let organizations = &call.services.organizations;
    let found = organizations.list_targets_for_policy(&call.context, &input.policy_id, &page);
    let found = found.await?.map(|target| wire::PolicyTargetSummary {
        target_id: Some(target.id),
        arn: Some(target.arn),
        name: Some(target.name),
        r#type: Some(wire_target_type(target.kind)),
    });
    Ok(wire::ListTargetsForPolicyResponse {
        targets: Some(found.items),
        next_token: found.next_token,
    })
}
