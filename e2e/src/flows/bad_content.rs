//! Bad content through `/v2/`: digests, lengths, ranges and manifests that do not hold.

use std::io::Write;

use anyhow::{Result, ensure};
use serde_json::json;

use super::Flow;
use super::bad_registry::{REPOSITORY, refused};
use crate::api::{expect, expect_error, with_query};
use crate::content::{self, Image, OCI_MANIFEST};
use crate::scene::Scene;
use crate::wire::connect;

pub(super) const FLOWS: &[Flow] = &[
    Flow::new("wire", "registry: wrong digests", digests),
    Flow::new(
        "wire",
        "registry: truncated and over-long bodies",
        body_lengths,
    ),
    Flow::new("wire", "registry: absurd Content-Range", content_ranges),
    Flow::new("wire", "registry: absurd Range", ranges),
    Flow::new("wire", "registry: manifests that are none", manifests),
];

fn digests(scene: &mut Scene) -> Result<()> {
    let other = content::digest(b"other bytes");
    let invalid: &[&str] = &["DIGEST_INVALID", "BLOB_UPLOAD_INVALID"];
    for digest in [
        other.as_str(),
        "sha256:",
        "sha256:zz",
        "nonsense",
        "md5:d41d8cd98f00b204e9800998ecf8427e",
        "",
    ] {
        let location = scene.begin_upload(REPOSITORY)?;
        let target = with_query(&location, &format!("digest={digest}"));
        let answer = scene
            .registry("PUT", &target)
            .body(b"some bytes")
            .send(scene.port())?;
        expect_error(
            &answer,
            &[400],
            invalid,
            &format!("blob PUT with {digest:?}"),
        )?;
    }
    let image = Image::oci("wrong-digest");
    for blob in [&image.config, &image.layer] {
        scene.push_blob(REPOSITORY, blob)?;
    }
    let answer = scene.put_manifest(REPOSITORY, &other, OCI_MANIFEST, &image.manifest)?;
    expect_error(
        &answer,
        &[400],
        &["DIGEST_INVALID", "MANIFEST_INVALID"],
        "manifest PUT with another digest",
    )
}

fn body_lengths(scene: &mut Scene) -> Result<()> {
    let bytes = content::noise("cut short", 100_000);
    let digest = content::digest(&bytes);
    let location = scene.begin_upload(REPOSITORY)?;
    let target = with_query(&location, &format!("digest={digest}"));
    // Announce all, send half, hang up: nothing may be committed.
    let announced = scene
        .registry("PUT", &target)
        .header("content-length", &bytes.len().to_string());
    let mut stream = connect(scene.port())?;
    stream.write_all(&announced.head(scene.port()))?;
    stream.write_all(bytes.get(..50_000).unwrap_or_default())?;
    drop(stream);
    let head = scene
        .registry("HEAD", &format!("/v2/{REPOSITORY}/blobs/{digest}"))
        .send(scene.port())?;
    ensure!(head.status == 404, "half a blob is there: {}", head.status);
    // Announce half, send all: the surplus is not part of the body.
    let location = scene.begin_upload(REPOSITORY)?;
    let target = with_query(&location, &format!("digest={digest}"));
    let short = scene
        .registry("PUT", &target)
        .header("content-length", "50000")
        .body(&bytes);
    expect_error(
        &short.send(scene.port())?,
        &[400],
        &["DIGEST_INVALID"],
        "over-long body",
    )?;
    // A manifest cut in the middle.
    let image = Image::oci("cut-manifest");
    let half = image
        .manifest
        .get(..image.manifest.len() / 2)
        .unwrap_or_default();
    let answer = scene.put_manifest(REPOSITORY, "half", OCI_MANIFEST, half)?;
    expect_error(&answer, &[400], &["MANIFEST_INVALID"], "half a manifest")
}

