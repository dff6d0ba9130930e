//! Checks tokens that identity providers signed (RFC 7515, RFC 7517, RFC 7519). Nothing here is secret: the keys are
//! public ones, and what a token claims is left to others.

use ecru_ports::{IdentityTokens, TokenProblem};
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, Validation};
use serde_json::{Map, Value};

/// The longest token that is looked at, in bytes (STS model, `clientTokenType`).
const MAX_TOKEN: usize = 20_000;

/// Keys of one issuer that are looked at.
const MAX_KEYS: usize = 100;

/// What is accepted: signatures that only the issuer can make.
const ACCEPTED: [Algorithm; 5] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::ES256,
    Algorithm::ES384,
];

/// JSON Web Tokens.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonWebTokens;

impl IdentityTokens for JsonWebTokens {
    fn verify(&self, token: &str, keys: &str) -> Result<Vec<u8>, TokenProblem> {
        if token.len() > MAX_TOKEN {
            return Err(TokenProblem::NotAToken);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenProblem::NotAToken)?;
        if !ACCEPTED.contains(&header.alg) || header.crit.is_some() {
            return Err(TokenProblem::NotAToken);
        }
        let mut problem = TokenProblem::UnknownKey;
        for key in usable_keys(keys)? {
            if !may_have_signed(&key, header.kid.as_deref(), header.alg) {
                continue;
            }
            match claims(token, &key, header.alg) {
                Some(claims) => return to_bytes(&claims),
                // without a key id, one key after the other is tried, and none of them was named
                None if header.kid.is_some() => problem = TokenProblem::WrongSignature,
                None => {}
            }
        }
        Err(problem)
    }

    fn read_unverified(&self, token: &str) -> Result<Vec<u8>, TokenProblem> {
        if token.len() > MAX_TOKEN {
            return Err(TokenProblem::NotAToken);
        }
        jsonwebtoken::decode_header(token).map_err(|_| TokenProblem::NotAToken)?;
        let read = jsonwebtoken::dangerous::insecure_decode::<Map<String, Value>>(token);
        to_bytes(&read.map_err(|_| TokenProblem::NotAToken)?.claims)
    }

    fn count_keys(&self, keys: &str) -> Result<usize, TokenProblem> {
        Ok(usable_keys(keys)?.len())
    }
}

/// The public keys for signatures of a set. Keys of other kinds may stand beside them.
fn usable_keys(text: &str) -> Result<Vec<Jwk>, TokenProblem> {
    let set: Value = serde_json::from_str(text).map_err(|_| TokenProblem::BadKeys)?;
    let keys = set.get("keys").and_then(Value::as_array);
    let keys = keys.ok_or(TokenProblem::BadKeys)?.iter().take(MAX_KEYS);
    let read = keys.filter_map(|key| serde_json::from_value::<Jwk>(key.clone()).ok());
    let is_usable = |key: &Jwk| {
        let signs = key.common.public_key_use.as_ref();
        let signs = signs.is_none_or(|is_for| *is_for == PublicKeyUse::Signature);
        let family = DecodingKey::from_jwk(key).map(|key| key.family());
        signs && matches!(family, Ok(AlgorithmFamily::Rsa | AlgorithmFamily::Ec))
    };
    Ok(read.filter(is_usable).collect())
}

fn may_have_signed(key: &Jwk, key_id: Option<&str>, algorithm: Algorithm) -> bool {
    let is_named = key_id.is_none_or(|id| key.common.key_id.as_deref() == Some(id));
    let stated = key.common.key_algorithm;
    let is_for_it = stated.is_none_or(|stated| stated == algorithm.into());
    let family = DecodingKey::from_jwk(key).map(|key| key.family());
    is_named && is_for_it && family.is_ok_and(|family| family == algorithm.family())
}

fn claims(token: &str, key: &Jwk, algorithm: Algorithm) -> Option<Map<String, Value>> {
    let key = DecodingKey::from_jwk(key).ok()?;
    let mut only_signature = Validation::new(algorithm);
    only_signature.required_spec_claims.clear();
    only_signature.validate_exp = false;
    only_signature.validate_nbf = false;
    only_signature.validate_aud = false;
    let read = jsonwebtoken::decode(token, &key, &only_signature).ok()?;
    Some(read.claims)
}

