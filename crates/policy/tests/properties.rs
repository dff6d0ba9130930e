#![expect(clippy::unwrap_used, reason = "a failing test panics")]

//! What holds of every set of policies, whatever is in them.

#[path = "facts/agreement.rs"]
mod agreement;

use ecru_policy::{
    Context, Decision, Document, DocumentKind, Layers, Level, Outcome, Policy, Principal, Request,
};
use ecru_policy::{decide, explain, principals, rewrite_principals, validate};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value as Json, json};

const ACCOUNT: &str = "111122223333";
const REPOSITORY: &str = "arn:aws:ecr:us-east-1:111122223333:repository/team-a/web";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234";
const ROLE: &str = "arn:aws:iam::111122223333:role/target";

const PRINCIPALS: [&str; 9] = [
    "arn:aws:iam::111122223333:root",
    "arn:aws:iam::111122223333:user/alice",
    "arn:aws:iam::444455556666:user/alice",
    "arn:aws:sts::111122223333:assumed-role/deploy/ci",
    "arn:aws:sts::444455556666:assumed-role/deploy/ci",
    "arn:aws:sts::111122223333:federated-user/bob",
    "arn:aws:sts::444455556666:federated-user/bob",
    "arn:aws:iam::111122223333:oidc-provider/gitlab.example",
    "ecs-tasks.amazonaws.com",
];

/// Of the patterns of resources.
const PIECES: [&str; 12] = [
    "repository/",
    "repository/team-a/",
    "team-a",
    "team-b",
    "/",
    "web",
    "*",
    "?",
    ":",
    "${aws:PrincipalTag/team}",
    "${aws:PrincipalTag/team, 'team-b'}",
    "${aws:username, 'team-a'}",
];

/// A policy, as the JSON of its statements.
type Statements = Vec<Json>;

/// All layers, as JSON; a mutation changes a statement and nothing else.
#[derive(Clone, Debug)]
struct House {
    identity: Vec<Statements>,
    resource: Vec<Statements>,
    boundary: Option<Statements>,
    session: Option<Vec<Statements>>,
    scps: Vec<Vec<Statements>>,
    rcps: Vec<Vec<Statements>>,
}

impl House {
    fn policies(&mut self) -> Vec<&mut Statements> {
        let session = self.session.iter_mut().flatten();
        let own = self
            .identity
            .iter_mut()
            .chain(&mut self.boundary)
            .chain(session);
        let levels = self.scps.iter_mut().chain(&mut self.rcps).flatten();
        own.chain(&mut self.resource).chain(levels).collect()
    }

    fn decide(&self, facts: &Facts) -> Decision {
        let identity = documents(&self.identity);
        let resource = documents(&self.resource);
        let boundary = self.boundary.as_ref().map(document);
        let session = self.session.as_ref().map(|all| documents(all));
        let levels = |levels: &[Vec<Statements>]| -> Vec<Level> {
            levels.iter().map(|level| documents(level)).collect()
        };
        let (scps, rcps) = (levels(&self.scps), levels(&self.rcps));
        let layers = Layers {
            identity: &identity,
            resource: &resource,
            boundary: boundary.as_ref(),
            session: session.as_deref(),
            scps: &scps,
            rcps: &rcps,
        };
        let request = Request {
            principal: &Principal::parse(facts.principal).unwrap(),
            action: facts.action,
            resource: facts.resource,
            resource_account: ACCOUNT,
            context: &facts.context.iter().copied().collect::<Context>(),
        };
        let decision = decide(&layers, &request);
        agreement::explanation_agrees(&explain(&layers, &request), &request, &decision);
        decision
    }
}

fn document(statements: &Statements) -> Document {
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    Document::new("a", Policy::parse(&text).unwrap())
}

fn documents(policies: &[Statements]) -> Vec<Document> {
    policies.iter().map(document).collect()
}

#[derive(Clone, Debug)]
struct Facts {
    principal: &'static str,
    action: &'static str,
    resource: &'static str,
    context: Vec<(&'static str, &'static str)>,
}

