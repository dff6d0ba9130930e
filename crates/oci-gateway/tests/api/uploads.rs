//! Uploads in every way that clients know.

use ecru_domain::{Algorithm, Digest};
use http::header::AUTHORIZATION;
use http::{Request, StatusCode};

use crate::world::{Answer, World, basic, streamed};

const UPLOADS: &str = "/v2/team/app/blobs/uploads/";

async fn begin(world: &World) -> String {
    let answer = world.send("POST", UPLOADS, &[], "").await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    answer.location()
}

async fn patch(world: &World, location: &str, range: &str, bytes: &'static [u8]) -> Answer {
    let headers = [("content-range", range)];
    world.send("PATCH", location, &headers, bytes).await
}

async fn complete(world: &World, location: &str, bytes: &'static [u8], digest: &str) -> Answer {
    let path = format!("{location}?digest={digest}");
    world.send("PUT", &path, &[], bytes).await
}

async fn assert_blob(world: &World, content: &[u8]) {
    let path = format!("/v2/team/app/blobs/{}", Digest::sha256(content));
    assert_eq!(world.get(&path).await.body, content);
}

#[tokio::test]
async fn an_upload_begins_with_a_relative_location() {
    let world = World::new().await;
    let answer = world.send("POST", UPLOADS, &[], "").await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.header("content-length"), Some("0"));
    assert_eq!(answer.header("range"), Some("0-0"));
    let uuid = answer.header("docker-upload-uuid").unwrap();
    assert_eq!(answer.location(), format!("{UPLOADS}{uuid}"));
    assert_eq!(answer.route, "upload.initiate");
    let without_slash = UPLOADS.trim_end_matches('/');
    let other = world.send("POST", without_slash, &[], "").await;
    assert_eq!(other.status, 202);
    assert_ne!(other.location(), answer.location());
}

#[tokio::test]
async fn a_monolithic_upload_takes_two_requests() {
    let world = World::new().await;
    let location = begin(&world).await;
    let digest = Digest::sha256(b"whole").to_string();
    let answer = complete(&world, &location, b"whole", &digest).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.location(), format!("/v2/team/app/blobs/{digest}"));
    assert_eq!(
        answer.header("docker-content-digest"),
        Some(digest.as_str())
    );
    assert_blob(&world, b"whole").await;
    let gone = world.get(&location).await;
    assert_eq!(gone.refusal(), (404, "BLOB_UPLOAD_UNKNOWN".to_owned()));
}

#[tokio::test]
async fn chunks_follow_each_other_and_the_last_may_come_with_the_end() {
    let world = World::new().await;
    let location = begin(&world).await;
    let answer = patch(&world, &location, "0-4", b"01234").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("range")),
        (202, Some("0-4"))
    );
    let answer = patch(&world, &answer.location(), "5-7", b"567").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("range")),
        (202, Some("0-7"))
    );
    let status = world.get(&location).await;
    assert_eq!(
        (status.status.as_u16(), status.header("range")),
        (204, Some("0-7"))
    );
    assert_eq!(status.location(), location);
    assert_eq!(status.header("content-length"), None);
    let path = format!("{location}?digest={}", Digest::sha256(b"0123456789"));
    let last = [("content-range", "8-9")];
    assert_eq!(world.send("PUT", &path, &last, "89").await.status, 201);
    assert_blob(&world, b"0123456789").await;
}

