//! A statement in compiled form, and whether it matches a request. What is compared first is what most often
//! differs: the action, the resource, the principal, and conditions last.

use std::sync::Arc;

use crate::condition::Condition;
use crate::context::Context;
use crate::layers::Request;
use crate::pattern::{Pattern, Syntax};
use crate::places::Place;
use crate::policy::{Effect, Malformed};
use crate::resource::{ResourcePattern, Target};
use crate::stated::{Grade, Principals};
use crate::syntax::{Listed, StatementSyntax};

const ACTION: Syntax = Syntax {
    wildcards: true,
    variables: false,
};

/// Actions have no variables, so they ask nothing of a context.
static NOTHING: Context = Context::new();

/// A request in the form in which statements look at it.
pub(crate) struct Query<'a> {
    pub(crate) request: &'a Request<'a>,
    /// The action in lower case.
    pub(crate) action: String,
    pub(crate) target: Target<'a>,
    /// Whether a permissions boundary binds the principal.
    pub(crate) has_boundary: bool,
}

impl<'a> Query<'a> {
    pub(crate) fn new(request: &'a Request<'a>, has_boundary: bool) -> Self {
        let has_boundary = has_boundary && request.principal.has_policies();
        Self {
            request,
            action: request.action.to_ascii_lowercase(),
            target: Target::new(request.resource),
            has_boundary,
        }
    }

    pub(crate) fn context(&self) -> &'a Context {
        self.request.context
    }
}

/// Whose policy a statement is part of, which says what a missing element means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Of a principal: no `Principal`, but a `Resource`.
    Principal,
    /// Of a resource: a `Principal`, and perhaps no `Resource`, which then is the one that has the policy.
    Resource,
}

/// The first thing that keeps a statement from matching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mismatch {
    Action,
    Resource,
    Principal,
    /// The condition in this place.
    Condition(usize),
}

/// Whether a value of `Action` or `NotAction` stands for an action.
pub(crate) fn stands_for(written: &str, action: &str) -> bool {
    action_pattern(written).matches(&action.to_ascii_lowercase(), &NOTHING)
}

/// A value of `Action` or `NotAction`, which fits actions in lower case.
fn action_pattern(text: &str) -> Pattern {
    Pattern::parse(&text.to_ascii_lowercase(), ACTION)
}

/// A statement of a policy in compiled form.
#[derive(Debug)]
pub struct Statement {
    place: Place,
    sid: Option<Arc<str>>,
    effect: Effect,
    principals: Option<Principals>,
    actions: Patterns<Pattern>,
    resources: Option<Patterns<ResourcePattern>>,
    conditions: Box<[Condition]>,
    /// The actions as written.
    written_actions: Box<[String]>,
}

#[derive(Debug)]
struct Patterns<T> {
    is_not: bool,
    patterns: Box<[T]>,
}

impl<T> Patterns<T> {
    fn compile(listed: &Listed<String>, parse: impl Fn(&str) -> T) -> Self {
        Self {
            is_not: listed.is_not,
            patterns: listed.values.iter().map(|value| parse(value)).collect(),
        }
    }

    fn cover(&self, fits: impl Fn(&T) -> bool) -> bool {
        self.patterns.iter().any(fits) != self.is_not
    }
}

impl Statement {
    pub(crate) fn compile(syntax: StatementSyntax, has_variables: bool) -> Result<Self, Malformed> {
        let actions = syntax
            .actions
            .ok_or_else(|| Malformed::new("a statement has neither Action nor NotAction"))?;
        let parse_resource = |text: &str| ResourcePattern::parse(text, has_variables);
        let conditions = syntax
            .conditions
            .into_iter()
            .map(|condition| Condition::compile(condition, has_variables));
        Ok(Self {
            place: syntax.place,
            sid: syntax.sid.map(Arc::from),
            effect: syntax.effect,
            principals: syntax.principals.as_ref().map(Principals::compile),
            actions: Patterns::compile(&actions, action_pattern),
            resources: syntax
                .resources
                .as_ref()
                .map(|listed| Patterns::compile(listed, parse_resource)),
            conditions: conditions.collect::<Result<_, _>>()?,
            written_actions: actions.values.into(),
        })
    }