fn facts() -> impl Strategy<Value = Facts> {
    let what = select(vec![
        ("ecr:PutImage", REPOSITORY),
        ("ecr:GetAuthorizationToken", "*"),
        ("kms:Decrypt", KEY),
        ("sts:AssumeRole", ROLE),
    ]);
    let keys = vec![
        ("aws:SecureTransport", "true"),
        ("aws:SecureTransport", "false"),
        ("aws:SourceIp", "10.0.0.1"),
        ("aws:PrincipalTag/team", "team-a"),
    ];
    (select(&PRINCIPALS), what, vec(select(keys), 0..3)).prop_map(
        |(principal, (action, resource), context)| Facts {
            principal,
            action,
            resource,
            context,
        },
    )
}

fn conditions() -> impl Strategy<Value = Json> {
    select(vec![
        Json::Null,
        Json::Null,
        json!({"Bool": {"aws:SecureTransport": "true"}}),
        json!({"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8"]}}),
        json!({"StringEqualsIfExists": {"aws:PrincipalTag/team": "team-a"}}),
        json!({"ForAnyValue:StringLike": {"aws:PrincipalTag/team": ["*", "x"]}}),
        json!({"Null": {"aws:SourceIp": true}}),
    ])
}

/// A statement of a principal's policy; with `Principal` of a resource's.
fn statement(is_of_resource: bool) -> impl Strategy<Value = Json> {
    let action = select(vec![
        "*",
        "ecr:*",
        "ecr:Put*",
        "kms:Decrypt",
        "sts:AssumeRole",
        "s3:*",
    ]);
    let resource = select(vec![
        "*",
        "arn:aws:ecr:*:*:repository/${aws:PrincipalTag/team}/*",
        "arn:aws:ecr:us-east-1:111122223333:repository/team-a/web",
        "arn:aws:kms:us-east-1",
        "arn:aws:iam::111122223333:role/t*",
    ]);
    let named = select(vec![
        json!("*"),
        json!({"AWS": ["arn:aws:iam::111122223333:root"]}),
        json!({"AWS": "444455556666"}),
        json!({"AWS": "arn:aws:iam::111122223333:user/alice"}),
        json!({"AWS": "arn:aws:iam::111122223333:role/deploy"}),
        json!({"AWS": "arn:aws:sts::111122223333:assumed-role/deploy/ci"}),
        json!({"AWS": "arn:aws:iam::111122223333:user/bob", "Service": "ecs-tasks.amazonaws.com"}),
        json!({"Federated": "arn:aws:iam::111122223333:oidc-provider/gitlab.example"}),
    ]);
    let is_allow = prop::bool::weighted(0.8);
    let is_not = (any::<u8>(), any::<u8>(), any::<u8>());
    (is_allow, action, resource, named, conditions(), is_not).prop_map(
        move |(is_allow, action, resource, named, condition, (a, r, p))| {
            // complements are rarer than what they complement
            let name = |chance: u8, name: &str| match chance {
                0..40 => format!("Not{name}"),
                _ => name.to_owned(),
            };
            let mut statement = json!({"Effect": if is_allow { "Allow" } else { "Deny" }});
            statement[name(a, "Action")] = json!(action);
            if is_of_resource {
                statement[name(p, "Principal")] = named;
            } else {
                statement[name(r, "Resource")] = json!(resource);
            }
            if !condition.is_null() {
                statement["Condition"] = condition;
            }
            statement
        },
    )
}

fn policy(is_of_resource: bool) -> impl Strategy<Value = Statements> {
    vec(statement(is_of_resource), 0..4)
}

fn open() -> Statements {
    vec![json!({"Effect": "Allow", "Action": "*", "Resource": "*"})]
}

fn house() -> impl Strategy<Value = House> {
    let own = || prop_oneof![policy(false), Just(open())];
    let level = |is_of_resource| vec(policy(is_of_resource), 0..3);
    (
        vec(own(), 0..3),
        vec(policy(true), 0..3),
        prop::option::of(own()),
        prop::option::of(vec(own(), 0..3)),
        vec(prop_oneof![level(false), Just(vec![open()])], 0..3),
        vec(level(true), 0..2),
    )
        .prop_map(
            |(identity, resource, boundary, session, scps, rcps)| House {
                identity,
                resource,
                boundary,
                session,
                scps,
                rcps,
            },
        )
}

