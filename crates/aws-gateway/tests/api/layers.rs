//! Layers and their uploads.

use ecru_aws_model::ecr::Operation as Op;
use ecru_domain::Digest;
use serde_json::{Value, json};

use crate::world::{DAY, HOME, HOST, World, part};

const INVALID: &str = "InvalidParameterException";
const UNKNOWN_UPLOAD: &str = "01234567-89ab-cdef-0123-456789abcdef";

async fn begin(world: &World, repository: &str) -> Value {
    let input = json!({"repositoryName": repository});
    let begun = world.ok(Op::InitiateLayerUpload, input).await;
    assert_eq!(begun["partSize"], 10 * 1_024 * 1_024);
    begun["uploadId"].clone()
}

fn complete(repository: &str, upload: &Value, content: &[u8]) -> Value {
    let digest = Digest::sha256(content).to_string();
    json!({"repositoryName": repository, "uploadId": upload, "layerDigests": [digest]})
}

#[tokio::test]
async fn a_layer_is_uploaded_in_parts() {
    let world = World::new().await;
    world.create("app").await;
    let upload = begin(&world, "app").await;
    let content: Vec<u8> = (0..6 * 1_024 * 1_024_u32)
        .map(|i| (i % 251) as u8)
        .collect();
    let (first, last) = content.split_at(5 * 1_024 * 1_024);
    for (begin, bytes) in [(0, first), (first.len(), last)] {
        let answer = world
            .ok(Op::UploadLayerPart, part("app", &upload, begin, bytes))
            .await;
        let expected = json!({
            "registryId": HOME, "repositoryName": "app", "uploadId": upload,
            "lastByteReceived": begin + bytes.len() - 1,
        });
        assert_eq!(answer, expected);
    }
    let mut input = complete("app", &upload, &content);
    let digest = input["layerDigests"][0].clone();
    input["layerDigests"] = json!(["uuid:00ff", digest]);
    let answer = world.ok(Op::CompleteLayerUpload, input.clone()).await;
    let expected = json!({
        "registryId": HOME, "repositoryName": "app", "uploadId": upload, "layerDigest": digest,
    });
    assert_eq!(answer, expected);
    world
        .refused(Op::CompleteLayerUpload, input, "UploadNotFoundException")
        .await;
}

#[tokio::test]
async fn availability_is_told_layer_by_layer() {
    let world = World::new().await;
    world.create("app").await;
    world.create("other").await;
    let layer = world.upload("app", b"layer").await;
    let absent = Digest::sha256(b"absent").to_string();
    let input = json!({"repositoryName": "app", "layerDigests": [layer, absent, "sha256:bad", ""]});
    let checked = world.ok(Op::BatchCheckLayerAvailability, input).await;
    let expected = json!([
        {"layerDigest": layer, "layerAvailability": "AVAILABLE", "layerSize": 5},
        {"layerDigest": absent, "layerAvailability": "UNAVAILABLE"},
    ]);
    assert_eq!(checked["layers"], expected);
    assert_eq!(checked["failures"][0]["layerDigest"], "sha256:bad");
    assert_eq!(checked["failures"][0]["failureCode"], "InvalidLayerDigest");
    assert_eq!(checked["failures"][1]["failureCode"], "MissingLayerDigest");
    let input = json!({"repositoryName": "other", "layerDigests": [layer]});
    let checked = world.ok(Op::BatchCheckLayerAvailability, input).await;
    assert_eq!(checked["layers"][0]["layerAvailability"], "UNAVAILABLE");
}

#[tokio::test]
async fn a_layer_is_handed_out_while_it_is_promised_or_an_image_has_it() {
    let world = World::new().await;
    world.create("app").await;
    let loose = world.upload("app", b"loose").await;
    world.push("app", "one", Some("v1")).await;
    let layer = Digest::sha256(b"one").to_string();
    for digest in [&layer, &loose] {
        let input = json!({"repositoryName": "app", "layerDigest": digest});
        let answer = world.ok(Op::GetDownloadUrlForLayer, input).await;
        assert_eq!(answer["layerDigest"], *digest);
        let url = answer["downloadUrl"].as_str().unwrap();
        let sealed = url.strip_prefix(&format!("http://{HOST}/layer/")).unwrap();
        assert!(!sealed.is_empty());
        assert!(
            sealed
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        );
    }
    world.turn(DAY / 2);
    let input = json!({"repositoryName": "app", "layerDigest": layer});
    world.ok(Op::GetDownloadUrlForLayer, input).await;
    let input = json!({"repositoryName": "app", "layerDigest": loose});
    let code = "LayerInaccessibleException";
    world.refused(Op::GetDownloadUrlForLayer, input, code).await;
}

