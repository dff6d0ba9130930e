//! docker: what a developer does in the first five minutes.

use std::fs;

use anyhow::{Result, bail, ensure};

use super::Flow;
use crate::scene::Scene;
use crate::tool::Tool;

const REPOSITORY: &str = "team/hello";
const GREETING: &str = "hello from a pushed image";

pub(super) const FLOWS: &[Flow] = &[
    Flow::new(
        "docker",
        "login with a wrong password is refused",
        login_wrong,
    ),
    Flow::new("docker", "login with aws ecr get-login-password", login),
    Flow::new("docker", "build FROM scratch", build),
    Flow::new("docker", "push", push),
    Flow::new("docker", "pull", pull),
    Flow::new("docker", "run", run),
    Flow::new("docker", "push again", push_again),
    Flow::new("docker", "latest without a tag", latest_without_tag),
    Flow::new("docker", "push and pull latest", push_latest),
    Flow::new(
        "docker",
        "push to a repository that does not exist is refused",
        push_unknown,
    ),
];

fn login_wrong(scene: &mut Scene) -> Result<()> {
    scene.forget_logins()?;
    let host = scene.host();
    let login = ["login", "--username", "AWS", "--password-stdin", &host];
    scene
        .client("docker")?
        .args(login)
        .input("not-a-token")?
        .refused()?;
    Ok(())
}

fn login(scene: &mut Scene) -> Result<()> {
    scene.forget_logins()?;
    scene.create_repository(REPOSITORY)?;
    let password = scene
        .aws(&["ecr", "get-login-password"])?
        .private_output()
        .run()?;
    let password = password.trim();
    scene.bench.remember_secret(password);
    let host = scene.host();
    let login = ["login", "--username", "AWS", "--password-stdin", &host];
    let output = scene.client("docker")?.args(login).input(password)?.run()?;
    ensure!(
        output.contains("Login Succeeded"),
        "unexpected output: {output}"
    );
    Ok(())
}

fn build(scene: &mut Scene) -> Result<()> {
    let context = scene.folder("context")?;
    let program = format!("package main\n\nfunc main() {{ print(\"{GREETING}\\n\") }}\n");
    fs::write(context.join("main.go"), program)?;
    Tool::new(&scene.bench, "go")?
        .args(["build", "-ldflags", "-s -w", "-o", "hello", "main.go"])
        .env("CGO_ENABLED", "0")
        .directory(&context)
        .run()?;
    fs::write(
        context.join("Dockerfile"),
        "FROM scratch\nCOPY hello /hello\nENTRYPOINT [\"/hello\"]\n",
    )?;
    docker(
        scene,
        &["build", "--quiet", "--tag", &tagged(scene, "v1"), "."],
    )?;
    Ok(())
}

fn push(scene: &mut Scene) -> Result<()> {
    docker(scene, &["push", &tagged(scene, "v1")])?;
    let described = scene.call(
        "DescribeImages",
        &serde_json::json!({"repositoryName": REPOSITORY}),
    )?;
    ensure!(
        described["imageDetails"][0]["imageTags"][0] == "v1",
        "not described: {described}"
    );
    Ok(())
}

fn pull(scene: &mut Scene) -> Result<()> {
    let image = tagged(scene, "v1");
    let before = image_id(scene, &image)?;
    remove(scene, &image)?;
    docker(scene, &["pull", "--quiet", &image])?;
    let after = image_id(scene, &image)?;
    ensure!(before == after, "pulled {after}, pushed {before}");
    Ok(())
}

fn run(scene: &mut Scene) -> Result<()> {
    let image = tagged(scene, "v1");
    // Without a network the container needs nothing of the host but its kernel. `print` writes to standard error.
    let container = docker(scene, &["create", "--network", "none", &image])?;
    let container = container.trim();
    docker(scene, &["start", container])?;
    let status = docker(scene, &["wait", container])?;
    let logs = scene
        .client("sh")?
        .args(["-c", "docker logs \"$0\" 2>&1", container])
        .run()?;
    docker(scene, &["rm", container])?;
    ensure!(
        status.trim() == "0" && logs.contains(GREETING),
        "exit {}: {logs}",
        status.trim()
    );
    Ok(())
}

fn push_again(scene: &mut Scene) -> Result<()> {
    let output = docker(scene, &["push", &tagged(scene, "v1")])?;
    ensure!(
        output.contains("Layer already exists"),
        "layers were sent again: {output}"
    );
    Ok(())
}

fn latest_without_tag(scene: &mut Scene) -> Result<()> {
    let (image, bare) = (tagged(scene, "v1"), scene.uri(REPOSITORY));
    let pushed = image_id(scene, &image)?;
    remove(scene, &image)?;
    docker(scene, &["pull", "--quiet", &bare])?;
    let pulled = image_id(scene, &bare)?;
    ensure!(
        pulled == pushed,
        "latest is {pulled}, the newest image is {pushed}"
    );
    Ok(())
}

fn push_latest(scene: &mut Scene) -> Result<()> {
    let bare = scene.uri(REPOSITORY);
    docker(scene, &["push", &bare])?;
    remove(scene, &bare)?;
    docker(scene, &["pull", "--quiet", &bare])?;
    remove(scene, &bare)
}

fn push_unknown(scene: &mut Scene) -> Result<()> {
    let (known, unknown) = (tagged(scene, "v1"), scene.uri("team/absent"));
    docker(scene, &["pull", "--quiet", &known])?;
    docker(scene, &["tag", &known, &unknown])?;
    let output = scene.client("docker")?.args(["push", &unknown]).refused()?;
    remove(scene, &unknown)?;
    remove(scene, &known)?;
    if !output.contains("does not exist in the registry") {
        bail!("not the registry's words: {output}");
    }
    Ok(())
}

fn tagged(scene: &Scene, tag: &str) -> String {
    format!("{}:{tag}", scene.uri(REPOSITORY))
}

/// Runs docker in the build context.
fn docker(scene: &Scene, arguments: &[&str]) -> Result<String> {
    scene
        .client("docker")?
        .directory(scene.folder("context")?)
        .args(arguments)
        .run()
}

/// Local image id.
pub(super) fn image_id(scene: &Scene, image: &str) -> Result<String> {
    let output = scene
        .client("docker")?
        .args(["image", "inspect", "--format", "{{.Id}}", image])
        .run()?;
    Ok(output.trim().to_owned())
}

/// Removes a local image.
pub(super) fn remove(scene: &Scene, image: &str) -> Result<()> {
    scene
        .client("docker")?
        .args(["image", "rm", "--force", image])
        .run()?;
    Ok(())
}
