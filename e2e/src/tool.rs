//! Runs one client command: bounded time, captured output, exit code turned into a result.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::workbench::Workbench;

const DEFAULT_LIMIT: Duration = Duration::from_mins(3);
const POLL: Duration = Duration::from_millis(15);
const TAIL_BYTES: usize = 1_200;

/// A client command being put together.
pub(crate) struct Tool<'a> {
    bench: &'a Workbench,
    name: String,
    command: Command,
    input: Option<PathBuf>,
    private: bool,
    limit: Duration,
}

impl<'a> Tool<'a> {
    /// A command by program name, looked up among the installed clients first.
    pub(crate) fn new(bench: &'a Workbench, program: &str) -> Result<Self> {
        let search_path = bench.search_path()?;
        let mut command = Command::new(resolve(program, &search_path)?);
        command.env("PATH", search_path);
        Ok(Self {
            bench,
            name: program.rsplit('/').next().unwrap_or(program).to_owned(),
            command,
            input: None,
            private: false,
            limit: DEFAULT_LIMIT,
        })
    }

    /// Adds arguments.
    pub(crate) fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Sets a variable of the environment.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets the working directory.
    pub(crate) fn directory(mut self, path: impl AsRef<std::path::Path>) -> Self {
        self.command.current_dir(path);
        self
    }

    /// Feeds standard input; the text is treated as a secret.
    pub(crate) fn input(mut self, text: &str) -> Result<Self> {
        let path = self.bench.private_file("stdin");
        fs::write(&path, text)?;
        self.input = Some(path);
        Ok(self)
    }

    /// Says that standard output is a secret by purpose (a password, a signed URL), so that it is not captured
    /// where secrets are searched.
    pub(crate) fn private_output(mut self) -> Self {
        self.private = true;
        self
    }

    /// Replaces the time limit.
    pub(crate) fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs to a successful exit and returns standard output.
    ///
    /// # Errors
    /// When the command cannot start, runs out of time or exits with another code than 0.
    pub(crate) fn run(self) -> Result<String> {
        let name = self.name.clone();
        let (status, output, errors) = self.finish()?;
        if !status.success() {
            bail!("{name}: {status}: {}", tail(&errors, &output));
        }
        Ok(output)
    }

    /// Runs to a refusal (an exit code other than 0) and returns what was printed, errors first.
    ///
    /// # Errors
    /// When the command succeeds, cannot start or runs out of time.
    pub(crate) fn refused(self) -> Result<String> {
        let name = self.name.clone();
        let (status, output, errors) = self.finish()?;
        if status.success() {
            bail!(
                "{name} succeeded where a refusal was expected: {}",
                tail(&output, &errors)
            );
        }
        Ok(format!("{errors}{output}"))
    }

    fn finish(mut self) -> Result<(ExitStatus, String, String)> {
        let outputs = if self.private {
            self.bench.private_file(&self.name)
        } else {
            self.bench.output_file(&self.name)
        };
        let errors = self.bench.output_file(&format!("{}-stderr", self.name));
        let input = match &self.input {
            Some(path) => Stdio::from(File::open(path)?),
            None => Stdio::null(),
        };
        self.command
            .stdin(input)
            .stdout(File::create(&outputs)?)
            .stderr(File::create(&errors)?);
        let child = self
            .command
            .spawn()
            .with_context(|| format!("{} cannot be started", self.name))?;
        let status =
            wait(child, self.limit).with_context(|| format!("{} did not end", self.name))?;
        let read = |path| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Ok((status, read(&outputs)?, read(&errors)?))
    }
}

/// Waits for a child that this run started, and ends it when its time is over.
pub(crate) fn wait(mut child: Child, limit: Duration) -> Result<ExitStatus> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if started.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            bail!("still running after {} s", limit.as_secs());
        }
        thread::sleep(POLL);
    }
}

fn resolve(program: &str, search_path: &OsStr) -> Result<PathBuf> {
    if program.contains('/') {
        return Ok(PathBuf::from(program));
    }
    std::env::split_paths(search_path)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
        .with_context(|| format!("client {program} is not installed"))
}

fn tail(first: &str, second: &str) -> String {
    let text = if first.trim().is_empty() {
        second
    } else {
        first
    };
    let start = text.len().saturating_sub(TAIL_BYTES);
    let start = (start..text.len())
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(text.len());
    text.get(start..).unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bench() -> Workbench {
        Workbench::create(PathBuf::from("ecru"), None).unwrap()
    }

    #[test]
    fn a_missing_client_is_an_error() {
        let bench = bench();
        let error = Tool::new(&bench, "no-such-client").err().unwrap();
        assert!(error.to_string().contains("not installed"));
    }

    #[test]
    fn an_exit_code_decides() {
        let bench = bench();
        assert_eq!(
            Tool::new(&bench, "echo")
                .unwrap()
                .args(["yes"])
                .run()
                .unwrap(),
            "yes\n"
        );
        assert!(Tool::new(&bench, "false").unwrap().run().is_err());
        assert!(Tool::new(&bench, "false").unwrap().refused().is_ok());
        assert!(Tool::new(&bench, "true").unwrap().refused().is_err());
    }

    #[test]
    fn a_command_that_does_not_end_is_ended() {
        let bench = bench();
        let slow = Tool::new(&bench, "sleep")
            .unwrap()
            .args(["60"])
            .limit(Duration::from_millis(50));
        assert!(format!("{:#}", slow.run().unwrap_err()).contains("still running"));
    }
}
