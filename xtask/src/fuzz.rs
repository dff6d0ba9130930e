//! `cargo xtask fuzz`: builds the fuzz targets with coverage counters and runs each on its kept corpus.
//!
//! The flags are those of `cargo fuzz run --sanitizer none`, all of which the stable compiler takes: there is no
//! `unsafe` code in the parsers for a sanitizer to watch. Nothing has to be installed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::vec::IntoIter;

use anyhow::{Context as _, Result, bail, ensure};

use crate::{process, workspace};

/// What makes a program count the edges it takes.
const COVERAGE: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// The bounds of each run: bytes of an input, MiB of memory, seconds of one input.
const BOUNDS: [&str; 3] = ["-max_len=4096", "-rss_limit_mb=1024", "-timeout=60"];

/// Which targets to run, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The targets; all of them if none is named.
    targets: Vec<String>,
    /// How long each runs.
    #[arg(long, default_value_t = 20)]
    seconds: u32,
    /// How many run at once.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Afterwards keep the smallest corpus that covers as much.
    #[arg(long)]
    keep: bool,
}

/// Runs the targets, and fails if any input makes one of them fail.
pub(crate) fn run(options: &Options) -> Result<()> {
    let known = known_targets()?;
    let targets = chosen(&options.targets, known)?;
    let folder = build(&targets)?;
    let waiting = Mutex::new(targets.into_iter());
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.max(1) {
            scope.spawn(|| work(&waiting, &failed, &folder, options));
        }
    });
    let failed = failed.into_inner().unwrap_or_default();
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

/// Runs what waits, until nothing does.
fn work(
    waiting: &Mutex<IntoIter<String>>,
    failed: &Mutex<Vec<String>>,
    folder: &Path,
    options: &Options,
) {
    let next = || waiting.lock().ok()?.next();
    while let Some(name) = next() {
        let target = Target::new(name, folder);
        let Err(error) = target.run(options) else {
            continue;
        };
        eprintln!("{}: {error:#}", target.name);
        if let Ok(mut failed) = failed.lock() {
            failed.push(target.name);
        }
    }
}

