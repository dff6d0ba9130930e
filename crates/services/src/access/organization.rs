//! Where an account stands in its organization, and what binds it there.
//!
//! Levels go from the root down to the account. The management account is bound by no control policy, and a policy
//! type that is not enabled binds nobody (Organizations User Guide, "SCP evaluation" and "RCP evaluation").

use std::collections::HashMap;

use ecru_domain::organization::{
    FULL_ACCESS, MAX_POLICIES_OF_TARGET, MAX_UNIT_DEPTH, PolicyType, RESOURCE_FULL_ACCESS,
};
use ecru_domain::{AccountId, Error};
use ecru_policy::{Document, Level, Policy};
use ecru_ports::metadata::{EntityKind, LinkKind, ReadTransaction};

use crate::iam::records::{
    self, AccountDocument, OrganizationDocument, OrganizationPolicyDocument,
};

/// Root, units and the account.
const MAX_LEVELS: usize = MAX_UNIT_DEPTH + 2;

/// What [`FULL_ACCESS`] says.
pub(crate) const FULL_ACCESS_DOCUMENT: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// Versions of the accounts whose identities were read.
pub(crate) type Versions = Vec<(AccountId, u64)>;

/// Where an account stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct AccountPlace {
    /// `o-…`, if it is in an organization.
    pub(crate) organization: Option<String>,
    /// `o-…/r-…/ou-…/…/`
    pub(crate) path: Option<String>,
    /// Service control policies, level by level.
    pub(crate) scps: Vec<Level>,
    /// Resource control policies, level by level.
    pub(crate) rcps: Vec<Level>,
    /// Whether the account was closed.
    pub(crate) is_closed: bool,
    /// What this was read from.
    pub(crate) versions: Versions,
}

/// Whether nothing was changed since these versions were read.
pub(crate) fn are_current(
    rows: &mut dyn ReadTransaction,
    versions: &Versions,
) -> Result<bool, Error> {
    for (account, version) in versions {
        if rows.identity_version(account)? != *version {
            return Ok(false);
        }
    }
    Ok(true)
}

impl AccountPlace {
    /// Reads where an account stands.
    pub(crate) fn load(rows: &mut dyn ReadTransaction, account: &AccountId) -> Result<Self, Error> {
        let mut place = Self {
            versions: vec![(account.clone(), rows.identity_version(account)?)],
            ..Self::default()
        };
        let Some(entity) = rows.find_entity(account, EntityKind::Account, account.as_str())? else {
            return Ok(place);
        };
        let document: AccountDocument = records::read(&entity)?;
        place.is_closed = document.is_closed;
        let Some(management) = &document.management_account else {
            return Ok(place);
        };
        let management = AccountId::parse(management).map_err(Error::internal)?;
        if management != *account {
            let version = rows.identity_version(&management)?;
            place.versions.push((management.clone(), version));
        }
        place.load_organization(rows, account, &management)?;
        Ok(place)
    }

    fn load_organization(
        &mut self,
        rows: &mut dyn ReadTransaction,
        account: &AccountId,
        management: &AccountId,
    ) -> Result<(), Error> {
        let found = rows.find_entity(management, EntityKind::Organization, management.as_str())?;
        let Some(entity) = found else { return Ok(()) };
        let organization: OrganizationDocument = records::read(&entity)?;
        let targets = ancestry(rows, account.as_str())?;
        let units = targets
            .get(..targets.len().saturating_sub(1))
            .unwrap_or_default();
        self.path = Some(path_of(&entity.id, units));
        self.organization = Some(entity.id);
        if account == management {
            return Ok(());
        }
        let is_enabled = |kind: PolicyType| {
            let mut types = organization.enabled_policy_types.iter();
            types.any(|enabled| enabled == kind.as_str())
        };
        let mut policies = Policies::default();
        if is_enabled(PolicyType::ServiceControl) {
            self.scps = policies.levels(rows, &targets, PolicyType::ServiceControl)?;
        }
        if is_enabled(PolicyType::ResourceControl) {
            self.rcps = policies.levels(rows, &targets, PolicyType::ResourceControl)?;
        }
        Ok(())
    }
}

