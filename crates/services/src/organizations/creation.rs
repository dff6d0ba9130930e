//! The making of an account: its row, its place, its mail address, its first role, and the status that tells of it.

use ecru_domain::organization::{MAX_ACCOUNTS, new_account};
use ecru_domain::{AccountId, Error, Timestamp};
use ecru_ports::Ids;
use ecru_ports::metadata::{EntityKind, EntityList, EntityRecord, LinkKind, WriteTransaction};

use super::accounts::{CreateAccount, CreationStatus};
use super::constraint;
use super::organization::Organization;
use crate::iam::records::{self, AccountCreationDocument, AccountDocument, RoleDocument, Tag};

/// Where the statuses of accounts stand that were made.
pub(super) const SUCCEEDED: &str = "/SUCCEEDED/";

/// Where those stand that were not.
pub(super) const FAILED: &str = "/FAILED/";

/// The reason of a failure that left none.
pub(super) const UNKNOWN: &str = "INTERNAL_FAILURE";

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
