//! Bad input to the API: each gets the error a client expects, and nothing is stored.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::Flow;
use crate::api::{ECR_TARGET, expect_error};
use crate::content::{self};
use crate::scene::Scene;
use crate::server::REGION;
use crate::signing::{self, AccessKey, Scope};
use crate::wire::{Answer, Request};

pub(super) const REPOSITORY: &str = "bad/api";
pub(super) const INVALID: &[&str] = &["InvalidParameterException"];

pub(super) const FLOWS: &[Flow] = &[
    Flow::new("wire", "API: malformed JSON", malformed_json),
    Flow::new("wire", "API: wrong types", wrong_types),
    Flow::new(
        "wire",
        "API: over-long names, control characters, traversal",
        names,
    ),
    Flow::new("wire", "API: resource names that are none", resource_names),
    Flow::new("wire", "API: unknown operations and targets", operations),
    Flow::new("wire", "API: bad signatures", signatures),
    Flow::new(
        "wire",
        "API: changed bodies and broken headers",
        changed_requests,
    ),
    Flow::new("wire", "API: bodies beyond their bound", large_bodies),
    Flow::new("wire", "API: bad page tokens and sizes", pages),
];

/// Runs after all other bad input.
pub(super) const AFTERWARDS: &[Flow] =
    &[Flow::new("wire", "API: nothing was stored", nothing_stored)];

fn malformed_json(scene: &mut Scene) -> Result<()> {
    scene.create_repository(REPOSITORY)?;
    let deep = "[".repeat(100_000);
    let nested = format!("{{\"tags\":{}", "[".repeat(5_000));
    let bodies: [&[u8]; 10] = [
        b"{",
        b"[]",
        b"\"text\"",
        b"nul",
        b"{\"repositoryName\":}",
        b"{\"repositoryName\":\"bad/x\"} trailing",
        b"{\"repositoryName\":\"\xff\xfe\"}",
        b"{\"repositoryName\":\"bad/\\ud800\"}",
        deep.as_bytes(),
        nested.as_bytes(),
    ];
    for body in bodies {
        let answer = scene.try_call("CreateRepository", body)?;
        let start = String::from_utf8_lossy(body.get(..20.min(body.len())).unwrap_or_default());
        expect_error(&answer, &[400], &["SerializationException"], &start)?;
    }
    Ok(())
}

fn wrong_types(scene: &mut Scene) -> Result<()> {
    let inputs = [
        json!({"repositoryName": 5}),
        json!({"repositoryName": ["bad/x"]}),
        json!({"repositoryName": {"name": "bad/x"}}),
        json!({"repositoryName": "bad/x", "tags": "no list"}),
        json!({"repositoryName": "bad/x", "tags": [5]}),
        json!({"repositoryName": "bad/x", "imageScanningConfiguration": {"scanOnPush": "yes"}}),
        json!({"repositoryName": "bad/x", "encryptionConfiguration": "AES256"}),
    ];
    for input in inputs {
        let codes = ["SerializationException"];
        refuses(scene, "CreateRepository", &input, &codes)?;
    }
    for input in [json!({}), json!({"repositoryName": null})] {
        refuses(scene, "CreateRepository", &input, INVALID)?;
    }
    let unknown = json!({"repositoryName": REPOSITORY, "imageTagMutability": "SOMETIMES"});
    refuses(scene, "PutImageTagMutability", &unknown, INVALID)
}

fn names(scene: &mut Scene) -> Result<()> {
    let long = "a".repeat(257);
    let longer = "a/".repeat(50_000);
    let names = [
        "",
        "a",
        "A/b",
        "../b",
        "a/../b",
        "a/./b",
        "/etc/passwd",
        "a/",
        "a//b",
        "a..b",
        "a\u{0}b",
        "a\nb",
        "a\u{7f}b",
        "a b",
        "é/b",
        "1/b",
        "a\\b",
        "a%2fb",
        "a:b",
        "a@b",
        "_a",
        "a-",
        &long,
        &longer,
    ];
    for name in names {
        let input = json!({"repositoryName": name});
        refuses(scene, "CreateRepository", &input, INVALID)?;
        let images = json!({"repositoryName": name, "imageIds": [{"imageTag": "v1"}]});
        refuses(scene, "BatchGetImage", &images, INVALID)?;
    }
    Ok(())
}

fn resource_names(scene: &mut Scene) -> Result<()> {
    let arns = [
        "",
        "x",
        "arn:aws:ecr:us-east-1:000000000000:repository/../b",
        "arn:aws:s3:::bucket",
    ];
    for arn in arns {
        let input = json!({"resourceArn": arn});
        refuses(scene, "ListTagsForResource", &input, INVALID)?;
    }
    Ok(())
}

fn operations(scene: &mut Scene) -> Result<()> {
    let unknown = [
        "NoSuchOperation",
        "../CreateRepository",
        "createrepository",
        "",
    ];
    for name in unknown {
        let answer = scene.try_call(name, b"{}")?;
        expect_error(&answer, &[400, 404], &["UnknownOperationException"], name)?;
    }
    for target in ["CreateRepository", "Nothing.CreateRepository"] {
        let answer = signed(scene, &scene.key, target, b"{}")?;
        ensure!(
            (400..500).contains(&answer.status),
            "{target}: {}",
            answer.status
        );
    }
    for method in ["GET", "PUT", "DELETE"] {
        let answer = Request::new(method, "/").send(scene.port())?;
        ensure!(
            (400..500).contains(&answer.status),
            "{method} /: {}",
            answer.status
        );
    }
    Ok(())
}

