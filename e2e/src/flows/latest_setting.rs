//! `latest` under the registry setting's other values, `explicit` (as ECR) and `follow`.

use anyhow::Result;

use super::Flow;
use super::latest::{Eye, Look};
use crate::scene::Scene;
use crate::server::Launch;

pub(super) const FLOWS: &[Flow] = &[
    Flow::new(
        "crane",
        "latest: explicit answers only a tag that was set",
        |scene| explicit(scene, Eye::Crane),
    ),
    Flow::new(
        "docker",
        "latest: explicit answers only a tag that was set",
        |scene| explicit(scene, Eye::Docker),
    ),
    Flow::new(
        "crane",
        "latest: follow moves the tag at each push",
        |scene| follow(scene, Eye::Crane),
    ),
    Flow::new(
        "docker",
        "latest: follow moves the tag at each push",
        |scene| follow(scene, Eye::Docker),
    ),
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
        Eye::Docker => "docker",
    };
    let look = Look {
        eye,
        repository: format!("{name}/{setting}"),
    };
    scene.create_repository(&look.repository)?;
    Ok(look)
}
