//! What is refused before a secret is asked for, and with which error.

use std::time::Duration;

use ecru_aws_gateway::sigv4::{PrecheckLimits, SignatureError, SignedRequest};
use ecru_domain::Timestamp;
use http::{HeaderName, HeaderValue, Request};

use crate::oracle::{How, SIGNED_AT, sign_in_place, verify, verify_at};

fn unsigned() -> Request<Vec<u8>> {
    Request::post("/")
        .header("host", "localhost:5050")
        .header("content-type", "application/x-amz-json-1.1")
        .header(
            "x-amz-target",
            "AmazonEC2ContainerRegistry_V20150921.ListImages",
        )
        .body(b"{}".to_vec())
        .unwrap()
}

fn signed() -> Request<Vec<u8>> {
    let mut request = unsigned();
    sign_in_place(&mut request, &How::default());
    request
}

fn presigned(seconds: u64) -> Request<Vec<u8>> {
    let mut request = Request::get("/?Action=GetCallerIdentity&Version=2011-06-15")
        .header("host", "localhost:5050")
        .body(Vec::new())
        .unwrap();
    sign_in_place(
        &mut request,
        &How {
            presigned: Some(seconds),
            ..How::default()
        },
    );
    request
}

fn at(offset: i64) -> Timestamp {
    Timestamp::from_seconds(SIGNED_AT + offset)
}

/// Changes one text inside a header.
fn replace(request: &mut Request<Vec<u8>>, name: &'static str, from: &str, to: &str) {
    let value = request
        .headers()
        .get(name)
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    assert!(value.contains(from), "{value}");
    let value = HeaderValue::from_str(&value.replace(from, to)).unwrap();
    request.headers_mut().insert(name, value);
}

fn code(result: Result<impl Sized, SignatureError>) -> String {
    use ecru_aws_gateway::protocol::Protocol;
    match result {
        Ok(_) => "verified".to_owned(),
        Err(error) => error.to_exception(Protocol::AwsQuery).code().to_owned(),
    }
}

#[test]
fn a_header_signature_is_good_for_five_minutes_either_way() {
    for (offset, expected) in [
        (-301, "SignatureDoesNotMatch"),
        (-300, "verified"),
        (0, "verified"),
        (300, "verified"),
        (301, "SignatureDoesNotMatch"),
    ] {
        assert_eq!(code(verify_at(&signed(), at(offset))), expected, "{offset}");
    }
    assert_eq!(
        verify_at(&signed(), at(600)).unwrap_err().to_string(),
        "Signature expired: 20261120T090807Z is now earlier than 20261120T091307Z (20261120T091807Z - 5 min.)"
    );
    assert_eq!(
        verify_at(&signed(), at(-600)).unwrap_err().to_string(),
        "Signature not yet current: 20261120T090807Z is still later than 20261120T090307Z (20261120T085807Z + 5 min.)"
    );
}

#[test]
fn the_skew_can_be_set() {
    let limits = PrecheckLimits {
        max_skew: Duration::from_mins(15),
    };
    let parts = signed().into_parts().0;
    let parse = || SignedRequest::parse(&parts).unwrap();
    assert!(parse().precheck(at(900), &limits).is_ok());
    assert!(parse().precheck(at(901), &limits).is_err());
}

#[test]
fn a_presigned_request_lives_as_long_as_it_says() {
    for (seconds, offset, expected) in [
        (60, -301, "SignatureDoesNotMatch"),
        (60, -300, "verified"),
        (60, 60, "verified"),
        (60, 61, "RequestExpired"),
        (604_800, 604_800, "verified"),
        (604_800, 604_801, "RequestExpired"),
    ] {
        assert_eq!(
            code(verify_at(&presigned(seconds), at(offset))),
            expected,
            "{seconds} {offset}"
        );
    }
}

#[test]
fn a_presigned_lifetime_is_one_second_to_a_week() {
    for expires in ["0", "604801", "-1", "+60", "1.5", "", "99999999999", "60s"] {
        let mut request = presigned(60);
        let uri = request.uri().to_string();
        let uri = uri.replace(
            "X-Amz-Expires=60",
            &format!("X-Amz-Expires={}", expires.replace('+', "%2B")),
        );
        *request.uri_mut() = uri.parse().unwrap();
        assert_eq!(code(verify(&request)), "IncompleteSignature", "{expires}");
    }
}

