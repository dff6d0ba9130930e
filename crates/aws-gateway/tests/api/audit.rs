//! What is recorded of API requests.

use bytes::Bytes;
use ecru_aws_model::ecr::Operation as Op;
use ecru_services::audit::is_read_only;
use serde_json::{Value, json};

use crate::people::{administrator, manage, role, user};
use crate::world::{HOME, OTHER, Signer, World, between, post};

const LIST_IMAGES: &str = "AmazonEC2ContainerRegistry_V20150921.ListImages";

fn records(world: &World) -> Vec<Value> {
    let lines = world.audit.lines();
    world.audit.clear();
    let parse = |line: String| serde_json::from_str(&line).unwrap();
    lines.into_iter().map(parse).collect()
}

#[tokio::test]
async fn a_change_is_recorded_with_parameters_and_answer() {
    let world = World::new().await;
    world.audit.clear();
    let created = world.create("team/app").await;
    let record = records(&world).remove(0);
    assert_eq!(record["eventName"], "CreateRepository");
    assert_eq!(record["eventSource"], "ecr.amazonaws.com");
    assert_eq!(
        record["requestParameters"],
        json!({"repositoryName": "team/app"})
    );
    assert_eq!(record["responseElements"], created);
    assert_eq!(record["readOnly"], false);
    assert_eq!(record["sourceIPAddress"], "127.0.0.1");
    assert_eq!(record["requestID"], "request-1");
    assert_eq!(record["recipientAccountId"], HOME);
    assert_eq!(record["ecru"]["decisions"][0]["outcome"], "allowed");
}

#[tokio::test]
async fn reads_and_refusals_are_recorded() {
    let world = World::new().await;
    world.audit.clear();
    world.ok(Op::DescribeRepositories, json!({})).await;
    let record = &records(&world)[0];
    assert_eq!(
        (&record["readOnly"], &record["responseElements"]),
        (&json!(true), &Value::Null)
    );
    let input = json!({"repositoryName": "none"});
    world
        .refused(Op::ListImages, input, "RepositoryNotFoundException")
        .await;
    let record = &records(&world)[0];
    assert_eq!(record["errorCode"], "RepositoryNotFoundException");
    let foreign = json!({"repositoryName": "app", "registryId": HOME}).to_string();
    world
        .send_as(&Signer::root(OTHER), Op::ListImages, foreign)
        .await;
    let record = &records(&world)[0];
    assert_eq!(record["errorCode"], "AccessDeniedException");
    assert_eq!(record["userIdentity"]["accountId"], OTHER);
    assert_eq!(record["recipientAccountId"], HOME);
    assert_eq!(
        record["ecru"]["decisions"][0]["outcome"],
        "implicitlyDenied"
    );
}

#[tokio::test]
async fn every_operation_is_recorded_under_its_name() {
    let world = World::new().await;
    for operation in Op::ALL {
        world.audit.clear();
        world.call_unchecked(*operation, "{}").await;
        let records = records(&world);
        assert_eq!(records.len(), 1, "{operation}");
        assert_eq!(records[0]["eventName"], operation.name());
        assert_eq!(records[0]["readOnly"], is_read_only(operation.name()));
    }
}

#[tokio::test]
async fn somebody_with_a_wrong_signature_is_recorded_as_nobody() {
    let world = World::new().await;
    let mut request = post(LIST_IMAGES, Bytes::from("{}"));
    Signer::root(HOME).sign(&mut request);
    *request.body_mut() = Bytes::from("{ }");
    world.audit.clear();
    world.send(request).await;
    let record = records(&world).remove(0);
    assert_eq!(record["eventName"], "ListImages");
    let claimed = Signer::root(HOME).id;
    let nobody = json!({"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL",
        "accessKeyId": claimed});
    assert_eq!(record["userIdentity"], nobody);
    assert!(record["errorCode"].is_string());
    assert_eq!(record["requestParameters"], Value::Null);
}

/// Of who is not let in nothing is recorded but the key that is claimed, and only if it looks like one.
#[tokio::test]
async fn the_claimed_key_of_strangers_is_recorded_if_it_looks_like_one() {
    let world = World::new().await;
    let unsigned = post(LIST_IMAGES, Bytes::from("{}"));
    let mut all = vec![(unsigned, None)];
    for (id, recorded) in [
        ("AKIAUNKNOWN000000000", true),
        ("wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYaa", false),
        ("AKIASHORT", false),
    ] {
        let mut request = post(LIST_IMAGES, Bytes::from("{}"));
        let id = id.to_owned();
        let signer = Signer {
            id: id.clone(),
            ..Signer::root(HOME)
        };
        signer.sign(&mut request);
        all.push((request, recorded.then_some(id)));
    }
    for (request, recorded) in all {
        world.audit.clear();
        world.send(request).await;
        let record = records(&world).remove(0);
        let told = record["userIdentity"]["accessKeyId"].as_str();
        assert_eq!(told, recorded.as_deref());
    }
}

