//! What binds a principal: everything that its account says of it, read once and kept while that holds.
//!
//! Two things keep it current. While nothing was committed that changes structure, what was read is used as it is. After
//! that, or while a commit is under way, one look at the versions of the accounts concerned tells whether it still
//! holds; only if not it is read anew.

use std::collections::HashMap;
use std::sync::Arc;

use ecru_domain::{AccountId, Error, Principal, Refusal, SessionKind, SessionPolicy};
use ecru_policy::{Document, Policy};
use ecru_ports::metadata::{DocumentKind, EntityKind, EntityRecord, LinkKind, ReadTransaction};
use parking_lot::Mutex;

use super::asked_keys::AskedKeys;
use super::organization::{self, AccountPlace};
use crate::iam::managed_policies;
use crate::iam::records::{
    self, PolicyDocument, PolicyVersionDocument, RoleDocument, UserDocument,
};
use crate::remembered::Remembered;
use crate::store::{Store, Warrant};

/// Principals remembered.
const MAX_REMEMBERED: usize = 10_000;

/// Policies attached to one identity that are read.
pub(crate) const MAX_ATTACHED: u32 = 20;

/// Inline policies of one identity that are read: their total size bounds them long before.
pub(crate) const MAX_INLINE: u32 = 200;

/// Groups of one user that are read.
pub(crate) const MAX_GROUPS: u32 = 10;

/// What binds a principal.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    /// As policies see it.
    pub(crate) principal: ecru_policy::Principal,
    /// `aws:PrincipalArn`: of a session of a role, the role's.
    pub(crate) arn: String,
    /// `aws:username`: of a user alone.
    pub(crate) user_name: Option<String>,
    /// The tags of the user or role.
    pub(crate) tags: Vec<(String, String)>,
    /// Identity policies.
    pub(crate) identity: Vec<Document>,
    /// The permissions boundary.
    pub(crate) boundary: Option<Document>,
    /// Session policies, if any were passed.
    pub(crate) session: Option<Vec<Document>>,
    /// The condition keys that any of it asks for.
    pub(crate) asked: AskedKeys,
    /// Where its account stands.
    pub(crate) place: Arc<AccountPlace>,
}

/// Which principal: its unique id, ARN and fingerprint, a line each, since it is made for every request and one text is
/// made at once. Sessions with other tags or policies stand apart.
type Who = String;

fn who(principal: &Principal) -> Who {
    let session = principal.session.as_ref();
    let fingerprint = session.map_or("", |session| session.fingerprint.as_str());
    [&*principal.unique_id, &*principal.arn, fingerprint].join("\n")
}

/// What binds principals.
#[derive(Clone)]
pub(crate) struct Standings {
    store: Store,
    known: Arc<Remembered<Who, Option<Arc<Standing>>>>,
    checked: Arc<Mutex<HashMap<Who, Arc<Standing>>>>,
}

impl Standings {
    /// Over the store.
    pub(crate) fn new(store: Store) -> Self {
        Self {
            store,
            known: Arc::new(Remembered::new(MAX_REMEMBERED)),
            checked: Arc::default(),
        }
    }

    /// What binds a principal. Refused with `TokenInvalid` if its user or role is gone, or its account closed.
    pub(crate) async fn of(&self, principal: &Principal) -> Result<Arc<Standing>, Error> {
        let found = self.find(principal).await?;
        found.ok_or_else(|| Refusal::TokenInvalid.into())
    }

    /// What binds a principal; `None` if its user or role is gone, or its account closed.
    pub(crate) async fn find(&self, principal: &Principal) -> Result<Option<Arc<Standing>>, Error> {
        let who = who(principal);
        // nearly always: found without a copy of what it would be read for
        if let Some(known) = self.store.remembered(&self.known, &who).await {
            return Ok(known);
        }
        let before = self.checked.lock().get(&who).cloned();
        let asked = principal.clone();
        let read = move |rows: &mut dyn ReadTransaction| {
            if let Some(standing) = before
                && organization::are_current(rows, &standing.place.versions)?
            {
                return Ok(Some(standing));
            }
            Ok(load(rows, &asked)?.map(Arc::new))
        };
        let found = self
            .store
            .recall(Warrant::server(), &self.known, who.clone(), |_| 1, read)
            .await?;
        if let Some(standing) = &found {
            self.check(who, standing);
        }
        Ok(found)
    }