fn content_ranges(scene: &mut Scene) -> Result<()> {
    let location = scene.begin_upload(REPOSITORY)?;
    let ranges = [
        "5-2",
        "abc",
        "-",
        "0-",
        "-5",
        "0-99",
        "bytes 0-2/3x",
        "18446744073709551615-18446744073709551617",
        "99999999999999999999999-1",
        "-1--1",
        "0-2-4",
        "7-9",
        "",
    ];
    for range in ranges {
        let patch = scene
            .registry("PATCH", &location)
            .header("content-range", range);
        let answer = patch
            .header("content-type", "application/octet-stream")
            .body(b"abc")
            .send(scene.port())?;
        ensure!(
            matches!(answer.status, 400 | 416),
            "Content-Range {range:?}: {}",
            answer.status
        );
    }
    let status = scene.registry("GET", &location).send(scene.port())?;
    expect(&status, 204, "upload status")?;
    let range = status.header("range").unwrap_or_default();
    ensure!(matches!(range, "0-0" | ""), "something was taken: {range}");
    Ok(())
}

fn ranges(scene: &mut Scene) -> Result<()> {
    let bytes = content::noise("ranges", 10_000);
    scene.push_blob(REPOSITORY, &bytes)?;
    let target = format!("/v2/{REPOSITORY}/blobs/{}", content::digest(&bytes));
    let cases: [(&str, &[u16]); 9] = [
        ("bytes=10000-", &[416]),
        ("bytes=99999999999999999999999-", &[416, 200]),
        ("bytes=5-2", &[416, 200]),
        ("bytes=abc", &[416, 200, 400]),
        ("bytes=-0", &[416, 200]),
        ("bytes=0-18446744073709551615", &[206, 200]),
        ("bytes=-99999999", &[206, 200]),
        ("lines=1-2", &[200, 416, 400]),
        ("bytes=0-1,5-6,9-9", &[200, 206, 416]),
    ];
    for (range, statuses) in cases {
        let answer = scene
            .registry("GET", &target)
            .header("range", range)
            .send(scene.port())?;
        ensure!(
            statuses.contains(&answer.status),
            "Range {range}: {}",
            answer.status
        );
        ensure!(
            answer.status != 200 || answer.body == bytes,
            "Range {range}: another body"
        );
    }
    Ok(())
}

fn manifests(scene: &mut Scene) -> Result<()> {
    let deep = "[".repeat(200_000);
    let closed = format!(
        "{{\"schemaVersion\":2,\"x\":{}1{}}}",
        "[".repeat(50_000),
        "]".repeat(50_000)
    );
    let bodies: [&str; 12] = [
        "",
        "not JSON",
        "null",
        "[]",
        "5",
        "\"x\"",
        "{}",
        "{\"schemaVersion\":2",
        "{\"schemaVersion\":\"2\"}",
        &deep,
        &closed,
        "{\"schemaVersion\":2,\"config\":5,\"layers\":{}}",
    ];
    for body in bodies {
        let shown: String = body.chars().take(30).collect();
        let answer = scene.put_manifest(REPOSITORY, "bad", OCI_MANIFEST, body.as_bytes())?;
        expect_error(&answer, &[400], &["MANIFEST_INVALID"], &shown)?;
    }
    let negative = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": [],
        "config": {"mediaType": "application/x", "digest": content::digest(b"{}"), "size": -1},
    });
    let answer = scene.put_manifest(
        REPOSITORY,
        "bad",
        OCI_MANIFEST,
        negative.to_string().as_bytes(),
    )?;
    expect_error(
        &answer,
        &[400, 404],
        &["MANIFEST_INVALID", "MANIFEST_BLOB_UNKNOWN"],
        "negative size",
    )?;
    let absent = Image::oci("never pushed");
    let answer = scene.put_manifest(REPOSITORY, "bad", OCI_MANIFEST, &absent.manifest)?;
    expect_error(
        &answer,
        &[400, 404],
        &["MANIFEST_BLOB_UNKNOWN"],
        "missing blobs",
    )?;
    let answer = scene.put_manifest(REPOSITORY, "bad", "text/plain", &absent.manifest)?;
    refused(&answer, "a media type that is none")?;
    let large = vec![b' '; 4 * 1024 * 1024 + 1];
    let answer = scene.put_manifest(REPOSITORY, "bad", OCI_MANIFEST, &large)?;
    ensure!(answer.status == 413, "above 4 MiB: {}", answer.status);
    Ok(())
}
