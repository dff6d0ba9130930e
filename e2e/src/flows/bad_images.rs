//! Bad layers and manifests through the API: each gets the error a client expects.

use anyhow::Result;
use serde_json::{Value, json};

use super::Flow;
use super::bad_api::{INVALID, REPOSITORY, call, refuses};
use crate::api::expect_error;
use crate::content::{self, OCI_MANIFEST};
use crate::scene::Scene;
use crate::wire::Answer;

pub(super) const FLOWS: &[Flow] = &[
    Flow::new("wire", "API: bad layer parts", layer_parts),
    Flow::new("wire", "API: upload ids that are none", upload_ids),
    Flow::new("wire", "API: wrong layer digests", layer_digests),
    Flow::new("wire", "API: manifests that are none", manifests),
];

fn layer_parts(scene: &mut Scene) -> Result<()> {
    let begun = scene.call(
        "InitiateLayerUpload",
        &json!({"repositoryName": REPOSITORY}),
    )?;
    let part = |first: Value, last: Value, blob: Value| {
        json!({
            "repositoryName": REPOSITORY, "uploadId": begun["uploadId"],
            "partFirstByte": first, "partLastByte": last, "layerPartBlob": blob,
        })
    };
    let invalid_part: &[&str] = &["InvalidLayerPartException"];
    let either: &[&str] = &[
        "InvalidLayerPartException",
        "InvalidParameterException",
        "SerializationException",
    ];
    let cases = [
        (part(json!(0), json!(9), json!("YWJj")), invalid_part),
        (part(json!(7), json!(9), json!("YWJj")), invalid_part),
        (part(json!(2), json!(0), json!("YWJj")), either),
        (part(json!(-1), json!(1), json!("YWJj")), either),
        (
            part(json!(u64::MAX), json!(u64::MAX), json!("YWJj")),
            either,
        ),
        (
            part(
                json!(9_223_372_036_854_775_807_i64),
                json!(0),
                json!("YWJj"),
            ),
            either,
        ),
        (part(json!(1e300), json!(1), json!("YWJj")), either),
        (
            part(json!(0), json!(2), json!("not base64!")),
            &["SerializationException"],
        ),
        (
            part(json!(0), json!(2), json!([1, 2])),
            &["SerializationException"],
        ),
    ];
    for (input, codes) in cases {
        refuses(scene, "UploadLayerPart", &input, codes)?;
    }
    Ok(())
}

fn upload_ids(scene: &mut Scene) -> Result<()> {
    for id in [
        "00000000-0000-4000-8000-000000000000",
        "../../etc/passwd",
        "",
    ] {
        let input = json!({
            "repositoryName": REPOSITORY, "uploadId": id, "partFirstByte": 0, "partLastByte": 2, "layerPartBlob": "YWJj",
        });
        let codes = ["UploadNotFoundException", "InvalidParameterException"];
        refuses(scene, "UploadLayerPart", &input, &codes)?;
    }
    Ok(())
}

fn layer_digests(scene: &mut Scene) -> Result<()> {
    let complete = |digests: Value| -> Result<Answer> {
        let begun = scene.call(
            "InitiateLayerUpload",
            &json!({"repositoryName": REPOSITORY}),
        )?;
        let part = json!({
            "repositoryName": REPOSITORY, "uploadId": begun["uploadId"],
            "partFirstByte": 0, "partLastByte": 2, "layerPartBlob": "YWJj",
        });
        scene.call("UploadLayerPart", &part)?;
        let input = json!({"repositoryName": REPOSITORY, "uploadId": begun["uploadId"], "layerDigests": digests});
        call(scene, "CompleteLayerUpload", &input)
    };
    let wrong = complete(json!([content::digest(b"other")]))?;
    expect_error(&wrong, &[400], &["InvalidLayerException"], "wrong digest")?;
    let codes = ["InvalidParameterException", "InvalidLayerException"];
    for digest in ["sha256:../../x", "sha256:", "x", ""] {
        expect_error(&complete(json!([digest]))?, &[400], &codes, digest)?;
    }
    expect_error(&complete(json!([]))?, &[400], INVALID, "no digest")
}

fn manifests(scene: &mut Scene) -> Result<()> {
    let deep = format!(
        "{{\"schemaVersion\":2,\"annotations\":{}",
        "{\"a\":".repeat(20_000)
    );
    let closed = format!(
        "{{\"schemaVersion\":2,\"x\":{}1{}}}",
        "[".repeat(20_000),
        "]".repeat(20_000)
    );
    let texts = [
        "not JSON",
        "null",
        "[]",
        "5",
        "{}",
        "{\"schemaVersion\":2",
        &deep,
        &closed,
    ];
    for text in texts {
        let input = json!({
            "repositoryName": REPOSITORY, "imageManifest": text, "imageManifestMediaType": OCI_MANIFEST, "imageTag": "v1",
        });
        refuses(scene, "PutImage", &input, INVALID)?;
    }
    let missing = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": [],
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 3, "digest": content::digest(b"no")},
    });
    let input = json!({"repositoryName": REPOSITORY, "imageManifest": missing.to_string(), "imageTag": "v1"});
    refuses(scene, "PutImage", &input, &["LayersNotFoundException"])?;
    let long_tag = "t".repeat(301);
    for tag in [long_tag.as_str(), "../v1", "a b", "a\u{0}", "-v"] {
        let input = json!({"repositoryName": REPOSITORY, "imageManifest": missing.to_string(), "imageTag": tag});
        refuses(scene, "PutImage", &input, INVALID)?;
    }
    Ok(())
}
