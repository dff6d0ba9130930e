//! `CreatePolicy`, `GetPolicy`, `ListPolicies`, `DeletePolicy`, and the versions of a policy.

use ecru_aws_model::iam as wire;
use ecru_domain::Error;
use ecru_services::iam::policies::{CreatePolicy, PolicyFilter, PolicyScope};

use super::attachments::policy_use;
use super::descriptions::{listed_policy, listed_version, page, pairs, policy, version};
use crate::call::Call;

pub(crate) async fn create(
    call: &Call<'_>,
    input: wire::CreatePolicyRequest,
) -> Result<wire::CreatePolicyResponse, Error> {
    let command = CreatePolicy {
        name: input.policy_name,
        path: input.path,
        document: input.policy_document,
        description: input.description,
        tags: pairs(input.tags),
    };
    let created = call.services.iam.create_policy(&call.context, command);
    Ok(wire::CreatePolicyResponse {
        policy: Some(policy(created.await?)),
    })
}

pub(crate) async fn get(
    call: &Call<'_>,
    input: wire::GetPolicyRequest,
) -> Result<wire::GetPolicyResponse, Error> {
    let iam = &call.services.iam;
    let found = iam.get_policy(&call.context, &input.policy_arn).await?;
    Ok(wire::GetPolicyResponse {
        policy: Some(policy(found)),
    })
}

pub(crate) async fn list(
    call: &Call<'_>,
    input: wire::ListPoliciesRequest,
) -> Result<wire::ListPoliciesResponse, Error> {
    let page = page(input.max_items, input.marker);
    let filter = PolicyFilter {
        scope: match input.scope {
            Some(wire::PolicyScopeType::Aws) => PolicyScope::Aws,
            Some(wire::PolicyScopeType::Local) => PolicyScope::Local,
            Some(wire::PolicyScopeType::All) | None => PolicyScope::All,
        },
        only_attached: input.only_attached.unwrap_or(false),
        path_prefix: input.path_prefix,
        used_for: input.policy_usage_filter.map(policy_use),
    };
    let iam = &call.services.iam;
    let found = iam.list_policies(&call.context, filter, &page).await?;
    Ok(wire::ListPoliciesResponse {
        policies: Some(found.items.into_iter().map(listed_policy).collect()),
        is_truncated: Some(found.next_token.is_some()),
        marker: found.next_token,
    })
}

pub(crate) async fn delete(
    call: &Call<'_>,
    input: wire::DeletePolicyRequest,
) -> Result<wire::DeletePolicyResponse, Error> {
    let iam = &call.services.iam;
    iam.delete_policy(&call.context, &input.policy_arn).await?;
    Ok(wire::DeletePolicyResponse {})
}

pub(crate) async fn create_version(
    call: &Call<'_>,
    input: wire::CreatePolicyVersionRequest,
) -> Result<wire::CreatePolicyVersionResponse, Error> {
    let is_default = input.set_as_default.unwrap_or(false);
    let (arn, text) = (&input.policy_arn, input.policy_document);
    let iam = &call.services.iam;
    let made = iam.create_policy_version(&call.context, arn, text, is_default);
    Ok(wire::CreatePolicyVersionResponse {
        policy_version: Some(listed_version(made.await?)),
    })
}

pub(crate) async fn get_version(
    call: &Call<'_>,
    input: wire::GetPolicyVersionRequest,
) -> Result<wire::GetPolicyVersionResponse, Error> {
    let (arn, name) = (&input.policy_arn, &input.version_id);
    let iam = &call.services.iam;
    let found = iam.get_policy_version(&call.context, arn, name).await?;
    Ok(wire::GetPolicyVersionResponse {
        policy_version: Some(version(found)),
    })
}

pub(crate) async fn list_versions(
    call: &Call<'_>,
    input: wire::ListPolicyVersionsRequest,
) -> Result<wire::ListPolicyVersionsResponse, Error> {
    let page = page(input.max_items, input.marker);
    let iam = &call.services.iam;
    let found = iam.list_policy_versions(&call.context, &input.policy_arn, &page);
    let found = found.await?;
    Ok(wire::ListPolicyVersionsResponse {
        versions: Some(found.items.into_iter().map(listed_version).collect()),
        is_truncated: Some(found.next_token.is_some()),
        marker: found.next_token,
    })
}

pub(crate) async fn set_default_version(
    call: &Call<'_>,
    input: wire::SetDefaultPolicyVersionRequest,
) -> Result<wire::SetDefaultPolicyVersionResponse, Error> {
    let (arn, name) = (&input.policy_arn, &input.version_id);
    let iam = &call.services.iam;
    iam.set_default_policy_version(&call.context, arn, name)
        .await?;
    Ok(wire::SetDefaultPolicyVersionResponse {})
}

pub(crate) async fn delete_version(
    call: &Call<'_>,
    input: wire::DeletePolicyVersionRequest,
) -> Result<wire::DeletePolicyVersionResponse, Error> {
    let (arn, name) = (&input.policy_arn, &input.version_id);
    let iam = &call.services.iam;
    iam.delete_policy_version(&call.context, arn, name).await?;
    Ok(wire::DeletePolicyVersionResponse {})
}
