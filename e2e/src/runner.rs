//! Runs families of flows and judges the result.

use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use crate::RunOptions;
use crate::flows::{self, Family, Flow};
use crate::report::{Report, Row};
use crate::scene::Scene;
use crate::workbench::Workbench;

/// Flows that must pass; lines may be added, never taken away.
const MINIMUM: &str = include_str!("../minimum.txt");

/// Runs the families and returns whether everything passed.
pub(crate) fn run(names: &[String], options: &RunOptions) -> Result<bool> {
    let families = names
        .iter()
        .map(|name| flows::find(name))
        .collect::<Result<Vec<_>>>()?;
    let binary = match &options.binary {
        Some(path) => path.canonicalize().context("no such server binary")?,
        None => build_server(options.release)?,
    };
    let bench = Rc::new(Workbench::create(binary, options.postgres.clone())?);
    let mut report = Report::default();
    for family in &families {
        run_family(&bench, family, &mut report);
    }
    search_for_secrets(&bench, &mut report);
    let passed = judge(&families, &report);
    if (!passed || options.keep)
        && let Some(bench) = Rc::into_inner(bench)
    {
        println!("captured output: {}", bench.keep().display());
    }
    Ok(passed)
}

fn run_family(bench: &Rc<Workbench>, family: &Family, report: &mut Report) {
    println!("--- {}", family.name);
    let started = Instant::now();
    match Scene::open(bench, family.name) {
        Ok(mut scene) => {
            for flow in family.flows() {
                report.add(run_flow(flow, &mut scene));
            }
        }
        Err(error) => {
            for flow in family.flows() {
                report.add(row(flow, Some(format!("{error:#}")), started.elapsed()));
            }
        }
    }
}

fn run_flow(flow: &Flow, scene: &mut Scene) -> Row {
    let started = Instant::now();
    // A flow that panics is a failed flow, not the end of the run.
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| (flow.run)(scene)))
        .unwrap_or_else(|_| Err(anyhow!("the flow panicked")));
    row(
        flow,
        outcome.err().map(|error| format!("{error:#}")),
        started.elapsed(),
    )
}

fn row(flow: &Flow, failure: Option<String>, took: Duration) -> Row {
    Row {
        client: flow.client.to_owned(),
        flow: flow.name.to_owned(),
        failure,
        took,
    }
}

fn search_for_secrets(bench: &Workbench, report: &mut Report) {
    let started = Instant::now();
    let failure = match (bench.search_extent(), bench.leaks()) {
        (Ok((secrets, files)), Ok(leaking)) if secrets > 0 && files > 0 && leaking.is_empty() => {
            None
        }
        (Ok((0, _) | (_, 0)), _) => Some("there was nothing to search".to_owned()),
        (Ok(_), Ok(leaking)) => Some(format!("secrets appear in {leaking:?}")),
        (Err(error), _) | (_, Err(error)) => Some(format!("{error:#}")),
    };
    report.add(Row {
        client: "harness".to_owned(),
        flow: "no secret in any captured output".to_owned(),
        failure,
        took: started.elapsed(),
    });
}

fn judge(families: &[&Family], report: &Report) -> bool {
    let covered = |line: &str| {
        line == "harness no secret in any captured output"
            || families
                .iter()
                .flat_map(|family| family.flows())
                .any(|flow| flow.line() == line)
            || families.len() == flows::names().len()
    };
    let missing = report.missing(MINIMUM, covered);
    println!("\n{}", report.table());
    for line in &missing {
        println!("below the minimum: {line}");
    }
    let (passed, failed) = report.counts();
    println!("flows: {passed} passed, {failed} failed");
    failed == 0 && missing.is_empty()
}

/// Builds the server of this workspace and returns its path.
pub(crate) fn build_server(release: bool) -> Result<PathBuf> {
    let mut build = Command::new("cargo");
    build.args(["build", "--quiet", "--package", "ecru-server"]);
    if release {
        build.arg("--release");
    }
    if !build.status().context("cargo cannot be started")?.success() {
        bail!("the server does not build");
    }
    let profile = if release { "release" } else { "debug" };
    Ok(target_directory()?.join(profile).join("ecru"))
}

/// Where cargo puts what it builds.
pub(crate) fn target_directory() -> Result<PathBuf> {
    let output = Command::new("cargo")
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .output()?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let path = metadata["target_directory"]
        .as_str()
        .context("cargo names no target directory")?;
    Ok(Path::new(path).to_owned())
}
