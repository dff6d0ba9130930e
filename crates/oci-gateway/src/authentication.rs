//! Who asks: HTTP Basic with an authorization token as the password. There is no token service.
//!
//! It happens before a byte of a body is read.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use ecru_domain::{Refusal, Registry, Timestamp};
use ecru_services::Services;
use ecru_services::tokens::TokenHolder;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};

use crate::errors::{Code, Failure};
use crate::response::header_value;

/// The longest `Authorization` header that is looked at.
const MAX_HEADER: usize = 4_096;

/// Clients pad or do not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// User name and password. Not `Debug`: the password is a secret.
#[derive(PartialEq, Eq)]
pub struct Credentials {
    /// Before the first colon.
    pub user: String,
    /// After it.
    pub password: String,
}

/// The credentials of a request, if it has any that can be read.
pub fn credentials(headers: &HeaderMap) -> Option<Credentials> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    if value.len() > MAX_HEADER {
        return None;
    }
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(BASE64.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some(Credentials {
        user: user.to_owned(),
        password: password.to_owned(),
    })
}

/// Whose token the request carries: 401 with a challenge if none or a bad one, 403 if its time is over.
pub(crate) async fn authenticate(
    services: &Services,
    headers: &HeaderMap,
    host: &str,
    now: Timestamp,
) -> Result<TokenHolder, Failure> {
    let Some(credentials) = credentials(headers) else {
        return Err(challenge(Refusal::TokenInvalid.into(), host));
    };
    let (user, password) = (&credentials.user, &credentials.password);
    let holder = services.tokens.authenticate(user, password, now).await;
    holder.map_err(|error| challenge(error.into(), host))
}

/// A token opens the registries of its region only.
pub(crate) fn check_region(holder: &TokenHolder, addressed: &Registry) -> Result<(), Failure> {
    if holder.region == addressed.region {
        return Ok(());
    }
    let message = format!(
        "Your authorization token is for the region {}, not for {}",
        holder.region, addressed.region
    );
    Err(Failure::new(StatusCode::FORBIDDEN, Code::Denied, message))
}

/// Adds the challenge that makes clients send credentials, if the answer is 401.
fn challenge(failure: Failure, host: &str) -> Failure {
    if failure.status() != StatusCode::UNAUTHORIZED {
        return failure;
    }
    let is_host = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
    let host = if host.bytes().all(is_host) { host } else { "" };
    let value = format!("Basic realm=\"https://{host}/\",service=\"ecr.amazonaws.com\"");
    failure.with_header(WWW_AUTHENTICATE, header_value(value))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(value: &str) -> Option<(String, String)> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        credentials(&headers).map(|found| (found.user, found.password))
    }

    #[test]
    fn basic_credentials_are_read_padded_or_not() {
        let expected = Some(("AWS".to_owned(), "to:ken".to_owned()));
        for value in [
            "Basic QVdTOnRvOmtlbg==",
            "basic QVdTOnRvOmtlbg",
            "BASIC  QVdTOnRvOmtlbg== ",
        ] {
            assert_eq!(read(value), expected, "{value}");
        }
    }

    #[test]
    fn anything_else_is_no_credential() {
        let long = format!("Basic {}", "QUFB".repeat(2_000));
        for value in [
            "",
            "Basic",
            "Basic ",
            "Basic !!!",
            "Bearer QVdTOnQ=",
            "Basic QVdT",
            "Basic /w==",
            long.as_str(),
        ] {
            assert_eq!(read(value), None, "{value}");
        }
        assert!(credentials(&HeaderMap::new()).is_none());
    }

    #[test]
    fn only_401_is_a_challenge_and_the_host_cannot_break_out_of_it() {
        let refused = challenge(Refusal::TokenInvalid.into(), "localhost:5050");
        let expected = "Basic realm=\"https://localhost:5050/\",service=\"ecr.amazonaws.com\"";
        assert_eq!(
            refused.headers(),
            [(WWW_AUTHENTICATE, HeaderValue::from_static(expected))]
        );
        let hostile = challenge(Refusal::TokenInvalid.into(), "a\",realm=\"b");
        let expected = "Basic realm=\"https:///\",service=\"ecr.amazonaws.com\"";
        assert_eq!(
            hostile.headers(),
            [(WWW_AUTHENTICATE, HeaderValue::from_static(expected))]
        );
        assert!(
            challenge(Refusal::TokenExpired.into(), "x")
                .headers()
                .is_empty()
        );
    }
}