/// Resources of statements and of a request, of the same few pieces, so that they often nearly fit.
fn arn(pieces: Vec<&'static str>) -> impl Strategy<Value = String> {
    let heads = vec![
        "arn:aws:ecr:us-east-1:111122223333:",
        "arn:aws:ecr:us-east-1:111122223333:",
        "arn:aws:ecr::111122223333:",
        "arn:aws:ecr:*:111122223333:",
        "arn:aws:ecr:*:*:",
        "arn:*:ecr:us-*:111122223333:",
        "arn:*:*:*:*:",
        "*",
        "",
    ];
    (select(heads), vec(select(pieces), 0..5))
        .prop_map(|(head, pieces)| head.to_owned() + &pieces.concat())
}

/// From the most to the least that may be done.
fn rank(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Allowed => 0,
        Outcome::ImplicitlyDenied => 1,
        Outcome::ExplicitlyDenied => 2,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn a_deny_never_widens(
        house in house(),
        facts in facts(),
        mut deny in prop_oneof![statement(false), statement(true)],
        place in any::<prop::sample::Index>(),
    ) {
        let before = house.decide(&facts);
        let mut other = house;
        let mut policies = other.policies();
        prop_assume!(!policies.is_empty());
        let place = place.index(policies.len());
        deny["Effect"] = json!("Deny");
        policies[place].push(deny);
        prop_assert!(rank(other.decide(&facts).outcome) >= rank(before.outcome));
    }

    #[test]
    fn taking_an_allow_away_never_widens(
        house in house(),
        facts in facts(),
        place in any::<prop::sample::Index>(),
    ) {
        let before = house.decide(&facts);
        let mut other = house.clone();
        let allows: Vec<(usize, usize)> = other
            .policies()
            .iter()
            .enumerate()
            .flat_map(|(policy, statements)| (0..statements.len()).map(move |place| (policy, place)))
            .collect();
        let mut policies = other.policies();
        let allows: Vec<_> = allows
            .into_iter()
            .filter(|(policy, place)| policies[*policy][*place]["Effect"] == "Allow")
            .collect();
        prop_assume!(!allows.is_empty());
        let (policy, statement) = allows[place.index(allows.len())];
        policies[policy].remove(statement);
        prop_assert!(rank(other.decide(&facts).outcome) >= rank(before.outcome));
    }

    #[test]
    fn order_never_matters(house in house(), facts in facts()) {
        let before = house.decide(&facts);
        let mut other = house.clone();
        for statements in other.policies() {
            statements.reverse();
        }
        other.identity.reverse();
        other.resource.reverse();
        if let Some(session) = &mut other.session {
            session.reverse();
        }
        for level in other.scps.iter_mut().chain(&mut other.rcps) {
            level.reverse();
        }
        other.scps.reverse();
        other.rcps.reverse();
        let after = other.decide(&facts);
        prop_assert_eq!((after.outcome, after.layer), (before.outcome, before.layer));
        // how statements are put into documents does not matter either
        other.identity = vec![other.identity.concat()];
        let after = other.decide(&facts);
        prop_assert_eq!((after.outcome, after.layer), (before.outcome, before.layer));
    }

    #[test]
    fn a_decision_rests_on_statements_that_match_and_misses_none(
        patterns in vec(vec(arn(PIECES.to_vec()), 1..3), 1..12),
        resource in arn(vec!["repository/", "team-a", "team-b", "/", "web", ":", "\u{e9}"]),
        team in select(vec!["", "team-a", "team-", "e"]),
    ) {
        let statements = patterns.iter().map(|patterns| {
            json!({"Effect": "Allow", "Action": "*", "Resource": patterns})
        });
        let identity = [document(&statements.collect())];
        let context: Context = [("aws:PrincipalTag/team", team)].into_iter().collect();
        let request = Request {
            principal: &Principal::parse(PRINCIPALS[1]).unwrap(),
            action: "ecr:PutImage",
            resource: &resource,
            resource_account: ACCOUNT,
            context: &context,
        };
        let layers = Layers { identity: &identity, ..Layers::default() };
        let explanation = explain(&layers, &request);
        let all = explanation.layers.iter().flat_map(|layer| &layer.statements);
        let first = all.filter(|one| one.matches).map(|one| one.index).next();
        let named = decide(&layers, &request).statement.map(|statement| statement.index);
        prop_assert_eq!(named, first);
    }

    #[test]
    fn what_may_be_saved_can_be_evaluated_and_rewritten(
        statements in prop_oneof![policy(false), policy(true)],
        is_older in any::<bool>(),
    ) {
        let version = if is_older { "2008-10-17" } else { "2012-10-17" };
        let text = json!({"Version": version, "Statement": statements}).to_string();
        for kind in [DocumentKind::Managed, DocumentKind::Repository, DocumentKind::Key] {
            if validate(&text, kind).is_ok() {
                prop_assert!(Policy::parse(&text).is_ok());
            }
        }
        let named = principals(&text).unwrap();
        let ids = rewrite_principals(&text, |name| Some(format!("id of {name}"))).unwrap();
        let back = rewrite_principals(&ids, |id| id.strip_prefix("id of ").map(str::to_owned)).unwrap();
        prop_assert_eq!(&back, &text);
        prop_assert!(principals(&ids).unwrap().len() >= named.len());
    }

    #[test]
    fn nothing_that_is_no_document_is_taken_for_one(text in "[{}\\[\\]\",:a*$ ]{0,40}") {
        prop_assert!(Policy::parse(&text).is_err());
        prop_assert!(validate(&text, DocumentKind::Managed).is_err());
    }
}

