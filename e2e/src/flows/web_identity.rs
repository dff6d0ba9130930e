//! Tokens of other systems exchanged for credentials: a CI job's and a pod's, signed by an issuer of the run itself whose
//! keys are given inline, as where there is no network.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Flow;
use crate::docker::Docker;
use crate::people::{Person, text};
use crate::scene::Scene;
use crate::server::{ACCOUNT, REGION};
use crate::tool::Tool;

const CI: &str = "token.ci.example.com";
const CLUSTER: &str = "oidc.cluster.example.com/id/1";
const OWN: &str = "team/app";
const OTHER: &str = "team/other";

pub(super) const FLOWS: &[Flow] = &[
    Flow::new(
        "aws",
        "providers of identities with their keys given inline",
        found,
    ),
    Flow::new(
        "docker",
        "a CI job's token may push to one repository only",
        ci_job,
    ),
    Flow::new(
        "docker",
        "a pod's token may push to one repository only",
        pod,
    ),
    Flow::new(
        "aws",
        "a token of another job, audience, issuer, key or time is refused",
        refused,
    ),
    Flow::new(
        "aws",
        "without the provider its tokens are worth nothing",
        without_provider,
    ),
];

fn found(scene: &mut Scene) -> Result<()> {
    for repository in [OWN, OTHER] {
        scene.create_repository(repository)?;
    }
    for (issuer, audience) in [(CI, "sts.amazonaws.com"), (CLUSTER, "sts.amazonaws.com")] {
        make_key(scene, issuer)?;
        let url = format!("https://{issuer}");
        let create = [
            "iam",
            "create-open-id-connect-provider",
            "--url",
            &url,
            "--client-id-list",
            audience,
        ];
        let made = scene.ask(&create)?;
        let arn = text(&made["OpenIDConnectProviderArn"])?;
        ensure!(arn == provider(issuer), "the ARN is {arn}");
        let set = jwks(scene, issuer)?;
        let file = scene.path(format!("{}.jwks", file_name(issuer)));
        fs::write(&file, set.to_string())?;
        let file = file.to_string_lossy().into_owned();
        scene
            .ecru(&["oidc", "keys", "--provider", &arn, "--file", &file])?
            .run()?;
    }
    trust(scene, "ci", CI, "repo:team/app:ref:refs/heads/*")?;
    trust(scene, "pod", CLUSTER, "system:serviceaccount:build:*")
}

fn trust(scene: &Scene, role: &str, issuer: &str, subject: &str) -> Result<()> {
    let document = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": { "Federated": provider(issuer) },
            "Condition": {
                "StringEquals": { format!("{issuer}:aud"): "sts.amazonaws.com" },
                "StringLike": { format!("{issuer}:sub"): subject },
            },
        }],
    });
    let document = document.to_string();
    let create = [
        "iam",
        "create-role",
        "--role-name",
        role,
        "--assume-role-policy-document",
        &document,
    ];
    scene.ask(&create)?;
    let resource = format!("arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{OWN}");
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [
            { "Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*" },
            { "Effect": "Allow", "Action": "ecr:*", "Resource": resource },
        ],
    });
    scene.give_policy(None, ("role", role), &policy)
}

fn ci_job(scene: &mut Scene) -> Result<()> {
    push_as(scene, "ci", CI, "repo:team/app:ref:refs/heads/main")
}

fn pod(scene: &mut Scene) -> Result<()> {
    push_as(scene, "pod", CLUSTER, "system:serviceaccount:build:builder")
}

fn push_as(scene: &Scene, role: &str, issuer: &str, subject: &str) -> Result<()> {
    let token = token(scene, issuer, &claims(issuer, subject))?;
    let answer = exchange(scene, role, &token)?.private_output().run()?;
    let answer: Value = serde_json::from_str(&answer).context("the answer is not JSON")?;
    ensure!(
        answer["SubjectFromWebIdentityToken"] == subject,
        "another subject: {}",
        answer["SubjectFromWebIdentityToken"]
    );
    let person = scene.person_of(ACCOUNT, &answer["Credentials"])?;
    push(scene, &person, role)
}

fn push(scene: &Scene, person: &Person, role: &str) -> Result<()> {
    scene.log_in_as(person)?;
    let context = scene.folder("context")?;
    fs::write(
        context.join("Dockerfile"),
        format!("FROM scratch\nCOPY Dockerfile /{role}\n"),
    )?;
    let folder = context.to_string_lossy().into_owned();
    let own = format!("{}:{role}", scene.uri(OWN));
    let other = format!("{}:{role}", scene.uri(OTHER));
    scene
        .client("docker")?
        .args(["build", "--quiet", "--tag", &own, "--tag", &other, &folder])
        .run()?;
    scene.client("docker")?.args(["push", &own]).run()?;
    let told = scene.client("docker")?.args(["push", &other]).refused()?;
    ensure!(
        told.contains("is not authorized to perform: ecr:"),
        "another text: {told}"
    );
    Docker::Classic.remove(scene, &own)?;
    Docker::Classic.remove(scene, &other)
}

