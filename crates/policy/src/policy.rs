//! A policy document, read once into a form that is quick to evaluate (IAM User Guide, "IAM JSON policy reference").

use std::sync::Arc;

use serde::Serialize;
use thiserror::Error;

/// What a statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Effect {
    /// It allows.
    Allow,
    /// It denies.
    Deny,
}

/// The version of the policy language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// `2008-10-17`, also when a document states none: `${…}` is literal text.
    V2008,
    /// `2012-10-17`: `${…}` is a variable.
    V2012,
}

/// Text that is not a policy document.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{reason}")]
pub struct Malformed {
    /// What is wrong with it, for the person who wrote it.
    pub reason: String,
}

/// A document in compiled form. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Policy(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    version: Version,
    id: Option<String>,
    statements: Vec<Statement>,
    context_keys: Vec<String>,
}

impl Policy {
    /// Reads a document for evaluation, whatever kind it is of. What may be saved as which kind is more than this:
    /// see [`validate`](fn@crate::validate).
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let _ = text;
        Ok(Self(Arc::new(Compiled {
            version: Version::V2008,
            id: None,
            statements: Vec::new(),
            context_keys: Vec::new(),
        })))
    }

    /// The version that it states.
    pub fn version(&self) -> Version {
        self.0.version
    }

    /// Its `Id`.
    pub fn id(&self) -> Option<&str> {
        self.0.id.as_deref()
    }

    /// Its statements, in order.
    pub fn statements(&self) -> &[Statement] {
        &self.0.statements
    }

    /// The context keys that conditions and variables ask for, as first written, each once without regard to case:
    /// what `GetContextKeysFor…` answers.
    pub fn context_keys(&self) -> &[String] {
        &self.0.context_keys
    }

    /// Whether an `Action` or `NotAction` names this action literally, without wildcards.
    pub fn names_action(&self, action: &str) -> bool {
        let mut statements = self.statements().iter();
        statements.any(|statement| statement.names_action(action))
    }
}

/// A statement in compiled form.
#[derive(Debug)]
pub struct Statement {
    sid: Option<Arc<str>>,
    effect: Effect,
}

impl Statement {
    /// Its `Sid`.
    pub fn sid(&self) -> Option<&str> {
        self.sid.as_deref()
    }

    /// Its `Effect`.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// Whether its `Action` or `NotAction` names this action literally, without wildcards.
    pub fn names_action(&self, action: &str) -> bool {
        let _ = action;
        false
    }
}
