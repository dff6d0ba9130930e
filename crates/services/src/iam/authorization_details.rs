//! Everything that an account grants, for those who audit it (IAM API Reference, `GetAccountAuthorizationDetails`).

use ecru_domain::Error;
use ecru_ports::metadata::{
    EntityKind, EntityList, EntityRecord, NamedDocument, PathPosition, ReadTransaction,
};

use super::Iam;
use super::attachments::{AttachedPolicy, attached_policies};
use super::descriptions::{
    EntityDescription, PolicyDescription, PolicyVersionDescription, RoleDescription,
    UserDescription, version_name,
};
use super::groups::groups_of;
use super::inline_policies::inline_policies;
use super::instance_profiles::{InstanceProfileDescription, profiles_of};
use super::lists::{cut, limit, read_position, write_position};
use super::managed_policies::{self, MADE_AT};
use super::policies::describe_managed;
use super::policy_versions::versions_of;
use super::targets::Target;
use crate::access::RequestContext;
use crate::page::{Page, PageRequest};

/// The most entities of one page: each of them is looked into.
const MAX_PAGE: u32 = 100;
/// Instance profiles of one role that are told.
const MAX_PROFILES: u32 = 10;

/// The kinds of entities, in the order of the list.
const KINDS: [EntityKind; 4] = [
    EntityKind::User,
    EntityKind::Group,
    EntityKind::Role,
    EntityKind::Policy,
];

/// Which entities are told of. None named means all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a set of kinds")]
pub struct DetailFilter {
    /// Users.
    pub users: bool,
    /// Groups.
    pub groups: bool,
    /// Roles.
    pub roles: bool,
    /// Managed policies of the account.
    pub local_policies: bool,
    /// Policies of AWS that are used.
    pub aws_policies: bool,
}

impl DetailFilter {
    fn wants(self, kind: EntityKind) -> bool {
        match kind {
            EntityKind::User => self.users,
            EntityKind::Group => self.groups,
            EntityKind::Role => self.roles,
            _ => self.local_policies,
        }
    }
}

/// The policies of a user, role or group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdentityPolicies {
    /// Names and texts of those embedded in it.
    pub inline: Vec<(String, String)>,
    /// Those attached to it.
    pub attached: Vec<AttachedPolicy>,
}

/// A managed policy with all that it says and said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyDetail {
    /// The policy.
    pub policy: PolicyDescription,
    /// Its versions.
    pub versions: Vec<PolicyVersionDescription>,
}

/// A part of what an account grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizationDetail {
    /// A user, the names of its groups, its policies.
    User(UserDescription, Vec<String>, IdentityPolicies),
    /// A group and its policies.
    Group(EntityDescription, IdentityPolicies),
    /// A role, its instance profiles, its policies.
    Role(
        RoleDescription,
        Vec<InstanceProfileDescription>,
        IdentityPolicies,
    ),
    /// A managed policy.
    Policy(PolicyDetail),
}

impl Iam {
    /// `iam:GetAccountAuthorizationDetails`
    pub async fn authorization_details(
        &self,
        context: &RequestContext,
        filter: DetailFilter,
        page: &PageRequest,
    ) -> Result<Page<AuthorizationDetail>, Error> {
        let permit = self
            .permit_account(context, "iam:GetAccountAuthorizationDetails")
            .await?;
        let filter = if filter == DetailFilter::default() {
            DetailFilter {
                users: true,
                groups: true,
                roles: true,
                local_policies: true,
                aws_policies: true,
            }
        } else {
            filter
        };
        let target = Target::named(context, EntityKind::Policy, "");
        let list = format!("authorization details {} {filter:?}", target.account);
        let position = self.position(&list, page).await?;
        let mut scan = Scan {
            target,
            filter,
            left: limit(page).min(MAX_PAGE),
            found: Vec::new(),
        };
        let read = move |rows: &mut dyn ReadTransaction| {
            let position = scan.run(rows, position.as_deref())?;
            Ok((scan.found, position))
        };
        let (found, position) = self.store.read((&permit).into(), read).await?;
        self.page(&list, found, position).await
    }
}

