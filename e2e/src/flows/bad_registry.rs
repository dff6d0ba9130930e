//! Bad input to `/v2/`: each gets an error of the OCI specification, never a 5xx, and nothing is stored.

use std::io::Write;

use anyhow::{Result, bail, ensure};
use serde_json::json;

use super::Flow;
use crate::api::{expect_error, with_query};
use crate::content::{self, Image, OCI_MANIFEST};
use crate::scene::Scene;
use crate::wire::{Answer, Request, connect, read_answer};

pub(super) const REPOSITORY: &str = "bad/registry";

pub(super) const FLOWS: &[Flow] = &[
    Flow::new(
        "wire",
        "registry: traversal and control characters in names",
        names,
    ),
    Flow::new("wire", "registry: bad references", references),
    Flow::new("wire", "registry: unknown and foreign uploads", uploads),
    Flow::new("wire", "registry: bad queries and methods", queries),
    Flow::new("wire", "registry: broken HTTP", broken_http),
];

/// Runs after all other bad input.
pub(super) const AFTERWARDS: &[Flow] = &[Flow::new(
    "wire",
    "registry: nothing was stored",
    nothing_stored,
)];

fn names(scene: &mut Scene) -> Result<()> {
    scene.create_repository(REPOSITORY)?;
    scene.create_repository("bad/other")?;
    let long = "a".repeat(300);
    let longer = "a/".repeat(5_000);
    let names = [
        "..",
        "../../etc",
        "a/../b",
        "%2e%2e/%2e%2e/etc/passwd",
        "a%2f..%2fb",
        "a%00b",
        "a%0ab",
        "a%0d%0ax: y",
        "A/B",
        "a//b",
        "a..b",
        "%ff%fe",
        "-a",
        "_a",
        "1a",
        &long,
        &longer,
        "000000000000",
        "000000000000.us-east-1",
        "000000000000./a",
        "00000000000/a",
    ];
    let codes = [
        "NAME_INVALID",
        "NAME_UNKNOWN",
        "UNSUPPORTED",
        "MANIFEST_UNKNOWN",
        "BLOB_UNKNOWN",
        "DENIED",
    ];
    for name in names {
        let shown: String = name.chars().take(40).collect();
        for tail in ["manifests/v1", "blobs/sha256:0", "tags/list"] {
            let answer = scene
                .registry("GET", &format!("/v2/{name}/{tail}"))
                .send(scene.port())?;
            refused(&answer, &format!("GET {shown}/{tail}"))?;
        }
        let answer = scene
            .registry("POST", &format!("/v2/{name}/blobs/uploads/"))
            .send(scene.port())?;
        refused(&answer, &format!("POST {shown}"))?;
        let known = codes.contains(&answer.code().as_str())
            || answer.status == 414
            || answer.code().is_empty();
        ensure!(known, "POST {shown}: {}", answer.code());
    }
    Ok(())
}

fn references(scene: &mut Scene) -> Result<()> {
    let long = "t".repeat(129);
    let references = [
        "..",
        "..%2f..%2fetc%2fpasswd",
        "-v1",
        ".v1",
        "a%20b",
        "a%00b",
        &long,
        "sha256:",
        "sha256:xyz",
        "md5:00",
        "sha256:../../x",
        &format!("sha256:{}", "A".repeat(64)),
        &format!("sha256:{}", "a".repeat(65)),
    ];
    for reference in references {
        let target = format!("/v2/{REPOSITORY}/manifests/{reference}");
        refused(
            &scene.registry("GET", &target).send(scene.port())?,
            reference,
        )?;
        let image = Image::oci("reference");
        let put = scene
            .registry("PUT", &target)
            .header("content-type", OCI_MANIFEST)
            .body(&image.manifest);
        refused(&put.send(scene.port())?, reference)?;
        let blob = scene.registry("GET", &format!("/v2/{REPOSITORY}/blobs/{reference}"));
        refused(&blob.send(scene.port())?, reference)?;
    }
    Ok(())
}

fn uploads(scene: &mut Scene) -> Result<()> {
    let location = scene.begin_upload(REPOSITORY)?;
    let id = location.rsplit('/').next().unwrap_or_default();
    let id = id.split('?').next().unwrap_or_default().to_owned();
    let foreign = format!("/v2/bad/other/blobs/uploads/{id}");
    let unknown = "00000000-0000-4000-8000-000000000000";
    let made_up = [unknown, "..%2f..%2fetc", "x", "%00"]
        .map(|id| format!("/v2/{REPOSITORY}/blobs/uploads/{id}"));
    for target in made_up.iter().chain([&foreign]) {
        for method in ["GET", "PATCH", "DELETE"] {
            let answer = scene
                .registry(method, target)
                .body(b"abc")
                .send(scene.port())?;
            refused(&answer, &format!("{method} {target}"))?;
        }
        let put = with_query(target, &format!("digest={}", content::digest(b"abc")));
        let answer = scene
            .registry("PUT", &put)
            .body(b"abc")
            .send(scene.port())?;
        let codes = ["BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID", "NAME_UNKNOWN"];
        expect_error(&answer, &[400, 404], &codes, target)?;
    }
    Ok(())
}