fn signatures(scene: &mut Scene) -> Result<()> {
    let target = format!("{ECR_TARGET}.DescribeRegistry");
    let unsigned = Request::new("POST", "/")
        .header("x-amz-target", &target)
        .body(b"{}")
        .send(scene.port())?;
    let missing = [
        "MissingAuthenticationTokenException",
        "MissingAuthenticationToken",
    ];
    expect_error(&unsigned, &[400, 403], &missing, "unsigned")?;
    let made_up = AccessKey {
        id: "AKIAEXAMPLEUNKNOWN00".to_owned(),
        secret: scene.key.secret.clone(),
    };
    let unrecognized = ["UnrecognizedClientException"];
    expect_error(
        &signed(scene, &made_up, &target, b"{}")?,
        &[400, 403],
        &unrecognized,
        "unknown key",
    )?;
    let wrong = AccessKey {
        id: scene.key.id.clone(),
        secret: format!("{}x", scene.key.secret),
    };
    let invalid = ["InvalidSignatureException"];
    expect_error(
        &signed(scene, &wrong, &target, b"{}")?,
        &[400, 403],
        &invalid,
        "wrong secret",
    )?;
    Ok(())
}

fn changed_requests(scene: &mut Scene) -> Result<()> {
    let target = format!("{ECR_TARGET}.DescribeRegistry");
    let invalid = ["InvalidSignatureException"];
    let host = scene.host();
    let scope = Scope {
        service: "ecr",
        region: REGION,
        host: &host,
    };
    let headers = signing::sign(
        &scene.key,
        &scope,
        &[("x-amz-target", target.as_str())],
        b"{}",
    );
    let changed = Request::new("POST", "/")
        .headers(headers)
        .body(b"{ }")
        .send(scene.port())?;
    expect_error(&changed, &[400, 403], &invalid, "changed body")?;
    for authorization in [
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=a",
        "Bearer x",
        "Basic !!!!",
    ] {
        let request = Request::new("POST", "/").header("x-amz-target", &target);
        let answer = request
            .header("authorization", authorization)
            .body(b"{}")
            .send(scene.port())?;
        ensure!(
            matches!(answer.status, 400 | 401 | 403),
            "{authorization}: {}",
            answer.status
        );
    }
    Ok(())
}

fn large_bodies(scene: &mut Scene) -> Result<()> {
    let manifest = json!({"repositoryName": REPOSITORY, "imageManifest": " ".repeat(4_194_305)});
    refuses(scene, "PutImage", &manifest, INVALID)?;
    for (operation, size) in [
        ("CreateRepository", 300_000),
        ("PutImage", 7_000_000),
        ("UploadLayerPart", 30_000_000),
    ] {
        let answer = call(
            scene,
            operation,
            &json!({"repositoryName": " ".repeat(size)}),
        )?;
        ensure!(
            matches!(answer.status, 400 | 413),
            "{operation} with {size} bytes: {}",
            answer.status
        );
    }
    Ok(())
}

fn pages(scene: &mut Scene) -> Result<()> {
    for input in [
        json!({"nextToken": "made up"}),
        json!({"nextToken": "AAAA"}),
        json!({"nextToken": "x".repeat(10_000)}),
        json!({"maxResults": 0}),
        json!({"maxResults": 1_001}),
        json!({"maxResults": -5}),
        json!({"repositoryNames": [REPOSITORY], "maxResults": 5}),
        json!({"repositoryNames": vec![REPOSITORY; 101]}),
    ] {
        refuses(scene, "DescribeRepositories", &input, INVALID)?;
    }
    let beyond_any_integer = json!({"maxResults": 1e20});
    let codes = ["InvalidParameterException", "SerializationException"];
    refuses(scene, "DescribeRepositories", &beyond_any_integer, &codes)
}

fn nothing_stored(scene: &mut Scene) -> Result<()> {
    let described = scene.call("DescribeRepositories", &json!({}))?;
    let names: Vec<&Value> = described["repositories"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| &one["repositoryName"])
        .collect();
    ensure!(names == [REPOSITORY], "repositories: {names:?}");
    let images = scene.call("ListImages", &json!({"repositoryName": REPOSITORY}))?;
    ensure!(images["imageIds"] == json!([]), "images: {images}");
    let check = json!({"repositoryName": REPOSITORY, "layerDigests": [content::digest(b"abc")]});
    let layers = scene
        .call("BatchCheckLayerAvailability", &check)?
        .to_string();
    ensure!(!layers.contains("\"AVAILABLE\""), "layers: {layers}");
    ensure!(
        Request::new("GET", "/healthz").send(scene.port())?.status == 200,
        "not healthy"
    );
    Ok(())
}

/// Requires that an operation refuses an input with HTTP 400 and one of these errors.
pub(super) fn refuses(scene: &Scene, operation: &str, input: &Value, codes: &[&str]) -> Result<()> {
    let shown: String = input.to_string().chars().take(120).collect();
    expect_error(&call(scene, operation, input)?, &[400], codes, &shown)
}

/// Sends an input to an operation, signed.
pub(super) fn call(scene: &Scene, operation: &str, input: &Value) -> Result<Answer> {
    scene.try_call(operation, input.to_string().as_bytes())
}

fn signed(scene: &Scene, key: &AccessKey, target: &str, body: &[u8]) -> Result<Answer> {
    let host = scene.host();
    let scope = Scope {
        service: "ecr",
        region: REGION,
        host: &host,
    };
    let headers = signing::sign(key, &scope, &[("x-amz-target", target)], body);
    Request::new("POST", "/")
        .headers(headers)
        .body(body)
        .send(scene.port())
}
