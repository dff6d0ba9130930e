#![expect(clippy::unwrap_used, reason = "what is unexpected fails the run")]

//! How long a decision takes: `cargo bench -p ecru-policy`.
//!
//! Ten identity policies of ten statements, as a busy user has them, and the policy of the repository; once decided
//! by the last statement of all, once denied by none and allowed by none. Then the same number of statements that can
//! only be told apart by their actions, and by their conditions.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

use ecru_policy::{Context, Document, Layers, Policy, Principal, Request, decide};

const POLICIES: usize = 10;
const STATEMENTS: usize = 10;
/// So short that most repetitions are not interrupted by whatever else the machine does.
const ROUNDS: u32 = 50;
const REPETITIONS: usize = 2_000;

/// Ten policies of ten statements, which `write` writes by the number of their policy and their own.
fn policies(write: impl Fn(usize, usize) -> String) -> Vec<Document> {
    let policy = |number| {
        let mut text = String::from(r#"{"Version": "2012-10-17", "Statement": ["#);
        for statement in 0..STATEMENTS {
            let comma = if statement == 0 { "" } else { "," };
            let effect = if statement == 5 { "Deny" } else { "Allow" };
            let rest = write(number, statement);
            write!(
                text,
                r#"{comma}{{"Sid": "S{statement}", "Effect": "{effect}", {rest}}}"#
            )
            .unwrap();
        }
        text.push_str("]}");
        Document::new(format!("policy-{number}"), Policy::parse(&text).unwrap())
    };
    (0..POLICIES).map(policy).collect()
}

/// A few actions on the repositories of one team, under conditions.
fn of_a_team(number: usize, statement: usize) -> String {
    format!(
        r#""Action": ["ecr:PutImage", "ecr:Batch*", "ecr:GetDownloadUrlForLayer", "ecr:DescribeImages"],
        "Resource": ["arn:aws:ecr:*:111122223333:repository/team-{number}-{statement}/*",
            "arn:aws:ecr:us-east-1:111122223333:repository/${{aws:PrincipalTag/team}}/{number}/*"],
        "Condition": {{"Bool": {{"aws:SecureTransport": "true"}},
            "IpAddress": {{"aws:SourceIp": ["203.0.113.0/24", "10.0.0.0/8"]}}}}"#
    )
}

/// Other actions on everything.
fn of_an_action(number: usize, statement: usize) -> String {
    format!(
        r#""Action": ["ecr:BatchGet{number}", "ecr:Describe*", "ecr:Put{statement}*", "s3:*"], "Resource": "*""#
    )
}

/// The action on the repository, from another address and with a tag that nobody has.
fn of_a_condition(number: usize, statement: usize) -> String {
    format!(
        r#""Action": "ecr:Batch*", "Resource": "arn:aws:ecr:*:111122223333:repository/team-9-9/*",
        "Condition": {{"IpAddress": {{"aws:SourceIp": ["203.0.113.0/24", "10.0.0.0/8"]}},
            "StringEquals": {{"aws:PrincipalTag/team": ["{number}-{statement}", "nobody"]}}}}"#
    )
}

fn context() -> Context {
    let mut context = Context::new();
    for key in 0..20 {
        context.set(&format!("aws:PrincipalTag/key{key}"), "value");
    }
    context
        .set("aws:SecureTransport", true)
        .set("aws:SourceIp", "10.1.2.3")
        .set("aws:PrincipalTag/team", "team-x")
        .set("aws:username", "alice");
    context
}

fn main() {
    let teams = policies(of_a_team);
    let repository = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["ecr:BatchGetImage"],
        "Principal": {"AWS": "arn:aws:iam::444455556666:root"}}]}"#;
    let resource = [Document::new(
        "repository",
        Policy::parse(repository).unwrap(),
    )];
    let principal = Principal::parse("arn:aws:iam::111122223333:user/alice").unwrap();
    let context = context();
    let own = "arn:aws:ecr:us-east-1:111122223333:repository/team-9-9/web";
    let others = "arn:aws:ecr:us-east-1:111122223333:repository/team-y/web";
    for (name, identity, target) in [
        ("allowed by the last", &teams, own),
        ("allowed by none", &teams, others),
        ("told apart by actions", &policies(of_an_action), own),
        ("told apart by conditions", &policies(of_a_condition), own),
    ] {
        let layers = Layers {
            identity,
            resource: &resource,
            ..Layers::default()
        };
        let request = Request {
            principal: &principal,
            action: "ecr:BatchGetImage",
            resource: target,
            resource_account: "111122223333",
            context: &context,
        };
        let mut times: Vec<f64> = (0..REPETITIONS)
            .map(|_| {
                let start = Instant::now();
                for _ in 0..ROUNDS {
                    black_box(decide(black_box(&layers), black_box(&request)));
                }
                start.elapsed().as_secs_f64() / f64::from(ROUNDS) * 1e6
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let outcome = decide(&layers, &request).outcome;
        println!(
            "{name}: {:.2} µs (fastest {:.2}, nine of ten within {:.2}), {outcome:?}",
            times[REPETITIONS / 2],
            times[0],
            times[REPETITIONS * 9 / 10]
        );
    }
}
