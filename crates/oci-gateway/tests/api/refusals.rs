//! Names, paths, methods and bodies that are refused.

use ecru_domain::Digest;
use http::Request;
use http::header::AUTHORIZATION;

use crate::world::{World, basic, streamed};

#[tokio::test]
async fn names_that_are_none_are_invalid() {
    let world = World::new().await;
    let long = "a".repeat(257);
    for name in [
        "UPPER/case",
        "a//b",
        "-lead",
        "trail-",
        "a/../b",
        "a_/b",
        "",
        "a%2Fb",
        "a%00b",
        "..",
        "1a",
        "%C3%BC",
        "a%20b",
        "111111111111",
        "team/app/",
        "000000000000.BAD/team",
        long.as_str(),
    ] {
        for (method, tail) in [
            ("POST", "blobs/uploads/"),
            ("GET", "manifests/v1"),
            ("GET", "tags/list"),
        ] {
            let answer = world
                .send(method, &format!("/v2/{name}/{tail}"), &[], "")
                .await;
            assert_eq!(
                answer.refusal(),
                (400, "NAME_INVALID".to_owned()),
                "{name} {tail}"
            );
        }
    }
}

#[tokio::test]
async fn an_unknown_repository_is_unknown_to_every_verb() {
    let world = World::new().await;
    let digest = Digest::sha256(b"x");
    let upload = "01234567-89ab-cdef-0123-456789abcdef";
    for (method, tail) in [
        ("GET", "tags/list".to_owned()),
        ("GET", "tags/list?n=0".to_owned()),
        ("GET", "manifests/latest".to_owned()),
        ("DELETE", format!("manifests/{digest}")),
        ("GET", format!("blobs/{digest}")),
        ("GET", format!("referrers/{digest}")),
        ("POST", "blobs/uploads/".to_owned()),
        ("POST", format!("blobs/uploads/?digest={digest}")),
        (
            "POST",
            format!("blobs/uploads/?mount={digest}&from=team/app"),
        ),
        ("GET", format!("blobs/uploads/{upload}")),
        ("PATCH", format!("blobs/uploads/{upload}")),
        ("PUT", format!("blobs/uploads/{upload}?digest={digest}")),
    ] {
        let answer = world
            .send(method, &format!("/v2/team/none/{tail}"), &[], "")
            .await;
        assert_eq!(
            answer.refusal(),
            (404, "NAME_UNKNOWN".to_owned()),
            "{method} {tail}"
        );
        let expected = "The repository with name 'team/none' does not exist in the registry with id '000000000000'";
        assert_eq!(answer.message(), expected);
    }
    let manifest = world.push_image("team/app", None, "a").await;
    let answer = world.put("/v2/team/none/manifests/v1", &manifest).await;
    assert_eq!(answer.refusal(), (404, "NAME_UNKNOWN".to_owned()));
}

#[tokio::test]
async fn references_and_digests_that_are_none() {
    let world = World::new().await;
    let manifest = world.push_image("team/app", None, "a").await;
    for bad in [
        "-lead",
        ".lead",
        "with%20space",
        "with+plus",
        "a%2Fb",
        "%00",
        &"a".repeat(129),
    ] {
        let path = format!("/v2/team/app/manifests/{bad}");
        let pushed = world.put(&path, &manifest).await;
        assert_eq!(pushed.refusal(), (400, "TAG_INVALID".to_owned()), "{bad}");
        for method in ["GET", "DELETE"] {
            let answer = world.send(method, &path, &[], "").await;
            assert_eq!(
                answer.refusal(),
                (404, "MANIFEST_UNKNOWN".to_owned()),
                "{method} {bad}"
            );
        }
    }
    for bad in [
        "sha256:xyz",
        "sha256:",
        "md5:00",
        &format!("sha256:{}", "a".repeat(63)),
    ] {
        for place in ["manifests", "blobs", "referrers"] {
            let answer = world.get(&format!("/v2/team/app/{place}/{bad}")).await;
            assert_eq!(
                answer.refusal(),
                (400, "DIGEST_INVALID".to_owned()),
                "{place} {bad}"
            );
        }
    }
    for place in ["blobs", "referrers"] {
        for bad in ["nodigest", "..%2f..%2fetc%2fpasswd"] {
            let answer = world.get(&format!("/v2/team/app/{place}/{bad}")).await;
            assert_eq!(
                answer.refusal(),
                (400, "DIGEST_INVALID".to_owned()),
                "{place} {bad}"
            );
        }
    }
}

