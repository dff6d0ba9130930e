//! The making of an account: its row, its place, its mail address, its first role, and the status that tells of it.

use ecru_domain::organization::{MAX_ACCOUNTS, new_account};
use ecru_domain::{AccountId, Error, OrganizationsRefusal, Timestamp};
use ecru_ports::Ids;
use ecru_ports::metadata::{
    EntityKind, EntityList, EntityRecord, LinkKind, PathPosition, WriteTransaction,
};

use super::accounts::{CreateAccount, CreationStatus};
use super::organization::Organization;
use super::{Organizations, Want, constraint, cut};
use crate::access::RequestContext;
use crate::iam::records::{self, AccountCreationDocument, AccountDocument, RoleDocument, Tag};
use crate::page::{Page, PageRequest};

/// Where the statuses of accounts stand that were made.
const SUCCEEDED: &str = "/SUCCEEDED/";

/// Where those stand that were not.
const FAILED: &str = "/FAILED/";

/// The reason of a failure that left none.
const UNKNOWN: &str = "INTERNAL_FAILURE";

const EMAIL_TAKEN: &str = "EMAIL_ALREADY_EXISTS";

/// The most statuses that are kept: beyond, the oldest failures are forgotten, then the oldest of all.
const MAX_STATUSES: u64 = 2 * MAX_ACCOUNTS;

/// What the first role may do.
const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// The longest session of the first role, in seconds.
const SESSION: u32 = 3600;

/// An account that is about to be made, with everything that is drawn for it.
#[derive(Clone)]
pub(super) struct Creation {
    command: CreateAccount,
    id: String,
    account: AccountId,
    role_id: String,
    at: Timestamp,
}

/// How the making of an account ended.
pub(super) enum Made {
    /// Made, or refused for good.
    Settled(CreationStatus),
    /// The id that was drawn is taken.
    Taken,
}

impl Creation {
    /// Draws an account id.
    pub(super) fn draw(
        command: &CreateAccount,
        id: String,
        ids: &dyn Ids,
        at: Timestamp,
    ) -> Result<Self, Error> {
        let account = new_account(ids.random());
        Ok(Self {
            command: command.clone(),
            id,
            account: account.ok_or_else(|| Error::internal("no account id"))?,
            role_id: records::unique_id("AROA", ids.random()),
            at,
        })
    }

    /// Writes all of it. The organization's change was announced before.
    pub(super) fn store(
        &self,
        rows: &mut dyn WriteTransaction,
        organization: &Organization,
    ) -> Result<Made, Error> {
        let name = &organization.name;
        if rows.count_links_to(&name.id, LinkKind::OrganizationMember)? >= MAX_ACCOUNTS {
            return Err(constraint(
                "ACCOUNT_NUMBER_LIMIT_EXCEEDED",
                "You have exceeded the allowed number of AWS accounts.",
            ));
        }
        let management = &name.management;
        let email = self.command.email.to_lowercase();
        let kind = EntityKind::AccountEmail;
        if rows.find_entity(management, kind, &email)?.is_some() {
            let outcome = Err(EMAIL_TAKEN.to_owned());
            return self.settle(rows, management, outcome).map(Made::Settled);
        }
        rows.change_identities(&self.account)?;
        if self.account == *management || !self.insert_account(rows, management)? {
            return Ok(Made::Taken);
        }
        rows.insert_entity(&EntityRecord {
            account: management.clone(),
            kind,
            id: format!("{}/{email}", kind.as_str()),
            key: email,
            path: "/".to_owned(),
            document: self.account.to_string(),
            created_at: self.at,
        })?;
        let id = self.account.as_str();
        rows.insert_link(id, LinkKind::Parent, &organization.root_id)?;
        rows.insert_link(id, LinkKind::OrganizationMember, &name.id)?;
        self.insert_role(rows, management)?;
        let outcome = Ok(self.account.clone());
        self.settle(rows, management, outcome).map(Made::Settled)
    }

    fn insert_account(
        &self,
        rows: &mut dyn WriteTransaction,
        management: &AccountId,
    ) -> Result<bool, Error> {
        let document = AccountDocument {
            name: self.command.name.clone(),
            email: self.command.email.clone(),
            is_closed: false,
            management_account: Some(management.to_string()),
            joined_at: self.at.micros(),
            was_created: true,
            tags: self.command.tags.clone(),
        };
        Ok(rows.insert_entity(&EntityRecord {
            account: self.account.clone(),
            kind: EntityKind::Account,
            key: self.account.to_string(),
            id: self.account.to_string(),
            path: "/".to_owned(),
            document: records::write(&document)?,
            created_at: self.at,
        })?)
    }

    /// The role by which whoever may in the management account gets into the new one.
    fn insert_role(
        &self,
        rows: &mut dyn WriteTransaction,
        management: &AccountId,
    ) -> Result<(), Error> {
        let tags: Vec<Tag> = Vec::new();
        let document = RoleDocument {
            name: self.command.role_name.clone(),
            description: None,
            trust: trust_of(management),
            max_session_duration: SESSION,
            tags,
        };
        let inserted = rows.insert_entity(&EntityRecord {
            account: self.account.clone(),
            kind: EntityKind::Role,
            key: records::name_key(&self.command.role_name),
            id: self.role_id.clone(),
            path: "/".to_owned(),
            document: records::write(&document)?,
            created_at: self.at,
        })?;
        if !inserted {
            return Err(Error::internal("the id of the first role is taken"));
        }
        let administrator = records::attachment_target(&self.account, ADMINISTRATOR);
        rows.insert_link(&self.role_id, LinkKind::AttachedPolicy, &administrator)?;
        Ok(())
    }