    fn check(&self, who: Who, standing: &Arc<Standing>) {
        let mut checked = self.checked.lock();
        if checked
            .get(&who)
            .is_some_and(|known| Arc::ptr_eq(known, standing))
        {
            return;
        }
        if checked.len() >= MAX_REMEMBERED {
            checked.clear();
        }
        checked.insert(who, Arc::clone(standing));
    }
}

/// Reads what binds a principal.
pub(crate) fn load(
    rows: &mut dyn ReadTransaction,
    principal: &Principal,
) -> Result<Option<Standing>, Error> {
    let place = Arc::new(AccountPlace::load(rows, &principal.account)?);
    if place.is_closed {
        return Ok(None);
    }
    let parsed = ecru_policy::Principal::parse(&principal.arn).map_err(Error::internal)?;
    let mut standing = Standing {
        principal: parsed.with_unique_id(principal.unique_id.clone()),
        arn: principal.arn.clone(),
        user_name: None,
        tags: Vec::new(),
        identity: Vec::new(),
        boundary: None,
        session: session_documents(rows, principal)?,
        asked: AskedKeys::default(),
        place,
    };
    if principal.unique_id == principal.account.as_str() {
        let root = format!("arn:aws:iam::{}:root", principal.account);
        standing.principal = standing.principal.with_parent(root);
        if principal.session_kind() == Some(SessionKind::FederatedUser) {
            // a part of the root user, whom no policy allows what it may do
            standing.identity = managed_document(rows, managed_policies::ADMINISTRATOR)?
                .into_iter()
                .collect();
        }
        return Ok(Some(standing.finished()));
    }
    let Some(entity) = rows.entity(&principal.unique_id)? else {
        return Ok(None);
    };
    match entity.kind {
        EntityKind::User => standing.load_user(rows, &entity, principal)?,
        EntityKind::Role => standing.load_role(rows, &entity)?,
        _ => return Ok(None),
    }
    Ok(Some(standing.finished()))
}

impl Standing {
    fn finished(mut self) -> Self {
        let asked = AskedKeys::of(self.documents());
        self.asked = asked;
        self
    }

    /// Every document that binds it.
    fn documents(&self) -> impl Iterator<Item = &Document> {
        let session = self.session.iter().flatten();
        let own = self.identity.iter().chain(&self.boundary).chain(session);
        own.chain(self.place.scps.iter().flatten())
    }

    /// What binds a provider of identities: the policies of resources alone.
    pub(crate) fn of_provider(arn: &str) -> Result<Self, Error> {
        Ok(Self {
            principal: ecru_policy::Principal::parse(arn).map_err(Error::internal)?,
            arn: arn.to_owned(),
            user_name: None,
            tags: Vec::new(),
            identity: Vec::new(),
            boundary: None,
            session: None,
            asked: AskedKeys::default(),
            place: Arc::default(),
        })
    }

    fn load_user(
        &mut self,
        rows: &mut dyn ReadTransaction,
        entity: &EntityRecord,
        principal: &Principal,
    ) -> Result<(), Error> {
        let user: UserDocument = records::read(entity)?;
        let arn = records::identity_arn(&entity.account, entity.kind, &entity.path, &user.name);
        if principal.session_kind() == Some(SessionKind::FederatedUser) {
            let parented = self.principal.clone().with_parent(arn);
            self.principal = parented;
        } else {
            self.arn = arn;
            self.user_name = Some(user.name);
        }
        self.tags = user.tags;
        self.load_policies(rows, entity)?;
        for group in rows.links_from(&entity.id, LinkKind::Membership, None, MAX_GROUPS)? {
            let attached = identity_documents(rows, &entity.account, &group)?;
            self.identity.extend(attached);
        }
        Ok(())
    }

