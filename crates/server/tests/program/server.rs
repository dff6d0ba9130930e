//! A server process on a directory of its own, and requests to it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// Where a server lives.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The binary with these arguments, on the directories of this home.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ecru"));
        command.args(arguments).current_dir(self.path()).env_clear();
        command.arg("--data").arg(self.path().join("data"));
        command.arg("--keys").arg(self.path().join("keys"));
        command
    }

    /// What the binary says when it refuses.
    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// A field of the credentials file.
    pub(crate) fn credential(&self, name: &str) -> String {
        let text = fs::read_to_string(self.path().join("keys/credentials")).unwrap();
        let mut fields = text.lines().filter_map(|line| line.split_once(" = "));
        fields
            .find(|(field, _)| *field == name)
            .unwrap()
            .1
            .to_owned()
    }
}

/// A server that answers; killed when dropped.
pub(crate) struct Running<'a> {
    pub(crate) port: u16,
    home: &'a Home,
    child: Child,
    log: tempfile::NamedTempFile,
    greeting: String,
}

impl<'a> Running<'a> {
    pub(crate) fn start(home: &'a Home, variables: &[(&str, &str)]) -> Self {
        Self::launch(home, &[], variables)
    }

    pub(crate) fn start_with(home: &'a Home, flags: &[&str]) -> Self {
        Self::launch(home, flags, &[])
    }

    fn launch(home: &'a Home, flags: &[&str], variables: &[(&str, &str)]) -> Self {
        let log = tempfile::NamedTempFile::new().unwrap();
        let mut command = home.command(&[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--metrics-listen",
            "off",
        ]);
        command.args(flags).envs(variables.iter().copied());
        command.stdout(Stdio::piped()).stderr(log.reopen().unwrap());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut greeting = String::new();
        while !greeting.contains("Back up") {
            let read = out.read_line(&mut greeting).unwrap();
            assert!(
                read > 0,
                "the server ended: {}",
                fs::read_to_string(log.path()).unwrap()
            );
        }
        let (_, rest) = greeting.split_once("://localhost:").unwrap();
        let port = rest.lines().next().unwrap().parse().unwrap();
        Self {
            port,
            home,
            child,
            log,
            greeting,
        }
    }

    /// Asks the process to end and returns its exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        self.ask_to_end();
        self.wait()
    }

    /// Asks the process to end.
    pub(crate) fn ask_to_end(&self) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits for the end of the process and returns its exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Everything that the process has printed.
    pub(crate) fn told(&self) -> String {
        self.greeting.clone() + &fs::read_to_string(self.log.path()).unwrap()
    }

    /// An operation of the ECR API, as the root user.
    pub(crate) fn ecr(&self, operation: &str, body: &str) -> Answer {
        let id = self.home.credential("aws_access_key_id");
        self.ecr_as(
            &(id, self.home.credential("aws_secret_access_key")),
            operation,
            body,
        )
    }

    pub(crate) fn ecr_as(
        &self,
        (id, secret): &(String, String),
        operation: &str,
        body: &str,
    ) -> Answer {
        let target = format!("AmazonEC2ContainerRegistry_V20150921.{operation}");
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target.as_str()),
        ];
        let identity = Credentials::new(id, secret, None, None, "test").into();
        #[expect(
            clippy::disallowed_methods,
            reason = "the server under test has the real clock"
        )]
        let now = SystemTime::now();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name("ecr")
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let uri = format!("http://localhost:{}/", self.port);
        let body_to_sign = SignableBody::Bytes(body.as_bytes());
        let signable =
            SignableRequest::new("POST", uri, headers.into_iter(), body_to_sign).unwrap();
        let (instructions, _) = sign(signable, &params).unwrap().into_parts();
        let signed = instructions.headers().chain(headers);
        let lines: Vec<String> = signed
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        self.http("POST", "/", &lines, body.as_bytes())
    }

    /// One request on a connection of its own.
    pub(crate) fn http(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Answer {
        let length = format!("content-length: {}", body.len());
        self.http_announced(method, path, &[headers, &[&length]].concat(), body)
    }

    /// The same with a length, or none, among the headers.
    pub(crate) fn http_announced(
        &self,
        method: &str,
        path: &str,
        headers: &[&str],
        body: &[u8],
    ) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let headers: Vec<String> = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let head = format!(
            "{method} {path} HTTP/1.0\r\nhost: localhost:{}\r\n{}\r\n",
            self.port,
            headers.concat()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let end = bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer {
            status,
            head,
            body: bytes[end + 4..].to_vec(),
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // both fail only if the process has ended already
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Status, headers and body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A header by its name in lower case; empty if there is none.
    pub(crate) fn header(&self, name: &str) -> String {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or_else(String::new, |(_, value)| value.to_owned())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
