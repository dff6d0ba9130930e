//! Recorded signatures.
//!
//! `aws_suite.json` holds the signed requests of the AWS signing test suite, except those that only a client
//! which does not normalize paths would send, and those with a raw space in the request line. `botocore.json`
//! is written by `generate_botocore.py`.

use ecru_aws_gateway::sigv4::{
    PayloadHash, PrecheckLimits, SignatureError, SignedRequest, SigningSecret, Verified,
};
use ecru_domain::Timestamp;
use http::request::Parts;
use serde::Deserialize;

const SUITE: &str = include_str!("../vectors/aws_suite.json");
const BOTOCORE: &str = include_str!("../vectors/botocore.json");

#[derive(Deserialize)]
struct Recorded {
    name: String,
    method: String,
    uri: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Recorded {
    fn parts(&self) -> Parts {
        let mut request = http::Request::builder()
            .method(self.method.as_str())
            .uri(&self.uri);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(()).unwrap().into_parts().0
    }
}

fn check(
    parts: &Parts,
    body: &[u8],
    secret: &str,
    now: impl FnOnce(&SignedRequest) -> Timestamp,
) -> Result<Verified, SignatureError> {
    let signed = SignedRequest::parse(parts)?;
    let now = now(&signed);
    let prechecked = signed.precheck(now, &PrecheckLimits::default())?;
    prechecked.verify(&SigningSecret::new(secret), &PayloadHash::of(body))
}

#[derive(Deserialize)]
struct SuiteCase {
    #[serde(flatten)]
    request: Recorded,
    result: String,
}

#[test]
fn the_aws_suite_is_judged_right() {
    let cases: Vec<SuiteCase> = serde_json::from_str(SUITE).unwrap();
    assert_eq!(cases.len(), 62);
    for case in cases {
        let name = &case.request.name;
        let secret = if name.starts_with("double-encode-path") {
            "notrealrnrELgWzOk3IfjzDKtFBhDby"
        } else {
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
        };
        let body = case.request.body.as_bytes();
        let judged = check(
            &case.request.parts(),
            body,
            secret,
            SignedRequest::signed_at,
        );
        let judged = match judged {
            Ok(_) => "verified".to_owned(),
            Err(SignatureError::Mismatch) => "mismatch".to_owned(),
            Err(SignatureError::UnsignedHeader(_)) => "unsigned header".to_owned(),
            Err(other) => other.to_string(),
        };
        assert_eq!(judged, case.result, "{name}");
    }
}

#[derive(Deserialize)]
struct Botocore {
    now: i64,
    secret: String,
    cases: Vec<BotocoreCase>,
}

#[derive(Deserialize)]
struct BotocoreCase {
    #[serde(flatten)]
    request: Recorded,
    service: String,
    region: String,
    token: Option<String>,
    expires: Option<u64>,
}

#[test]
fn what_botocore_signs_verifies() {
    let recorded: Botocore = serde_json::from_str(BOTOCORE).unwrap();
    assert_eq!(recorded.cases.len(), 37);
    let now = Timestamp::from_seconds(recorded.now);
    for case in recorded.cases {
        let name = &case.request.name;
        let parts = case.request.parts();
        let body: Vec<u8> = case
            .request
            .body
            .chars()
            .map(|c| u8::try_from(c).unwrap())
            .collect();

        let claims = SignedRequest::parse(&parts).unwrap();
        assert_eq!(claims.signed_at(), now, "{name}");
        assert_eq!(claims.security_token(), case.token.as_deref(), "{name}");
        assert_eq!(
            claims.expires().map(|e| e.as_secs()),
            case.expires,
            "{name}"
        );

        let verified = check(&parts, &body, &recorded.secret, |_| now);
        let verified = verified.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(verified.scope().service, case.service, "{name}");
        assert_eq!(verified.scope().region, case.region, "{name}");
        assert_eq!(verified.presigned(), case.expires.is_some(), "{name}");

        let wrong = check(&parts, &body, "another secret", |_| now);
        assert_eq!(wrong, Err(SignatureError::Mismatch), "{name}");
    }
}
