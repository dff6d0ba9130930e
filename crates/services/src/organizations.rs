//! Organizations: accounts under one management account, in a tree of units, with policies that bind them
//! (Organizations API Reference and User Guide).
//!
//! ```text
//! admit: caller's account ──▶ its organization ──▶ is it the management account? ──▶ authorize each thing named
//! ```
//!
//! An organization belongs to the server's own account, which alone may manage it; its members may ask what
//! organization they are in. What control policies then do to a request is read in `access/organization.rs`. Every
//! change raises the version of the management account, and that of a member whose account or place it changes.
//!
//! - [`organization`]: the organization itself, its root and the types of policies enabled there
//! - [`accounts`]: create, describe, list, move, close, remove
//! - [`units`]: organizational units, and what is in what
//! - [`policies`]: service and resource control policies
//! - [`attachments`]: which policy binds which root, unit or account
//! - [`resource_tags`]: tags of roots, units, accounts and policies

pub mod accounts;
pub mod attachments;
mod creation;
pub mod organization;
pub mod policies;
mod policy_rows;
pub mod resource_tags;
mod tree;
pub mod units;

use std::sync::Arc;

use ecru_domain::organization::PolicyType;
use ecru_domain::{AccountId, Action, Error, OrganizationsRefusal};
use ecru_policy::Value;
use ecru_ports::metadata::ReadTransaction;
use ecru_ports::{Clock, Ids};

use self::organization::Organization;
use self::tree::Thing;
use crate::access::{Access, Demand, Permit, RequestContext, Resource};
use crate::iam::records::Tag;
use crate::page::{Page, PageRequest};
use crate::store::{Store, Warrant};
use crate::tokens::Tokens;

/// Items on a page when the request does not say, and the most that it may ask for.
const PAGE: u32 = 20;

/// The condition key of what a policy is.
pub(crate) const POLICY_TYPE: &str = "organizations:PolicyType";

/// The most rows of a kind that one transaction removes.
const BATCH: u32 = 50;

/// Organizations.
#[derive(Clone)]
pub struct Organizations {
    access: Access,
    store: Store,
    tokens: Tokens,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    home: AccountId,
}

/// What a request wants of an organization.
struct Want {
    action: Action,
    things: Vec<String>,
    keys: Vec<(String, Value)>,
    tags: Vec<Tag>,
    tag_keys: Vec<String>,
}

impl Want {
    /// An action on nothing in particular.
    fn new(action: &'static str) -> Self {
        Self {
            action: Action::named(action),
            things: Vec::new(),
            keys: Vec::new(),
            tags: Vec::new(),
            tag_keys: Vec::new(),
        }
    }

    /// The same on a root, unit, account or policy, each of which must be allowed.
    fn on(mut self, id: &str) -> Self {
        self.things.push(id.to_owned());
        self
    }

    /// The same with [`POLICY_TYPE`].
    fn of_type(mut self, kind: PolicyType) -> Self {
        let value = Value::One(kind.as_str().to_owned());
        self.keys.push((POLICY_TYPE.to_owned(), value));
        self
    }

    /// The same with the tags that the request sets.
    fn tagging(mut self, tags: &[Tag]) -> Self {
        self.tags = tags.to_vec();
        self
    }

    /// The same with the keys of tags that the request removes.
    fn untagging(mut self, keys: &[String]) -> Self {
        self.tag_keys = keys.to_vec();
        self
    }

    fn demand(&self, resource: Resource) -> Demand {
        let mut demand = Demand::new(self.action, resource).with_request_tags(&self.tags);
        if !self.tag_keys.is_empty() {
            demand = demand.with_tag_keys(self.tag_keys.clone());
        }
        for (name, value) in &self.keys {
            demand = demand.with_key(name.clone(), value.clone());
        }
        demand
    }
}

/// Who may manage an organization.
struct Admitted {
    permit: Permit,
    organization: Organization,
}

impl Organizations {
    /// Over the store. `home` is the account that may have an organization.
    pub fn new(
        access: Access,
        store: Store,
        tokens: Tokens,
        outside: &crate::Outside,
        home: AccountId,
    ) -> Self {
        Self {
            access,
            store,
            tokens,
            clock: Arc::clone(&outside.clock),
            ids: Arc::clone(&outside.ids),
            home,
        }
    }

