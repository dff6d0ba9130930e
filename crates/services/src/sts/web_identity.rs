//! `AssumeRoleWithWebIdentity`: a role, for those whom a registered provider of identities vouches for (STS API
//! Reference; IAM User Guide, "OIDC federation").
//!
//! ```text
//! token ──says──▶ issuer ──registered in the role's account?──▶ provider ──keys──▶ signature ──▶ claims
//! claims: audience, times ──▶ condition keys ──▶ the role's trust policy ──▶ session
//! ```
//!
//! Nobody signs such a request, so nothing is done for it that a stranger could make costly.

use std::sync::Arc;

use ecru_domain::sessions::{self, SessionTags};
use ecru_domain::web_identity::{ClaimValue, WebIdentity, not_a_token};
use ecru_domain::{AccountId, Action, Error, Invalid, Principal, StsRefusal};
use ecru_policy::Value;
use ecru_ports::TokenProblem;
use ecru_ports::metadata::EntityKind;
use zeroize::Zeroizing;

use super::assume_role::{RoleSession, session_keys};
use super::key_sets::Wanted;
use super::trust::AskedRole;
use super::{IssuedSession, Narrowing, Sts, denied};
use crate::access::{Demand, RequestContext, RequestOrigin, Standing};
use crate::iam::records::{self, OidcProviderDocument};
use crate::store::Warrant;

/// What `AssumeRoleWithWebIdentity` asks for.
pub struct AssumeRoleWithWebIdentity {
    /// The role.
    pub role_arn: String,
    /// What the session is to be called.
    pub session_name: String,
    /// The provider's token.
    pub token: Zeroizing<String>,
    /// What the session may do at most.
    pub narrowing: Narrowing,
    /// How long it lasts, in seconds.
    pub seconds: Option<u32>,
}

/// A session for a web identity.
#[derive(Clone, Debug)]
pub struct WebIdentitySession {
    /// The session.
    pub issued: IssuedSession,
    /// Whom the token is about.
    pub subject: String,
    /// The provider's ARN.
    pub provider: String,
    /// For whom the token is.
    pub audience: String,
}

/// A provider of identities that an account has registered.
struct Provider {
    arn: String,
    /// How condition keys name it: the issuer without `https://`.
    key: String,
    document: OidcProviderDocument,
}

impl Sts {
    /// A session of a role for somebody whom a provider vouches for.
    pub async fn assume_role_with_web_identity(
        &self,
        origin: &RequestOrigin,
        command: AssumeRoleWithWebIdentity,
    ) -> Result<WebIdentitySession, Error> {
        let role = self.find_role(&command.role_arn).await?;
        let provider = self.find_provider(&role.account, &command.token).await?;
        let identity = self.verified(&provider, &command.token).await?;
        let audience = identity.check(&provider.document.client_ids, self.clock.now())?;
        let (tags, transitive) = identity.tags()?;
        let tags = sessions::decide_tags(tags, transitive, SessionTags::default())?;
        let source = sessions::decide_source_identity(identity.source_identity(), None)?;
        let wanted = RoleSession {
            name: command.session_name,
            seconds: command.seconds,
            is_chained: false,
            tags,
            source_identity: source,
            narrowing: command.narrowing,
            provider: Some(provider.arn.clone()),
        };
        let claims = identity.condition_keys(&provider.key, &audience);
        let vouched = provider.principal(&role.account);
        let caller = origin.clone().signed(vouched, origin.region.clone());
        let demands = demands(&caller, &role, &wanted, &claims);
        let standing = Standing::of_provider(&provider.arn)?;
        let decided = self
            .decide_role(&caller, &role, &standing, &demands)
            .await?;
        decided.map_err(|_| denied("Not authorized to perform sts:AssumeRoleWithWebIdentity"))?;
        Ok(WebIdentitySession {
            issued: self.issue_role_session(role, wanted).await?,
            subject: identity.subject()?.to_owned(),
            provider: provider.arn,
            audience,
        })
    }

