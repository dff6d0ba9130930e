//! Facts that tests of decisions share.

use ecru_policy::{
    Decision, Explanation, Grade, Layer, LayerExplanation, Outcome, PrincipalKind, Request,
};

/// Derives the outcome from what an explanation says of each statement, in words of its own, and compares.
pub(crate) fn explanation_agrees(
    explanation: &Explanation,
    request: &Request<'_>,
    decision: &Decision,
) {
    assert_eq!(&explanation.decision, decision);
    for layer in &explanation.layers {
        for statement in &layer.statements {
            assert_eq!(statement.matches, statement.failed.is_none());
        }
    }
    let told = told(explanation, request);
    assert_eq!(told, decision.outcome, "{explanation:#?}");
    let by = explanation
        .layers
        .iter()
        .filter(|one| Some(one.layer) == decision.layer);
    let by: Vec<&LayerExplanation> = by.collect();
    match decision.outcome {
        Outcome::ExplicitlyDenied => assert!(by.iter().any(|layer| layer.denies)),
        Outcome::ImplicitlyDenied => {
            assert!(decision.statement.is_none() && !decision.reason("a:b").is_empty());
        }
        Outcome::Allowed => {
            assert!(decision.layer.is_none() || by.iter().any(|layer| layer.allows));
        }
    }
    if let Some(named) = &decision.statement {
        let statements = by.iter().flat_map(|layer| &layer.statements);
        let mut same =
            statements.filter(|one| one.document == named.document && one.index == named.index);
        assert!(same.any(|one| one.matches && one.sid == named.sid));
    }
}

fn told(explanation: &Explanation, request: &Request<'_>) -> Outcome {
    let layers = &explanation.layers;
    if layers.iter().any(|layer| layer.denies) {
        return Outcome::ExplicitlyDenied;
    }
    let of = |wanted: Layer| layers.iter().filter(move |layer| layer.layer == wanted);
    let open = |wanted: Layer| of(wanted).all(|layer| layer.allows);
    let principal = request.principal;
    let has_session = of(Layer::Session).count() > 0;
    let kind = principal.kind();
    let own = (
        of(Layer::Identity).any(|layer| layer.allows) || kind == PrincipalKind::Root,
        open(Layer::Boundary)
            && open(Layer::Session)
            && (has_session || kind != PrincipalKind::FederatedUser),
    );
    let resource = layers
        .iter()
        .filter(|layer| matches!(layer.layer, Layer::Resource | Layer::RoleTrust))
        .flat_map(|layer| &layer.statements)
        .filter_map(|statement| statement.grade)
        .max();
    let is_gate = {
        let action = request.action.to_ascii_lowercase();
        action.starts_with("kms:")
            && request.resource.starts_with("arn:")
            && request.resource.contains(":key/")
            || action.starts_with("sts:") && request.resource.contains(":role/")
    };
    let is_own = principal.account() == Some(request.resource_account);
    let allowed = match (principal.has_policies(), is_own, resource) {
        (false, _, grade) => grade == Some(Grade::Direct),
        (true, true, Some(Grade::Direct)) => open(Layer::ServiceControl),
        (true, true, Some(Grade::Parent)) => open(Layer::ServiceControl) && own.1,
        (true, true, Some(Grade::Account)) => open(Layer::ServiceControl) && own.0 && own.1,
        (true, true, None) => !is_gate && open(Layer::ServiceControl) && own.0 && own.1,
        (true, false, grade) => grade.is_some() && open(Layer::ServiceControl) && own.0 && own.1,
    };
    if allowed {
        Outcome::Allowed
    } else {
        Outcome::ImplicitlyDenied
    }
}
