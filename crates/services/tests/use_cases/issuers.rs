//! Providers of identities elsewhere: what a network would answer, and tokens that they sign.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ecru_ports::{FetchLimits, Outbound, OutboundError};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use parking_lot::Mutex;
use serde_json::{Value, json};

/// A network with nothing but issuers, which counts what it is asked.
#[derive(Default)]
pub(crate) struct Issuers {
    pages: Mutex<HashMap<String, String>>,
    pub(crate) asked: AtomicUsize,
}

impl Issuers {
    /// Lets an issuer answer with its keys.
    pub(crate) fn publish(&self, issuer: &Issuer, keys: &[&Issuer]) {
        let base = issuer.url.trim_end_matches('/').to_owned();
        let description = json!({"issuer": issuer.url, "jwks_uri": format!("{base}/keys")});
        let mut pages = self.pages.lock();
        let place = format!("{base}/.well-known/openid-configuration");
        pages.insert(place, description.to_string());
        pages.insert(format!("{base}/keys"), key_set(keys));
    }

    /// Lets an issuer describe itself as it likes.
    pub(crate) fn describe(&self, url: &str, description: &Value) {
        let place = format!("{url}/.well-known/openid-configuration");
        self.pages.lock().insert(place, description.to_string());
    }

    pub(crate) fn vanish(&self) {
        self.pages.lock().clear();
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Outbound for Issuers {
    async fn fetch(&self, url: &str, limits: FetchLimits) -> Result<Vec<u8>, OutboundError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let page = self.pages.lock().get(url).cloned();
        let page = page.ok_or(OutboundError::Forbidden)?;
        assert!(page.len() <= limits.bytes);
        Ok(page.into_bytes())
    }
}

/// An issuer with one key.
pub(crate) struct Issuer {
    pub(crate) url: String,
    key_id: String,
    key: EncodingKey,
    jwk: Value,
}

impl Issuer {
    pub(crate) fn new(url: &str, key_id: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let der = pair.to_pkcs8v1().unwrap();
        let point = pair.public_key().as_ref();
        let (x, y) = (&point[1..33], &point[33..]);
        Self {
            url: url.to_owned(),
            key_id: key_id.to_owned(),
            key: EncodingKey::from_ec_der(der.as_ref()),
            jwk: json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": key_id,
                "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y)}),
        }
    }

    /// A token with these claims besides `iss`.
    pub(crate) fn token(&self, claims: &Value) -> String {
        let mut claims = claims.clone();
        claims["iss"] = self.url.as_str().into();
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.key_id.clone());
        jsonwebtoken::encode(&header, &claims, &self.key).unwrap()
    }
}

/// A JSON Web Key Set.
pub(crate) fn key_set(issuers: &[&Issuer]) -> String {
    let keys: Vec<&Value> = issuers.iter().map(|issuer| &issuer.jwk).collect();
    json!({ "keys": keys }).to_string()
}
