//! What a run has shown so far: kept in a file between runs, printed as one line at the end.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::client::Tally;

/// Problems kept word by word.
const MAX_TEXTS: usize = 50;

/// Figures of a run, earlier parts of it included.
#[derive(Default)]
pub(super) struct Record {
    /// What decides the choices.
    pub(super) seed: u64,
    /// How often the server was killed.
    pub(super) kills: u64,
    /// Those before it answered.
    pub(super) early_kills: u64,
    /// Cycles begun; choices depend on it.
    pub(super) cycles: u64,
    /// Acknowledged operations and checks by kind.
    pub(super) tally: Tally,
    /// How many problems were found.
    pub(super) problem_count: u64,
    /// The first of them.
    pub(super) problems: Vec<String>,
    /// Wall time in seconds.
    pub(super) seconds: u64,
}

impl Record {
    /// Notes problems.
    pub(super) fn note(&mut self, problems: impl IntoIterator<Item = String>) {
        for text in problems {
            println!("PROBLEM after {} kills: {text}", self.kills);
            self.problem_count += 1;
            if self.problems.len() < MAX_TEXTS {
                self.problems.push(text);
            }
        }
    }

    /// Goes on with what an earlier run left in the file, if it is there.
    pub(super) fn read(path: &Path, seed: u64) -> Result<Self> {
        if !path.try_exists()? {
            return Ok(Self {
                seed,
                ..Self::default()
            });
        }
        let value: Value = serde_json::from_str(&fs::read_to_string(path)?)
            .with_context(|| format!("{} is not a state", path.display()))?;
        let number = |name: &str| value[name].as_u64().with_context(|| format!("no {name}"));
        ensure!(
            number("seed")? == seed,
            "{} is of another seed",
            path.display()
        );
        let counts = value["tally"].as_object().context("no tally")?;
        let counts = counts
            .iter()
            .map(|(what, count)| (what.clone(), count.as_u64().unwrap_or(0)));
        let texts = value["problems"].as_array().into_iter().flatten();
        Ok(Self {
            seed,
            kills: number("kills")?,
            early_kills: number("earlyKills")?,
            cycles: number("cycles")?,
            tally: Tally(counts.collect()),
            problem_count: number("problemCount")?,
            problems: texts.filter_map(Value::as_str).map(str::to_owned).collect(),
            seconds: number("seconds")?,
        })
    }

    /// Writes the file anew.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let value = json!({
            "seed": self.seed, "kills": self.kills, "earlyKills": self.early_kills, "cycles": self.cycles,
            "tally": self.tally.0, "problemCount": self.problem_count, "problems": self.problems,
            "seconds": self.seconds,
        });
        let fresh = path.with_added_extension("new");
        fs::write(&fresh, serde_json::to_string_pretty(&value)?)?;
        Ok(fs::rename(&fresh, path)?)
    }

    /// The run of that test in a few lines.
    pub(super) fn summary(&self, test: &str) -> String {
        let (checks, acknowledged): (Vec<_>, Vec<_>) =
            self.tally.0.iter().partition(|(what, _)| is_check(what));
        let sum = |counts: &[(&String, &u64)]| counts.iter().map(|(_, count)| **count).sum::<u64>();
        let list = |counts: &[(&String, &u64)]| {
            let each: Vec<_> = counts
                .iter()
                .map(|(what, count)| format!("{what} {count}"))
                .collect();
            each.join(", ")
        };
        let kills = match (self.kills, self.early_kills) {
            (0, _) => String::new(),
            (all, early) => format!("{all} kills ({early} before the server answered), "),
        };
        format!(
            "acknowledged: {}\nchecks: {}\n\
             {test} test: {kills}{} operations acknowledged, {} checks, {} problems, seed {}, {} s\n",
            list(&acknowledged),
            list(&checks),
            sum(&acknowledged),
            sum(&checks),
            self.problem_count,
            self.seed,
            self.seconds,
        )
    }
}

fn is_check(what: &str) -> bool {
    what.starts_with("checked: ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_goes_on_where_its_file_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let mut record = Record::read(&path, 7).unwrap();
        (record.kills, record.seconds) = (12, 34);
        record.tally.add("push");
        record.note(["something is lost".to_owned()]);
        record.write(&path).unwrap();
        let again = Record::read(&path, 7).unwrap();
        assert_eq!(again.summary("kill"), record.summary("kill"));
        assert_eq!(again.problems, ["something is lost"]);
        assert!(
            Record::read(&path, 8).is_err(),
            "another seed is another run"
        );
    }
}
