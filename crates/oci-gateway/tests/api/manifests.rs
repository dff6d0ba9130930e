//! Pushing, pulling and deleting manifests.

use bytes::Bytes;
use ecru_domain::manifest::media_type;
use ecru_domain::mutability::MutabilityMode;
use ecru_domain::{Algorithm, Digest};
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};

use crate::world::{World, basic, descriptor, streamed};

const V1: &str = "/v2/team/app/manifests/v1";

#[tokio::test]
async fn a_manifest_comes_back_byte_for_byte_by_tag_and_digest() {
    let world = World::new().await;
    let compact = world.image("team/app", "a", serde_json::json!({})).await;
    let value: serde_json::Value = serde_json::from_slice(&compact).unwrap();
    let manifest = format!("{value:#}\n\n").replace("\"layers\"", "\"l\\u0061yers\"");
    let digest = Digest::sha256(manifest.as_bytes());
    let pushed = world.put(V1, manifest.as_bytes()).await;
    assert_eq!(pushed.status, 201);
    assert_eq!(
        pushed.header("docker-content-digest"),
        Some(digest.as_str())
    );
    assert_eq!(
        pushed.location(),
        format!("/v2/team/app/manifests/{digest}")
    );
    assert_eq!(pushed.header("oci-subject"), None);
    for path in [V1.to_owned(), pushed.location()] {
        for method in ["GET", "HEAD"] {
            let answer = world
                .send(method, &path, &[("accept", "text/plain")], "")
                .await;
            assert_eq!(answer.status, 200);
            let length = manifest.len().to_string();
            assert_eq!(answer.header("content-length"), Some(length.as_str()));
            assert_eq!(
                answer.header("content-type"),
                Some(media_type::OCI_MANIFEST)
            );
            assert_eq!(
                answer.header("docker-content-digest"),
                Some(digest.as_str())
            );
            let expected = if method == "GET" {
                manifest.as_str()
            } else {
                ""
            };
            assert_eq!(answer.body, expected);
        }
    }
}

#[tokio::test]
async fn before_a_push_latest_is_there_only_if_it_was_pushed() {
    let world = World::new().await;
    let manifest = world.image("team/app", "a", serde_json::json!({})).await;
    assert_eq!(world.put(V1, &manifest).await.status, 201);
    let latest = "/v2/team/app/manifests/latest";
    let pusher = [("accept", "application/vnd.oci.image.manifest.v1+json, */*")];
    assert_eq!(world.send("HEAD", latest, &[], "").await.status, 200);
    assert_eq!(world.send("HEAD", latest, &pusher, "").await.status, 404);
    assert_eq!(world.send("GET", latest, &pusher, "").await.status, 200);
    assert_eq!(world.send("HEAD", V1, &pusher, "").await.status, 200);
    assert_eq!(world.put(latest, &manifest).await.status, 201);
    assert_eq!(world.send("HEAD", latest, &pusher, "").await.status, 200);
}

#[tokio::test]
async fn a_manifest_may_come_without_length_and_with_parameters_in_its_type() {
    let world = World::new().await;
    let manifest = world.image("team/app", "a", serde_json::json!({})).await;
    let manifest: &'static [u8] = manifest.to_vec().leak();
    let request = Request::builder()
        .method("PUT")
        .uri(V1)
        .header(AUTHORIZATION, basic("AWS", &world.password))
        .header(
            CONTENT_TYPE,
            format!("{}; charset=utf-8", media_type::OCI_MANIFEST),
        );
    let (head, tail) = manifest.split_at(20);
    let answer = world.raw(request.body(streamed(vec![Ok(head), Ok(tail)])).unwrap());
    assert_eq!(answer.await.status, 201);
    assert_eq!(world.get(V1).await.body, manifest);
}