#[test]
fn a_request_without_signature_is_missing_its_token() {
    assert_eq!(verify(&unsigned()), Err(SignatureError::Missing));
}

#[test]
fn all_missing_parts_are_named_at_once() {
    let mut request = unsigned();
    request.headers_mut().insert(
        "authorization",
        HeaderValue::from_static("Bearer secret-text"),
    );
    let refused = verify(&request).unwrap_err().to_string();
    assert_eq!(
        refused,
        "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. \
         Authorization header requires 'SignedHeaders' parameter. \
         Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
    );
    let mut request = unsigned();
    *request.uri_mut() = "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20261120T090807Z"
        .parse()
        .unwrap();
    let refused = verify(&request).unwrap_err().to_string();
    assert_eq!(
        refused,
        "AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters must include 'X-Amz-Expires'. \
         AWS query-string parameters must include 'X-Amz-SignedHeaders'. AWS query-string parameters must include 'X-Amz-Signature'. \
         Re-examine the query-string parameters."
    );
}

#[test]
fn a_broken_authorization_header_is_incomplete() {
    for (from, to) in [
        ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
        ("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"),
        ("Credential=AKIA", "credential=AKIA"),
        ("/aws4_request", ""),
        (
            "SignedHeaders=content-type;host",
            "SignedHeaders=Content-Type;host",
        ),
        (
            "SignedHeaders=content-type;host",
            "SignedHeaders=host;content-type",
        ),
        (
            "SignedHeaders=content-type;host",
            "SignedHeaders=content-type;host;host",
        ),
        (", SignedHeaders", ", Extra=1, SignedHeaders"),
        (
            ", SignedHeaders",
            ", Credential=AKIA/20261120/eu-west-1/ecr/aws4_request, SignedHeaders",
        ),
        (", Signature=", ", Nothing="),
    ] {
        let mut request = signed();
        replace(&mut request, "authorization", from, to);
        assert_eq!(code(verify(&request)), "IncompleteSignature", "{to}");
    }
}

#[test]
fn parts_may_follow_each_other_without_a_space() {
    let mut request = signed();
    replace(&mut request, "authorization", ", ", ",");
    assert_eq!(code(verify(&request)), "verified");
}

#[test]
fn the_scope_must_fit_the_request() {
    for (from, to) in [
        ("/20261120/", "/20261121/"),
        ("/aws4_request", "/aws5_request"),
        ("/eu-west-1/", "/EU-WEST-1/"),
        ("/ecr/", "/e_r/"),
        ("/eu-west-1/", "/eu-west-2/"),
        ("/ecr/", "/sts/"),
    ] {
        let mut request = signed();
        replace(&mut request, "authorization", from, to);
        assert_eq!(code(verify(&request)), "SignatureDoesNotMatch", "{to}");
    }
    let prechecked = || {
        let parts = signed().into_parts().0;
        SignedRequest::parse(&parts)
            .unwrap()
            .precheck(at(0), &PrecheckLimits::default())
            .unwrap()
    };
    assert_eq!(
        prechecked().check_scope("ecr", |region| region == "eu-west-1"),
        Ok(())
    );
    assert_eq!(
        code(prechecked().check_scope("sts", |_| true)),
        "SignatureDoesNotMatch"
    );
    assert_eq!(
        code(prechecked().check_scope("ecr", |region| region == "us-east-1")),
        "SignatureDoesNotMatch"
    );
}

#[test]
fn headers_that_matter_must_be_signed() {
    for name in ["x-amz-security-token", "x-amz-other"] {
        let mut request = signed();
        request
            .headers_mut()
            .insert(name, HeaderValue::from_static("x"));
        assert_eq!(
            verify(&request),
            Err(SignatureError::UnsignedHeader(name.to_owned()))
        );
    }
    let mut request = signed();
    replace(
        &mut request,
        "authorization",
        "SignedHeaders=content-type;host",
        "SignedHeaders=host",
    );
    assert_eq!(
        verify(&request),
        Err(SignatureError::UnsignedHeader("content-type".to_owned()))
    );
    let mut request = signed();
    request
        .headers_mut()
        .insert("x-amzn-trace-id", HeaderValue::from_static("Root=1"));
    assert_eq!(code(verify(&request)), "verified");
}

