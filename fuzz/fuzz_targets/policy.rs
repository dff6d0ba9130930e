//! Policies: a document means one thing, and what is said of a decision leads to it.
//!
//! Input: principal, action and resource on a line each, then lines of context keys (`key=value`, or `key=` and
//! values after `|` for a key that may have several), an empty line, and the document.
#![no_main]

use ecru_policy::{
    Context, Decision, Document, DocumentKind, Effect, Explanation, Layers, Outcome, Policy,
    Principal, Request, Value,
};
use ecru_policy::{decide, explain, principals, rewrite_principals, validate};
use libfuzzer_sys::fuzz_target;

const ACCOUNT: &str = "111122223333";

const KINDS: [DocumentKind; 11] = [
    DocumentKind::Managed,
    DocumentKind::UserInline,
    DocumentKind::RoleInline,
    DocumentKind::GroupInline,
    DocumentKind::Session,
    DocumentKind::RoleTrust,
    DocumentKind::Repository,
    DocumentKind::Registry,
    DocumentKind::Key,
    DocumentKind::ServiceControl,
    DocumentKind::ResourceControl,
];

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (head, document) = text.split_once("\n\n").unwrap_or(("", text));
    may_be_saved(document);
    let Ok(policy) = Policy::parse(document) else {
        return;
    };
    is_rewritten_back(document);
    let mut lines = head.lines();
    let principal = lines.next().and_then(|line| Principal::parse(line).ok());
    let principal = principal.unwrap_or_else(Principal::anonymous);
    let (action, resource) = (
        lines.next().unwrap_or("ecr:PutImage"),
        lines.next().unwrap_or("*"),
    );
    let context: Context = lines.filter_map(entry).collect();
    let request = Request {
        principal: &principal,
        action,
        resource,
        resource_account: ACCOUNT,
        context: &context,
    };
    covers_what_the_textbook_covers(&policy, action);
    let decisions = decisions(&policy, &request);
    // another writer: names in another order, numbers and escapes as it likes, statements backwards
    let mut value: serde_json::Value = match serde_json::from_str(document) {
        Ok(value) => value,
        Err(_) => return,
    };
    let outcomes = |decisions: &[Decision]| -> Vec<_> {
        decisions
            .iter()
            .map(|one| (one.outcome, one.layer))
            .collect()
    };
    if let Some(statements) = value["Statement"].as_array_mut() {
        statements.reverse();
    }
    // floating numbers may lose digits on the way
    if !has_floats(&value) {
        let again = Policy::parse(&value.to_string()).expect("the same document");
        assert_eq!(
            outcomes(&self::decisions(&again, &request)),
            outcomes(&decisions)
        );
    }
});

fn entry(line: &str) -> Option<(&str, Value)> {
    let (key, value) = line.split_once('=')?;
    let value = match value.strip_prefix('|') {
        Some(values) => Value::Many(values.split('|').map(str::to_owned).collect()),
        None => Value::One(value.to_owned()),
    };
    Some((key, value))
}

fn may_be_saved(document: &str) {
    for kind in KINDS {
        match validate(document, kind) {
            Ok(_) => assert!(Policy::parse(document).is_ok()),
            Err(finding) => assert!(!finding.message.is_empty() && !finding.detail.is_empty()),
        }
    }
}

fn is_rewritten_back(document: &str) {
    let named = principals(document).expect("a document has principals");
    assert_eq!(
        rewrite_principals(document, |_| None).as_deref(),
        Ok(document)
    );
    let there =
        rewrite_principals(document, |name| Some(format!("was {name}"))).expect("a document");
    assert!(Policy::parse(&there).is_ok());
    let back = rewrite_principals(&there, |name| name.strip_prefix("was ").map(str::to_owned))
        .expect("a document");
    assert_eq!(principals(&back).expect("a document"), named);
}

/// Decides with the document in every place where one can stand.
fn decisions(policy: &Policy, request: &Request<'_>) -> Vec<Decision> {
    let own = [Document::new("own", policy.clone())];
    let open = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
    let open = [Document::new(
        "open",
        Policy::parse(open).expect("a policy"),
    )];
    let levels = [own.to_vec()];
    let everything = Layers {
        identity: &open,
        ..Layers::default()
    };
    let places = [
        Layers {
            identity: &own,
            ..everything
        },
        Layers {
            resource: &own,
            ..everything
        },
        Layers {
            boundary: own.first(),
            ..everything
        },
        Layers {
            session: Some(&own),
            ..everything
        },
        Layers {
            scps: &levels,
            ..everything
        },
        Layers {
            rcps: &levels,
            ..everything
        },
    ];
    let decided = places.iter().map(|layers| {
        let decision = decide(layers, request);
        leads_to(&explain(layers, request), &decision);
        decision
    });
    decided.collect()
}

fn leads_to(explanation: &Explanation, decision: &Decision) {
    assert_eq!(&explanation.decision, decision);
    let denies = explanation.layers.iter().any(|layer| layer.denies);
    assert_eq!(denies, decision.outcome == Outcome::ExplicitlyDenied);
    let matching = |effect: Effect| {
        let statements = explanation
            .layers
            .iter()
            .flat_map(|layer| &layer.statements);
        statements.filter(move |one| one.matches && one.effect == effect)
    };
    assert_eq!(denies, matching(Effect::Deny).count() > 0);
    if let Some(named) = &decision.statement {
        let mut all = matching(Effect::Allow).chain(matching(Effect::Deny));
        assert!(all.any(|one| one.index == named.index && one.document == named.document));
    }
    if !decision.is_allowed() {
        assert!(decision.reason("a:b").starts_with(' '));
    }
}

fn covers_what_the_textbook_covers(policy: &Policy, action: &str) {
    let text: Vec<char> = action.to_ascii_lowercase().chars().collect();
    // the table of the textbook is as large as both together
    if text.len() > 100 {
        return;
    }
    for statement in policy.statements() {
        let actions = statement.actions();
        let matching = actions.iter().any(|pattern| {
            let pattern: Vec<char> = pattern.to_ascii_lowercase().chars().collect();
            fits(&pattern, &text)
        });
        assert_eq!(
            statement.covers_action(action),
            matching != statement.excepts_actions()
        );
    }
}

/// By a row for each character of the pattern: which beginnings of the text it fits so far.
fn fits(pattern: &[char], text: &[char]) -> bool {
    let mut row = vec![false; text.len() + 1];
    row[0] = true;
    for letter in pattern {
        let mut next = vec![false; text.len() + 1];
        next[0] = row[0] && *letter == '*';
        for end in 1..=text.len() {
            next[end] = match letter {
                '*' => row[end] || next[end - 1],
                '?' => row[end - 1],
                other => row[end - 1] && *other == text[end - 1],
            };
        }
        row = next;
    }
    row[text.len()]
}

fn has_floats(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Number(number) => !number.is_i64() && !number.is_u64(),
        serde_json::Value::Array(values) => values.iter().any(has_floats),
        serde_json::Value::Object(members) => members.values().any(has_floats),
        _ => false,
    }
}
