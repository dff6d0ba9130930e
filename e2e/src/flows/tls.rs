//! TLS by certificate files.

use anyhow::{Result, ensure};

use super::Flow;
use crate::content::{Image, write_layout};
use crate::docker::Docker;
use crate::scene::Scene;
use crate::server::{Launch, REGION};
use crate::tool::Tool;

const REPOSITORY: &str = "tls/app";

pub(super) const FLOWS: &[Flow] = &[
    Flow::new("aws", "TLS: create a repository", create),
    Flow::new("crane", "TLS: push and pull", push),
    Flow::new("docker", "TLS: pull", pull),
    Flow::new(
        "crane",
        "TLS: an unknown certificate is refused by the client",
        unknown,
    ),
];

fn create(scene: &mut Scene) -> Result<()> {
    let (certificate, key) = (scene.path("tls.crt"), scene.path("tls.key"));
    let subject = "subjectAltName=DNS:localhost,IP:127.0.0.1";
    Tool::new(&scene.bench, "openssl")?
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=localhost", "-addext", subject])
        .args([
            "-keyout".as_ref(),
            key.as_os_str(),
            "-out".as_ref(),
            certificate.as_os_str(),
        ])
        .run()?;
    scene.server.stop()?;
    let flags = [
        "--tls-cert",
        &certificate.display().to_string(),
        "--tls-key",
        &key.display().to_string(),
    ];
    let flags = flags.map(str::to_owned).to_vec();
    scene.server.launch(
        &scene.bench,
        &Launch {
            flags,
            tls: true,
            ..Launch::default()
        },
    )?;
    aws(scene)?
        .args(["ecr", "create-repository", "--repository-name", REPOSITORY])
        .run()?;
    Ok(())
}

fn push(scene: &mut Scene) -> Result<()> {
    let password = aws(scene)?
        .args(["ecr", "get-login-password"])
        .private_output()
        .run()?;
    scene.bench.remember_secret(password.trim());
    scene.write_docker_config(password.trim())?;
    let layout = scene.folder("layout")?;
    write_layout(&layout, &Image::oci("tls"))?;
    let layout = layout.display().to_string();
    crane(scene)?
        .args(["push", &layout, &tagged(scene)])
        .run()?;
    let digest = crane(scene)?.args(["digest", &tagged(scene)]).run()?;
    ensure!(
        digest.trim() == Image::oci("tls").digest(),
        "digest {digest}"
    );
    crane(scene)?
        .args(["pull", &tagged(scene)])
        .args([scene.path("tls.tar")])
        .run()?;
    Ok(())
}

fn pull(scene: &mut Scene) -> Result<()> {
    scene
        .client("docker")?
        .args(["pull", &tagged(scene)])
        .run()?;
    Docker::Classic.remove(scene, &tagged(scene))
}

fn unknown(scene: &mut Scene) -> Result<()> {
    let output = scene
        .client("crane")?
        .args(["digest", &tagged(scene)])
        .refused()?;
    ensure!(
        output.contains("certificate") || output.contains("x509"),
        "crane says: {output}"
    );
    Ok(())
}

fn tagged(scene: &Scene) -> String {
    format!("{}:v1", scene.uri(REPOSITORY))
}

fn aws(scene: &Scene) -> Result<Tool<'_>> {
    Ok(scene
        .aws_client("aws", REGION)?
        .env("AWS_ENDPOINT_URL", format!("https://{}", scene.host()))
        .env("AWS_CA_BUNDLE", scene.path("tls.crt")))
}

fn crane(scene: &Scene) -> Result<Tool<'_>> {
    Ok(scene
        .client("crane")?
        .env("SSL_CERT_FILE", scene.path("tls.crt")))
}
