//! Where an account stands in its organization, and what binds it there.
//!
//! Levels go from the root down to the account. The management account is bound by no control policy, and a policy
//! type that is not enabled binds nobody (Organizations User Guide, "SCP evaluation" and "RCP evaluation").

use std::collections::HashMap;

use ecru_domain::{AccountId, Error};
use ecru_policy::{Document, Level, Policy};
use ecru_ports::metadata::{EntityKind, LinkKind, ReadTransaction};

use crate::iam::records::{
    self, AccountDocument, OrganizationDocument, OrganizationPolicyDocument,
};

/// How deep units may be nested, the root and the account included (Organizations quotas).
const MAX_LEVELS: usize = 7;

/// Policies attached to one root, unit or account (Organizations quotas).
pub(crate) const MAX_POLICIES_OF_TARGET: u32 = 10;

/// The policy that is attached to everything at first.
pub(crate) const FULL_ACCESS: &str = "p-FullAWSAccess";

/// What it says.
pub(crate) const FULL_ACCESS_DOCUMENT: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// The type of policies that bind principals.
pub(crate) const SERVICE_CONTROL: &str = "SERVICE_CONTROL_POLICY";

/// The type of policies that bind resources.
pub(crate) const RESOURCE_CONTROL: &str = "RESOURCE_CONTROL_POLICY";

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
        let targets = ancestry(rows, account)?;
        let units = targets
            .get(..targets.len().saturating_sub(1))
            .unwrap_or_default();
        let path: String = units.iter().map(|unit| format!("{unit}/")).collect();
        self.path = Some(format!("{}/{path}", entity.id));
        self.organization = Some(entity.id);
        if account == management {
            return Ok(());
        }
        let is_enabled = |kind: &str| {
            let mut types = organization.enabled_policy_types.iter();
            types.any(|enabled| enabled == kind)
        };
        let (scps, rcps) = levels(rows, &targets)?;
        if is_enabled(SERVICE_CONTROL) {
            self.scps = scps;
        }
        if is_enabled(RESOURCE_CONTROL) {
            self.rcps = rcps;
        }
        Ok(())
    }
}

/// Root, units and the account itself, from the top.
fn ancestry(rows: &mut dyn ReadTransaction, account: &AccountId) -> Result<Vec<String>, Error> {
    let mut targets = vec![account.to_string()];
    while let Some(last) = targets.last()
        && targets.len() <= MAX_LEVELS
    {
        let Some(parent) = rows.links_from(last, LinkKind::Parent, None, 1)?.pop() else {
            break;
        };
        targets.push(parent);
    }
    targets.reverse();
    Ok(targets)
}

/// The service control policies and the resource control policies of each target.
fn levels(
    rows: &mut dyn ReadTransaction,
    targets: &[String],
) -> Result<(Vec<Level>, Vec<Level>), Error> {
    let mut known: HashMap<String, (String, Document)> = HashMap::new();
    let (mut scps, mut rcps) = (Vec::new(), Vec::new());
    for target in targets {
        let (mut service, mut resource) = (Level::new(), Level::new());
        let limit = 2 * MAX_POLICIES_OF_TARGET;
        for id in rows.links_from(target, LinkKind::TargetPolicy, None, limit)? {
            let entry = match known.get(&id) {
                Some(entry) => entry.clone(),
                None => {
                    let read = control_policy(rows, &id)?;
                    known.insert(id.clone(), read.clone());
                    read
                }
            };
            let (kind, document) = entry;
            if kind == RESOURCE_CONTROL {
                resource.push(document);
            } else {
                service.push(document);
            }
        }
        scps.push(service);
        rcps.push(resource);
    }
    Ok((scps, rcps))
}

/// The type of a control policy, and what it says.
fn control_policy(rows: &mut dyn ReadTransaction, id: &str) -> Result<(String, Document), Error> {
    let (kind, content) = if id == FULL_ACCESS {
        (SERVICE_CONTROL.to_owned(), FULL_ACCESS_DOCUMENT.to_owned())
    } else {
        let entity = rows
            .entity(id)?
            .ok_or_else(|| Error::internal("an attached control policy is gone"))?;
        let document: OrganizationPolicyDocument = records::read(&entity)?;
        (document.kind, document.content)
    };
    let policy = Policy::parse(&content).map_err(Error::internal)?;
    Ok((kind, Document::new(id, policy)))
}
