//! Addresses: a URI names one repository, whoever asks. The same name in two regions, and the path form.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Flow;
use crate::content::Image;
use crate::docker::Docker;
use crate::scene::Scene;
use crate::server::{ACCOUNT, REGION};

const REPOSITORY: &str = "team/app";
const OTHER_REGION: &str = "eu-west-1";

pub(super) const FLOWS: &[Flow] = &[
    Flow::new(
        "aws",
        "the same repository name in two regions",
        create_in_two_regions,
    ),
    Flow::new(
        "docker",
        "push by the repositoryUri of each region",
        push_to_each,
    ),
    Flow::new(
        "docker",
        "pull by the repositoryUri of each region",
        pull_from_each,
    ),
    Flow::new(
        "docker",
        "pull by the path form with account and region",
        pull_by_path,
    ),
    Flow::new(
        "docker",
        "pull by the path form with account alone",
        pull_by_account,
    ),
    Flow::new(
        "docker",
        "a token of another region is refused",
        other_token,
    ),
    Flow::new(
        "crane",
        "path form: ls and copy between regions",
        crane_paths,
    ),
    Flow::new(
        "wire",
        "the AWS host name names account and region",
        host_names,
    ),
];

fn create_in_two_regions(scene: &mut Scene) -> Result<()> {
    for region in [REGION, OTHER_REGION] {
        let create = ["ecr", "create-repository", "--repository-name", REPOSITORY];
        scene.aws_client("aws", region)?.args(create).run()?;
    }
    ensure!(
        uri(scene, REGION)? == scene.uri(REPOSITORY),
        "the server's own registry is bare"
    );
    let segment = Scene::segment(OTHER_REGION);
    let expected = format!("{}/{segment}/{REPOSITORY}", scene.host());
    let actual = uri(scene, OTHER_REGION)?;
    ensure!(
        actual == expected,
        "repositoryUri {actual} instead of {expected}"
    );
    Ok(())
}

fn push_to_each(scene: &mut Scene) -> Result<()> {
    for region in [REGION, OTHER_REGION] {
        login(scene, region)?;
        let to = format!("{}:v1", uri(scene, region)?);
        docker(
            scene,
            &["build", "--quiet", "--tag", &to, &context(scene, region)?],
        )?;
        docker(scene, &["push", &to])?;
    }
    Ok(())
}

fn pull_from_each(scene: &mut Scene) -> Result<()> {
    let mut ids = Vec::new();
    for region in [REGION, OTHER_REGION] {
        login(scene, region)?;
        let image = format!("{}:v1", uri(scene, region)?);
        let pushed = Docker::Classic.image_id(scene, &image)?;
        Docker::Classic.remove(scene, &image)?;
        docker(scene, &["pull", "--quiet", &image])?;
        ensure!(
            Docker::Classic.image_id(scene, &image)? == pushed,
            "{region}: another image came back"
        );
        ids.push(pushed);
    }
    ensure!(
        ids.first() != ids.last(),
        "both regions hold the same image"
    );
    Ok(())
}

fn pull_by_path(scene: &mut Scene) -> Result<()> {
    login(scene, REGION)?;
    pull_is_home_image(
        scene,
        &format!(
            "{}/{}/{REPOSITORY}:v1",
            scene.host(),
            Scene::segment(REGION)
        ),
    )
}

fn pull_by_account(scene: &mut Scene) -> Result<()> {
    login(scene, REGION)?;
    pull_is_home_image(
        scene,
        &format!("{}/{ACCOUNT}/{REPOSITORY}:v1", scene.host()),
    )
}

fn pull_is_home_image(scene: &Scene, image: &str) -> Result<()> {
    docker(scene, &["pull", "--quiet", image])?;
    let same = Docker::Classic.image_id(scene, image)?
        == Docker::Classic.image_id(scene, &format!("{}:v1", scene.uri(REPOSITORY)))?;
    Docker::Classic.remove(scene, image)?;
    ensure!(same, "{image} is another image");
    Ok(())
}

