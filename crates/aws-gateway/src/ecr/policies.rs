//! Policies of repositories and of registries.

use ecru_aws_model::ecr as wire;
use ecru_domain::Error;
use ecru_services::repositories::SetRepositoryPolicy;

use crate::call::{Call, Target};

pub(crate) async fn set_repository(
    call: &Call<'_>,
    input: wire::SetRepositoryPolicyRequest,
) -> Result<wire::SetRepositoryPolicyResponse, Error> {
    let target = call.target(input.registry_id.as_deref(), &input.repository_name)?;
    let command = SetRepositoryPolicy {
        registry: target.registry.clone(),
        name: target.name.clone(),
        text: input.policy_text,
        force: input.force.unwrap_or(false),
    };
    let repositories = &call.services.repositories;
    let text = repositories.set_policy(&call.context, command).await?;
    Ok(wire::SetRepositoryPolicyResponse {
        registry_id: Some(target.registry_id()),
        repository_name: Some(target.repository_name()),
        policy_text: Some(text),
    })
}

pub(crate) async fn get_repository(
    call: &Call<'_>,
    input: wire::GetRepositoryPolicyRequest,
) -> Result<wire::GetRepositoryPolicyResponse, Error> {
    let target = call.target(input.registry_id.as_deref(), &input.repository_name)?;
    let Target { registry, name } = &target;
    let repositories = &call.services.repositories;
    let text = repositories
        .get_policy(&call.context, registry, name)
        .await?;
    Ok(wire::GetRepositoryPolicyResponse {
        registry_id: Some(target.registry_id()),
        repository_name: Some(target.repository_name()),
        policy_text: Some(text),
    })
}

pub(crate) async fn delete_repository(
    call: &Call<'_>,
    input: wire::DeleteRepositoryPolicyRequest,
) -> Result<wire::DeleteRepositoryPolicyResponse, Error> {
    let target = call.target(input.registry_id.as_deref(), &input.repository_name)?;
    let Target { registry, name } = &target;
    let repositories = &call.services.repositories;
    let text = repositories
        .delete_policy(&call.context, registry, name)
        .await?;
    Ok(wire::DeleteRepositoryPolicyResponse {
        registry_id: Some(target.registry_id()),
        repository_name: Some(target.repository_name()),
        policy_text: Some(text),
    })
}

pub(crate) async fn put_registry(
    call: &Call<'_>,
    input: wire::PutRegistryPolicyRequest,
) -> Result<wire::PutRegistryPolicyResponse, Error> {
    let settings = &call.services.settings;
    let text = input.policy_text;
    let registry = settings.put_registry_policy(&call.context, &text).await?;
    Ok(wire::PutRegistryPolicyResponse {
        registry_id: Some(registry.account.to_string()),
        policy_text: Some(text),
    })
}

pub(crate) async fn get_registry(
    call: &Call<'_>,
    _: wire::GetRegistryPolicyRequest,
) -> Result<wire::GetRegistryPolicyResponse, Error> {
    let settings = &call.services.settings;
    let (registry, text) = settings.get_registry_policy(&call.context).await?;
    Ok(wire::GetRegistryPolicyResponse {
        registry_id: Some(registry.account.to_string()),
        policy_text: Some(text),
    })
}

pub(crate) async fn delete_registry(
    call: &Call<'_>,
    _: wire::DeleteRegistryPolicyRequest,
) -> Result<wire::DeleteRegistryPolicyResponse, Error> {
    let settings = &call.services.settings;
    let (registry, text) = settings.delete_registry_policy(&call.context).await?;
    Ok(wire::DeleteRegistryPolicyResponse {
        registry_id: Some(registry.account.to_string()),
        policy_text: Some(text),
    })
}
