//! Command line of `compare`, and the arena made from it.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;

use crate::compare::Arena;
use crate::compare::journal::Journal;
use crate::compare::program::Program;
use crate::compare::samples::Sides;
use crate::compare::scale::Scale;

/// Command line of `compare`.
#[derive(Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one switch of the command line"
)]
pub(crate) struct CompareArgs {
    /// Small sizes and one pass: a smoke test of under a minute, not a measurement
    #[arg(long)]
    quick: bool,
    /// Passes, each running every row on both servers (default 5, with --quick 1)
    #[arg(long)]
    passes: Option<u32>,
    /// Ecru's binary, release build (default: `ecru` beside this one)
    #[arg(long)]
    ecru_binary: Option<PathBuf>,
    /// The peer's binary, docker-registry 2.8
    #[arg(long, default_value = "docker-registry")]
    peer_binary: PathBuf,
    /// Start the peer in Ecru's place too: every ratio should be 1, what differs is noise
    #[arg(long)]
    control: bool,
    /// Also run the rows without a number to hold, which must not be slower than the peer
    #[arg(long)]
    all_rows: bool,
    /// Store this many distinct images in Ecru before its start-up is timed
    #[arg(long, default_value_t = 0)]
    stored_images: u64,
    /// Directory for the servers' data; must be on a disk (default: beside this binary)
    #[arg(long)]
    work_dir: Option<PathBuf>,
    /// Report to write; the runs go beside it as JSON lines (default: bench-report.md beside
    /// this binary)
    #[arg(long)]
    out: Option<PathBuf>,
    /// Measure Ecru on this PostgreSQL server, `postgres://USER@HOST:PORT/DATABASE`, instead: a
    /// database is made for each pass and dropped again
    #[arg(long)]
    pub(super) metadata: Option<String>,
    /// Fail when a target is missed
    #[arg(long)]
    pub(super) enforce: bool,
}

impl CompareArgs {
    /// Path of the report.
    pub(super) fn out_path(&self) -> anyhow::Result<PathBuf> {
        match &self.out {
            Some(out) => Ok(out.clone()),
            None => Ok(binary_directory()?.join("bench-report.md")),
        }
    }

    /// Checks the arguments and makes the arena; `journal` is where JSON lines go.
    ///
    /// # Errors
    /// No passes, binaries that are not there, and directories that cannot be written.
    pub(super) fn arena(&self, journal: &Path) -> anyhow::Result<Arena> {
        let passes = self.passes.unwrap_or(if self.quick { 1 } else { 5 });
        ensure!((1..=80).contains(&passes), "between 1 and 80 passes");
        let work_dir = match &self.work_dir {
            Some(directory) => directory.clone(),
            None => binary_directory()?,
        };
        let home = tempfile::Builder::new()
            .prefix("ecru-bench-")
            .tempdir_in(&work_dir)
            .with_context(|| format!("make a directory in {}", work_dir.display()))?;
        Ok(Arena {
            programs: self.programs()?,
            scale: if self.quick {
                Scale::quick()
            } else {
                Scale::full()
            },
            passes,
            all_rows: self.all_rows,
            stored_images: self.stored_images,
            home,
            journal: Journal::create(journal)?,
        })
    }

    fn programs(&self) -> anyhow::Result<Sides<Program>> {
        let peer = Program::peer(self.peer_binary.clone());
        peer.require_runnable().context(
            "the peer is Debian's package docker-registry: apt-get install docker-registry",
        )?;
        if self.control {
            let twin = Program::peer(self.peer_binary.clone());
            return Ok(Sides { ecru: twin, peer });
        }
        let binary = match &self.ecru_binary {
            Some(binary) => binary.clone(),
            None => binary_directory()?.join("ecru"),
        };
        let ecru = Program::ecru(binary)?;
        ecru.require_runnable()
            .context("build it first: cargo build --release --package ecru-server")?;
        Ok(Sides { ecru, peer })
    }
}

/// Where this binary is.
///
/// # Errors
/// What the system says.
pub(crate) fn binary_directory() -> anyhow::Result<PathBuf> {
    let binary = std::env::current_exe().context("path of this binary")?;
    let directory = binary.parent().context("directory of this binary")?;
    Ok(directory.to_owned())
}
