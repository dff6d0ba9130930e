//! The decision (IAM User Guide, "Policy evaluation logic" and "Cross-account policy evaluation logic").
//!
//! ```text
//! a Deny that matches, anywhere ─────────────────────────▶ denied explicitly
//! some level of service control policies without Allow ──▶ denied
//! a service, an identity provider, nobody ───────────────▶ as the resource's policy says, directly
//! own account:    resource names it directly ────────────▶ allowed
//!                 resource names its role or user ───────▶ boundary ∧ session
//!                 otherwise ─────────────────────────────▶ identity ∧ boundary ∧ session
//! other account:  resource names it at all ──────────────▶ identity ∧ boundary ∧ session
//! ```
//!
//! A KMS key and a role are gates: there identity-based policies of the own account count only if the key policy or
//! trust policy names the account.

use std::sync::Arc;

use serde::Serialize;

use crate::layers::{Document, Gate, Layer, Layers, Level, Request};
use crate::policy::Effect;
use crate::principal::PrincipalKind;
use crate::stated::Grade;
use crate::statement::{Query, Side};

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
        let Some(layer) = self.layer else {
            return String::new();
        };
        let (article, name) = layer.name();
        match self.outcome {
            Outcome::Allowed => String::new(),
            Outcome::ExplicitlyDenied => format!(" with an explicit deny in {article} {name}"),
            Outcome::ImplicitlyDenied => format!(" because no {name} allows the {action} action"),
        }
    }

    fn allowed(layer: Layer, found: Found<'_>) -> Self {
        Self {
            outcome: Outcome::Allowed,
            layer: Some(layer),
            statement: Some(found.reference()),
        }
    }

    fn denied(layer: Layer, found: Found<'_>) -> Self {
        Self {
            outcome: Outcome::ExplicitlyDenied,
            ..Self::allowed(layer, found)
        }
    }

    fn not_allowed(layer: Layer) -> Self {
        Self {
            outcome: Outcome::ImplicitlyDenied,
            layer: Some(layer),
            statement: None,
        }
    }
}

/// A statement that matches.
#[derive(Clone, Copy)]
struct Found<'a> {
    document: &'a Document,
    index: usize,
}

impl Found<'_> {
    fn reference(self) -> StatementRef {
        let statement = self.document.policy.statements().get(self.index);
        StatementRef {
            document: Arc::clone(&self.document.source),
            index: self.index,
            sid: statement.and_then(crate::policy::Statement::shared_sid),
        }
    }
}

/// What a layer says.
#[derive(Clone, Copy, Default)]
struct Verdict<'a> {
    deny: Option<Found<'a>>,
    /// The statement that allows, and how closely it means the principal.
    allow: Option<(Grade, Found<'a>)>,
}

impl<'a> Verdict<'a> {
    /// Looks through documents that are one layer. The first Deny ends it; of several that allow, the first of
    /// those counts that mean the principal most closely.
    fn of(
        documents: impl IntoIterator<Item = &'a Document>,
        query: &Query<'_>,
        side: Side,
    ) -> Self {
        let mut verdict = Self::default();
        for document in documents {
            for (index, statement) in document.policy.candidates(query) {
                let best = verdict.allow.map(|(grade, _)| grade);
                let is_allow = statement.effect() == Effect::Allow;
                if is_allow && best == Some(Grade::Direct) {
                    continue;
                }
                let Ok(grade) = statement.matches(query, side) else {
                    continue;
                };
                let found = Found { document, index };
                if !is_allow {
                    verdict.deny = Some(found);
                    return verdict;
                }
                if best < Some(grade) {
                    verdict.allow = Some((grade, found));
                }
            }
        }
        verdict
    }

    /// Levels of an organization: any may deny, each must allow.
    fn of_levels(levels: &'a [Level], query: &Query<'_>, side: Side) -> Self {
        let mut whole = Self::default();
        let mut all_allow = true;
        for level in levels {
            let verdict = Self::of(level, query, side);
            if verdict.deny.is_some() {
                return verdict;
            }
            all_allow &= verdict.allow.is_some();
            whole.allow = whole.allow.or(verdict.allow);
        }
        if !all_allow {
            whole.allow = None;
        }
        whole
    }
}

