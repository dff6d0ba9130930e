//! Canonicalization: what the signer of the AWS SDK signs verifies, however odd the request, and with anything in it
//! changed it does not.
#![no_main]

use std::time::{Duration, SystemTime};

use arbitrary::{Arbitrary, Unstructured};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use ecru_aws_gateway::sigv4::{
    PayloadHash, PrecheckLimits, SignatureError, SignedRequest, SigningSecret, Verified,
};
use ecru_domain::Timestamp;
use http::{HeaderValue, Method, Request, Uri};
use libfuzzer_sys::{Corpus, fuzz_target};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// 2026-11-20T09:08:07Z.
const SIGNED_AT: i64 = 1_795_165_687;
const HOST: &str = "localhost:5050";

/// A request before it is signed, as text and bytes that are not encoded yet.
#[derive(Arbitrary, Debug)]
struct Made<'a> {
    method: u8,
    segments: Vec<Segment<'a>>,
    query: Vec<(&'a str, &'a str)>,
    headers: Vec<&'a [u8]>,
    body: &'a [u8],
    token: Option<&'a str>,
    presigned: Option<u32>,
    declares_payload: bool,
    change: Change,
}

#[derive(Arbitrary, Debug)]
enum Segment<'a> {
    Up,
    Here,
    Empty,
    Plain(&'a str),
    Encoded(&'a [u8]),
}

/// What is changed after signing.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Change {
    Method,
    Path,
    Query,
    Body,
    Secret,
    Late,
}

fuzz_target!(|data: &[u8]| -> Corpus {
    let Ok(made) = Made::arbitrary_take_rest(Unstructured::new(data)) else {
        return Corpus::Reject;
    };
    let Some(request) = made.signed() else {
        return Corpus::Reject;
    };
    let verified = verify(&request, SECRET, SIGNED_AT);
    let verified = verified.unwrap_or_else(|error| panic!("{error}: {made:?} {request:?}"));
    assert_eq!(verified.access_key_id(), ACCESS_KEY);
    assert_eq!(verified.presigned(), made.presigned.is_some());
    assert!(!made.holds_changed(request), "{made:?}");
    Corpus::Keep
});

impl Made<'_> {
    fn uri(&self) -> Option<Uri> {
        let segments = self.segments.iter().take(8).map(|segment| match segment {
            Segment::Up => "..".to_owned(),
            Segment::Here => ".".to_owned(),
            Segment::Empty => String::new(),
            Segment::Plain(text) => text.chars().filter(is_unreserved).collect(),
            Segment::Encoded(bytes) => encode(bytes),
        });
        let path: Vec<String> = segments.collect();
        let query = self.query.iter().take(8);
        let query: Vec<String> = query
            .map(|(name, value)| {
                format!("{}={}", encode(name.as_bytes()), encode(value.as_bytes()))
            })
            .filter(|pair| !pair.starts_with("X%2DAmz") && !pair.starts_with('='))
            .collect();
        let mark = if query.is_empty() { "" } else { "?" };
        let text = format!("/{}{mark}{}", path.join("/"), query.join("&"));
        text.parse().ok()
    }

    fn signed(&self) -> Option<Request<Vec<u8>>> {
        let method = ["GET", "POST", "PUT", "DELETE"][usize::from(self.method % 4)];
        let mut request = Request::builder().method(method).uri(self.uri()?);
        for (index, value) in self.headers.iter().take(6).enumerate() {
            // the signer takes visible text alone
            let text: Vec<u8> = value
                .iter()
                .copied()
                .filter(|b| matches!(b, b' '..=b'~'))
                .collect();
            let value = HeaderValue::from_bytes(text.trim_ascii()).ok()?;
            request = request.header(format!("x-given-{}", index / 2), value);
        }
        let mut request = request.header("host", HOST).body(self.body.to_vec()).ok()?;
        self.sign(&mut request)?;
        Some(request)
    }

    fn sign(&self, request: &mut Request<Vec<u8>>) -> Option<()> {
        let token = self
            .token
            .map(|text| text.chars().filter(is_unreserved).collect());
        let token = token.filter(|text: &String| (1..=8_192).contains(&text.len()));
        let identity = Credentials::new(ACCESS_KEY, SECRET, token, None, "fuzz").into();
        let mut settings = SigningSettings::default();
        if let Some(seconds) = self.presigned {
            settings.signature_location = SignatureLocation::QueryParams;
            settings.expires_in = Some(Duration::from_secs(u64::from(seconds % 604_800) + 1));
        } else if self.declares_payload {
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(SIGNED_AT.unsigned_abs());
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region("eu-west-1")
            .name("ecr")
            .time(time)
            .settings(settings)
            .build()
            .ok()?
            .into();
        let uri = format!("http://{HOST}{}", request.uri());
        let headers = request.headers().iter().filter(|(name, _)| *name != "host");
        let headers =
            headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let body = SignableBody::Bytes(request.body());
        let signable = SignableRequest::new(request.method().as_str(), uri.as_str(), headers, body);
        let (instructions, _) = sign(signable.ok()?, &params).ok()?.into_parts();
        instructions.apply_to_request_http1x(request);
        Some(())
    }

    /// Whether the request still verifies after a change.
    fn holds_changed(&self, mut request: Request<Vec<u8>>) -> bool {
        let (mut secret, mut now) = (SECRET, SIGNED_AT);
        match self.change {
            Change::Method => *request.method_mut() = Method::PATCH,
            Change::Path => *request.uri_mut() = changed(request.uri(), "/added", ""),
            Change::Query => *request.uri_mut() = changed(request.uri(), "", "added=1"),
            Change::Body => request.body_mut().push(b'.'),
            Change::Secret => secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEZ",
            Change::Late => now += 604_801,
        }
        verify(&request, secret, now).is_ok()
    }
}

fn verify(request: &Request<Vec<u8>>, secret: &str, now: i64) -> Result<Verified, SignatureError> {
    let (parts, body) = request.clone().into_parts();
    let signed = SignedRequest::parse(&parts)?;
    let prechecked = signed.precheck(Timestamp::from_seconds(now), &PrecheckLimits::default())?;
    prechecked.verify(&SigningSecret::new(secret), &PayloadHash::of(&body))
}

/// The same with more path, or more query, behind.
fn changed(uri: &Uri, segment: &str, parameter: &str) -> Uri {
    let path = format!("{}{segment}", uri.path());
    let query = [uri.query().unwrap_or_default(), parameter];
    let query: Vec<&str> = query.into_iter().filter(|part| !part.is_empty()).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    let text = format!("{path}{mark}{}", query.join("&"));
    text.parse().expect("a longer target is a target")
}

fn is_unreserved(c: &char) -> bool {
    c.is_ascii_alphanumeric() || "-._~".contains(*c)
}

fn encode(bytes: &[u8]) -> String {
    percent_encode(bytes, NON_ALPHANUMERIC).to_string()
}
