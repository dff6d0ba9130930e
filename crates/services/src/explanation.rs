//! Why a principal may do something or not: the decision with every layer and statement that was looked at.
//!
//! The same code decides as for a real request; only the facts of the request are told instead of taken from one. Where
//! a role is asked for, its trust policy is the layer of the resource.

use std::net::IpAddr;
use std::sync::Arc;

use ecru_domain::arn::parse_repository_arn;
use ecru_domain::{
    AccountId, Action, Error, Principal, Refusal, Region, Registry, Session, SessionKind, Timestamp,
};
use ecru_policy::{Explanation, Value};
use ecru_ports::metadata::{EntityKind, ReadTransaction};

use crate::access::{Access, Decisions, Demand, RequestContext, Resource};
use crate::iam::records::{self, NamedDocument, Tag};
use crate::organizations::{self, NamedByArn, POLICY_TYPE};
use crate::store::{Store, Warrant};
use crate::sts::AskedRole;

/// Condition keys that one question may state.
pub const MAX_KEYS: usize = 100;

/// The name of the session in which a role is imagined.
const IMAGINED_SESSION: &str = "explain";

/// `ecru:Explain`
#[derive(Clone, Debug)]
pub struct ExplainRequest {
    /// ARN of a user, role, session of a role, or root user.
    pub principal: String,
    /// What it would do.
    pub action: Action,
    /// On what: an ARN, or `*`.
    pub resource: String,
    /// Facts of the imagined request, by condition key; they take the place of those that would be derived.
    pub keys: Vec<(String, Vec<String>)>,
}

/// Explains decisions.
#[derive(Clone)]
pub struct Explanations {
    access: Access,
    store: Store,
    home: Registry,
}

impl Explanations {
    /// Over the store; `home` is the registry whose administrators may ask.
    pub fn new(access: Access, store: Store, home: Registry) -> Self {
        Self {
            access,
            store,
            home,
        }
    }

    /// `ecru:Explain`: `InvalidParameter` if the principal or the resource is none that could be.
    pub async fn explain(
        &self,
        context: &RequestContext,
        request: ExplainRequest,
    ) -> Result<Explanation, Error> {
        let resource = Resource::Any(self.home.clone());
        self.access
            .authorize(context, Action::EXPLAIN, resource)
            .await?;
        if request.keys.len() > MAX_KEYS {
            return Err(invalid("context", &format!("has at most {MAX_KEYS} keys")));
        }
        let principal = self.principal(&request.principal, context.time).await?;
        let role = self.asked_role(&request).await?;
        let thing = self.asked_thing(&request.resource).await?;
        let kind = thing.as_ref().and_then(|thing| thing.policy_type);
        let resource = match (&role, thing) {
            (Some(role), _) => role.resource(self.home.region.clone()),
            (None, Some(thing)) => {
                Resource::named(self.home.clone(), request.resource.clone(), thing.tags)
            }
            (None, None) => self.resource(&request.resource, &principal).await?,
        };
        let trust = role.map(|role| role.trust()).transpose()?;
        let mut demand = Demand::new(request.action, resource);
        let region = demand.resource.registry().region.clone();
        for (key, mut values) in request.keys {
            let value = match values.pop() {
                Some(only) if values.is_empty() && !is_multivalued(&key) => Value::One(only),
                last => {
                    values.extend(last);
                    Value::Many(values)
                }
            };
            demand = demand.with_key(key, value);
        }
        let mut told = demand.keys.iter();
        if let Some(kind) = kind
            && !told.any(|(key, _)| key.eq_ignore_ascii_case(POLICY_TYPE))
        {
            demand = demand.with_key(POLICY_TYPE, kind.as_str());
        }
        let imagined = imagined_request(context, principal, region, &demand);
        self.access.explain(&imagined, &demand, trust).await
    }

    /// The role that is asked for, if it is a role that is asked for.
    async fn asked_role(&self, request: &ExplainRequest) -> Result<Option<AskedRole>, Error> {
        if !request.action.as_str().starts_with("sts:") {
            return Ok(None);
        }
        AskedRole::find(&self.store, &request.resource).await
    }

    /// What is asked for in the organization: its own account has it, that of AWS's policies included.
    async fn asked_thing(&self, arn: &str) -> Result<Option<NamedByArn>, Error> {
        if !arn.starts_with("arn:aws:organizations::") {
            return Ok(None);
        }
        let (account, arn) = (self.home.account.clone(), arn.to_owned());
        let find =
            move |rows: &mut dyn ReadTransaction| organizations::named_by_arn(rows, &account, &arn);
        self.store.lookup(Warrant::server(), find).await
    }

    async fn principal(&self, arn: &str, now: Timestamp) -> Result<Principal, Error> {
        let asked = arn.to_owned();
        let find = move |rows: &mut dyn ReadTransaction| find_principal(rows, &asked, now);
        let found = self.store.lookup(Warrant::server(), find).await?;
        found.ok_or_else(|| {
            invalid(
                "principal",
                "must be the ARN of a user, role, session of a role or root user that exists",
            )
        })
    }