/// What all layers say. A layer that does not exist is `None`.
struct Verdicts<'a> {
    service_control: Option<Verdict<'a>>,
    resource_control: Verdict<'a>,
    resource: Verdict<'a>,
    identity: Verdict<'a>,
    boundary: Option<Verdict<'a>>,
    session: Option<Verdict<'a>>,
}

impl<'a> Verdicts<'a> {
    fn of(layers: &Layers<'a>, query: &Query<'_>) -> Self {
        let mut verdicts = Self {
            service_control: None,
            resource_control: Verdict::of_levels(layers.rcps, query, Side::Resource),
            resource: Verdict::of(layers.resource, query, Side::Resource),
            identity: Verdict::default(),
            boundary: None,
            session: None,
        };
        if query.request.principal.has_policies() {
            let own = Side::Principal;
            let has_control = !layers.scps.is_empty();
            verdicts.service_control =
                has_control.then(|| Verdict::of_levels(layers.scps, query, own));
            verdicts.identity = Verdict::of(layers.identity, query, own);
            verdicts.boundary = layers.boundary.map(|one| Verdict::of([one], query, own));
            verdicts.session = layers.session.map(|all| Verdict::of(all, query, own));
        }
        verdicts
    }

    /// The first Deny, in the order of layers.
    fn deny(&self, gate: Gate) -> Option<(Layer, Found<'a>)> {
        let deny = |verdict: Option<Verdict<'a>>| verdict.and_then(|verdict| verdict.deny);
        [
            (Layer::ServiceControl, deny(self.service_control)),
            (Layer::ResourceControl, self.resource_control.deny),
            (gate.layer(), self.resource.deny),
            (Layer::Identity, self.identity.deny),
            (Layer::Boundary, deny(self.boundary)),
            (Layer::Session, deny(self.session)),
        ]
        .into_iter()
        .find_map(|(layer, deny)| Some((layer, deny?)))
    }
}

/// Whether a layer exists and does not allow.
fn fails(verdict: Option<Verdict<'_>>) -> bool {
    verdict.is_some_and(|verdict| verdict.allow.is_none())
}

/// Decides a request.
///
/// Grants of a KMS key are not policies: they allow what is denied implicitly by [`Layer::Resource`] or
/// [`Layer::Identity`], and nothing that is denied otherwise.
pub fn decide(layers: &Layers<'_>, request: &Request<'_>) -> Decision {
    let query = Query::new(request, layers.boundary.is_some());
    let verdicts = Verdicts::of(layers, &query);
    let gate = Gate::of(&query);
    if let Some((layer, found)) = verdicts.deny(gate) {
        return Decision::denied(layer, found);
    }
    if fails(verdicts.service_control) {
        return Decision::not_allowed(Layer::ServiceControl);
    }
    let principal = request.principal;
    let is_own = principal.account() == Some(request.resource_account);
    let by_resource = verdicts.resource.allow;
    match by_resource {
        Some((Grade::Direct, found)) if is_own || !principal.has_policies() => {
            return Decision::allowed(gate.layer(), found);
        }
        Some((Grade::Parent, found)) if is_own => {
            let bound = verdicts.bound(principal.kind());
            return bound.unwrap_or_else(|| Decision::allowed(gate.layer(), found));
        }
        Some(_) if principal.has_policies() => {}
        None if is_own && gate == Gate::Open && principal.has_policies() => {}
        Some(_) | None => return Decision::not_allowed(gate.layer()),
    }
    verdicts.by_own_policies(
        principal.kind(),
        by_resource.map(|(_, found)| (gate, found)),
    )
}

