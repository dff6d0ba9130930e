//! The administration API.

use bytes::Bytes;
use ecru_aws_model::ecr::Operation as Op;
use serde_json::{Value, json};

use crate::world::{Answer, HOME, OTHER, Signer, World, post};

async fn call(world: &World, signer: &Signer, operation: &str, input: Value) -> Answer {
    let body = Bytes::from(input.to_string());
    let mut request = post(&format!("EcruAdmin.{operation}"), body);
    signer.sign(&mut request);
    world.send(request).await
}

fn administrator() -> Signer {
    Signer::root(HOME).of("ecru")
}

#[tokio::test]
async fn a_whole_store_verifies_without_problems() {
    let world = World::new().await;
    world.create("app").await;
    world.push("app", "one", Some("v1")).await;
    let answer = call(&world, &administrator(), "Verify", json!({})).await;
    assert_eq!((answer.status.as_u16(), answer.route), (200, "ecru:Verify"));
    let report = answer.json();
    assert_eq!(
        (&report["manifests"], &report["problems"]),
        (&json!(1), &json!([]))
    );
    assert_eq!(report["problemCount"], 0);
    assert_eq!(report.get("next"), None, "all was verified");
    let from = json!({"from": "segments "});
    let rest = call(&world, &administrator(), "Verify", from).await.json();
    assert_eq!((&rest["manifests"], rest.get("next")), (&json!(0), None));
}

#[tokio::test]
async fn revoked_tokens_are_tokens_no_more() {
    let world = World::new().await;
    world.create("app").await;
    world.create("bpp").await;
    let page = json!({"maxResults": 1});
    let token = world.ok(Op::DescribeRepositories, page).await["nextToken"].clone();
    let next = json!({"maxResults": 1, "nextToken": token});
    world.ok(Op::DescribeRepositories, next.clone()).await;
    let answer = call(&world, &administrator(), "RevokeTokens", json!({})).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({})));
    let code = "InvalidParameterException";
    world.refused(Op::DescribeRepositories, next, code).await;
}

#[tokio::test]
async fn latest_follows_the_registry_setting() {
    let world = World::new().await;
    world.create("app").await;
    world.push("app", "one", Some("v1")).await;
    let pull = json!({"repositoryName": "app", "imageIds": [{"imageTag": "latest"}]});
    for (value, found) in [("explicit", 0), ("newest", 1)] {
        let setting = json!({"name": "latest", "value": value});
        let answer = call(
            &world,
            &administrator(),
            "PutRegistrySetting",
            setting.clone(),
        )
        .await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, setting));
        let pulled = world.ok(Op::BatchGetImage, pull.clone()).await;
        assert_eq!(pulled["images"].as_array().unwrap().len(), found, "{value}");
    }
}

#[tokio::test]
async fn bad_administration_is_refused() {
    let world = World::new().await;
    for (operation, input, code) in [
        (
            "PutRegistrySetting",
            json!({"name": "x", "value": "newest"}),
            "InvalidParameterException",
        ),
        (
            "PutRegistrySetting",
            json!({"name": "latest", "value": "x"}),
            "InvalidParameterException",
        ),
        (
            "PutRegistrySetting",
            json!({"name": "latest"}),
            "SerializationException",
        ),
        ("Verify", json!({"repair": "yes"}), "SerializationException"),
        ("Verify", json!([]), "SerializationException"),
        (
            "Verify",
            json!({"from": "elsewhere"}),
            "InvalidParameterException",
        ),
        ("Nothing", json!({}), "UnknownOperationException"),
    ] {
        let answer = call(&world, &administrator(), operation, input).await;
        let seen = (answer.status.as_u16(), answer.code());
        assert_eq!(
            seen,
            (400, code.to_owned()),
            "{operation}: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn only_the_management_account_verifies_the_store() {
    let world = World::new().await;
    let other = Signer::root(OTHER).of("ecru");
    let answer = call(&world, &other, "Verify", json!({})).await;
    assert_eq!(answer.code(), "AccessDeniedException");
    let wrong_service = Signer::root(HOME);
    let answer = call(&world, &wrong_service, "Verify", json!({})).await;
    assert_eq!(answer.code(), "InvalidSignatureException");
}
