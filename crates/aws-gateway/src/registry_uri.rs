//! Where clients reach the registries: the one template behind `repositoryUri`, `proxyEndpoint` and `downloadUrl`.

use ecru_domain::address::path_of;
use ecru_domain::{Registry, RepositoryName};

/// How addresses that leave in answers are made.
#[derive(Clone, Debug)]
pub struct AwsConfig {
    /// The registry that a bare path means: management account and server region.
    pub home: Registry,
    /// Host and port that clients dial, such as `localhost:5050`. Where it has `{account}` and `{region}`, as in
    /// `{account}.dkr.ecr.{region}.example.com`, each registry has a host of its own.
    pub uri_host: String,
    /// Whether clients dial it without TLS: then addresses begin with `http://`, else with `https://`.
    pub is_plain_http: bool,
}

impl AwsConfig {
    /// `repositoryUri`: without scheme. It names the same repository for whoever it is handed to.
    pub(crate) fn repository_uri(&self, registry: &Registry, name: &RepositoryName) -> String {
        let host = self.host(registry);
        if self.names_registries() {
            format!("{host}/{name}")
        } else {
            format!("{host}/{}", path_of(&self.home, registry, name))
        }
    }

    /// `proxyEndpoint`: with scheme, without path.
    pub(crate) fn endpoint(&self, registry: &Registry) -> String {
        let scheme = if self.is_plain_http { "http" } else { "https" };
        format!("{scheme}://{}", self.host(registry))
    }

    /// `downloadUrl` of the sealed part of a layer link.
    pub(crate) fn layer_url(&self, registry: &Registry, sealed: &str) -> String {
        format!("{}/layer/{sealed}", self.endpoint(registry))
    }

    fn names_registries(&self) -> bool {
        self.uri_host.contains("{account}")
    }

    fn host(&self, registry: &Registry) -> String {
        self.uri_host
            .replace("{account}", registry.account.as_str())
            .replace("{region}", registry.region.as_str())
    }
}

#[cfg(test)]
mod tests {
    use ecru_domain::{AccountId, Region};

    use super::*;

    fn registry(account: &str, region: &str) -> Registry {
        Registry {
            account: AccountId::parse(account).unwrap(),
            region: Region::parse(region).unwrap(),
        }
    }

    #[test]
    fn a_uri_is_bare_at_home_and_names_every_other_registry() {
        let name = RepositoryName::parse("team/app").unwrap();
        let shared = AwsConfig {
            home: registry("000000000000", "us-east-1"),
            uri_host: "localhost:5050".to_owned(),
            is_plain_http: true,
        };
        let own = AwsConfig {
            uri_host: "{account}.dkr.ecr.{region}.example.com".to_owned(),
            is_plain_http: false,
            ..shared.clone()
        };
        let foreign = registry("222222222222", "eu-west-1");
        for (config, registry, uri, endpoint) in [
            (
                &shared,
                &shared.home,
                "localhost:5050/team/app",
                "http://localhost:5050",
            ),
            (
                &shared,
                &foreign,
                "localhost:5050/222222222222.eu-west-1/team/app",
                "http://localhost:5050",
            ),
            (
                &own,
                &foreign,
                "222222222222.dkr.ecr.eu-west-1.example.com/team/app",
                "https://222222222222.dkr.ecr.eu-west-1.example.com",
            ),
        ] {
            assert_eq!(config.repository_uri(registry, &name), uri);
            assert_eq!(config.endpoint(registry), endpoint);
        }
        assert_eq!(
            shared.layer_url(&shared.home, "abc"),
            "http://localhost:5050/layer/abc"
        );
    }
}
