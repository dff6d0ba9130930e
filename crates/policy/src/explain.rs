//! Why a request is decided as it is: every layer, every statement, and what kept each from matching.

use std::sync::Arc;

use serde::Serialize;

use crate::decide::{Decision, decide};
use crate::layers::{Document, Gate, Layer, Layers, Request};
use crate::places::Place;
use crate::policy::{Effect, Statement};
use crate::stated::Grade;
use crate::statement::{Mismatch, Query, Side};

/// A decision with everything that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The decision; the same that [`decide`] gives.
    pub decision: Decision,
    /// The layers that bind the request, in the order in which the first that fails is named. Levels of an
    /// organization are layers of their own.
    pub layers: Vec<LayerExplanation>,
}

/// What a layer says of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LayerExplanation {
    /// Which layer.
    pub layer: Layer,
    /// Which level of an organization, from zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<usize>,
    /// Whether a statement of it allows the request.
    pub allows: bool,
    /// Whether a statement of it denies the request.
    pub denies: bool,
    /// Its statements.
    pub statements: Vec<StatementExplanation>,
}

/// What a statement says of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatementExplanation {
    /// The source of its document.
    pub document: Arc<str>,
    /// Its place in the document, from zero.
    pub index: usize,
    /// Where it stands in the text of the document, as that was read: what is kept of a resource's policy is not what
    /// its author wrote.
    #[serde(skip)]
    pub place: Place,
    /// Its Sid, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<Arc<str>>,
    /// Its effect.
    pub effect: Effect,
    /// Whether it matches the request.
    pub matches: bool,
    /// How closely it means the principal, if it matches and is part of the resource's policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grade: Option<Grade>,
    /// The first thing that keeps it from matching.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<Failed>,
}

/// What keeps a statement from matching.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "element")]
pub enum Failed {
    /// The action is not among its actions, or is among those it excepts.
    Action,
    /// The resource is not among its resources, or is among those it excepts.
    Resource,
    /// The principal is not among its principals, or is among those it excepts.
    Principal,
    /// A condition does not hold.
    Condition {
        /// The operator, as written.
        operator: String,
        /// The context key, as written.
        key: String,
        /// The values that the request carries; `None` if it carries none.
        #[serde(skip_serializing_if = "Option::is_none")]
        given: Option<Vec<String>>,
        /// The values that the statement asks for, as written.
        wanted: Vec<String>,
    },
}

/// Decides a request and says why.
pub fn explain(layers: &Layers<'_>, request: &Request<'_>) -> Explanation {
    let query = Query::new(request, layers.boundary.is_some());
    let resource = Gate::of(&query).layer();
    let look = |layer, level, documents, side| look(&query, (layer, level), documents, side);
    let mut explained = Vec::new();
    let has_policies = request.principal.has_policies();
    if has_policies {
        let levels = layers.scps.iter().enumerate();
        explained.extend(levels.map(|(place, level)| {
            look(
                Layer::ServiceControl,
                Some(place),
                level.as_slice(),
                Side::Principal,
            )
        }));
    }
    let levels = layers.rcps.iter().enumerate();
    explained.extend(levels.map(|(place, level)| {
        look(
            Layer::ResourceControl,
            Some(place),
            level.as_slice(),
            Side::Resource,
        )
    }));
    explained.push(look(resource, None, layers.resource, Side::Resource));
    if has_policies {
        let own = Side::Principal;
        explained.push(look(Layer::Identity, None, layers.identity, own));
        let boundary = layers.boundary.map(std::slice::from_ref);
        explained.extend(boundary.map(|all| look(Layer::Boundary, None, all, own)));
        explained.extend(
            layers
                .session
                .map(|all| look(Layer::Session, None, all, own)),
        );
    }
    Explanation {
        decision: decide(layers, request),
        layers: explained,
    }
}

fn look(
    query: &Query<'_>,
    (layer, level): (Layer, Option<usize>),
    documents: &[Document],
    side: Side,
) -> LayerExplanation {
    let mut statements = Vec::new();
    for document in documents {
        let numbered = document.policy.statements().iter().enumerate();
        statements.extend(numbered.map(|(index, statement)| {
            let result = statement.matches(query, side);
            StatementExplanation {
                document: Arc::clone(&document.source),
                index,
                place: statement.place(),
                sid: statement.shared_sid(),
                effect: statement.effect(),
                matches: result.is_ok(),
                grade: result.ok().filter(|_| side == Side::Resource),
                failed: result.err().map(|why| failed(why, statement, query)),
            }
        }));
    }
    let some = |effect| {
        let mut matching = statements.iter().filter(|one| one.matches);
        matching.any(|one| one.effect == effect)
    };
    LayerExplanation {
        layer,
        level,
        allows: some(Effect::Allow),
        denies: some(Effect::Deny),
        statements,
    }
}

fn failed(why: Mismatch, statement: &Statement, query: &Query<'_>) -> Failed {
    let place = match why {
        Mismatch::Action => return Failed::Action,
        Mismatch::Resource => return Failed::Resource,
        Mismatch::Principal => return Failed::Principal,
        Mismatch::Condition(place) => place,
    };
    let Some(condition) = statement.conditions().get(place) else {
        return Failed::Action;
    };
    let written = condition.written();
    let given = query.request.context.get(&written.key);
    Failed::Condition {
        operator: written.operator.clone(),
        key: written.key.clone(),
        given: given.map(|value| value.all().to_vec()),
        wanted: written.values.clone(),
    }
}
