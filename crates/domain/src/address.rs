//! Addresses: which repository a host name and a path mean, and back.
//!
//! `<account>.dkr.ecr.<region>.<any suffix>` names account and region in the host. Under any other host the
//! first path segment may be `ACCOUNT` or `ACCOUNT.REGION`; without one, a name belongs to the server's home
//! registry. A URI so names one repository, whoever asks.

use crate::account::{AccountId, Region, Registry};
use crate::invalid::Invalid;
use crate::repository::RepositoryName;

/// A repository, fully named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryAddress {
    /// Account and region.
    pub registry: Registry,
    /// The name there.
    pub name: RepositoryName,
}

/// The registry that a host name carries, if it has the AWS form. Host names are the same in upper case.
pub fn registry_of_host(host: &str) -> Option<Registry> {
    let host = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|b| b.is_ascii_digit()) {
            name
        } else {
            host
        }
    });
    let (account, rest) = host.split_once('.')?;
    let account = AccountId::parse(account).ok()?;
    let rest = rest.to_ascii_lowercase();
    let rest = rest
        .strip_prefix("dkr.ecr")
        .or_else(|| rest.strip_prefix("dkr-ecr"))?;
    let rest = rest
        .strip_prefix("-fips")
        .unwrap_or(rest)
        .strip_prefix('.')?;
    let (region, suffix) = rest.split_once('.')?;
    let region = Region::parse(region).ok()?;
    (!suffix.is_empty()).then_some(Registry { account, region })
}

/// The registry meant by a request that names no repository (`/v2/`, the catalog).
pub fn registry_of_request(home: &Registry, host: &str) -> Registry {
    registry_of_host(host).unwrap_or_else(|| home.clone())
}

/// The repository that `path` (what stands between `/v2/` and `/manifests/`, `/blobs/` …) means under `host`.
pub fn resolve(home: &Registry, host: &str, path: &str) -> Result<RepositoryAddress, Invalid> {
    if let Some(registry) = registry_of_host(host) {
        return Ok(RepositoryAddress {
            registry,
            name: RepositoryName::parse(path)?,
        });
    }
    if let Some((segment, rest)) = path.split_once('/')
        && let Some(registry) = registry_of_segment(home, segment)
    {
        return Ok(RepositoryAddress {
            registry,
            name: RepositoryName::parse(rest)?,
        });
    }
    Ok(RepositoryAddress {
        registry: home.clone(),
        name: RepositoryName::parse(path)?,
    })
}

/// The registry of a path segment `ACCOUNT` or `ACCOUNT.REGION`.
pub fn registry_of_segment(home: &Registry, segment: &str) -> Option<Registry> {
    let (account, region) = match segment.split_once('.') {
        Some((account, region)) => (account, Region::parse(region).ok()?),
        None => (segment, home.region.clone()),
    };
    Some(Registry {
        account: AccountId::parse(account).ok()?,
        region,
    })
}

/// The path of a repository under a host that is not of the AWS form: bare at home, else with its registry.
pub fn path_of(home: &Registry, registry: &Registry, name: &RepositoryName) -> String {
    if registry == home {
        name.to_string()
    } else {
        format!("{}.{}/{}", registry.account, registry.region, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(account: &str, region: &str) -> Registry {
        Registry {
            account: AccountId::parse(account).unwrap(),
            region: Region::parse(region).unwrap(),
        }
    }

    #[test]
    fn hosts_of_the_aws_form_name_account_and_region() {
        let expected = Some(registry("111111111111", "eu-west-1"));
        for host in [
            "111111111111.dkr.ecr.eu-west-1.amazonaws.com",
            "111111111111.dkr.ecr.eu-west-1.localhost:5050",
            "111111111111.dkr-ecr.eu-west-1.on.aws",
            "111111111111.dkr.ecr-fips.eu-west-1.amazonaws.com:443",
            "111111111111.DKR.ECR.EU-West-1.Example.Com",
        ] {
            assert_eq!(registry_of_host(host), expected, "{host}");
        }
        for host in [
            "localhost:5050",
            "127.0.0.1",
            "[::1]:5050",
            "1.dkr.ecr.eu-west-1.x",
            "111111111111.dkr.ecr.eu-west-1",
            "registry.example.com",
            "",
        ] {
            assert_eq!(registry_of_host(host), None, "{host}");
        }
    }

    #[test]
    fn a_path_may_begin_with_an_account_and_region() {
        let home = registry("000000000000", "us-east-1");
        let table = [
            (
                "localhost:5050",
                "team/app",
                registry("000000000000", "us-east-1"),
                "team/app",
            ),
            (
                "localhost:5050",
                "222222222222/team/app",
                registry("222222222222", "us-east-1"),
                "team/app",
            ),
            (
                "10.0.0.1",
                "222222222222.eu-west-1/app",
                registry("222222222222", "eu-west-1"),
                "app",
            ),
            (
                "222222222222.dkr.ecr.eu-west-1.x.y",
                "app",
                registry("222222222222", "eu-west-1"),
                "app",
            ),
        ];
        for (host, path, expected, name) in table {
            let address = resolve(&home, host, path).unwrap();
            assert_eq!(
                (address.registry, address.name.as_str()),
                (expected, name),
                "{host} {path}"
            );
        }
        for path in [
            "222222222222",
            "222222222222.eu-west-1",
            "22222/app",
            "222222222222.EU/app",
            "../app",
            "app/../x",
        ] {
            assert!(resolve(&home, "localhost", path).is_err(), "{path}");
        }
    }

    #[test]
    fn the_path_of_a_repository_resolves_to_it() {
        let home = registry("000000000000", "us-east-1");
        let name = RepositoryName::parse("team/app").unwrap();
        for registry in [
            home.clone(),
            registry("222222222222", "us-east-1"),
            registry("000000000000", "eu-west-1"),
        ] {
            let path = path_of(&home, &registry, &name);
            assert_eq!(
                resolve(&home, "localhost:5050", &path).unwrap(),
                RepositoryAddress {
                    registry,
                    name: name.clone()
                }
            );
        }
    }
}
