//! `latest` under the registry setting's other values, `explicit` (as ECR) and `follow`.

use anyhow::Result;

use super::Flow;
use super::latest::{Eye, Look};
use crate::docker::Docker;
use crate::scene::Scene;
use crate::server::Launch;

macro_rules! settings {
    ($($name:literal => $setting:ident),+ $(,)?) => {
        &[$(
            Flow::new("crane", $name, |scene| $setting(scene, Eye::Crane)),
            Flow::new(Docker::Classic.client(), $name, |scene| {
                $setting(scene, Eye::Docker(Docker::Classic))
            }),
            Flow::new(Docker::Containerd.client(), $name, |scene| {
                $setting(scene, Eye::Docker(Docker::Containerd))
            }),
        )+]
    };
}

pub(super) const FLOWS: &[Flow] = settings![
    "latest: explicit answers only a tag that was set" => explicit,
    "latest: follow moves the tag at each push" => follow,
];

fn explicit(scene: &mut Scene, eye: Eye) -> Result<()> {
    let look = restart(scene, eye, "explicit")?;
    look.push(scene, "v1", "one")?;
    look.expect_none(scene)?;
    let second = look.push(scene, "latest", "two")?;
    look.expect(scene, &second)
}

fn follow(scene: &mut Scene, eye: Eye) -> Result<()> {
    let look = restart(scene, eye, "follow")?;
    for seed in ["one", "two"] {
        let digest = look.push(scene, seed, seed)?;
        look.expect(scene, &digest)?;
    }
    let tags = scene
        .registry("GET", &format!("/v2/{}/tags/list", look.repository))
        .send(scene.port())?;
    anyhow::ensure!(
        tags.json()["tags"] == serde_json::json!(["latest", "one", "two"]),
        "tags: {}",
        tags.excerpt()
    );
    Ok(())
}

fn restart(scene: &mut Scene, eye: Eye, setting: &str) -> Result<Look> {
    scene.server.stop()?;
    let flags = vec!["--latest".to_owned(), setting.to_owned()];
    scene.relaunch(&Launch {
        flags,
        ..Launch::default()
    })?;
    let name = match eye {
        Eye::Crane => "crane",
        Eye::Docker(docker) => docker.client(),
    };
    let look = Look {
        eye,
        repository: format!("{name}/{setting}"),
    };
    scene.create_repository(&look.repository)?;
    Ok(look)
}
