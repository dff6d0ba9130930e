//! The credential of a signature: access key id and scope, `AKID/20150830/us-east-1/ecr/aws4_request`.

use super::signature_error::{SignatureError, quoted};

const TERMINATOR: &str = "aws4_request";
const MAX_CREDENTIAL: usize = 512;

/// Which key of which day, region and service a signature was made for (Signature Version 4, "credential scope").
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CredentialScope {
    /// `yyyymmdd`.
    pub date: String,
    /// As the client was configured; the gateway decides whether it is served here.
    pub region: String,
    /// The signing name: `ecr`, `sts`, …
    pub service: String,
    terminator: String,
}

impl CredentialScope {
    /// `20150830/us-east-1/ecr/aws4_request`.
    pub(super) fn text(&self) -> String {
        format!(
            "{}/{}/{}/{}",
            self.date, self.region, self.service, self.terminator
        )
    }

    /// Checks all of the scope that can be checked without knowing what the request asks for.
    pub(super) fn check(
        &self,
        signing_date: &str,
        signing_time: &str,
    ) -> Result<(), SignatureError> {
        if self.terminator != TERMINATOR {
            return Err(SignatureError::WrongScope(format!(
                "Credential should be scoped with a valid terminator: '{TERMINATOR}', not {}.",
                quoted(&self.terminator)
            )));
        }
        if self.date != signing_date {
            return Err(SignatureError::WrongScope(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: {} != '{signing_date}', from '{signing_time}'.",
                quoted(&self.date)
            )));
        }
        if !well_formed(&self.region, 25) {
            return Err(SignatureError::WrongScope(format!(
                "Credential should be scoped to a valid region, not {}.",
                quoted(&self.region)
            )));
        }
        if !well_formed(&self.service, 64) {
            return Err(SignatureError::WrongScope(format!(
                "Credential should be scoped to a valid service, not {}.",
                quoted(&self.service)
            )));
        }
        Ok(())
    }
}

/// Splits a credential into access key id and scope.
pub(super) fn parse_credential(text: &str) -> Result<(String, CredentialScope), SignatureError> {
    let parts: Vec<&str> = text.splitn(6, '/').collect();
    let [key, date, region, service, terminator] = parts.as_slice() else {
        return Err(malformed(text));
    };
    if text.len() > MAX_CREDENTIAL {
        return Err(malformed(text));
    }
    // No access key id looks like this, so none can be known by it.
    if key.is_empty()
        || key.len() > 128
        || !key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    {
        return Err(SignatureError::UnknownAccessKey);
    }
    let scope = CredentialScope {
        date: (*date).to_owned(),
        region: (*region).to_owned(),
        service: (*service).to_owned(),
        terminator: (*terminator).to_owned(),
    };
    Ok(((*key).to_owned(), scope))
}

fn malformed(text: &str) -> SignatureError {
    SignatureError::Incomplete(format!(
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got {}",
        quoted(text)
    ))
}

fn well_formed(name: &str, longest: usize) -> bool {
    let shaped = name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    (2..=longest).contains(&name.len())
        && shaped
        && name.starts_with(|c: char| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_has_five_parts() {
        for text in [
            "",
            "AKID",
            "AKID/20150830/us-east-1/ecr",
            "AKID/20150830/us-east-1/ecr/aws4_request/x",
        ] {
            let refused = parse_credential(text).unwrap_err();
            assert!(
                matches!(refused, SignatureError::Incomplete(_)),
                "{text}: {refused:?}"
            );
        }
    }

    #[test]
    fn an_access_key_id_of_strange_characters_is_unknown() {
        for key in ["", "AKID EXAMPLE", "AKID\u{e9}", "a;b", &"A".repeat(129)] {
            let text = format!("{key}/20150830/us-east-1/ecr/aws4_request");
            assert_eq!(
                parse_credential(&text).unwrap_err(),
                SignatureError::UnknownAccessKey,
                "{key}"
            );
        }
    }

    #[test]
    fn each_part_of_the_scope_is_checked() {
        for text in [
            "AKID/20150830/us-east-1/ecr/aws5_request",
            "AKID/20150831/us-east-1/ecr/aws4_request",
            "AKID/2015083/us-east-1/ecr/aws4_request",
            "AKID/20150830//ecr/aws4_request",
            "AKID/20150830/US-EAST-1/ecr/aws4_request",
            "AKID/20150830/us-east-1 /ecr/aws4_request",
            "AKID/20150830/us-east-1//aws4_request",
            "AKID/20150830/us-east-1/e_r/aws4_request",
            "AKID/20150830/us-east-1-with-much-too-long-a-name/ecr/aws4_request",
        ] {
            let (_, scope) = parse_credential(text).unwrap();
            let refused = scope.check("20150830", "20150830T123600Z").unwrap_err();
            assert!(
                matches!(refused, SignatureError::WrongScope(_)),
                "{text}: {refused:?}"
            );
        }
        let (_, scope) = parse_credential("AKID/20150830/us-east-1/ecr/aws4_request").unwrap();
        assert_eq!(scope.check("20150830", "20150830T123600Z"), Ok(()));
    }
}