#[tokio::test]
async fn tag_parameters_set_tags_and_are_confirmed() {
    let world = World::new().await;
    let manifest = world.image("team/app", "a", serde_json::json!({})).await;
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        let digest = Digest::of(algorithm, &manifest);
        let name = algorithm.name();
        let query = format!("tag={name}-a&tag={name}-b&tag={name}-a");
        let path = format!("/v2/team/app/manifests/{digest}?{query}");
        let answer = world.put(&path, &manifest).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        assert_eq!(
            answer.header("docker-content-digest"),
            Some(digest.as_str())
        );
        let confirmed: Vec<_> = answer.headers.get_all("oci-tag").iter().collect();
        assert_eq!(
            confirmed,
            [format!("{name}-a").as_str(), format!("{name}-b").as_str()]
        );
        let found = world.get(&format!("/v2/team/app/manifests/{name}-b")).await;
        assert_eq!(found.body, manifest);
        assert_eq!(found.header("docker-content-digest"), Some(digest.as_str()));
    }
    let digest = Digest::sha256(&manifest);
    let bad = format!("/v2/team/app/manifests/{digest}?tag=-x");
    assert_eq!(
        world.put(&bad, &manifest).await.refusal(),
        (400, "TAG_INVALID".to_owned())
    );
    let many: Vec<_> = (0..101).map(|n| format!("tag=t{n}")).collect();
    let many = format!("/v2/team/app/manifests/{digest}?{}", many.join("&"));
    assert_eq!(world.put(&many, &manifest).await.status, 414);
}

#[tokio::test]
async fn an_index_needs_its_images_and_a_subject_is_confirmed() {
    let world = World::new().await;
    let image = world.push_image("team/app", None, "a").await;
    let child = descriptor(
        media_type::OCI_MANIFEST,
        &Digest::sha256(&image),
        image.len(),
    );
    let missing = descriptor(media_type::OCI_MANIFEST, &Digest::sha256(b"none"), 4);
    let index = |child: &serde_json::Value| {
        serde_json::json!({
            "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": [child],
            "subject": descriptor(media_type::OCI_MANIFEST, &Digest::sha256(b"subject"), 7),
        })
        .to_string()
    };
    let headers = [(CONTENT_TYPE.as_str(), media_type::OCI_INDEX)];
    let answer = world.send("PUT", V1, &headers, index(&missing)).await;
    assert_eq!(answer.refusal(), (404, "MANIFEST_BLOB_UNKNOWN".to_owned()));
    let answer = world.send("PUT", V1, &headers, index(&child)).await;
    assert_eq!(answer.status, 201);
    let subject = Digest::sha256(b"subject");
    assert_eq!(answer.header("oci-subject"), Some(subject.as_str()));
    assert_eq!(
        world.get(V1).await.header("content-type"),
        Some(media_type::OCI_INDEX)
    );

    let path = format!("/v2/team/app/manifests/{}", Digest::sha256(&image));
    let answer = world.send("DELETE", &path, &[], "").await;
    assert_eq!(answer.refusal(), (400, "UNSUPPORTED".to_owned()));
    assert!(
        answer
            .message()
            .starts_with("Requested image referenced by manifest list: [")
    );
}

#[tokio::test]
async fn what_is_no_manifest_is_refused() {
    let world = World::new().await;
    let bad: [&[u8]; 7] = [b"", b"{", b"[]", b"null", b"\"x\"", b"\xff\xfe", b"{}"];
    for body in bad {
        let answer = world.put(V1, body).await;
        assert_eq!(
            answer.refusal(),
            (400, "MANIFEST_INVALID".to_owned()),
            "{body:?}"
        );
    }
    let manifest = world.image("team/app", "a", serde_json::json!({})).await;
    let headers = [(CONTENT_TYPE.as_str(), media_type::DOCKER_MANIFEST)];
    let answer = world.send("PUT", V1, &headers, manifest.clone()).await;
    assert_eq!(answer.refusal(), (400, "MANIFEST_INVALID".to_owned()));
    assert_eq!(
        world.get(V1).await.refusal(),
        (404, "MANIFEST_UNKNOWN".to_owned())
    );
    // without a type in the request, the manifest's own counts
    assert_eq!(world.send("PUT", V1, &[], manifest).await.status, 201);
}

#[tokio::test]
async fn a_missing_layer_and_a_wrong_digest_are_refused() {
    let world = World::new().await;
    let lacking = serde_json::json!({"layers": [descriptor(crate::world::LAYER, &Digest::sha256(b"none"), 4)]});
    let manifest = world.image("team/app", "a", lacking).await;
    let answer = world.put(V1, &manifest).await;
    assert_eq!(answer.refusal(), (404, "MANIFEST_BLOB_UNKNOWN".to_owned()));

    let manifest = world.image("team/app", "b", serde_json::json!({})).await;
    let other = format!("/v2/team/app/manifests/{}", Digest::sha256(b"other"));
    let answer = world.put(&other, &manifest).await;
    assert_eq!(answer.refusal(), (400, "MANIFEST_INVALID".to_owned()));
    assert_eq!(world.get(&other).await.status, 404);
}

