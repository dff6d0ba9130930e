//! What a URL means: whether TLS is spoken, with whom, and what is asked for.

use ecru_ports::OutboundError;
use http::Uri;
use http::uri::Scheme;

/// The longest URL that is asked, in bytes.
const MAX_URL: usize = 2_048;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) is_tls: bool,
    /// Name or address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// As the request names it.
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) path: String,
}

impl Target {
    pub(crate) fn parse(url: &str) -> Result<Self, OutboundError> {
        if url.len() > MAX_URL {
            return Err(OutboundError::BadUrl("it is too long"));
        }
        let uri: Uri = url
            .parse()
            .map_err(|_| OutboundError::BadUrl("it cannot be read"))?;
        let is_tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(OutboundError::BadUrl("its scheme is not https")),
        };
        let authority = uri
            .authority()
            .ok_or(OutboundError::BadUrl("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(OutboundError::BadUrl("it carries credentials"));
        }
        let host = authority.host().trim_start_matches('[');
        let host = host.trim_end_matches(']');
        if host.is_empty() {
            return Err(OutboundError::BadUrl("it names no host"));
        }
        let usual = if is_tls { 443 } else { 80 };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            is_tls,
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(usual),
            authority: authority.as_str().to_owned(),
            path: path.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_host_port_and_path() {
        let target = Target::parse("https://idp.example/a/b?c=d").unwrap();
        assert!(target.is_tls);
        assert_eq!((target.host.as_str(), target.port), ("idp.example", 443));
        assert_eq!(target.path, "/a/b?c=d");
        let target = Target::parse("http://[::1]:8080").unwrap();
        assert!(!target.is_tls);
        assert_eq!((target.host.as_str(), target.port), ("::1", 8080));
        assert_eq!(
            (target.authority.as_str(), target.path.as_str()),
            ("[::1]:8080", "/")
        );
    }

    #[test]
    fn other_schemes_and_credentials_are_refused() {
        for bad in [
            "",
            "idp.example",
            "ftp://idp.example/",
            "file:///etc/passwd",
            "https://a:b@idp.example/",
            "https:///x",
        ] {
            assert!(
                matches!(Target::parse(bad), Err(OutboundError::BadUrl(_))),
                "{bad}"
            );
        }
        assert!(Target::parse(&format!("https://a/{}", "x".repeat(2_048))).is_err());
    }
}
