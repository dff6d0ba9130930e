//! The decision: which requests are allowed, and by whom the others are denied.

use std::sync::Arc;

use serde::Serialize;

use crate::layers::{Layer, Layers, Request};

/// How a request is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It may be done.
    Allowed,
    /// A statement denies it: nothing can allow it.
    ExplicitlyDenied,
    /// Some layer that must allow it does not.
    ImplicitlyDenied,
}

/// Which statement decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatementRef {
    /// The source of its document, as given in [`Document::source`](crate::Document::source).
    pub document: Arc<str>,
    /// Its place in the document, from zero.
    pub index: usize,
    /// Its Sid, if it has one.
    pub sid: Option<Arc<str>>,
}

/// A decision and what decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// How the request is decided.
    pub outcome: Outcome,
    /// The layer that decided: the one that denies, the first one that fails to allow, or the one that allows.
    /// `None` if it is allowed because the principal is the root user of the resource's account.
    pub layer: Option<Layer>,
    /// The statement that denies or allows. There is none if a layer fails to allow.
    pub statement: Option<StatementRef>,
}

impl Decision {
    /// Whether the request may be done.
    pub fn is_allowed(&self) -> bool {
        self.outcome == Outcome::Allowed
    }

    /// What AWS appends to `User: … is not authorized to perform: … on resource: …` when it denies `action`. It
    /// begins with a space; it is empty if the request is allowed.
    pub fn reason(&self, action: &str) -> String {
        let _ = action;
        String::new()
    }
}

/// Decides a request.
pub fn decide(layers: &Layers<'_>, request: &Request<'_>) -> Decision {
    let _ = (layers, request);
    Decision {
        outcome: Outcome::ImplicitlyDenied,
        layer: Some(Layer::Identity),
        statement: None,
    }
}
