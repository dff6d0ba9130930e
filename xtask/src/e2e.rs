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

/// Runs a test of the same runner that is a command of its own.
pub(crate) fn run_test(name: &str, arguments: &[String]) -> Result<()> {
    let mut whole = vec![name.to_owned()];
    whole.extend_from_slice(arguments);
    run(&whole)
}
