//! `cargo xtask e2e`: end-to-end tests with real clients.

use anyhow::Result;

use crate::process;

/// Builds and runs the end-to-end runner with these arguments.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let mut command = process::cargo();
    command
        .args(["run", "--package", "ecru-e2e", "--"])
        .args(arguments);
    process::succeed(&mut command)
}

/// Runs the kill test of the same runner.
pub(crate) fn kill(arguments: &[String]) -> Result<()> {
    let mut whole = vec!["kill".to_owned()];
    whole.extend_from_slice(arguments);
    run(&whole)
}
