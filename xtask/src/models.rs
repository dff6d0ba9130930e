//! `cargo xtask models`: code that has its own synchronization, under a scheduler that tries out interleavings.
//!
//! They are unit tests called `model_tests`, built with the feature `models` of their package, which puts modelled
//! threads and locks in place of the real ones; the other tests of those packages do not run so.

use anyhow::Result;

use crate::process;

/// Packages with models.
const PACKAGES: [&str; 3] = ["ecru-metadata-sql", "ecru-blob-store", "ecru-services"];

/// Builds and runs the models.
pub(crate) fn run() -> Result<()> {
    let mut command = process::cargo();
    command.arg("test");
    for package in PACKAGES {
        command.args(["--package", package]);
    }
    command.args(["--features", "models", "--lib", "model_tests"]);
    process::succeed(&mut command)
}
