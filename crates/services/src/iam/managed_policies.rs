//! The policies that AWS keeps for everyone: `arn:aws:iam::aws:policy/…`.
//!
//! They are part of the program and cannot be changed through the API (IAM User Guide, "AWS managed policies"; ECR User
//! Guide, "AWS managed policies for Amazon ECR"). What they say is what a registry's users need of AWS's: actions of
//! services that Ecru has.

use ecru_domain::Timestamp;

/// A policy that AWS keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ManagedPolicy {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it is for.
    pub(crate) description: &'static str,
    /// Its document.
    pub(crate) document: &'static str,
}

const PREFIX: &str = "arn:aws:iam::aws:policy/";

/// The one that allows everything.
pub(crate) const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// When they were made, as far as anybody asks: 2015-02-06T18:39:46Z.
pub(crate) const MADE_AT: Timestamp = Timestamp::from_micros(1_423_247_986_000_000);

/// All of them, by name.
pub(crate) const ALL: &[ManagedPolicy] = &[
    ManagedPolicy {
        name: "AWSKeyManagementServicePowerUser",
        description: "Lets its holder use keys of KMS, and make them.",
        document: include_str!("managed_policies/AWSKeyManagementServicePowerUser.json"),
    },
    ManagedPolicy {
        name: "AdministratorAccess",
        description: "Lets its holder do everything.",
        document: include_str!("managed_policies/AdministratorAccess.json"),
    },
    ManagedPolicy {
        name: "AmazonEC2ContainerRegistryFullAccess",
        description: "Lets its holder administer registries.",
        document: include_str!("managed_policies/AmazonEC2ContainerRegistryFullAccess.json"),
    },
    ManagedPolicy {
        name: "AmazonEC2ContainerRegistryPowerUser",
        description: "Lets its holder push and pull images, but neither delete repositories nor change policies.",
        document: include_str!("managed_policies/AmazonEC2ContainerRegistryPowerUser.json"),
    },
    ManagedPolicy {
        name: "AmazonEC2ContainerRegistryPullOnly",
        description: "Lets its holder pull images and nothing else.",
        document: include_str!("managed_policies/AmazonEC2ContainerRegistryPullOnly.json"),
    },
    ManagedPolicy {
        name: "AmazonEC2ContainerRegistryReadOnly",
        description: "Lets its holder look at repositories and pull images.",
        document: include_str!("managed_policies/AmazonEC2ContainerRegistryReadOnly.json"),
    },
    ManagedPolicy {
        name: "IAMFullAccess",
        description: "Lets its holder administer users, roles, groups and policies.",
        document: include_str!("managed_policies/IAMFullAccess.json"),
    },
    ManagedPolicy {
        name: "ReadOnlyAccess",
        description: "Lets its holder look at everything.",
        document: include_str!("managed_policies/ReadOnlyAccess.json"),
    },
];

/// Whether an ARN is one of AWS's own policies, which may not exist.
pub(crate) fn is_of_aws(arn: &str) -> bool {
    arn.starts_with(PREFIX)
}

/// The policy of that ARN.
pub(crate) fn find(arn: &str) -> Option<&'static ManagedPolicy> {
    let name = arn.strip_prefix(PREFIX)?;
    ALL.iter().find(|policy| policy.name == name)
}

impl ManagedPolicy {
    /// Its ARN.
    pub(crate) fn arn(&self) -> String {
        format!("{PREFIX}{}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_may_be_saved_and_is_found_by_its_arn() {
        assert!(ALL.is_sorted_by_key(|policy| policy.name));
        for policy in ALL {
            let kind = ecru_policy::DocumentKind::Managed;
            assert!(
                ecru_policy::validate(policy.document, kind).is_ok(),
                "{}",
                policy.name
            );
            assert_eq!(
                find(&policy.arn()).map(|found| found.name),
                Some(policy.name)
            );
        }
        assert!(find("arn:aws:iam::aws:policy/None").is_none());
    }
}
