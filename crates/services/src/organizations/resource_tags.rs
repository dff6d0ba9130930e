//! Tags of roots, units, accounts and policies; `aws:ResourceTag` in policies means these.

use ecru_domain::organization::{PolicyType, TargetKind};
use ecru_domain::resource_tags::{MAX_RESOURCE_TAGS, ResourceTagProblem, check_cases, check_tags};
use ecru_domain::{Error, OrganizationsRefusal};
use ecru_ports::metadata::{EntityRecord, Lane, WriteTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::organization::Organization;
use super::{
    Admitted, Organizations, Want, constraint, invalid, not_in_use, policies, policy_rows, tree,
};
use crate::access::{Demand, RequestContext, Resource};
use crate::iam::records::{
    self, AccountDocument, OrganizationDocument, OrganizationPolicyDocument,
    OrganizationalUnitDocument, Tag,
};

const TAG: &str = "organizations:TagResource";

/// What becomes of the tags of a resource.
#[derive(Clone)]
enum Change {
    Set(Vec<Tag>),
    Remove(Vec<String>),
}

/// A document with tags.
trait Tagged: DeserializeOwned + Serialize {
    fn tags(&mut self) -> &mut Vec<Tag>;
}

impl Tagged for AccountDocument {
    fn tags(&mut self) -> &mut Vec<Tag> {
        &mut self.tags
    }
}

impl Tagged for OrganizationalUnitDocument {
    fn tags(&mut self) -> &mut Vec<Tag> {
        &mut self.tags
    }
}

impl Tagged for OrganizationDocument {
    fn tags(&mut self) -> &mut Vec<Tag> {
        &mut self.tags
    }
}

impl Tagged for OrganizationPolicyDocument {
    fn tags(&mut self) -> &mut Vec<Tag> {
        &mut self.tags
    }
}

impl Organizations {
    /// `organizations:TagResource`
    pub async fn tag_resource(
        &self,
        context: &RequestContext,
        id: &str,
        tags: Vec<(String, String)>,
    ) -> Result<(), Error> {
        let admitted = self.admit(context, Want::new(TAG).on(id).tagging(&tags));
        let admitted = admitted.await?;
        check(&tags)?;
        self.change_tags(admitted, id, Change::Set(tags)).await
    }

    /// `organizations:UntagResource`
    pub async fn untag_resource(
        &self,
        context: &RequestContext,
        id: &str,
        keys: Vec<String>,
    ) -> Result<(), Error> {
        let want = Want::new("organizations:UntagResource")
            .on(id)
            .untagging(&keys);
        let admitted = self.admit(context, want).await?;
        self.change_tags(admitted, id, Change::Remove(keys)).await
    }

    /// `organizations:ListTagsForResource`: a resource never has more than one page of them.
    pub async fn list_tags(
        &self,
        context: &RequestContext,
        id: &str,
    ) -> Result<Vec<(String, String)>, Error> {
        let want = Want::new("organizations:ListTagsForResource").on(id);
        let admitted = self.admit(context, want).await?;
        let id = id.to_owned();
        self.store
            .lookup((&admitted.permit).into(), move |rows| {
                let organization = admitted.organization;
                let found = match TargetKind::of(&id) {
                    Some(_) => tree::target(rows, &organization, &id)?.map(|(_, tags)| tags),
                    None => policy_rows::find(rows, &organization, &id)?.map(|policy| policy.tags),
                };
                found.ok_or_else(target_not_found)
            })
            .await
    }

    async fn change_tags(&self, admitted: Admitted, id: &str, change: Change) -> Result<(), Error> {
        let (organization, id) = (admitted.organization, id.to_owned());
        self.store
            .write((&admitted.permit).into(), Lane::Any, move |rows| {
                let organization = tree::change(rows, &organization)?;
                store(rows, &organization, &id, &change)
            })
            .await
    }

    /// Asks for `organizations:TagResource` on what is just being made with tags, if there are any, and checks them.
    pub(super) async fn permit_tagging(
        &self,
        context: &RequestContext,
        arn: String,
        tags: &[Tag],
    ) -> Result<(), Error> {
        if tags.is_empty() {
            return Ok(());
        }
        let resource = Resource::named(context.own_registry(), arn, Vec::new());
        let action = ecru_domain::Action::named(TAG);
        let demand = Demand::new(action, resource).with_request_tags(tags);
        self.access.authorize_demand(context, demand).await?;
        check(tags)
    }
}

fn store(
    rows: &mut dyn WriteTransaction,
    organization: &Organization,
    id: &str,
    change: &Change,
) -> Result<(), Error> {
    match TargetKind::of(id) {
        Some(TargetKind::Root) if organization.root_id == id => {
            let found = tree::organization_row(rows, &organization.name.management)?;
            let (row, document) = found.ok_or_else(not_in_use)?;
            rewrite(rows, row, document, change)
        }
        Some(TargetKind::Account) => {
            let found = tree::member(rows, organization, id)?;
            let (row, document) = found.ok_or_else(target_not_found)?;
            rows.change_identities(&row.account)?;
            rewrite(rows, row, document, change)
        }
        Some(TargetKind::OrganizationalUnit) => {
            let found = tree::unit(rows, organization, id)?;
            let (row, document) = found.ok_or_else(target_not_found)?;
            rewrite(rows, row, document, change)
        }
        Some(TargetKind::Root) => Err(target_not_found()),
        None => {
            refuse_aws_managed(id)?;
            let row = policy_rows::row(rows, organization, id)?.ok_or_else(target_not_found)?;
            let document: OrganizationPolicyDocument = records::read(&row)?;
            rewrite(rows, row, document, change)
        }
    }
}

fn rewrite(
    rows: &mut dyn WriteTransaction,
    mut row: EntityRecord,
    mut document: impl Tagged,
    change: &Change,
) -> Result<(), Error> {
    let tags = document.tags();
    match change {
        Change::Remove(keys) => tags.retain(|(key, _)| !keys.contains(key)),
        Change::Set(new) => {
            check_cases(new, tags).map_err(refuse)?;
            tags.retain(|(key, _)| !new.iter().any(|(other, _)| other == key));
            tags.extend(new.iter().cloned());
            if tags.len() > MAX_RESOURCE_TAGS {
                return Err(too_many());
            }
        }
    }
    row.document = records::write(&document)?;
    rows.update_entity(&row)?;
    Ok(())
}

fn check(tags: &[Tag]) -> Result<(), Error> {
    check_tags(tags)
        .and_then(|()| check_cases(tags, &[]))
        .map_err(refuse)
}

fn refuse(problem: ResourceTagProblem) -> Error {
    match problem {
        ResourceTagProblem::Invalid(text) => invalid("INVALID_PATTERN", text),
        ResourceTagProblem::TooMany => too_many(),
    }
}

fn too_many() -> Error {
    constraint(
        "MAX_TAG_LIMIT_EXCEEDED",
        "You have exceeded the maximum number of tags for this resource.",
    )
}

/// Refuses changes to the policies that AWS keeps.
pub(super) fn refuse_aws_managed(id: &str) -> Result<(), Error> {
    match PolicyType::of_full_access(id) {
        Some(_) => Err(policies::immutable()),
        None => Ok(()),
    }
}

pub(super) fn target_not_found() -> Error {
    OrganizationsRefusal::TargetNotFound {
        message: "You specified a target that doesn't exist.".to_owned(),
    }
    .into()
}
