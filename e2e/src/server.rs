//! The server process under test: start on a free loopback port, stop by signal, kill, start again on the same data.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::signing::AccessKey;
use crate::tool::{self, Tool};
use crate::wire::Request;
use crate::workbench::Workbench;

/// Management account of every server of the run.
pub(crate) const ACCOUNT: &str = "000000000000";
/// Region of every server of the run.
pub(crate) const REGION: &str = "us-east-1";
const START_LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_mins(1);

/// How the next start differs from the usual one.
#[derive(Clone, Default)]
pub(crate) struct Launch {
    /// Further flags of `serve`.
    pub(crate) flags: Vec<String>,
    /// Further variables of the environment.
    pub(crate) environment: Vec<(String, String)>,
    /// Shift of the process's wall clock, such as `+13h`, through libfaketime.
    pub(crate) clock_shift: Option<String>,
    /// A program, with its arguments, that starts the server.
    pub(crate) wrapper: Vec<String>,
    /// The listener speaks TLS, so plain health checks cannot reach it.
    pub(crate) tls: bool,
}

/// One server on one data directory.
pub(crate) struct Server {
    /// Loopback port; the same across restarts.
    pub(crate) port: u16,
    /// Holds `data` and `keys`.
    pub(crate) home: PathBuf,
    /// URL of its database, when metadata is not a file.
    pub(crate) metadata: Option<String>,
    child: Option<Child>,
}

impl Server {
    /// Starts a server on fresh data.
    pub(crate) fn start(bench: &Workbench, home: &Path, launch: &Launch) -> Result<Self> {
        let mut server = Self::stopped(bench, home)?;
        server.launch(bench, launch)?;
        Ok(server)
    }

    /// A server that has not been started yet.
    pub(crate) fn stopped(bench: &Workbench, home: &Path) -> Result<Self> {
        let metadata = bench
            .postgres
            .as_deref()
            .map(|url| fresh_database(bench, url, home))
            .transpose()?;
        Ok(Self {
            port: free_port()?,
            home: home.to_owned(),
            metadata,
            child: None,
        })
    }

    /// A further node on the store of this one, which runs: the same database and a copy of the keys. The flag that
    /// names the objects is for the launch.
    pub(crate) fn node_beside(&self, home: &Path) -> Result<Self> {
        let keys = home.join("keys");
        fs::create_dir(home)?;
        DirBuilder::new().mode(0o700).create(&keys)?;
        for file in fs::read_dir(self.home.join("keys"))? {
            let file = file?;
            fs::copy(file.path(), keys.join(file.file_name()))?;
        }
        Ok(Self {
            port: free_port()?,
            home: home.to_owned(),
            metadata: self.metadata.clone(),
            child: None,
        })
    }

    /// Starts the process and kills it after that time, whether it answers by then or not.
    pub(crate) fn start_and_kill(
        &self,
        bench: &Workbench,
        launch: &Launch,
        after: Duration,
    ) -> Result<()> {
        let log = bench.output_file("killed-server");
        let mut child = self.command(bench, launch, &log)?.spawn()?;
        thread::sleep(after);
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Starts again on the same port and data.
    pub(crate) fn launch(&mut self, bench: &Workbench, launch: &Launch) -> Result<()> {
        let log = bench.output_file("server");
        let mut child = self
            .command(bench, launch, &log)?
            .spawn()
            .context("the server cannot be started")?;
        let started = Instant::now();
        while !self.answers(launch.tls) {
            if let Some(status) = child.try_wait()? {
                bail!("the server ended at start ({status}): {}", last_lines(&log));
            }
            if started.elapsed() > START_LIMIT {
                child.kill()?;
                child.wait()?;
                bail!("the server does not answer: {}", last_lines(&log));
            }
            thread::sleep(Duration::from_millis(20));
        }
        self.child = Some(child);
        let key = self.access_key(launch)?;
        bench.remember_secret(&key.secret);
        Ok(())
    }

    /// Tries a second process on the same data and returns what it printed when it was refused.
    pub(crate) fn second_process(&self, bench: &Workbench) -> Result<String> {
        let log = bench.output_file("second-server");
        let mut other = Self {
            port: free_port()?,
            home: self.home.clone(),
            metadata: self.metadata.clone(),
            child: None,
        };
        let child = other.command(bench, &Launch::default(), &log)?.spawn()?;
        let status =
            tool::wait(child, START_LIMIT).context("the second process went on running")?;
        other.child = None;
        if status.success() {
            bail!("the second process ended with success");
        }
        Ok(fs::read_to_string(&log)?)
    }

    fn command(&self, bench: &Workbench, launch: &Launch, log: &Path) -> Result<Command> {
        let mut command = match launch.wrapper.split_first() {
            None => Command::new(&bench.binary),
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(&bench.binary);
                command
            }
        };
        command
            .args(["serve", "--listen", &format!("127.0.0.1:{}", self.port)])
            .args(self.store_flags());
        if !launch.flags.iter().any(|flag| flag == "--metrics-listen") {
            command.args(["--metrics-listen", "off"]);
        }
        command
            .args(&launch.flags)
            .envs(launch.environment.iter().cloned());
        if let Some(shift) = &launch.clock_shift {
            command
                .env("LD_PRELOAD", clock_library()?)
                .env("FAKETIME", shift);
            command
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
                .env("DONT_FAKE_MONOTONIC", "1");
        }
        let log = File::create(log)?;
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .current_dir(&self.home);
        Ok(command)
    }

