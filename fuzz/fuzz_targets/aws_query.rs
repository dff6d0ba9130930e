//! The awsQuery dialect: forms in, XML out; and the inputs of IAM and STS that nest deepest or hold most kinds of values.
//!
//! Input: the query of the URL on the first line; then the body.
#![no_main]

use std::collections::BTreeMap;

use ecru_aws_gateway::exception::Exception;
use ecru_aws_gateway::query_protocol::{self, Form, invalid_action};
use ecru_aws_model::constraint::MAX_VIOLATIONS;
use ecru_aws_model::{iam, sts};
use http::StatusCode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let end = data.iter().position(|b| *b == b'\n').unwrap_or(data.len());
    let (head, body) = data.split_at(end);
    let body = body.get(1..).unwrap_or_default();
    let query = std::str::from_utf8(head).unwrap_or_default();
    let parsed = Form::parse(Some(query), body);
    let expected = std::str::from_utf8(body)
        .ok()
        .and_then(|body| pairs(query, body));
    let form = match (parsed, expected) {
        (Ok(form), Some(pairs)) => {
            let read: Vec<_> = form.iter().collect();
            let pairs: Vec<_> = pairs
                .iter()
                .map(|(n, v)| (n.as_str(), v.as_str()))
                .collect();
            assert_eq!(read, pairs);
            form
        }
        (Ok(form), None) => panic!("{form:?} is taken from a malformed query"),
        (Err(refused), Some(pairs)) => {
            let is_large = pairs.len() > 1_000 || pairs.keys().any(|name| name.len() > 256);
            assert!(is_large, "{refused:?}");
            return;
        }
        (Err(_), None) => return,
    };
    written_again(&form);
    operation(&form);
    inputs(&form);
});

/// Whatever a form says, it is an input or refused in a text that is short and has no control characters.
fn inputs(form: &Form) {
    let refused = [
        query_protocol::decode::<iam::CreateUserRequest>(form).err(),
        query_protocol::decode::<iam::CreateOpenIDConnectProviderRequest>(form).err(),
        query_protocol::decode::<iam::SimulatePrincipalPolicyRequest>(form).err(),
        query_protocol::decode::<iam::UpdateAccountPasswordPolicyRequest>(form).err(),
        query_protocol::decode::<sts::AssumeRoleRequest>(form).err(),
        query_protocol::decode::<sts::AssumeRoleWithWebIdentityRequest>(form).err(),
    ];
    for exception in refused.iter().flatten() {
        assert!(matches!(exception.code(), "ValidationError" | "MalformedInput"));
        assert!(exception.message().len() < MAX_VIOLATIONS * 8_000);
        assert!(!exception.message().chars().any(char::is_control));
    }
}

/// Against a decoder that goes byte by byte. `None` if something is badly encoded or given twice.
fn pairs(query: &str, body: &str) -> Option<BTreeMap<String, String>> {
    let mut pairs = BTreeMap::new();
    let encoded = [query, body.trim_ascii()];
    for pair in encoded.iter().flat_map(|part| part.split('&')) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(name)?, decode(value)?);
        if pair.is_empty() || name.starts_with("X-Amz-") {
            continue;
        }
        if pairs.insert(name, value).is_some() {
            return None;
        }
    }
    Some(pairs)
}

fn decode(text: &str) -> Option<String> {
    let (bytes, mut decoded, mut at) = (text.as_bytes(), Vec::new(), 0);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
        let value = match byte {
            b'+' => b' ',
            b'%' => {
                at += 2;
                u8::try_from(digit(at - 2)? * 16 + digit(at - 1)?).ok()?
            }
            other => other,
        };
        decoded.push(value);
    }
    String::from_utf8(decoded)
        .ok()
        .filter(|text| !text.contains('\0'))
}

/// A form means the same in a URL and in a body, and with every byte encoded.
fn written_again(form: &Form) {
    let encode = |text: &str| {
        text.bytes()
            .map(|b| format!("%{b:02x}"))
            .collect::<String>()
    };
    let pairs: Vec<String> = form
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    // a nameless parameter without a value is written as nothing
    if form.get("") == Some("") {
        return;
    }
    let written = pairs.join("&");
    assert_eq!(Form::parse(Some(&written), b"").as_ref(), Ok(form));
    assert_eq!(Form::parse(None, written.as_bytes()).as_ref(), Ok(form));
}

/// What is refused is told in XML that says the same when it is read.
fn operation(form: &Form) {
    let refused = match form.operation("2011-06-15") {
        Ok(action) => {
            assert_eq!(form.get("Action"), Some(action));
            assert_eq!(form.get("Version"), Some("2011-06-15"));
            invalid_action(action, form.get("Version").unwrap_or_default())
        }
        Err(refused) => refused,
    };
    assert!(refused.message().chars().count() <= 256);
    for (_, text) in form.iter().take(4) {
        let exception = Exception::new("InvalidAction", text);
        assert_eq!(message_in_xml(&exception), printable(text));
    }
    assert_eq!(message_in_xml(&refused), printable(refused.message()));
}

fn message_in_xml(exception: &Exception) -> String {
    let answer = query_protocol::error(exception, query_protocol::FAULT_NAMESPACE, "id");
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let xml = std::str::from_utf8(answer.body()).expect("XML is text");
    assert_eq!(xml.matches('<').count(), xml.matches('>').count());
    let (_, rest) = xml.split_once("<Message>").expect("an error has a message");
    let (escaped, rest) = rest.split_once("</Message>").expect("a message ends");
    assert_eq!(rest, "</Error><RequestId>id</RequestId></ErrorResponse>");
    assert!(!escaped.contains(['<', '>', '"', '\'', '\r']));
    let mut text = String::new();
    let mut pieces = escaped.split('&');
    text.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (entity, plain) = piece.split_once(';').expect("an entity ends");
        text.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "#39" => '\'',
            "#xD" => '\r',
            other => panic!("{other} is no entity"),
        });
        text.push_str(plain);
    }
    text
}

/// What XML 1.0 cannot write is replaced.
fn printable(text: &str) -> String {
    let is_written = |c: char| {
        matches!(c, '\t' | '\n' | '\r') || (c >= ' ' && c != '\u{fffe}' && c != '\u{ffff}')
    };
    let replaced = |c: char| {
        if is_written(c) {
            c
        } else {
            char::REPLACEMENT_CHARACTER
        }
    };
    text.chars().map(replaced).collect()
}