#[tokio::test]
async fn a_chunk_out_of_order_is_told_where_the_upload_stands() {
    let world = World::new().await;
    let location = begin(&world).await;
    assert_eq!(patch(&world, &location, "5-9", b"56789").await.status, 416);
    patch(&world, &location, "0-4", b"01234").await;
    let digest = Digest::sha256(b"0123456789").to_string();
    let again = patch(&world, &location, "0-4", b"01234").await;
    let path = format!("{location}?digest={digest}");
    let ahead = [("content-range", "8-9")];
    let ahead = world.send("PUT", &path, &ahead, "89").await;
    for answer in [again, ahead] {
        assert_eq!(answer.refusal(), (416, "BLOB_UPLOAD_INVALID".to_owned()));
        assert_eq!(answer.header("range"), Some("0-4"));
        assert_eq!(answer.location(), location);
    }
    let message = patch(&world, &location, "0-4", b"01234").await.message();
    assert_eq!(message, "First byte of the layer part is 0 instead of 5");
    patch(&world, &location, "5-9", b"56789").await;
    assert_eq!(complete(&world, &location, b"", &digest).await.status, 201);
    assert_blob(&world, b"0123456789").await;
}

#[tokio::test]
async fn a_stream_needs_neither_length_nor_range() {
    let world = World::new().await;
    let location = begin(&world).await;
    let request = Request::builder()
        .method("PATCH")
        .uri(&location)
        .header(AUTHORIZATION, basic("AWS", &world.password));
    let body = streamed(vec![Ok(b"one "), Ok(b""), Ok(b"two")]);
    let answer = world.raw(request.body(body).unwrap()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("range")),
        (202, Some("0-6"))
    );
    let digest = Digest::sha256(b"one two").to_string();
    assert_eq!(complete(&world, &location, b"", &digest).await.status, 201);
    assert_blob(&world, b"one two").await;
}

#[tokio::test]
async fn a_stream_that_breaks_can_be_resumed() {
    let world = World::new().await;
    let location = begin(&world).await;
    let request = Request::builder()
        .method("PATCH")
        .uri(&location)
        .header(AUTHORIZATION, basic("AWS", &world.password));
    let reset = std::io::Error::other("reset");
    let body = streamed(vec![Ok(b"one "), Err(reset)]);
    let answer = world.raw(request.body(body).unwrap()).await;
    assert_eq!(answer.refusal(), (400, "SIZE_INVALID".to_owned()));
    let status = world.get(&location).await;
    assert_eq!(status.header("range"), Some("0-3"));
    patch(&world, &location, "4-6", b"two").await;
    let digest = Digest::sha256(b"one two").to_string();
    assert_eq!(complete(&world, &location, b"", &digest).await.status, 201);
}

#[tokio::test]
async fn a_cancelled_upload_is_unknown() {
    let world = World::new().await;
    let location = begin(&world).await;
    let answer = world.send("DELETE", &location, &[], "").await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
    for (method, path) in [
        ("GET", location.clone()),
        ("PATCH", location.clone()),
        ("PUT", format!("{location}?digest={}", Digest::sha256(b""))),
        ("DELETE", location.clone()),
    ] {
        let answer = world.send(method, &path, &[], "").await;
        let expected = (404, "BLOB_UPLOAD_UNKNOWN".to_owned());
        assert_eq!(answer.refusal(), expected, "{method}");
    }
}

#[tokio::test]
async fn sha512_may_be_announced_or_come_at_the_end() {
    let world = World::new().await;
    let digest = Digest::of(Algorithm::Sha512, b"long").to_string();
    for query in ["?digest-algorithm=sha512", ""] {
        let begun = world
            .send("POST", &format!("{UPLOADS}{query}"), &[], "")
            .await;
        let location = begun.location();
        let answer = complete(&world, &location, b"long", &digest).await;
        assert_eq!(answer.status, 201, "{query}");
        assert_eq!(
            answer.header("docker-content-digest"),
            Some(digest.as_str())
        );
    }
    let path = format!("{UPLOADS}?digest-algorithm=md5");
    let answer = world.send("POST", &path, &[], "").await;
    assert_eq!(answer.refusal(), (400, "DIGEST_INVALID".to_owned()));
}

