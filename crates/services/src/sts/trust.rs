//! The role that a request asks for, and whether its trust policy lets the caller have it (IAM User Guide, "Policy
//! evaluation logic" and "How to use trust policies with IAM roles").
//!
//! Whether a role exists is nobody's business who may not assume it: one that does not is decided like one that trusts
//! nobody, and the reason for a denial tells of the trust policy only to those whose own policies let them ask.

use ecru_domain::{AccountId, Error, Region, Registry};
use ecru_policy::{Document, Policy};
use ecru_ports::metadata::{EntityKind, EntityRecord, ReadTransaction};

use super::{Sts, invalid};
use crate::access::{AccountPlace, Demand, RequestContext, Resource, Standing};
use crate::iam::records::{self, RoleDocument};
use crate::store::{Store, Warrant};

/// What trusts nobody.
const NOBODY: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;

/// A role that is asked for, whether it is there or not.
pub(crate) struct AskedRole {
    /// As asked for.
    pub(super) arn: String,
    /// Its account.
    pub(super) account: AccountId,
    /// What it is, if it is there.
    pub(super) found: Option<(EntityRecord, RoleDocument)>,
}

impl AskedRole {
    /// Looks for the role of an ARN; `None` if that is not one of a role.
    pub(crate) async fn find(store: &Store, arn: &str) -> Result<Option<Self>, Error> {
        let Some((account, EntityKind::Role, key)) = records::parse_identity_arn(arn) else {
            return Ok(None);
        };
        let (owner, wanted) = (account.clone(), arn.to_owned());
        let read = store.lookup(Warrant::server(), move |rows| {
            find(rows, &owner, &key, &wanted)
        });
        Ok(Some(Self {
            arn: arn.to_owned(),
            account,
            found: read.await?,
        }))
    }

    /// As a resource; `region` is the request's.
    pub(crate) fn resource(&self, region: Region) -> Resource {
        let registry = Registry {
            account: self.account.clone(),
            region,
        };
        let tags = self.found.as_ref().map(|(_, role)| role.tags.clone());
        Resource::named(registry, self.arn.clone(), tags.unwrap_or_default())
    }

    /// A demand on it.
    pub(super) fn demand(&self, context: &RequestContext, action: ecru_domain::Action) -> Demand {
        Demand::new(action, self.resource(context.region.clone()))
    }

    /// Its trust policy; one that trusts nobody if it is not there.
    pub(crate) fn trust(&self) -> Result<Document, Error> {
        let text = self.found.as_ref().map(|(_, role)| role.trust.as_str());
        let policy = Policy::parse(text.unwrap_or(NOBODY)).map_err(Error::internal)?;
        Ok(Document::new("trust policy", policy))
    }
}

impl Sts {
    /// Looks for the role of an ARN. Refused if that is not one of a role.
    pub(super) async fn find_role(&self, arn: &str) -> Result<AskedRole, Error> {
        let found = AskedRole::find(&self.store, arn).await?;
        found.ok_or_else(|| invalid(format!("{arn} is invalid")))
    }

    /// Whether the caller may have the role, for each of `demands`. The reason for the first that is denied, as AWS
    /// appends it.
    pub(super) async fn decide_role(
        &self,
        context: &RequestContext,
        role: &AskedRole,
        standing: &Standing,
        demands: &[Demand],
    ) -> Result<Result<(), (ecru_domain::Action, String)>, Error> {
        for demand in demands {
            let trust = role.trust()?;
            let decision = self.access.decide_trust(context, demand, standing, trust);
            let decision = decision.await?;
            if decision.is_allowed() {
                continue;
            }
            let is_own = context.principal.account == role.account;
            let reason = if is_own {
                let own = own_reason(&self.access, context, standing, demand).await?;
                own.unwrap_or_else(|| decision.reason(demand.action.as_str()))
            } else {
                String::new()
            };
            return Ok(Err((demand.action, reason)));
        }
        Ok(Ok(()))
    }
}

/// Why the own policies of the caller do not let it ask for a role of its account, if they do not.
async fn own_reason(
    access: &crate::Access,
    context: &RequestContext,
    standing: &Standing,
    demand: &Demand,
) -> Result<Option<String>, Error> {
    let account = &context.principal.account;
    let everyone = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"{account}"}},"Action":"sts:*"}}}}"#
    );
    let trust = Policy::parse(&everyone).map_err(Error::internal)?;
    let trust = Document::new("trust policy", trust);
    // asked for the text alone: it is not the decision
    let quiet = RequestContext {
        decisions: crate::Decisions::default(),
        ..context.clone()
    };
    let decision = access.decide_trust(&quiet, demand, standing, trust).await?;
    let reason = decision.reason(demand.action.as_str());
    Ok((!decision.is_allowed()).then_some(reason))
}

/// The role of a key, if it has this very ARN and its account is open.
fn find(
    rows: &mut dyn ReadTransaction,
    account: &AccountId,
    key: &str,
    arn: &str,
) -> Result<Option<(EntityRecord, RoleDocument)>, Error> {
    let Some(entity) = rows.find_entity(account, EntityKind::Role, key)? else {
        return Ok(None);
    };
    let role: RoleDocument = records::read(&entity)?;
    let own = records::identity_arn(account, EntityKind::Role, &entity.path, &role.name);
    if own != arn || AccountPlace::load(rows, account)?.is_closed {
        return Ok(None);
    }
    Ok(Some((entity, role)))
}