/// The programs of `fuzz/fuzz_targets`, by name.
fn known_targets() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(workspace::root().join("fuzz/fuzz_targets"))? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        names.extend(stem.map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

fn chosen(wanted: &[String], known: Vec<String>) -> Result<Vec<String>> {
    if wanted.is_empty() {
        return Ok(known);
    }
    if let Some(name) = wanted.iter().find(|name| !known.contains(name)) {
        bail!("no target {name}; there are {}", known.join(", "));
    }
    Ok(wanted.to_vec())
}

/// Builds the targets and says in which folder they are.
fn build(targets: &[String]) -> Result<PathBuf> {
    let root = workspace::root();
    let shared = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let folder = root.join(shared.unwrap_or("target".into())).join("fuzz");
    // named, so that build scripts and macros are built without counters
    let host = process::output(Command::new("rustc").args(["--print", "host-tuple"]))?;
    let host = host.trim();
    let mut command = process::cargo();
    command
        .args(["build", "--release", "--locked", "--target", host])
        .arg("--manifest-path")
        .arg(root.join("fuzz/Cargo.toml"))
        .arg("--target-dir")
        .arg(&folder)
        .args(targets.iter().flat_map(|name| ["--bin", name]))
        .env("RUSTFLAGS", COVERAGE.join(" "));
    process::succeed(&mut command)?;
    Ok(folder.join(host).join("release"))
}

/// One target and its files.
struct Target {
    name: String,
    program: PathBuf,
    /// In the repository.
    kept: PathBuf,
    dictionary: PathBuf,
    /// Of this run: what it finds, what fails, what it says.
    found: PathBuf,
    failures: PathBuf,
    log: PathBuf,
}

impl Target {
    fn new(name: String, folder: &Path) -> Self {
        let home = workspace::root().join("fuzz");
        let scratch = folder.join("runs").join(&name);
        Self {
            program: folder.join(&name),
            kept: home.join("corpus").join(&name),
            dictionary: home.join("dictionaries").join(format!("{name}.dict")),
            found: scratch.join("found"),
            failures: scratch.join("failures"),
            log: scratch.join("log"),
            name,
        }
    }

    fn run(&self, options: &Options) -> Result<()> {
        for folder in [&self.kept, &self.found, &self.failures] {
            fs::create_dir_all(folder)?;
        }
        let mut command = self.command()?;
        command.arg(format!("-max_total_time={}", options.seconds));
        if self.dictionary.is_file() {
            command.arg(format!("-dict={}", self.dictionary.display()));
        }
        let status = command.args([&self.found, &self.kept]).status()?;
        let log = String::from_utf8_lossy(&fs::read(&self.log)?).into_owned();
        if !status.success() {
            bail!("{}", self.told(&log));
        }
        println!("{:14} {}", self.name, summary(&log));
        if options.keep { self.keep() } else { Ok(()) }
    }

    fn command(&self) -> Result<Command> {
        let log = File::create(&self.log).context("could not write the log of a run")?;
        let mut command = Command::new(&self.program);
        command
            .args(BOUNDS)
            .arg(format!("-artifact_prefix={}/", self.failures.display()))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        Ok(command)
    }

    /// What a failing run says, and how to repeat it.
    fn told(&self, log: &str) -> String {
        let lines: Vec<&str> = log.lines().collect();
        let end = lines.split_at(lines.len().saturating_sub(40)).1.join("\n");
        let input = log
            .lines()
            .find_map(|line| line.split_once("Test unit written to "))
            .map_or("INPUT", |(_, path)| path);
        let program = self.program.display();
        format!("{end}\nrepeat it with: {program} {input}")
    }

    /// Replaces the kept corpus by the fewest inputs that reach every edge reached so far.
    fn keep(&self) -> Result<()> {
        let fewest = self.found.with_file_name("fewest");
        if fewest.is_dir() {
            fs::remove_dir_all(&fewest)?;
        }
        fs::create_dir_all(&fewest)?;
        let mut command = self.command()?;
        command
            .args(["-set_cover_merge=1", "-use_counters=0"])
            .args([&fewest, &self.kept, &self.found]);
        process::succeed(&mut command)?;
        fs::remove_dir_all(&self.kept)?;
        fs::create_dir_all(&self.kept)?;
        for entry in fs::read_dir(&fewest)? {
            let entry = entry?;
            fs::copy(entry.path(), self.kept.join(entry.file_name()))?;
        }
        Ok(())
    }
}

/// The last figures of a run: executions, edges, features, inputs.
fn summary(log: &str) -> &str {
    let figures = |line: &&str| line.starts_with('#') && line.contains(" cov: ");
    log.lines().rev().find(figures).unwrap_or("no figures")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_is_not_there_is_refused() {
        let known = || vec!["names".to_owned(), "paths".to_owned()];
        assert_eq!(chosen(&[], known()).unwrap(), known());
        let one = ["paths".to_owned()];
        assert_eq!(chosen(&one, known()).unwrap(), one);
        let error = chosen(&["path".to_owned()], known()).unwrap_err();
        assert_eq!(error.to_string(), "no target path; there are names, paths");
    }

    #[test]
    fn the_last_figures_of_a_run_are_its_summary() {
        let log = "INFO: x\n#2 INITED cov: 3\n#9 DONE cov: 5\nDone 9 runs\n";
        assert_eq!(summary(log), "#9 DONE cov: 5");
        assert_eq!(summary(""), "no figures");
    }

    #[test]
    fn each_target_is_a_program_of_the_fuzz_crate() {
        let manifest = workspace::root().join("fuzz/Cargo.toml");
        let manifest: toml::Table = fs::read_to_string(manifest).unwrap().parse().unwrap();
        let programs = manifest["bin"].as_array().unwrap();
        let mut programs: Vec<&str> = programs
            .iter()
            .filter_map(|program| program["name"].as_str())
            .collect();
        programs.sort_unstable();
        assert_eq!(programs, known_targets().unwrap());
    }
}
