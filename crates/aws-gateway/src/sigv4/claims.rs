//! What a request says about its signature, read from the `Authorization` header or from the query.

use std::time::Duration;

use http::HeaderMap;
use http::header::{AUTHORIZATION, DATE};
use http::request::Parts;
use zeroize::Zeroizing;

use super::canonical::Query;
use super::payload::is_lower_hex;
use super::scope::{CredentialScope, parse_credential};
use super::signature_error::{SignatureError, quoted};
use super::signed_headers::SignedHeaders;
use super::timestamp::SigningTime;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SECURITY_TOKEN: &str = "x-amz-security-token";
const MAX_SECURITY_TOKEN: usize = 8 * 1024;
const SIGNING_PARAMETERS: [&str; 6] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Signature",
];

/// The claims of either form.
pub(super) struct Claims {
    pub(super) access_key_id: String,
    pub(super) scope: CredentialScope,
    pub(super) signed_headers: SignedHeaders,
    pub(super) signature: String,
    pub(super) signed_at: SigningTime,
    pub(super) security_token: Option<Zeroizing<String>>,
    /// How long a presigned request lasts; absent in the header form.
    pub(super) expires: Option<Duration>,
}

impl Claims {
    /// Finds out which form was used and reads it.
    pub(super) fn parse(parts: &Parts, query: &Query) -> Result<Self, SignatureError> {
        let header = authorization(&parts.headers)?;
        let presigned = query.single("X-Amz-Algorithm")?.is_some()
            || query.single("X-Amz-Signature")?.is_some();
        match (header, presigned) {
            (None, false) => Err(SignatureError::Missing),
            (Some(_), true) => Err(SignatureError::Incomplete(
                "Only one of the Authorization header and the X-Amz-Algorithm query parameter may be given.".to_owned(),
            )),
            (Some(text), false) => from_header(text, &parts.headers),
            (None, true) => from_query(query, &parts.headers),
        }
    }
}

fn authorization(headers: &HeaderMap) -> Result<Option<&str>, SignatureError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(SignatureError::Duplicate("Authorization".to_owned()));
    }
    first
        .map(http::HeaderValue::to_str)
        .transpose()
        .map_err(|_| SignatureError::Incomplete("Authorization header is not ASCII.".to_owned()))
}

fn from_header(text: &str, headers: &HeaderMap) -> Result<Claims, SignatureError> {
    let fields = AuthorizationFields::parse(text)?;
    let signed_at = header_time(headers)?;
    let no_time = signed_at.is_none();
    let (Some(credential), Some(signature), Some(signed_headers), Some(signed_at)) = (
        fields.credential,
        fields.signature,
        fields.signed_headers,
        signed_at,
    ) else {
        return Err(SignatureError::Incomplete(fields.missing_text(no_time)));
    };
    let (access_key_id, scope) = parse_credential(credential)?;
    Ok(Claims {
        access_key_id,
        scope,
        signed_headers: SignedHeaders::parse(signed_headers)?,
        signature: parse_signature(signature)?,
        signed_at,
        security_token: header_token(headers)?,
        expires: None,
    })
}

/// The three parts of `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`, in any order.
#[derive(Default)]
struct AuthorizationFields<'a> {
    credential: Option<&'a str>,
    signed_headers: Option<&'a str>,
    signature: Option<&'a str>,
}

impl<'a> AuthorizationFields<'a> {
    fn parse(text: &'a str) -> Result<Self, SignatureError> {
        let mut fields = Self::default();
        let (algorithm, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        if algorithm.starts_with("AWS4-") && algorithm != ALGORITHM {
            return Err(unsupported_algorithm(algorithm));
        }
        if algorithm != ALGORITHM {
            return Ok(fields);
        }
        for part in rest.split(',').map(str::trim) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let slot = match name {
                "Credential" => &mut fields.credential,
                "SignedHeaders" => &mut fields.signed_headers,
                "Signature" => &mut fields.signature,
                _ => {
                    return Err(SignatureError::Incomplete(format!(
                        "{} is not a part of an Authorization header.",
                        quoted(name)
                    )));
                }
            };
            if slot.replace(value).is_some() {
                return Err(SignatureError::Duplicate(name.to_owned()));
            }
        }
        Ok(fields)
    }

