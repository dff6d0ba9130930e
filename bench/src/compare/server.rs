//! A running server. It is ended when its value is dropped, whatever happened before.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use hyper::Method;
use tokio::time::{sleep, timeout};

use crate::aws::EcrClient;
use crate::client::{Connection, Endpoint, empty};
use crate::compare::program::{Program, REGION};
use crate::compare::terminate::request_end;

/// Time in which a server must answer for the first time.
const START_PATIENCE: Duration = Duration::from_mins(1);
/// Time in which a server must end when asked to.
const END_PATIENCE: Duration = Duration::from_secs(30);
/// Time between two looks at whether a server answers.
const START_STEP: Duration = Duration::from_millis(1);
const END_STEP: Duration = Duration::from_millis(20);

/// Child process that is killed and reaped on drop, by its own handle.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        // Both fail only if the child has ended by itself, which is what is wanted.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A server that answers.
pub(crate) struct Server {
    child: Guard,
    endpoint: Arc<Endpoint>,
    ecr: Option<EcrClient>,
    /// Time from the start of the process to its first answer.
    pub(crate) started_in: Duration,
}

impl Server {
    /// Starts a program with its data under `home` and waits for its first answer.
    ///
    /// # Errors
    /// The program ends, or does not answer in time; the end of its log is shown.
    pub(crate) async fn start(program: &Program, home: &Path) -> anyhow::Result<Self> {
        let port = free_port()?;
        let log = home.join("log");
        let mut command = program.command(home, port)?;
        command
            .stdin(Stdio::null())
            .stdout(fs::File::create(&log)?)
            .stderr(fs::OpenOptions::new().append(true).open(&log)?);
        let plain = Arc::new(Endpoint::parse(&format!("http://127.0.0.1:{port}"), None)?);
        let begun = Instant::now();
        let mut child = Guard(command.spawn().context("start the server")?);
        wait_for_answer(&mut child.0, &plain, &log).await?;
        let started_in = begun.elapsed();
        let (endpoint, ecr) = log_in(program, plain).await?;
        Ok(Self {
            child,
            endpoint,
            ecr,
            started_in,
        })
    }

    /// Address and credentials.
    pub(crate) fn endpoint(&self) -> Arc<Endpoint> {
        Arc::clone(&self.endpoint)
    }

    /// Client of the ECR API, where the server has one.
    pub(crate) fn ecr(&self) -> Option<&EcrClient> {
        self.ecr.as_ref()
    }

    /// The process, in the form that accounting takes.
    pub(crate) fn pids(&self) -> Vec<u32> {
        vec![self.child.0.id()]
    }

    /// Makes a repository where the server asks for that before a push.
    ///
    /// # Errors
    /// A refusal.
    pub(crate) async fn ensure_repository(&self, name: &str) -> anyhow::Result<()> {
        match &self.ecr {
            Some(ecr) => ecr.ensure_repository(&mut ecr.connection(), name).await,
            None => Ok(()),
        }
    }

    /// Asks the server to end and waits until it has.
    ///
    /// # Errors
    /// It does not end in time; it is killed then.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        request_end(&self.child.0).context("ask the server to end")?;
        let begun = Instant::now();
        while self.child.0.try_wait()?.is_none() {
            if begun.elapsed() > END_PATIENCE {
                bail!("the server did not end within {END_PATIENCE:?}");
            }
            sleep(END_STEP).await;
        }
        Ok(())
    }
}

/// A port that is free now. Another process could take it before the server does; the server
/// then fails to start and says so.
fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("find a free port")?;
    Ok(listener.local_addr()?.port())
}

async fn wait_for_answer(
    child: &mut Child,
    endpoint: &Arc<Endpoint>,
    log: &Path,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !answers(endpoint).await {
        if let Some(status) = child.try_wait()? {
            bail!("the server ended with {status}: {}", log_end(log));
        }
        if begun.elapsed() > START_PATIENCE {
            bail!("no answer within {START_PATIENCE:?}: {}", log_end(log));
        }
        sleep(START_STEP).await;
    }
    Ok(())
}

/// Whether `GET /v2/` is answered at all; a refusal for want of credentials is an answer.
async fn answers(endpoint: &Arc<Endpoint>) -> bool {
    let mut connection = Connection::new(Arc::clone(endpoint));
    let deed = connection.exchange(Method::GET, "/v2/", &[], empty());
    matches!(timeout(START_PATIENCE, deed).await, Ok(Ok(_)))
}

fn log_end(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(5).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" / ")
}

async fn log_in(
    program: &Program,
    plain: Arc<Endpoint>,
) -> anyhow::Result<(Arc<Endpoint>, Option<EcrClient>)> {
    let Some(key) = program.root_key() else {
        return Ok((plain, None));
    };
    let ecr = EcrClient::new(plain, key.clone(), REGION);
    let endpoint = ecr.registry_endpoint().await?;
    Ok((endpoint, Some(ecr)))
}
