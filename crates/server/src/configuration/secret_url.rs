//! Text that may hold a password: printed masked, whoever prints it.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// A URL whose password is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(String);

impl SecretUrl {
    /// The whole text, for the adapter that connects with it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What stands before `:`; empty if there is none.
    pub fn scheme(&self) -> &str {
        self.0.split_once(':').map_or("", |(scheme, _)| scheme)
    }
}

impl FromStr for SecretUrl {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

/// Prints the URL with its password, and everything in its query, replaced; of a text that can be read in two ways,
/// nothing behind its scheme.
impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_word = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric());
        let Some((scheme, rest)) = self
            .0
            .split_once("://")
            .filter(|(scheme, _)| is_word(scheme))
        else {
            return f.write_str(if is_word(&self.0) { &self.0 } else { "…" });
        };
        let (base, query) = match rest.split_once('?') {
            // the end of a password, or a part of the query: nobody can tell
            Some((_, query)) if query.contains('@') => return write!(f, "{scheme}://…"),
            Some((base, _)) => (base, "?…"),
            None => (rest, ""),
        };
        let Some((user, place)) = base.rsplit_once('@') else {
            return write!(f, "{scheme}://{base}{query}");
        };
        match user.split_once(':') {
            Some((name, _)) => write!(f, "{scheme}://{name}:…@{place}{query}"),
            None => write!(f, "{scheme}://{user}@{place}{query}"),
        }
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_masked_wherever_a_url_carries_them() {
        for (text, printed) in [
            ("sqlite", "sqlite"),
            ("postgres://ecru@db/ecru", "postgres://ecru@db/ecru"),
            (
                "postgres://ecru:s3cret@db:5432/ecru",
                "postgres://ecru:…@db:5432/ecru",
            ),
            (
                "postgres://ecru:p@ss:word@db/ecru",
                "postgres://ecru:…@db/ecru",
            ),
            (
                "postgres://db/ecru?user=a&password=s3cret",
                "postgres://db/ecru?…",
            ),
            ("postgres://ecru:s3c?ret@db/ecru", "postgres://…"),
            ("postgres://db/ecru?user=a&password=s3@cret", "postgres://…"),
            ("postgres:ecru:s3cret@db/ecru", "…"),
            ("host=db user=ecru password=s3cret", "…"),
            ("ecru:s3cret@db?x://", "…"),
        ] {
            let url: SecretUrl = text.parse().unwrap();
            assert_eq!(
                (url.to_string(), format!("{url:?}")),
                (printed.to_owned(), printed.to_owned())
            );
            assert_eq!(url.expose(), text);
        }
    }
}
