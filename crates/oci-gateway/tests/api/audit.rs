//! What is recorded of docker's requests.

use std::collections::HashSet;

use ecru_domain::Digest;
use http::Request;
use http::header::AUTHORIZATION;
use http_body_util::Full;
use serde_json::{Value, json};

use crate::world::{World, basic};

fn records(world: &World) -> Vec<Value> {
    let lines = world.audit.lines();
    world.audit.clear();
    let parse = |line: String| serde_json::from_str(&line).unwrap();
    lines.into_iter().map(parse).collect()
}

/// The one record of a request.
async fn record(world: &World, method: &str, path: &str, headers: &[(&str, &str)]) -> Value {
    world.audit.clear();
    world.send(method, path, headers, "").await;
    let mut records = records(world);
    assert_eq!(records.len(), 1, "{method} {path}: {records:?}");
    records.remove(0)
}

#[tokio::test]
async fn a_push_is_recorded_under_the_names_of_the_api() {
    let world = World::new().await;
    world.audit.clear();
    let manifest = world.push_image("team/app", Some("v1"), "a").await;
    let records = records(&world);
    let names: Vec<_> = records.iter().map(|one| &one["eventName"]).collect();
    let upload = json!("InitiateLayerUpload");
    assert_eq!(names, [&upload, &upload, &json!("PutImage")]);
    let put = &records[2];
    assert_eq!(put["readOnly"], false);
    let digest = Digest::sha256(&manifest).to_string();
    let image = &put["responseElements"]["image"]["imageId"];
    assert_eq!(*image, json!({"imageDigest": digest, "imageTag": "v1"}));
    assert_eq!(put["requestParameters"]["imageTag"], "v1");
    let arn = "arn:aws:ecr:us-east-1:000000000000:repository/team/app";
    assert_eq!(put["resources"][0]["ARN"], arn);
    let decision = &put["ecru"]["decisions"][0];
    assert_eq!(decision["action"], "ecr:PutImage");
    assert_eq!(decision["outcome"], "allowed");
    assert_eq!(put["userIdentity"]["type"], "Root");
    assert_eq!(put["requestID"], "id");
    let events: HashSet<_> = records
        .iter()
        .map(|one| one["eventID"].to_string())
        .collect();
    assert_eq!(events.len(), 3);
}

#[tokio::test]
async fn tags_that_come_as_parameters_are_recorded() {
    let world = World::new().await;
    let manifest = world.image("team/app", "a", json!({})).await;
    let digest = Digest::sha256(&manifest);
    let path = format!("/v2/team/app/manifests/{digest}?tag=v1&tag=v2");
    world.audit.clear();
    assert_eq!(world.put(&path, &manifest).await.status, 201);
    let put = records(&world).remove(0);
    assert_eq!(put["requestParameters"]["imageTags"], json!(["v1", "v2"]));
    world
        .put("/v2/team/app/manifests/v3?tag=v4", &manifest)
        .await;
    let put = records(&world).remove(0);
    assert_eq!(put["requestParameters"]["imageTag"], "v3");
    assert_eq!(put["requestParameters"]["imageTags"], Value::Null);
}