    fn load_role(
        &mut self,
        rows: &mut dyn ReadTransaction,
        entity: &EntityRecord,
    ) -> Result<(), Error> {
        let role: RoleDocument = records::read(entity)?;
        self.arn = records::identity_arn(&entity.account, entity.kind, &entity.path, &role.name);
        self.tags = role.tags;
        self.load_policies(rows, entity)
    }

    fn load_policies(
        &mut self,
        rows: &mut dyn ReadTransaction,
        entity: &EntityRecord,
    ) -> Result<(), Error> {
        self.identity = identity_documents(rows, &entity.account, &entity.id)?;
        if let Some(arn) = rows
            .links_from(&entity.id, LinkKind::Boundary, None, 1)?
            .pop()
        {
            let arn = records::attached_arn(&arn);
            let boundary = managed_document(rows, arn)?;
            // a boundary that is gone allows nothing
            self.boundary = Some(boundary.unwrap_or(nothing(arn)?));
        }
        Ok(())
    }
}

/// Inline and attached policies of a user, role or group.
pub(crate) fn identity_documents(
    rows: &mut dyn ReadTransaction,
    account: &AccountId,
    id: &str,
) -> Result<Vec<Document>, Error> {
    let mut documents = Vec::new();
    for inline in rows.entity_documents(id, DocumentKind::InlinePolicy, None, MAX_INLINE)? {
        let policy = Policy::parse(&inline.document).map_err(Error::internal)?;
        documents.push(Document::new(inline.name, policy));
    }
    for target in rows.links_from(id, LinkKind::AttachedPolicy, None, MAX_ATTACHED)? {
        let arn = records::attached_arn(&target);
        let belongs = managed_policies::is_of_aws(arn)
            || arn.starts_with(&format!("arn:aws:iam::{account}:"));
        if let Some(document) = managed_document(rows, arn)?
            && belongs
        {
            documents.push(document);
        }
    }
    Ok(documents)
}

/// The version in force of a managed policy, of the account's or of AWS.
pub(crate) fn managed_document(
    rows: &mut dyn ReadTransaction,
    arn: &str,
) -> Result<Option<Document>, Error> {
    if let Some(policy) = managed_policies::find(arn) {
        let parsed = Policy::parse(policy.document).map_err(Error::internal)?;
        return Ok(Some(Document::new(arn, parsed)));
    }
    let Some((account, EntityKind::Policy, key)) = records::parse_identity_arn(arn) else {
        return Ok(None);
    };
    let Some(entity) = rows.find_entity(&account, EntityKind::Policy, &key)? else {
        return Ok(None);
    };
    let policy: PolicyDocument = records::read(&entity)?;
    let version = format!("v{}", policy.default_version);
    let text = rows
        .entity_document(&entity.id, DocumentKind::PolicyVersion, &version)?
        .ok_or_else(|| Error::internal("the default version of a policy is gone"))?;
    let version: PolicyVersionDocument = records::read_text(&text)?;
    let parsed = Policy::parse(&version.document).map_err(Error::internal)?;
    Ok(Some(Document::new(arn, parsed)))
}

fn session_documents(
    rows: &mut dyn ReadTransaction,
    principal: &Principal,
) -> Result<Option<Vec<Document>>, Error> {
    let Some(session) = &principal.session else {
        return Ok(None);
    };
    if session.policies.is_empty() {
        return Ok(None);
    }
    let mut documents = Vec::new();
    for policy in &session.policies {
        documents.push(match policy {
            SessionPolicy::Inline(text) => {
                Document::new("session", Policy::parse(text).map_err(Error::internal)?)
            }
            SessionPolicy::Managed(arn) => match managed_document(rows, arn)? {
                Some(document) => document,
                None => nothing(arn)?,
            },
        });
    }
    Ok(Some(documents))
}

/// A policy that is gone: it allows nothing, and still is there to restrict.
fn nothing(arn: &str) -> Result<Document, Error> {
    let policy = Policy::parse(r#"{"Version":"2012-10-17","Statement":[]}"#);
    Ok(Document::new(arn, policy.map_err(Error::internal)?))
}