fn other_token(scene: &mut Scene) -> Result<()> {
    login(scene, REGION)?;
    let image = format!("{}:v1", uri(scene, OTHER_REGION)?);
    Docker::Classic.remove(scene, &image)?;
    scene
        .client("docker")?
        .args(["pull", "--quiet", &image])
        .refused()?;
    Docker::Classic.remove(scene, &format!("{}:v1", scene.uri(REPOSITORY)))
}

fn crane_paths(scene: &mut Scene) -> Result<()> {
    let foreign = uri(scene, OTHER_REGION)?;
    scene.write_docker_config(&scene.password_for(OTHER_REGION)?)?;
    let tags = super::crane::crane(scene, &["ls", &foreign])?;
    ensure!(tags.trim() == "v1", "tags: {tags}");
    let there = super::crane::crane(scene, &["digest", &format!("{foreign}:v1")])?;
    scene.write_docker_config(&scene.password)?;
    let here = super::crane::crane(scene, &["digest", &format!("{}:v1", scene.uri(REPOSITORY))])?;
    ensure!(here != there, "both regions answer the same digest");
    scene
        .client("crane")?
        .args(["--insecure", "ls", &foreign])
        .refused()?;
    Ok(())
}

fn host_names(scene: &mut Scene) -> Result<()> {
    scene.push_image(REPOSITORY, Some("named"), &Image::oci("host-names"))?;
    let foreign = scene.password_for(OTHER_REGION)?;
    let cases = [
        (
            format!("{ACCOUNT}.dkr.ecr.{REGION}.example.test"),
            &scene.password,
            200,
        ),
        (
            format!("{ACCOUNT}.dkr-ecr.{REGION}.example.test:{}", scene.port()),
            &scene.password,
            200,
        ),
        (
            format!("{ACCOUNT}.dkr.ecr-fips.{REGION}.example.test"),
            &scene.password,
            200,
        ),
        (
            format!("{ACCOUNT}.dkr.ecr.{OTHER_REGION}.example.test"),
            &foreign,
            404,
        ),
        ("anything.example.test".to_owned(), &scene.password, 200),
        ("192.0.2.7:5050".to_owned(), &scene.password, 200),
    ];
    for (host, password, status) in cases {
        let target = format!("/v2/{REPOSITORY}/manifests/named");
        let request = crate::wire::Request::new("HEAD", &target).header("host", &host);
        let answer = crate::api::authenticated(request, password).send(scene.port())?;
        ensure!(
            answer.status == status,
            "{host}: {} instead of {status}",
            answer.status
        );
    }
    Ok(())
}

/// The repositoryUri as `DescribeRepositories` gives it.
fn uri(scene: &Scene, region: &str) -> Result<String> {
    let describe = [
        "ecr",
        "describe-repositories",
        "--repository-names",
        REPOSITORY,
    ];
    let output = scene.aws_client("aws", region)?.args(describe).run()?;
    let output: Value = serde_json::from_str(&output)?;
    let uri = output["repositories"][0]["repositoryUri"]
        .as_str()
        .context("no repositoryUri")?;
    Ok(uri.to_owned())
}

fn login(scene: &Scene, region: &str) -> Result<()> {
    let password = scene.password_for(region)?;
    let host = scene.host();
    let login = ["login", "--username", "AWS", "--password-stdin", &host];
    match scene.client("docker")?.args(login).input(&password)?.run() {
        Ok(_) => Ok(()),
        // The login endpoint belongs to the server's region; the token of another one is used by path alone.
        Err(_) if region != REGION => scene.write_docker_config(&password),
        Err(error) => Err(error),
    }
}

fn context(scene: &Scene, region: &str) -> Result<String> {
    let folder = scene.folder(&format!("context-{region}"))?;
    std::fs::write(folder.join("region.txt"), region)?;
    std::fs::write(
        folder.join("Dockerfile"),
        "FROM scratch\nCOPY region.txt /\nCMD [\"/none\"]\n",
    )?;
    Ok(folder.display().to_string())
}

fn docker(scene: &Scene, arguments: &[&str]) -> Result<String> {
    scene.client("docker")?.args(arguments).run()
}
