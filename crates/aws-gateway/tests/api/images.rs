//! Images: push, pull, describe, list, delete, referrers.

use ecru_aws_model::ecr::Operation as Op;
use ecru_domain::Digest;
use serde_json::{Value, json};

use crate::world::{CONFIG, HOME, INDEX, MANIFEST, World};

const INVALID: &str = "InvalidParameterException";

#[tokio::test]
async fn a_manifest_comes_back_as_it_was_pushed() {
    let world = World::new().await;
    world.create("app").await;
    // spaces, member order and escapes are the client's
    let image = world.image("app", "one").await;
    let manifest = format!(
        "{{ \"annotations\":{{\"a\":\"\\u00e4/\\/\\n\"}},\t\"x\":\"ä€\u{1f600}\",\n{}",
        image.to_string().strip_prefix('{').unwrap()
    );
    let digest = Digest::sha256(manifest.as_bytes()).to_string();
    let input = json!({
        "repositoryName": "app", "imageManifest": manifest, "imageTag": "v1", "imageDigest": digest,
    });
    let expected = json!({
        "registryId": HOME, "repositoryName": "app",
        "imageId": {"imageDigest": digest, "imageTag": "v1"},
        "imageManifest": manifest, "imageManifestMediaType": MANIFEST,
    });
    let put = world.ok(Op::PutImage, input).await;
    assert_eq!(put, json!({"image": expected}));
    for (id, tag) in [
        (json!({"imageTag": "v1"}), true),
        (json!({"imageDigest": digest}), false),
        (json!({"imageDigest": digest, "imageTag": "v1"}), true),
    ] {
        let input =
            json!({"repositoryName": "app", "imageIds": [id], "acceptedMediaTypes": ["x/y"]});
        let pulled = world.ok(Op::BatchGetImage, input).await;
        let mut expected = expected.clone();
        if !tag {
            expected["imageId"] = json!({"imageDigest": digest});
        }
        assert_eq!(pulled, json!({"images": [expected], "failures": []}));
    }
}

#[tokio::test]
async fn the_decision_table_of_a_push() {
    let world = World::new().await;
    world.create("app").await;
    let input = json!({"repositoryName": "fixed", "imageTagMutability": "IMMUTABLE"});
    world.ok(Op::CreateRepository, input).await;
    let put = |repository: &str, manifest: &str, tag: Option<&str>| {
        let mut input = json!({"repositoryName": repository, "imageManifest": manifest});
        if let Some(tag) = tag {
            input["imageTag"] = tag.into();
        }
        input
    };
    let (digest, one) = world.push("app", "one", Some("v1")).await;
    let code = "ImageAlreadyExistsException";
    let text = world
        .refused(Op::PutImage, put("app", &one, Some("v1")), code)
        .await;
    assert_eq!(
        text,
        format!(
            "Image with digest '{digest}' and tag 'v1' already exists in the repository with name 'app' \
             in registry with id '000000000000'"
        )
    );
    let text = world
        .refused(Op::PutImage, put("app", &one, None), code)
        .await;
    assert!(text.contains("and tag 'null' already exists"), "{text}");
    world.ok(Op::PutImage, put("app", &one, Some("v2"))).await;
    world.push("app", "two", Some("v2")).await;

    let (_, one) = world.push("fixed", "one", Some("v1")).await;
    world
        .refused(Op::PutImage, put("fixed", &one, Some("v1")), code)
        .await;
    let two = world.image("fixed", "two").await.to_string();
    let code = "ImageTagAlreadyExistsException";
    let text = world
        .refused(Op::PutImage, put("fixed", &two, Some("v1")), code)
        .await;
    assert_eq!(
        text,
        "The image tag 'v1' already exists in the 'fixed' repository and cannot be overwritten because the \
         repository is immutable."
    );
}

