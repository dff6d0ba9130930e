//! What policies would decide, asked without doing it (IAM API Reference, `SimulateCustomPolicy`,
//! `SimulatePrincipalPolicy`, `GetContextKeysFor…`).
//!
//! Only what the request gives is in the context, besides what is known of the principal; and the organization's
//! control policies bind a principal of a simulation as they bind its requests.

mod subject;

use std::collections::BTreeSet;

use ecru_domain::Error;
use ecru_policy::{
    Context, Document, Explanation, Layer, LayerExplanation, Layers, Policy, Request, Value,
    explain,
};
use ecru_ports::metadata::{EntityKind, ReadTransaction};

pub use ecru_policy::Outcome;

use self::subject::{Subject, load_subject, read_source, write_source};
use super::targets::Target;
use super::{Iam, lists, quotas, records, refusals};
use crate::access::{Permit, RequestContext};
use crate::page::{Page, PageRequest};

/// The longest policy that is read.
const MAX_DOCUMENT: usize = 131_072;
/// Policies given with one request.
const MAX_DOCUMENTS: usize = 50;
/// Results on one page: each is a decision.
const MAX_PAGE: u32 = 1_000;

/// What a simulation is given besides policies of identities that are there.
#[derive(Clone, Debug, Default)]
pub struct Simulation {
    /// Policies of the identity.
    pub policies: Vec<String>,
    /// Permissions boundaries; one at most.
    pub boundaries: Vec<String>,
    /// Service control policies, level by level.
    pub control_levels: Vec<Vec<String>>,
    /// Names and ARNs of policies that are left out.
    pub excluded: Vec<String>,
    /// What is asked for.
    pub actions: Vec<String>,
    /// On what; everything if nothing is named.
    pub resources: Vec<String>,
    /// The policy of those resources.
    pub resource_policy: Option<String>,
    /// The account that owns them, as an ARN.
    pub resource_owner: Option<String>,
    /// Who asks.
    pub caller: Option<String>,
    /// Condition keys: name, values, and whether there may be several.
    pub context: Vec<(String, Vec<String>, bool)>,
}

/// How one action on one resource is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedDecision {
    /// The action.
    pub action: String,
    /// The resource.
    pub resource: String,
    /// How it is decided.
    pub outcome: Outcome,
    /// The statements that decided.
    pub matched: Vec<MatchedStatement>,
    /// Condition keys that policies ask for and nobody gave.
    pub missing_keys: Vec<String>,
    /// Whether the service control policies allow it, if there are any.
    pub allowed_by_organization: Option<bool>,
    /// Whether the permissions boundary allows it, if there is one.
    pub allowed_by_boundary: Option<bool>,
}

/// Whose policy a statement is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicySource {
    /// Embedded in a user.
    User,
    /// Embedded in a group.
    Group,
    /// Embedded in a role.
    Role,
    /// One of AWS's.
    Aws,
    /// A managed policy of the account.
    Local,
    /// The resource's.
    Resource,
    /// Given with the request.
    Given,
}

/// A statement that decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchedStatement {
    /// The name of its policy.
    pub policy: String,
    /// Whose policy that is.
    pub source: PolicySource,
}

impl Iam {
    /// `iam:SimulateCustomPolicy`
    pub async fn simulate_custom_policy(
        &self,
        context: &RequestContext,
        simulation: Simulation,
        page: &PageRequest,
    ) -> Result<Page<SimulatedDecision>, Error> {
        self.permit_account(context, "iam:SimulateCustomPolicy")
            .await?;
        let account = context.principal.account.clone();
        let nobody = format!("arn:aws:iam::{account}:user/simulated");
        let principal = ecru_policy::Principal::parse(&nobody).map_err(Error::internal)?;
        let subject = Subject {
            principal,
            account,
            identity: Vec::new(),
            boundary: None,
            scps: Vec::new(),
            context: Context::new(),
        };
        self.simulate(subject, simulation, page).await
    }

    /// `iam:SimulatePrincipalPolicy`
    pub async fn simulate_principal_policy(
        &self,
        context: &RequestContext,
        source: &str,
        simulation: Simulation,
        page: &PageRequest,
    ) -> Result<Page<SimulatedDecision>, Error> {
        let action = "iam:SimulatePrincipalPolicy";
        let (target, permit) = self.permit_source(context, action, source).await?;
        let read = move |rows: &mut dyn ReadTransaction| {
            let entity = target.find(rows)?;
            load_subject(rows, entity)
        };
        let mut subject = self.store.lookup((&permit).into(), read).await?;
        let is_left = |document: &Document| {
            let (name, _) = read_source(&document.source);
            !simulation.excluded.contains(&name)
        };
        subject.identity.retain(is_left);
        self.simulate(subject, simulation, page).await
    }

