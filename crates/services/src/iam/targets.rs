//! What a request to IAM is about: found by name or by ARN, and the demand that it makes.
//!
//! A request is authorized before anything is said of its target. Path and tags of what exists are part of the
//! decision; a refusal names the target as the request does, so that it tells nothing of what exists.

use ecru_domain::{AccountId, Action, Error};
use ecru_ports::metadata::{EntityKind, EntityRecord, LinkKind, ReadTransaction};

use super::records::{self, NamedDocument};
use super::{Iam, managed_policies, refusals};
use crate::access::{Demand, Permit, RequestContext, Resource};
use crate::store::Warrant;

/// The condition key that names the policy that is attached or detached.
pub(super) const POLICY_ARN: &str = "iam:PolicyARN";
/// The condition key that names the permissions boundary of the target.
pub(super) const PERMISSIONS_BOUNDARY: &str = "iam:PermissionsBoundary";

/// The longest ARN that is looked at (IAM model, `arnType`).
const MAX_ARN: usize = 2_048;

/// A user, role, group, policy, provider or profile that a request names.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) account: AccountId,
    pub(super) kind: EntityKind,
    key: String,
    /// Its name or ARN, as the request has it.
    pub(super) given: String,
    is_arn: bool,
}

impl Target {
    /// Something of the caller's account, by name.
    pub(super) fn named(context: &RequestContext, kind: EntityKind, name: &str) -> Self {
        Self {
            account: context.principal.account.clone(),
            kind,
            key: records::name_key(name),
            given: name.to_owned(),
            is_arn: false,
        }
    }

    /// A policy or a provider, by ARN. AWS's own policies belong to the account `aws`, and stand for the caller's.
    pub(super) fn by_arn(
        context: &RequestContext,
        kind: EntityKind,
        arn: &str,
    ) -> Result<Self, Error> {
        let invalid = || refusals::validation(format!("ARN {arn} is not valid."));
        if arn.len() > MAX_ARN {
            return Err(invalid());
        }
        let (account, key) = if managed_policies::is_of_aws(arn) && kind == EntityKind::Policy {
            (context.principal.account.clone(), String::new())
        } else {
            records::parse_arn(arn, kind).ok_or_else(invalid)?
        };
        Ok(Self {
            account,
            kind,
            key,
            given: arn.to_owned(),
            is_arn: true,
        })
    }

    /// Finds it; `NoSuchEntity` if it is not there.
    pub(super) fn find(&self, rows: &mut dyn ReadTransaction) -> Result<EntityRecord, Error> {
        let found = self.look(rows)?;
        found.ok_or_else(|| refusals::not_found(self.kind, &self.given))
    }

    /// Finds it.
    fn look(&self, rows: &mut dyn ReadTransaction) -> Result<Option<EntityRecord>, Error> {
        let Some(entity) = rows.find_entity(&self.account, self.kind, &self.key)? else {
            return Ok(None);
        };
        if self.is_arn && records::arn_of(&entity)? != self.given {
            return Ok(None);
        }
        Ok(Some(entity))
    }

    /// The ARN that it has, or would have.
    fn arn(&self, entity: Option<&EntityRecord>) -> Result<String, Error> {
        match entity {
            Some(entity) => records::arn_of(entity),
            None if self.is_arn => Ok(self.given.clone()),
            None => {
                let (account, name) = (&self.account, &self.given);
                Ok(records::identity_arn(account, self.kind, "/", name))
            }
        }
    }
}

impl Iam {
    /// The demand that an operation on a target makes, with the target's tags and its permissions boundary.
    pub(super) async fn demand(
        &self,
        context: &RequestContext,
        action: &'static str,
        target: &Target,
    ) -> Result<Demand, Error> {
        let sought = target.clone();
        let look = move |rows: &mut dyn ReadTransaction| {
            let Some(entity) = sought.look(rows)? else {
                return Ok((None, None));
            };
            let boundary = rows.links_from(&entity.id, LinkKind::Boundary, None, 1)?;
            Ok((Some(entity), boundary.into_iter().next()))
        };
        let (entity, boundary) = self.store.lookup(Warrant::server(), look).await?;
        let tags = match &entity {
            Some(entity) => records::read::<NamedDocument>(entity)?.tags,
            None => Vec::new(),
        };
        let mut registry = context.own_registry();
        registry.account = target.account.clone();
        let label = format!("{} {}", target.kind.as_str(), target.given);
        let arn = target.arn(entity.as_ref())?;
        let resource = Resource::named_as(registry, arn, tags, label);
        let demand = Demand::new(Action::named(action), resource);
        Ok(match boundary {
            Some(target) => demand.with_key(PERMISSIONS_BOUNDARY, records::attached_arn(&target)),
            None => demand,
        })
    }

    /// A permit for an operation on a target.
    pub(super) async fn permit(
        &self,
        context: &RequestContext,
        action: &'static str,
        target: &Target,
    ) -> Result<Permit, Error> {
        let demand = self.demand(context, action, target).await?;
        self.access.authorize_demand(context, demand).await
    }

    /// A permit to make something under a path.
    pub(super) async fn permit_new(
        &self,
        context: &RequestContext,
        action: &'static str,
        new: &NewEntity<'_>,
    ) -> Result<Permit, Error> {
        let mut demand = Self::demand_new(context, action, new);
        if let Some(boundary) = new.boundary {
            demand = demand.with_key(PERMISSIONS_BOUNDARY, boundary);
        }
        let permit = self.access.authorize_demand(context, demand).await?;
        if let Some(tagging) = new.tagging.filter(|_| !new.tags.is_empty()) {
            let demand = Self::demand_new(context, tagging, new);
            self.access.authorize_demand(context, demand).await?;
        }
        Ok(permit)
    }

    fn demand_new(context: &RequestContext, action: &'static str, new: &NewEntity<'_>) -> Demand {
        let account = &context.principal.account;
        let arn = records::identity_arn(account, new.kind, new.path, new.name);
        let resource = Resource::named(context.own_registry(), arn, Vec::new());
        Demand::new(Action::named(action), resource).with_request_tags(new.tags)
    }

    /// A permit for a list of everything of a kind under a path.
    pub(super) async fn permit_list(
        &self,
        context: &RequestContext,
        action: &'static str,
        kind: EntityKind,
        prefix: &str,
    ) -> Result<Permit, Error> {
        let arn = records::identity_arn(&context.principal.account, kind, prefix, "");
        let resource = Resource::named(context.own_registry(), arn, Vec::new());
        let demand = Demand::new(Action::named(action), resource);
        self.access.authorize_demand(context, demand).await
    }

    /// A permit for an operation on the whole account.
    pub(super) async fn permit_account(
        &self,
        context: &RequestContext,
        action: &'static str,
    ) -> Result<Permit, Error> {
        let resource = Resource::Any(context.own_registry());
        self.access
            .authorize(context, Action::named(action), resource)
            .await
    }
}

/// Something that is to be made.
#[derive(Clone, Copy)]
pub(super) struct NewEntity<'a> {
    pub(super) kind: EntityKind,
    pub(super) path: &'a str,
    pub(super) name: &'a str,
    pub(super) boundary: Option<&'a str>,
    pub(super) tags: &'a [(String, String)],
    /// The action that setting tags needs.
    pub(super) tagging: Option<&'static str>,
}
