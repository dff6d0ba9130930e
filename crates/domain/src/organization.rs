//! Organizations: how their parts are called, how many there may be, and where policies may be attached
//! (Organizations API Reference, "Data types"; Organizations User Guide, "Quotas for AWS Organizations").
//!
//! ```text
//! o-… ─ root r-… ─┬─ account
//!                 └─ unit ou-… ─┬─ account
//!                               └─ unit ou-… ─ …      each of them a target of policies p-…
//! ```

use crate::account::AccountId;
use crate::error::OrganizationsRefusal;

/// The most accounts of an organization, the management account and closed ones included.
pub const MAX_ACCOUNTS: u64 = 10_000;

/// The most organizational units of an organization.
pub const MAX_UNITS: u64 = 2_000;

/// How deep units may be nested below the root.
pub const MAX_UNIT_DEPTH: usize = 5;

/// The most policies of an organization, of both types together.
pub const MAX_POLICIES: u64 = 2_000;

/// The most policies of one type that are attached to a root, unit or account.
pub const MAX_POLICIES_OF_TARGET: usize = 5;

/// The role of a new account by which the management account gets in, if the request names no other.
pub const DEFAULT_ROLE: &str = "OrganizationAccountAccessRole";

/// The service control policy that is attached to everything at first.
pub const FULL_ACCESS: &str = "p-FullAWSAccess";

/// The resource control policy that is attached to everything, always.
pub const RESOURCE_FULL_ACCESS: &str = "p-RCPFullAWSAccess";

const DIGITS_AND_LETTERS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// The types of policies that Ecru knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicyType {
    /// Binds principals of accounts.
    ServiceControl,
    /// Binds resources of accounts.
    ResourceControl,
}

impl PolicyType {
    /// Both.
    pub const ALL: [Self; 2] = [Self::ServiceControl, Self::ResourceControl];

    /// As the API names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServiceControl => "SERVICE_CONTROL_POLICY",
            Self::ResourceControl => "RESOURCE_CONTROL_POLICY",
        }
    }

    /// What the API means by that name; `None` for the types that Ecru has no use for.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The policy of this type that AWS keeps for everyone.
    pub fn full_access(self) -> &'static str {
        match self {
            Self::ServiceControl => FULL_ACCESS,
            Self::ResourceControl => RESOURCE_FULL_ACCESS,
        }
    }

    /// The type of that policy, if it is one that AWS keeps for everyone.
    pub fn of_full_access(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.full_access() == id)
    }
}

/// What an id of an organization's tree is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TargetKind {
    /// `r-…`
    Root,
    /// `ou-…`
    OrganizationalUnit,
    /// Twelve digits.
    Account,
}

impl TargetKind {
    /// What an id is of; `None` if it belongs into no tree.
    pub fn of(id: &str) -> Option<Self> {
        if id.starts_with("r-") {
            Some(Self::Root)
        } else if id.starts_with("ou-") {
            Some(Self::OrganizationalUnit)
        } else {
            AccountId::parse(id).ok().map(|_| Self::Account)
        }
    }
}

/// An organization by name: in the ARNs of all its parts stand its id and its management account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationName {
    /// `o-…`
    pub id: String,
    /// The management account.
    pub management: AccountId,
}

impl OrganizationName {
    /// The organization's own ARN.
    pub fn arn(&self) -> String {
        let Self { id, management } = self;
        format!("arn:aws:organizations::{management}:organization/{id}")
    }

    /// The ARN of its root, a unit or an account.
    pub fn target_arn(&self, kind: TargetKind, id: &str) -> String {
        let kind = match kind {
            TargetKind::Root => "root",
            TargetKind::OrganizationalUnit => "ou",
            TargetKind::Account => "account",
        };
        self.part_arn(kind, id)
    }

    /// The ARN of an account of it.
    pub fn account_arn(&self, id: &AccountId) -> String {
        self.target_arn(TargetKind::Account, id.as_str())
    }

