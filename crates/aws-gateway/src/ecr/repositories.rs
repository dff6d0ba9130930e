//! Repositories: create, describe, delete.

use ecru_aws_model::ecr as wire;
use ecru_domain::arn::repository_arn;
use ecru_domain::{EncryptionType, Error, Registry};
use ecru_services::Page;
use ecru_services::keys::RequestedEncryption;
use ecru_services::repositories::{CreateRepository, RepositoryDescription};

use super::repository_settings::{scanning, tag_mutability, wire_filters, wire_mode};
use super::resource_tags::pairs;
use super::{page, wire_time};
use crate::call::{Call, refuse, repository_name};
use crate::registry_uri::AwsConfig;

pub(crate) async fn create(
    call: &Call<'_>,
    input: wire::CreateRepositoryRequest,
) -> Result<wire::CreateRepositoryResponse, Error> {
    let target = call.target(input.registry_id.as_deref(), &input.repository_name)?;
    let filters = input.image_tag_mutability_exclusion_filters;
    let scan_on_push = input
        .image_scanning_configuration
        .and_then(|configuration| configuration.scan_on_push);
    let command = CreateRepository {
        registry: target.registry,
        name: target.name,
        tags: pairs(input.tags.unwrap_or_default()),
        mutability: tag_mutability(input.image_tag_mutability, filters)?,
        scan_on_push: scan_on_push.unwrap_or(false),
        encryption: requested_encryption(input.encryption_configuration),
    };
    let created = call.services.repositories.create(&call.context, command);
    Ok(wire::CreateRepositoryResponse {
        repository: Some(wire_repository(call.config, created.await?)),
    })
}

/// By name, or page by page: never both.
pub(crate) async fn describe(
    call: &Call<'_>,
    input: wire::DescribeRepositoriesRequest,
) -> Result<wire::DescribeRepositoriesResponse, Error> {
    let registry = call.registry(input.registry_id.as_deref())?;
    let is_paged = input.max_results.is_some() || input.next_token.is_some();
    let found = match input.repository_names {
        Some(_) if is_paged => {
            let constraint = "can't be combined with 'maxResults' or 'nextToken'";
            return Err(refuse("repositoryNames", constraint));
        }
        Some(names) => describe_each(call, &registry, &names).await?,
        None => {
            let page = page(input.max_results, input.next_token);
            let repositories = &call.services.repositories;
            repositories.list(&call.context, &registry, &page).await?
        }
    };
    let described = found.map(|repository| wire_repository(call.config, repository));
    Ok(wire::DescribeRepositoriesResponse {
        repositories: Some(described.items),
        next_token: described.next_token,
    })
}

async fn describe_each(
    call: &Call<'_>,
    registry: &Registry,
    names: &[String],
) -> Result<Page<RepositoryDescription>, Error> {
    let names: Result<Vec<_>, Error> = names.iter().map(|name| repository_name(name)).collect();
    let names = names?;
    let repositories = &call.services.repositories;
    let found = repositories.describe(&call.context, registry, &names);
    Ok(Page {
        items: found.await?,
        next_token: None,
    })
}

pub(crate) async fn delete(
    call: &Call<'_>,
    input: wire::DeleteRepositoryRequest,
) -> Result<wire::DeleteRepositoryResponse, Error> {
    let target = call.target(input.registry_id.as_deref(), &input.repository_name)?;
    let is_forced = input.force.unwrap_or(false);
    let repositories = &call.services.repositories;
    let deleted = repositories.delete(&call.context, &target.registry, &target.name, is_forced);
    Ok(wire::DeleteRepositoryResponse {
        repository: Some(wire_repository(call.config, deleted.await?)),
    })
}

fn requested_encryption(input: Option<wire::EncryptionConfiguration>) -> RequestedEncryption {
    let Some(input) = input else {
        return RequestedEncryption {
            kind: EncryptionType::Aes256,
            key: None,
        };
    };
    let kind = match input.encryption_type {
        wire::EncryptionType::Aes256 => EncryptionType::Aes256,
        wire::EncryptionType::Kms => EncryptionType::Kms,
        wire::EncryptionType::KmsDsse => EncryptionType::KmsDsse,
    };
    RequestedEncryption {
        kind,
        key: input.kms_key,
    }
}

fn wire_repository(config: &AwsConfig, description: RepositoryDescription) -> wire::Repository {
    let repository = description.repository;
    let (registry, name) = (&repository.registry, &repository.name);
    let encryption_type = match repository.encryption.kind {
        EncryptionType::Aes256 => wire::EncryptionType::Aes256,
        EncryptionType::Kms => wire::EncryptionType::Kms,
        EncryptionType::KmsDsse => wire::EncryptionType::KmsDsse,
    };
    wire::Repository {
        repository_arn: Some(repository_arn(registry, name)),
        registry_id: Some(registry.account.to_string()),
        repository_name: Some(name.to_string()),
        repository_uri: Some(config.repository_uri(registry, name)),
        created_at: Some(wire_time(repository.created_at)),
        image_tag_mutability: Some(wire_mode(repository.mutability.mode())),
        image_tag_mutability_exclusion_filters: wire_filters(&repository.mutability),
        image_scanning_configuration: Some(scanning(repository.scan_on_push)),
        encryption_configuration: Some(wire::EncryptionConfiguration {
            encryption_type,
            kms_key: description.kms_key,
        }),
    }
}
