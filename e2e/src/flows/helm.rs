//! helm: charts in the registry.

use std::fs;

use anyhow::{Result, ensure};

use super::Flow;
use crate::scene::Scene;
use crate::tool::Tool;

pub(super) const FLOWS: &[Flow] = &[
    Flow::new("helm", "registry login", login),
    Flow::new("helm", "push a chart", push),
    Flow::new("helm", "pull a chart", pull),
    Flow::new("helm", "show and template from the registry", show),
];

fn login(scene: &mut Scene) -> Result<()> {
    scene.forget_logins()?;
    scene.create_repository("charts/demo")?;
    let host = scene.host();
    let login = [
        "registry",
        "login",
        "--plain-http",
        "--username",
        "AWS",
        "--password-stdin",
        &host,
    ];
    helm(scene)?.args(login).input(&scene.password)?.run()?;
    let folder = scene.folder("charts")?;
    helm(scene)?
        .directory(&folder)
        .args(["create", "demo"])
        .run()?;
    helm(scene)?
        .directory(&folder)
        .args(["package", "demo", "--version", "1.2.3"])
        .run()?;
    Ok(())
}

fn push(scene: &mut Scene) -> Result<()> {
    let (chart, to) = (
        scene.path("charts/demo-1.2.3.tgz"),
        format!("oci://{}", scene.uri("charts")),
    );
    helm(scene)?
        .args(["push", "--plain-http"])
        .args([&chart])
        .args([&to])
        .run()?;
    let input = serde_json::json!({"repositoryName": "charts/demo"});
    let described = scene.call("DescribeImages", &input)?;
    let kind = &described["imageDetails"][0]["artifactMediaType"];
    ensure!(
        kind == "application/vnd.cncf.helm.config.v1+json",
        "described as {kind}"
    );
    Ok(())
}

fn pull(scene: &mut Scene) -> Result<()> {
    let (folder, from) = (
        scene.folder("pulled")?,
        format!("oci://{}", scene.uri("charts/demo")),
    );
    helm(scene)?
        .directory(&folder)
        .args(["pull", "--plain-http", &from, "--version", "1.2.3"])
        .run()?;
    let (sent, received) = (
        fs::read(scene.path("charts/demo-1.2.3.tgz"))?,
        fs::read(folder.join("demo-1.2.3.tgz"))?,
    );
    ensure!(sent == received, "the chart changed on its way");
    Ok(())
}

fn show(scene: &mut Scene) -> Result<()> {
    let from = format!("oci://{}", scene.uri("charts/demo"));
    let chart = helm(scene)?
        .args(["show", "chart", "--plain-http", &from, "--version", "1.2.3"])
        .run()?;
    ensure!(chart.contains("name: demo"), "not the chart: {chart}");
    helm(scene)?
        .args([
            "template",
            "--plain-http",
            "demo",
            &from,
            "--version",
            "1.2.3",
        ])
        .run()?;
    Ok(())
}

fn helm(scene: &Scene) -> Result<Tool<'_>> {
    Ok(scene
        .client("helm")?
        .env("HELM_CONFIG_HOME", scene.folder("helm/config")?)
        .env("HELM_CACHE_HOME", scene.folder("helm/cache")?)
        .env("HELM_DATA_HOME", scene.folder("helm/data")?))
}
