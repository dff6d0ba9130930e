//! The program as an operator runs it: start, push and pull through both gateways, end, start again.
#![expect(
    clippy::unwrap_used,
    reason = "clippy takes what tests share for program text"
)]

#[path = "program/audit.rs"]
mod audit;
#[path = "program/server.rs"]
mod server;
#[path = "program/shutdown.rs"]
mod shutdown;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use server::{Answer, Home, Running};
use sha2::{Digest as _, Sha256};

const PUSHED: &[u8] = b"the bytes of a layer, known in plain text";

const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/certificates/first.pem");
const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/certificates/first.key");
const OTHER_CERTIFICATE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/certificates/second.pem");

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

fn create_repository(server: &Running, name: &str) {
    let body = format!(r#"{{"repositoryName":"{name}"}}"#);
    let answer = server.ecr("CreateRepository", &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let uri = format!("localhost:{}/{name}", server.port);
    assert!(answer.text().contains(&uri), "{}", answer.text());
}

fn token(server: &Running) -> String {
    let answer = server.ecr("GetAuthorizationToken", "{}");
    let value: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let token = value["authorizationData"][0]["authorizationToken"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        String::from_utf8(STANDARD.decode(&token).unwrap())
            .unwrap()
            .starts_with("AWS:")
    );
    format!("authorization: Basic {token}")
}

fn push(server: &Running, token: &str, repository: &str) -> String {
    let blob = |bytes: &[u8]| {
        let path = format!("/v2/{repository}/blobs/uploads/?digest={}", digest(bytes));
        let answer = server.http("POST", &path, &[token], bytes);
        assert_eq!(answer.status, 201, "{}", answer.text());
        digest(bytes)
    };
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{}","size":2}},"layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{}","size":{}}}]}}"#,
        blob(b"{}"),
        blob(PUSHED),
        PUSHED.len()
    );
    let headers = [
        token,
        "content-type: application/vnd.oci.image.manifest.v1+json",
    ];
    let path = format!("/v2/{repository}/manifests/v1");
    let answer = server.http("PUT", &path, &headers, manifest.as_bytes());
    assert_eq!(answer.status, 201, "{}", answer.text());
    manifest
}

fn pull(server: &Running, token: &str, repository: &str, manifest: &str) {
    let accept = "accept: application/vnd.oci.image.manifest.v1+json";
    let path = format!("/v2/{repository}/manifests/v1");
    let answer = server.http("GET", &path, &[token, accept], b"");
    assert_eq!((answer.status, answer.text().as_str()), (200, manifest));
    let path = format!("/v2/{repository}/blobs/{}", digest(PUSHED));
    let answer = server.http("GET", &path, &[token], b"");
    assert_eq!((answer.status, answer.body.as_slice()), (200, PUSHED));
}

#[test]
fn what_is_pushed_is_there_after_a_restart_and_nothing_secret_is_told() {
    let home = Home::new();
    let mut server = Running::start(&home, &[]);
    create_repository(&server, "team/app");
    let held = token(&server);
    let manifest = push(&server, &held, "team/app");
    pull(&server, &held, "team/app", &manifest);
    assert_eq!(server.stop(), Some(0));

    let mut again = Running::start(&home, &[]);
    pull(&again, &held, "team/app", &manifest);
    assert_eq!(again.stop(), Some(0));

    let told = format!("{}{}", server.told(), again.told());
    let secret = home.credential("aws_secret_access_key");
    assert!(told.contains("manifest.push") && told.contains(&home.credential("aws_access_key_id")));
    let password = held.rsplit(' ').next().unwrap();
    for hidden in [secret.as_str(), password, "team/app", &digest(PUSHED)] {
        assert!(!told.contains(hidden), "{hidden} is in\n{told}");
    }
}

#[test]
fn a_second_process_on_the_same_data_is_refused_by_the_name_of_the_directory() {
    let home = Home::new();
    let _first = Running::start(&home, &[]);
    let refused = home
        .command(&["serve", "--listen", "127.0.0.1:0"])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("is in use by another ecru process"), "{told}");
    assert!(
        told.contains(&*home.path().join("data").to_string_lossy()),
        "{told}"
    );
}

#[test]
fn a_taken_port_is_told_before_anything_is_made() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let home = Home::new();
    for flags in [
        ["--listen", &address, "--metrics-listen", "off"],
        ["--listen", "127.0.0.1:0", "--metrics-listen", &address],
    ] {
        let told = home.refused(&[&["serve"][..], &flags].concat());
        assert!(told.contains(&address), "{told}");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "{flags:?}");
    }
}

