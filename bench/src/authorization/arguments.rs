//! Command line of `authorization`, and what is made from it.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use tempfile::TempDir;

use crate::compare::{Database, Program, binary_directory};

/// Command line of `authorization`.
#[derive(Args)]
pub(crate) struct AuthorizationArgs {
    /// Passes, each asking as everybody in turn
    #[arg(long, default_value_t = 3)]
    pub(super) passes: usize,
    /// Seconds for which one asks in a pass
    #[arg(long, default_value_t = 4)]
    pub(super) seconds: u64,
    /// Users and roles of the second half of the measurement, half of them each
    #[arg(long, default_value_t = 100_000)]
    pub(super) users: u64,
    /// Keep the metadata on this PostgreSQL server, `postgres://USER@HOST:PORT/DATABASE`, in a
    /// database that is made there and dropped
    #[arg(long)]
    metadata: Option<String>,
    /// Directory for the server's data; must be on a disk (default: beside this binary)
    #[arg(long)]
    work_dir: Option<PathBuf>,
    /// Ecru's binary, release build (default: `ecru` beside this one)
    #[arg(long)]
    ecru_binary: Option<PathBuf>,
}

impl AuthorizationArgs {
    /// The directory of the server, removed when it is dropped.
    pub(super) fn home(&self) -> anyhow::Result<TempDir> {
        let directory = match &self.work_dir {
            Some(directory) => directory.clone(),
            None => binary_directory()?,
        };
        tempfile::Builder::new()
            .prefix("ecru-authorization-")
            .tempdir_in(&directory)
            .with_context(|| format!("make a directory in {}", directory.display()))
    }

    /// The database, if the metadata is to be in one; dropped with its value.
    pub(super) fn database(&self) -> anyhow::Result<Option<Database>> {
        let url = self.metadata.as_deref();
        url.map(|url| Database::create(url, "authorization"))
            .transpose()
    }

    /// The server.
    pub(super) fn program(&self, database: Option<&Database>) -> anyhow::Result<Program> {
        let binary = match &self.ecru_binary {
            Some(binary) => binary.clone(),
            None => binary_directory()?.join("ecru"),
        };
        let mut arguments = vec!["--metrics-listen", "off"];
        if let Some(database) = database {
            arguments.extend(["--metadata", database.url.as_str()]);
        }
        let program = Program::ecru(binary)?.with_arguments(&arguments);
        program
            .require_runnable()
            .context("build it first: cargo build --release --package ecru-server")?;
        Ok(program)
    }
}