    /// Where it stands in the text of its document.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Its `Sid`.
    pub fn sid(&self) -> Option<&str> {
        self.sid.as_deref()
    }

    pub(crate) fn shared_sid(&self) -> Option<Arc<str>> {
        self.sid.clone()
    }

    /// Its `Effect`.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// The values of its `Action` or `NotAction`, as written.
    pub fn actions(&self) -> &[String] {
        &self.written_actions
    }

    /// Whether those are what it excepts: the values of `NotAction`.
    pub fn excepts_actions(&self) -> bool {
        self.actions.is_not
    }

    /// Whether its `Action` or `NotAction` names this action literally, without wildcards.
    pub fn names_action(&self, action: &str) -> bool {
        let mut actions = self.written_actions.iter();
        actions.any(|own| own.eq_ignore_ascii_case(action))
    }

    /// Whether the action is one of its `Action`, or none of its `NotAction`.
    pub fn covers_action(&self, action: &str) -> bool {
        self.covers(&action.to_ascii_lowercase())
    }

    /// Whether a condition of it asks for this key.
    pub fn asks_for(&self, key: &str) -> bool {
        let mut conditions = self.conditions.iter();
        conditions.any(|condition| condition.written().key.eq_ignore_ascii_case(key))
    }

    /// With the action in lower case.
    fn covers(&self, action: &str) -> bool {
        self.actions.cover(|one| one.matches(action, &NOTHING))
    }

    /// The resources of which it must cover one. `None` if it may cover what is none of them.
    pub(crate) fn needed_resources(&self) -> Option<&[ResourcePattern]> {
        let resources = self.resources.as_ref()?;
        (!resources.is_not).then_some(&resources.patterns)
    }

    pub(crate) fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// The names of the variables in its resources, as written.
    pub(crate) fn resource_variables(&self) -> impl Iterator<Item = &str> {
        let patterns = self.resources.as_ref();
        let patterns = patterns.map_or(&[][..], |resources| &resources.patterns);
        patterns.iter().flat_map(ResourcePattern::variables)
    }

    /// Whether it matches a request, and how closely it means the principal.
    ///
    /// An element that has to be there and is not, or must not be there and is, can only stand in a document that
    /// was never validated: then an Allow matches nothing, and a Deny matches as if it were not asked.
    pub(crate) fn matches(&self, query: &Query<'_>, side: Side) -> Result<Grade, Mismatch> {
        if !self.covers(&query.action) {
            return Err(Mismatch::Action);
        }
        if !self.covers_resource(query, side) {
            return Err(Mismatch::Resource);
        }
        let grade = self.grade(query, side).ok_or(Mismatch::Principal)?;
        let fails = |condition: &Condition| !condition.holds(query.context());
        match self.conditions.iter().position(fails) {
            Some(place) => Err(Mismatch::Condition(place)),
            None => Ok(grade),
        }
    }

    fn covers_resource(&self, query: &Query<'_>, side: Side) -> bool {
        match &self.resources {
            Some(resources) => resources.cover(|one| one.matches(query.target, query.context())),
            None => side == Side::Resource || self.effect == Effect::Deny,
        }
    }

    fn grade(&self, query: &Query<'_>, side: Side) -> Option<Grade> {
        let is_deny = self.effect == Effect::Deny;
        match (&self.principals, side) {
            (Some(principals), Side::Resource) => {
                // whoever has a boundary is denied by NotPrincipal, listed or not
                if is_deny && principals.is_not() && query.has_boundary {
                    return Some(Grade::Direct);
                }
                principals.grade(query.request.principal)
            }
            (None, Side::Principal) => Some(Grade::Direct),
            (Some(_), Side::Principal) | (None, Side::Resource) => is_deny.then_some(Grade::Direct),
        }
    }
}
