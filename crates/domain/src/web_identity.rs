//! What the token of an identity provider says, and whether it may be used (STS, `AssumeRoleWithWebIdentity`; `OpenID`
//! Connect Core, "ID Token Validation"). That it is the provider's was checked before.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::error::{Error, StsRefusal};
use crate::sessions::SessionTag;
use crate::timestamp::Timestamp;

/// How far the clocks of a provider and of this server may differ, in seconds.
pub const LEEWAY: i64 = 60;

/// Claims that become condition keys.
const MAX_CLAIMS: usize = 100;

/// The claim with session tags (IAM User Guide, "Passing session tags using `AssumeRoleWithWebIdentity`").
const TAGS: &str = "https://aws.amazon.com/tags";

/// The claim with the source identity.
const SOURCE_IDENTITY: &str = "https://aws.amazon.com/source_identity";

/// The value of a claim as a condition sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimValue {
    /// One value.
    One(String),
    /// Several, as of `amr`.
    Many(Vec<String>),
}

/// The claims of a token.
#[derive(Clone, Debug, PartialEq)]
pub struct WebIdentity {
    claims: Map<String, Value>,
}

fn refused(message: impl Into<String>) -> Error {
    let message = message.into();
    StsRefusal::InvalidIdentityToken { message }.into()
}

/// The refusal of a text that is no token.
pub fn not_a_token() -> Error {
    refused(
        "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
    )
}

impl WebIdentity {
    /// Reads the claims of a token.
    pub fn parse(claims: &[u8]) -> Result<Self, Error> {
        let claims = serde_json::from_slice(claims).map_err(|_| not_a_token())?;
        Ok(Self { claims })
    }

    /// Who issued it (`iss`).
    pub fn issuer(&self) -> Result<&str, Error> {
        self.text("iss").ok_or_else(|| missing("iss"))
    }

    /// Whom it is about (`sub`).
    pub fn subject(&self) -> Result<&str, Error> {
        self.text("sub").ok_or_else(|| missing("sub"))
    }

    fn text(&self, claim: &str) -> Option<&str> {
        let value = self.claims.get(claim).and_then(Value::as_str);
        value.filter(|text| !text.is_empty())
    }

    /// Whether it may be used now, and for which of `audiences` it is.
    pub fn check(&self, audiences: &[String], now: Timestamp) -> Result<String, Error> {
        self.subject()?;
        self.check_cases()?;
        self.check_times(now.seconds())?;
        let own = match self.claims.get("aud") {
            Some(Value::String(one)) => vec![one.as_str()],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => return Err(missing("aud")),
        };
        // the party that it was issued to, where that is another than those it is for
        let own = self.text("azp").into_iter().chain(own);
        let mut known = own.filter(|one| audiences.iter().any(|audience| audience == one));
        let found = known.next().map(str::to_owned);
        found.ok_or_else(|| refused("Incorrect token audience"))
    }

    /// Claims become condition keys, which are the same in upper case: a claim of a provider's user must not pass for
    /// one of the provider.
    fn check_cases(&self) -> Result<(), Error> {
        let mut seen = HashSet::new();
        if self
            .claims
            .keys()
            .all(|claim| seen.insert(claim.to_ascii_lowercase()))
        {
            return Ok(());
        }
        Err(refused("Claims of the token differ in case alone"))
    }

    fn check_times(&self, now: i64) -> Result<(), Error> {
        let expires = self.seconds("exp").ok_or_else(|| missing("exp"))?;
        if now >= expires.saturating_add(LEEWAY) {
            let message = format!(
                "Token expired: current date/time {now} must be before the expiration date/time {expires}"
            );
            return Err(StsRefusal::ExpiredIdentityToken { message }.into());
        }
        let issued = self.seconds("iat").ok_or_else(|| missing("iat"))?;
        let latest = now.saturating_add(LEEWAY);
        if issued > latest || self.seconds("nbf").is_some_and(|begins| begins > latest) {
            return Err(refused("Token is not yet valid"));
        }
        Ok(())
    }

    fn seconds(&self, claim: &str) -> Option<i64> {
        let value = self.claims.get(claim)?;
        // fractions of seconds are allowed, and of no use
        #[expect(clippy::cast_possible_truncation, reason = "casts of floats saturate")]
        value
            .as_i64()
            .or_else(|| value.as_f64().map(|seconds| seconds as i64))
    }

    /// The condition keys that the claims give, each `<provider>:<claim>`. `aud` is the audience that was found.
    pub fn condition_keys(&self, provider: &str, audience: &str) -> Vec<(String, ClaimValue)> {
        let name = |claim: &str| format!("{provider}:{claim}");
        let mut keys = vec![(name("aud"), ClaimValue::One(audience.to_owned()))];
        let others = self.claims.iter().filter(|(claim, _)| *claim != "aud");
        let others = others.filter_map(|(claim, value)| Some((name(claim), claim_value(value)?)));
        keys.extend(others.take(MAX_CLAIMS));
        keys
    }

    /// The source identity that the provider states.
    pub fn source_identity(&self) -> Option<String> {
        self.text(SOURCE_IDENTITY).map(str::to_owned)
    }

