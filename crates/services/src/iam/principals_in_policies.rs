//! Principals in policies of resources and in trust policies: kept as unique ids, shown as ARNs.
//!
//! ```text
//! saved:  arn:aws:iam::A:user/ada                ──▶ AIDA…
//!         arn:aws:iam::A:role/deploy             ──▶ AROA…
//!         arn:aws:sts::A:assumed-role/deploy/ci  ──▶ AROA…:ci
//! shown:  the other way round; an id whose owner is gone stays
//! ```
//!
//! So a policy means who was there when it was written, and not a namesake who came later (IAM User Guide, "AWS JSON
//! policy elements: Principal"). A provider of identities is named by its ARN and is not looked for, as in AWS: a role
//! can be made before the provider that it trusts, and trusts nobody until that is there.

use std::collections::HashMap;

use ecru_domain::{AccountId, Error, Refusal};
use ecru_policy::{PrincipalKind, principals, rewrite_principals};
use ecru_ports::metadata::{EntityKind, EntityRecord, ReadTransaction};
use thiserror::Error;

use super::records;

/// The most principals of a document that are looked up: the sizes of documents allow for fewer.
const MAX_PRINCIPALS: usize = 400;

/// Why a document cannot be kept.
#[derive(Debug, Error)]
pub(crate) enum PrincipalProblem {
    /// It names somebody who is not there, in AWS's words. Each API has a code of its own for it.
    #[error("{0}")]
    Invalid(String),
    /// The store failed, or the document is not one.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl PrincipalProblem {
    /// The error of an API, given how it words a refusal.
    pub(crate) fn refused(self, refuse: impl FnOnce(String) -> Refusal) -> Error {
        match self {
            Self::Invalid(message) => refuse(message).into(),
            Self::Failed(error) => error,
        }
    }
}

/// The form in which a policy is kept. Users and roles that it names must exist; accounts may be anywhere.
pub(crate) fn stored_form(
    rows: &mut dyn ReadTransaction,
    text: &str,
) -> Result<String, PrincipalProblem> {
    let named = principals(text).map_err(Error::internal)?;
    if named.len() > MAX_PRINCIPALS {
        let message = format!("A policy can name at most {MAX_PRINCIPALS} principals.");
        return Err(PrincipalProblem::Invalid(message));
    }
    let mut stored = HashMap::new();
    for name in named {
        let form = stored_principal(rows, &name)?.ok_or_else(|| {
            PrincipalProblem::Invalid(format!("Invalid principal in policy: \"AWS\":\"{name}\""))
        })?;
        stored.insert(name, form);
    }
    rewrite(text, &stored).map_err(Into::into)
}

/// The form in which a kept policy is shown.
pub(crate) fn shown_form(rows: &mut dyn ReadTransaction, text: &str) -> Result<String, Error> {
    let mut shown = HashMap::new();
    for name in principals(text).map_err(Error::internal)? {
        if let Some(arn) = shown_principal(rows, &name)? {
            shown.insert(name, arn);
        }
    }
    rewrite(text, &shown)
}

fn rewrite(text: &str, forms: &HashMap<String, String>) -> Result<String, Error> {
    rewrite_principals(text, |name| {
        forms.get(name).filter(|form| *form != name).cloned()
    })
    .map_err(Error::internal)
}

/// What is kept for a name; `None` if it means nobody.
fn stored_principal(rows: &mut dyn ReadTransaction, name: &str) -> Result<Option<String>, Error> {
    if name == "*" || AccountId::parse(name).is_ok() {
        return Ok(Some(name.to_owned()));
    }
    if !name.starts_with("arn:") {
        // what was shown for somebody who is gone cannot be saved again
        return Ok(shown_principal(rows, name)?.map(|_| name.to_owned()));
    }
    let Ok(principal) = ecru_policy::Principal::parse(name) else {
        return Ok(None);
    };
    let account = principal.account().map(AccountId::parse);
    let Some(Ok(account)) = account else {
        return Ok(None);
    };
    if !name.starts_with("arn:aws:") {
        return Ok(None);
    }
    let kind = match principal.kind() {
        PrincipalKind::Root | PrincipalKind::FederatedUser => return Ok(Some(name.to_owned())),
        PrincipalKind::User => EntityKind::User,
        PrincipalKind::Role | PrincipalKind::AssumedRole => EntityKind::Role,
        PrincipalKind::IdentityProvider | PrincipalKind::Service | PrincipalKind::Anonymous => {
            return Ok(None);
        }
    };
    let key = records::name_key(principal.name());
    let Some(entity) = rows.find_entity(&account, kind, &key)? else {
        return Ok(None);
    };
    Ok(match principal.session_name() {
        Some(session) => (records::name_of(&entity)? == principal.name())
            .then(|| format!("{}:{session}", entity.id)),
        None => (records::arn_of(&entity)? == name).then_some(entity.id),
    })
}

/// The ARN of whom a kept name means; `None` if it is none of a user or role that is there.
fn shown_principal(rows: &mut dyn ReadTransaction, name: &str) -> Result<Option<String>, Error> {
    if name == "*" || name.starts_with("arn:") || AccountId::parse(name).is_ok() {
        return Ok(None);
    }
    let (id, session) = match name.split_once(':') {
        Some((id, session)) => (id, Some(session)),
        None => (name, None),
    };
    let Some(entity) = rows.entity(id)? else {
        return Ok(None);
    };
    principal_arn(&entity, session)
}

fn principal_arn(entity: &EntityRecord, session: Option<&str>) -> Result<Option<String>, Error> {
    Ok(match (entity.kind, session) {
        (EntityKind::Role, Some(session)) => {
            let name = records::name_of(entity)?;
            let account = &entity.account;
            Some(format!(
                "arn:aws:sts::{account}:assumed-role/{name}/{session}"
            ))
        }
        (EntityKind::User | EntityKind::Role, None) => Some(records::arn_of(entity)?),
        _ => None,
    })
}
