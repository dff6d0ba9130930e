//! One server and the files of its clients: what a family of flows works on.

use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::server::{ACCOUNT, Launch, REGION, Server};
use crate::signing::AccessKey;
use crate::tool::Tool;
use crate::workbench::Workbench;

/// A running server with its clients' home directory.
pub(crate) struct Scene {
    /// Shared by all scenes of the run.
    pub(crate) bench: Rc<Workbench>,
    /// The process under test.
    pub(crate) server: Server,
    /// Root access key.
    pub(crate) key: AccessKey,
    /// Registry password for the server's region.
    pub(crate) password: String,
    home: PathBuf,
}

impl Scene {
    /// Starts a server on fresh data and logs in.
    pub(crate) fn open(bench: &Rc<Workbench>, purpose: &str) -> Result<Self> {
        Self::open_with(bench, purpose, &Launch::default())
    }

    /// The same with a launch of its own.
    pub(crate) fn open_with(bench: &Rc<Workbench>, purpose: &str, launch: &Launch) -> Result<Self> {
        let home = bench.directory(purpose)?;
        for folder in ["server", "home"] {
            fs::create_dir(home.join(folder))?;
        }
        let server = Server::start(bench, &home.join("server"), launch)?;
        let key = server.access_key(launch)?;
        let mut scene = Self {
            bench: Rc::clone(bench),
            server,
            key,
            password: String::new(),
            home: home.join("home"),
        };
        if !launch.tls {
            scene.password = scene.password_for(REGION)?;
            scene.write_docker_config(&scene.password)?;
        }
        Ok(scene)
    }

    /// Starts the server again on its data (after a stop or a kill) and takes a fresh password.
    pub(crate) fn relaunch(&mut self, launch: &Launch) -> Result<()> {
        self.server.launch(&self.bench, launch)?;
        self.key = self.server.access_key(launch)?;
        if launch.clock_shift.is_none() {
            self.password = self.password_for(REGION)?;
        }
        Ok(())
    }

    /// Port of the server.
    pub(crate) fn port(&self) -> u16 {
        self.server.port
    }

    /// Host and port as they stand in a repositoryUri.
    pub(crate) fn host(&self) -> String {
        format!("localhost:{}", self.port())
    }

    /// URI of a repository in the server's own registry.
    pub(crate) fn uri(&self, repository: &str) -> String {
        format!("{}/{repository}", self.host())
    }

    /// A directory below the clients' home.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.home.join(name);
        fs::create_dir_all(&path)?;
        Ok(path)
    }

    /// The server's data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.server.home.join("data")
    }

    /// A client that keeps its files below the scene's home and finds the docker credentials there.
    pub(crate) fn client(&self, program: &str) -> Result<Tool<'_>> {
        let tool = Tool::new(&self.bench, program)?
            .env("HOME", &self.home)
            .env("XDG_CONFIG_HOME", self.home.join(".config"))
            .env("XDG_CACHE_HOME", self.home.join(".cache"))
            .env("XDG_RUNTIME_DIR", self.home.join(".run"))
            .env("DOCKER_CONFIG", self.docker_config_folder())
            .env("DOCKER_BUILDKIT", "0")
            .env(
                "REGISTRY_AUTH_FILE",
                self.docker_config_folder().join("config.json"),
            );
        Ok(tool)
    }

    /// The aws CLI or another program of an AWS SDK, with endpoint and credentials in the environment.
    pub(crate) fn aws_client(&self, program: &str, region: &str) -> Result<Tool<'_>> {
        let tool = self
            .client(program)?
            .env("AWS_ENDPOINT_URL", format!("http://{}", self.host()))
            .env(
                "AWS_SHARED_CREDENTIALS_FILE",
                self.server.credentials_file(),
            )
            .env("AWS_CONFIG_FILE", self.home.join("no-aws-config"))
            .env("AWS_REGION", region)
            .env("AWS_DEFAULT_REGION", region)
            .env("AWS_PAGER", "")
            .env("AWS_MAX_ATTEMPTS", "1")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        Ok(tool)
    }

    /// `ecru <command>` on the scene's store and server.
    pub(crate) fn ecru(&self, words: &[&str]) -> Result<Tool<'_>> {
        let listen = format!("127.0.0.1:{}", self.port());
        Ok(
            Tool::new(&self.bench, &self.bench.binary.display().to_string())?
                .args(words)
                .args(["--listen", &listen])
                .args(self.server.store_flags())
                .directory(&self.server.home),
        )
    }

    /// `aws <arguments>` in the server's region.
    pub(crate) fn aws(&self, arguments: &[&str]) -> Result<Tool<'_>> {
        Ok(self.aws_client("aws", REGION)?.args(arguments))
    }

    /// Writes the docker configuration that crane, oras, skopeo and buildah read, as a login would.
    pub(crate) fn write_docker_config(&self, password: &str) -> Result<()> {
        let folder = self.docker_config_folder();
        fs::create_dir_all(&folder)?;
        let pair = STANDARD.encode(format!("AWS:{password}"));
        let config = json!({"auths": {self.host(): {"auth": pair}}});
        fs::write(folder.join("config.json"), config.to_string())?;
        Ok(())
    }

    /// Forgets all logins, so that the next command depends on its own.
    pub(crate) fn forget_logins(&self) -> Result<()> {
        let folder = self.docker_config_folder();
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("config.json"), "{}")?;
        Ok(())
    }

    fn docker_config_folder(&self) -> PathBuf {
        self.home.join(".docker")
    }

    /// A path below the clients' home.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.home.join(name)
    }

    /// `ACCOUNT.REGION` segment of the path form.
    pub(crate) fn segment(region: &str) -> String {
        format!("{ACCOUNT}.{region}")
    }
}