#[tokio::test]
async fn every_request_has_the_name_of_the_action_that_is_decided() {
    let world = World::new().await;
    let blob = world.push_blob("team/app", b"blob").await;
    world.push_image("team/app", Some("v1"), "a").await;
    let blob = format!("/v2/team/app/blobs/{blob}");
    let digest = Digest::sha256(b"x");
    for (method, path, name, is_read_only) in [
        ("GET", "/v2/team/app/manifests/v1", "BatchGetImage", true),
        ("HEAD", "/v2/team/app/manifests/v1", "BatchGetImage", true),
        ("GET", &blob, "GetDownloadUrlForLayer", true),
        ("HEAD", &blob, "BatchCheckLayerAvailability", true),
        ("GET", "/v2/team/app/tags/list", "ListImages", true),
        ("GET", "/v2/_catalog", "DescribeRepositories", true),
        (
            "POST",
            "/v2/team/app/blobs/uploads/",
            "InitiateLayerUpload",
            false,
        ),
        (
            "DELETE",
            "/v2/team/app/manifests/v1",
            "BatchDeleteImage",
            false,
        ),
        (
            "GET",
            &format!("/v2/team/app/referrers/{digest}"),
            "ListImageReferrers",
            true,
        ),
    ] {
        let record = record(&world, method, path, &[]).await;
        assert_eq!(record["eventName"], name, "{method} {path}");
        assert_eq!(record["readOnly"], is_read_only, "{method} {path}");
        assert_eq!(record["eventSource"], "ecr.amazonaws.com");
        assert!(is_read_only || !record["responseElements"].is_null());
        assert!(!record["ecru"]["decisions"].as_array().unwrap().is_empty());
    }
}

#[tokio::test]
async fn chunks_are_recorded_with_how_far_they_came() {
    let world = World::new().await;
    let begun = world
        .send("POST", "/v2/team/app/blobs/uploads/", &[], "")
        .await;
    let location = begun.location();
    world.audit.clear();
    world.send("PATCH", &location, &[], "chunk").await;
    let patch = records(&world).remove(0);
    assert_eq!(patch["eventName"], "UploadLayerPart");
    assert_eq!(patch["readOnly"], false);
    assert_eq!(patch["responseElements"]["lastByteReceived"], 4);
    let status = record(&world, "GET", &location, &[]).await;
    assert_eq!(
        (&status["eventName"], &status["readOnly"]),
        (&json!("UploadLayerPart"), &json!(true))
    );
    let end = format!("{location}?digest={}", Digest::sha256(b"chunk"));
    let end = record(&world, "PUT", &end, &[]).await;
    assert_eq!(end["eventName"], "CompleteLayerUpload");
    let digest = Digest::sha256(b"chunk").to_string();
    assert_eq!(end["responseElements"]["layerDigest"], digest);
}

#[tokio::test]
async fn a_pull_tells_what_the_client_accepts_and_who_it_is() {
    let world = World::new().await;
    world.push_image("team/app", Some("v1"), "a").await;
    let headers = [("accept", "a/b, c/d"), ("user-agent", "docker/29")];
    let pull = record(&world, "GET", "/v2/team/app/manifests/v1", &headers).await;
    let parameters = json!({
        "registryId": "000000000000", "repositoryName": "team/app",
        "imageIds": [{"imageTag": "v1"}], "acceptedMediaTypes": ["a/b", "c/d"],
    });
    assert_eq!(pull["requestParameters"], parameters);
    assert_eq!(pull["userAgent"], "docker/29");
    assert_eq!(pull["responseElements"], Value::Null);
}

#[tokio::test]
async fn refusals_are_recorded_with_their_reason() {
    let world = World::new().await;
    let missing = record(&world, "GET", "/v2/team/none/manifests/v1", &[]).await;
    assert_eq!(missing["errorCode"], "NAME_UNKNOWN");
    let elsewhere = "/v2/111111111111/team/app/manifests/v1";
    let denied = record(&world, "GET", elsewhere, &[]).await;
    assert_eq!(denied["errorCode"], "AccessDenied");
    assert_eq!(denied["recipientAccountId"], "111111111111");
    let decision = &denied["ecru"]["decisions"][0];
    assert_eq!(decision["outcome"], "implicitlyDenied");
}

