//! The administration API.

use bytes::Bytes;
use ecru_aws_model::ecr::Operation as Op;
use serde_json::{Value, json};

use crate::people::{administrator as with_all_permissions, manage, user};
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

/// What `Explain` answers, and what its layer of that name says.
async fn explained(world: &World, input: Value, layer: &str) -> (Value, Value) {
    let answer = call(world, &administrator(), "Explain", input).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let explained = answer.json();
    let layers = explained["layers"].as_array().unwrap();
    let found = layers.iter().find(|one| one["layer"] == layer).unwrap();
    (explained.clone(), found.clone())
}

#[tokio::test]
async fn the_trust_policy_of_a_role_is_explained() {
    let world = World::new().await;
    with_all_permissions(&world, HOME, "ada").await;
    user(&world, HOME, "eve").await;
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "Eve", "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{HOME}:user/eve")},
         "Action": "sts:AssumeRole"},
        {"Sid": "Ada", "Effect": "Allow", "Principal": {"AWS": HOME}, "Action": "sts:AssumeRole",
         "Condition": {"StringEquals": {"sts:ExternalId": "secret"}}},
    ]});
    let trust = trust.to_string();
    let given = [("RoleName", "push"), ("AssumeRolePolicyDocument", &trust)];
    manage(&world, HOME, "CreateRole", &given).await;
    let ask = |user: &str, role: &str, id: &str| {
        json!({"principal": format!("arn:aws:iam::{HOME}:user/{user}"), "action": "sts:assumerole",
               "resource": format!("arn:aws:iam::{HOME}:role/{role}"), "context": {"sts:ExternalId": id}})
    };
    let (eve, layer) = explained(&world, ask("eve", "push", "x"), "roleTrust").await;
    let decision = json!({"outcome": "allowed", "layer": "roleTrust",
        "statement": {"document": "trust policy", "index": 0, "sid": "Eve"}});
    assert_eq!(eve["decision"], decision);
    assert_eq!(layer["statements"][0]["grade"], "direct");
    let (ada, layer) = explained(&world, ask("ada", "push", "x"), "roleTrust").await;
    assert_eq!(ada["decision"]["layer"], "roleTrust");
    let reason = " because no role trust policy allows the sts:AssumeRole action";
    assert_eq!(ada["reason"], reason);
    let failed = json!({"element": "condition", "operator": "StringEquals", "key": "sts:ExternalId",
        "given": ["x"], "wanted": ["secret"]});
    assert_eq!(layer["statements"][1]["failed"], failed);
    assert_eq!(
        layer["statements"][0]["failed"],
        json!({"element": "principal"})
    );
    let (ada, layer) = explained(&world, ask("ada", "push", "secret"), "roleTrust").await;
    assert_eq!(ada["decision"]["outcome"], "allowed");
    assert_eq!(ada["decision"]["layer"], "identity");
    assert_eq!(
        (&layer["allows"], &layer["statements"][1]["grade"]),
        (&json!(true), &json!("account"))
    );
    let (absent, layer) = explained(&world, ask("ada", "none", "x"), "roleTrust").await;
    assert_eq!(absent["reason"], reason);
    assert_eq!(layer["statements"], json!([]));
}

#[tokio::test]
async fn what_somebody_may_do_with_identities_is_explained_with_their_tags() {
    let world = World::new().await;
    user(&world, HOME, "eve").await;
    for (name, team) in [("mine", "red"), ("other", "blue")] {
        let given = [
            ("UserName", name),
            ("Tags.member.1.Key", "team"),
            ("Tags.member.1.Value", team),
        ];
        manage(&world, HOME, "CreateUser", &given).await;
    }
    let policy = json!({"Version": "2012-10-17", "Statement": {
        "Sid": "Own", "Effect": "Allow", "Action": "iam:Delete*", "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/team": "red"}}}});
    let policy = policy.to_string();
    let given = [
        ("UserName", "eve"),
        ("PolicyName", "own"),
        ("PolicyDocument", &policy),
    ];
    manage(&world, HOME, "PutUserPolicy", &given).await;
    for (name, outcome) in [
        ("mine", "allowed"),
        ("other", "implicitlyDenied"),
        ("absent", "implicitlyDenied"),
    ] {
        let input = json!({"principal": format!("arn:aws:iam::{HOME}:user/eve"), "action": "iam:DeleteUser",
            "resource": format!("arn:aws:iam::{HOME}:user/{name}")});
        let (explained, layer) = explained(&world, input, "identity").await;
        assert_eq!(explained["decision"]["outcome"], outcome, "{name}");
        assert_eq!(layer["statements"].as_array().unwrap().len(), 1);
    }
}

/// What a user may do in the organization: delete what is red, look at service control policies, list.
const IN_THE_ORGANIZATION: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "organizations:DeletePolicy", "Resource": "*",
     "Condition": {"StringEquals": {"aws:ResourceTag/team": "red"}}},
    {"Effect": "Allow", "Action": "organizations:DescribePolicy", "Resource": "*",
     "Condition": {"StringEquals": {"organizations:PolicyType": "SERVICE_CONTROL_POLICY"}}},
    {"Effect": "Allow", "Action": "organizations:ListRoots", "Resource": "*"}]}"#;

#[tokio::test]
async fn what_somebody_may_do_in_the_organization_is_explained() {
    let world = World::new().await;
    user(&world, HOME, "eve").await;
    world.organizations("CreateOrganization", json!({})).await;
    let tags = json!([{"Key": "team", "Value": "red"}]);
    let content = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
    let input = json!({"Name": "own", "Description": "", "Type": "SERVICE_CONTROL_POLICY", "Tags": tags,
        "Content": content.to_string()});
    let created = world.organizations("CreatePolicy", input).await.json();
    let created = created["Policy"]["PolicySummary"]["Arn"].clone();
    let given = [
        ("UserName", "eve"),
        ("PolicyName", "own"),
        ("PolicyDocument", IN_THE_ORGANIZATION),
    ];
    manage(&world, HOME, "PutUserPolicy", &given).await;
    let of_aws = json!("arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess");
    let ask = |action: &str, resource: &Value, context: Value| {
        json!({"principal": format!("arn:aws:iam::{HOME}:user/eve"), "action": action,
            "resource": resource, "context": context})
    };
    let told = json!({"organizations:PolicyType": "RESOURCE_CONTROL_POLICY"});
    for (action, resource, context, outcome) in [
        ("organizations:DeletePolicy", &created, json!({}), "allowed"),
        (
            "organizations:DeletePolicy",
            &of_aws,
            json!({}),
            "implicitlyDenied",
        ),
        (
            "organizations:DescribePolicy",
            &of_aws,
            json!({}),
            "allowed",
        ),
        (
            "organizations:describepolicy",
            &created,
            told,
            "implicitlyDenied",
        ),
        ("organizations:ListRoots", &json!("*"), json!({}), "allowed"),
        (
            "sts:GetFederationToken",
            &json!("*"),
            json!({}),
            "implicitlyDenied",
        ),
    ] {
        let input = ask(action, resource, context);
        let (explained, _) = explained(&world, input, "identity").await;
        assert_eq!(
            explained["decision"]["outcome"], outcome,
            "{action} {resource}"
        );
    }
}
