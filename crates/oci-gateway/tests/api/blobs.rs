//! Pulling blobs: whole, in part, by HEAD, on condition.

use ecru_domain::{Algorithm, Digest};

use crate::world::World;

const CONTENT: &[u8] = b"0123456789";

#[tokio::test]
async fn a_blob_comes_back_with_its_headers() {
    let world = World::new().await;
    let digest = world.push_blob("team/app", CONTENT).await;
    let path = format!("/v2/team/app/blobs/{digest}");
    for method in ["GET", "HEAD"] {
        let answer = world.send(method, &path, &[], "").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-length"), Some("10"));
        assert_eq!(
            answer.header("content-type"),
            Some("application/octet-stream")
        );
        assert_eq!(
            answer.header("docker-content-digest"),
            Some(digest.as_str())
        );
        assert_eq!(answer.header("accept-ranges"), Some("bytes"));
        let expected: &[u8] = if method == "GET" { CONTENT } else { b"" };
        assert_eq!(answer.body, expected);
        assert_eq!(answer.route, "blob.pull");
    }
}

#[tokio::test]
async fn ranges_select_and_those_outside_are_told_the_size() {
    let world = World::new().await;
    let digest = world.push_blob("team/app", CONTENT).await;
    let path = format!("/v2/team/app/blobs/{digest}");
    let table: [(&str, &[u8], &str); 4] = [
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=8-99", b"89", "bytes 8-9/10"),
    ];
    for (range, expected, content_range) in table {
        let answer = world.send("GET", &path, &[("range", range)], "").await;
        assert_eq!(answer.status, 206, "{range}");
        assert_eq!(answer.body, expected, "{range}");
        assert_eq!(answer.header("content-range"), Some(content_range));
        let length = expected.len().to_string();
        assert_eq!(answer.header("content-length"), Some(length.as_str()));
    }
    for range in ["bytes=10-", "bytes=5-4"] {
        let answer = world.send("GET", &path, &[("range", range)], "").await;
        assert_eq!(answer.status, 416, "{range}");
        assert_eq!(answer.header("content-range"), Some("bytes */10"));
    }
    for range in ["bytes=0-1,4-5", "lines=1-2", "bytes=x-y"] {
        let answer = world.send("GET", &path, &[("range", range)], "").await;
        assert_eq!(
            (answer.status.as_u16(), answer.body.len()),
            (200, 10),
            "{range}"
        );
    }
    let twice = [("range", "bytes=0-1"), ("range", "bytes=4-5")];
    assert_eq!(world.send("GET", &path, &twice, "").await.status, 200);
    let head = world
        .send("HEAD", &path, &[("range", "bytes=2-4")], "")
        .await;
    assert_eq!(head.header("content-length"), Some("10"));
}

#[tokio::test]
async fn conditions_are_kept() {
    let world = World::new().await;
    let digest = world.push_blob("team/app", CONTENT).await;
    let path = format!("/v2/team/app/blobs/{digest}");
    let tag = world.get(&path).await.header("etag").unwrap().to_owned();
    assert_eq!(tag, format!("\"{digest}\""));
    let known = world
        .send("GET", &path, &[("if-none-match", &tag)], "")
        .await;
    assert_eq!((known.status.as_u16(), known.body.len()), (304, 0));
    let other = world
        .send("GET", &path, &[("if-none-match", "\"x\"")], "")
        .await;
    assert_eq!(other.status, 200);
    let resumed = [("range", "bytes=2-4"), ("if-range", tag.as_str())];
    assert_eq!(world.send("GET", &path, &resumed, "").await.status, 206);
    let changed = [("range", "bytes=2-4"), ("if-range", "\"x\"")];
    assert_eq!(world.send("GET", &path, &changed, "").await.status, 200);
}

#[tokio::test]
async fn an_empty_blob_is_a_blob() {
    let world = World::new().await;
    let digest = world.push_blob("team/app", b"").await;
    let answer = world.get(&format!("/v2/team/app/blobs/{digest}")).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
    assert_eq!(answer.header("content-length"), Some("0"));
}

#[tokio::test]
async fn a_blob_pushed_by_sha512_is_found_by_it() {
    let world = World::new().await;
    let digest = Digest::of(Algorithm::Sha512, CONTENT);
    let path = format!("/v2/team/app/blobs/uploads/?digest={digest}");
    let pushed = world.send("POST", &path, &[], CONTENT).await;
    assert_eq!(pushed.status, 201);
    assert_eq!(
        pushed.header("docker-content-digest"),
        Some(digest.as_str())
    );
    let answer = world.get(&pushed.location()).await;
    assert_eq!(answer.body, CONTENT);
    assert_eq!(
        answer.header("docker-content-digest"),
        Some(digest.as_str())
    );
}

#[tokio::test]
async fn a_blob_of_another_repository_is_unknown_here() {
    let world = World::new().await;
    world.create("team/other").await;
    let digest = world.push_blob("team/other", CONTENT).await;
    let path = format!("/v2/team/app/blobs/{digest}");
    let answer = world.get(&path).await;
    assert_eq!(answer.refusal(), (404, "BLOB_UNKNOWN".to_owned()));
    let head = world.send("HEAD", &path, &[], "").await;
    assert_eq!((head.status.as_u16(), head.body.len()), (404, 0));
    assert_eq!(
        head.header("content-length"),
        answer.header("content-length")
    );
}

#[tokio::test]
async fn blobs_are_not_deleted_by_request() {
    let world = World::new().await;
    let digest = world.push_blob("team/app", CONTENT).await;
    let path = format!("/v2/team/app/blobs/{digest}");
    let answer = world.send("DELETE", &path, &[], "").await;
    assert_eq!(answer.refusal(), (405, "UNSUPPORTED".to_owned()));
    assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    assert_eq!(world.get(&path).await.status, 200);
}