    /// The ARN of a policy.
    pub fn policy_arn(&self, kind: PolicyType, id: &str) -> String {
        let segment = kind.as_str().to_ascii_lowercase();
        if PolicyType::of_full_access(id).is_some() {
            format!("arn:aws:organizations::aws:policy/{segment}/{id}")
        } else {
            self.part_arn("policy", &format!("{segment}/{id}"))
        }
    }

    /// The ARN of something that belongs to it: `…:KIND/o-…/ID`.
    pub fn part_arn(&self, kind: &str, id: &str) -> String {
        let Self {
            id: own,
            management,
        } = self;
        format!("arn:aws:organizations::{management}:{kind}/{own}/{id}")
    }
}

/// A new id of an organization.
pub fn organization_id(random: [u8; 16]) -> String {
    format!("o-{}", spelled(random, 10))
}

/// A new id of a root.
pub fn root_id(random: [u8; 16]) -> String {
    format!("r-{}", spelled(random, 4))
}

/// A new id of a unit under that root, whose letters stand in it.
pub fn unit_id(root: &str, random: [u8; 16]) -> String {
    let root = root.strip_prefix("r-").unwrap_or(root);
    format!("ou-{root}-{}", spelled(random, 8))
}

/// A new id of a policy.
pub fn policy_id(random: [u8; 16]) -> String {
    format!("p-{}", spelled(random, 8))
}

/// A new id of a request to create an account.
pub fn creation_id(random: [u8; 16]) -> String {
    format!("car-{:032x}", u128::from_be_bytes(random))
}

/// A new account: twelve digits, the first of them not zero.
pub fn new_account(random: [u8; 16]) -> Option<AccountId> {
    const FIRST: u128 = 100_000_000_000;
    const COUNT: u128 = 9 * FIRST;
    AccountId::parse(&(FIRST + u128::from_be_bytes(random) % COUNT).to_string()).ok()
}

/// Letters and digits from random bytes: less than 2^64 combinations are asked for, of 2^128.
fn spelled(random: [u8; 16], length: usize) -> String {
    let mut rest = u128::from_be_bytes(random);
    let mut text = String::with_capacity(length);
    for _ in 0..length {
        let digit = usize::try_from(rest % 36).unwrap_or_default();
        text.extend(DIGITS_AND_LETTERS.get(digit).copied().map(char::from));
        rest /= 36;
    }
    text
}

/// Whether a policy may be attached where those of its type are.
pub fn decide_attach(attached: &[String], policy: &str) -> Result<(), OrganizationsRefusal> {
    if attached.iter().any(|one| one == policy) {
        return Err(OrganizationsRefusal::DuplicatePolicyAttachment {
            message: "A policy with the specified name and type already exists.".to_owned(),
        });
    }
    if attached.len() >= MAX_POLICIES_OF_TARGET {
        return Err(OrganizationsRefusal::ConstraintViolation {
            message: "You have attached the maximum number of policies to the specified target."
                .to_owned(),
            reason: "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
        });
    }
    Ok(())
}

