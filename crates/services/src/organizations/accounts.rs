//! Accounts of an organization: create, describe, list, move, close, remove.
//!
//! An account is made in one transaction, together with the role by which the management account gets in; the status
//! that AWS would work on meanwhile is final from the start.

use ecru_domain::organization::{TargetKind, creation_id};
use ecru_domain::{AccountId, Error, OrganizationsRefusal, Timestamp};
use ecru_ports::metadata::{Lane, LinkKind, ReadTransaction};

use super::creation::{Creation, Made};
use super::organization::Organization;
use super::{Organizations, Want, constraint, cut, tree, units};
use crate::access::RequestContext;
use crate::iam::records;
use crate::page::{Page, PageRequest};

/// How often another account id is drawn when one is taken.
const DRAWS: usize = 5;

/// `organizations:CreateAccount`
#[derive(Clone, Debug)]
pub struct CreateAccount {
    /// What it is called.
    pub name: String,
    /// Its mail address, which no other account has.
    pub email: String,
    /// The role by which the management account gets in.
    pub role_name: String,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

/// An account of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountDescription {
    /// Twelve digits.
    pub id: AccountId,
    /// Its ARN.
    pub arn: String,
    /// What it is called.
    pub name: String,
    /// Its mail address.
    pub email: String,
    /// Whether nobody of it may do anything.
    pub is_closed: bool,
    /// Whether the organization made it, or it was there before.
    pub was_created: bool,
    /// When it joined.
    pub joined_at: Timestamp,
    /// `o-…/r-…/ou-…/…/`, down to itself.
    pub path: String,
}

/// What became of a request to create an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreationStatus {
    /// `car-…`
    pub id: String,
    /// What the account is called.
    pub account_name: String,
    /// When it was asked for and done.
    pub at: Timestamp,
    /// The account, or why there is none, in the model's words.
    pub outcome: Result<AccountId, String>,
}

impl Organizations {
    /// `organizations:CreateAccount`. What the request itself cannot know, a mail address that is taken, is told by
    /// the status.
    pub async fn create_account(
        &self,
        context: &RequestContext,
        command: CreateAccount,
    ) -> Result<CreationStatus, Error> {
        let want = Want::new("organizations:CreateAccount").tagging(&command.tags);
        let admitted = self.admit(context, want).await?;
        let arn = admitted.organization.name.part_arn("account", "*");
        self.permit_tagging(context, arn, &command.tags).await?;
        let id = creation_id(self.ids.random());
        for _ in 0..DRAWS {
            let creation = Creation::draw(&command, id.clone(), &*self.ids, self.clock.now())?;
            let organization = admitted.organization.clone();
            let made = self
                .store
                .write((&admitted.permit).into(), Lane::Any, move |rows| {
                    let organization = tree::change(rows, &organization)?;
                    creation.store(rows, &organization)
                })
                .await?;
            if let Made::Settled(status) = made {
                return Ok(status);
            }
        }
        Err(Error::internal("no account id is free"))
    }

    /// `organizations:DescribeAccount`
    pub async fn describe_account(
        &self,
        context: &RequestContext,
        id: &str,
    ) -> Result<AccountDescription, Error> {
        let admitted = self.admit(context, Want::new("organizations:DescribeAccount").on(id));
        let (admitted, id) = (admitted.await?, id.to_owned());
        self.store
            .lookup((&admitted.permit).into(), move |rows| {
                described(rows, &admitted.organization, &id)
            })
            .await
    }

    /// `organizations:ListAccounts`: by id, the management account among them.
    pub async fn list_accounts(
        &self,
        context: &RequestContext,
        page: &PageRequest,
    ) -> Result<Page<AccountDescription>, Error> {
        let admitted = self
            .admit(context, Want::new("organizations:ListAccounts"))
            .await?;
        let organization = admitted.organization;
        let list = format!("ListAccounts {}", organization.name.id);
        self.page(&admitted.permit, list, page, move |rows, after, limit| {
            let (id, link) = (&organization.name.id, LinkKind::OrganizationMember);
            let ids = rows.links_to(id, link, after, limit.saturating_add(1))?;
            Ok(cut(describe_each(rows, &organization, ids)?, limit))
        })
        .await
    }

    /// `organizations:ListAccountsForParent`: those directly in a root or unit.
    pub async fn list_accounts_for_parent(
        &self,
        context: &RequestContext,
        parent: &str,
        page: &PageRequest,
    ) -> Result<Page<AccountDescription>, Error> {
        let want = Want::new("organizations:ListAccountsForParent").on(parent);
        let admitted = self.admit(context, want).await?;
        let (organization, parent) = (admitted.organization, parent.to_owned());
        let list = format!("ListAccountsForParent {parent}");
        self.page(&admitted.permit, list, page, move |rows, after, limit| {
            units::check_parent(rows, &organization, &parent)?;
            let ids = tree::accounts_in(rows, &parent, after, limit.saturating_add(1))?;
            Ok(cut(describe_each(rows, &organization, ids)?, limit))
        })
        .await
    }