#[tokio::test]
async fn other_paths_and_methods_are_unsupported() {
    let world = World::new().await;
    for path in [
        "/v2/../etc/passwd",
        "/v2/team/app/nonsense",
        "/v2/team",
        "/v2//",
    ] {
        let answer = world.get(path).await;
        assert_eq!(answer.refusal(), (404, "UNSUPPORTED".to_owned()), "{path}");
        assert_eq!(answer.route, "unknown");
    }
    for (method, path, allow) in [
        ("PUT", "/v2/", "GET, HEAD"),
        (
            "POST",
            "/v2/team/app/manifests/v1",
            "GET, HEAD, PUT, DELETE",
        ),
        ("PUT", "/v2/team/app/blobs/uploads/", "POST"),
        ("POST", "/v2/_catalog", "GET, HEAD"),
    ] {
        let answer = world.send(method, path, &[], "").await;
        assert_eq!(answer.refusal(), (405, "UNSUPPORTED".to_owned()), "{path}");
        assert_eq!(answer.header("allow"), Some(allow), "{path}");
    }
    let long = format!("/v2/team/app/tags/list?last={}", "a".repeat(17_000));
    assert_eq!(world.get(&long).await.status, 414);
}

#[tokio::test]
async fn bodies_that_are_not_as_announced_store_nothing() {
    let world = World::new().await;
    let begun = world
        .send("POST", "/v2/team/app/blobs/uploads/", &[], "")
        .await;
    let pieces: [Vec<Result<&'static [u8], _>>; 2] =
        [vec![Ok(b"123")], vec![Ok(b"12345"), Ok(b"6")]];
    for piece in pieces {
        let request = Request::builder()
            .method("PATCH")
            .uri(begun.location())
            .header("content-range", "0-4")
            .header(AUTHORIZATION, basic("AWS", &world.password));
        let answer = world.raw(request.body(streamed(piece)).unwrap()).await;
        assert_eq!(answer.refusal(), (400, "SIZE_INVALID".to_owned()));
    }
    let status = world.get(&begun.location()).await;
    assert_eq!(status.header("range"), Some("0-0"));
}

#[tokio::test]
async fn the_body_of_a_stranger_is_not_read_on_and_on() {
    let world = World::new().await;
    let endless = futures_util::stream::repeat_with(|| {
        Ok::<_, std::io::Error>(http_body::Frame::data(bytes::Bytes::from_static(
            &[0; 16_384],
        )))
    });
    let request = Request::builder()
        .method("POST")
        .uri("/v2/team/app/blobs/uploads/")
        .body(http_body_util::StreamBody::new(endless))
        .unwrap();
    assert_eq!(
        world.raw(request).await.refusal(),
        (401, "UNAUTHORIZED".to_owned())
    );
}

#[tokio::test]
async fn no_path_is_a_surprise() {
    const SEGMENTS: [&str; 14] = [
        "",
        ".",
        "..",
        "%2F",
        "%2e%2e",
        "%00",
        "%ff",
        "%",
        "blobs",
        "uploads",
        "manifests",
        "tags",
        "list",
        "_catalog",
    ];
    let world = World::new().await;
    for begin in ["", "team/app/"] {
        for (a, b, c) in combinations(&SEGMENTS) {
            let path = format!("/v2/{begin}{a}/{b}/{c}");
            let answer = world.get(&path).await;
            assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
            answer.refusal();
        }
    }
}

fn combinations<'a>(segments: &'a [&'a str]) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
    let pairs = segments
        .iter()
        .flat_map(move |a| segments.iter().map(move |b| (a, b)));
    pairs.flat_map(move |(a, b)| segments.iter().map(move |c| (*a, *b, *c)))
}
