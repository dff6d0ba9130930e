//! What concerns a whole registry: tokens, settings, and who asks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use ecru_aws_model::ecr::Operation as Op;
use ecru_domain::Timestamp;
use http::Request;
use serde_json::json;

use crate::world::{Answer, HOME, HOST, NOW_MICROS, OTHER, Signer, World, between};

#[tokio::test]
async fn the_token_is_a_user_and_a_password_for_twelve_hours() {
    let world = World::new().await;
    let answer = world.ok(Op::GetAuthorizationToken, json!({})).await;
    let entry = &answer["authorizationData"][0];
    assert_eq!(answer["authorizationData"].as_array().unwrap().len(), 1);
    assert_eq!(entry["proxyEndpoint"], format!("http://{HOST}"));
    assert_eq!(entry["expiresAt"], 1_795_165_687.25 + 43_200.0);
    let token = entry["authorizationToken"].as_str().unwrap();
    let pair = String::from_utf8(STANDARD.decode(token).unwrap()).unwrap();
    let (user, password) = pair.split_once(':').unwrap();
    assert_eq!((user, password.contains(':')), ("AWS", false));
    let now = Timestamp::from_micros(NOW_MICROS);
    let holder = world
        .services
        .tokens
        .authenticate(user, password, now)
        .await
        .unwrap();
    assert_eq!(holder.principal.arn, "arn:aws:iam::000000000000:root");
    let input = json!({"registryIds": [OTHER, HOME]});
    let answer = world.ok(Op::GetAuthorizationToken, input).await;
    assert_eq!(answer["authorizationData"].as_array().unwrap().len(), 2);
    for bad in [json!([]), json!(["12ab"]), json!(vec![HOME; 11])] {
        let input = json!({"registryIds": bad});
        let code = "InvalidParameterException";
        world.refused(Op::GetAuthorizationToken, input, code).await;
    }
}

#[tokio::test]
async fn the_endpoint_is_that_of_the_registry_where_hosts_name_registries() {
    let world = World::with_host("{account}.dkr.ecr.{region}.example.com").await;
    let input = json!({"registryIds": [OTHER]}).to_string();
    let signer = Signer::root(HOME).in_region("eu-west-1");
    let answer = world
        .send_as(&signer, Op::GetAuthorizationToken, input)
        .await;
    assert_eq!(
        answer.json()["authorizationData"][0]["proxyEndpoint"],
        "http://222222222222.dkr.ecr.eu-west-1.example.com"
    );
}

#[tokio::test]
async fn a_registry_always_has_a_description() {
    let world = World::new().await;
    assert_eq!(
        world.ok(Op::DescribeRegistry, json!({})).await,
        json!({"registryId": HOME, "replicationConfiguration": {"rules": []}})
    );
}

#[tokio::test]
async fn account_settings_have_defaults_and_keep_what_is_put() {
    let world = World::new().await;
    for (name, default, other) in [
        ("BASIC_SCAN_TYPE_VERSION", "AWS_NATIVE", None),
        ("REGISTRY_POLICY_SCOPE", "V2", Some("V1")),
        ("BLOB_MOUNTING", "ENABLED", Some("DISABLED")),
    ] {
        let get = json!({"name": name});
        let read = world.ok(Op::GetAccountSetting, get.clone()).await;
        assert_eq!(read, json!({"name": name, "value": default}));
        let expected = json!({"name": name, "value": other.unwrap_or(default)});
        assert_eq!(
            world.ok(Op::PutAccountSetting, expected.clone()).await,
            expected
        );
        assert_eq!(world.ok(Op::GetAccountSetting, get).await, expected);
        let bad = json!({"name": name, "value": "NOPE"});
        let code = "InvalidParameterException";
        world.refused(Op::PutAccountSetting, bad, code).await;
    }
    for operation in [Op::GetAccountSetting, Op::PutAccountSetting] {
        let input = json!({"name": "NOPE", "value": "X"});
        world
            .refused(operation, input, "InvalidParameterException")
            .await;
    }
}

async fn form(world: &World, signer: &Signer, body: &'static str) -> Answer {
    let mut request = Request::post("/")
        .header("host", HOST)
        .header(
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        )
        .body(Bytes::from(body))
        .unwrap();
    signer.sign(&mut request);
    world.send(request).await
}

#[tokio::test]
async fn the_token_service_says_who_the_caller_is() {
    let world = World::new().await;
    let asked = "Action=GetCallerIdentity&Version=2011-06-15";
    for account in [HOME, OTHER] {
        let signer = Signer::root(account).of("sts");
        let answer = form(&world, &signer, asked).await;
        let text = answer.text();
        assert_eq!(
            (answer.status.as_u16(), answer.route),
            (200, "sts:GetCallerIdentity")
        );
        assert_eq!(between(text, "<Account>", "</Account>"), account);
        assert_eq!(between(text, "<UserId>", "</UserId>"), account);
        assert_eq!(
            between(text, "<Arn>", "</Arn>"),
            format!("arn:aws:iam::{account}:root")
        );
    }
    let signer = Signer::root(HOME).of("sts");
    for (body, code) in [
        ("Action=AssumeRole&Version=2011-06-15", "ValidationError"),
        (
            "Action=GetCallerIdentity&Version=2010-01-01",
            "InvalidAction",
        ),
        ("Version=2011-06-15", "MissingAction"),
    ] {
        let answer = form(&world, &signer, body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (400, code),
            "{body}"
        );
    }
}
