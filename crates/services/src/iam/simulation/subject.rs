//! Whom a simulation asks about: a user, a role or a group, and all that binds it.

use ecru_domain::{AccountId, Error, Principal};
use ecru_policy::{Context, Document, Level};
use ecru_ports::metadata::{EntityKind, EntityRecord, LinkKind, ReadTransaction};

use super::PolicySource;
use crate::access::AccountPlace;
use crate::access::standing::{self, MAX_GROUPS, identity_documents};
use crate::iam::{managed_policies, records, refusals};

/// All that binds the principal of a simulation.
pub(super) struct Subject {
    pub(super) principal: ecru_policy::Principal,
    pub(super) account: AccountId,
    pub(super) identity: Vec<Document>,
    pub(super) boundary: Option<Document>,
    pub(super) scps: Vec<Level>,
    /// What is known of the principal without anybody giving it.
    pub(super) context: Context,
}

/// Reads what binds a user, a role or a group.
pub(super) fn load_subject(
    rows: &mut dyn ReadTransaction,
    entity: EntityRecord,
) -> Result<Subject, Error> {
    let account = entity.account.clone();
    let own = match entity.kind {
        EntityKind::User => PolicySource::User,
        EntityKind::Role => PolicySource::Role,
        _ => PolicySource::Group,
    };
    let mut identity = sourced(rows, &account, &entity.id, own)?;
    for group in rows.links_from(&entity.id, LinkKind::Membership, None, MAX_GROUPS)? {
        identity.extend(sourced(rows, &account, &group, PolicySource::Group)?);
    }
    let arn = records::arn_of(&entity)?;
    let mut context = Context::new();
    let (boundary, scps, principal) = if entity.kind == EntityKind::Group {
        // a group is nobody: what it grants is asked as a user of it would
        let nobody = format!("arn:aws:iam::{account}:user/simulated");
        let principal = ecru_policy::Principal::parse(&nobody).map_err(Error::internal)?;
        let place = AccountPlace::load(rows, &account)?;
        (None, place.scps, principal)
    } else {
        let principal = Principal {
            account: account.clone(),
            arn: arn.clone(),
            unique_id: entity.id,
            access_key_id: String::new(),
            session: None,
        };
        let standing = standing::load(rows, &principal)?;
        let standing = standing.ok_or_else(|| refusals::no_such("The account is closed."))?;
        context.set("aws:PrincipalArn", arn);
        context.set("aws:PrincipalAccount", account.as_str());
        if let Some(name) = standing.user_name {
            context.set("aws:username", name);
            context.set("aws:userid", principal.unique_id);
        }
        for (key, value) in standing.tags {
            context.set(&format!("aws:PrincipalTag/{key}"), value);
        }
        let scps = standing.place.scps.clone();
        (standing.boundary, scps, standing.principal)
    };
    Ok(Subject {
        principal,
        account,
        identity,
        boundary,
        scps,
        context,
    })
}

/// The policies of an identity, each with whose it is.
fn sourced(
    rows: &mut dyn ReadTransaction,
    account: &AccountId,
    id: &str,
    own: PolicySource,
) -> Result<Vec<Document>, Error> {
    let documents = identity_documents(rows, account, id)?;
    let named = documents.into_iter().map(|document| {
        let source = match &*document.source {
            arn if managed_policies::is_of_aws(arn) => PolicySource::Aws,
            arn if arn.starts_with("arn:") => PolicySource::Local,
            _ => own,
        };
        Document::new(write_source(source, &document.source), document.policy)
    });
    Ok(named.collect())
}

const SOURCES: [(PolicySource, &str); 7] = [
    (PolicySource::User, "user"),
    (PolicySource::Group, "group"),
    (PolicySource::Role, "role"),
    (PolicySource::Aws, "aws"),
    (PolicySource::Local, "local"),
    (PolicySource::Resource, "resource"),
    (PolicySource::Given, "given"),
];

pub(super) fn write_source(source: PolicySource, name: &str) -> String {
    let word = SOURCES.iter().find(|(known, _)| *known == source);
    format!("{} {name}", word.map_or("given", |(_, word)| word))
}

/// Name and origin of a policy, from the source of its document.
pub(super) fn read_source(text: &str) -> (String, PolicySource) {
    let (word, name) = text.split_once(' ').unwrap_or(("given", text));
    let known = SOURCES.iter().find(|(_, known)| *known == word);
    match known {
        Some((source, _)) => (name.to_owned(), *source),
        None => (text.to_owned(), PolicySource::Given),
    }
}
