//! Service and resource control policies.

use ecru_aws_model::organizations as wire;
use ecru_domain::Error;
use ecru_services::organizations::policies::{CreatePolicy, PolicyDescription, UpdatePolicy};

use super::resource_tags::pairs;
use super::{policy_type, wire_policy_type};
use crate::call::Call;
use crate::ecr::page;

pub(super) async fn create(
    call: &Call<'_>,
    input: wire::CreatePolicyRequest,
) -> Result<wire::CreatePolicyResponse, Error> {
    let command = CreatePolicy {
        name: input.name,
        description: input.description,
        kind: policy_type(input.r#type)?,
        content: input.content,
        tags: pairs(input.tags.unwrap_or_default()),
    };
    let organizations = &call.services.organizations;
    let created = organizations.create_policy(&call.context, command).await?;
    Ok(wire::CreatePolicyResponse {
        policy: Some(wire_policy(created)),
    })
}

pub(super) async fn describe(
    call: &Call<'_>,
    input: wire::DescribePolicyRequest,
) -> Result<wire::DescribePolicyResponse, Error> {
    let organizations = &call.services.organizations;
    let found = organizations.describe_policy(&call.context, &input.policy_id);
    Ok(wire::DescribePolicyResponse {
        policy: Some(wire_policy(found.await?)),
    })
}

pub(super) async fn update(
    call: &Call<'_>,
    input: wire::UpdatePolicyRequest,
) -> Result<wire::UpdatePolicyResponse, Error> {
    let command = UpdatePolicy {
        id: input.policy_id,
        name: input.name,
        description: input.description,
        content: input.content,
    };
    let organizations = &call.services.organizations;
    let updated = organizations.update_policy(&call.context, command).await?;
    Ok(wire::UpdatePolicyResponse {
        policy: Some(wire_policy(updated)),
    })
}

pub(super) async fn delete(
    call: &Call<'_>,
    input: wire::DeletePolicyRequest,
) -> Result<wire::DeletePolicyResponse, Error> {
    let organizations = &call.services.organizations;
    organizations
        .delete_policy(&call.context, &input.policy_id)
        .await?;
    Ok(wire::DeletePolicyResponse {})
}

pub(super) async fn list(
    call: &Call<'_>,
    input: wire::ListPoliciesRequest,
) -> Result<wire::ListPoliciesResponse, Error> {
    let kind = policy_type(input.filter)?;
    let page = page(input.max_results, input.next_token);
    let organizations = &call.services.organizations;
    let found = organizations.list_policies(&call.context, kind, &page);
    let found = found.await?.map(wire_summary);
    Ok(wire::ListPoliciesResponse {
        policies: Some(found.items),
        next_token: found.next_token,
    })
}

fn wire_policy(mut policy: PolicyDescription) -> wire::Policy {
    let content = std::mem::take(&mut policy.content);
    wire::Policy {
        policy_summary: Some(wire_summary(policy)),
        content: Some(content),
    }
}

pub(super) fn wire_summary(policy: PolicyDescription) -> wire::PolicySummary {
    wire::PolicySummary {
        id: Some(policy.id),
        arn: Some(policy.arn),
        name: Some(policy.name),
        description: Some(policy.description),
        r#type: Some(wire_policy_type(policy.kind)),
        aws_managed: Some(policy.is_aws_managed),
    }
}
