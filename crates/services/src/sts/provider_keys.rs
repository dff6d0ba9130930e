//! The keys of a provider of identities that this server cannot ask, as the operator gives them
//! (`ecru:PutOidcProviderKeys`).

use ecru_domain::{Action, Error, Refusal, Registry};
use ecru_ports::metadata::{EntityKind, Lane};

use super::Sts;
use crate::access::{RequestContext, Resource};
use crate::iam::records::{self, OidcProviderDocument};

/// The longest set of keys, in bytes.
const MAX_KEYS: usize = 64 * 1_024;

impl Sts {
    /// Sets the keys (a JSON Web Key Set) with which tokens of a provider are checked; with `None`, the provider is asked
    /// for them again.
    pub async fn put_provider_keys(
        &self,
        context: &RequestContext,
        provider_arn: &str,
        keys: Option<String>,
    ) -> Result<(), Error> {
        let Some((account, EntityKind::OidcProvider, key)) =
            records::parse_identity_arn(provider_arn)
        else {
            return Err(bad_provider());
        };
        let registry = Registry {
            account: account.clone(),
            region: context.region.clone(),
        };
        let resource = Resource::named(registry, provider_arn.to_owned(), Vec::new());
        let action = Action::PUT_OIDC_PROVIDER_KEYS;
        let permit = self.access.authorize(context, action, resource).await?;
        if let Some(keys) = &keys {
            self.check_keys(keys)?;
        }
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&account)?;
                let found = rows.find_entity(&account, EntityKind::OidcProvider, &key)?;
                let mut entity = found.ok_or_else(bad_provider)?;
                let mut document: OidcProviderDocument = records::read(&entity)?;
                document.jwks.clone_from(&keys);
                entity.document = records::write(&document)?;
                rows.update_entity(&entity)?;
                Ok(())
            })
            .await
    }

    fn check_keys(&self, keys: &str) -> Result<(), Error> {
        let count = self.identity_tokens.count_keys(keys);
        if keys.len() <= MAX_KEYS && matches!(count, Ok(1..)) {
            return Ok(());
        }
        let constraint = format!(
            "must be a JSON Web Key Set of at most {MAX_KEYS} bytes with a public key for signatures"
        );
        Err(Refusal::InvalidParameter {
            member: "keys",
            constraint,
        }
        .into())
    }
}

fn bad_provider() -> Error {
    Refusal::InvalidParameter {
        member: "provider",
        constraint: "must be the ARN of a registered OpenID Connect provider".to_owned(),
    }
    .into()
}
