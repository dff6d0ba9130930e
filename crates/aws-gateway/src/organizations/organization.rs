//! The organization itself, its root, and the types of policies that are enabled there.

use ecru_aws_model::organizations::{self as wire, Operation};
use ecru_domain::Error;
use ecru_services::organizations::organization::{Organization, Root};

use super::{policy_type, wire_policy_type};
use crate::call::Call;

pub(super) async fn create(
    call: &Call<'_>,
    input: wire::CreateOrganizationRequest,
) -> Result<wire::CreateOrganizationResponse, Error> {
    let has_all_features = match input.feature_set {
        None | Some(wire::OrganizationFeatureSet::All) => true,
        Some(wire::OrganizationFeatureSet::ConsolidatedBilling) => false,
    };
    let organizations = &call.services.organizations;
    let made = organizations
        .create(&call.context, has_all_features)
        .await?;
    Ok(wire::CreateOrganizationResponse {
        organization: Some(wire_organization(made)),
    })
}

pub(super) async fn describe(
    call: &Call<'_>,
    _input: wire::DescribeOrganizationRequest,
) -> Result<wire::DescribeOrganizationResponse, Error> {
    let organization = call.services.organizations.describe(&call.context).await?;
    Ok(wire::DescribeOrganizationResponse {
        organization: Some(wire_organization(organization)),
    })
}

pub(super) async fn delete(
    call: &Call<'_>,
    _input: wire::DeleteOrganizationRequest,
) -> Result<wire::DeleteOrganizationResponse, Error> {
    call.services.organizations.delete(&call.context).await?;
    Ok(wire::DeleteOrganizationResponse {})
}

pub(super) async fn list_roots(
    call: &Call<'_>,
    _input: wire::ListRootsRequest,
) -> Result<wire::ListRootsResponse, Error> {
    let roots = call
        .services
        .organizations
        .list_roots(&call.context)
        .await?;
    Ok(wire::ListRootsResponse {
        roots: Some(roots.into_iter().map(wire_root).collect()),
        next_token: None,
    })
}

pub(super) async fn list_delegated_administrators(
    call: &Call<'_>,
    _input: wire::ListDelegatedAdministratorsRequest,
) -> Result<wire::ListDelegatedAdministratorsResponse, Error> {
    let action = Operation::ListDelegatedAdministrators.iam_action();
    let organizations = &call.services.organizations;
    organizations.list_nothing(&call.context, action).await?;
    Ok(wire::ListDelegatedAdministratorsResponse {
        delegated_administrators: Some(Vec::new()),
        next_token: None,
    })
}

pub(super) async fn list_service_access(
    call: &Call<'_>,
    _input: wire::ListAWSServiceAccessForOrganizationRequest,
) -> Result<wire::ListAWSServiceAccessForOrganizationResponse, Error> {
    let action = Operation::ListAWSServiceAccessForOrganization.iam_action();
    let organizations = &call.services.organizations;
    organizations.list_nothing(&call.context, action).await?;
    Ok(wire::ListAWSServiceAccessForOrganizationResponse {
        enabled_service_principals: Some(Vec::new()),
        next_token: None,
    })
}

pub(super) async fn enable_policy_type(
    call: &Call<'_>,
    input: wire::EnablePolicyTypeRequest,
) -> Result<wire::EnablePolicyTypeResponse, Error> {
    let kind = policy_type(input.policy_type)?;
    let organizations = &call.services.organizations;
    let root = organizations.enable_policy_type(&call.context, &input.root_id, kind);
    Ok(wire::EnablePolicyTypeResponse {
        root: Some(wire_root(root.await?)),
    })
}

pub(super) async fn disable_policy_type(
    call: &Call<'_>,
    input: wire::DisablePolicyTypeRequest,
) -> Result<wire::DisablePolicyTypeResponse, Error> {
    let kind = policy_type(input.policy_type)?;
    let organizations = &call.services.organizations;
    let root = organizations.disable_policy_type(&call.context, &input.root_id, kind);
    Ok(wire::DisablePolicyTypeResponse {
        root: Some(wire_root(root.await?)),
    })
}

fn wire_organization(organization: Organization) -> wire::Organization {
    let name = &organization.name;
    let feature_set = if organization.has_all_features {
        wire::OrganizationFeatureSet::All
    } else {
        wire::OrganizationFeatureSet::ConsolidatedBilling
    };
    // as AWS keeps it for old clients: what is enabled is told by the root
    let available = organization
        .has_all_features
        .then(|| enabled(wire::PolicyType::ServiceControlPolicy));
    wire::Organization {
        arn: Some(name.arn()),
        feature_set: Some(feature_set),
        master_account_arn: Some(name.account_arn(&name.management)),
        master_account_id: Some(name.management.to_string()),
        master_account_email: Some(organization.management_email.into()),
        available_policy_types: Some(available.into_iter().collect()),
        id: Some(organization.name.id),
    }
}

fn wire_root(root: Root) -> wire::Root {
    let types = root.enabled.into_iter();
    wire::Root {
        id: Some(root.id),
        arn: Some(root.arn),
        name: Some("Root".to_owned()),
        policy_types: Some(types.map(|kind| enabled(wire_policy_type(kind))).collect()),
    }
}

fn enabled(kind: wire::PolicyType) -> wire::PolicyTypeSummary {
    wire::PolicyTypeSummary {
        r#type: Some(kind),
        status: Some(wire::PolicyTypeStatus::Enabled),
    }
}
