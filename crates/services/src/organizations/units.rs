//! Organizational units, and what is in what.

use ecru_domain::organization::{MAX_UNIT_DEPTH, MAX_UNITS, TargetKind, unit_id};
use ecru_domain::{Error, OrganizationsRefusal};
use ecru_ports::metadata::{
    EntityKind, EntityRecord, Lane, LinkKind, ReadTransaction, WriteTransaction,
};

use super::organization::Organization;
use super::{Organizations, Want, constraint, cut, tree};
use crate::access::{RequestContext, ancestry};
use crate::iam::records::{self, OrganizationalUnitDocument};
use crate::page::{Page, PageRequest};

/// `organizations:CreateOrganizationalUnit`
#[derive(Clone, Debug)]
pub struct CreateUnit {
    /// The root or unit that it is to be in.
    pub parent: String,
    /// Its name, unique there.
    pub name: String,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

/// An organizational unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitDescription {
    /// `ou-…`
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// `o-…/r-…/ou-…/…/`, down to itself.
    pub path: String,
}

impl Organizations {
    /// `organizations:CreateOrganizationalUnit`
    pub async fn create_unit(
        &self,
        context: &RequestContext,
        command: CreateUnit,
    ) -> Result<UnitDescription, Error> {
        let want = Want::new("organizations:CreateOrganizationalUnit")
            .on(&command.parent)
            .tagging(&command.tags);
        let admitted = self.admit(context, want).await?;
        let arn = admitted.organization.name.part_arn("ou", "*");
        self.permit_tagging(context, arn, &command.tags).await?;
        let id = unit_id(&admitted.organization.root_id, self.ids.random());
        let created_at = self.clock.now();
        let organization = admitted.organization;
        self.store
            .write((&admitted.permit).into(), Lane::Any, move |rows| {
                let organization = tree::change(rows, &organization)?;
                let row = EntityRecord {
                    account: organization.name.management.clone(),
                    kind: EntityKind::OrganizationalUnit,
                    key: key_of(&command.parent, &command.name),
                    id: id.clone(),
                    path: "/".to_owned(),
                    document: records::write(&OrganizationalUnitDocument {
                        name: command.name.clone(),
                        tags: command.tags.clone(),
                    })?,
                    created_at,
                };
                insert(rows, &organization, &row, &command.parent)?;
                described(rows, &organization, &id)
            })
            .await
    }

    /// `organizations:DescribeOrganizationalUnit`
    pub async fn describe_unit(
        &self,
        context: &RequestContext,
        id: &str,
    ) -> Result<UnitDescription, Error> {
        let want = Want::new("organizations:DescribeOrganizationalUnit").on(id);
        let admitted = self.admit(context, want).await?;
        let id = id.to_owned();
        self.store
            .lookup((&admitted.permit).into(), move |rows| {
                described(rows, &admitted.organization, &id)
            })
            .await
    }

    /// `organizations:UpdateOrganizationalUnit`: gives it another name.
    pub async fn rename_unit(
        &self,
        context: &RequestContext,
        id: &str,
        name: Option<String>,
    ) -> Result<UnitDescription, Error> {
        let want = Want::new("organizations:UpdateOrganizationalUnit").on(id);
        let admitted = self.admit(context, want).await?;
        let (organization, id) = (admitted.organization, id.to_owned());
        self.store
            .write((&admitted.permit).into(), Lane::Any, move |rows| {
                let organization = tree::change(rows, &organization)?;
                let found = tree::unit(rows, &organization, &id)?;
                let (mut row, mut document) = found.ok_or_else(unit_not_found)?;
                if let Some(name) = &name {
                    document.name.clone_from(name);
                    row.key = key_of(&tree::parent(rows, &id)?, name);
                    row.document = records::write(&document)?;
                    if !rows.update_entity(&row)? {
                        return Err(name_taken());
                    }
                }
                described(rows, &organization, &id)
            })
            .await
    }

    /// `organizations:DeleteOrganizationalUnit`: once nothing is in it.
    pub async fn delete_unit(&self, context: &RequestContext, id: &str) -> Result<(), Error> {
        let want = Want::new("organizations:DeleteOrganizationalUnit").on(id);
        let admitted = self.admit(context, want).await?;
        let (organization, id) = (admitted.organization, id.to_owned());
        self.store
            .write((&admitted.permit).into(), Lane::Any, move |rows| {
                let organization = tree::change(rows, &organization)?;
                if tree::unit(rows, &organization, &id)?.is_none() {
                    return Err(unit_not_found());
                }
                if rows.count_links_to(&id, LinkKind::Parent)? > 0 {
                    return Err(OrganizationsRefusal::OrganizationalUnitNotEmpty {
                        message: "The specified OU is not empty. Move all accounts to another \
                                  root or to other OUs, remove all child OUs, and try the \
                                  operation again."
                            .to_owned(),
                    }
                    .into());
                }
                tree::remove(rows, &id)
            })
            .await
    }

