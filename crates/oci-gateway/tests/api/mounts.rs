//! Mounting blobs of other repositories.

use ecru_domain::Digest;

use crate::world::World;

async fn mount(world: &World, query: &str) -> crate::world::Answer {
    let path = format!("/v2/team/app/blobs/uploads/?{query}");
    world.send("POST", &path, &[], "").await
}

#[tokio::test]
async fn a_pullable_layer_is_mounted() {
    let world = World::new().await;
    world.create("team/base").await;
    world.push_image("team/base", Some("v1"), "base").await;
    let layer = Digest::sha256(b"layer of base");
    for from in [
        "team%2Fbase",
        "000000000000/team/base",
        "000000000000.us-east-1%2Fteam%2Fbase",
    ] {
        let answer = mount(&world, &format!("mount={layer}&from={from}")).await;
        assert_eq!(answer.status, 201, "{from}");
        assert_eq!(answer.location(), format!("/v2/team/app/blobs/{layer}"));
        assert_eq!(answer.header("docker-content-digest"), Some(layer.as_str()));
    }
    let answer = world.get(&format!("/v2/team/app/blobs/{layer}")).await;
    assert_eq!(answer.body, "layer of base");
}

#[tokio::test]
async fn everything_else_is_an_upload_that_works() {
    let world = World::new().await;
    world.create("team/base").await;
    world.push_image("team/base", Some("v1"), "base").await;
    let layer = Digest::sha256(b"layer of base");
    let unknown = Digest::sha256(b"unknown");
    for query in [
        format!("mount={layer}"),
        format!("mount={unknown}&from=team/base"),
        format!("mount={layer}&from=team/nowhere"),
        format!("mount={layer}&from=BAD//name"),
        format!("mount={layer}&from=111111111111/team/base"),
        format!("mount={layer}&from=000000000000.eu-west-1/team/base"),
    ] {
        let answer = mount(&world, &query).await;
        assert_eq!(answer.status, 202, "{query}");
        assert_eq!(answer.header("range"), Some("0-0"), "{query}");
        let path = format!("{}?digest={}", answer.location(), Digest::sha256(b"x"));
        assert_eq!(
            world.send("PUT", &path, &[], "x").await.status,
            201,
            "{query}"
        );
    }
    let answer = mount(&world, "mount=sha256:zz&from=team/base").await;
    assert_eq!(answer.refusal(), (400, "DIGEST_INVALID".to_owned()));
}