/// A path as policies see it: `o-…/r-…/ou-…/`.
pub(crate) fn path_of(organization: &str, steps: &[String]) -> String {
    let mut path = format!("{organization}/");
    for step in steps {
        path.push_str(step);
        path.push('/');
    }
    path
}

/// Root, units and the account or unit itself, from the top.
pub(crate) fn ancestry(rows: &mut dyn ReadTransaction, target: &str) -> Result<Vec<String>, Error> {
    let mut targets = vec![target.to_owned()];
    while let Some(last) = targets.last()
        && targets.len() < MAX_LEVELS
    {
        let Some(parent) = rows.links_from(last, LinkKind::Parent, None, 1)?.pop() else {
            break;
        };
        targets.push(parent);
    }
    targets.reverse();
    Ok(targets)
}

/// Ids of the policies of a type that are attached to a target, where the type is enabled. What is attached to
/// everything at first has no row: a row says where it is no longer.
pub(crate) fn attached(
    rows: &mut dyn ReadTransaction,
    target: &str,
    kind: PolicyType,
) -> Result<Vec<String>, Error> {
    let mut policies = Policies::default();
    policies.attached(rows, target, kind)
}

/// Policies of an organization that were read in this transaction.
#[derive(Default)]
struct Policies(HashMap<String, (PolicyType, Document)>);

impl Policies {
    fn levels(
        &mut self,
        rows: &mut dyn ReadTransaction,
        targets: &[String],
        kind: PolicyType,
    ) -> Result<Vec<Level>, Error> {
        let mut levels = Vec::with_capacity(targets.len());
        for target in targets {
            let mut level = Level::new();
            for id in self.attached(rows, target, kind)? {
                // it only allows, and levels of resource control policies only deny
                if id != RESOURCE_FULL_ACCESS {
                    level.push(self.read(rows, &id)?.1);
                }
            }
            levels.push(level);
        }
        Ok(levels)
    }

    fn attached(
        &mut self,
        rows: &mut dyn ReadTransaction,
        target: &str,
        kind: PolicyType,
    ) -> Result<Vec<String>, Error> {
        let most = u32::try_from(PolicyType::ALL.len() * MAX_POLICIES_OF_TARGET);
        let limit = most.map_err(Error::internal)?;
        let mut attached = Vec::new();
        for id in rows.links_from(target, LinkKind::TargetPolicy, None, limit)? {
            if self.read(rows, &id)?.0 == kind {
                attached.push(id);
            }
        }
        let whole = kind.full_access();
        if !is_detached(rows, target, whole)? {
            attached.push(whole.to_owned());
        }
        Ok(attached)
    }

    /// The type of a policy, and what it says.
    fn read(
        &mut self,
        rows: &mut dyn ReadTransaction,
        id: &str,
    ) -> Result<(PolicyType, Document), Error> {
        if let Some(known) = self.0.get(id) {
            return Ok(known.clone());
        }
        let (kind, content) = if id == FULL_ACCESS {
            (PolicyType::ServiceControl, FULL_ACCESS_DOCUMENT.to_owned())
        } else {
            stored(rows, id)?
        };
        let policy = Policy::parse(&content).map_err(Error::internal)?;
        let read = (kind, Document::new(id, policy));
        self.0.insert(id.to_owned(), read.clone());
        Ok(read)
    }
}

fn stored(rows: &mut dyn ReadTransaction, id: &str) -> Result<(PolicyType, String), Error> {
    let entity = rows
        .entity(id)?
        .ok_or_else(|| Error::internal("an attached control policy is gone"))?;
    let document: OrganizationPolicyDocument = records::read(&entity)?;
    let kind = PolicyType::parse(&document.kind)
        .ok_or_else(|| Error::internal("a control policy has no type"))?;
    Ok((kind, document.content))
}

/// Whether a policy that is attached to everything at first is no longer attached to a target.
pub(crate) fn is_detached(
    rows: &mut dyn ReadTransaction,
    target: &str,
    policy: &str,
) -> Result<bool, Error> {
    let detached = rows.links_from(target, LinkKind::DetachedPolicy, None, 1)?;
    Ok(detached.iter().any(|one| one == policy))
}
