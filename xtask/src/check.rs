//! `cargo xtask check`: what a change must satisfy besides its tests.

use anyhow::Result;

/// Which checks to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only the checks that build nothing: they take a second.
    #[arg(long)]
    quick: bool,
}

/// Runs the checks.
pub(crate) fn run(options: &Options) -> Result<()> {
    let metadata = crate::workspace::metadata()?;
    println!(
        "{} {}",
        options.quick,
        crate::workspace::sources(&metadata)?.len()
    );
    Ok(())
}
