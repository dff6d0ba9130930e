//! How each server is started.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::sigv4::AccessKey;

/// Region of the registry that is measured.
pub(crate) const REGION: &str = "us-east-1";

/// A server program.
#[derive(Clone)]
pub(crate) struct Program {
    binary: PathBuf,
    kind: Kind,
    /// What Ecru's command line ends with.
    arguments: Vec<String>,
}

#[derive(Clone)]
enum Kind {
    /// With its root access key.
    Ecru(AccessKey),
    /// Without authentication.
    Peer,
    /// This program's own server of nothing but the bytes.
    Bare,
}

impl Program {
    /// Ecru, with a root access key made for this run.
    ///
    /// # Errors
    /// The system's random source cannot be read.
    pub(crate) fn ecru(binary: PathBuf) -> anyhow::Result<Self> {
        let mut random = [0; 20];
        fs::File::open("/dev/urandom")
            .and_then(|mut source| source.read_exact(&mut random))
            .context("read the random source")?;
        let root_key = AccessKey {
            id: "AKIAECRUBENCH2345677".to_owned(),
            secret: hex::encode(random),
        };
        Ok(Self {
            binary,
            kind: Kind::Ecru(root_key),
            arguments: Vec::new(),
        })
    }

    /// The peer: docker-registry, filesystem driver, no authentication, no access log.
    pub(crate) fn peer(binary: PathBuf) -> Self {
        Self {
            binary,
            kind: Kind::Peer,
            arguments: Vec::new(),
        }
    }

    /// The server that does with pushed bytes only what no push can do without ([`crate::bare`]).
    ///
    /// # Errors
    /// The path of this binary cannot be told.
    pub(super) fn bare() -> anyhow::Result<Self> {
        Ok(Self {
            binary: std::env::current_exe().context("path of this binary")?,
            kind: Kind::Bare,
            arguments: Vec::new(),
        })
    }

    /// Ecru, told more on its command line.
    pub(crate) fn with_arguments(&self, arguments: &[&str]) -> Self {
        let more = arguments.iter().map(|&argument| argument.to_owned());
        Self {
            arguments: self.arguments.iter().cloned().chain(more).collect(),
            ..self.clone()
        }
    }

    /// Root access key, where the program has one.
    pub(crate) fn root_key(&self) -> Option<&AccessKey> {
        match &self.kind {
            Kind::Ecru(key) => Some(key),
            Kind::Peer | Kind::Bare => None,
        }
    }

    /// First line of `--version`.
    ///
    /// # Errors
    /// The binary is not there or refuses.
    pub(crate) fn version(&self) -> anyhow::Result<String> {
        let output = Command::new(&self.binary)
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("run {}", self.binary.display()))?;
        ensure!(
            output.status.success(),
            "{} --version failed",
            self.binary.display()
        );
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().next().unwrap_or_default().to_owned())
    }

    /// Checks that the binary runs.
    ///
    /// # Errors
    /// As [`Program::version`].
    pub(crate) fn require_runnable(&self) -> anyhow::Result<()> {
        self.version().map(|_| ())
    }

    /// Directory, inside a server's home, whose bytes count as stored data.
    pub(crate) fn data(home: &Path) -> PathBuf {
        home.join("data")
    }

    /// Command line that serves on a port with everything kept under `home`.
    ///
    /// # Errors
    /// The peer's configuration cannot be written.
    pub(crate) fn command(&self, home: &Path, port: u16) -> anyhow::Result<Command> {
        let mut command = Command::new(&self.binary);
        let listen = format!("127.0.0.1:{port}");
        match &self.kind {
            Kind::Ecru(key) => command
                .args(["serve", "--listen", &listen])
                .arg("--data")
                .arg(Self::data(home))
                .arg("--keys")
                .arg(home.join("data.keys"))
                // a line for each request is no part of what tags and layers take
                .arg("--audit-dir")
                .arg(home.join("audit"))
                .args(["--region", REGION])
                .args(&self.arguments)
                .env("ECRU_ROOT_ACCESS_KEY_ID", &key.id)
                .env("ECRU_ROOT_SECRET_ACCESS_KEY", &key.secret),
            Kind::Peer => {
                let config = home.join("peer.yml");
                fs::write(&config, peer_config(&Self::data(home), port))?;
                command.arg("serve").arg(config)
            }
            Kind::Bare => command
                .args(["bare", "--listen", &listen])
                .arg("--data")
                .arg(Self::data(home)),
        };
        Ok(command)
    }
}

fn peer_config(data: &Path, port: u16) -> String {
    format!(
        "version: 0.1\n\
         log:\n  level: error\n  accesslog:\n    disabled: true\n\
         storage:\n\
         \x20 cache:\n    blobdescriptor: inmemory\n\
         \x20 filesystem:\n    rootdirectory: {}\n\
         http:\n  addr: 127.0.0.1:{port}\n  secret: not-a-secret\n",
        data.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ecru_is_served_with_stable_flags_and_its_key_in_the_environment() {
        let program = Program::ecru(PathBuf::from("/x/ecru")).unwrap();
        let command = program.command(Path::new("/h"), 5000).unwrap();
        let arguments: Vec<&str> = command.get_args().filter_map(|arg| arg.to_str()).collect();
        let wanted = "serve --listen 127.0.0.1:5000 --data /h/data --keys /h/data.keys \
                      --audit-dir /h/audit --region us-east-1";
        assert_eq!(arguments.join(" "), wanted);
        let secret = &program.root_key().unwrap().secret;
        assert_eq!(secret.len(), 40);
        assert!(!arguments.iter().any(|arg| arg.contains(secret.as_str())));
    }

    #[test]
    fn peer_listens_on_loopback_and_stores_under_its_home() {
        let text = peer_config(Path::new("/h/data"), 7);
        assert!(text.contains("\n    rootdirectory: /h/data\n"), "{text}");
        assert!(text.contains("\n  addr: 127.0.0.1:7\n"), "{text}");
    }
}