    /// `iam:GetContextKeysForCustomPolicy`
    pub async fn context_keys_of_policies(
        &self,
        context: &RequestContext,
        policies: &[String],
    ) -> Result<Vec<String>, Error> {
        self.permit_account(context, "iam:GetContextKeysForCustomPolicy")
            .await?;
        let documents = read_policies("PolicyInputList", policies)?;
        Ok(context_keys(&documents).into_iter().collect())
    }

    /// `iam:GetContextKeysForPrincipalPolicy`
    pub async fn context_keys_of_principal(
        &self,
        context: &RequestContext,
        source: &str,
        policies: &[String],
    ) -> Result<Vec<String>, Error> {
        let action = "iam:GetContextKeysForPrincipalPolicy";
        let (target, permit) = self.permit_source(context, action, source).await?;
        let read = move |rows: &mut dyn ReadTransaction| {
            let entity = target.find(rows)?;
            load_subject(rows, entity)
        };
        let subject = self.store.lookup((&permit).into(), read).await?;
        let mut documents = read_policies("PolicyInputList", policies)?;
        documents.extend(subject.identity);
        Ok(context_keys(&documents).into_iter().collect())
    }

    /// A permit to ask about a user, role or group.
    async fn permit_source(
        &self,
        context: &RequestContext,
        action: &'static str,
        arn: &str,
    ) -> Result<(Target, Permit), Error> {
        let kind = records::parse_identity_arn(arn).map(|(_, kind, _)| kind);
        let is_identity = |kind: &EntityKind| super::IdentityKind::of(*kind).is_some();
        let Some(kind) = kind.filter(is_identity) else {
            return Err(refusals::invalid_input(format!(
                "Invalid Entity Arn: {arn} does not clearly define entity type and name."
            )));
        };
        let target = Target::by_arn(context, kind, arn)?;
        let permit = self.permit(context, action, &target).await?;
        Ok((target, permit))
    }

    /// Decides the pairs of actions and resources that are on this page.
    async fn simulate(
        &self,
        subject: Subject,
        simulation: Simulation,
        page: &PageRequest,
    ) -> Result<Page<SimulatedDecision>, Error> {
        let bench = Bench::build(subject, &simulation)?;
        let (actions, resources) = (&simulation.actions, &bench.resources);
        let count = actions.len().saturating_mul(resources.len());
        if count > quotas::SIMULATED {
            return Err(refusals::invalid_input(
                "There are too many actions and resources.",
            ));
        }
        let list = format!("simulation {}", bench.subject.account);
        let position = self.position(&list, page).await?;
        let first = position.and_then(|text| text.parse().ok()).unwrap_or(0);
        let limit = lists::limit(page).min(MAX_PAGE);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let pairs = actions
            .iter()
            .flat_map(|action| resources.iter().map(move |resource| (action, resource)));
        let items: Vec<SimulatedDecision> = pairs
            .skip(first)
            .take(limit)
            .map(|(action, resource)| bench.decide(action, resource))
            .collect();
        let next = first + items.len();
        let position = (next < count).then(|| next.to_string());
        self.page(&list, items, position).await
    }
}

/// Everything that a simulation is decided by.
struct Bench {
    subject: Subject,
    resources: Vec<String>,
    resource: Vec<Document>,
    owner: Option<String>,
    context: Context,
    keys: BTreeSet<String>,
}

impl Bench {
    fn build(mut subject: Subject, simulation: &Simulation) -> Result<Self, Error> {
        let given = read_policies("PolicyInputList", &simulation.policies)?;
        subject.identity.extend(given);
        let list = "PermissionsBoundaryPolicyInputList";
        if let Some(boundary) = read_policies(list, &simulation.boundaries)?.pop() {
            subject.boundary = Some(boundary);
        }
        for level in &simulation.control_levels {
            let level = read_policies("OrderedOrganizationPolicyInputList", level)?;
            subject.scps.push(level);
        }
        if let Some(caller) = &simulation.caller {
            let parsed = ecru_policy::Principal::parse(caller);
            let is_user = parsed
                .as_ref()
                .is_ok_and(ecru_policy::Principal::has_policies);
            let parsed = parsed.ok().filter(|_| is_user);
            subject.principal = parsed
                .ok_or_else(|| refusals::invalid_input(format!("Invalid Caller Arn: {caller}")))?;
        } else if simulation.resource_policy.is_some() {
            return Err(refusals::invalid_input(
                "A CallerArn is needed with a ResourcePolicy.",
            ));
        }
        let resource = simulation.resource_policy.iter().cloned();
        let resource = read_policies("ResourcePolicy", &resource.collect::<Vec<_>>())?;
        let mut context = subject.context.clone();
        for (key, values, is_list) in &simulation.context {
            let value = match values.as_slice() {
                [one] if !is_list => Value::One(one.clone()),
                all => Value::Many(all.to_vec()),
            };
            context.set(key, value);
        }
        let documents = [&subject.identity, &resource];
        let documents = documents.into_iter().chain(&subject.scps).flatten();
        let mut keys = BTreeSet::new();
        for document in documents.chain(&subject.boundary) {
            keys.extend(document.policy.context_keys().iter().cloned());
        }
        keys.retain(|key| context.get(key).is_none());
        let resources = match simulation.resources.as_slice() {
            [] => vec!["*".to_owned()],
            named => named.to_vec(),
        };
        Ok(Self {
            subject,
            resources,
            resource,
            owner: simulation.resource_owner.clone(),
            context,
            keys,
        })
    }