/// Documents that are as much work as so much text can be.
fn hostile_documents() -> Vec<String> {
    let statement = |elements: &str| {
        format!(r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", {elements}}}]}}"#)
    };
    let list = |value: &str, count: usize| vec![format!("\"{value}\""); count].join(",");
    let deep = "[".repeat(60_000) + &"]".repeat(60_000);
    let members: Vec<String> = (0..9_000)
        .map(|place| format!("\"a:{place}\": \"*?\""))
        .collect();
    vec![
        statement(&format!(r#""Action": {deep}"#)),
        statement(&format!(r#""Nothing": {deep}"#)),
        statement(&format!(
            r#""Action": [{}], "Resource": "*""#,
            list("*a*b", 15_000)
        )),
        statement(&format!(
            r#""Action": "*", "Resource": "arn:aws:ecr:*:*:{}b""#,
            "*a".repeat(50_000)
        )),
        statement(&format!(
            r#""Action": "*", "Resource": "arn:aws:ecr:*:*:*{}b*""#,
            "?a".repeat(50_000)
        )),
        statement(&format!(
            r#""Action": "*", "Resource": "{}""#,
            "arn:aws:ecr:".repeat(10_000)
        )),
        statement(&format!(
            r#""Action": "*", "Resource": "*", "Condition": {{"StringLike": {{{}}}}}"#,
            members.join(",")
        )),
        statement(&format!(
            r#""Action": "*", "Principal": {{"AWS": [{}]}}"#,
            list("arn:aws:iam::111122223333:user/a", 3_000)
        )),
        statement(&format!(
            r#""Action": "*", "Resource": "arn:aws:ecr:*:*:*{}b*""#,
            "${a:b}?".repeat(15_000)
        )),
    ]
}

#[test]
fn hostile_documents_end() {
    let resource = format!("arn:aws:ecr:us-east-1:{ACCOUNT}:{}", "a".repeat(2_000));
    let mut context = Context::new();
    context
        .set("a:b", "a".repeat(20))
        .set("a:1", "a".repeat(20_000));
    let principal = Principal::parse(PRINCIPALS[1]).unwrap();
    let request = Request {
        principal: &principal,
        action: "ecr:PutImage",
        resource: &resource,
        resource_account: ACCOUNT,
        context: &context,
    };
    for text in hostile_documents() {
        for kind in [
            DocumentKind::Key,
            DocumentKind::Registry,
            DocumentKind::RoleInline,
        ] {
            assert!(validate(&text, kind).is_err());
        }
        let Ok(policy) = Policy::parse(&text) else {
            continue;
        };
        assert!(!principals(&text).is_ok_and(|named| named.len() > 1));
        let own = [Document::new("hostile", policy)];
        let layers = Layers {
            identity: &own,
            resource: &own,
            ..Layers::default()
        };
        assert_eq!(
            decide(&layers, &request).outcome,
            explain(&layers, &request).decision.outcome
        );
    }
}
