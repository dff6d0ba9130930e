//! Repositories, their settings and resource tags.

use ecru_aws_model::ecr::Operation as Op;
use serde_json::{Value, json};

use crate::world::{HOME, OTHER, Signer, World};

const INVALID: &str = "InvalidParameterException";

#[tokio::test]
async fn a_repository_is_described_in_full() {
    let world = World::new().await;
    let created = world.create("team/app").await;
    let expected = json!({
        "repositoryArn": "arn:aws:ecr:us-east-1:000000000000:repository/team/app",
        "registryId": "000000000000",
        "repositoryName": "team/app",
        "repositoryUri": "localhost:5050/team/app",
        "createdAt": 1_795_165_687.25,
        "imageTagMutability": "MUTABLE",
        "imageScanningConfiguration": {"scanOnPush": false},
        "encryptionConfiguration": {"encryptionType": "AES256"},
    });
    assert_eq!(created, json!({"repository": expected}));
    let by_name = json!({"repositoryNames": ["team/app"]});
    for input in [by_name, json!({}), json!({"registryId": HOME})] {
        let described = world.ok(Op::DescribeRepositories, input).await;
        assert_eq!(described, json!({"repositories": [expected]}));
    }
    let input = json!({"repositoryName": "team/app"});
    let deleted = world.ok(Op::DeleteRepository, input.clone()).await;
    assert_eq!(deleted, created);
    let text = world.refused(Op::DeleteRepository, input, "RepositoryNotFoundException");
    assert_eq!(
        text.await,
        "The repository with name 'team/app' does not exist in the registry with id '000000000000'"
    );
}

#[tokio::test]
async fn every_setting_of_a_new_repository_is_kept() {
    let world = World::new().await;
    let input = json!({
        "repositoryName": "team/full",
        "tags": [{"Key": "team", "Value": "platform"}],
        "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
        "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "dev*"}],
        "imageScanningConfiguration": {"scanOnPush": true},
        "encryptionConfiguration": {"encryptionType": "KMS"},
    });
    let created = &world.ok(Op::CreateRepository, input.clone()).await["repository"];
    for member in [
        "imageTagMutability",
        "imageTagMutabilityExclusionFilters",
        "imageScanningConfiguration",
    ] {
        assert_eq!(created[member], input[member], "{member}");
    }
    let encryption = &created["encryptionConfiguration"];
    let key = encryption["kmsKey"].as_str().unwrap();
    assert_eq!(encryption["encryptionType"], "KMS");
    assert!(
        key.starts_with("arn:aws:kms:us-east-1:000000000000:key/"),
        "{key}"
    );
    let arn = json!({"resourceArn": created["repositoryArn"]});
    let tags = world.ok(Op::ListTagsForResource, arn).await;
    assert_eq!(tags, json!({"tags": input["tags"]}));
}

#[tokio::test]
async fn a_registry_elsewhere_has_its_segment_in_the_uri() {
    let world = World::new().await;
    let input = json!({"repositoryName": "app"}).to_string();
    for (signer, uri) in [
        (
            Signer::root(HOME).in_region("eu-west-1"),
            "localhost:5050/000000000000.eu-west-1/app",
        ),
        (
            Signer::root(OTHER),
            "localhost:5050/222222222222.us-east-1/app",
        ),
    ] {
        let answer = world
            .send_as(&signer, Op::CreateRepository, input.clone())
            .await;
        assert_eq!(answer.json()["repository"]["repositoryUri"], uri);
    }
    assert_eq!(
        world.ok(Op::DescribeRepositories, json!({})).await,
        json!({"repositories": []})
    );
    let hosted = World::with_host("{account}.dkr.ecr.{region}.example.com").await;
    let created = hosted.create("app").await;
    assert_eq!(
        created["repository"]["repositoryUri"],
        "000000000000.dkr.ecr.us-east-1.example.com/app"
    );
}

