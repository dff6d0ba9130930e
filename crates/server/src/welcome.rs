//! What start-up prints: the commands to type next. The secret itself is never among them.

use std::net::SocketAddr;
use std::path::Path;

use ecru_domain::Registry;

/// What the commands depend on.
pub struct Welcome<'a> {
    /// Where the listener is.
    pub bound: SocketAddr,
    /// Whether it speaks TLS.
    pub is_tls: bool,
    /// The template of the registry's host.
    pub uri_host: &'a str,
    /// The registry that a bare path means.
    pub home: &'a Registry,
    /// Where the root credentials are, if this process knows.
    pub credentials: Option<&'a Path>,
    /// The data directory.
    pub data: &'a Path,
    /// The keys directory.
    pub keys: &'a Path,
}

impl Welcome<'_> {
    /// The text.
    pub fn text(&self) -> String {
        let endpoint = self.endpoint();
        let region = &self.home.region;
        let account = self.home.account.as_str();
        let host = self
            .uri_host
            .replace("{account}", account)
            .replace("{region}", region.as_str());
        let credentials = match self.credentials {
            Some(path) => format!("export AWS_SHARED_CREDENTIALS_FILE={}", quoted(path)),
            None => format!(
                "# the root credentials are no longer in {}: set them as you keep them",
                quoted(self.keys)
            ),
        };
        format!(
            "Ecru {version} serves {account} in {region} on {endpoint}\n\n\
             \x20 {credentials}\n\
             \x20 export AWS_ENDPOINT_URL={endpoint} AWS_REGION={region} AWS_DEFAULT_REGION={region}\n\n\
             \x20 aws ecr create-repository --repository-name hello\n\
             \x20 aws ecr get-login-password | docker login --username AWS --password-stdin {host}\n\
             \x20 docker tag IMAGE {host}/hello && docker push {host}/hello\n\n\
             Back up {data} and, apart from it, {keys}: without the key, nothing opens the data.\n",
            version = env!("CARGO_PKG_VERSION"),
            data = quoted(self.data),
            keys = quoted(self.keys),
        )
    }

    /// The address for clients on this machine.
    fn endpoint(&self) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        let ip = self.bound.ip();
        if ip.is_loopback() || ip.is_unspecified() {
            format!("{scheme}://localhost:{}", self.bound.port())
        } else {
            format!("{scheme}://{}", self.bound)
        }
    }
}

/// The absolute path, as one word of a shell.
fn quoted(path: &Path) -> String {
    let absolute = std::path::absolute(path);
    let text = absolute.as_deref().unwrap_or(path).to_string_lossy();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@:,".contains(c);
    if text.chars().all(is_plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use ecru_domain::{AccountId, Region};

    use super::*;

    fn text(bound: &str, uri_host: &str, credentials: Option<&str>) -> String {
        let home = Registry {
            account: AccountId::parse("000000000000").unwrap(),
            region: Region::parse("us-east-1").unwrap(),
        };
        Welcome {
            bound: bound.parse().unwrap(),
            is_tls: false,
            uri_host,
            home: &home,
            credentials: credentials.map(Path::new),
            data: Path::new("/data"),
            keys: Path::new("/it's keys"),
        }
        .text()
    }

    #[test]
    fn the_commands_name_the_credentials_the_endpoint_and_the_registry() {
        let text = text(
            "0.0.0.0:7",
            "{account}.dkr.ecr.{region}.x:7",
            Some("/my keys/credentials"),
        );
        for part in [
            "export AWS_SHARED_CREDENTIALS_FILE='/my keys/credentials'\n",
            "export AWS_ENDPOINT_URL=http://localhost:7 AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1\n",
            "--password-stdin 000000000000.dkr.ecr.us-east-1.x:7\n",
            "docker push 000000000000.dkr.ecr.us-east-1.x:7/hello\n",
            r"apart from it, '/it'\''s keys'",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[test]
    fn credentials_that_were_taken_away_are_not_promised() {
        let text = text("127.0.0.1:5050", "localhost:5050", None);
        assert!(!text.contains("AWS_SHARED_CREDENTIALS_FILE"), "{text}");
    }
}