#[tokio::test]
async fn a_bad_push_is_refused() {
    let world = World::new().await;
    world.create("app").await;
    let good = world.image("app", "one").await;
    let mut missing_layer = good.clone();
    missing_layer["layers"][0]["digest"] = Digest::sha256(b"absent").to_string().into();
    let missing_image = json!({
        "schemaVersion": 2, "mediaType": INDEX,
        "manifests": [{"mediaType": MANIFEST, "digest": Digest::sha256(b"absent").as_str(), "size": 3}],
    });
    let mut untyped = good.clone();
    untyped.as_object_mut().unwrap().remove("mediaType");
    let docker = "application/vnd.docker.distribution.manifest.v2+json";
    let good = good.to_string();
    for (member, value, code) in [
        ("imageManifest", json!("hello"), INVALID),
        ("imageManifest", json!(""), INVALID),
        ("imageManifest", json!("[".repeat(100_000)), INVALID),
        ("imageManifest", json!(" ".repeat(4_194_305)), INVALID),
        ("imageManifest", json!(untyped.to_string()), INVALID),
        (
            "imageManifest",
            json!(missing_layer.to_string()),
            "LayersNotFoundException",
        ),
        (
            "imageManifest",
            json!(missing_image.to_string()),
            "ReferencedImagesNotFoundException",
        ),
        ("imageManifestMediaType", json!(docker), INVALID),
        ("imageTag", json!("-bad tag"), INVALID),
        ("imageTag", json!("a".repeat(129)), INVALID),
        ("imageTag", json!("a".repeat(301)), INVALID),
        (
            "imageDigest",
            json!(Digest::sha256(b"x").as_str()),
            "ImageDigestDoesNotMatchException",
        ),
        (
            "imageDigest",
            json!("sha256:bad"),
            "ImageDigestDoesNotMatchException",
        ),
        (
            "repositoryName",
            json!("none"),
            "RepositoryNotFoundException",
        ),
    ] {
        let mut input = json!({"repositoryName": "app", "imageManifest": good});
        input[member] = value;
        world.refused(Op::PutImage, input, code).await;
    }
    let input = json!({"repositoryName": "app"});
    let listed = world.ok(Op::ListImages, input).await;
    assert_eq!(listed, json!({"imageIds": []}));
}

#[tokio::test]
async fn answers_that_nobody_reads_take_a_bounded_memory() {
    let world = World::new().await;
    world.create("app").await;
    let mut image = world.image("app", "one").await;
    image["annotations"] = json!({"k": "x".repeat(4_000_000)});
    let manifest = image.to_string();
    let put = json!({"repositoryName": "app", "imageManifest": manifest, "imageTag": "v1"});
    world.ok(Op::PutImage, put).await;
    let input = json!({"repositoryName": "app", "imageIds": [{"imageTag": "v1"}]});
    let mut unread = Vec::new();
    for _ in 0..8 {
        unread.push(world.unread(Op::BatchGetImage, input.clone()).await);
    }
    tokio::time::pause();
    let answer = world.call(Op::BatchGetImage, input.clone()).await;
    assert_eq!(answer.status, 503, "clients try again");
    unread.pop();
    let pulled = world.ok(Op::BatchGetImage, input).await;
    assert_eq!(pulled["images"][0]["imageManifest"], json!(manifest));
}

