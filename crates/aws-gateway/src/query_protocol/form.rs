//! The parameters of a query request.

use std::collections::BTreeMap;

use percent_encoding::percent_decode;

use crate::exception::Exception;

const MAX_PARAMETERS: usize = 1_000;
const MAX_NAME: usize = 256;
const SIGNING_PREFIX: &str = "X-Amz-";

/// Parameters by name, in order. Each name is there once.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads the parameters of the URL and of a form body. Those of a presigned signature are left out.
    ///
    /// # Errors
    /// `MalformedQueryString` for bad encoding, U+0000, a name that comes twice, or more than 1,000 parameters.
    pub fn parse(url_query: Option<&str>, body: &[u8]) -> Result<Self, Exception> {
        let body = std::str::from_utf8(body).map_err(|_| malformed("it is not UTF-8"))?;
        let mut form = Self::default();
        for part in [url_query.unwrap_or_default(), body.trim_ascii()] {
            form.add(part)?;
        }
        Ok(form)
    }

    fn add(&mut self, encoded: &str) -> Result<(), Exception> {
        for pair in encoded.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decode(name), decode(value)) else {
                return Err(malformed("it is not correctly encoded"));
            };
            if name.starts_with(SIGNING_PREFIX) {
                continue;
            }
            if name.len() > MAX_NAME || self.0.len() == MAX_PARAMETERS {
                return Err(malformed("it has too many parameters or too long a name"));
            }
            if self.0.insert(name, value).is_some() {
                return Err(malformed("a parameter is given more than once"));
            }
        }
        Ok(())
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All parameters, in byte order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The `Action` that is asked for, if `Version` is that of the service.
    ///
    /// # Errors
    /// `MissingAction`; `InvalidAction` if the version is absent or another one.
    pub fn operation(&self, version: &str) -> Result<&str, Exception> {
        let action = self.get("Action").filter(|action| !action.is_empty());
        let action = action.ok_or_else(|| {
            Exception::new(
                "MissingAction",
                "The request must contain the parameter Action",
            )
        })?;
        if self.get("Version") == Some(version) {
            Ok(action)
        } else {
            Err(invalid_action(
                action,
                self.get("Version").unwrap_or("NO_VERSION_SPECIFIED"),
            ))
        }
    }
}

/// The answer to an operation that the service does not have in that version.
pub fn invalid_action(action: &str, version: &str) -> Exception {
    let short = |text: &str| text.chars().take(64).collect::<String>();
    let (action, version) = (short(action), short(version));
    Exception::new(
        "InvalidAction",
        format!("Could not find operation {action} for version {version}"),
    )
}

fn malformed(why: &str) -> Exception {
    Exception::new(
        "MalformedQueryString",
        format!("The query string contains a syntax error: {why}"),
    )
}

/// Decodes one name or value; `None` if it is not well encoded UTF-8 or holds U+0000.
pub(super) fn decode(text: &str) -> Option<String> {
    let spaced: Vec<u8> = text
        .bytes()
        .map(|b| if b == b'+' { b' ' } else { b })
        .collect();
    let well_encoded = spaced
        .split(|b| *b == b'%')
        .skip(1)
        .all(|rest| matches!(rest, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()));
    if !well_encoded {
        return None;
    }
    let decoded = String::from_utf8(percent_decode(&spaced).collect()).ok()?;
    (!decoded.contains('\0')).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STS: &str = "2011-06-15";

    #[test]
    fn url_and_body_are_one_form() {
        let form = Form::parse(
            Some("Action=AssumeRole&X-Amz-Date=1&X-Amz-Signature=2"),
            b"Version=2011-06-15&RoleSessionName=a+b%26c&Tags.member.1.Key=%C3%A9&Empty\n",
        )
        .unwrap();
        let pairs: Vec<_> = form.iter().collect();
        let expected = [
            ("Action", "AssumeRole"),
            ("Empty", ""),
            ("RoleSessionName", "a b&c"),
            ("Tags.member.1.Key", "\u{e9}"),
            ("Version", "2011-06-15"),
        ];
        assert_eq!(pairs, expected);
        assert_eq!(form.operation(STS), Ok("AssumeRole"));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let many: Vec<String> = (0..=MAX_PARAMETERS).map(|n| format!("{n}=")).collect();
        let many = many.join("&");
        let long = format!("{}=1", "n".repeat(MAX_NAME + 1));
        for body in [
            "a=1&a=2",
            "a=%",
            "a=%4",
            "a=%zz",
            "a=%FF",
            "a=%00",
            "%C3=1",
            many.as_str(),
            long.as_str(),
        ] {
            let refused = Form::parse(None, body.as_bytes()).unwrap_err();
            assert_eq!(refused.code(), "MalformedQueryString", "{body}");
        }
        assert!(Form::parse(None, b"a=\xff").is_err());
        assert!(Form::parse(Some("a=1"), b"a=1").is_err());
        assert!(Form::parse(Some("a=1"), b"b=1").is_ok());
    }

    #[test]
    fn action_and_version_are_required() {
        for (body, code, message) in [
            (
                "",
                "MissingAction",
                "The request must contain the parameter Action",
            ),
            (
                "Action=&Version=2011-06-15",
                "MissingAction",
                "The request must contain the parameter Action",
            ),
            (
                "Action=X",
                "InvalidAction",
                "Could not find operation X for version NO_VERSION_SPECIFIED",
            ),
            (
                "Action=X&Version=2010-05-08",
                "InvalidAction",
                "Could not find operation X for version 2010-05-08",
            ),
        ] {
            let form = Form::parse(None, body.as_bytes()).unwrap();
            let refused = form.operation(STS).unwrap_err();
            assert_eq!(
                (refused.code(), refused.message()),
                (code, message),
                "{body}"
            );
        }
    }
}
