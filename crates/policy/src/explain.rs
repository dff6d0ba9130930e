//! Why a request is decided as it is: every layer, every statement, and what kept each from matching.

use std::sync::Arc;

use serde::Serialize;

use crate::decide::{Decision, decide};
use crate::layers::{Layer, Layers, Request};
use crate::policy::Effect;

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
    /// Its Sid, if it has one.
    pub sid: Option<Arc<str>>,
    /// Its effect.
    pub effect: Effect,
    /// Whether it matches the request.
    pub matches: bool,
    /// The first thing that keeps it from matching.
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
    Explanation {
        decision: decide(layers, request),
        layers: Vec::new(),
    }
}
