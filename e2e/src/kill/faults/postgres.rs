//! A `PostgreSQL` server of the run's own, which can be restarted and killed.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::server::free_port;

/// How long a start may take: after a kill, what is left of the old server has to go first.
const START_LIMIT: Duration = Duration::from_mins(1);
/// Where systems keep the programs, by version.
const PROGRAMS: &str = "/usr/lib/postgresql";

/// A server and its files.
pub(super) struct Postgres {
    programs: PathBuf,
    home: TempDir,
    /// `PostgreSQL` refuses to run as root.
    is_root: bool,
    /// Where it listens on loopback.
    pub(super) port: u16,
}

impl Postgres {
    /// Makes a cluster and starts it, with the durability that it has by default.
    pub(super) fn start_new() -> Result<Self> {
        let server = Self {
            programs: programs()?,
            home: tempfile::Builder::new()
                .prefix("ecru-postgres-")
                .tempdir()?,
            is_root: fs::metadata("/proc/self")?.uid() == 0,
            port: free_port()?,
        };
        if server.is_root {
            let mut give = Command::new("chown");
            let given = give.arg("postgres").arg(server.home.path()).status()?;
            ensure!(given.success(), "the database's directory stays root's");
        }
        server.run("initdb", &["--auth", "trust", "--username", "ecru"])?;
        server.settle()?;
        server.start()?;
        Ok(server)
    }

    fn settle(&self) -> Result<()> {
        let place = self.data().join("postgresql.conf");
        let settings = fs::read_to_string(&place)?;
        let (port, sockets) = (self.port, self.home.path().display());
        let own = format!(
            "port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{sockets}'\n"
        );
        Ok(fs::write(&place, settings + &own)?)
    }

    /// Starts it, also after a kill.
    pub(super) fn start(&self) -> Result<()> {
        let log = self.home.path().join("log").display().to_string();
        let began = Instant::now();
        while let Err(error) = self.run("pg_ctl", &["start", "--wait", "--silent", "--log", &log]) {
            ensure!(began.elapsed() < START_LIMIT, "{error:#}");
            thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    /// Ends it in one of the manners of `pg_ctl stop`.
    pub(super) fn stop(&self, mode: &str) -> Result<()> {
        self.run("pg_ctl", &["stop", "--wait", "--silent", "--mode", mode])
    }

    /// Ends its first process with SIGKILL; the others end when they notice.
    pub(super) fn kill(&self) -> Result<()> {
        let text = fs::read_to_string(self.data().join("postmaster.pid"))?;
        let pid = text.lines().next().context("no process id")?;
        let killed = Command::new("kill").args(["-9", pid]).status()?;
        ensure!(killed.success(), "the database cannot be killed");
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<()> {
        let path = self.programs.join(program);
        let mut command = Command::new(if self.is_root { "runuser" } else { "env" });
        if self.is_root {
            command.args(["-u", "postgres", "--"]);
        }
        command.arg(path).args(arguments).arg("--pgdata");
        command.arg(self.data()).current_dir(self.home.path());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let status = command.status();
        let status = status.with_context(|| format!("{program} cannot be started"))?;
        ensure!(
            status.success(),
            "{program} {arguments:?} ended with {status}"
        );
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Err(error) = self.stop("immediate") {
            println!("the database was not ended: {error:#}");
        }
    }
}

/// Where the programs of the newest version are that is installed.
fn programs() -> Result<PathBuf> {
    let mut found = Vec::new();
    for version in fs::read_dir(PROGRAMS).context("PostgreSQL is not installed")? {
        let bin = version?.path().join("bin");
        if bin.join("initdb").is_file() {
            found.push(bin);
        }
    }
    found.sort();
    found.pop().context("no PostgreSQL server is installed")
}
