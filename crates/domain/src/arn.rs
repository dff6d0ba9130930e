//! Amazon Resource Names of the things that Ecru keeps.

use crate::account::{AccountId, Region, Registry};
use crate::repository::RepositoryName;

/// The ARN of a repository. The partition is always `aws`.
pub fn repository_arn(registry: &Registry, name: &RepositoryName) -> String {
    format!(
        "arn:aws:ecr:{}:{}:repository/{}",
        registry.region, registry.account, name
    )
}

/// The ARN that stands for every repository of a registry.
pub fn every_repository_arn(registry: &Registry) -> String {
    format!(
        "arn:aws:ecr:{}:{}:repository/*",
        registry.region, registry.account
    )
}

/// The ARN of a KMS key.
pub fn key_arn(registry: &Registry, key_id: &str) -> String {
    format!(
        "arn:aws:kms:{}:{}:key/{}",
        registry.region, registry.account, key_id
    )
}

/// Reads a repository's ARN. `None` if it is not one.
pub fn parse_repository_arn(text: &str) -> Option<(Registry, RepositoryName)> {
    let mut parts = text.splitn(6, ':');
    let (arn, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    let is_ours =
        arn == "arn" && (partition == "aws" || partition.starts_with("aws-")) && service == "ecr";
    let name = resource.strip_prefix("repository/")?;
    let registry = Registry {
        account: AccountId::parse(account).ok()?,
        region: Region::parse(region).ok()?,
    };
    let name = RepositoryName::parse(name).ok()?;
    is_ours.then_some((registry, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repository_arns_round_trip_and_others_are_refused() {
        let text = "arn:aws:ecr:eu-west-1:111111111111:repository/team/app";
        let (registry, name) = parse_repository_arn(text).unwrap();
        assert_eq!(repository_arn(&registry, &name), text);
        for bad in [
            "",
            "nonsense",
            "arn:aws:s3:::bucket",
            "arn:aws:ecr:eu-west-1:1:repository/a",
            "arn:aws:ecr:eu-west-1:111111111111:repository/A",
            "arn:aws:ecr:eu-west-1:111111111111:team/app",
        ] {
            assert!(parse_repository_arn(bad).is_none(), "{bad}");
        }
    }
}