fn refused(scene: &mut Scene) -> Result<()> {
    let good = claims(CI, "repo:team/app:ref:refs/heads/main");
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let past = Timestamp::now().as_second() - 3_600;
    for (what, role, key, claims, code) in [
        (
            "another job",
            "ci",
            CI,
            with("sub", json!("repo:team/evil:ref:refs/heads/main")),
            "AccessDenied",
        ),
        (
            "another audience",
            "ci",
            CI,
            with("aud", json!("elsewhere")),
            "InvalidIdentityToken",
        ),
        (
            "another issuer",
            "ci",
            CI,
            with("iss", json!("https://evil.example.com")),
            "InvalidIdentityToken",
        ),
        (
            "another key",
            "ci",
            CLUSTER,
            good.clone(),
            "InvalidIdentityToken",
        ),
        (
            "a time that is over",
            "ci",
            CI,
            with("exp", json!(past)),
            "ExpiredToken",
        ),
        (
            "a role that trusts another",
            "pod",
            CI,
            good.clone(),
            "AccessDenied",
        ),
    ] {
        let token = token(scene, key, &claims)?;
        let told = exchange(scene, role, &token)?.refused()?;
        ensure!(told.contains(code), "{what}: not {code}: {told}");
    }
    Ok(())
}

fn without_provider(scene: &mut Scene) -> Result<()> {
    let delete = [
        "iam",
        "delete-open-id-connect-provider",
        "--open-id-connect-provider-arn",
        &provider(CI),
    ];
    scene.ask(&delete)?;
    let token = token(scene, CI, &claims(CI, "repo:team/app:ref:refs/heads/main"))?;
    let told = exchange(scene, "ci", &token)?.refused()?;
    ensure!(
        told.contains("InvalidIdentityToken") || told.contains("AccessDenied"),
        "{told}"
    );
    Ok(())
}

/// `aws sts assume-role-with-web-identity` without any credentials.
fn exchange<'a>(scene: &'a Scene, role: &str, token: &str) -> Result<Tool<'a>> {
    let arn = format!("arn:aws:iam::{ACCOUNT}:role/{role}");
    let file = scene.path("web-identity-token");
    fs::write(&file, token)?;
    let file = format!("file://{}", file.display());
    scene.aws(&[
        "sts",
        "assume-role-with-web-identity",
        "--no-sign-request",
        "--role-arn",
        &arn,
        "--role-session-name",
        "job",
        "--web-identity-token",
        &file,
    ])
}

fn claims(issuer: &str, subject: &str) -> Value {
    let now = Timestamp::now().as_second();
    json!({
        "iss": format!("https://{issuer}"), "sub": subject, "aud": "sts.amazonaws.com",
        "iat": now, "nbf": now - 10, "exp": now + 600, "jti": "1",
    })
}

fn provider(issuer: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}")
}

fn file_name(issuer: &str) -> String {
    issuer.replace('/', "-")
}

fn key_file(scene: &Scene, issuer: &str) -> PathBuf {
    scene.path(format!("{}.pem", file_name(issuer)))
}

fn make_key(scene: &Scene, issuer: &str) -> Result<()> {
    let file = key_file(scene, issuer).to_string_lossy().into_owned();
    scene
        .client("openssl")?
        .args(["genrsa", "-out", &file, "2048"])
        .run()?;
    Ok(())
}

/// The public half, as an issuer publishes it.
fn jwks(scene: &Scene, issuer: &str) -> Result<Value> {
    let file = key_file(scene, issuer).to_string_lossy().into_owned();
    let told = scene
        .client("openssl")?
        .args(["rsa", "-in", &file, "-noout", "-modulus"])
        .run()?;
    let digits = told.trim().strip_prefix("Modulus=").context("no modulus")?;
    let modulus = URL_SAFE_NO_PAD.encode(hex::decode(digits)?);
    Ok(
        json!({ "keys": [{ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1", "n": modulus, "e": "AQAB" }] }),
    )
}

/// A token signed with the key of an issuer.
fn token(scene: &Scene, key: &str, claims: &Value) -> Result<String> {
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": "1" });
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let signed = format!("{}.{}", encode(&header), encode(claims));
    let (input, output) = (scene.path("token.txt"), scene.path("token.sig"));
    fs::write(&input, &signed)?;
    let words =
        [&key_file(scene, key), &output, &input].map(|path| path.to_string_lossy().into_owned());
    let [key, out, text] = words.each_ref().map(String::as_str);
    scene
        .client("openssl")?
        .args(["dgst", "-sha256", "-sign", key, "-out", out, text])
        .run()?;
    let signature = URL_SAFE_NO_PAD.encode(fs::read(&output)?);
    Ok(format!("{signed}.{signature}"))
}
