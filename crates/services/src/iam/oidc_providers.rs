//! `OpenID` Connect providers, whose tokens roles may trust (IAM API Reference, `CreateOpenIDConnectProvider` and its
//! siblings).

use ecru_domain::{Error, Timestamp};
use ecru_ports::metadata::{EntityKind, EntityList, EntityRecord, Lane};

use super::records::{self, OidcProviderDocument};
use super::targets::{NewEntity, Target};
use super::users::insert;
use super::{Iam, quotas, refusals, tags};
use crate::access::RequestContext;

/// What condition keys of the server itself begin with: claims of a provider of that name would pass for them.
const SERVICES: [&str; 7] = ["aws", "ecr", "ecru", "iam", "kms", "organizations", "sts"];
/// The longest URL.
const MAX_URL: usize = 255;
/// Characters of a thumbprint: SHA-1 in hexadecimal.
const THUMBPRINT: usize = 40;

/// A provider that is to be made, or one that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OidcProvider {
    /// Its URL: with `https://` to make it, without as it is told.
    pub url: String,
    /// The audiences that tokens may be for.
    pub client_ids: Vec<String>,
    /// Thumbprints of certificates that vouch for it.
    pub thumbprints: Vec<String>,
    /// Its tags.
    pub tags: Vec<(String, String)>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Iam {
    /// `iam:CreateOpenIDConnectProvider`. Answers its ARN.
    pub async fn create_oidc_provider(
        &self,
        context: &RequestContext,
        command: OidcProvider,
    ) -> Result<String, Error> {
        let name = provider_name(&command.url)?;
        let new = NewEntity {
            kind: EntityKind::OidcProvider,
            path: "/",
            name: &name,
            boundary: None,
            tags: &command.tags,
            tagging: Some("iam:TagOpenIDConnectProvider"),
        };
        let permit = self
            .permit_new(context, "iam:CreateOpenIDConnectProvider", &new)
            .await?;
        tags::check(&command.tags)?;
        let provider = OidcProviderDocument {
            url: format!("https://{name}"),
            client_ids: command.client_ids,
            thumbprints: command.thumbprints,
            tags: command.tags,
            jwks: None,
        };
        check(&provider)?;
        let account = context.principal.account.clone();
        let entity = EntityRecord {
            id: format!("oidc-provider {account} {}", self.ids.uuid()),
            account,
            kind: EntityKind::OidcProvider,
            key: name,
            path: "/".to_owned(),
            document: records::write(&provider)?,
            created_at: self.clock.now(),
        };
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                let quota = ("OpenIdConnectProvidersPerAccount", quotas::PROVIDERS);
                insert(rows, &entity, quota)?;
                records::arn_of(&entity)
            })
            .await
    }

    /// `iam:GetOpenIDConnectProvider`
    pub async fn get_oidc_provider(
        &self,
        context: &RequestContext,
        arn: &str,
    ) -> Result<OidcProvider, Error> {
        let target = Target::by_arn(context, EntityKind::OidcProvider, arn)?;
        let permit = self
            .permit(context, "iam:GetOpenIDConnectProvider", &target)
            .await?;
        self.store
            .lookup((&permit).into(), move |rows| {
                let entity = target.find(rows)?;
                let provider: OidcProviderDocument = records::read(&entity)?;
                Ok(OidcProvider {
                    url: entity.key,
                    client_ids: provider.client_ids,
                    thumbprints: provider.thumbprints,
                    tags: provider.tags,
                    created_at: entity.created_at,
                })
            })
            .await
    }

    /// `iam:ListOpenIDConnectProviders`: the ARNs of all.
    pub async fn list_oidc_providers(
        &self,
        context: &RequestContext,
    ) -> Result<Vec<String>, Error> {
        let permit = self
            .permit_account(context, "iam:ListOpenIDConnectProviders")
            .await?;
        let account = context.principal.account.clone();
        self.store
            .read((&permit).into(), move |rows| {
                let all = EntityList {
                    account: &account,
                    kind: EntityKind::OidcProvider,
                    path_prefix: "/",
                    after: None,
                    limit: u32::try_from(quotas::PROVIDERS).unwrap_or(u32::MAX),
                };
                let found = rows.list_entities(all)?;
                found.iter().map(records::arn_of).collect()
            })
            .await
    }

    /// `iam:AddClientIDToOpenIDConnectProvider`; one that is there stays.
    pub async fn add_client_id(
        &self,
        context: &RequestContext,
        arn: &str,
        client_id: String,
    ) -> Result<(), Error> {
        let action = "iam:AddClientIDToOpenIDConnectProvider";
        self.change_provider(context, action, arn, move |provider| {
            if !provider.client_ids.contains(&client_id) {
                provider.client_ids.push(client_id.clone());
            }
        })
        .await
    }

    /// `iam:RemoveClientIDFromOpenIDConnectProvider`; one that is not there stays away.
    pub async fn remove_client_id(
        &self,
        context: &RequestContext,
        arn: &str,
        client_id: String,
    ) -> Result<(), Error> {
        let action = "iam:RemoveClientIDFromOpenIDConnectProvider";
        self.change_provider(context, action, arn, move |provider| {
            provider.client_ids.retain(|known| *known != client_id);
        })
        .await
    }

    /// `iam:UpdateOpenIDConnectProviderThumbprint`: these in place of all.
    pub async fn set_thumbprints(
        &self,
        context: &RequestContext,
        arn: &str,
        thumbprints: Vec<String>,
    ) -> Result<(), Error> {
        let action = "iam:UpdateOpenIDConnectProviderThumbprint";
        self.change_provider(context, action, arn, move |provider| {
            provider.thumbprints.clone_from(&thumbprints);
        })
        .await
    }

    async fn change_provider<F>(
        &self,
        context: &RequestContext,
        action: &'static str,
        arn: &str,
        change: F,
    ) -> Result<(), Error>
    where
        F: Fn(&mut OidcProviderDocument) + Send + 'static,
    {
        let target = Target::by_arn(context, EntityKind::OidcProvider, arn)?;
        let permit = self.permit(context, action, &target).await?;
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&target.account)?;
                let mut entity = target.find(rows)?;
                let mut provider: OidcProviderDocument = records::read(&entity)?;
                change(&mut provider);
                check(&provider)?;
                entity.document = records::write(&provider)?;
                rows.update_entity(&entity)?;
                Ok(())
            })
            .await
    }

    /// `iam:DeleteOpenIDConnectProvider`
    pub async fn delete_oidc_provider(
        &self,
        context: &RequestContext,
        arn: &str,
    ) -> Result<(), Error> {
        let target = Target::by_arn(context, EntityKind::OidcProvider, arn)?;
        let permit = self
            .permit(context, "iam:DeleteOpenIDConnectProvider", &target)
            .await?;
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&target.account)?;
                let entity = target.find(rows)?;
                rows.delete_entity(&entity.id)?;
                Ok(())
            })
            .await
    }
}

