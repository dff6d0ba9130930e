//! Signature Version 4 for the raw requests of the run, written apart from the server's verifier so that the two
//! check each other.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// An access key.
#[derive(Clone)]
pub(crate) struct AccessKey {
    /// Public part.
    pub(crate) id: String,
    /// Secret part.
    pub(crate) secret: String,
}

/// What a signature binds, besides the body.
pub(crate) struct Scope<'a> {
    /// Signing name of the service, such as `ecr`.
    pub(crate) service: &'a str,
    /// Region of the credential scope.
    pub(crate) region: &'a str,
    /// `Host` header.
    pub(crate) host: &'a str,
}

/// Headers that make `POST /` with this body an authentic request.
pub(crate) fn sign(
    key: &AccessKey,
    scope: &Scope<'_>,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<(String, String)> {
    sign_at(Timestamp::now(), key, scope, headers, body)
}

/// The same by another clock.
pub(crate) fn sign_at(
    now: Timestamp,
    key: &AccessKey,
    scope: &Scope<'_>,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<(String, String)> {
    let stamp = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let day: String = stamp.chars().take(8).collect();
    let mut signed: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| (name.to_lowercase(), (*value).to_owned()))
        .collect();
    signed.push(("host".to_owned(), scope.host.to_owned()));
    signed.push(("x-amz-date".to_owned(), stamp.clone()));
    signed.sort();
    let names = signed
        .iter()
        .map(|(name, _)| name.as_str())
        .collect::<Vec<_>>()
        .join(";");
    let lines: Vec<String> = signed
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();
    let lines = lines.concat();
    let canonical = format!(
        "POST\n/\n\n{lines}\n{names}\n{}",
        hex::encode(Sha256::digest(body))
    );
    let credential = format!("{day}/{}/{}/aws4_request", scope.region, scope.service);
    let digest = hex::encode(Sha256::digest(canonical.as_bytes()));
    let text = format!("AWS4-HMAC-SHA256\n{stamp}\n{credential}\n{digest}");
    let mut derived = format!("AWS4{}", key.secret).into_bytes();
    for part in [&day, scope.region, scope.service, "aws4_request"] {
        derived = mac(&derived, part.as_bytes());
    }
    let signature = hex::encode(mac(&derived, text.as_bytes()));
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{credential}, SignedHeaders={names}, Signature={signature}",
        key.id
    );
    signed.push(("authorization".to_owned(), authorization));
    signed
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    // A MAC takes a key of any length, so there is no error to report.
    let Ok(mut state) = Hmac::<Sha256>::new_from_slice(key) else {
        return Vec::new();
    };
    state.update(text);
    state.finalize().into_bytes().to_vec()
}