#[tokio::test]
async fn manifests_up_to_four_mebibytes_are_taken() {
    let world = World::new().await;
    let empty = world
        .image(
            "team/app",
            "a",
            serde_json::json!({"annotations": {"k": ""}}),
        )
        .await;
    let room = 4 * 1_024 * 1_024 - empty.len();
    let filled = |length: usize| {
        let value = "A".repeat(length);
        let text = String::from_utf8(empty.to_vec()).unwrap();
        Bytes::from(text.replace("\"k\":\"\"", &format!("\"k\":\"{value}\"")))
    };
    let answer = world.put(V1, &filled(room)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(world.get(V1).await.body.len(), 4 * 1_024 * 1_024);
    let answer = world.put(V1, &filled(room + 1)).await;
    assert_eq!(answer.refusal(), (413, "MANIFEST_INVALID".to_owned()));
}

#[tokio::test]
async fn manifests_that_nobody_reads_take_a_bounded_memory() {
    let world = World::new().await;
    let annotations = serde_json::json!({"annotations": {"k": "x".repeat(4_000_000)}});
    let manifest = world.image("team/app", "a", annotations).await;
    assert_eq!(world.put(V1, &manifest).await.status, 201);
    let mut unread = Vec::new();
    for _ in 0..8 {
        unread.push(world.unread(V1).await);
    }
    tokio::time::pause();
    let answer = world.get(V1).await;
    assert_eq!(answer.refusal(), (429, "TOOMANYREQUESTS".to_owned()));
    unread.pop();
    assert_eq!(world.get(V1).await.body, manifest);
}

#[tokio::test]
async fn immutable_tags_are_refused_with_the_fixed_text_even_for_the_same_image() {
    let world = World::new().await;
    let home = world.home.clone();
    world
        .create_in(&home, "team/fixed", MutabilityMode::Immutable)
        .await;
    let manifest = world.push_image("team/fixed", Some("v1"), "a").await;
    let other = world.image("team/fixed", "b", serde_json::json!({})).await;
    for manifest in [manifest, other] {
        let answer = world.put("/v2/team/fixed/manifests/v1", &manifest).await;
        assert_eq!(answer.refusal(), (400, "TAG_INVALID".to_owned()));
        let expected = "The image tag 'v1' already exists in the 'team/fixed' repository and cannot be overwritten because the repository is immutable.";
        assert_eq!(answer.message(), expected);
    }
}

#[tokio::test]
async fn the_same_push_again_is_no_error_in_a_mutable_repository() {
    let world = World::new().await;
    let manifest = world.push_image("team/app", Some("v1"), "a").await;
    assert_eq!(world.put(V1, &manifest).await.status, 201);
    let by_digest = format!("/v2/team/app/manifests/{}", Digest::sha256(&manifest));
    assert_eq!(world.put(&by_digest, &manifest).await.status, 201);
}

#[tokio::test]
async fn manifests_and_tags_are_deleted() {
    let world = World::new().await;
    let manifest = world.push_image("team/app", Some("v1"), "a").await;
    let by_digest = format!("/v2/team/app/manifests/{}", Digest::sha256(&manifest));
    let answer = world.send("DELETE", V1, &[], "").await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (202, 0));
    assert_eq!(
        world.get(V1).await.refusal(),
        (404, "MANIFEST_UNKNOWN".to_owned())
    );
    assert_eq!(
        world.get(&by_digest).await.body,
        manifest,
        "a tag's end is not the image's"
    );

    world.put(V1, &manifest).await;
    assert_eq!(world.send("DELETE", &by_digest, &[], "").await.status, 202);
    for path in [V1, by_digest.as_str()] {
        assert_eq!(world.get(path).await.status, 404);
        let answer = world.send("DELETE", path, &[], "").await;
        assert_eq!(answer.refusal(), (404, "MANIFEST_UNKNOWN".to_owned()));
    }
}