#[test]
fn a_store_whose_key_is_missing_or_another_is_refused() {
    let home = Home::new();
    assert_eq!(Running::start(&home, &[]).stop(), Some(0));
    let key = home.path().join("keys/root.key");
    let kept = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    let told = home.refused(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(
        told.contains("root.key is missing but the store is not new"),
        "{told}"
    );
    fs::write(&key, format!("{}\n", "ab".repeat(32))).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let told = home.refused(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(told.contains("does not open this store"), "{told}");
    fs::write(&key, kept).unwrap();
    Running::start(&home, &[]);
}

#[test]
fn another_root_key_from_the_environment_replaces_the_one_before() {
    let home = Home::new();
    let mut server = Running::start(&home, &[]);
    let held = token(&server);
    let old = (
        home.credential("aws_access_key_id"),
        home.credential("aws_secret_access_key"),
    );
    server.stop();
    let pair = [
        ("ECRU_ROOT_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        (
            "ECRU_ROOT_SECRET_ACCESS_KEY",
            "another-secret-of-the-operator",
        ),
    ];
    let server = Running::start(&home, &pair);
    assert_eq!(home.credential("aws_access_key_id"), "AKIAIOSFODNN7EXAMPLE");
    assert_eq!(server.ecr("DescribeRegistry", "{}").status, 200);
    assert_eq!(server.ecr_as(&old, "DescribeRegistry", "{}").status, 400);
    assert!(matches!(
        server.http("GET", "/v2/", &[&held], b"").status,
        401 | 403
    ));
    assert!(!server.told().contains("another-secret"));
}

#[test]
fn the_store_is_verified_by_the_server_and_without_it() {
    let home = Home::new();
    let mut server = Running::start(&home, &[]);
    create_repository(&server, "app");
    push(&server, &token(&server), "app");
    for number in 0..30 {
        create_repository(&server, &format!("empty-{number}"));
    }
    let listen = format!("127.0.0.1:{}", server.port);
    let online = home
        .command(&["verify", "--listen", &listen])
        .output()
        .unwrap();
    let told = String::from_utf8(online.stdout).unwrap();
    assert!(
        online.status.success() && told.ends_with("and 1 manifest: 0 problems\n"),
        "{told}"
    );
    let busy = home.refused(&["verify", "--offline"]);
    assert!(busy.contains("is in use"), "{busy}");
    server.stop();
    let offline = home.command(&["verify", "--offline"]).output().unwrap();
    assert_eq!(String::from_utf8(offline.stdout).unwrap(), told);
    let tls = ["--tls-cert", CERTIFICATE, "--tls-key", KEY];
    let mut server = Running::start_with(&home, &tls);
    let listen = format!("127.0.0.1:{}", server.port);
    let plain = home.refused(&["verify", "--listen", &listen]);
    assert!(plain.contains("name its certificate"), "{plain}");
    let verify = ["verify", "--listen", &listen, "--tls-cert", CERTIFICATE];
    let over_tls = home.command(&verify).output().unwrap();
    assert_eq!(String::from_utf8(over_tls.stdout).unwrap(), told);
    let foreign = home.refused(&[
        "verify",
        "--listen",
        &listen,
        "--tls-cert",
        OTHER_CERTIFICATE,
    ]);
    assert!(
        foreign.contains("does not show the certificate"),
        "{foreign}"
    );
    server.stop();
    let nobody = home.refused(&["verify", "--listen", &listen]);
    assert!(nobody.contains("no server answers"), "{nobody}");
}

#[test]
fn revoked_tokens_open_nothing_and_new_ones_do() {
    let home = Home::new();
    let server = Running::start(&home, &[]);
    let held = token(&server);
    assert_eq!(server.http("GET", "/v2/", &[&held], b"").status, 200);
    let listen = format!("127.0.0.1:{}", server.port);
    let output = home
        .command(&["token", "revoke-all", "--listen", &listen])
        .output()
        .unwrap();
    assert!(output.status.success());
    assert!(matches!(
        server.http("GET", "/v2/", &[&held], b"").status,
        401 | 403
    ));
    assert_eq!(
        server.http("GET", "/v2/", &[&token(&server)], b"").status,
        200
    );
}

#[test]
fn a_body_that_pauses_for_longer_than_the_idle_timeout_is_ended() {
    let home = Home::new();
    let server = Running::start_with(&home, &["--idle-timeout", "1s"]);
    create_repository(&server, "app");
    let held = token(&server);
    let begun = server.http("POST", "/v2/app/blobs/uploads/", &[&held], b"");
    assert_eq!(begun.status, 202);
    let place = begun.header("location");
    let stalled = [held.as_str(), "content-length: 10"];
    let answer = server.http_announced("PATCH", &place, &stalled, b"half");
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.text().contains("SIZE_INVALID"), "{}", answer.text());
}

#[test]
fn health_is_told_without_credentials_and_nothing_else_is() {
    let home = Home::new();
    let server = Running::start(&home, &[]);
    let status = |path: &str| server.http("GET", path, &[], b"").status;
    assert_eq!((status("/healthz"), status("/readyz")), (200, 200));
    assert_eq!(
        (status("/metrics"), status("/nothing"), status("/v2/")),
        (404, 404, 401)
    );
    let answer: Answer = server.http("POST", "/", &["x-amz-target: EcruAdmin.Verify"], b"{}");
    assert!(answer.status >= 400, "{}", answer.text());
}
