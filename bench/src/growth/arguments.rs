//! Command line of `growth`, and the store made from it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use tempfile::TempDir;

use crate::compare::{Program, binary_directory};
use crate::growth::Growth;
use crate::growth::layout::Layout;
use crate::growth::record::Record;

/// Command line of `growth`.
#[derive(Args)]
pub(crate) struct GrowthArgs {
    /// Repositories at the last step
    #[arg(long, default_value_t = 100_000)]
    repositories: u64,
    /// Images at the last step
    #[arg(long, default_value_t = 1_000_000)]
    images: u64,
    /// Images at which the store is measured, ascending
    #[arg(long, value_delimiter = ',', default_values_t = [1, 1000, 1_000_000])]
    steps: Vec<u64>,
    /// Directory that keeps the store and its figures, so that a later run goes on (default: a
    /// temporary one beside this binary)
    #[arg(long)]
    work_dir: Option<PathBuf>,
    /// Ecru's binary, release build (default: `ecru` beside this one)
    #[arg(long)]
    ecru_binary: Option<PathBuf>,
    /// Fill up to the next step that is not measured, and end
    #[arg(long)]
    pub(super) fill_only: bool,
    /// Seconds after which the filling ends, to be gone on with by another run
    #[arg(long)]
    pause_after: Option<u64>,
    /// File for the table, which is printed too
    #[arg(long)]
    pub(super) out: Option<PathBuf>,
}

impl GrowthArgs {
    /// The steps.
    ///
    /// # Errors
    /// Steps that do not ascend, or beyond the number of images.
    pub(super) fn steps(&self) -> anyhow::Result<Vec<u64>> {
        let ascend = self.steps.is_sorted_by(|one, next| one < next);
        ensure!(ascend, "steps must ascend");
        let last = self.steps.last().copied().unwrap_or_default();
        ensure!(
            (1..=self.images).contains(&last) && !self.steps.contains(&0),
            "steps are between 1 and the number of images"
        );
        Ok(self.steps.clone())
    }

    /// The store, new or kept, and the directory that is to be removed at the end.
    pub(super) fn growth(&self) -> anyhow::Result<(Growth, Option<TempDir>)> {
        let layout = Layout::new(self.images, self.repositories)?;
        let beside = binary_directory()?;
        let binary = self
            .ecru_binary
            .clone()
            .unwrap_or_else(|| beside.join("ecru"));
        let program = Program::ecru(binary)?.with_arguments(&["--metrics-listen", "off"]);
        program
            .require_runnable()
            .context("build it first: cargo build --release --package ecru-server")?;
        let temporary = match self.work_dir {
            Some(_) => None,
            None => Some(
                tempfile::Builder::new()
                    .prefix("ecru-growth-")
                    .tempdir_in(&beside)?,
            ),
        };
        let home = match (&self.work_dir, &temporary) {
            (Some(kept), _) => kept.clone(),
            (None, Some(temporary)) => temporary.path().to_owned(),
            (None, None) => beside,
        };
        std::fs::create_dir_all(&home).with_context(|| format!("make {}", home.display()))?;
        let seconds = self.pause_after.map(Duration::from_secs);
        let growth = Growth {
            program,
            record: Record::open(&home, &layout)?,
            home,
            layout,
            pause_at: seconds.map(|seconds| Instant::now() + seconds),
        };
        Ok((growth, temporary))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: GrowthArgs,
    }

    #[test]
    fn steps_ascend_up_to_the_number_of_images() {
        let cases = [
            ("", Some(vec![1, 1000, 1_000_000])),
            ("--steps 1,20 --images 20", Some(vec![1, 20])),
            ("--steps 20,1", None),
            ("--steps 1,1", None),
            ("--steps 0,1", None),
            ("--steps 1,30 --images 20", None),
        ];
        for (line, wanted) in cases {
            let words = ["growth"].into_iter().chain(line.split_whitespace());
            let args = Line::try_parse_from(words).unwrap().args;
            assert_eq!(args.steps().ok(), wanted, "{line}");
        }
    }
}
