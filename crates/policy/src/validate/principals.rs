//! `Principal` and `NotPrincipal` of one statement (IAM User Guide, "AWS JSON policy elements: Principal").

use super::Finding;
use super::kind::{Dialect, DocumentKind, Presence, Rules};
use crate::policy::Effect;
use crate::principal::{Principal, PrincipalKind, is_account};
use crate::syntax::{PrincipalType, StatementSyntax};

/// Providers of identities that are known by their names.
const BUILT_IN_PROVIDERS: [&str; 4] = [
    "accounts.google.com",
    "cognito-identity.amazonaws.com",
    "graph.facebook.com",
    "www.amazon.com",
];

/// Checks the principals of a statement.
pub(super) fn check(statement: &StatementSyntax, rules: &Rules) -> Result<(), Finding> {
    let listed = match (&statement.principals, rules.principal) {
        (None, Presence::Prohibited) => return Ok(()),
        (Some(_), Presence::Prohibited) => {
            let message = "Policy document should not specify a principal.";
            return Err(Finding::new(message, "it is for whom it is attached to"));
        }
        (None, Presence::Required) => return Err(missing(rules, "")),
        (Some(listed), Presence::Required) => listed,
    };
    if listed.values.is_empty() {
        return Err(missing(rules, " cannot be empty!"));
    }
    if listed.is_not && rules.dialect == Dialect::Iam(DocumentKind::RoleTrust) {
        let message = "Has prohibited field NotPrincipal.";
        return Err(Finding::new(message, "a role says whom it trusts"));
    }
    if listed.is_not && statement.effect == Effect::Allow {
        return Err(Finding::syntax(
            "NotPrincipal with Allow lets everyone in, nobody known included",
        ));
    }
    for (kind, value) in &listed.values {
        if !is_valid(*kind, value, rules) {
            return Err(invalid(*kind, value, rules));
        }
    }
    Ok(())
}

fn missing(rules: &Rules, more: &str) -> Finding {
    let message = match rules.dialect {
        Dialect::Kms => "Policy contains a statement with no principal.".to_owned(),
        _ => format!("Missing required field Principal{more}"),
    };
    Finding::new(message, "it has no principal")
}

fn invalid(kind: PrincipalType, value: &str, rules: &Rules) -> Finding {
    let message = match rules.dialect {
        Dialect::Kms => {
            "Policy contains a statement with one or more invalid principals.".to_owned()
        }
        Dialect::Iam(_) if kind == PrincipalType::Federated && !is_domain(value) => {
            "Federated principals must be valid domain names or SAML metadata ARNs".to_owned()
        }
        _ => format!(
            "Invalid principal in policy: \"{}\":\"{value}\"",
            kind.name()
        ),
    };
    Finding::new(
        message,
        "a principal is none that this kind of policy can name",
    )
}

/// Whether a text could be the name of a host on the Internet.
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    text.contains('.') && text.split('.').all(is_label)
}

fn is_valid(kind: PrincipalType, value: &str, rules: &Rules) -> bool {
    let kind_of = || Principal::parse(value).ok().map(|one| one.kind());
    match kind {
        PrincipalType::Aws if value == "*" || is_account(value) => true,
        PrincipalType::Aws => {
            let is_one = matches!(
                kind_of(),
                Some(
                    PrincipalKind::Root
                        | PrincipalKind::User
                        | PrincipalKind::Role
                        | PrincipalKind::AssumedRole
                        | PrincipalKind::FederatedUser
                )
            );
            is_one && !value.contains(['*', '?'])
        }
        PrincipalType::Service => kind_of() == Some(PrincipalKind::Service),
        PrincipalType::Federated => {
            let is_provider = kind_of() == Some(PrincipalKind::IdentityProvider);
            rules.dialect == Dialect::Iam(DocumentKind::RoleTrust)
                && (is_provider || BUILT_IN_PROVIDERS.contains(&value))
        }
        PrincipalType::CanonicalUser => false,
    }
}
