//! What a simulation is decided by, and its decisions.

use std::collections::{BTreeMap, BTreeSet};

use ecru_domain::Error;
use ecru_policy::{
    Context, Document, Explanation, Layer, LayerExplanation, Layers, Outcome, Request, Value,
    explain,
};

use super::sources::{PolicySource, Source};
use super::subject::Subject;
use super::{MatchedStatement, SimulatedDecision, Simulation, read_named, read_policies};
use crate::iam::refusals;

/// What the policy of the resources is called.
const RESOURCE_POLICY: &str = "ResourcePolicy";

/// Everything that a simulation is decided by.
pub(super) struct Bench {
    pub(super) subject: Subject,
    pub(super) resources: Vec<String>,
    resource: Vec<Document>,
    owner: Option<String>,
    context: Context,
    keys: BTreeSet<String>,
}

impl Bench {
    pub(super) fn build(mut subject: Subject, simulation: &Simulation) -> Result<Self, Error> {
        let given = read_policies("PolicyInputList", &simulation.policies)?;
        subject.identity.extend(given);
        let list = "PermissionsBoundaryPolicyInputList";
        let mut boundaries = read_policies(list, &simulation.boundaries)?;
        if let Some(boundary) = boundaries.pop() {
            subject.boundary = Some(boundary);
        }
        if !boundaries.is_empty() {
            let message = "There can be only one permissions boundary policy.";
            return Err(refusals::invalid_input(message));
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
        let given = simulation.resource_policy.iter().cloned();
        let given: Vec<String> = given.collect();
        let source = Source::new(PolicySource::Resource, RESOURCE_POLICY);
        let resource = read_named(RESOURCE_POLICY, &given, std::iter::once(source))?;
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

    /// How one action on one resource is decided.
    pub(super) fn decide(&self, action: &str, resource: &str) -> SimulatedDecision {
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
            sides: self.sides(resource, &explanation),
        }
    }

    /// What the policies on either side of a border between accounts say.
    fn sides(
        &self,
        resource: &str,
        explanation: &Explanation,
    ) -> Option<BTreeMap<&'static str, Outcome>> {
        if resource == "*" {
            return None;
        }
        let owner = self.account_of(resource);
        if self.subject.principal.account() == Some(owner) {
            return Some(BTreeMap::new());
        }
        let is_own = |layer| layer == Layer::Identity;
        let is_owners = |layer| matches!(layer, Layer::Resource | Layer::RoleTrust);
        let side = |name, is_of: fn(Layer) -> bool| (name, said(explanation, is_of));
        Some(BTreeMap::from([
            side("IAM Policy", is_own),
            side("Resource Policy", is_owners),
        ]))
    }

    /// The account that owns a resource: as its ARN says, or the request, or else the principal's.
    fn account_of<'a>(&'a self, resource: &'a str) -> &'a str {
        let in_arn = |arn: &'a str| arn.split(':').nth(4).filter(|part| !part.is_empty());
        in_arn(resource)
            .or_else(|| self.owner.as_deref().and_then(in_arn))
            .unwrap_or(self.subject.account.as_str())
    }
}

/// What the layers of one side say.
fn said(explanation: &Explanation, is_of: fn(Layer) -> bool) -> Outcome {
    let layers = explanation.layers.iter();
    let layers: Vec<_> = layers.filter(|one| is_of(one.layer)).collect();
    match () {
        () if layers.iter().any(|one| one.denies) => Outcome::ExplicitlyDenied,
        () if layers.iter().any(|one| one.allows) => Outcome::Allowed,
        () => Outcome::ImplicitlyDenied,
    }
}

/// The statements that make a decision what it is. Those of an organization are nobody's to see who is bound by them.
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
            if let Some(source) = Source::read(&statement.document) {
                found.push(MatchedStatement {
                    policy: source.id(),
                    source: source.kind,
                    place: statement.place,
                });
            }
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