    /// Flags that say where the store is and whose.
    pub(crate) fn store_flags(&self) -> Vec<OsString> {
        let mut flags: Vec<OsString> = ["--account-id", ACCOUNT, "--region", REGION]
            .map(OsString::from)
            .to_vec();
        flags.extend(["--data".into(), self.home.join("data").into()]);
        flags.extend(["--keys".into(), self.home.join("keys").into()]);
        if let Some(url) = &self.metadata {
            flags.extend(["--metadata".into(), url.into()]);
        }
        flags
    }

    /// Ends the process with SIGTERM and requires a clean exit.
    pub(crate) fn stop(&mut self) -> Result<()> {
        let status = self.terminate()?;
        if !status.success() {
            bail!("the server ended with {status} after SIGTERM");
        }
        Ok(())
    }

    fn terminate(&mut self) -> Result<ExitStatus> {
        let child = self.child.take().context("the server is not running")?;
        terminate_pid(child.id())?;
        tool::wait(child, STOP_LIMIT).context("the server does not end after SIGTERM")
    }

    /// Sends SIGTERM without waiting, for what happens during shutdown.
    pub(crate) fn begin_stop(&self) -> Result<()> {
        terminate_pid(self.pid()?)
    }

    /// Waits for the end that [`Server::begin_stop`] asked for.
    pub(crate) fn await_stop(&mut self) -> Result<()> {
        let child = self.child.take().context("the server is not running")?;
        let status = tool::wait(child, STOP_LIMIT)?;
        if !status.success() {
            bail!("the server ended with {status} after SIGTERM");
        }
        Ok(())
    }

    /// Ends the process as a power cut would: SIGKILL.
    pub(crate) fn kill(&mut self) -> Result<()> {
        let mut child = self.child.take().context("the server is not running")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Process id.
    pub(crate) fn pid(&self) -> Result<u32> {
        Ok(self
            .child
            .as_ref()
            .context("the server is not running")?
            .id())
    }

    /// Largest resident memory of the process so far, in KiB.
    pub(crate) fn peak_memory_kib(&self) -> Result<u64> {
        self.status_kib("VmHWM:")
    }

    /// Resident memory of the process, in KiB.
    pub(crate) fn memory_kib(&self) -> Result<u64> {
        self.status_kib("VmRSS:")
    }

    fn status_kib(&self, name: &str) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()?))?;
        let line = status.lines().find(|line| line.starts_with(name));
        let line = line.with_context(|| format!("no {name} line"))?;
        let digits: String = line.chars().filter(char::is_ascii_digit).collect();
        Ok(digits.parse()?)
    }

    /// The root access key: of the environment when the launch sets one, else of the credentials file.
    pub(crate) fn access_key(&self, launch: &Launch) -> Result<AccessKey> {
        let set = |wanted: &str| {
            launch
                .environment
                .iter()
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value)
        };
        if let (Some(id), Some(secret)) = (
            set("ECRU_ROOT_ACCESS_KEY_ID"),
            set("ECRU_ROOT_SECRET_ACCESS_KEY"),
        ) {
            return Ok(AccessKey {
                id: id.clone(),
                secret: secret.clone(),
            });
        }
        let text = fs::read_to_string(self.credentials_file()).context("no credentials file")?;
        let value = |wanted: &str| {
            text.lines()
                .filter_map(|line| line.split_once('='))
                .find(|(name, _)| name.trim() == wanted)
                .map(|(_, value)| value.trim().to_owned())
                .with_context(|| format!("no {wanted} in the credentials file"))
        };
        Ok(AccessKey {
            id: value("aws_access_key_id")?,
            secret: value("aws_secret_access_key")?,
        })
    }

    /// Where the server wrote its root access key.
    pub(crate) fn credentials_file(&self) -> PathBuf {
        self.home.join("keys/credentials")
    }

    fn answers(&self, tls: bool) -> bool {
        if tls {
            return TcpStream::connect(("127.0.0.1", self.port)).is_ok();
        }
        Request::new("GET", "/healthz")
            .send(self.port)
            .is_ok_and(|answer| answer.status == 200)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Nothing is left to report to: the flow that ends here has already failed or passed.
            let _killed = child.kill();
            let _ended = child.wait();
        }
    }
}

/// Sends SIGTERM to a process that this run started.
pub(crate) fn terminate_pid(pid: u32) -> Result<()> {
    let status = Command::new("sh")
        .args(["-c", "kill -TERM \"$1\"", "sh", &pid.to_string()])
        .status()?;
    if !status.success() {
        bail!("no signal could be sent to the process");
    }
    Ok(())
}

/// A port that nothing listens on at this moment.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn fresh_database(bench: &Workbench, url: &str, home: &Path) -> Result<String> {
    let family = home.parent().and_then(Path::file_name);
    let family = family.unwrap_or_default().to_string_lossy();
    let name = format!("ecru_{}_{}", std::process::id(), family.replace('-', "_"));
    let statement = format!("CREATE DATABASE {name}");
    Tool::new(bench, "psql")?
        .args([url, "--quiet", "--command", &statement])
        .run()?;
    let (base, _) = url
        .rsplit_once('/')
        .context("the PostgreSQL URL has no database")?;
    Ok(format!("{base}/{name}"))
}

/// The library that shifts a process's wall clock.
pub(crate) fn clock_library() -> Result<PathBuf> {
    for architecture in fs::read_dir("/usr/lib")? {
        let candidate = architecture?.path().join("faketime/libfaketimeMT.so.1");
        if candidate.is_file() {
            return Ok(candidate);
        }
    }
    bail!("libfaketime is not installed")
}

/// The end of a log, for a message.
pub(crate) fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}