#[tokio::test]
async fn bad_repositories_are_refused_and_nothing_is_stored() {
    let world = World::new().await;
    world.create("taken").await;
    let tags = |n: usize| {
        (0..n)
            .map(|i| json!({"Key": format!("k{i}"), "Value": ""}))
            .collect::<Vec<_>>()
    };
    let key = "arn:aws:kms:us-east-1:000000000000:key/01234567-89ab-cdef-0123-456789abcdef";
    let filter = json!([{"filterType": "WILDCARD", "filter": "x"}]);
    for (member, value, code) in [
        (
            "repositoryName",
            json!("taken"),
            "RepositoryAlreadyExistsException",
        ),
        ("repositoryName", json!("1digit"), INVALID),
        ("repositoryName", json!("Bad//NAME"), INVALID),
        ("repositoryName", json!("a".repeat(257)), INVALID),
        ("repositoryName", json!({"a": 1}), "SerializationException"),
        ("repositoryName", Value::Null, INVALID),
        ("registryId", json!("12ab"), INVALID),
        ("imageTagMutability", json!("SOMETIMES"), INVALID),
        (
            "imageTagMutability",
            json!("MUTABLE_WITH_EXCLUSION"),
            INVALID,
        ),
        ("imageTagMutabilityExclusionFilters", filter, INVALID),
        ("tags", json!(tags(51)), "TooManyTagsException"),
        (
            "tags",
            json!([{"Key": "aws:x", "Value": "v"}]),
            "InvalidTagParameterException",
        ),
        (
            "encryptionConfiguration",
            json!({"encryptionType": "AES256", "kmsKey": key}),
            INVALID,
        ),
        (
            "encryptionConfiguration",
            json!({"encryptionType": "KMS", "kmsKey": key}),
            "KmsException",
        ),
    ] {
        let mut input = json!({"repositoryName": "fresh"});
        input[member] = value;
        world.refused(Op::CreateRepository, input, code).await;
    }
    let described = world.ok(Op::DescribeRepositories, json!({})).await;
    assert_eq!(described["repositories"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_refusal_by_kms_names_its_code() {
    let world = World::new().await;
    let encryption = json!({"encryptionType": "KMS", "kmsKey": "alias/none"});
    let input = json!({"repositoryName": "app", "encryptionConfiguration": encryption});
    let answer = world.call(Op::CreateRepository, input).await;
    assert_eq!(answer.json()["kmsError"], "NotFoundException");
}

#[tokio::test]
async fn names_and_paging_exclude_each_other() {
    let world = World::new().await;
    world.create("app").await;
    for (member, value) in [("maxResults", json!(5)), ("nextToken", json!("x"))] {
        let mut input = json!({"repositoryNames": ["app"]});
        input[member] = value;
        world
            .refused(Op::DescribeRepositories, input, INVALID)
            .await;
    }
    let input = json!({"repositoryNames": ["app", "none"]});
    let code = "RepositoryNotFoundException";
    world.refused(Op::DescribeRepositories, input, code).await;
}

#[tokio::test]
async fn only_force_deletes_a_repository_with_images() {
    let world = World::new().await;
    world.create("app").await;
    world.push("app", "one", Some("v1")).await;
    let input = json!({"repositoryName": "app"});
    let text = world
        .refused(Op::DeleteRepository, input, "RepositoryNotEmptyException")
        .await;
    assert!(
        text.ends_with("cannot be deleted because it still contains images"),
        "{text}"
    );
    let input = json!({"repositoryName": "app", "force": true});
    world.ok(Op::DeleteRepository, input).await;
    world.create("app").await;
}

#[tokio::test]
async fn mutability_and_filters_are_replaced_together() {
    let world = World::new().await;
    world.create("app").await;
    let filters = json!([{"filterType": "WILDCARD", "filter": "dev*"}]);
    for (mode, filters) in [
        ("IMMUTABLE", None),
        ("IMMUTABLE_WITH_EXCLUSION", Some(&filters)),
        ("MUTABLE_WITH_EXCLUSION", Some(&filters)),
        ("MUTABLE", None),
    ] {
        let mut input = json!({"repositoryName": "app", "imageTagMutability": mode});
        let mut expected =
            json!({"registryId": HOME, "repositoryName": "app", "imageTagMutability": mode});
        if let Some(filters) = filters {
            input["imageTagMutabilityExclusionFilters"] = filters.clone();
            expected["imageTagMutabilityExclusionFilters"] = filters.clone();
        }
        assert_eq!(world.ok(Op::PutImageTagMutability, input).await, expected);
        let described = world.ok(Op::DescribeRepositories, json!({})).await;
        assert_eq!(described["repositories"][0]["imageTagMutability"], mode);
    }
    let input = json!({"repositoryName": "app", "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION"});
    let text = world
        .refused(Op::PutImageTagMutability, input, INVALID)
        .await;
    assert_eq!(
        text,
        "Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint: \
         'ImageTagMutabilityExclusionFilters can't be null when imageTagMutability is set as IMMUTABLE_WITH_EXCLUSION'"
    );
}

#[tokio::test]
async fn the_scanning_flag_is_kept() {
    let world = World::new().await;
    world.create("app").await;
    for (given, kept) in [
        (json!({"scanOnPush": true}), true),
        (json!({"scanOnPush": false}), false),
        (json!({}), false),
    ] {
        let input = json!({"repositoryName": "app", "imageScanningConfiguration": given});
        let expected = json!({
            "registryId": HOME, "repositoryName": "app",
            "imageScanningConfiguration": {"scanOnPush": kept},
        });
        assert_eq!(
            world.ok(Op::PutImageScanningConfiguration, input).await,
            expected
        );
    }
}

#[tokio::test]
async fn resource_tags_are_merged_listed_and_removed() {
    let world = World::new().await;
    let arn = world.create("app").await["repository"]["repositoryArn"].clone();
    for (key, value) in [("team", "a"), ("stage", "test"), ("team", "b")] {
        let input = json!({"resourceArn": arn, "tags": [{"Key": key, "Value": value}]});
        assert_eq!(world.ok(Op::TagResource, input).await, json!({}));
    }
    let input = json!({"resourceArn": arn, "tagKeys": ["stage", "never"]});
    assert_eq!(world.ok(Op::UntagResource, input).await, json!({}));
    let listed = world
        .ok(Op::ListTagsForResource, json!({"resourceArn": arn}))
        .await;
    assert_eq!(listed, json!({"tags": [{"Key": "team", "Value": "b"}]}));
    for (bad, code) in [
        ("nonsense", INVALID),
        ("arn:aws:s3:::bucket", INVALID),
        (
            "arn:aws:ecr:us-east-1:000000000000:repository/none",
            "RepositoryNotFoundException",
        ),
    ] {
        let input =
            json!({"resourceArn": bad, "tags": [{"Key": "k", "Value": "v"}], "tagKeys": ["k"]});
        for operation in [Op::TagResource, Op::UntagResource, Op::ListTagsForResource] {
            world.refused(operation, input.clone(), code).await;
        }
    }
}
