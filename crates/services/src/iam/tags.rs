//! Tags of what IAM has (IAM User Guide, "Tags for AWS Identity and Access Management resources"). Their keys are told
//! apart without regard to case.

use std::collections::HashSet;

use ecru_domain::Error;
use ecru_domain::resource_tags::{MAX_RESOURCE_TAGS, ResourceTagProblem, check_tags};
use ecru_ports::metadata::{EntityKind, Lane};

use super::records::{self, Tag};
use super::targets::Target;
use super::{Iam, refusals};
use crate::access::{Permit, RequestContext};
use crate::page::{Page, PageRequest};

/// What has tags, as a request names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tagged<'a> {
    /// A user, by name.
    User(&'a str),
    /// A role, by name.
    Role(&'a str),
    /// A policy of the account, by ARN.
    Policy(&'a str),
    /// An `OpenID` Connect provider, by ARN.
    OidcProvider(&'a str),
    /// An instance profile, by name.
    InstanceProfile(&'a str),
}

impl Tagged<'_> {
    fn target(self, context: &RequestContext) -> Result<Target, Error> {
        Ok(match self {
            Self::User(name) => Target::named(context, EntityKind::User, name),
            Self::Role(name) => Target::named(context, EntityKind::Role, name),
            Self::InstanceProfile(name) => {
                Target::named(context, EntityKind::InstanceProfile, name)
            }
            Self::Policy(arn) => Target::by_arn(context, EntityKind::Policy, arn)?,
            Self::OidcProvider(arn) => Target::by_arn(context, EntityKind::OidcProvider, arn)?,
        })
    }

    /// One of five names.
    fn choose(self, names: [&'static str; 5]) -> &'static str {
        let [user, role, policy, provider, profile] = names;
        match self {
            Self::User(_) => user,
            Self::Role(_) => role,
            Self::Policy(_) => policy,
            Self::OidcProvider(_) => provider,
            Self::InstanceProfile(_) => profile,
        }
    }
}

impl Iam {
    /// `iam:TagUser` and its siblings: sets tags; those of other keys stay.
    pub async fn tag(
        &self,
        context: &RequestContext,
        tagged: Tagged<'_>,
        tags: Vec<Tag>,
    ) -> Result<(), Error> {
        let action = tagged.choose([
            "iam:TagUser",
            "iam:TagRole",
            "iam:TagPolicy",
            "iam:TagOpenIDConnectProvider",
            "iam:TagInstanceProfile",
        ]);
        let target = tagged.target(context)?;
        let demand = self.demand(context, action, &target).await?;
        let demand = demand.with_request_tags(&tags);
        let permit = self.access.authorize_demand(context, demand).await?;
        check(&tags)?;
        self.change_tags(&permit, target, move |present| {
            for (key, value) in &tags {
                let mut known = present.iter_mut();
                match known.find(|(other, _)| other.eq_ignore_ascii_case(key)) {
                    Some(tag) => *tag = (key.clone(), value.clone()),
                    None => present.push((key.clone(), value.clone())),
                }
            }
            if present.len() > MAX_RESOURCE_TAGS {
                return Err(refusals::tags(ResourceTagProblem::TooMany));
            }
            Ok(())
        })
        .await
    }

    /// `iam:UntagUser` and its siblings: keys that are not there are passed over.
    pub async fn untag(
        &self,
        context: &RequestContext,
        tagged: Tagged<'_>,
        keys: Vec<String>,
    ) -> Result<(), Error> {
        let action = tagged.choose([
            "iam:UntagUser",
            "iam:UntagRole",
            "iam:UntagPolicy",
            "iam:UntagOpenIDConnectProvider",
            "iam:UntagInstanceProfile",
        ]);
        let target = tagged.target(context)?;
        let demand = self.demand(context, action, &target).await?;
        let demand = demand.with_tag_keys(keys.clone());
        let permit = self.access.authorize_demand(context, demand).await?;
        self.change_tags(&permit, target, move |present| {
            let is_named = |key: &str| keys.iter().any(|other| other.eq_ignore_ascii_case(key));
            present.retain(|(key, _)| !is_named(key));
            Ok(())
        })
        .await
    }

    async fn change_tags<F>(&self, permit: &Permit, target: Target, change: F) -> Result<(), Error>
    where
        F: Fn(&mut Vec<Tag>) -> Result<(), Error> + Send + 'static,
    {
        self.store
            .write(permit.into(), Lane::Any, move |rows| {
                rows.change_identities(&target.account)?;
                let mut entity = target.find(rows)?;
                let mut tags = records::read::<records::NamedDocument>(&entity)?.tags;
                change(&mut tags)?;
                records::set_tags(&mut entity, &tags)?;
                rows.update_entity(&entity)?;
                Ok(())
            })
            .await
    }

    /// `iam:ListUserTags` and its siblings.
    pub async fn list_tags(
        &self,
        context: &RequestContext,
        tagged: Tagged<'_>,
        page: &PageRequest,
    ) -> Result<Page<Tag>, Error> {
        let action = tagged.choose([
            "iam:ListUserTags",
            "iam:ListRoleTags",
            "iam:ListPolicyTags",
            "iam:ListOpenIDConnectProviderTags",
            "iam:ListInstanceProfileTags",
        ]);
        let target = tagged.target(context)?;
        let permit = self.permit(context, action, &target).await?;
        let list = format!("tags {} {tagged:?}", target.account);
        let tags = self
            .store
            .lookup((&permit).into(), move |rows| {
                let entity = target.find(rows)?;
                Ok(records::read::<records::NamedDocument>(&entity)?.tags)
            })
            .await?;
        self.slice(&list, tags, page, |(key, _)| key.clone()).await
    }
}

/// Refuses tags that are none, are too many, or are there twice.
pub(super) fn check(tags: &[Tag]) -> Result<(), Error> {
    check_tags(tags).map_err(refusals::tags)?;
    let mut keys = HashSet::new();
    if tags
        .iter()
        .all(|(key, _)| keys.insert(key.to_ascii_lowercase()))
    {
        return Ok(());
    }
    Err(refusals::invalid_input(
        "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    ))
}
