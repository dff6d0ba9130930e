//! Signature Version 4 of one POST or GET to `/` without a query, header form: what calls of the AWS
//! APIs need. AWS General Reference, "Create a signed
//! AWS API request".

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// An access key. Its Debug form shows the id only.
#[derive(Clone)]
pub(crate) struct AccessKey {
    /// Public identifier.
    pub(crate) id: String,
    /// Secret; never printed.
    pub(crate) secret: String,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AccessKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Where and when a signature is valid.
pub(crate) struct Scope<'a> {
    /// Region, such as `us-east-1`.
    pub(crate) region: &'a str,
    /// Service, such as `ecr`.
    pub(crate) service: &'a str,
    /// Time of signing.
    pub(crate) time: Timestamp,
}

impl Scope<'_> {
    /// Value of the `x-amz-date` header.
    pub(crate) fn date_time(&self) -> String {
        self.time.strftime("%Y%m%dT%H%M%SZ").to_string()
    }

    fn date(&self) -> String {
        self.time.strftime("%Y%m%d").to_string()
    }

    fn credential(&self) -> String {
        format!(
            "{}/{}/{}/aws4_request",
            self.date(),
            self.region,
            self.service
        )
    }
}

/// A request to `/` as it is signed.
pub(crate) struct Signable<'a> {
    /// HTTP method.
    pub(crate) method: &'a str,
    /// Headers to sign: names in lower case, sorted, `host` and `x-amz-date` among them.
    pub(crate) headers: &'a [(&'a str, &'a str)],
    /// Body.
    pub(crate) body: &'a [u8],
}

/// Computes the value of the Authorization header.
///
/// # Errors
/// None in practice: HMAC takes keys of any length.
pub(crate) fn authorization(
    key: &AccessKey,
    scope: &Scope<'_>,
    request: &Signable<'_>,
) -> anyhow::Result<String> {
    let names: Vec<&str> = request.headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let text = string_to_sign(scope, &canonical_request(request, &names));
    let signature = hex::encode(hmac(&signing_key(key, scope)?, &text)?);
    Ok(format!(
        "{ALGORITHM} Credential={}/{}, SignedHeaders={names}, Signature={signature}",
        key.id,
        scope.credential()
    ))
}

fn canonical_request(request: &Signable<'_>, names: &str) -> String {
    let mut lines = vec![request.method.to_owned(), "/".to_owned(), String::new()];
    for (name, value) in request.headers {
        lines.push(format!("{name}:{}", value.trim()));
    }
    lines.push(String::new());
    lines.push(names.to_owned());
    lines.push(hex::encode(Sha256::digest(request.body)));
    lines.join("\n")
}

fn string_to_sign(scope: &Scope<'_>, canonical: &str) -> String {
    format!(
        "{ALGORITHM}\n{}\n{}\n{}",
        scope.date_time(),
        scope.credential(),
        hex::encode(Sha256::digest(canonical))
    )
}

fn signing_key(key: &AccessKey, scope: &Scope<'_>) -> anyhow::Result<Vec<u8>> {
    let mut derived = hmac(format!("AWS4{}", key.secret).as_bytes(), &scope.date())?;
    for part in [scope.region, scope.service, "aws4_request"] {
        derived = hmac(&derived, part)?;
    }
    Ok(derived)
}

fn hmac(key: &[u8], text: &str) -> anyhow::Result<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)?;
    mac.update(text.as_bytes());
    Ok(mac.finalize().into_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(method: &str) -> String {
        let key = AccessKey {
            id: "AKIDEXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
        };
        let scope = Scope {
            region: "us-east-1",
            service: "service",
            time: "2015-08-30T12:36:00Z".parse().unwrap(),
        };
        let request = Signable {
            method,
            headers: &[
                ("host", "example.amazonaws.com"),
                ("x-amz-date", "20150830T123600Z"),
            ],
            body: b"",
        };
        authorization(&key, &scope, &request).unwrap()
    }

    /// `get-vanilla` and `post-vanilla` of the AWS Signature Version 4 test suite.
    #[test]
    fn signatures_are_those_of_the_aws_test_suite() {
        let cases = [
            (
                "GET",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                "POST",
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
        ];
        for (method, signature) in cases {
            let wanted = format!(
                "AWS4-HMAC-SHA256 \
                 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                 SignedHeaders=host;x-amz-date, Signature={signature}"
            );
            assert_eq!(sign(method), wanted);
        }
    }

    #[test]
    fn secret_is_not_in_the_debug_form() {
        let key = AccessKey {
            id: "AKIDEXAMPLE".to_owned(),
            secret: "do-not-print".to_owned(),
        };
        assert!(!format!("{key:?}").contains("do-not-print"));
    }
}