impl Verdicts<'_> {
    /// Whether the own policies of a principal allow what they have to; for a root user, who has none, what the
    /// resource says is named.
    fn by_own_policies(
        &self,
        kind: PrincipalKind,
        resource: Option<(Gate, Found<'_>)>,
    ) -> Decision {
        let is_root = kind == PrincipalKind::Root;
        if self.identity.allow.is_none() && !is_root {
            return Decision::not_allowed(Layer::Identity);
        }
        if let Some(denied) = self.bound(kind) {
            return denied;
        }
        match (self.identity.allow, resource) {
            (Some((_, found)), _) => Decision::allowed(Layer::Identity, found),
            (None, Some((gate, found))) => Decision::allowed(gate.layer(), found),
            (None, None) => Decision {
                outcome: Outcome::Allowed,
                layer: None,
                statement: None,
            },
        }
    }

    /// The boundary or the session policies, if they do not allow. A federated user without session policies may
    /// do nothing that depends on them.
    fn bound(&self, kind: PrincipalKind) -> Option<Decision> {
        if fails(self.boundary) {
            return Some(Decision::not_allowed(Layer::Boundary));
        }
        let is_bare = kind == PrincipalKind::FederatedUser && self.session.is_none();
        (is_bare || fails(self.session)).then(|| Decision::not_allowed(Layer::Session))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Context;
    use crate::policy::Policy;
    use crate::principal::Principal;

    const ALLOW: &str = r#"{"Sid": "A", "Effect": "Allow", "Action": "*", "Resource": "*"}"#;
    const DENY: &str = r#"{"Sid": "D", "Effect": "Deny", "Action": "*", "Resource": "*"}"#;
    const OTHER: &str = r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#;
    const EVERYONE: &str = r#"{"Sid": "E", "Effect": "Allow", "Action": "*", "Principal": "*"}"#;
    const NOBODY: &str = r#"{"Sid": "N", "Effect": "Deny", "Action": "*", "Principal": "*"}"#;

    fn document(source: &str, statements: &str) -> Document {
        let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
        Document::new(source, Policy::parse(&text).unwrap())
    }

    fn decided(layers: &Layers<'_>, principal: &str, action: &str, resource: &str) -> Decision {
        let request = Request {
            principal: &Principal::parse(principal).unwrap(),
            action,
            resource,
            resource_account: "111122223333",
            context: &Context::new(),
        };
        decide(layers, &request)
    }

    const USER: &str = "arn:aws:iam::111122223333:user/alice";
    const STRANGER: &str = "arn:aws:iam::444455556666:user/alice";
    const REPOSITORY: &str = "arn:aws:ecr:us-east-1:111122223333:repository/app";

    #[test]
    fn the_first_layer_that_fails_is_named() {
        let (allow, other) = ([document("a", ALLOW)], [document("o", OTHER)]);
        let levels = |document: &Document| vec![vec![document.clone()]];
        let (closed, open) = (levels(&other[0]), levels(&allow[0]));
        let everyone = [document("e", EVERYONE)];
        let all = Layers {
            identity: &other,
            resource: &[],
            boundary: other.first(),
            session: Some(&other),
            scps: &closed,
            rcps: &[],
        };
        for (layers, principal, suffix) in [
            (all, USER, "service control policy"),
            (
                Layers { scps: &open, ..all },
                STRANGER,
                "resource-based policy",
            ),
            (Layers { scps: &open, ..all }, USER, "identity-based policy"),
            (
                Layers {
                    scps: &open,
                    resource: &everyone,
                    ..all
                },
                STRANGER,
                "identity-based policy",
            ),
            (
                Layers {
                    scps: &open,
                    identity: &allow,
                    ..all
                },
                USER,
                "permissions boundary",
            ),
            (
                Layers {
                    scps: &open,
                    identity: &allow,
                    boundary: allow.first(),
                    ..all
                },
                USER,
                "session policy",
            ),
        ] {
            let decision = decided(&layers, principal, "ecr:PutImage", REPOSITORY);
            assert_eq!(decision.outcome, Outcome::ImplicitlyDenied);
            assert_eq!(
                decision.reason("ecr:PutImage"),
                format!(" because no {suffix} allows the ecr:PutImage action")
            );
        }
    }

    #[test]
    fn the_statement_that_denies_is_named() {
        let (allow, deny) = ([document("a", ALLOW)], [document("d", DENY)]);
        let nobody = [document("n", NOBODY)];
        let (scps, rcps) = (vec![deny.to_vec()], vec![nobody.to_vec()]);
        let mut places = [Layers {
            identity: &allow,
            ..Layers::default()
        }; 6];
        places[0].scps = &scps;
        places[1].rcps = &rcps;
        places[2].resource = &nobody;
        places[3].identity = &deny;
        places[4].boundary = deny.first();
        places[5].session = Some(&deny);
        let told = [
            ("a service control policy", "D"),
            ("a resource control policy", "N"),
            ("a resource-based policy", "N"),
            ("an identity-based policy", "D"),
            ("a permissions boundary", "D"),
            ("a session policy", "D"),
        ];
        for (layers, (suffix, sid)) in places.into_iter().zip(told) {
            let decision = decided(&layers, USER, "ecr:PutImage", REPOSITORY);
            assert_eq!(decision.outcome, Outcome::ExplicitlyDenied);
            let reason = decision.reason("ecr:PutImage");
            assert_eq!(reason, format!(" with an explicit deny in {suffix}"));
            let named = decision.statement.unwrap();
            assert_eq!((named.sid.as_deref(), named.index), (Some(sid), 0));
            assert_eq!(*named.document, sid.to_ascii_lowercase());
        }
    }

    #[test]
    fn the_statement_that_allows_is_named() {
        let identity = [
            document("o", OTHER),
            document("a", &format!("{OTHER}, {ALLOW}")),
        ];
        let own = Layers {
            identity: &identity,
            ..Layers::default()
        };
        let decision = decided(&own, USER, "ecr:PutImage", REPOSITORY);
        assert_eq!(decision.layer, Some(Layer::Identity));
        let named = decision.statement.unwrap();
        assert_eq!((&*named.document, named.index), ("a", 1));

        let everyone = [document("e", EVERYONE)];
        let by_resource = Layers {
            resource: &everyone,
            ..Layers::default()
        };
        let decision = decided(&by_resource, USER, "ecr:PutImage", REPOSITORY);
        assert_eq!(decision.layer, Some(Layer::Resource));
        assert!(decision.is_allowed() && decision.reason("ecr:PutImage").is_empty());

        let root = "arn:aws:iam::111122223333:root";
        let decision = decided(&Layers::default(), root, "ecr:PutImage", REPOSITORY);
        assert!(decision.is_allowed());
        assert_eq!((decision.layer, decision.statement), (None, None));
    }

    #[test]
    fn a_role_and_a_key_are_gates() {
        let allow = [document("a", ALLOW)];
        let layers = Layers {
            identity: &allow,
            ..Layers::default()
        };
        for (action, resource, layer) in [
            (
                "sts:AssumeRole",
                "arn:aws:iam::111122223333:role/a",
                Some(Layer::RoleTrust),
            ),
            (
                "STS:TagSession",
                "arn:aws:iam::111122223333:role/a",
                Some(Layer::RoleTrust),
            ),
            ("iam:PassRole", "arn:aws:iam::111122223333:role/a", None),
            (
                "kms:Decrypt",
                "arn:aws:kms:us-east-1:111122223333:key/a",
                Some(Layer::Resource),
            ),
            (
                "kms:CreateAlias",
                "arn:aws:kms:us-east-1:111122223333:alias/a",
                None,
            ),
            ("kms:ListKeys", "*", None),
        ] {
            let decision = decided(&layers, USER, action, resource);
            assert_eq!(decision.is_allowed(), layer.is_none(), "{action}");
            if layer.is_some() {
                assert_eq!(decision.layer, layer);
            }
        }
        let decision = decided(
            &layers,
            USER,
            "sts:AssumeRole",
            "arn:aws:iam::111122223333:role/a",
        );
        assert_eq!(
            decision.reason("sts:AssumeRole"),
            " because no role trust policy allows the sts:AssumeRole action"
        );
    }

    #[test]
    fn misplaced_elements_allow_nothing_and_deny_all_the_same() {
        let everyone = [document("e", EVERYONE)];
        let allow = [document("a", ALLOW)];
        let nobody = [document("n", NOBODY)];
        let deny = [document("d", DENY)];
        let open = Layers {
            identity: &allow,
            ..Layers::default()
        };
        for (layers, outcome) in [
            (
                Layers {
                    identity: &everyone,
                    ..open
                },
                Outcome::ImplicitlyDenied,
            ),
            (
                Layers {
                    identity: &[],
                    resource: &allow,
                    ..open
                },
                Outcome::ImplicitlyDenied,
            ),
            (
                Layers {
                    session: Some(&nobody),
                    ..open
                },
                Outcome::ExplicitlyDenied,
            ),
            (
                Layers {
                    resource: &deny,
                    ..open
                },
                Outcome::ExplicitlyDenied,
            ),
        ] {
            let decision = decided(&layers, USER, "ecr:PutImage", REPOSITORY);
            assert_eq!(decision.outcome, outcome);
        }
    }
}