#[test]
fn signed_headers_must_be_there() {
    let mut request = signed();
    request.headers_mut().remove("x-amz-target");
    assert_eq!(
        verify(&request),
        Err(SignatureError::AbsentHeader("x-amz-target".to_owned()))
    );
    let mut request = signed();
    request.headers_mut().remove("host");
    assert_eq!(
        verify(&request),
        Err(SignatureError::AbsentHeader("host".to_owned()))
    );
}

#[test]
fn the_authority_stands_for_the_host_in_http_2() {
    let mut request = signed();
    request.headers_mut().remove("host");
    *request.uri_mut() = "http://localhost:5050/".parse().unwrap();
    assert_eq!(code(verify(&request)), "verified");
    *request.uri_mut() = "http://localhost:5051/".parse().unwrap();
    assert_eq!(verify(&request), Err(SignatureError::Mismatch));
}

#[test]
fn second_values_are_refused() {
    for name in [
        "host",
        "content-type",
        "x-amz-target",
        "x-amz-date",
        "authorization",
        "date",
    ] {
        let mut request = signed();
        let name = HeaderName::from_static(name);
        request.headers_mut().insert(
            "date",
            HeaderValue::from_static("Fri, 20 Nov 2026 09:08:07 GMT"),
        );
        let value = request.headers().get(&name).unwrap().clone();
        request.headers_mut().append(&name, value);
        assert_eq!(code(verify(&request)), "IncompleteSignature", "{name}");
    }
    for parameter in [
        "X-Amz-Date=20261120T090807Z",
        "X-Amz-Signature=00",
        "X-Amz-Expires=604800",
    ] {
        let mut request = presigned(60);
        *request.uri_mut() = format!("{}&{parameter}", request.uri()).parse().unwrap();
        assert_eq!(code(verify(&request)), "IncompleteSignature", "{parameter}");
    }
}

#[test]
fn both_forms_at_once_are_refused() {
    let mut request = presigned(60);
    let header = signed().headers().get("authorization").unwrap().clone();
    request.headers_mut().insert("authorization", header);
    assert_eq!(code(verify(&request)), "IncompleteSignature");
    let mut request = presigned(60);
    request
        .headers_mut()
        .insert("x-amz-security-token", HeaderValue::from_static("x"));
    assert_eq!(code(verify(&request)), "IncompleteSignature");
}

#[test]
fn an_unsigned_payload_is_refused() {
    for declared in [
        "UNSIGNED-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "",
        "44136FA3",
    ] {
        let mut request = unsigned();
        request
            .headers_mut()
            .insert("x-amz-content-sha256", HeaderValue::from_static(declared));
        sign_in_place(&mut request, &How::default());
        assert_eq!(
            verify(&request),
            Err(SignatureError::UnsignedPayload),
            "{declared}"
        );
    }
}

#[test]
fn a_declared_payload_must_be_the_real_one() {
    let mut request = unsigned();
    sign_in_place(
        &mut request,
        &How {
            declare_payload: true,
            ..How::default()
        },
    );
    assert_eq!(code(verify(&request)), "verified");
    *request.body_mut() = b"{ }".to_vec();
    assert_eq!(verify(&request), Err(SignatureError::PayloadMismatch));
}

#[test]
fn the_date_header_is_read_where_there_is_no_amz_date() {
    let mut request = signed();
    request.headers_mut().insert(
        "date",
        HeaderValue::from_static("Fri, 20 Nov 2020 09:08:07 GMT"),
    );
    assert_eq!(code(verify(&request)), "verified");
    request.headers_mut().remove("x-amz-date");
    replace(&mut request, "authorization", "x-amz-date;", "");
    let claims = SignedRequest::parse(&request.into_parts().0).unwrap();
    assert_eq!(claims.signed_at(), Timestamp::from_seconds(1_605_863_287));
}

#[test]
fn debug_output_holds_neither_token_nor_signature() {
    let mut request = unsigned();
    sign_in_place(
        &mut request,
        &How {
            token: Some("very-secret-token".to_owned()),
            ..How::default()
        },
    );
    let claims = SignedRequest::parse(&request.into_parts().0).unwrap();
    assert_eq!(claims.security_token(), Some("very-secret-token"));
    let printed = format!("{claims:?}");
    assert!(
        printed.contains("AKIAIOSFODNN7EXAMPLE") && !printed.contains("secret"),
        "{printed}"
    );
    assert!(!printed.to_lowercase().contains("signature"), "{printed}");
}
