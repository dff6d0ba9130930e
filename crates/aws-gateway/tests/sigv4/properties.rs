//! Whatever `aws-sigv4` signs verifies; with any one bit changed it does not.

use http::{HeaderName, HeaderValue, Request, Uri};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use crate::oracle::{How, sign_in_place, verify};

#[derive(Clone, Debug)]
struct Made {
    method: &'static str,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    how: How,
}

impl Made {
    fn uri(&self) -> Uri {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let query: Vec<String> = self
            .query
            .iter()
            .map(|(n, v)| format!("{}={}", encode(n), encode(v)))
            .collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}{mark}{}", self.path, query.join("&"))
            .parse()
            .unwrap()
    }

    fn signed(&self) -> Request<Vec<u8>> {
        let mut request = Request::builder().method(self.method).uri(self.uri());
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let mut request = request
            .header("host", "localhost:5050")
            .body(self.body.clone())
            .unwrap();
        sign_in_place(&mut request, &self.how);
        request
    }
}

fn how() -> impl Strategy<Value = How> {
    let token = option::of("[A-Za-z0-9+/=]{1,64}");
    let presigned = option::of(1_u64..=604_800);
    (token, presigned, any::<bool>()).prop_map(|(token, presigned, declare)| How {
        token,
        presigned,
        declare_payload: declare && presigned.is_none(),
    })
}

fn made() -> impl Strategy<Value = Made> {
    let method = prop_oneof![Just("GET"), Just("POST"), Just("PUT"), Just("DELETE")];
    let segment = prop_oneof![
        "[A-Za-z0-9._~-]{1,8}",
        "(%[2-7][0-9A-F]){1,3}",
        Just("..".to_owned()),
        Just(String::new())
    ];
    let path = vec(segment, 0..5).prop_map(|segments| format!("/{}", segments.join("/")));
    let query = vec(
        ("[A-Za-z0-9 +/é._~-]{1,6}", "[A-Za-z0-9 +/&=é._~-]{0,8}"),
        0..5,
    );
    let headers = btree_map("x-[a-z]{3,8}", "[!-~]{1,5}( {0,3}[!-~]{1,5}){0,3}", 0..4);
    let body = vec(any::<u8>(), 0..200);
    (method, path, query, headers, body, how()).prop_map(
        |(method, path, query, headers, body, how)| Made {
            method,
            path,
            query,
            headers: headers.into_iter().collect(),
            body,
            how,
        },
    )
}

fn flipped(bytes: &[u8], at: prop::sample::Index, bit: u8) -> Option<Vec<u8>> {
    let mut changed = bytes.to_vec();
    if changed.is_empty() {
        return None;
    }
    let index = at.index(changed.len());
    *changed.get_mut(index)? ^= 1 << bit;
    Some(changed)
}

/// Flips one bit of one signed header; `None` if that is no header value any more.
fn flip_header(request: &mut Request<Vec<u8>>, at: prop::sample::Index, bit: u8) -> Option<()> {
    let names: Vec<HeaderName> = request
        .headers()
        .keys()
        .filter(|name| *name != http::header::AUTHORIZATION)
        .cloned()
        .collect();
    let name = names.get(at.index(names.len()))?;
    let changed = flipped(request.headers().get(name)?.as_bytes(), at, bit)?;
    let value = HeaderValue::from_bytes(&changed).ok()?;
    request.headers_mut().insert(name, value);
    Some(())
}

/// Flips one bit of the signature, wherever it stands.
fn flip_signature(request: &mut Request<Vec<u8>>, at: prop::sample::Index, bit: u8) -> Option<()> {
    let change = |text: &str| -> Option<String> {
        let (before, rest) = text.split_once("Signature=")?;
        let (signature, after) = rest.split_at_checked(64)?;
        let signature = String::from_utf8(flipped(signature.as_bytes(), at, bit)?).ok()?;
        Some(format!("{before}Signature={signature}{after}"))
    };
    if let Some(value) = request.headers().get("authorization") {
        let value = HeaderValue::from_str(&change(value.to_str().ok()?)?).ok()?;
        request.headers_mut().insert("authorization", value);
    } else {
        *request.uri_mut() = change(&request.uri().to_string())?.parse().ok()?;
    }
    Some(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_the_sdk_signs_verifies(made in made()) {
        let request = made.signed();
        let verified = verify(&request);
        prop_assert!(verified.is_ok(), "{verified:?} {request:?}");
    }

    #[test]
    fn a_changed_signature_is_refused(made in made(), at: prop::sample::Index, bit in 0_u8..8) {
        let mut request = made.signed();
        prop_assume!(flip_signature(&mut request, at, bit).is_some());
        prop_assert!(verify(&request).is_err());
    }

    #[test]
    fn a_changed_header_is_refused(made in made(), at: prop::sample::Index, bit in 0_u8..8) {
        let mut request = made.signed();
        prop_assume!(flip_header(&mut request, at, bit).is_some());
        prop_assert!(verify(&request).is_err(), "{request:?}");
    }

    #[test]
    fn a_changed_body_is_refused(made in made(), at: prop::sample::Index, bit in 0_u8..8) {
        let mut request = made.signed();
        let changed = flipped(request.body(), at, bit);
        *request.body_mut() = changed.unwrap_or_else(|| vec![bit]);
        prop_assert!(verify(&request).is_err());
    }

    #[test]
    fn a_changed_path_is_refused(made in made(), extra in "[a-z]{1,3}") {
        let mut request = made.signed();
        let uri = request.uri().to_string();
        let (path, query) = uri.split_once('?').unwrap_or((&uri, ""));
        *request.uri_mut() = format!("{path}{extra}?{query}").parse().unwrap();
        prop_assert!(verify(&request).is_err());
    }

    #[test]
    fn a_changed_query_is_refused(made in made(), name in "[a-z]{1,3}") {
        let mut request = made.signed();
        let uri = request.uri().to_string();
        let mark = if uri.contains('?') { '&' } else { '?' };
        *request.uri_mut() = format!("{uri}{mark}{name}").parse().unwrap();
        prop_assert!(verify(&request).is_err());
    }

    #[test]
    fn a_changed_method_is_refused(made in made()) {
        let mut request = made.signed();
        *request.method_mut() = http::Method::PATCH;
        prop_assert!(verify(&request).is_err());
    }

    #[test]
    fn no_request_head_makes_the_verifier_panic(
        authorization in "(AWS4-HMAC-SHA256 )?[ -~]{0,80}",
        date in "[ -~]{0,20}",
        query in "(X-Amz-[A-Z][a-z]{3,8}=)?[A-Za-z0-9=&%+/;._~-]{0,60}",
    ) {
        let request = Request::post(format!("/?{query}"))
            .header("host", "localhost")
            .header("authorization", authorization)
            .header("x-amz-date", date)
            .body(Vec::new())
            .unwrap();
        prop_assert!(verify(&request).is_err());
    }
}