#[tokio::test]
async fn wrong_digests_store_nothing() {
    let world = World::new().await;
    let (content, wrong) = (b"content", Digest::sha256(b"other"));
    let path = format!("{UPLOADS}?digest={wrong}");
    let single = world.send("POST", &path, &[], &content[..]).await;
    let location = begin(&world).await;
    let twice = complete(&world, &location, content, wrong.as_str()).await;
    for answer in [single, twice] {
        assert_eq!(answer.refusal(), (400, "DIGEST_INVALID".to_owned()));
    }
    let sha512 = Digest::of(Algorithm::Sha512, b"other");
    let location = begin(&world).await;
    let answer = complete(&world, &location, content, sha512.as_str()).await;
    assert_eq!(answer.refusal(), (400, "DIGEST_INVALID".to_owned()));
    for digest in [wrong, Digest::sha256(content), sha512] {
        let answer = world.get(&format!("/v2/team/app/blobs/{digest}")).await;
        assert_eq!(answer.status, 404);
    }
}

#[tokio::test]
async fn digests_that_are_none_are_refused_before_the_body() {
    let world = World::new().await;
    let location = begin(&world).await;
    let upper = Digest::sha256(b"x").as_str().to_uppercase();
    for bad in [
        "sha256:nothex",
        "md5:900150983cd24fb0d6963f7d28e17f72",
        &upper,
        "",
    ] {
        let answer = complete(&world, &location, b"x", bad).await;
        assert_eq!(
            answer.refusal(),
            (400, "DIGEST_INVALID".to_owned()),
            "{bad}"
        );
    }
    let answer = world.send("PUT", &location, &[], "x").await;
    assert_eq!(answer.refusal(), (400, "DIGEST_INVALID".to_owned()));
    let answer = world.get(&location).await;
    assert_eq!(answer.header("range"), Some("0-0"));
}

#[tokio::test]
async fn positions_that_make_no_sense_append_nothing() {
    let world = World::new().await;
    let location = begin(&world).await;
    let table = [
        ("bytes=zero-nine", 400, "BLOB_UPLOAD_INVALID"),
        ("9-0", 400, "BLOB_UPLOAD_INVALID"),
        ("0-99999999999999999999", 400, "BLOB_UPLOAD_INVALID"),
        ("0-18446744073709551615", 400, "BLOB_UPLOAD_INVALID"),
        ("0-99", 400, "SIZE_INVALID"),
        ("0-0", 400, "SIZE_INVALID"),
        (
            "18446744073709551611-18446744073709551615",
            416,
            "BLOB_UPLOAD_INVALID",
        ),
    ];
    for (range, status, code) in table {
        let answer = patch(&world, &location, range, b"01234").await;
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{range}");
    }
    let answer = world.get(&location).await;
    assert_eq!(answer.header("range"), Some("0-0"));
}

#[tokio::test]
async fn an_upload_belongs_to_its_repository() {
    let world = World::new().await;
    world.create("team/other").await;
    let location = begin(&world).await.replace("team/app", "team/other");
    let answer = world.get(&location).await;
    assert_eq!(answer.refusal(), (404, "BLOB_UPLOAD_UNKNOWN".to_owned()));
    let answer = world.get(&format!("{UPLOADS}not-an-upload")).await;
    assert_eq!(answer.refusal(), (404, "BLOB_UPLOAD_UNKNOWN".to_owned()));
}

#[tokio::test]
async fn locations_keep_the_form_of_the_client() {
    let world = World::new().await;
    let form = "/v2/000000000000.us-east-1/team/app";
    let begun = world
        .send("POST", &format!("{form}/blobs/uploads/"), &[], "")
        .await;
    assert!(
        begun
            .location()
            .starts_with(&format!("{form}/blobs/uploads/"))
    );
    let digest = Digest::sha256(b"x").to_string();
    let done = complete(&world, &begun.location(), b"x", &digest).await;
    assert_eq!(done.location(), format!("{form}/blobs/{digest}"));
    assert_eq!(world.get(&done.location()).await.body, "x");
    assert_blob(&world, b"x").await;
}
