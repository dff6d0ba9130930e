//! The listener with a certificate.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use ecru_server::configuration::meaning::TlsFiles;
use ecru_server::listener::tls::{Tls, TlsError};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::client::{Client, get_over_http2};
use crate::{LIMITS, start};

fn certificate(name: &str, kind: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/certificates/{name}.{kind}"))
}

fn files(name: &str) -> TlsFiles {
    TlsFiles {
        certificate: certificate(name, "pem"),
        key: certificate(name, "key"),
    }
}

async fn dial(
    address: SocketAddr,
    trusted: &str,
    alpn: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(certificate(trusted, "pem")).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

#[tokio::test]
async fn both_http_versions_are_spoken_over_tls() {
    let server = start(LIMITS, Some(Arc::new(Tls::open(files("first")).unwrap())));
    let mut client = Client::over(dial(server.address, "first", b"http/1.1").await.unwrap());
    assert!(client.get("/").await.body.ends_with(" true"));
    let stream = dial(server.address, "first", b"h2").await.unwrap();
    assert_eq!(get_over_http2(stream, "/").await.status(), 200);
}

#[tokio::test]
async fn a_handshake_that_does_not_end_closes_the_connection() {
    let server = start(LIMITS, Some(Arc::new(Tls::open(files("first")).unwrap())));
    Client::connect(server.address).await.expect_close().await;
}

#[tokio::test]
async fn who_speaks_plain_http_to_the_tls_port_is_told_so() {
    let server = start(LIMITS, Some(Arc::new(Tls::open(files("first")).unwrap())));
    let mut client = Client::connect(server.address).await;
    let answer = client.get("/v2/").await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("https://"), "{}", answer.body);
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn a_renewed_certificate_is_used_after_a_reload_and_a_broken_one_never() {
    let place = tempfile::tempdir().unwrap();
    let there = TlsFiles {
        certificate: place.path().join("c.pem"),
        key: place.path().join("k.pem"),
    };
    let put = |name: &str| {
        fs::copy(certificate(name, "pem"), &there.certificate).unwrap();
        fs::copy(certificate(name, "key"), &there.key).unwrap();
    };
    put("first");
    let tls = Arc::new(Tls::open(there.clone()).unwrap());
    let server = start(LIMITS, Some(Arc::clone(&tls)));
    fs::write(&there.certificate, "nothing").unwrap();
    assert!(tls.reload().is_err());
    dial(server.address, "first", b"http/1.1").await.unwrap();
    put("second");
    tls.reload().unwrap();
    dial(server.address, "second", b"http/1.1").await.unwrap();
    dial(server.address, "first", b"http/1.1")
        .await
        .unwrap_err();
}

#[test]
fn files_that_cannot_be_used_are_refused_by_name() {
    let missing = TlsFiles {
        certificate: "/nowhere/c.pem".into(),
        ..files("first")
    };
    assert!(
        Tls::open(missing)
            .err()
            .unwrap()
            .to_string()
            .starts_with("/nowhere/c.pem: ")
    );
    let mismatched = TlsFiles {
        key: certificate("second", "key"),
        ..files("first")
    };
    assert!(matches!(
        Tls::open(mismatched).err(),
        Some(TlsError::Unusable(_))
    ));
}