    /// The session tags that the provider states, and the keys of those that go on to the next role.
    pub fn tags(&self) -> Result<(Vec<SessionTag>, Vec<String>), Error> {
        let Some(stated) = self.claims.get(TAGS) else {
            return Ok((Vec::new(), Vec::new()));
        };
        let malformed = || refused("The session tags in the token are malformed");
        let mut tags = Vec::new();
        let stated_tags = stated.get("principal_tags").and_then(Value::as_object);
        for (key, value) in stated_tags.ok_or_else(malformed)? {
            let value = match value {
                Value::Array(values) if values.len() == 1 => values.first(),
                other => Some(other),
            };
            let value = value.and_then(Value::as_str).ok_or_else(malformed)?;
            tags.push((key.clone(), value.to_owned()));
        }
        let keys = stated.get("transitive_tag_keys");
        let keys = keys.and_then(Value::as_array).into_iter().flatten();
        let keys = keys.map(|key| key.as_str().map(str::to_owned).ok_or_else(malformed));
        Ok((tags, keys.collect::<Result<_, _>>()?))
    }
}

fn missing(claim: &str) -> Error {
    refused(format!("Missing a required claim: {claim}"))
}

/// Claims of other forms are no condition keys.
fn claim_value(value: &Value) -> Option<ClaimValue> {
    match value {
        Value::Array(values) => {
            let values = values.iter().map(scalar);
            values.collect::<Option<_>>().map(ClaimValue::Many)
        }
        other => scalar(other).map(ClaimValue::One),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn identity(change: impl FnOnce(&mut Value)) -> WebIdentity {
        let mut claims = json!({
            "iss": "https://idp.example", "sub": "repo:a/b", "aud": "sts.amazonaws.com",
            "iat": NOW - 10, "nbf": NOW - 10, "exp": NOW + 300,
        });
        change(&mut claims);
        WebIdentity::parse(claims.to_string().as_bytes()).unwrap()
    }

    fn check(change: impl FnOnce(&mut Value)) -> Result<String, String> {
        let audiences = ["sts.amazonaws.com".to_owned(), "app".to_owned()];
        let checked = identity(change).check(&audiences, Timestamp::from_seconds(NOW));
        checked.map_err(|error| error.to_string())
    }

    #[test]
    fn times_hold_with_a_little_leeway() {
        assert_eq!(check(|_| ()).unwrap(), "sts.amazonaws.com");
        assert!(check(|claims| claims["exp"] = (NOW - LEEWAY + 1).into()).is_ok());
        assert_eq!(
            check(|claims| claims["exp"] = (NOW - LEEWAY).into()).unwrap_err(),
            "Token expired: current date/time 1800000000 must be before the expiration date/time 1799999940"
        );
        for claim in ["iat", "nbf"] {
            assert!(check(|claims| claims[claim] = (NOW + LEEWAY).into()).is_ok());
            assert!(check(|claims| claims[claim] = (NOW + LEEWAY + 1).into()).is_err());
        }
        assert!(check(|claims| claims["exp"] = json!(1_800_000_300.5)).is_ok());
        for claim in ["exp", "iat", "sub", "aud"] {
            let told = check(|claims| claims[claim] = Value::Null).unwrap_err();
            assert_eq!(told, format!("Missing a required claim: {claim}"));
        }
        assert!(check(|claims| claims["exp"] = "soon".into()).is_err());
    }

    #[test]
    fn the_token_is_for_an_audience_of_the_provider() {
        let told = check(|claims| claims["aud"] = "other".into()).unwrap_err();
        assert_eq!(told, "Incorrect token audience");
        assert_eq!(
            check(|claims| claims["aud"] = json!(["x", "app"])).unwrap(),
            "app"
        );
        assert!(check(|claims| claims["aud"] = json!([])).is_err());
        let azp = |claims: &mut Value| {
            claims["aud"] = "other".into();
            claims["azp"] = "app".into();
        };
        assert_eq!(check(azp).unwrap(), "app");
    }

    #[test]
    fn claims_that_differ_in_case_alone_are_refused() {
        let beside = |claim: &str| check(|claims| claims[claim] = "spoofed".into());
        assert!(beside("subject").is_ok());
        for claim in ["Sub", "SUB", "Aud"] {
            assert!(beside(claim).is_err(), "{claim}");
        }
    }

    #[test]
    fn claims_are_condition_keys_of_the_provider() {
        let one = |text: &str| Some(ClaimValue::One(text.to_owned()));
        let identity = identity(|claims| {
            claims["aud"] = json!(["sts.amazonaws.com"]);
            claims["amr"] = json!(["pwd", "mfa"]);
            claims["nested"] = json!({"a": 1});
            claims["public"] = true.into();
        });
        let keys = identity.condition_keys("idp.example/x", "sts.amazonaws.com");
        let find = |name: &str| {
            let name = format!("idp.example/x:{name}");
            keys.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.clone())
        };
        assert_eq!(find("aud"), one("sts.amazonaws.com"));
        assert_eq!(find("sub"), one("repo:a/b"));
        assert_eq!(find("public"), one("true"));
        assert_eq!(find("nested"), None);
        let amr = ["pwd", "mfa"].map(str::to_owned).to_vec();
        assert_eq!(find("amr"), Some(ClaimValue::Many(amr)));
    }

    #[test]
    fn tags_are_those_that_the_provider_states() {
        let tagged = identity(|claims| {
            claims[TAGS] = json!({"principal_tags": {"team": ["a"], "env": "b"}, "transitive_tag_keys": ["team"]});
            claims[SOURCE_IDENTITY] = "ada".into();
        });
        let (mut tags, transitive) = tagged.tags().unwrap();
        tags.sort();
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(tags, [pair("env", "b"), pair("team", "a")]);
        assert_eq!(transitive, ["team"]);
        assert_eq!(tagged.source_identity().as_deref(), Some("ada"));
        for bad in [
            json!({}),
            json!({"principal_tags": {"a": 1}}),
            json!({"principal_tags": {"a": ["1", "2"]}}),
        ] {
            assert!(identity(|claims| claims[TAGS] = bad).tags().is_err());
        }
    }
}