    fn settle(
        &self,
        rows: &mut dyn WriteTransaction,
        management: &AccountId,
        outcome: Result<AccountId, String>,
    ) -> Result<CreationStatus, Error> {
        forget_oldest(rows, management)?;
        let document = AccountCreationDocument {
            account_name: self.command.name.clone(),
            account: outcome.as_ref().ok().map(ToString::to_string),
            failure: outcome.as_ref().err().cloned(),
        };
        let path = if outcome.is_ok() { SUCCEEDED } else { FAILED };
        rows.insert_entity(&EntityRecord {
            account: management.clone(),
            kind: EntityKind::AccountCreation,
            // by time
            key: format!("{:020}/{}", self.at.micros(), self.id),
            id: self.id.clone(),
            path: path.to_owned(),
            document: records::write(&document)?,
            created_at: self.at,
        })?;
        Ok(CreationStatus {
            id: self.id.clone(),
            account_name: self.command.name.clone(),
            at: self.at,
            outcome,
        })
    }
}

impl Organizations {
    /// `organizations:DescribeCreateAccountStatus`
    pub async fn describe_creation(
        &self,
        context: &RequestContext,
        id: &str,
    ) -> Result<CreationStatus, Error> {
        let want = Want::new("organizations:DescribeCreateAccountStatus");
        let admitted = self.admit(context, want).await?;
        let id = id.to_owned();
        self.store
            .lookup((&admitted.permit).into(), move |rows| {
                let management = &admitted.organization.name.management;
                let found = rows.entity(&id)?.filter(|entity| {
                    entity.kind == EntityKind::AccountCreation && entity.account == *management
                });
                let entity =
                    found.ok_or_else(|| OrganizationsRefusal::CreateAccountStatusNotFound {
                        message: "You specified a request that doesn't exist.".to_owned(),
                    })?;
                status(&entity)
            })
            .await
    }

    /// `organizations:ListCreateAccountStatus`: failed ones first, each kind by time; `failed` and `succeeded` say
    /// which are wanted.
    pub async fn list_creations(
        &self,
        context: &RequestContext,
        failed: bool,
        succeeded: bool,
        page: &PageRequest,
    ) -> Result<Page<CreationStatus>, Error> {
        let want = Want::new("organizations:ListCreateAccountStatus");
        let admitted = self.admit(context, want).await?;
        let management = admitted.organization.name.management.clone();
        let prefix = match (failed, succeeded) {
            (true, true) => "/",
            (true, false) => FAILED,
            (false, true) => SUCCEEDED,
            (false, false) => return Ok(empty()),
        };
        let list = format!("ListCreateAccountStatus {management} {prefix}");
        self.page(&admitted.permit, list, page, move |rows, after, limit| {
            let position = after
                .and_then(|after| after.split_once(' '))
                .map(|(path, key)| PathPosition {
                    path: path.to_owned(),
                    key: key.to_owned(),
                });
            let found = rows.list_entities(EntityList {
                account: &management,
                kind: EntityKind::AccountCreation,
                path_prefix: prefix,
                after: position.as_ref(),
                limit: limit.saturating_add(1),
            })?;
            let mut items = Vec::with_capacity(found.len());
            for entity in found {
                let position = format!("{} {}", entity.path, entity.key);
                items.push((position, status(&entity)?));
            }
            Ok(cut(items, limit))
        })
        .await
    }
}

/// What a row says of a request to create an account.
fn status(entity: &EntityRecord) -> Result<CreationStatus, Error> {
    let document: AccountCreationDocument = records::read(entity)?;
    let outcome = match document.account {
        Some(account) => Ok(AccountId::parse(&account).map_err(Error::internal)?),
        None => Err(document.failure.unwrap_or_else(|| UNKNOWN.to_owned())),
    };
    Ok(CreationStatus {
        id: entity.id.clone(),
        account_name: document.account_name,
        at: entity.created_at,
        outcome,
    })
}

fn empty<T>() -> Page<T> {
    Page {
        items: Vec::new(),
        next_token: None,
    }
}

/// Makes room for one more status.
fn forget_oldest(rows: &mut dyn WriteTransaction, management: &AccountId) -> Result<(), Error> {
    let kind = EntityKind::AccountCreation;
    if rows.count_entities(management, kind)? < MAX_STATUSES {
        return Ok(());
    }
    // failures sort before what succeeded
    let oldest = rows.list_entities(EntityList {
        account: management,
        kind,
        path_prefix: "/",
        after: None,
        limit: 1,
    })?;
    for status in oldest {
        rows.delete_entity(&status.id)?;
    }
    Ok(())
}

fn trust_of(management: &AccountId) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{management}:root"}},"Action":"sts:AssumeRole"}}]}}"#
    )
}