fn queries(scene: &mut Scene) -> Result<()> {
    for query in [
        "n=-1",
        "n=abc",
        "n=99999999999999999999",
        "n=%00",
        "last=%ff",
        "last=..%2f",
        "n=0&n=1",
    ] {
        for list in [
            format!("/v2/{REPOSITORY}/tags/list"),
            "/v2/_catalog".to_owned(),
        ] {
            let answer = scene
                .registry("GET", &with_query(&list, query))
                .send(scene.port())?;
            ensure!(answer.status < 500, "{list}?{query}: {}", answer.status);
        }
    }
    let digest = content::digest(b"x");
    let mounts = [
        "mount=x",
        "mount=sha256:zz&from=..%2fx",
        &format!("mount={digest}&from=000000000000.eu-west-1/a"),
    ];
    for query in mounts {
        let target = format!("/v2/{REPOSITORY}/blobs/uploads/?{query}");
        let answer = scene.registry("POST", &target).send(scene.port())?;
        ensure!(
            matches!(answer.status, 202 | 400),
            "POST ?{query}: {}",
            answer.status
        );
    }
    for (method, tail) in [
        ("POST", "manifests/v1"),
        ("PATCH", "manifests/v1"),
        ("PUT", "tags/list"),
        ("TRACE", ""),
    ] {
        let answer = scene
            .registry(method, &format!("/v2/{REPOSITORY}/{tail}"))
            .body(b"x")
            .send(scene.port())?;
        ensure!(
            matches!(answer.status, 404 | 405),
            "{method} {tail}: {}",
            answer.status
        );
    }
    Ok(())
}

fn broken_http(scene: &mut Scene) -> Result<()> {
    let long_line = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(2_000_000));
    let many = format!(
        "GET /v2/ HTTP/1.1\r\nhost: x\r\n{}\r\n",
        "x-y: z\r\n".repeat(20_000)
    );
    let raw: [&[u8]; 8] = [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /v2/ HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nZZZ\r\n",
        long_line.as_bytes(),
        many.as_bytes(),
    ];
    for bytes in raw {
        let mut stream = connect(scene.port())?;
        // The server may hang up before all is written.
        let _written = stream.write_all(bytes);
        let shown: String = String::from_utf8_lossy(bytes).chars().take(40).collect();
        match read_answer(&mut stream, false) {
            Ok(answer) if !(400..500).contains(&answer.status) => {
                bail!("{shown:?}: {}", answer.status)
            }
            _ => {}
        }
    }
    ensure!(
        Request::new("GET", "/healthz").send(scene.port())?.status == 200,
        "not healthy"
    );
    Ok(())
}

fn nothing_stored(scene: &mut Scene) -> Result<()> {
    let tags = scene
        .registry("GET", &format!("/v2/{REPOSITORY}/tags/list"))
        .send(scene.port())?;
    ensure!(
        tags.json()["tags"].as_array().is_none_or(Vec::is_empty),
        "tags: {}",
        tags.excerpt()
    );
    for bytes in [
        &b"some bytes"[..],
        b"abc",
        &content::noise("cut short", 50_000),
    ] {
        let digest = content::digest(bytes);
        let head = scene
            .registry("HEAD", &format!("/v2/{REPOSITORY}/blobs/{digest}"))
            .send(scene.port())?;
        ensure!(head.status == 404, "{digest} is there");
    }
    let images = scene.call("ListImages", &json!({"repositoryName": REPOSITORY}))?;
    ensure!(images["imageIds"] == json!([]), "images: {images}");
    Ok(())
}

/// A 4xx, and where it comes from the registry, an OCI error body.
pub(super) fn refused(answer: &Answer, what: &str) -> Result<()> {
    ensure!(
        (400..500).contains(&answer.status),
        "{what}: {} {}",
        answer.status,
        answer.excerpt()
    );
    ensure!(
        answer.body.is_empty() || !answer.code().is_empty(),
        "{what}: no OCI error body: {}",
        answer.excerpt()
    );
    Ok(())
}
