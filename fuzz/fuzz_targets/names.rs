//! Names: whatever is taken has the form that the specifications write down, and whatever has it is taken.
#![no_main]

use std::sync::LazyLock;

use ecru_domain::mutability::{MutabilityMode, wildcard_matches};
use ecru_domain::resource_tags::{MAX_RESOURCE_TAGS, check_tags};
use ecru_domain::{
    AccountId, Algorithm, Digest, Invalid, Reference, Region, RepositoryName, Tag, UploadId, arn,
};
use ecru_ports::blobs::ObjectId;
use libfuzzer_sys::fuzz_target;
use regex::Regex;

/// A form, as its specification writes it.
struct Form(LazyLock<Regex>);

impl Form {
    fn takes(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

macro_rules! form {
    ($name:ident, $pattern:literal) => {
        static $name: Form = Form(LazyLock::new(|| {
            Regex::new(concat!(r"\A(?:", $pattern, r")\z")).expect("the form compiles")
        }));
    };
}

form!(
    REPOSITORY,
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
);
form!(TAG, r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}");
form!(DIGEST, r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}");
form!(ACCOUNT, r"[0-9]{12}");
form!(REGION, r"[a-z][a-z0-9-]{1,24}");
form!(
    UPLOAD,
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
);
form!(OBJECT, r"[0-9a-f]{32}");

fuzz_target!(|text: &str| {
    forms(text);
    refusals(text);
    references(text);
    arns(text);
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    wildcards(first, rest);
    resource_tags(text);
});

fn forms(text: &str) {
    let letter = text.starts_with(|c: char| c.is_ascii_lowercase());
    let named = REPOSITORY.takes(text) && (2..=256).contains(&text.len()) && letter;
    assert_eq!(RepositoryName::parse(text).is_ok(), named);
    assert_eq!(Tag::parse(text).is_ok(), TAG.takes(text));
    assert_eq!(Digest::parse(text).is_ok(), DIGEST.takes(text));
    assert_eq!(AccountId::parse(text).is_ok(), ACCOUNT.takes(text));
    assert_eq!(Region::parse(text).is_ok(), REGION.takes(text));
    assert_eq!(UploadId::parse(text).is_ok(), UPLOAD.takes(text));
    assert_eq!(ObjectId::parse(text).is_some(), OBJECT.takes(text));
    if let Ok(id) = UploadId::parse(text) {
        assert_eq!(UploadId::parse(id.as_str()), Ok(id.clone()));
        assert!(id.as_str().eq_ignore_ascii_case(text));
    }
    if let Ok(digest) = Digest::parse(text) {
        assert_eq!(digest.to_string(), text);
        assert_eq!(
            Some(digest.algorithm()),
            text.split(':').next().and_then(Algorithm::from_name)
        );
        assert!(text.ends_with(digest.hex()));
    }
    if let Some(mode) = MutabilityMode::parse(text) {
        assert_eq!(mode.as_str(), text);
    }
}

/// What is echoed of refused text is short and can forge nothing.
fn refusals(text: &str) {
    let echoed = Invalid::new("name", text).to_string();
    assert!(echoed.bytes().all(|b| b.is_ascii_graphic() || b == b' '));
    assert!(echoed.len() <= 64 + 128 * "\\u{10ffff}".len());
}

fn references(text: &str) {
    match Reference::parse(text) {
        Ok(Reference::Tag(tag)) => assert!(TAG.takes(tag.as_str()) && tag.as_str() == text),
        Ok(Reference::Digest(digest)) => assert_eq!(digest.as_str(), text),
        Err(_) => assert!(!TAG.takes(text) && !DIGEST.takes(text)),
    }
}

fn arns(text: &str) {
    let Some((registry, name)) = arn::parse_repository_arn(text) else {
        return;
    };
    let printed = arn::repository_arn(&registry, &name);
    assert_eq!(arn::parse_repository_arn(&printed), Some((registry, name)));
    if text.starts_with("arn:aws:") {
        assert_eq!(printed, text);
    }
}

/// Against the textbook matcher, which tries everything.
fn wildcards(pattern: &str, text: &str) {
    if pattern.len() > 40 || text.len() > 200 {
        return;
    }
    let mut reachable = vec![false; text.len() + 1];
    reachable[0] = true;
    for wanted in pattern.bytes() {
        let mut next = vec![false; text.len() + 1];
        for at in 0..=text.len() {
            let before = at > 0
                && if wanted == b'*' {
                    next[at - 1]
                } else {
                    reachable[at - 1]
                };
            next[at] = if wanted == b'*' {
                reachable[at] || before
            } else {
                before && text.as_bytes()[at - 1] == wanted
            };
        }
        reachable = next;
    }
    assert_eq!(wildcard_matches(pattern, text), reachable[text.len()]);
}

/// One tag a line, `key=value`.
fn resource_tags(text: &str) {
    let tags: Vec<(String, String)> = text
        .split('\n')
        .map(|line| line.split_once('=').unwrap_or((line, "")))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    if check_tags(&tags).is_err() {
        return;
    }
    assert!(tags.len() <= MAX_RESOURCE_TAGS);
    for (index, (key, value)) in tags.iter().enumerate() {
        assert!((1..=128).contains(&key.chars().count()) && value.chars().count() <= 256);
        assert!(!key.to_ascii_lowercase().starts_with("aws:"));
        assert!(!key.chars().chain(value.chars()).any(char::is_control));
        assert!(tags.iter().skip(index + 1).all(|(other, _)| other != key));
    }
}
