//! The port suites on the backends of the cluster shape.

use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

/// Where the backends are.
#[derive(Args)]
pub(crate) struct StoreOptions {
    /// A `PostgreSQL` server in which databases may be created.
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
}

/// Runs the suites and returns whether they passed.
pub(crate) fn run(options: &StoreOptions) -> Result<bool> {
    let Some(url) = &options.postgres else {
        bail!("--postgres URL is needed");
    };
    let status = Command::new("cargo")
        .args(["test", "--package", "ecru-metadata-sql"])
        .args(["--features", "postgres-tests", "--test", "postgres"])
        .env("ECRU_TEST_POSTGRES", url)
        .status()
        .context("cargo cannot be started")?;
    Ok(status.success())
}
