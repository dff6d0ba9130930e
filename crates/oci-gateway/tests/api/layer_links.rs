//! Layers by link.

use std::time::Duration;

use ecru_domain::{Digest, RepositoryName};
use http::Request;
use http_body_util::Empty;

use crate::world::{Answer, World};

async fn linked(world: &World) -> String {
    world.push_image("team/app", Some("v1"), "a").await;
    let (context, digest) = (world.context("us-east-1"), Digest::sha256(b"layer of a"));
    let name = RepositoryName::parse("team/app").unwrap();
    let layers = &world.services.layers;
    let sealed = layers
        .download_link(&context, &world.home, &name, &digest)
        .await;
    format!("/layer/{}", sealed.unwrap())
}

/// Without credentials: the link is the credential.
async fn follow(world: &World, method: &str, path: &str, range: Option<&str>) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(range) = range {
        request = request.header("range", range);
    }
    world
        .raw(request.body(Empty::<bytes::Bytes>::new()).unwrap())
        .await
}

#[tokio::test]
async fn a_link_opens_its_layer_with_ranges() {
    let world = World::new().await;
    let path = linked(&world).await;
    let answer = follow(&world, "GET", &path, None).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body[..]),
        (200, &b"layer of a"[..])
    );
    assert_eq!(answer.route, "layer.link");
    let part = follow(&world, "GET", &path, Some("bytes=0-4")).await;
    assert_eq!((part.status.as_u16(), &part.body[..]), (206, &b"layer"[..]));
    let head = follow(&world, "HEAD", &path, None).await;
    assert_eq!(head.header("content-length"), Some("10"));
    assert!(head.body.is_empty());
}

#[tokio::test]
async fn links_that_do_not_open_are_forbidden_without_a_challenge() {
    let world = World::new().await;
    let path = linked(&world).await;
    let last = if path.ends_with('A') { 'B' } else { 'A' };
    let flipped = format!("{}{last}", &path[..path.len() - 1]);
    for bad in [
        "/layer/x",
        &path[..path.len() - 4],
        &flipped,
        &format!("/layer/{}", world.password),
    ] {
        let answer = follow(&world, "GET", bad, None).await;
        assert_eq!(answer.refusal(), (403, "DENIED".to_owned()), "{bad}");
        assert_eq!(answer.header("www-authenticate"), None);
    }
    let answer = follow(&world, "PUT", &path, None).await;
    assert_eq!(
        answer.status.as_u16(),
        401,
        "only GET and HEAD follow a link"
    );
    world.turn(Duration::from_secs(3_601));
    let answer = follow(&world, "GET", &path, None).await;
    assert_eq!(answer.refusal(), (403, "DENIED".to_owned()));
}

#[tokio::test]
async fn a_link_ends_with_the_access_key_and_with_the_image() {
    let world = World::new().await;
    let path = linked(&world).await;
    let digest = world.get("/v2/team/app/manifests/v1").await;
    let digest = digest.header("docker-content-digest").unwrap();
    let image = format!("/v2/team/app/manifests/{digest}");
    assert_eq!(world.send("DELETE", &image, &[], "").await.status, 202);
    world
        .services
        .collection
        .run_once(world.context("us-east-1").time)
        .await
        .unwrap();
    let answer = follow(&world, "GET", &path, None).await;
    assert_eq!(answer.refusal(), (404, "BLOB_UNKNOWN".to_owned()));

    let path = linked(&world).await;
    world.set_root_key("AKIABBBBBBBBBBBBBBBB").await;
    let answer = follow(&world, "GET", &path, None).await;
    assert_eq!(answer.refusal(), (403, "DENIED".to_owned()));
}