fn to_bytes(claims: &Map<String, Value>) -> Result<Vec<u8>, TokenProblem> {
    serde_json::to_vec(claims).map_err(|_| TokenProblem::NotAToken)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::json;

    use super::*;

    struct Issuer {
        key: EncodingKey,
        algorithm: Algorithm,
        jwk: Value,
    }

    fn es256(id: &str) -> Issuer {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let der = pair.to_pkcs8v1().unwrap();
        let point = pair.public_key().as_ref();
        let coordinate = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
        Issuer {
            key: EncodingKey::from_ec_der(der.as_ref()),
            algorithm: Algorithm::ES256,
            jwk: json!({"kty": "EC", "crv": "P-256", "kid": id, "use": "sig",
                "x": coordinate(&point[1..33]), "y": coordinate(&point[33..])}),
        }
    }

    fn rs256(id: &str) -> Issuer {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der = pair.as_der().unwrap();
        // PKCS #1 within PKCS #8, whose head has the same length for all keys of that size
        let key = EncodingKey::from_rsa_der(&der.as_ref()[26..]);
        let jwk = Jwk::from_encoding_key(&key, Algorithm::RS256).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["kid"] = id.into();
        Issuer {
            key,
            algorithm: Algorithm::RS256,
            jwk,
        }
    }

    impl Issuer {
        fn token(&self, id: Option<&str>) -> String {
            let mut header = Header::new(self.algorithm);
            header.kid = id.map(str::to_owned);
            let claims = json!({"iss": "https://issuer.example", "exp": 1, "aud": ["x"]});
            jsonwebtoken::encode(&header, &claims, &self.key).unwrap()
        }
    }

    fn set(issuers: &[&Issuer]) -> String {
        let keys: Vec<&Value> = issuers.iter().map(|issuer| &issuer.jwk).collect();
        json!({ "keys": keys }).to_string()
    }

    #[test]
    fn a_token_is_believed_by_the_key_that_it_names() {
        for (own, other) in [(es256("a"), es256("b")), (rs256("a"), es256("b"))] {
            let token = own.token(Some("a"));
            let claims = JsonWebTokens.verify(&token, &set(&[&other, &own])).unwrap();
            let claims: Value = serde_json::from_slice(&claims).unwrap();
            assert_eq!(claims["iss"], "https://issuer.example");
            let found = JsonWebTokens.verify(&token, &set(&[&other]));
            assert_eq!(found, Err(TokenProblem::UnknownKey));
            let nameless = own.token(None);
            assert!(
                JsonWebTokens
                    .verify(&nameless, &set(&[&other, &own]))
                    .is_ok()
            );
        }
        let impostor = es256("a");
        let found = JsonWebTokens.verify(&es256("a").token(Some("a")), &set(&[&impostor]));
        assert_eq!(found, Err(TokenProblem::WrongSignature));
    }

    #[test]
    fn no_altered_token_is_believed() {
        let issuer = es256("a");
        let (token, keys) = (issuer.token(Some("a")), set(&[&issuer]));
        for at in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert!(JsonWebTokens.verify(&altered, &keys).is_err(), "{at}");
        }
    }

    #[test]
    fn only_signatures_that_the_issuer_alone_can_make_are_accepted() {
        let issuer = rs256("a");
        let modulus = issuer.jwk["n"].as_str().unwrap();
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some("a".to_owned());
        let key = EncodingKey::from_secret(modulus.as_bytes());
        let forged = jsonwebtoken::encode(&header, &json!({}), &key).unwrap();
        let found = JsonWebTokens.verify(&forged, &set(&[&issuer]));
        assert_eq!(found, Err(TokenProblem::NotAToken));
        let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let none = format!("{}.{}.", encode(json!({"alg": "none"})), encode(json!({})));
        let found = JsonWebTokens.verify(&none, &set(&[&issuer]));
        assert_eq!(found, Err(TokenProblem::NotAToken));
        let secret = json!({"keys": [{"kty": "oct", "k": "AAAA", "kid": "a"}]});
        assert_eq!(JsonWebTokens.count_keys(&secret.to_string()), Ok(0));
        assert_eq!(JsonWebTokens.count_keys("[]"), Err(TokenProblem::BadKeys));
        assert_eq!(JsonWebTokens.count_keys(&set(&[&issuer])), Ok(1));
    }
}
