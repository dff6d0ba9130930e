//! What policies would decide, asked without doing it (IAM API Reference, `SimulateCustomPolicy`,
//! `SimulatePrincipalPolicy`, `GetContextKeysFor…`).
//!
//! Only what the request gives is in the context, besides what is known of the principal; and the organization's
//! control policies bind a principal of a simulation as they bind its requests.

mod bench;
mod sources;
mod subject;

use std::collections::{BTreeMap, BTreeSet};

use ecru_domain::Error;
use ecru_policy::{Context, Document, Place, Policy};
use ecru_ports::metadata::{EntityKind, ReadTransaction};

pub use ecru_policy::Outcome;

use self::bench::Bench;
pub use self::sources::PolicySource;
use self::sources::Source;
use self::subject::{Subject, load_subject};
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
    /// ARNs of managed policies that are left out, and `OWNER/NAME` of inline ones.
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
    /// What the policies on either side say, by their type, if the resource is another account's; nothing within one
    /// account; `None` if no resource is named.
    pub sides: Option<BTreeMap<&'static str, Outcome>>,
}

/// A statement that decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchedStatement {
    /// The name of its policy: of an inline one `user_NAME_POLICY`.
    pub policy: String,
    /// Whose policy that is.
    pub source: PolicySource,
    /// Where it stands there.
    pub place: Place,
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
            let source = Source::read(&document.source);
            source.is_none_or(|source| !simulation.excluded.contains(&source.name))
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

/// Reads documents that a request gives. They are named after their list and their place in it.
fn read_policies(list: &str, texts: &[String]) -> Result<Vec<Document>, Error> {
    let numbered = (1..).map(|number| format!("{list}.{number}"));
    let given = |name| Source::new(PolicySource::Given, name);
    read_named(list, texts, numbered.map(given))
}

/// Reads documents that a request gives, from these sources.
fn read_named(
    list: &str,
    texts: &[String],
    sources: impl Iterator<Item = Source>,
) -> Result<Vec<Document>, Error> {
    if texts.len() > MAX_DOCUMENTS {
        return Err(refusals::invalid_input(format!(
            "{list} has more than {MAX_DOCUMENTS} policies."
        )));
    }
    let read = |(text, source): (&String, Source)| {
        let name = &source.name;
        if text.len() > MAX_DOCUMENT {
            return Err(refusals::invalid_input(format!("{name} is too large.")));
        }
        let policy = Policy::parse(text);
        let policy = policy
            .map_err(|problem| refusals::invalid_input(format!("{name}: {}", problem.reason)))?;
        Ok(Document::new(source.write(), policy))
    };
    texts.iter().zip(sources).map(read).collect()
}

fn context_keys(documents: &[Document]) -> BTreeSet<String> {
    let documents = documents.iter();
    documents
        .flat_map(|document| document.policy.context_keys().iter().cloned())
        .collect()
}