/// Whether a policy may be detached from where those of its type are.
pub fn decide_detach(
    kind: PolicyType,
    attached: &[String],
    policy: &str,
) -> Result<(), OrganizationsRefusal> {
    if !attached.iter().any(|one| one == policy) {
        return Err(OrganizationsRefusal::PolicyNotAttached {
            message: "The policy isn't attached to the specified target in the specified root."
                .to_owned(),
        });
    }
    if policy == RESOURCE_FULL_ACCESS {
        return Err(OrganizationsRefusal::InvalidInput {
            message: "You can't detach this Amazon Web Services Resource Control Policy."
                .to_owned(),
            reason: "NON_DETACHABLE_POLICY",
        });
    }
    if kind == PolicyType::ServiceControl && attached.len() == 1 {
        return Err(OrganizationsRefusal::ConstraintViolation {
            message: "You cannot detach the last policy of this type from the specified target."
                .to_owned(),
            reason: "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> OrganizationName {
        OrganizationName {
            id: "o-a1b2c3d4e5".to_owned(),
            management: AccountId::parse("111111111111").unwrap(),
        }
    }

    #[test]
    fn ids_have_the_shapes_of_the_model_whatever_is_drawn() {
        for random in [[0; 16], [255; 16], [7; 16]] {
            let root = root_id(random);
            for (id, prefix, length) in [
                (organization_id(random), "o-", 10),
                (root.clone(), "r-", 4),
                (unit_id(&root, random), &*format!("ou-{}-", &root[2..]), 8),
                (policy_id(random), "p-", 8),
                (creation_id(random), "car-", 32),
            ] {
                let rest = id.strip_prefix(prefix).unwrap();
                assert_eq!(rest.len(), length, "{id}");
                let is_shaped = |c: char| c.is_ascii_digit() || c.is_ascii_lowercase();
                assert!(rest.chars().all(is_shaped), "{id}");
            }
            let account = new_account(random).unwrap();
            assert_ne!(account.as_str().as_bytes()[0], b'0');
        }
        assert_ne!(policy_id([1; 16]), policy_id([2; 16]));
    }

    #[test]
    fn arns_name_the_organization_and_aws_owns_what_it_keeps() {
        let organization = name();
        assert_eq!(
            organization.arn(),
            "arn:aws:organizations::111111111111:organization/o-a1b2c3d4e5"
        );
        for (id, arn) in [
            ("r-ab12", "root/o-a1b2c3d4e5/r-ab12"),
            ("ou-ab12-12345678", "ou/o-a1b2c3d4e5/ou-ab12-12345678"),
            ("222222222222", "account/o-a1b2c3d4e5/222222222222"),
        ] {
            let kind = TargetKind::of(id).unwrap();
            let whole = format!("arn:aws:organizations::111111111111:{arn}");
            assert_eq!(organization.target_arn(kind, id), whole);
        }
        assert_eq!(TargetKind::of("p-12345678"), None);
        assert_eq!(
            organization.policy_arn(PolicyType::ServiceControl, "p-12345678"),
            "arn:aws:organizations::111111111111:policy/o-a1b2c3d4e5/service_control_policy/p-12345678"
        );
        assert_eq!(
            organization.policy_arn(PolicyType::ResourceControl, RESOURCE_FULL_ACCESS),
            "arn:aws:organizations::aws:policy/resource_control_policy/p-RCPFullAWSAccess"
        );
    }

    #[test]
    fn a_policy_is_attached_once_and_five_are_the_most() {
        let attached = |count: usize| -> Vec<String> {
            (0..count).map(|number| format!("p-{number}")).collect()
        };
        assert!(decide_attach(&attached(4), "p-new").is_ok());
        assert!(matches!(
            decide_attach(&attached(4), "p-3"),
            Err(OrganizationsRefusal::DuplicatePolicyAttachment { .. })
        ));
        assert!(matches!(
            decide_attach(&attached(5), "p-new"),
            Err(OrganizationsRefusal::ConstraintViolation {
                reason: "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
                ..
            })
        ));
    }

    #[test]
    fn the_last_service_control_policy_stays_and_full_access_to_resources_always() {
        let service = PolicyType::ServiceControl;
        let two = [FULL_ACCESS.to_owned(), "p-1".to_owned()];
        assert!(decide_detach(service, &two, FULL_ACCESS).is_ok());
        assert!(matches!(
            decide_detach(service, &two[..1], FULL_ACCESS),
            Err(OrganizationsRefusal::ConstraintViolation {
                reason: "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
                ..
            })
        ));
        assert!(matches!(
            decide_detach(service, &two[..1], "p-1"),
            Err(OrganizationsRefusal::PolicyNotAttached { .. })
        ));
        let three = [RESOURCE_FULL_ACCESS.to_owned(), "p-1".to_owned()];
        let resource = PolicyType::ResourceControl;
        assert!(decide_detach(resource, &three, "p-1").is_ok());
        assert!(matches!(
            decide_detach(resource, &three, RESOURCE_FULL_ACCESS),
            Err(OrganizationsRefusal::InvalidInput {
                reason: "NON_DETACHABLE_POLICY",
                ..
            })
        ));
    }
}
