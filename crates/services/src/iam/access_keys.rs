//! Access keys of users (IAM API Reference, `CreateAccessKey` and its siblings).
//!
//! A key that is inactive or gone ends everything that was issued for it at its next use: tokens look the key up.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ecru_domain::{Error, Principal, Timestamp};
use ecru_ports::metadata::{
    AccessKeyRecord, EntityKind, Lane, LastUse, ReadTransaction, WriteTransaction,
};
use zeroize::Zeroizing;

use super::targets::Target;
use super::{Iam, quotas, records, refusals, unique_ids};
use crate::access::{Permit, RequestContext};
use crate::identity::AccessKeyPair;
use crate::page::{Page, PageRequest};
use crate::store::Warrant;

/// Random bytes of a secret: 40 characters of base64.
const SECRET_BYTES: usize = 30;

/// What the root user is called.
const ROOT: &str = "root";

/// What is told of an access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKeyDescription {
    /// Whose it is.
    pub user: String,
    /// `AKIA…`
    pub id: String,
    /// Whether it may sign.
    pub is_active: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Whose an access key is, and its last use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKeyLastUsed {
    /// The user, or `root`.
    pub user: String,
    /// When and for what it was used last; `None` if it never was.
    pub last: Option<LastUse>,
}

/// Who has access keys: a user, or the root user of the account.
#[derive(Clone, Debug)]
enum KeyOwner {
    User(Target),
    Root(Principal),
}

/// Its name, and the principal that its keys stand for.
struct Owner {
    name: String,
    principal: Principal,
}

impl KeyOwner {
    fn find(&self, rows: &mut dyn ReadTransaction) -> Result<Owner, Error> {
        let target = match self {
            Self::User(target) => target,
            Self::Root(principal) => {
                return Ok(Owner {
                    name: ROOT.to_owned(),
                    principal: principal.clone(),
                });
            }
        };
        let user = target.find(rows)?;
        Ok(Owner {
            name: records::name_of(&user)?,
            principal: Principal {
                arn: records::arn_of(&user)?,
                account: user.account,
                unique_id: user.id,
                access_key_id: String::new(),
                session: None,
            },
        })
    }

    /// The key of that id, if it is the owner's.
    fn key(&self, rows: &mut dyn ReadTransaction, id: &str) -> Result<AccessKeyRecord, Error> {
        let owner = self.find(rows)?;
        let keys = rows.access_keys_of(&owner.principal.arn)?;
        let found = keys.into_iter().find(|key| key.id == id);
        found.ok_or_else(|| missing(id))
    }
}