    /// `organizations:MoveAccount`: from the next request on it is bound by what is attached above its new place.
    pub async fn move_account(
        &self,
        context: &RequestContext,
        account: &str,
        source: &str,
        destination: &str,
    ) -> Result<(), Error> {
        let want = Want::new("organizations:MoveAccount")
            .on(account)
            .on(source)
            .on(destination);
        let admitted = self.admit(context, want).await?;
        let organization = admitted.organization;
        let (id, source, destination) = (
            account.to_owned(),
            source.to_owned(),
            destination.to_owned(),
        );
        self.store
            .write((&admitted.permit).into(), Lane::Any, move |rows| {
                let organization = tree::change(rows, &organization)?;
                let found = tree::member(rows, &organization, &id)?;
                let (entity, _) = found.ok_or_else(not_found)?;
                if tree::parent(rows, &id)? != source {
                    return Err(source_not_found());
                }
                if !tree::is_parent(rows, &organization, &destination)? {
                    return Err(destination_not_found());
                }
                if source == destination {
                    return Err(duplicate());
                }
                rows.change_identities(&entity.account)?;
                rows.delete_link(&id, LinkKind::Parent, &source)?;
                rows.insert_link(&id, LinkKind::Parent, &destination)?;
                Ok(())
            })
            .await
    }

    /// `organizations:CloseAccount`: from the next request on nobody of it may do anything.
    pub async fn close_account(&self, context: &RequestContext, id: &str) -> Result<(), Error> {
        let admitted = self.admit(context, Want::new("organizations:CloseAccount").on(id));
        let (admitted, id) = (admitted.await?, id.to_owned());
        let organization = admitted.organization;
        self.store
            .write((&admitted.permit).into(), Lane::Any, move |rows| {
                let organization = tree::change(rows, &organization)?;
                let found = tree::member(rows, &organization, &id)?;
                let (mut entity, mut document) = found.ok_or_else(not_found)?;
                if entity.account == organization.name.management {
                    return Err(constraint(
                        "CANNOT_CLOSE_MANAGEMENT_ACCOUNT",
                        "You attempted to close the management account for the organization.",
                    ));
                }
                if document.is_closed {
                    return Err(OrganizationsRefusal::AccountAlreadyClosed {
                        message: "The provided account is already closed.".to_owned(),
                    }
                    .into());
                }
                rows.change_identities(&entity.account)?;
                document.is_closed = true;
                entity.document = records::write(&document)?;
                rows.update_entity(&entity)?;
                Ok(())
            })
            .await
    }

    /// `organizations:RemoveAccountFromOrganization`: it stands alone from then on, bound by nothing above it.
    pub async fn remove_account(&self, context: &RequestContext, id: &str) -> Result<(), Error> {
        let want = Want::new("organizations:RemoveAccountFromOrganization").on(id);
        let admitted = self.admit(context, want).await?;
        let (organization, id) = (admitted.organization, id.to_owned());
        self.store
            .write((&admitted.permit).into(), Lane::Any, move |rows| {
                let organization = tree::change(rows, &organization)?;
                let found = tree::member(rows, &organization, &id)?;
                let (mut entity, mut document) = found.ok_or_else(not_found)?;
                if entity.account == organization.name.management {
                    return Err(OrganizationsRefusal::MasterCannotLeave {
                        message: "You can't remove a management account from an organization."
                            .to_owned(),
                    }
                    .into());
                }
                rows.change_identities(&entity.account)?;
                document.management_account = None;
                entity.document = records::write(&document)?;
                rows.update_entity(&entity)?;
                tree::detach_everything(rows, &id)?;
                let parent = tree::parent(rows, &id)?;
                rows.delete_link(&id, LinkKind::Parent, &parent)?;
                rows.delete_link(&id, LinkKind::OrganizationMember, &organization.name.id)?;
                Ok(())
            })
            .await
    }
}

fn described(
    rows: &mut dyn ReadTransaction,
    organization: &Organization,
    id: &str,
) -> Result<AccountDescription, Error> {
    let found = tree::member(rows, organization, id)?;
    let (entity, document) = found.ok_or_else(not_found)?;
    Ok(AccountDescription {
        arn: organization.name.target_arn(TargetKind::Account, id),
        path: tree::path(rows, organization, id)?,
        id: entity.account,
        name: document.name,
        email: document.email,
        is_closed: document.is_closed,
        was_created: document.was_created,
        joined_at: records::time(document.joined_at),
    })
}

fn describe_each(
    rows: &mut dyn ReadTransaction,
    organization: &Organization,
    ids: Vec<String>,
) -> Result<Vec<(String, AccountDescription)>, Error> {
    let mut items = Vec::with_capacity(ids.len());
    for id in ids {
        let account = described(rows, organization, &id)?;
        items.push((id, account));
    }
    Ok(items)
}

fn not_found() -> Error {
    OrganizationsRefusal::AccountNotFound {
        message: "You specified an account that doesn't exist.".to_owned(),
    }
    .into()
}

fn source_not_found() -> Error {
    OrganizationsRefusal::SourceParentNotFound {
        message: "You specified a source parent that doesn't exist.".to_owned(),
    }
    .into()
}

fn destination_not_found() -> Error {
    OrganizationsRefusal::DestinationParentNotFound {
        message: "You specified a destination parent that doesn't exist.".to_owned(),
    }
    .into()
}

fn duplicate() -> Error {
    OrganizationsRefusal::DuplicateAccount {
        message: "That account is already present in the specified destination.".to_owned(),
    }
    .into()
}
