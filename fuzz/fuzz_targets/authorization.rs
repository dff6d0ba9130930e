//! Who asks: Basic credentials and Signature Version 4 in both forms, read from whole requests, and which API and
//! operation such a request names.
//!
//! Input: an HTTP request, as [`ecru_fuzz::request`] reads it.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ecru_aws_gateway::protocol::Protocol;
use ecru_aws_gateway::routing;
use ecru_aws_gateway::sigv4::{
    PayloadHash, PrecheckLimits, SignatureError, SignedRequest, SigningSecret,
};
use ecru_fuzz::request;
use ecru_oci_gateway::authentication::credentials;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;

const MAX_BODY: usize = 28 * 1_024 * 1_024;

fuzz_target!(|data: &[u8]| {
    let Some((parts, body)) = request::parse(data) else {
        return;
    };
    basic(&parts.headers);
    let service = signature(&parts, body).unwrap_or_else(|refused| {
        is_harmless(&refused);
        None
    });
    routes(&parts, service.as_deref());
});

/// What is read of the header, written again, is read the same.
fn basic(headers: &HeaderMap) {
    let Some(read) = credentials(headers) else {
        return;
    };
    assert!(!read.user.contains(':'));
    let text = STANDARD.encode(format!("{}:{}", read.user, read.password));
    let Ok(value) = HeaderValue::from_str(&format!("basic {text}")) else {
        return;
    };
    let again = credentials(&HeaderMap::from_iter([(AUTHORIZATION, value)]));
    let again = again.filter(|again| again.user == read.user && again.password == read.password);
    assert!(again.is_some() || text.len() > 4_000);
}

/// Goes as far as the request gets, and hands back the service it was signed for.
fn signature(parts: &Parts, body: &[u8]) -> Result<Option<String>, SignatureError> {
    let signed = SignedRequest::parse(parts)?;
    let id = signed.access_key_id();
    assert!((1..=128).contains(&id.len()));
    assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
    if let Some(token) = signed.security_token() {
        assert!((1..=8_192).contains(&token.len()));
        let shown = format!("{signed:?}");
        assert!(token.len() < 32 || !shown.contains(token));
    }
    let (at, scope) = (signed.signed_at(), signed.scope().clone());
    let expires = signed.expires();
    let prechecked = signed.precheck(at, &PrecheckLimits::default())?;
    assert!(expires.is_none_or(|span| (1..=604_800).contains(&span.as_secs())));
    assert_eq!(scope.date.len(), 8);
    assert!(scope.date.bytes().all(|b| b.is_ascii_digit()));
    prechecked.check_scope(&scope.service, |region| region == scope.region)?;
    let secret = SigningSecret::new("no signature of this corpus is made with it");
    let verified = prechecked.verify(&secret, &PayloadHash::of(body));
    assert!(verified.is_err(), "a signature of nobody is verified");
    Ok(Some(scope.service))
}

fn routes(parts: &Parts, service: Option<&str>) {
    for scope in [None, service] {
        let protocol = routing::protocol_of(parts, scope);
        match routing::route(parts, scope) {
            Ok(route) => {
                assert!(route.body_limit() <= MAX_BODY);
                assert_eq!(route.service().protocol(), protocol);
            }
            Err(refused) => assert_eq!(refused.protocol(), protocol),
        }
    }
}

/// Messages go to clients and into logs.
fn is_harmless(refused: &SignatureError) {
    for protocol in [Protocol::AwsJson, Protocol::AwsQuery] {
        let exception = refused.to_exception(protocol);
        assert!(
            !exception.message().chars().any(char::is_control),
            "{refused:?}"
        );
        assert!(exception.status().is_client_error());
    }
}