#[tokio::test]
async fn a_layer_that_is_not_there_is_not_handed_out() {
    let world = World::new().await;
    world.create("app").await;
    world.create("other").await;
    let layer = world.upload("app", b"layer").await;
    let absent = Digest::sha256(b"absent").to_string();
    for (repository, digest, code) in [
        ("app", absent.as_str(), "LayersNotFoundException"),
        ("other", layer.as_str(), "LayersNotFoundException"),
        ("none", layer.as_str(), "RepositoryNotFoundException"),
        ("app", "sha256:1", INVALID),
        ("app", "no digest", INVALID),
    ] {
        let input = json!({"repositoryName": repository, "layerDigest": digest});
        world.refused(Op::GetDownloadUrlForLayer, input, code).await;
    }
}

#[tokio::test]
async fn parts_that_do_not_follow_are_refused_with_what_is_there() {
    let world = World::new().await;
    world.create("app").await;
    let upload = begin(&world, "app").await;
    let early = world
        .call(Op::UploadLayerPart, part("app", &upload, 7, b"abc"))
        .await;
    assert_eq!(early.code(), "InvalidLayerPartException");
    assert_eq!(
        early.message(),
        "First byte of the layer part is 7 instead of 0"
    );
    assert_eq!(early.json().get("lastValidByteReceived"), None);
    world
        .ok(Op::UploadLayerPart, part("app", &upload, 0, b"0123456789"))
        .await;
    let late = world
        .call(Op::UploadLayerPart, part("app", &upload, 0, b"abc"))
        .await
        .json();
    assert_eq!(
        late,
        json!({
            "__type": "InvalidLayerPartException",
            "message": "First byte of the layer part is 0 instead of 10",
            "registryId": HOME, "repositoryName": "app", "uploadId": upload, "lastValidByteReceived": 9,
        })
    );
    for (first, last) in [(10, 99), (10, 2)] {
        let mut input = part("app", &upload, 10, b"abc");
        input["partFirstByte"] = first.into();
        input["partLastByte"] = last.into();
        world
            .refused(Op::UploadLayerPart, input, "InvalidLayerPartException")
            .await;
    }
}

#[tokio::test]
async fn a_bad_upload_is_refused() {
    let world = World::new().await;
    world.create("app").await;
    world.create("other").await;
    let upload = begin(&world, "app").await;
    let code = "EmptyUploadException";
    let text = world
        .refused(Op::CompleteLayerUpload, complete("app", &upload, b""), code)
        .await;
    assert!(
        text.ends_with("cannot be completed because it does not have any parts"),
        "{text}"
    );
    let unknown = json!(UNKNOWN_UPLOAD);
    for (repository, upload, code) in [
        ("app", &unknown, "UploadNotFoundException"),
        ("other", &upload, "UploadNotFoundException"),
        ("none", &upload, "RepositoryNotFoundException"),
        ("app", &json!("no-uuid"), INVALID),
    ] {
        world
            .refused(
                Op::UploadLayerPart,
                part(repository, upload, 0, b"abc"),
                code,
            )
            .await;
        let input = complete(repository, upload, b"abc");
        world.refused(Op::CompleteLayerUpload, input, code).await;
    }
    let mut large = part("app", &upload, 0, b"abc");
    large["layerPartBlob"] = "AAAA".repeat(20 * 1_024 * 1_024 / 3 + 1).into();
    world.refused(Op::UploadLayerPart, large, INVALID).await;
    let mut garbage = part("app", &upload, 0, b"abc");
    garbage["layerPartBlob"] = "not base64!".into();
    world
        .refused(Op::UploadLayerPart, garbage, "SerializationException")
        .await;
    world
        .ok(Op::UploadLayerPart, part("app", &upload, 0, b"abc"))
        .await;
    let text = world
        .refused(
            Op::CompleteLayerUpload,
            complete("app", &upload, b"xyz"),
            "InvalidLayerException",
        )
        .await;
    assert!(
        text.starts_with("None of the provided layer digests match"),
        "{text}"
    );
}

#[tokio::test]
async fn small_parts_and_known_layers_are_refused_at_the_end() {
    let world = World::new().await;
    world.create("app").await;
    let upload = begin(&world, "app").await;
    world
        .ok(Op::UploadLayerPart, part("app", &upload, 0, b"0123456789"))
        .await;
    world
        .ok(Op::UploadLayerPart, part("app", &upload, 10, b"abc"))
        .await;
    let input = complete("app", &upload, b"0123456789abc");
    world
        .refused(Op::CompleteLayerUpload, input, "LayerPartTooSmallException")
        .await;
    world.upload("app", b"known").await;
    let upload = begin(&world, "app").await;
    world
        .ok(Op::UploadLayerPart, part("app", &upload, 0, b"known"))
        .await;
    let input = complete("app", &upload, b"known");
    world
        .refused(
            Op::CompleteLayerUpload,
            input,
            "LayerAlreadyExistsException",
        )
        .await;
}
