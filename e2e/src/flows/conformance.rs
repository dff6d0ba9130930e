//! The OCI conformance suite of the distribution specification, with every switch on.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Flow;
use crate::scene::Scene;

pub(super) const FLOWS: &[Flow] = &[
    Flow::new("conformance", "OCI distribution 1.1", |scene| {
        suite(scene, "1.1")
    }),
    Flow::new("conformance", "OCI distribution dev", |scene| {
        suite(scene, "dev")
    }),
];

fn suite(scene: &mut Scene, version: &str) -> Result<()> {
    let prefix = if version == "dev" { "dev" } else { "stable" };
    let repositories = [format!("{prefix}/first"), format!("{prefix}/second")];
    for repository in &repositories {
        scene.create_repository(repository)?;
    }
    let results = scene.folder(&format!("results-{prefix}"))?;
    let outcome = scene
        .client("conformance")?
        .directory(&results)
        .env("OCI_REGISTRY", scene.host())
        .env("OCI_TLS", "disabled")
        .env("OCI_REPO1", &repositories[0])
        .env("OCI_REPO2", &repositories[1])
        .env("OCI_USERNAME", "AWS")
        .env("OCI_PASSWORD", &scene.password)
        .env("OCI_VERSION", version)
        .env("OCI_RESULTS_DIR", &results)
        .limit(Duration::from_mins(10))
        .run();
    let report =
        fs::read_to_string(results.join("junit.xml")).context("the suite left no report")?;
    let [tests, failures, skipped] =
        ["tests", "failures", "skipped"].map(|name| total(&report, name));
    println!(
        "      {version}: {tests} tests, {failures} failures, {skipped} skipped by the registry's own answers"
    );
    outcome?;
    ensure!(tests > 0 && failures == 0, "{failures} of {tests} failed");
    Ok(())
}

/// Value of an attribute of the report's root element.
fn total(report: &str, attribute: &str) -> u32 {
    let marker = format!("{attribute}=\"");
    let value = report
        .split_once(&marker)
        .and_then(|(_, rest)| rest.split_once('"'));
    value
        .and_then(|(number, _)| number.parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_come_from_the_root_element() {
        let report = r#"<testsuites tests="12" failures="3"><testsuite tests="5" failures="1"/></testsuites>"#;
        assert_eq!((total(report, "tests"), total(report, "failures")), (12, 3));
    }
}