/// The URL of a provider without `https://`: its name in ARNs and condition keys.
fn provider_name(url: &str) -> Result<String, Error> {
    let invalid = || refusals::validation("Invalid Open ID Connect Provider URL");
    let name = url.strip_prefix("https://").ok_or_else(invalid)?;
    let is_plain = name
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"?#@\"\\<>".contains(&byte));
    let host = name.split('/').next().unwrap_or_default();
    let is_service = SERVICES.iter().any(|own| own.eq_ignore_ascii_case(name));
    if url.len() > MAX_URL || !is_plain || host.is_empty() || is_service {
        return Err(invalid());
    }
    // a slash at the end stays: tokens name their issuer with it
    Ok(name.to_owned())
}

fn check(provider: &OidcProviderDocument) -> Result<(), Error> {
    if provider.client_ids.len() > quotas::CLIENT_IDS {
        let limit = quotas::CLIENT_IDS;
        return Err(refusals::over_quota(
            "ClientIdsPerOpenIdConnectProvider",
            limit,
        ));
    }
    if provider.thumbprints.len() > quotas::THUMBPRINTS {
        return Err(refusals::invalid_input(
            "Thumbprint list must contain fewer than 5 entries.",
        ));
    }
    let is_thumbprint =
        |text: &String| text.len() == THUMBPRINT && text.bytes().all(|b| b.is_ascii_hexdigit());
    if provider.thumbprints.iter().all(is_thumbprint) {
        return Ok(());
    }
    Err(refusals::invalid_input(
        "A thumbprint has 40 hexadecimal digits.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_are_named_after_their_urls() {
        let name = provider_name("https://token.actions.example/enterprise").unwrap();
        assert_eq!(name, "token.actions.example/enterprise");
        assert_eq!(provider_name("https://x.example/").unwrap(), "x.example/");
        for bad in [
            "http://x.example",
            "x.example",
            "https://",
            "https:///path",
            "https://x.example?q",
            "https://user@x.example",
            "https://x example",
            "https://aws",
            "https://STS",
        ] {
            assert!(provider_name(bad).is_err(), "{bad}");
        }
    }
}
