//! docker with each of its image stores: the classic one, and the one that containerd keeps, which is another client of
//! the registry protocol altogether. The classic store is that of the machine's own daemon, found as docker finds it; a
//! daemon with containerd's is started for the run, beside it, as soon as a flow asks for it.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::scene::Scene;
use crate::server::{last_lines, terminate_pid};
use crate::tool::{self, Tool};
use crate::workbench::Workbench;

const START_LIMIT: Duration = Duration::from_mins(1);
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// docker, by where its daemon keeps images.
#[derive(Clone, Copy)]
pub(crate) enum Docker {
    /// Images by their configs, layers unpacked; manifests are made anew at each push.
    Classic,
    /// Manifests and indexes as they were made, byte for byte.
    Containerd,
}

impl Docker {
    /// Name in the table.
    pub(crate) const fn client(self) -> &'static str {
        match self {
            Self::Classic => "docker",
            Self::Containerd => "docker-containerd",
        }
    }

    /// A repository of its own for flows that both go through on one server.
    pub(crate) fn repository(self, name: &str) -> String {
        format!("{}/{name}", self.client())
    }

    /// The command line, connected to the daemon.
    pub(crate) fn tool(self, scene: &Scene) -> Result<Tool<'_>> {
        let tool = scene.client("docker")?;
        match self {
            Self::Classic => Ok(tool),
            Self::Containerd => {
                let daemon = scene.bench.containerd_store()?;
                Ok(tool.env(
                    "DOCKER_HOST",
                    format!("unix://{}", daemon.socket().display()),
                ))
            }
        }
    }

    /// `docker <arguments>`, for its output.
    pub(crate) fn run(self, scene: &Scene, arguments: &[&str]) -> Result<String> {
        self.tool(scene)?.args(arguments).run()
    }

    /// `docker <arguments>`, for the words of its refusal.
    pub(crate) fn refused(self, scene: &Scene, arguments: &[&str]) -> Result<String> {
        self.tool(scene)?.args(arguments).refused()
    }

    /// Local image id.
    pub(crate) fn image_id(self, scene: &Scene, image: &str) -> Result<String> {
        let output = self.run(scene, &["image", "inspect", "--format", "{{.Id}}", image])?;
        Ok(output.trim().to_owned())
    }

    /// Removes a local image.
    pub(crate) fn remove(self, scene: &Scene, image: &str) -> Result<()> {
        self.run(scene, &["image", "rm", "--force", image])?;
        Ok(())
    }
}

/// A docker daemon with containerd's image store, which it runs within itself.
pub(crate) struct Daemon {
    child: Option<Child>,
    folder: PathBuf,
}

impl Daemon {
    /// Starts it with all its files in a folder, and without networks, which building and moving images does not need.
    ///
    /// # Errors
    /// When it is not installed, does not answer in time, or keeps images elsewhere.
    pub(crate) fn start(bench: &Workbench, program: &Path) -> Result<Self> {
        let folder = bench.directory("dockerd")?;
        let log = bench.output_file("dockerd");
        fs::write(folder.join("daemon.json"), "{}")?;
        let output = File::create(&log)?;
        let child = Command::new(program)
            .arg("--config-file")
            .arg(folder.join("daemon.json"))
            .arg("--data-root")
            .arg(folder.join("data"))
            .arg("--exec-root")
            .arg(folder.join("exec"))
            .arg("--pidfile")
            .arg(folder.join("pid"))
            .arg("--host")
            .arg(format!("unix://{}", folder.join("socket").display()))
            .args(["--feature", "containerd-snapshotter=true"])
            .args(["--feature", "embedded-containerd=true"])
            .args(["--feature", "time-namespaces=false"])
            .args(["--bridge", "none", "--iptables=false", "--ip6tables=false"])
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .env("PATH", bench.search_path()?)
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        let mut daemon = Self {
            child: Some(child),
            folder,
        };
        daemon.await_start(&log)?;
        Ok(daemon)
    }

    fn await_start(&mut self, log: &Path) -> Result<()> {
        let started = Instant::now();
        while !self.ask("/_ping").is_ok_and(|told| told.contains("200 OK")) {
            let child = self.child.as_mut().context("the docker daemon has ended")?;
            if let Some(status) = child.try_wait()? {
                bail!("the docker daemon ended ({status}): {}", last_lines(log));
            }
            if started.elapsed() > START_LIMIT {
                bail!("the docker daemon does not answer: {}", last_lines(log));
            }
            thread::sleep(Duration::from_millis(50));
        }
        let info = self.ask("/info")?;
        ensure!(
            info.contains("io.containerd.snapshotter.v1"),
            "images are not kept by containerd: {info}"
        );
        Ok(())
    }

    /// Where it listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    fn ask(&self, path: &str) -> Result<String> {
        let mut connection = UnixStream::connect(self.socket())?;
        connection.set_read_timeout(Some(START_LIMIT))?;
        write!(connection, "GET {path} HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            // Nothing is left to report to: the run is over. It is ended by its signal, or killed when it does not end.
            let _asked = terminate_pid(child.id());
            let _ended = tool::wait(child, STOP_LIMIT);
        }
    }
}