    /// AWS names everything that is missing in one message.
    fn missing_text(&self, no_time: bool) -> String {
        let mut text: Vec<String> = [
            ("Credential", self.credential),
            ("Signature", self.signature),
            ("SignedHeaders", self.signed_headers),
        ]
        .iter()
        .filter(|(_, value)| value.is_none())
        .map(|(name, _)| format!("Authorization header requires '{name}' parameter."))
        .collect();
        if no_time {
            text.push("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.".to_owned());
        }
        text.join(" ")
    }
}

fn from_query(query: &Query, headers: &HeaderMap) -> Result<Claims, SignatureError> {
    if headers.contains_key(SECURITY_TOKEN) {
        return Err(SignatureError::Duplicate("X-Amz-Security-Token".to_owned()));
    }
    let [
        algorithm,
        credential,
        date,
        expires,
        signed_headers,
        signature,
    ] = signing_parameters(query)?;
    if algorithm != ALGORITHM {
        return Err(unsupported_algorithm(algorithm));
    }
    let (access_key_id, scope) = parse_credential(credential)?;
    Ok(Claims {
        access_key_id,
        scope,
        signed_headers: SignedHeaders::parse(signed_headers)?,
        signature: parse_signature(signature)?,
        signed_at: SigningTime::parse_basic(date).ok_or_else(|| bad_date(date))?,
        security_token: query
            .single("X-Amz-Security-Token")?
            .map(bounded_token)
            .transpose()?,
        expires: Some(parse_expires(expires)?),
    })
}

/// The values of [`SIGNING_PARAMETERS`]. AWS names everything that is missing in one message.
fn signing_parameters(query: &Query) -> Result<[&str; SIGNING_PARAMETERS.len()], SignatureError> {
    let mut values = [""; SIGNING_PARAMETERS.len()];
    let mut missing = Vec::new();
    for (slot, name) in values.iter_mut().zip(SIGNING_PARAMETERS) {
        match query.single(name)? {
            Some(value) => *slot = value,
            None => missing.push(format!(
                "AWS query-string parameters must include '{name}'."
            )),
        }
    }
    if !missing.is_empty() {
        missing.push("Re-examine the query-string parameters.".to_owned());
        return Err(SignatureError::Incomplete(missing.join(" ")));
    }
    Ok(values)
}

fn header_time(headers: &HeaderMap) -> Result<Option<SigningTime>, SignatureError> {
    // Neither needs a look at the signed headers: the time is part of the string to sign.
    let (value, parse): (_, fn(&str) -> Option<SigningTime>) = match headers.get("x-amz-date") {
        Some(value) => (value, SigningTime::parse_basic),
        None => match headers.get(DATE) {
            Some(value) => (value, SigningTime::parse_date_header),
            None => return Ok(None),
        },
    };
    let text = value.to_str().unwrap_or_default();
    parse(text).map(Some).ok_or_else(|| bad_date(text))
}

fn header_token(headers: &HeaderMap) -> Result<Option<Zeroizing<String>>, SignatureError> {
    let Some(value) = headers.get(SECURITY_TOKEN) else {
        return Ok(None);
    };
    let text = value
        .to_str()
        .map_err(|_| SignatureError::UnknownAccessKey)?;
    bounded_token(text).map(Some)
}

fn bounded_token(text: &str) -> Result<Zeroizing<String>, SignatureError> {
    if text.is_empty() || text.len() > MAX_SECURITY_TOKEN {
        return Err(SignatureError::UnknownAccessKey);
    }
    Ok(Zeroizing::new(text.to_owned()))
}

fn parse_signature(text: &str) -> Result<String, SignatureError> {
    if is_lower_hex(text, 64) {
        Ok(text.to_owned())
    } else {
        Err(SignatureError::Mismatch)
    }
}

fn parse_expires(text: &str) -> Result<Duration, SignatureError> {
    let all_digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse::<u32>() {
        Ok(seconds) if all_digits => Ok(Duration::from_secs(u64::from(seconds))),
        _ => Err(SignatureError::Incomplete(
            "X-Amz-Expires should be a number".to_owned(),
        )),
    }
}

fn bad_date(text: &str) -> SignatureError {
    SignatureError::Incomplete(format!(
        "Date must be in ISO-8601 'basic format'. Got {}. See http://en.wikipedia.org/wiki/ISO_8601",
        quoted(text)
    ))
}

fn unsupported_algorithm(text: &str) -> SignatureError {
    SignatureError::Incomplete(format!("Unsupported AWS 'algorithm': {}.", quoted(text)))
}
