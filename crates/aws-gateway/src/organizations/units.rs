//! Organizational units, and what is in what.

use ecru_aws_model::organizations as wire;
use ecru_domain::Error;
use ecru_domain::organization::TargetKind;
use ecru_services::organizations::units::{CreateUnit, UnitDescription};

use super::resource_tags::pairs;
use crate::call::Call;
use crate::ecr::page;

pub(super) async fn create(
    call: &Call<'_>,
    input: wire::CreateOrganizationalUnitRequest,
) -> Result<wire::CreateOrganizationalUnitResponse, Error> {
    let command = CreateUnit {
        parent: input.parent_id,
        name: input.name,
        tags: pairs(input.tags.unwrap_or_default()),
    };
    let organizations = &call.services.organizations;
    let created = organizations.create_unit(&call.context, command).await?;
    Ok(wire::CreateOrganizationalUnitResponse {
        organizational_unit: Some(wire_unit(created)),
    })
}

pub(super) async fn describe(
    call: &Call<'_>,
    input: wire::DescribeOrganizationalUnitRequest,
) -> Result<wire::DescribeOrganizationalUnitResponse, Error> {
    let organizations = &call.services.organizations;
    let found = organizations.describe_unit(&call.context, &input.organizational_unit_id);
    Ok(wire::DescribeOrganizationalUnitResponse {
        organizational_unit: Some(wire_unit(found.await?)),
    })
}

pub(super) async fn update(
    call: &Call<'_>,
    input: wire::UpdateOrganizationalUnitRequest,
) -> Result<wire::UpdateOrganizationalUnitResponse, Error> {
    let organizations = &call.services.organizations;
    let id = &input.organizational_unit_id;
    let renamed = organizations.rename_unit(&call.context, id, input.name);
    Ok(wire::UpdateOrganizationalUnitResponse {
        organizational_unit: Some(wire_unit(renamed.await?)),
    })
}

pub(super) async fn delete(
    call: &Call<'_>,
    input: wire::DeleteOrganizationalUnitRequest,
) -> Result<wire::DeleteOrganizationalUnitResponse, Error> {
    let organizations = &call.services.organizations;
    organizations
        .delete_unit(&call.context, &input.organizational_unit_id)
        .await?;
    Ok(wire::DeleteOrganizationalUnitResponse {})
}

pub(super) async fn list_for_parent(
    call: &Call<'_>,
    input: wire::ListOrganizationalUnitsForParentRequest,
) -> Result<wire::ListOrganizationalUnitsForParentResponse, Error> {
    let page = page(input.max_results, input.next_token);
    let organizations = &call.services.organizations;
    let found = organizations.list_units_for_parent(&call.context, &input.parent_id, &page);
    let found = found.await?.map(wire_unit);
    Ok(wire::ListOrganizationalUnitsForParentResponse {
        organizational_units: Some(found.items),
        next_token: found.next_token,
    })
}

pub(super) async fn list_children(
    call: &Call<'_>,
    input: wire::ListChildrenRequest,
) -> Result<wire::ListChildrenResponse, Error> {
    let kind = match input.child_type {
        wire::ChildType::Account => TargetKind::Account,
        wire::ChildType::OrganizationalUnit => TargetKind::OrganizationalUnit,
    };
    let page = page(input.max_results, input.next_token);
    let organizations = &call.services.organizations;
    let found = organizations.list_children(&call.context, &input.parent_id, kind, &page);
    let found = found.await?.map(|id| wire::Child {
        id: Some(id),
        r#type: Some(input.child_type),
    });
    Ok(wire::ListChildrenResponse {
        children: Some(found.items),
        next_token: found.next_token,
    })
}

pub(super) async fn list_parents(
    call: &Call<'_>,
    input: wire::ListParentsRequest,
) -> Result<wire::ListParentsResponse, Error> {
    let organizations = &call.services.organizations;
    let id = organizations
        .find_parent(&call.context, &input.child_id)
        .await?;
    let kind = match TargetKind::of(&id) {
        Some(TargetKind::Root) => wire::ParentType::Root,
        Some(TargetKind::OrganizationalUnit | TargetKind::Account) | None => {
            wire::ParentType::OrganizationalUnit
        }
    };
    Ok(wire::ListParentsResponse {
        parents: Some(vec![wire::Parent {
            id: Some(id),
            r#type: Some(kind),
        }]),
        next_token: None,
    })
}

fn wire_unit(unit: UnitDescription) -> wire::OrganizationalUnit {
    wire::OrganizationalUnit {
        id: Some(unit.id),
        arn: Some(unit.arn),
        name: Some(unit.name),
        path: Some(unit.path),
    }
}
