//! Requests signed by `aws-sigv4`, the signer of the AWS SDK for Rust.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use ecru_aws_gateway::sigv4::{
    PayloadHash, PrecheckLimits, SignatureError, SignedRequest, SigningSecret, Verified,
};
use ecru_domain::Timestamp;
use http::Request;

pub(crate) const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// 2026-11-20T09:08:07Z.
pub(crate) const SIGNED_AT: i64 = 1_795_165_687;

/// How to sign.
#[derive(Clone, Debug, Default)]
pub(crate) struct How {
    pub(crate) token: Option<String>,
    /// Seconds, for the presigned form.
    pub(crate) presigned: Option<u64>,
    pub(crate) declare_payload: bool,
}

/// Signs a request, whose `Host` header must be set, in place.
pub(crate) fn sign_in_place(request: &mut Request<Vec<u8>>, how: &How) {
    let identity = Credentials::new(ACCESS_KEY, SECRET, how.token.clone(), None, "test").into();
    let mut settings = SigningSettings::default();
    if let Some(seconds) = how.presigned {
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(seconds));
    }
    if how.declare_payload {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    let signing_time = SystemTime::UNIX_EPOCH + Duration::from_secs(SIGNED_AT.unsigned_abs());
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("eu-west-1")
        .name("ecr")
        .time(signing_time)
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let authority = request.headers().get("host").unwrap().to_str().unwrap();
    let uri = format!("http://{authority}{}", request.uri());
    let headers = request
        .headers()
        .iter()
        .map(|(n, v)| (n.as_str(), v.to_str().unwrap()));
    let signable = SignableRequest::new(
        request.method().as_str(),
        uri.as_str(),
        headers.filter(|(name, _)| *name != "host"),
        SignableBody::Bytes(request.body()),
    );
    let (instructions, _) = sign(signable.unwrap(), &params).unwrap().into_parts();
    instructions.apply_to_request_http1x(request);
}

/// Runs all steps of the verifier.
pub(crate) fn verify_at(
    request: &Request<Vec<u8>>,
    now: Timestamp,
) -> Result<Verified, SignatureError> {
    let (parts, body) = request.clone().into_parts();
    let prechecked = SignedRequest::parse(&parts)?.precheck(now, &PrecheckLimits::default())?;
    prechecked.verify(&SigningSecret::new(SECRET), &PayloadHash::of(&body))
}

/// Runs all steps at the moment of signing.
pub(crate) fn verify(request: &Request<Vec<u8>>) -> Result<Verified, SignatureError> {
    verify_at(request, Timestamp::from_seconds(SIGNED_AT))
}