    /// The provider of the role's account that a token claims to come from.
    async fn find_provider(&self, account: &AccountId, token: &str) -> Result<Provider, Error> {
        let claims = self.identity_tokens.read_unverified(token);
        let claims = WebIdentity::parse(&claims.map_err(|_| not_a_token())?)?;
        let issuer = claims.issuer()?.to_owned();
        let key = without_scheme(&issuer).to_owned();
        let (owner, wanted) = (account.clone(), key.clone());
        let read = self.store.lookup(Warrant::server(), move |rows| {
            let found = rows.find_entity(&owner, EntityKind::OidcProvider, &wanted)?;
            found
                .map(|entity| records::read::<OidcProviderDocument>(&entity))
                .transpose()
        });
        match read.await? {
            Some(document) if document.url == issuer => Ok(Provider {
                arn: records::identity_arn(account, EntityKind::OidcProvider, "/", &key),
                key,
                document,
            }),
            Some(_) | None => {
                let issuer = Invalid::new("issuer", &issuer);
                let message = format!("No OpenIDConnect provider found in your account: {issuer}");
                Err(StsRefusal::InvalidIdentityToken { message }.into())
            }
        }
    }

    /// The claims of a token that the provider signed.
    async fn verified(&self, provider: &Provider, token: &str) -> Result<WebIdentity, Error> {
        let first = self.keys_of(provider, Wanted::Kept).await?;
        let mut outcome = self.identity_tokens.verify(token, &first);
        if outcome == Err(TokenProblem::UnknownKey) && provider.document.jwks.is_none() {
            let fresh = self.keys_of(provider, Wanted::Fresh).await?;
            if !Arc::ptr_eq(&first, &fresh) {
                outcome = self.identity_tokens.verify(token, &fresh);
            }
        }
        let message = match outcome {
            Ok(claims) => return WebIdentity::parse(&claims),
            Err(TokenProblem::NotAToken) => return Err(not_a_token()),
            Err(TokenProblem::UnknownKey | TokenProblem::BadKeys) => {
                "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements"
            }
            Err(TokenProblem::WrongSignature) => "Provided Token's signature is invalid",
        };
        let message = message.to_owned();
        Err(StsRefusal::InvalidIdentityToken { message }.into())
    }

    async fn keys_of(&self, provider: &Provider, wanted: Wanted) -> Result<Arc<str>, Error> {
        if let Some(keys) = &provider.document.jwks {
            return Ok(keys.as_str().into());
        }
        let issuer = &provider.document.url;
        self.key_sets.of(issuer, wanted).await.map_err(|reason| {
            tracing::warn!(
                provider = provider.arn,
                reason,
                "an identity provider has no keys for us"
            );
            let message = "Unable to retrieve the keys of the identity provider".to_owned();
            StsRefusal::IdpCommunicationError { message }.into()
        })
    }
}

impl Provider {
    /// Who asks, as far as refusals and the audit log are concerned.
    fn principal(&self, account: &AccountId) -> Principal {
        Principal {
            account: account.clone(),
            arn: self.arn.clone(),
            unique_id: self.arn.clone(),
            access_key_id: String::new(),
            session: None,
        }
    }
}

/// An issuer as condition keys and ARNs name it.
pub(super) fn without_scheme(issuer: &str) -> &str {
    let (_, rest) = issuer.split_once("://").unwrap_or(("", issuer));
    rest
}

fn demands(
    context: &RequestContext,
    role: &AskedRole,
    wanted: &RoleSession,
    claims: &[(String, ClaimValue)],
) -> Vec<Demand> {
    let mut actions = vec![Action::ASSUME_ROLE_WITH_WEB_IDENTITY];
    if !wanted.tags.tags.is_empty() {
        actions.push(Action::TAG_SESSION);
    }
    if wanted.source_identity.is_some() {
        actions.push(Action::SET_SOURCE_IDENTITY);
    }
    let with_keys = |action| {
        let demand = role.demand(context, action);
        let mut demand = session_keys(demand, &wanted.name, &wanted.tags.tags)
            .with_transitive(&wanted.tags.transitive);
        if let Some(source) = &wanted.source_identity {
            demand = demand.with_key("sts:SourceIdentity", source.clone());
        }
        for (name, value) in claims {
            demand = demand.with_key(name.clone(), condition_value(value));
        }
        demand
    };
    actions.into_iter().map(with_keys).collect()
}

fn condition_value(value: &ClaimValue) -> Value {
    match value {
        ClaimValue::One(text) => Value::One(text.clone()),
        ClaimValue::Many(texts) => Value::Many(texts.clone()),
    }
}