    async fn resource(&self, text: &str, principal: &Principal) -> Result<Resource, Error> {
        let of_account = |account: AccountId, region: &str| Registry {
            account,
            region: Region::parse(region).unwrap_or_else(|_| self.home.region.clone()),
        };
        if text == "*" {
            let registry = of_account(principal.account.clone(), "");
            return Ok(Resource::Any(registry));
        }
        if let Some((registry, name)) = parse_repository_arn(text) {
            return Ok(Resource::Repository(registry, name));
        }
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let &["arn", _, service, region, account, resource] = parts.as_slice() else {
            return Err(invalid("resource", "must be an ARN or '*'"));
        };
        let account = AccountId::parse(account)
            .map_err(|_| invalid("resource", "must name the account that owns it"))?;
        let registry = of_account(account, region);
        if service == "ecr" && resource == "repository/*" {
            return Ok(Resource::EveryRepository(registry));
        }
        let tags = self.tags_of_identity(text).await?;
        Ok(Resource::named(registry, text.to_owned(), tags))
    }

    /// The tags of a user, role, policy or provider of identities; none if the ARN names nothing of the kind.
    async fn tags_of_identity(&self, arn: &str) -> Result<Vec<Tag>, Error> {
        let Some((account, kind, key)) = records::parse_identity_arn(arn) else {
            return Ok(Vec::new());
        };
        let find =
            move |rows: &mut dyn ReadTransaction| match rows.find_entity(&account, kind, &key)? {
                Some(entity) => Ok(records::read::<NamedDocument>(&entity)?.tags),
                None => Ok(Vec::new()),
            };
        self.store.lookup(Warrant::server(), find).await
    }
}

/// Keys that are lists even with one value.
fn is_multivalued(key: &str) -> bool {
    [
        "aws:TagKeys",
        "aws:PrincipalOrgPaths",
        "aws:ResourceOrgPaths",
        "sts:TransitiveTagKeys",
    ]
    .iter()
    .any(|known| known.eq_ignore_ascii_case(key))
}

fn imagined_request(
    context: &RequestContext,
    principal: Principal,
    region: Region,
    demand: &Demand,
) -> RequestContext {
    let told = |name: &str| {
        let mut keys = demand.keys.iter();
        let found = keys.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.and_then(|(_, value)| value.all().first().cloned())
    };
    RequestContext {
        request_id: context.request_id.clone(),
        principal,
        region,
        peer: told("aws:SourceIp").and_then(|text| text.parse::<IpAddr>().ok()),
        is_tls: context.is_tls,
        user_agent: told("aws:UserAgent"),
        time: context.time,
        decisions: Decisions::default(),
    }
}

fn find_principal(
    rows: &mut dyn ReadTransaction,
    arn: &str,
    now: Timestamp,
) -> Result<Option<Principal>, Error> {
    if let Some(account) = arn
        .strip_prefix("arn:aws:iam::")
        .and_then(|rest| rest.strip_suffix(":root"))
    {
        let account = AccountId::parse(account).ok();
        return Ok(account.map(|account| Principal::root(account, String::new())));
    }
    if let Some(rest) = arn.strip_prefix("arn:aws:sts::") {
        return find_session(rows, rest, now);
    }
    let Some((account, kind, key)) = records::parse_identity_arn(arn) else {
        return Ok(None);
    };
    let Some(entity) = rows.find_entity(&account, kind, &key)? else {
        return Ok(None);
    };
    let name = arn.rsplit('/').next().unwrap_or_default();
    let (arn, session) = match kind {
        EntityKind::User => (arn.to_owned(), None),
        EntityKind::Role => (
            session_arn(&account, name, IMAGINED_SESSION),
            Some(Arc::new(imagined_session(IMAGINED_SESSION, now))),
        ),
        _ => return Ok(None),
    };
    Ok(Some(Principal {
        account,
        arn,
        unique_id: entity.id,
        access_key_id: String::new(),
        session,
    }))
}

/// `ACCOUNT:assumed-role/ROLE/SESSION`
fn find_session(
    rows: &mut dyn ReadTransaction,
    rest: &str,
    now: Timestamp,
) -> Result<Option<Principal>, Error> {
    let parsed = rest.split_once(':').and_then(|(account, resource)| {
        let (role, session) = resource.strip_prefix("assumed-role/")?.split_once('/')?;
        Some((AccountId::parse(account).ok()?, role, session))
    });
    let Some((account, role, session)) = parsed else {
        return Ok(None);
    };
    let key = records::name_key(role);
    let found = rows.find_entity(&account, EntityKind::Role, &key)?;
    Ok(found.map(|entity| Principal {
        arn: session_arn(&account, role, session),
        account,
        unique_id: entity.id,
        access_key_id: String::new(),
        session: Some(Arc::new(imagined_session(session, now))),
    }))
}

fn session_arn(account: &AccountId, role: &str, session: &str) -> String {
    format!("arn:aws:sts::{account}:assumed-role/{role}/{session}")
}

fn imagined_session(name: &str, now: Timestamp) -> Session {
    Session {
        kind: SessionKind::AssumedRole,
        name: name.to_owned(),
        issued_at: now,
        expires_at: now,
        tags: Vec::new(),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
        policies: Vec::new(),
        provider: None,
        source_key: None,
        fingerprint: String::new(),
    }
}

fn invalid(member: &'static str, constraint: &str) -> Error {
    Refusal::InvalidParameter {
        member,
        constraint: constraint.to_owned(),
    }
    .into()
}
