//! A policy document, read once into a form that is quick to evaluate (IAM User Guide, "IAM JSON policy reference").

use std::sync::Arc;

use serde::Serialize;
use thiserror::Error;

use crate::sieve::Sieve;
pub use crate::statement::Statement;
use crate::statement::{Query, stands_for};
use crate::syntax::{self, DocumentSyntax};

/// Most bytes of a document's text, of whatever kind.
pub const MAX_TEXT: usize = 131_072;

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
    /// What is wrong with it, for the person who wrote it. It quotes nothing of the text.
    pub reason: String,
    /// Whether it is no JSON at all.
    pub is_not_json: bool,
}

impl Malformed {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            is_not_json: false,
        }
    }

    pub(crate) fn json(error: &serde_json::Error) -> Self {
        // what the reader itself says may quote; the twice occurring name is the only thing said here
        let reason = match error.classify() {
            serde_json::error::Category::Data => "a name occurs twice in one object".to_owned(),
            _ => format!(
                "it is not JSON at line {} column {}",
                error.line(),
                error.column()
            ),
        };
        Self {
            reason,
            is_not_json: !error.is_data(),
        }
    }
}

/// A document in compiled form. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Policy(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    version: Version,
    id: Option<String>,
    statements: Box<[Statement]>,
    context_keys: Box<[String]>,
    sieve: Sieve,
}

impl Policy {
    /// Reads a document for evaluation, whatever kind it is of. What may be saved as which kind is more than this:
    /// see [`validate`](fn@crate::validate).
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        Self::compile(syntax::read(text)?)
    }

    pub(crate) fn compile(document: DocumentSyntax) -> Result<Self, Malformed> {
        let version = document.version.unwrap_or(Version::V2008);
        let has_variables = version == Version::V2012;
        let statements = document.statements.into_iter();
        let statements: Box<[Statement]> = statements
            .map(|statement| Statement::compile(statement, has_variables))
            .collect::<Result<_, _>>()?;
        Ok(Self(Arc::new(Compiled {
            version,
            id: document.id,
            context_keys: context_keys(&statements),
            sieve: Sieve::new(&statements),
            statements,
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

    /// The statements that may match a request, with their places, in order.
    pub(crate) fn candidates<'a>(
        &'a self,
        query: &'a Query<'_>,
    ) -> impl Iterator<Item = (usize, &'a Statement)> {
        let remaining = self.0.sieve.remaining(query.target, query.context());
        remaining.filter_map(|place| Some((place, self.0.statements.get(place)?)))
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

    /// The first value of an `Action` or `NotAction` that stands for none of the actions in `known`, wildcards taken
    /// into account. Services that know all their actions refuse such documents.
    pub fn unknown_action(&self, known: &[&str]) -> Option<&str> {
        let mut written = self.statements().iter().flat_map(Statement::actions);
        written
            .find(|own| !known.iter().any(|action| stands_for(own, action)))
            .map(String::as_str)
    }
}

fn context_keys(statements: &[Statement]) -> Box<[String]> {
    let mut keys: Vec<String> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut add = |key: &str| {
        if seen.insert(key.to_ascii_lowercase()) {
            keys.push(key.to_owned());
        }
    };
    for statement in statements {
        statement.resource_variables().for_each(&mut add);
        for condition in statement.conditions() {
            add(&condition.written().key);
            condition.variables().into_iter().for_each(&mut add);
        }
    }
    keys.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_keys_are_those_of_conditions_and_variables() {
        let policy = Policy::parse(
            r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*",
                "Resource": ["arn:aws:ecr:*:*:repository/${aws:username}/${aws:PrincipalTag/Team, 'x'}"],
                "Condition": {
                    "StringEquals": {"AWS:UserName": "${aws:PrincipalAccount}"},
                    "ArnLike": {"aws:SourceArn": "arn:aws:s3:::${s3:prefix}"}}}}"#,
        )
        .unwrap();
        assert_eq!(
            policy.context_keys(),
            [
                "aws:username",
                "aws:PrincipalTag/Team",
                "aws:PrincipalAccount",
                "aws:SourceArn",
                "s3:prefix"
            ]
        );
    }

    #[test]
    fn the_older_language_has_no_variables() {
        let policy = Policy::parse(
            r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:a:b:c:${aws:username}"}}"#,
        )
        .unwrap();
        assert_eq!(policy.version(), Version::V2008);
        assert!(policy.context_keys().is_empty());
    }

    #[test]
    fn actions_are_named_literally_or_not() {
        let policy = Policy::parse(
            r#"{"Statement": [{"Effect": "Allow", "Action": ["ecr:*", "ECR:putimage"]},
                {"Effect": "Deny", "NotAction": "ecr:Fly*"}]}"#,
        )
        .unwrap();
        assert!(policy.names_action("ecr:PutImage"));
        assert!(!policy.names_action("ecr:GetAuthorizationToken"));
        assert_eq!(policy.unknown_action(&["ecr:PutImage"]), Some("ecr:Fly*"));
        assert_eq!(
            policy.unknown_action(&["ecr:PutImage", "ecr:FlyImage"]),
            None
        );
        assert_eq!(
            policy.unknown_action(&["ecr:FlyImage"]),
            Some("ECR:putimage")
        );
    }

    #[test]
    fn what_cannot_be_evaluated_is_malformed() {
        for text in [
            r#"{"Statement": {"Effect": "Allow"}}"#,
            r#"{"Statement": {"Effect": "Allow", "Action": "*", "Condition": {"Fits": {"a": "b"}}}}"#,
        ] {
            assert!(Policy::parse(text).is_err(), "{text}");
        }
    }
}
