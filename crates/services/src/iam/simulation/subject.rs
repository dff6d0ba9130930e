//! Whom a simulation asks about: a user, a role or a group, and all that binds it.

use ecru_domain::{AccountId, Error, Principal};
use ecru_policy::{Context, Document, Level};
use ecru_ports::metadata::{EntityKind, EntityRecord, LinkKind, ReadTransaction};

use super::sources::{PolicySource, Source};
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
    let mut identity = sourced(rows, &entity)?;
    for group in rows.links_from(&entity.id, LinkKind::Membership, None, MAX_GROUPS)? {
        if let Some(group) = rows.entity(&group)? {
            identity.extend(sourced(rows, &group)?);
        }
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
        (standing.boundary.map(managed), scps, standing.principal)
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
fn sourced(rows: &mut dyn ReadTransaction, owner: &EntityRecord) -> Result<Vec<Document>, Error> {
    let own = match owner.kind {
        EntityKind::User => PolicySource::User,
        EntityKind::Role => PolicySource::Role,
        _ => PolicySource::Group,
    };
    let name = records::name_of(owner)?;
    let documents = identity_documents(rows, &owner.account, &owner.id)?;
    let named = documents.into_iter().map(|document| {
        if document.source.starts_with("arn:") {
            return managed(document);
        }
        let source = Source::new(own, format!("{name}/{}", document.source));
        Document::new(source.write(), document.policy)
    });
    Ok(named.collect())
}

/// A managed policy, with whose it is.
fn managed(document: Document) -> Document {
    let kind = if managed_policies::is_of_aws(&document.source) {
        PolicySource::Aws
    } else {
        PolicySource::Local
    };
    let source = Source::new(kind, &*document.source);
    Document::new(source.write(), document.policy)
}