    /// `organizations:ListOrganizationalUnitsForParent`
    pub async fn list_units_for_parent(
        &self,
        context: &RequestContext,
        parent: &str,
        page: &PageRequest,
    ) -> Result<Page<UnitDescription>, Error> {
        let want = Want::new("organizations:ListOrganizationalUnitsForParent").on(parent);
        let admitted = self.admit(context, want).await?;
        let (organization, parent) = (admitted.organization, parent.to_owned());
        let list = format!("ListOrganizationalUnitsForParent {parent}");
        self.page(&admitted.permit, list, page, move |rows, after, limit| {
            check_parent(rows, &organization, &parent)?;
            let mut items = Vec::new();
            for id in tree::units_in(rows, &parent, after, limit.saturating_add(1))? {
                let unit = described(rows, &organization, &id)?;
                items.push((id, unit));
            }
            Ok(cut(items, limit))
        })
        .await
    }

    /// `organizations:ListChildren`: ids of the accounts or of the units in a root or unit.
    pub async fn list_children(
        &self,
        context: &RequestContext,
        parent: &str,
        kind: TargetKind,
        page: &PageRequest,
    ) -> Result<Page<String>, Error> {
        let want = Want::new("organizations:ListChildren").on(parent);
        let admitted = self.admit(context, want).await?;
        let (organization, parent) = (admitted.organization, parent.to_owned());
        let list = format!("ListChildren {parent} {kind:?}");
        self.page(&admitted.permit, list, page, move |rows, after, limit| {
            check_parent(rows, &organization, &parent)?;
            let ask = limit.saturating_add(1);
            let ids = match kind {
                TargetKind::Account => tree::accounts_in(rows, &parent, after, ask)?,
                TargetKind::OrganizationalUnit => tree::units_in(rows, &parent, after, ask)?,
                TargetKind::Root => Vec::new(),
            };
            Ok(cut(
                ids.into_iter().map(|id| (id.clone(), id)).collect(),
                limit,
            ))
        })
        .await
    }

    /// `organizations:ListParents`: the root or unit that an account or unit is in.
    pub async fn find_parent(
        &self,
        context: &RequestContext,
        child: &str,
    ) -> Result<String, Error> {
        let want = Want::new("organizations:ListParents").on(child);
        let admitted = self.admit(context, want).await?;
        let child = child.to_owned();
        self.store
            .lookup((&admitted.permit).into(), move |rows| {
                let is_child = TargetKind::of(&child) != Some(TargetKind::Root);
                if is_child && tree::target(rows, &admitted.organization, &child)?.is_some() {
                    return tree::parent(rows, &child);
                }
                Err(OrganizationsRefusal::ChildNotFound {
                    message: "You specified a child that doesn't exist.".to_owned(),
                }
                .into())
            })
            .await
    }
}

fn insert(
    rows: &mut dyn WriteTransaction,
    organization: &Organization,
    row: &EntityRecord,
    parent: &str,
) -> Result<(), Error> {
    check_parent(rows, organization, parent)?;
    let management = &organization.name.management;
    if rows.count_entities(management, EntityKind::OrganizationalUnit)? >= MAX_UNITS {
        return Err(constraint(
            "OU_NUMBER_LIMIT_EXCEEDED",
            "You have exceeded the number of OUs that you can have in an organization.",
        ));
    }
    // the root is the first step of the way to the parent, and no unit
    if ancestry(rows, parent)?.len() > MAX_UNIT_DEPTH {
        return Err(constraint(
            "OU_DEPTH_LIMIT_EXCEEDED",
            "You have exceeded the number of levels deep that OUs can be nested in a root.",
        ));
    }
    if !rows.insert_entity(row)? {
        return Err(name_taken());
    }
    rows.insert_link(&row.id, LinkKind::Parent, parent)?;
    Ok(())
}

fn described(
    rows: &mut dyn ReadTransaction,
    organization: &Organization,
    id: &str,
) -> Result<UnitDescription, Error> {
    let found = tree::unit(rows, organization, id)?;
    let (_, document) = found.ok_or_else(unit_not_found)?;
    Ok(UnitDescription {
        arn: organization
            .name
            .target_arn(TargetKind::OrganizationalUnit, id),
        name: document.name,
        path: tree::path(rows, organization, id)?,
        id: id.to_owned(),
    })
}

/// Refuses what is neither the root nor a unit.
pub(super) fn check_parent(
    rows: &mut dyn ReadTransaction,
    organization: &Organization,
    id: &str,
) -> Result<(), Error> {
    if tree::is_parent(rows, organization, id)? {
        return Ok(());
    }
    Err(OrganizationsRefusal::ParentNotFound {
        message: "You specified a parent that doesn't exist.".to_owned(),
    }
    .into())
}

fn key_of(parent: &str, name: &str) -> String {
    format!("{parent}/{name}")
}

fn unit_not_found() -> Error {
    OrganizationsRefusal::OrganizationalUnitNotFound {
        message: "You specified an organizational unit that doesn't exist.".to_owned(),
    }
    .into()
}

fn name_taken() -> Error {
    OrganizationsRefusal::DuplicateOrganizationalUnit {
        message: "An OU with the same name already exists.".to_owned(),
    }
    .into()
}
