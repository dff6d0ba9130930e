//! Credentials: challenge, tokens, regions, hosts.

use std::time::Duration;

use ecru_domain::mutability::MutabilityMode;
use http::Request;
use http::header::{AUTHORIZATION, HOST};
use http_body_util::Empty;

use crate::world::{World, basic, registry};

async fn ping(world: &World, authorization: Option<&str>, host: &str) -> crate::world::Answer {
    let mut request = Request::builder().uri("/v2/").header(HOST, host);
    if let Some(value) = authorization {
        request = request.header(AUTHORIZATION, value);
    }
    world
        .raw(request.body(Empty::<bytes::Bytes>::new()).unwrap())
        .await
}

#[tokio::test]
async fn a_good_token_opens_the_door() {
    let world = World::new().await;
    for path in ["/v2/", "/v2"] {
        let answer = world.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body[..]),
            (200, &b"{}"[..])
        );
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.route, "ping");
    }
}

#[tokio::test]
async fn without_a_good_token_every_path_is_challenged() {
    let world = World::new().await;
    let wrong = [
        None,
        Some(basic("AWS", "wrong")),
        Some(basic("root", &world.password)),
        Some(basic("AWS", &world.password[1..])),
        Some(format!("Bearer {}", world.password)),
    ];
    for authorization in &wrong {
        let answer = ping(&world, authorization.as_deref(), "localhost:5050").await;
        assert_eq!(answer.refusal(), (401, "UNAUTHORIZED".to_owned()));
        assert_eq!(answer.message(), "Not Authorized");
        let challenge = answer.header("www-authenticate");
        let expected = "Basic realm=\"https://localhost:5050/\",service=\"ecr.amazonaws.com\"";
        assert_eq!(challenge, Some(expected));
    }
    for (method, path) in [
        ("GET", "/v2/_catalog"),
        ("POST", "/v2/team/app/blobs/uploads/"),
        ("PUT", "/v2/team/app/manifests/v1"),
        ("GET", "/v2/BAD/manifests/v1"),
        ("GET", "/v2/nothing/here"),
        ("PUT", "/v2/"),
    ] {
        let request = Request::builder().method(method).uri(path);
        let body = Empty::<bytes::Bytes>::new();
        let answer = world.raw(request.body(body).unwrap()).await;
        assert_eq!(answer.refusal(), (401, "UNAUTHORIZED".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn an_expired_token_is_denied_with_the_fixed_text() {
    let world = World::new().await;
    world.turn(Duration::from_secs(12 * 3_600 + 1));
    let answer = world.get("/v2/").await;
    assert_eq!(answer.refusal(), (403, "DENIED".to_owned()));
    let expected = "Your authorization token has expired. Reauthenticate and try again.";
    assert_eq!(answer.message(), expected);
    assert_eq!(answer.header("www-authenticate"), None);
}

#[tokio::test]
async fn a_token_ends_with_its_access_key() {
    let world = World::new().await;
    world.set_root_key("AKIABBBBBBBBBBBBBBBB").await;
    let answer = world.get("/v2/").await;
    assert_eq!(answer.refusal(), (401, "UNAUTHORIZED".to_owned()));
}

#[tokio::test]
async fn a_token_opens_the_repositories_of_its_region_only() {
    let mut world = World::new().await;
    let abroad = registry("000000000000", "eu-west-1");
    world
        .create_in(&abroad, "team/app", MutabilityMode::Mutable)
        .await;
    let addressed = "/v2/000000000000.eu-west-1/team/app/tags/list";
    let answer = world.get(addressed).await;
    assert_eq!(answer.refusal(), (403, "DENIED".to_owned()));

    world.password = world.token("eu-west-1").await;
    assert_eq!(world.get("/v2/").await.status, 200);
    let answer = world.get(addressed).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["name"], "000000000000.eu-west-1/team/app");
    for path in ["/v2/team/app/tags/list", "/v2/_catalog"] {
        let answer = world.get(path).await;
        assert_eq!(answer.refusal(), (403, "DENIED".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn a_host_of_the_aws_form_names_account_and_region() {
    let world = World::new().await;
    let here = [("host", "000000000000.dkr.ecr.us-east-1.amazonaws.com")];
    let there = [("host", "000000000000.dkr.ecr.eu-west-1.amazonaws.com:443")];
    for path in ["/v2/", "/v2/_catalog", "/v2/team/app/tags/list"] {
        assert_eq!(
            world.send("GET", path, &here, "").await.status,
            200,
            "{path}"
        );
        let answer = world.send("GET", path, &there, "").await;
        assert_eq!(answer.refusal(), (403, "DENIED".to_owned()), "{path}");
    }
    let elsewhere = [("host", "111111111111.dkr.ecr.us-east-1.amazonaws.com")];
    let answer = world
        .send("GET", "/v2/team/app/tags/list", &elsewhere, "")
        .await;
    assert_eq!(answer.refusal(), (403, "DENIED".to_owned()));
    let expected = "User: arn:aws:iam::000000000000:root is not authorized to perform: ecr:ListImages on resource: arn:aws:ecr:us-east-1:111111111111:repository/team/app";
    assert!(
        answer.message().starts_with(expected),
        "{}",
        answer.message()
    );
}