struct Scan {
    target: Target,
    filter: DetailFilter,
    left: u32,
    found: Vec<AuthorizationDetail>,
}

impl Scan {
    /// Fills a page. Answers where the next one begins: kind, path and key of the last that was told.
    fn run(
        &mut self,
        rows: &mut dyn ReadTransaction,
        position: Option<&str>,
    ) -> Result<Option<String>, Error> {
        let begin = position.and_then(|text| text.split_once(' '));
        let begun = begin.and_then(|(kind, _)| EntityKind::parse(kind));
        let first = begun.and_then(|kind| KINDS.iter().position(|known| *known == kind));
        let mut after = begin.and_then(|(_, rest)| read_position(rest));
        for kind in KINDS.iter().skip(first.unwrap_or(0)).copied() {
            if !self.filter.wants(kind) {
                continue;
            }
            if let Some(last) = self.take(rows, kind, after.take())? {
                return Ok(Some(format!("{} {last}", kind.as_str())));
            }
        }
        if self.filter.aws_policies {
            self.take_managed(rows)?;
        }
        Ok(None)
    }

    /// Takes entities of a kind while there is room. Answers the place of the last if there are more.
    fn take(
        &mut self,
        rows: &mut dyn ReadTransaction,
        kind: EntityKind,
        after: Option<PathPosition>,
    ) -> Result<Option<String>, Error> {
        let account = self.target.account.clone();
        let wanted = EntityList {
            account: &account,
            kind,
            path_prefix: "/",
            after: after.as_ref(),
            limit: self.left + 1,
        };
        let mut entities = rows.list_entities(wanted)?;
        let more = cut(&mut entities, self.left);
        let reached = entities.last().map(write_position);
        for entity in entities {
            self.left = self.left.saturating_sub(1);
            let detail = load(rows, entity)?;
            self.found.push(detail);
        }
        Ok(match reached {
            _ if !more => None,
            Some(place) => Some(place),
            // there was no room at all: the next page begins with this kind
            None => Some(after.map_or_else(String::new, |at| format!("{} {}", at.path, at.key))),
        })
    }

    /// Those of AWS come with the last page: they are few.
    fn take_managed(&mut self, rows: &mut dyn ReadTransaction) -> Result<(), Error> {
        for managed in managed_policies::ALL {
            let policy = describe_managed(rows, managed, &self.target)?;
            if policy.attachments + policy.boundary_uses == 0 {
                continue;
            }
            let version = PolicyVersionDescription {
                name: version_name(1),
                document: managed.document.to_owned(),
                is_default: true,
                created_at: MADE_AT,
            };
            self.found.push(AuthorizationDetail::Policy(PolicyDetail {
                policy,
                versions: vec![version],
            }));
        }
        Ok(())
    }
}

fn load(
    rows: &mut dyn ReadTransaction,
    entity: EntityRecord,
) -> Result<AuthorizationDetail, Error> {
    let policies = match entity.kind {
        EntityKind::Policy => IdentityPolicies::default(),
        _ => policies_of(rows, &entity.id)?,
    };
    Ok(match entity.kind {
        EntityKind::User => {
            let groups = groups_of(rows, &entity.id)?;
            let names = groups.into_iter().map(|group| group.name).collect();
            AuthorizationDetail::User(UserDescription::load(rows, entity)?, names, policies)
        }
        EntityKind::Group => AuthorizationDetail::Group(EntityDescription::of(entity)?, policies),
        EntityKind::Role => {
            let profiles = profiles_of(rows, &entity.id, None, MAX_PROFILES)?;
            AuthorizationDetail::Role(RoleDescription::load(rows, entity)?, profiles, policies)
        }
        _ => AuthorizationDetail::Policy(PolicyDetail {
            versions: versions_of(rows, &entity)?,
            policy: PolicyDescription::load(rows, entity)?,
        }),
    })
}

fn policies_of(rows: &mut dyn ReadTransaction, id: &str) -> Result<IdentityPolicies, Error> {
    let pair = |policy: NamedDocument| (policy.name, policy.document);
    Ok(IdentityPolicies {
        inline: inline_policies(rows, id)?.into_iter().map(pair).collect(),
        attached: attached_policies(rows, id)?,
    })
}