#[tokio::test]
async fn a_change_of_identities_is_recorded_with_what_it_made() {
    let world = World::new().await;
    world.audit.clear();
    let made = user(&world, HOME, "ada").await;
    let lines = world.audit.lines();
    assert!(lines.iter().all(|line| !line.contains(&made.secret)));
    let [created, key] = &records(&world)[..] else {
        panic!("two changes")
    };
    let user = &created["responseElements"]["user"];
    assert_eq!(user["arn"], format!("arn:aws:iam::{HOME}:user/ada"));
    assert_eq!(
        (&user["userName"], &user["path"]),
        (&json!("ada"), &json!("/"))
    );
    assert!(user["createDate"].is_number());
    assert_eq!(user.get("tags"), None);
    let key = key["responseElements"]["accessKey"].as_object().unwrap();
    assert_eq!(key["accessKeyId"], made.id);
    let members: Vec<_> = key.keys().collect();
    assert_eq!(members, ["accessKeyId", "createDate", "status", "userName"]);
    manage(&world, HOME, "GetUser", &[("UserName", "ada")]).await;
    let off = [
        ("UserName", "ada"),
        ("AccessKeyId", &made.id),
        ("Status", "Inactive"),
    ];
    manage(&world, HOME, "UpdateAccessKey", &off).await;
    for record in records(&world) {
        assert_eq!(record["responseElements"], Value::Null, "{record}");
    }
}

#[tokio::test]
async fn credentials_that_are_issued_are_recorded_without_secret_and_token() {
    let world = World::new().await;
    let ada = administrator(&world, HOME, "ada").await.of("sts");
    let role = role(&world, HOME, "push").await;
    world.audit.clear();
    let rest = [
        ("Version", "2011-06-15"),
        ("RoleArn", &role),
        ("RoleSessionName", "ci"),
        ("Name", "part"),
    ];
    for (action, account) in [
        ("AssumeRole", Some("assumedRoleUser")),
        ("GetFederationToken", Some("federatedUser")),
        ("GetSessionToken", None),
    ] {
        let asked = [&[("Action", action)][..], &rest].concat();
        let answer = world.query(&ada, &asked).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let line = world.audit.lines().remove(0);
        for secret in ["SecretAccessKey", "SessionToken"] {
            let (begin, end) = (format!("<{secret}>"), format!("</{secret}>"));
            let secret = between(answer.text(), &begin, &end);
            assert!(secret.len() > 30 && !line.contains(secret), "{line}");
        }
        let record = records(&world).remove(0);
        let elements = &record["responseElements"];
        let credentials = elements["credentials"].as_object().unwrap();
        let members: Vec<_> = credentials.keys().collect();
        assert_eq!(members, ["accessKeyId", "expiration"]);
        let id = between(answer.text(), "<AccessKeyId>", "</AccessKeyId>");
        assert_eq!(credentials["accessKeyId"], id);
        if let Some(member) = account {
            assert!(elements[member]["arn"].is_string(), "{elements}");
        }
    }
    let asked = [("Action", "GetCallerIdentity"), rest[0]];
    world.query(&ada, &asked).await;
    assert_eq!(records(&world)[0]["responseElements"], Value::Null);
}

#[tokio::test]
async fn no_line_has_a_secret_or_content() {
    let world = World::new().await;
    world.create("app").await;
    let token = world.ok(Op::GetAuthorizationToken, json!({})).await;
    let token = token["authorizationData"][0]["authorizationToken"]
        .as_str()
        .unwrap()
        .to_owned();
    let digest = world.upload("app", b"the content of a layer").await;
    world.push("app", "one", Some("v1")).await;
    let input = json!({"repositoryName": "app", "layerDigest": digest});
    let url = world.call(Op::GetDownloadUrlForLayer, input).await.json();
    let sealed = url["downloadUrl"].as_str().unwrap_or("/none-of-it");
    let sealed = sealed.rsplit('/').next().unwrap().to_owned();
    let lines = world.audit.lines();
    assert!(lines.len() > 5);
    for line in lines {
        for secret in [
            token.as_str(),
            &sealed,
            "imageManifest\"",
            "layerPartBlob",
            "Signature=",
        ] {
            assert!(!line.contains(secret), "{secret} in {line}");
        }
    }
}

#[tokio::test]
async fn while_nothing_can_be_recorded_nothing_is_done() {
    let world = World::new().await;
    world.audit.set_full(true);
    let input = json!({"repositoryName": "app"});
    let refused = world
        .call_unchecked(Op::CreateRepository, input.to_string())
        .await;
    assert_eq!(
        (refused.status.as_u16(), refused.code()),
        (503, "ServerException".to_owned())
    );
    world.audit.set_full(false);
    world.create("app").await;
}

#[tokio::test]
async fn the_log_can_be_verified_by_who_may() {
    let world = World::new().await;
    let ask = async |signer: Signer| {
        let mut request = post("EcruAdmin.VerifyAudit", Bytes::from("{}"));
        signer.of("ecru").sign(&mut request);
        world.send(request).await
    };
    let answer = ask(Signer::root(HOME)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.route),
        (200, "ecru:VerifyAudit")
    );
    assert_eq!(answer.json()["problemCount"], 0);
}