impl Iam {
    /// `iam:CreateAccessKey`: the secret is told this once.
    pub async fn create_access_key(
        &self,
        context: &RequestContext,
        user: Option<&str>,
    ) -> Result<(AccessKeyDescription, AccessKeyPair), Error> {
        let (owner, permit) = self
            .permit_keys(context, "iam:CreateAccessKey", user)
            .await?;
        let sought = owner.clone();
        let found = self
            .store
            .lookup((&permit).into(), move |rows| sought.find(rows))
            .await?;
        let pair = self.draw_pair()?;
        let now = self.clock.now();
        let record = self
            .identity
            .sealed_record(&found.principal, &pair, now)
            .await?;
        let key = AccessKeyDescription {
            user: found.name,
            id: pair.id.clone(),
            is_active: true,
            created_at: now,
        };
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&record.account)?;
                let present = owner.find(rows)?.principal;
                // it may have got another name meanwhile
                let record = AccessKeyRecord {
                    principal_arn: present.arn,
                    principal_unique_id: present.unique_id,
                    ..record.clone()
                };
                add(rows, &record)
            })
            .await?;
        Ok((key, pair))
    }

    fn draw_pair(&self) -> Result<AccessKeyPair, Error> {
        let mut bytes = Zeroizing::new([0u8; SECRET_BYTES]);
        self.keys.random(&mut *bytes).map_err(Error::internal)?;
        Ok(AccessKeyPair {
            id: unique_ids::of_access_key(&*self.ids),
            secret: Zeroizing::new(STANDARD.encode(*bytes)),
        })
    }

    /// `iam:ListAccessKeys`
    pub async fn list_access_keys(
        &self,
        context: &RequestContext,
        user: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<AccessKeyDescription>, Error> {
        let (owner, permit) = self
            .permit_keys(context, "iam:ListAccessKeys", user)
            .await?;
        let keys = self
            .store
            .lookup((&permit).into(), move |rows| {
                let owner = owner.find(rows)?;
                let mut keys = rows.access_keys_of(&owner.principal.arn)?;
                keys.sort_by_key(|one| one.created_at);
                let keys = keys.into_iter();
                Ok(keys.map(|key| describe(key, &owner.name)).collect())
            })
            .await?;
        let list = format!("access keys {} {user:?}", context.principal.account);
        self.slice(&list, keys, page, |key: &AccessKeyDescription| {
            key.id.clone()
        })
        .await
    }

    /// `iam:UpdateAccessKey`: lets it sign, or not.
    pub async fn update_access_key(
        &self,
        context: &RequestContext,
        user: Option<&str>,
        id: &str,
        is_active: bool,
    ) -> Result<(), Error> {
        let (owner, permit) = self
            .permit_keys(context, "iam:UpdateAccessKey", user)
            .await?;
        let id = id.to_owned();
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(account_of(&owner))?;
                let key = owner.key(rows, &id)?;
                rows.set_access_key_active(&key.id, is_active)?;
                Ok(())
            })
            .await
    }

    /// `iam:DeleteAccessKey`
    pub async fn delete_access_key(
        &self,
        context: &RequestContext,
        user: Option<&str>,
        id: &str,
    ) -> Result<(), Error> {
        let (owner, permit) = self
            .permit_keys(context, "iam:DeleteAccessKey", user)
            .await?;
        let id = id.to_owned();
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(account_of(&owner))?;
                let key = owner.key(rows, &id)?;
                Ok(rows.delete_access_key(&key.id)?)
            })
            .await
    }

    /// `iam:GetAccessKeyLastUsed`
    pub async fn access_key_last_used(
        &self,
        context: &RequestContext,
        id: &str,
    ) -> Result<AccessKeyLastUsed, Error> {
        let sought = id.to_owned();
        let look = move |rows: &mut dyn ReadTransaction| {
            let Some(key) = rows.find_access_key(&sought)? else {
                return Ok(None);
            };
            let user = rows.entity(&key.principal_unique_id)?;
            let name = user.as_ref().map(records::name_of).transpose()?;
            let last = rows.last_use(&sought)?;
            Ok(Some((key.account, name, last)))
        };
        let found = self.store.lookup(Warrant::server(), look).await?;
        let own = found.filter(|(account, ..)| *account == context.principal.account);
        let action = "iam:GetAccessKeyLastUsed";
        let user = own.as_ref().and_then(|(_, name, _)| name.as_deref());
        let Some(name) = user else {
            self.permit_account(context, action).await?;
            let (_, _, last) = own.ok_or_else(|| missing(id))?;
            let user = ROOT.to_owned();
            return Ok(AccessKeyLastUsed { user, last });
        };
        let target = Target::named(context, EntityKind::User, name);
        let mut demand = self.demand(context, action, &target).await?;
        // as if the key were nobody's: who may not ask does not learn whose it is
        demand.resource = demand.resource.labelled("*".to_owned());
        self.access.authorize_demand(context, demand).await?;
        Ok(AccessKeyLastUsed {
            user: name.to_owned(),
            last: own.and_then(|(_, _, last)| last),
        })
    }

    /// Whose keys a request means: those of the named user, or else the caller's.
    async fn permit_keys(
        &self,
        context: &RequestContext,
        action: &'static str,
        user: Option<&str>,
    ) -> Result<(KeyOwner, Permit), Error> {
        if user.is_none() && context.principal.is_root() {
            let permit = self.permit_account(context, action).await?;
            return Ok((KeyOwner::Root(context.principal.clone()), permit));
        }
        let target = self.user_or_caller(context, user).await?;
        let permit = self.permit(context, action, &target).await?;
        Ok((KeyOwner::User(target), permit))
    }
}

fn account_of(owner: &KeyOwner) -> &ecru_domain::AccountId {
    match owner {
        KeyOwner::User(target) => &target.account,
        KeyOwner::Root(principal) => &principal.account,
    }
}

fn add(rows: &mut dyn WriteTransaction, record: &AccessKeyRecord) -> Result<(), Error> {
    let present = rows.access_keys_of(&record.principal_arn)?;
    if present.len() >= quotas::ACCESS_KEYS {
        let limit = quotas::ACCESS_KEYS;
        return Err(refusals::over_quota("AccessKeysPerUser", limit));
    }
    Ok(rows.insert_access_key(record)?)
}

fn describe(key: AccessKeyRecord, user: &str) -> AccessKeyDescription {
    AccessKeyDescription {
        user: user.to_owned(),
        id: key.id,
        is_active: key.active,
        created_at: key.created_at,
    }
}

fn missing(id: &str) -> Error {
    refusals::no_such(format!("The Access Key with id {id} cannot be found."))
}
