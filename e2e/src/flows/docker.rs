//! docker: what a developer does in the first five minutes.

use std::fs;

use anyhow::{Result, bail, ensure};

use super::Flow;
use crate::docker::Docker;
use crate::scene::Scene;
use crate::tool::Tool;

const NAME: &str = "hello";
const GREETING: &str = "hello from a pushed image";

pub(super) const FLOWS: &[Flow] = with_each_store![
    "login with a wrong password is refused" => login_wrong,
    "login with aws ecr get-login-password" => login,
    "build FROM scratch" => build,
    "push" => push,
    "pull" => pull,
    "run" => run,
    "push again" => push_again,
    "latest without a tag" => latest_without_tag,
    "push and pull latest" => push_latest,
    "push to a repository that does not exist is refused" => push_unknown,
];

fn login_wrong(scene: &mut Scene, docker: Docker) -> Result<()> {
    scene.forget_logins()?;
    let host = scene.host();
    let login = ["login", "--username", "AWS", "--password-stdin", &host];
    docker
        .tool(scene)?
        .args(login)
        .input("not-a-token")?
        .refused()?;
    Ok(())
}

fn login(scene: &mut Scene, docker: Docker) -> Result<()> {
    scene.forget_logins()?;
    scene.create_repository(&docker.repository(NAME))?;
    let password = scene
        .aws(&["ecr", "get-login-password"])?
        .private_output()
        .run()?;
    let password = password.trim();
    scene.bench.remember_secret(password);
    let host = scene.host();
    let login = ["login", "--username", "AWS", "--password-stdin", &host];
    let output = docker.tool(scene)?.args(login).input(password)?.run()?;
    ensure!(
        output.contains("Login Succeeded"),
        "unexpected output: {output}"
    );
    Ok(())
}

fn build(scene: &mut Scene, docker: Docker) -> Result<()> {
    let context = scene.folder("context")?;
    let program = format!(
        "package main\n\nimport \"os\"\n\nfunc main() {{ os.Stdout.WriteString(\"{GREETING}\\n\") }}\n"
    );
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
    docker
        .tool(scene)?
        .directory(&context)
        .args([
            "build",
            "--quiet",
            "--tag",
            &tagged(scene, docker, "v1"),
            ".",
        ])
        .run()?;
    Ok(())
}

fn push(scene: &mut Scene, docker: Docker) -> Result<()> {
    docker.run(scene, &["push", &tagged(scene, docker, "v1")])?;
    let described = scene.call(
        "DescribeImages",
        &serde_json::json!({"repositoryName": docker.repository(NAME)}),
    )?;
    ensure!(
        described["imageDetails"][0]["imageTags"][0] == "v1",
        "not described: {described}"
    );
    Ok(())
}

fn pull(scene: &mut Scene, docker: Docker) -> Result<()> {
    let image = tagged(scene, docker, "v1");
    let before = docker.image_id(scene, &image)?;
    docker.remove(scene, &image)?;
    docker.run(scene, &["pull", "--quiet", &image])?;
    let after = docker.image_id(scene, &image)?;
    ensure!(before == after, "pulled {after}, pushed {before}");
    Ok(())
}

fn run(scene: &mut Scene, docker: Docker) -> Result<()> {
    let image = tagged(scene, docker, "v1");
    // Without a network the container needs nothing of the host but its kernel.
    let container = docker.run(scene, &["create", "--network", "none", &image])?;
    let container = container.trim();
    docker.run(scene, &["start", container])?;
    let status = docker.run(scene, &["wait", container])?;
    let logs = docker.run(scene, &["logs", container])?;
    docker.run(scene, &["rm", container])?;
    ensure!(
        status.trim() == "0" && logs.contains(GREETING),
        "exit {}: {logs}",
        status.trim()
    );
    Ok(())
}

fn push_again(scene: &mut Scene, docker: Docker) -> Result<()> {
    let output = docker.run(scene, &["push", &tagged(scene, docker, "v1")])?;
    ensure!(
        output.contains("Layer already exists"),
        "layers were sent again: {output}"
    );
    Ok(())
}

fn latest_without_tag(scene: &mut Scene, docker: Docker) -> Result<()> {
    let (image, bare) = (
        tagged(scene, docker, "v1"),
        scene.uri(&docker.repository(NAME)),
    );
    let pushed = docker.image_id(scene, &image)?;
    docker.remove(scene, &image)?;
    docker.run(scene, &["pull", "--quiet", &bare])?;
    let pulled = docker.image_id(scene, &bare)?;
    ensure!(
        pulled == pushed,
        "latest is {pulled}, the newest image is {pushed}"
    );
    Ok(())
}

fn push_latest(scene: &mut Scene, docker: Docker) -> Result<()> {
    let bare = scene.uri(&docker.repository(NAME));
    docker.run(scene, &["push", &bare])?;
    docker.remove(scene, &bare)?;
    docker.run(scene, &["pull", "--quiet", &bare])?;
    docker.remove(scene, &bare)
}

fn push_unknown(scene: &mut Scene, docker: Docker) -> Result<()> {
    let (known, unknown) = (tagged(scene, docker, "v1"), scene.uri("team/absent"));
    docker.run(scene, &["pull", "--quiet", &known])?;
    docker.run(scene, &["tag", &known, &unknown])?;
    let output = docker.refused(scene, &["push", &unknown])?;
    docker.remove(scene, &unknown)?;
    docker.remove(scene, &known)?;
    if !output.contains("does not exist in the registry") {
        bail!("not the registry's words: {output}");
    }
    Ok(())
}

fn tagged(scene: &Scene, docker: Docker, tag: &str) -> String {
    format!("{}:{tag}", scene.uri(&docker.repository(NAME)))
}