#[tokio::test]
async fn a_batch_reports_each_image_that_it_passes_over() {
    let world = World::new().await;
    world.create("app").await;
    let (one, manifest) = world.push("app", "one", Some("v1")).await;
    let (two, other) = world.push("app", "two", Some("v2")).await;
    let ids = json!([
        {"imageTag": "nope"}, {"imageTag": "v1"}, {}, {"imageDigest": "sha256:bad"}, {"imageDigest": two},
        {"imageTag": "bad tag"}, {"imageTag": "v1", "imageDigest": two},
    ]);
    let input = json!({"repositoryName": "app", "imageIds": ids});
    let answer = world.call(Op::BatchGetImage, input).await;
    let pulled = answer.json();
    assert!(!answer.is_whole, "several images are streamed");
    let manifests: Vec<&Value> = pulled["images"]
        .as_array()
        .unwrap()
        .iter()
        .map(|image| &image["imageManifest"])
        .collect();
    assert_eq!(manifests, [&json!(manifest), &json!(other)]);
    let failures: Vec<(&Value, &str)> = pulled["failures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|failure| {
            (
                &failure["imageId"],
                failure["failureCode"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        failures,
        [
            (&ids[0], "ImageNotFound"),
            (&ids[2], "MissingDigestAndTag"),
            (&ids[3], "InvalidImageDigest"),
            (&ids[5], "InvalidImageTag"),
            (&ids[6], "ImageTagDoesNotMatchDigest"),
        ]
    );
    assert_eq!(
        pulled["failures"][0]["failureReason"],
        "Requested image not found"
    );
    let input =
        json!({"repositoryName": "app", "imageIds": [{"imageTag": "a"}, {"imageTag": "b"}]});
    let none = world.call(Op::BatchGetImage, input).await;
    assert!(none.is_whole && none.json()["images"] == json!([]));
    let input = json!({"repositoryName": "app", "imageIds": [{"imageTag": "v1"}]});
    assert!(world.call(Op::BatchGetImage, input).await.is_whole);
    drop(one);
}

#[tokio::test]
async fn batches_have_one_to_a_hundred_images_of_a_known_repository() {
    let world = World::new().await;
    world.create("app").await;
    let ids = |n: usize| {
        (0..n)
            .map(|i| json!({"imageTag": format!("t{i}")}))
            .collect::<Vec<_>>()
    };
    for operation in [Op::BatchGetImage, Op::BatchDeleteImage] {
        for n in [0, 101] {
            let input = json!({"repositoryName": "app", "imageIds": ids(n)});
            world.refused(operation, input, INVALID).await;
        }
        let input = json!({"repositoryName": "none", "imageIds": ids(100)});
        world
            .refused(operation, input, "RepositoryNotFoundException")
            .await;
        let input = json!({"repositoryName": "app", "imageIds": ids(100)});
        let answer = world.ok(operation, input).await;
        assert_eq!(answer["failures"].as_array().unwrap().len(), 100);
    }
}

#[tokio::test]
async fn latest_stands_for_the_newest_push_but_is_never_listed() {
    let world = World::new().await;
    world.create("app").await;
    world.push("app", "one", Some("v1")).await;
    let (newest, _) = world.push("app", "two", Some("v2")).await;
    let input = json!({"repositoryName": "app", "imageIds": [{"imageTag": "latest"}]});
    let pulled = world.ok(Op::BatchGetImage, input).await;
    let expected = json!({"imageDigest": newest, "imageTag": "latest"});
    assert_eq!(pulled["images"][0]["imageId"], expected);
    let listed = world
        .ok(Op::ListImages, json!({"repositoryName": "app"}))
        .await;
    assert!(!listed.to_string().contains("latest"), "{listed}");
}

#[tokio::test]
async fn images_are_described_once_each_and_listed_by_tag() {
    let world = World::new().await;
    world.create("app").await;
    let (one, manifest) = world.push("app", "one", Some("v1")).await;
    let (two, _) = world.push("app", "two", None).await;
    let again = json!({"repositoryName": "app", "imageManifest": manifest, "imageTag": "v1.0"});
    world.ok(Op::PutImage, again).await;
    let input =
        json!({"repositoryName": "app", "imageIds": [{"imageTag": "v1"}, {"imageDigest": one}]});
    let described = world.ok(Op::DescribeImages, input).await;
    let detail = json!({
        "registryId": HOME, "repositoryName": "app", "imageDigest": one, "imageTags": ["v1", "v1.0"],
        "imageSizeInBytes": "{\"config\":\"one\"}".len() + 3, "imagePushedAt": 1_795_165_687.25,
        "imageManifestMediaType": MANIFEST, "artifactMediaType": CONFIG, "imageStatus": "ACTIVE",
    });
    assert_eq!(described, json!({"imageDetails": [detail]}));
    for (filter, digests, ids) in [
        (json!({}), 2, 3),
        (json!({"tagStatus": "ANY", "imageStatus": "ANY"}), 2, 3),
        (json!({"tagStatus": "TAGGED"}), 1, 2),
        (
            json!({"tagStatus": "UNTAGGED", "imageStatus": "ACTIVE"}),
            1,
            1,
        ),
        (json!({"imageStatus": "ARCHIVED"}), 0, 0),
    ] {
        let input = json!({"repositoryName": "app", "filter": filter});
        let described = world.ok(Op::DescribeImages, input.clone()).await;
        assert_eq!(
            described["imageDetails"].as_array().unwrap().len(),
            digests,
            "{filter}"
        );
        let listed = world.ok(Op::ListImages, input).await;
        assert_eq!(
            listed["imageIds"].as_array().unwrap().len(),
            ids,
            "{filter}"
        );
    }
    let input = json!({"repositoryName": "app", "filter": {"tagStatus": "UNTAGGED"}});
    let listed = world.ok(Op::ListImages, input).await;
    assert_eq!(listed, json!({"imageIds": [{"imageDigest": two}]}));
}

#[tokio::test]
async fn one_unknown_image_fails_the_whole_description() {
    let world = World::new().await;
    world.create("app").await;
    world.push("app", "one", Some("v1")).await;
    let describe = |ids: Value| json!({"repositoryName": "app", "imageIds": ids});
    let input = describe(json!([{"imageTag": "v1"}, {"imageTag": "nope"}]));
    let text = world
        .refused(Op::DescribeImages, input, "ImageNotFoundException")
        .await;
    assert_eq!(
        text,
        "The image with imageId {imageDigest:'null', imageTag:'nope'} does not exist within the repository with \
         name 'app' in the registry with id '000000000000'"
    );
    let mut paged = describe(json!([{"imageTag": "v1"}]));
    paged["maxResults"] = 3.into();
    for input in [paged, describe(json!([{}])), describe(json!([]))] {
        world.refused(Op::DescribeImages, input, INVALID).await;
    }
}

#[tokio::test]
async fn the_last_tag_takes_its_image_along_but_not_one_of_an_index() {
    let world = World::new().await;
    world.create("app").await;
    let (child, _) = world.push("app", "child", Some("child")).await;
    let index = json!({
        "schemaVersion": 2, "mediaType": INDEX,
        "manifests": [{"mediaType": MANIFEST, "digest": child, "size": 3}],
    });
    let input =
        json!({"repositoryName": "app", "imageManifest": index.to_string(), "imageTag": "multi"});
    let put = world.ok(Op::PutImage, input).await;
    let index = put["image"]["imageId"]["imageDigest"].clone();
    let delete = |ids: Value| json!({"repositoryName": "app", "imageIds": ids});
    let kept = world
        .ok(Op::BatchDeleteImage, delete(json!([{"imageTag": "child"}])))
        .await;
    assert_eq!(
        kept,
        json!({"imageIds": [], "failures": [{
            "imageId": {"imageTag": "child"}, "failureCode": "ImageReferencedByManifestList",
            "failureReason": format!("Requested image referenced by manifest list: [{}]", index.as_str().unwrap()),
        }]})
    );
    let ids = json!([{"imageDigest": index}, {"imageTag": "child"}, {"imageTag": "child"}]);
    let deleted = world.ok(Op::BatchDeleteImage, delete(ids)).await;
    let expected = json!([
        {"imageDigest": index, "imageTag": "multi"}, {"imageDigest": child, "imageTag": "child"},
    ]);
    assert_eq!(deleted["imageIds"], expected);
    assert_eq!(deleted["failures"][0]["failureCode"], "ImageNotFound");
}

#[tokio::test]
async fn referrers_tell_what_their_manifests_say() {
    let world = World::new().await;
    world.create("app").await;
    let (subject, manifest) = world.push("app", "one", Some("v1")).await;
    let mut referrer = world.image("app", "sbom").await;
    referrer["artifactType"] = "application/vnd.example.sbom".into();
    referrer["annotations"] = json!({"k": "v"});
    referrer["subject"] = json!({"mediaType": MANIFEST, "digest": subject, "size": manifest.len()});
    let text = referrer.to_string();
    let put = json!({"repositoryName": "app", "imageManifest": text});
    world.ok(Op::PutImage, put).await;
    let expected = json!({
        "digest": Digest::sha256(text.as_bytes()).as_str(), "mediaType": MANIFEST,
        "artifactType": "application/vnd.example.sbom", "size": text.len(),
        "annotations": {"k": "v"}, "artifactStatus": "ACTIVE",
    });
    for (filter, found) in [
        (json!({}), true),
        (
            json!({"artifactTypes": ["application/x", "application/vnd.example.sbom"]}),
            true,
        ),
        (json!({"artifactTypes": []}), true),
        (json!({"artifactTypes": ["application/x"]}), false),
        (json!({"artifactStatus": "ANY"}), true),
        (json!({"artifactStatus": "ARCHIVED"}), false),
    ] {
        let input = json!({"repositoryName": "app", "subjectId": {"imageDigest": subject}, "filter": filter});
        let expected = if found {
            vec![expected.clone()]
        } else {
            vec![]
        };
        let listed = world.ok(Op::ListImageReferrers, input).await;
        assert_eq!(listed, json!({"referrers": expected}), "{filter}");
    }
    let unknown = json!({"imageDigest": Digest::sha256(b"x").as_str()});
    let input = json!({"repositoryName": "app", "subjectId": unknown});
    assert_eq!(
        world.ok(Op::ListImageReferrers, input).await,
        json!({"referrers": []})
    );
    for subject in ["x", ""] {
        let input = json!({"repositoryName": "app", "subjectId": {"imageDigest": subject}});
        world.refused(Op::ListImageReferrers, input, INVALID).await;
    }
    let details = world
        .ok(
            Op::DescribeImages,
            json!({"repositoryName": "app", "filter": {"tagStatus": "UNTAGGED"}}),
        )
        .await;
    assert_eq!(details["imageDetails"][0]["subjectManifestDigest"], subject);
}
