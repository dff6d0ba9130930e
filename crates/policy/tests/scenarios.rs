#![expect(clippy::unwrap_used, reason = "what is unexpected fails the run")]

//! Every scenario of the file beside this one, and of the file that `ECRU_IAM_SCENARIOS` names, is decided right, and
//! explained as it is decided.

#[path = "facts/agreement.rs"]
mod agreement;

use std::fs;
use std::io::Read as _;
use std::path::Path;

use ecru_policy::{Context, Document, Layers, Level, Outcome, Policy, Principal, Request, Value};
use ecru_policy::{decide, explain};
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::Value as Json;

/// How many wrong decisions are shown.
const SHOWN: usize = 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Scenario {
    id: u64,
    tag: String,
    request: RequestFacts,
    identity_policies: Vec<Json>,
    resource_policy: Option<Json>,
    boundary: Option<Json>,
    session_policy: Option<Json>,
    scps: Option<Vec<Vec<Json>>>,
    rcps: Option<Vec<Vec<Json>>>,
    decision: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RequestFacts {
    principal: String,
    action: String,
    resource: String,
    resource_account: String,
    context: serde_json::Map<String, Json>,
}

fn document(source: &str, json: &Json) -> Document {
    let policy = Policy::parse(&json.to_string());
    Document::new(source, policy.unwrap_or_else(|why| panic!("{json}: {why}")))
}

fn levels(source: &str, levels: Option<&Vec<Vec<Json>>>) -> Vec<Level> {
    let levels = levels.into_iter().flatten();
    levels
        .map(|level| level.iter().map(|json| document(source, json)).collect())
        .collect()
}

fn context(json: &serde_json::Map<String, Json>) -> Context {
    let value = |json: &Json| match json {
        Json::String(one) => Value::One(one.clone()),
        Json::Array(many) => Value::Many(
            many.iter()
                .map(|one| one.as_str().unwrap().to_owned())
                .collect(),
        ),
        other => panic!("{other}"),
    };
    json.iter().map(|(key, json)| (key, value(json))).collect()
}

/// What is decided instead, if the decision is wrong.
fn wrong(scenario: &Scenario) -> Option<String> {
    let one = |source, json: &Option<Json>| json.as_ref().map(|json| document(source, json));
    let identity = scenario.identity_policies.iter();
    let identity: Vec<_> = identity.map(|json| document("identity", json)).collect();
    let resource = one("resource", &scenario.resource_policy);
    let boundary = one("boundary", &scenario.boundary);
    let session = one("session", &scenario.session_policy).map(|one| [one]);
    let (scps, rcps) = (
        levels("scp", scenario.scps.as_ref()),
        levels("rcp", scenario.rcps.as_ref()),
    );
    let layers = Layers {
        identity: &identity,
        resource: resource.as_slice(),
        boundary: boundary.as_ref(),
        session: session.as_ref().map(<[Document; 1]>::as_slice),
        scps: &scps,
        rcps: &rcps,
    };
    let facts = &scenario.request;
    let request = Request {
        principal: &Principal::parse(&facts.principal).unwrap(),
        action: &facts.action,
        resource: &facts.resource,
        resource_account: &facts.resource_account,
        context: &context(&facts.context),
    };
    let expected = match scenario.decision.as_str() {
        "Allowed" => Outcome::Allowed,
        "ExplicitlyDenied" => Outcome::ExplicitlyDenied,
        "ImplicitlyDenied" => Outcome::ImplicitlyDenied,
        other => panic!("{other}"),
    };
    let decision = decide(&layers, &request);
    let explanation = explain(&layers, &request);
    agreement::explanation_agrees(&explanation, &request, &decision);
    (decision.outcome != expected).then(|| {
        let (id, tag) = (scenario.id, &scenario.tag);
        format!("{id} {tag}: expected {expected:?}, got {decision:?}")
    })
}

fn text(path: &Path) -> String {
    let bytes = fs::read(path).unwrap();
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return String::from_utf8(bytes).unwrap();
    }
    let mut text = String::new();
    GzDecoder::new(bytes.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    text
}

fn run(path: &Path) -> usize {
    let text = text(path);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let scenarios = lines
        .iter()
        .map(|line| serde_json::from_str::<Scenario>(line).unwrap());
    let wrong: Vec<String> = scenarios.filter_map(|scenario| wrong(&scenario)).collect();
    let shown = wrong.iter().take(SHOWN).cloned().collect::<Vec<_>>();
    assert!(
        wrong.is_empty(),
        "{} of {} wrong in {}:\n{}",
        wrong.len(),
        lines.len(),
        path.display(),
        shown.join("\n")
    );
    lines.len()
}

#[test]
fn the_kept_scenarios_are_decided_right() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/iam-scenarios.jsonl.gz");
    assert_eq!(run(&kept), 1_998);
}

#[test]
fn the_scenarios_of_the_environment_are_decided_right() {
    if let Some(path) = std::env::var_os("ECRU_IAM_SCENARIOS") {
        assert!(run(Path::new(&path)) > 0, "the file has no scenario");
    }
}
