//! What may be saved as which kind of document, with the texts that AWS answers (IAM User Guide, "IAM JSON policy
//! grammar", and the quotas of IAM, Organizations, KMS and ECR).

mod elements;
mod kind;
mod principals;
mod warnings;

use thiserror::Error;

use crate::policy::{Malformed, Policy, Version};
use crate::syntax::{self, DocumentSyntax};

pub use kind::{
    DocumentKind, MAX_CONTROL_POLICY, MAX_ECR_POLICY, MAX_GROUP_INLINE, MAX_KEY_POLICY,
    MAX_MANAGED_POLICY, MAX_ROLE_INLINE, MAX_ROLE_TRUST, MAX_SESSION_POLICY, MAX_USER_INLINE,
};
use kind::{Presence, Rules};
pub use warnings::Warning;

/// What IAM answers when an element is missing, misplaced or misspelt.
const SYNTAX: &str = "Syntax errors in policy.";

/// What IAM answers when a value cannot be read by its operator.
const LEGACY: &str = "The policy failed legacy parsing";

/// Why a document may not be saved.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Finding {
    /// What AWS answers.
    pub message: String,
    /// What is wrong, in words of our own, for logs and for whoever wants more than `message` tells.
    pub detail: String,
    /// Whether it is too large, which AWS answers under another code.
    pub is_too_large: bool,
}

impl Finding {
    /// As IAM would answer it; the dialect of the kind is put on at the end.
    fn new(message: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            detail: detail.into(),
            is_too_large: false,
        }
    }

    fn syntax(detail: impl Into<String>) -> Self {
        Self::new(SYNTAX, detail)
    }
}

impl From<Malformed> for Finding {
    fn from(malformed: Malformed) -> Self {
        let message = if malformed.is_not_json {
            "This policy contains invalid Json"
        } else {
            SYNTAX
        };
        Self::new(message, malformed.reason)
    }
}

/// A document that may be saved.
#[derive(Clone, Debug)]
pub struct Validated {
    /// In compiled form.
    pub policy: Policy,
    /// What is odd about it.
    pub warnings: Vec<Warning>,
}

/// Whether `text` may be saved as a document of this kind.
///
/// Left to the caller: whether the principals that it names exist ([`principals`](crate::principals)), whether the
/// service knows its actions ([`Policy::unknown_action`]), and the sum of inline policies ([`document_size`]).
pub fn validate(text: &str, kind: DocumentKind) -> Result<Validated, Finding> {
    let rules = kind.rules();
    check(text, kind, &rules).map_err(|finding| Finding {
        message: rules.dialect.message(&finding),
        ..finding
    })
}

fn check(text: &str, kind: DocumentKind, rules: &Rules) -> Result<Validated, Finding> {
    check_text(text, kind, rules)?;
    let document = syntax::read(text)?;
    check_document(&document, rules)?;
    for (place, statement) in document.statements.iter().enumerate() {
        elements::check(statement, rules).map_err(|finding| Finding {
            detail: format!("statement {place}: {}", finding.detail),
            ..finding
        })?;
    }
    let warnings = warnings::of(&document);
    let policy = Policy::compile(document)?;
    Ok(Validated { policy, warnings })
}

fn check_text(text: &str, kind: DocumentKind, rules: &Rules) -> Result<(), Finding> {
    let size = if rules.counts_white_space {
        text.chars().count()
    } else {
        document_size(text)
    };
    if size > kind.limit() {
        return Err(Finding {
            is_too_large: true,
            ..Finding::new(
                rules.too_large(kind.limit()),
                format!("it has {size} characters, the limit is {}", kind.limit()),
            )
        });
    }
    if rules.is_latin && !text.chars().all(is_latin) {
        return Err(Finding::syntax(
            "it has characters beyond U+00FF or control characters",
        ));
    }
    Ok(())
}

fn check_document(document: &DocumentSyntax, rules: &Rules) -> Result<(), Finding> {
    if document.statements.is_empty() {
        return Err(Finding::syntax("it has no statement"));
    }
    if document.id.is_some() && rules.principal == Presence::Prohibited {
        return Err(Finding::syntax("Id is for policies of resources"));
    }
    if rules.needs_2012 && document.version != Some(Version::V2012) {
        let message = "Policy document must be version 2012-10-17 or greater.";
        return Err(Finding::new(message, "its Version is not 2012-10-17"));
    }
    if rules.unique_sids {
        let sids = document
            .statements
            .iter()
            .filter_map(|one| one.sid.as_deref());
        let mut sids: Vec<&str> = sids.filter(|sid| !sid.is_empty()).collect();
        sids.sort_unstable();
        if sids.windows(2).any(|pair| pair[0] == pair[1]) {
            let message = "Statement IDs (SID) in a single policy must be unique.";
            return Err(Finding::new(message, "a Sid occurs twice"));
        }
    }
    Ok(())
}

/// The size of a document as IAM counts it: characters that are not white space.
pub fn document_size(text: &str) -> usize {
    let is_white = |letter: char| matches!(letter, ' ' | '\t' | '\n' | '\r');
    text.chars().filter(|letter| !is_white(*letter)).count()
}

/// The characters that IAM takes in documents.
fn is_latin(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}')
}

#[cfg(test)]
mod tests;
