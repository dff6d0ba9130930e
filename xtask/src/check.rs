//! `cargo xtask check`: what a change must satisfy besides its tests. Everything that can be told without a build
//! comes first and is reported together.

mod bans;
mod drift;
mod floors;
mod headers;
mod names;
mod sizes;

use anyhow::{Result, ensure};

use crate::process;
use crate::workspace::{self, Metadata, Source};

/// Which checks to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only the checks that build nothing: they take seconds.
    #[arg(long)]
    quick: bool,
}

/// Runs the checks and fails if any of them found something.
pub(crate) fn run(options: &Options) -> Result<()> {
    let metadata = workspace::metadata()?;
    let sources = workspace::sources(&metadata)?;
    let problems = problems(&metadata, &sources)?;
    for problem in &problems {
        eprintln!("{problem}");
    }
    ensure!(
        problems.is_empty(),
        "{} problems in {} files",
        problems.len(),
        sources.len()
    );
    process::succeed(process::cargo().args(["fmt", "--all", "--check"]))?;
    if options.quick {
        return Ok(());
    }
    process::succeed(process::cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "--deny=warnings",
    ]))?;
    process::succeed(
        process::cargo()
            .args(["doc", "--workspace", "--no-deps", "--locked"])
            .env("RUSTDOCFLAGS", "--deny=warnings"),
    )
}

/// What the checks without a build found, one line each.
fn problems(metadata: &Metadata, sources: &[Source]) -> Result<Vec<String>> {
    let mut problems = floors::problems(&metadata.packages);
    problems.extend(bans::problems(&metadata.packages));
    problems.extend(sources.iter().filter_map(sizes::problem));
    problems.extend(sources.iter().filter_map(headers::problem));
    problems.extend(sources.iter().flat_map(names::problems));
    problems.extend(drift::problems()?);
    Ok(problems)
}