    /// Lets the management account's principals in whose policies allow it. Who is not of that account learns
    /// nothing of what is there.
    async fn admit(&self, context: &RequestContext, want: Want) -> Result<Admitted, Error> {
        let caller = context.principal.account.clone();
        let ids = want.things.clone();
        let found = self
            .store
            .lookup(Warrant::server(), move |rows| known(rows, &caller, &ids))
            .await?;
        let Some((organization, things)) = found else {
            self.authorize_any(context, &want).await?;
            return Err(not_in_use());
        };
        if organization.name.management != context.principal.account {
            self.authorize_any(context, &want).await?;
            return Err(OrganizationsRefusal::AccessDenied {
                message: "You don't have permissions to access this resource.".to_owned(),
            }
            .into());
        }
        let mut permit = None;
        for thing in things {
            let registry = context.own_registry();
            let named = Resource::named_as(registry, thing.arn, thing.tags, thing.label);
            let mut demand = want.demand(named);
            if let Some(kind) = thing.policy_type {
                demand = demand.with_key(POLICY_TYPE, kind.as_str());
            }
            permit = Some(self.access.authorize_demand(context, demand).await?);
        }
        let permit = match permit {
            Some(permit) => permit,
            None => self.authorize_any(context, &want).await?,
        };
        Ok(Admitted {
            permit,
            organization,
        })
    }

    async fn authorize_any(&self, context: &RequestContext, want: &Want) -> Result<Permit, Error> {
        let demand = want.demand(Resource::Any(context.own_registry()));
        self.access.authorize_demand(context, demand).await
    }

    /// A page of a list. `read` is given where the page before ended and how many items are wanted, and returns them
    /// with where the next page goes on.
    async fn page<T, F>(
        &self,
        permit: &Permit,
        list: String,
        page: &PageRequest,
        read: F,
    ) -> Result<Page<T>, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn ReadTransaction, Option<&str>, u32) -> Result<Piece<T>, Error>
            + Send
            + 'static,
    {
        let after = self.tokens.open_page(&list, page.token.as_deref()).await?;
        let limit = page.limit.unwrap_or(PAGE).clamp(1, PAGE);
        let (items, position) = self
            .store
            .read(permit.into(), move |rows| {
                read(rows, after.as_deref(), limit)
            })
            .await?;
        let next_token = match position {
            Some(position) => Some(self.tokens.seal_page(&list, &position).await?),
            None => None,
        };
        Ok(Page { items, next_token })
    }
}

/// Items of a page, and where the next one goes on.
type Piece<T> = (Vec<T>, Option<String>);

/// The first `limit` of items that stand with their positions, of which one more was asked for.
fn cut<T>(mut items: Vec<(String, T)>, limit: u32) -> Piece<T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    let last = items.last().map(|(position, _)| position.clone());
    let items = items.into_iter().map(|(_, item)| item).collect();
    (items, last.filter(|_| more))
}

/// What the ARN of a root, unit, account or policy names.
pub(crate) struct NamedByArn {
    pub(crate) tags: Vec<Tag>,
    /// Of a policy that exists.
    pub(crate) policy_type: Option<PolicyType>,
}

/// What an ARN names in the organization of an account. `None` if that account has none, or another ARN belongs to what
/// this one ends with.
pub(crate) fn named_by_arn(
    rows: &mut dyn ReadTransaction,
    account: &AccountId,
    arn: &str,
) -> Result<Option<NamedByArn>, Error> {
    let Some(organization) = tree::organization_of(rows, account)? else {
        return Ok(None);
    };
    let id = arn.rsplit('/').next().unwrap_or_default();
    let thing = tree::thing(rows, &organization, id)?;
    Ok((thing.arn == arn).then_some(NamedByArn {
        tags: thing.tags,
        policy_type: thing.policy_type,
    }))
}

fn known(
    rows: &mut dyn ReadTransaction,
    caller: &AccountId,
    ids: &[String],
) -> Result<Option<(Organization, Vec<Thing>)>, Error> {
    let Some(organization) = tree::organization_of(rows, caller)? else {
        return Ok(None);
    };
    let mut things = Vec::with_capacity(ids.len());
    if organization.name.management == *caller {
        for id in ids {
            things.push(tree::thing(rows, &organization, id)?);
        }
    }
    Ok(Some((organization, things)))
}

fn not_in_use() -> Error {
    OrganizationsRefusal::NotInUse {
        message: "Your account is not a member of an organization.".to_owned(),
    }
    .into()
}

fn constraint(reason: &'static str, message: &str) -> Error {
    OrganizationsRefusal::ConstraintViolation {
        message: message.to_owned(),
        reason,
    }
    .into()
}

fn invalid(reason: &'static str, message: impl Into<String>) -> Error {
    OrganizationsRefusal::InvalidInput {
        message: message.into(),
        reason,
    }
    .into()
}