#[tokio::test]
async fn strangers_are_recorded_unless_they_only_ask_for_the_challenge() {
    let world = World::new().await;
    world.audit.clear();
    let bare = |path: &str| Request::get(path).body(Full::new("".into())).unwrap();
    world.raw(bare("/v2/")).await;
    assert_eq!(records(&world), Vec::<Value>::new());
    let mut wrong = bare("/v2/");
    let secret = basic("AWS", "not-a-token");
    wrong
        .headers_mut()
        .insert(AUTHORIZATION, secret.parse().unwrap());
    world.raw(wrong).await;
    let record = records(&world).remove(0);
    assert_eq!(record["errorCode"], "UNAUTHORIZED");
    assert_eq!(record["userIdentity"]["accountId"], "ANONYMOUS_PRINCIPAL");
    for _ in 0..500 {
        world.raw(bare("/v2/team/app/manifests/v1")).await;
    }
    let count = records(&world).len();
    assert!((1..=200).contains(&count), "{count}");
}

#[tokio::test]
async fn a_layer_link_is_recorded_without_the_link() {
    let world = World::new().await;
    let digest = world.push_blob("team/app", b"blob").await;
    world.push_image("team/app", Some("v1"), "a").await;
    let name = ecru_domain::RepositoryName::parse("team/app").unwrap();
    let context = world.context("us-east-1");
    let layers = &world.services.layers;
    let link = layers.download_link(&context, &world.home, &name, &digest);
    let sealed = link.await.unwrap();
    let followed = record(&world, "GET", &format!("/layer/{sealed}"), &[]).await;
    assert_eq!(followed["eventName"], "GetDownloadUrlForLayer");
    assert_eq!(
        followed["requestParameters"]["layerDigest"],
        digest.as_str()
    );
    assert_eq!(followed["userIdentity"]["type"], "Root");
    assert!(!followed.to_string().contains(&sealed));
}

#[tokio::test]
async fn a_request_whose_client_goes_away_is_recorded_all_the_same() {
    let world = World::new().await;
    world.audit.clear();
    let path = format!(
        "/v2/team/app/blobs/uploads/?digest={}",
        Digest::sha256(b"x")
    );
    let request = Request::post(path).header(AUTHORIZATION, basic("AWS", &world.password));
    let endless =
        futures_util::stream::pending::<Result<http_body::Frame<bytes::Bytes>, std::io::Error>>();
    let request = request
        .body(http_body_util::StreamBody::new(endless))
        .unwrap();
    let gone = tokio::time::timeout(std::time::Duration::from_millis(200), world.raw(request));
    assert!(gone.await.is_err());
    let record = records(&world).remove(0);
    assert_eq!(record["errorCode"], "ClientDisconnected");
    assert_eq!(record["eventName"], "InitiateLayerUpload");
    assert_eq!(record["userIdentity"]["type"], "Root");
}

#[tokio::test]
async fn while_nothing_can_be_recorded_nothing_is_done() {
    let world = World::new().await;
    let manifest = world.image("team/app", "a", json!({})).await;
    world.audit.set_full(true);
    for path in ["/v2/", "/v2/team/app/manifests/v1"] {
        assert_eq!(
            world.get(path).await.refusal(),
            (503, "UNAVAILABLE".to_owned())
        );
    }
    let refused = world.put("/v2/team/app/manifests/v1", &manifest).await;
    assert_eq!(refused.refusal().0, 503);
    world.audit.set_full(false);
    assert_eq!(world.get("/v2/team/app/manifests/v1").await.status, 404);
    assert_eq!(
        world
            .put("/v2/team/app/manifests/v1", &manifest)
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn no_line_has_a_token_or_content() {
    let world = World::new().await;
    let manifest = world.push_image("team/app", Some("v1"), "a").await;
    world
        .get("/v2/team/app/manifests/v1?token=hidden-query")
        .await;
    let basic = basic("AWS", &world.password);
    let manifest = String::from_utf8(manifest.to_vec()).unwrap();
    for line in world.audit.lines() {
        let secrets = [
            world.password.as_str(),
            basic.as_str(),
            manifest.as_str(),
            "hidden-query",
            "layer of a",
        ];
        for secret in secrets {
            assert!(!line.contains(secret), "{line}");
        }
    }
}
