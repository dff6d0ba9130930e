//! Every single run, as JSON lines beside the report, and what failed.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::Context;

use crate::outcome::Outcome;

/// Collects runs and failures.
pub(crate) struct Journal {
    file: File,
    failures: Vec<String>,
}

impl Journal {
    /// Starts an empty file.
    ///
    /// # Errors
    /// The file cannot be made.
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create(path).with_context(|| format!("make {}", path.display()))?;
        Ok(Self {
            file,
            failures: Vec::new(),
        })
    }

    /// Writes a run down. A run that failed, wholly or in single requests, is remembered and
    /// gives no figure.
    pub(crate) fn record(&mut self, label: &str, run: anyhow::Result<Outcome>) -> Option<Outcome> {
        let checked = run.and_then(|outcome| {
            writeln!(self.file, "{}", outcome.to_json_line()?)?;
            outcome.require_no_errors().map(|()| outcome)
        });
        match checked {
            Ok(outcome) => {
                eprintln!("{label}: {:.1}/s, {:.1} MB/s", outcome.req_s, outcome.mb_s);
                Some(outcome)
            }
            Err(error) => {
                eprintln!("{label}: {error:#}");
                self.failures.push(format!("{label}: {error:#}"));
                None
            }
        }
    }

    /// What failed so far.
    pub(crate) fn failures(&self) -> &[String] {
        &self.failures
    }

    /// Turns failures into an error.
    ///
    /// # Errors
    /// How many runs failed, and the first.
    pub(crate) fn require_no_failures(&self) -> anyhow::Result<()> {
        match self.failures.first() {
            None => Ok(()),
            Some(first) => anyhow::bail!("{} runs failed, the first: {first}", self.failures.len()),
        }
    }
}