    fn decide(&self, action: &str, resource: &str) -> SimulatedDecision {
        let subject = &self.subject;
        let layers = Layers {
            identity: &subject.identity,
            resource: &self.resource,
            boundary: subject.boundary.as_ref(),
            session: None,
            scps: &subject.scps,
            rcps: &[],
        };
        let request = Request {
            principal: &subject.principal,
            action,
            resource,
            resource_account: self.account_of(resource),
            context: &self.context,
        };
        let explanation = explain(&layers, &request);
        SimulatedDecision {
            action: action.to_owned(),
            resource: resource.to_owned(),
            outcome: explanation.decision.outcome,
            matched: matched(&explanation),
            missing_keys: self.keys.iter().cloned().collect(),
            allowed_by_organization: all_allow(&explanation, Layer::ServiceControl),
            allowed_by_boundary: all_allow(&explanation, Layer::Boundary),
        }
    }

    /// The account that owns a resource: as its ARN says, or the request, or else the principal's.
    fn account_of<'a>(&'a self, resource: &'a str) -> &'a str {
        let in_arn = |arn: &'a str| arn.split(':').nth(4).filter(|part| !part.is_empty());
        in_arn(resource)
            .or_else(|| self.owner.as_deref().and_then(in_arn))
            .unwrap_or(self.subject.account.as_str())
    }
}

/// The statements that make a decision what it is.
fn matched(explanation: &Explanation) -> Vec<MatchedStatement> {
    let effect = match explanation.decision.outcome {
        Outcome::Allowed => ecru_policy::Effect::Allow,
        Outcome::ExplicitlyDenied => ecru_policy::Effect::Deny,
        Outcome::ImplicitlyDenied => return Vec::new(),
    };
    let mut found = Vec::new();
    for layer in &explanation.layers {
        let deciding = layer.statements.iter();
        for statement in deciding.filter(|one| one.matches && one.effect == effect) {
            let (policy, source) = read_source(&statement.document);
            found.push(MatchedStatement { policy, source });
        }
    }
    found
}

/// Whether every level of a layer allows; `None` if there is no such layer.
fn all_allow(explanation: &Explanation, layer: Layer) -> Option<bool> {
    let is_of = |one: &&LayerExplanation| one.layer == layer;
    let mut levels = explanation.layers.iter().filter(is_of).peekable();
    levels.peek()?;
    Some(levels.all(|level| level.allows && !level.denies))
}

/// Reads documents that a request gives. They are named after their list and their place in it.
fn read_policies(list: &str, texts: &[String]) -> Result<Vec<Document>, Error> {
    if texts.len() > MAX_DOCUMENTS {
        return Err(refusals::invalid_input(format!(
            "{list} has more than {MAX_DOCUMENTS} policies."
        )));
    }
    let numbered = (1..).zip(texts);
    numbered
        .map(|(number, text)| {
            if text.len() > MAX_DOCUMENT {
                return Err(refusals::invalid_input(format!(
                    "{list}.{number} is too large."
                )));
            }
            let policy = Policy::parse(text);
            let policy = policy.map_err(|problem| {
                refusals::invalid_input(format!("{list}.{number}: {}", problem.reason))
            })?;
            Ok(Document::new(
                write_source(PolicySource::Given, &format!("{list}.{number}")),
                policy,
            ))
        })
        .collect()
}

fn context_keys(documents: &[Document]) -> BTreeSet<String> {
    let documents = documents.iter();
    documents
        .flat_map(|document| document.policy.context_keys().iter().cloned())
        .collect()
}
