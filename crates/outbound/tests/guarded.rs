//! The guard, before servers on this machine: none is reached that is not listed, and none can keep it waiting.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ecru_outbound::{EgressAllow, GuardedHttp};
use ecru_ports::{FetchLimits, Outbound as _, OutboundError};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const LIMITS: FetchLimits = FetchLimits {
    bytes: 1_000,
    time: Duration::from_secs(10),
};

fn certificate(kind: &str) -> std::path::PathBuf {
    let room = Path::new(env!("CARGO_MANIFEST_DIR"));
    room.join(format!("../server/tests/certificates/first.{kind}"))
}

fn authority() -> CertificateDer<'static> {
    CertificateDer::from_pem_file(certificate("pem")).unwrap()
}

fn acceptor() -> TlsAcceptor {
    let key = PrivateKeyDer::from_pem_file(certificate("key")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![authority()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, text: &[u8]) {
    let mut request = [0; 4_096];
    let _read = stream.read(&mut request).await;
    let _written = stream.write_all(text).await;
    let _flushed = stream.flush().await;
    // whoever waits for more waits until it gives up
    let _rest = stream.read(&mut request).await;
}

/// A server that says `text` to everyone.
async fn server(text: impl Into<Vec<u8>>, is_tls: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (text, acceptor) = (text.into(), acceptor());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if !is_tls {
                answer(stream, &text).await;
            } else if let Ok(stream) = acceptor.accept(stream).await {
                answer(stream, &text).await;
            }
        }
    });
    address
}

fn told(body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}")
}

fn guarded(list: &str) -> GuardedHttp {
    GuardedHttp::with_trust(EgressAllow::parse(list).unwrap(), vec![authority()]).unwrap()
}

#[tokio::test]
async fn this_machine_is_reached_only_if_it_is_listed() {
    let address = server(told("{}"), true).await;
    let url = format!("https://localhost:{}/x", address.port());
    let found = guarded("").fetch(&url, LIMITS).await;
    assert_eq!(found, Err(OutboundError::Forbidden));
    let place = format!("localhost:{}", address.port());
    for list in ["127.0.0.0/8", "127.0.0.1", &place] {
        let found = guarded(list).fetch(&url, LIMITS).await;
        assert_eq!(found, Ok(b"{}".to_vec()), "{list}");
    }
    let other = guarded("localhost:1").fetch(&url, LIMITS).await;
    assert_eq!(other, Err(OutboundError::Forbidden));
}

#[tokio::test]
async fn names_of_what_is_private_are_forbidden_whatever_they_are_called() {
    for url in [
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://127.1/",
        "https://2130706433/",
        "https://10.0.0.1:6443/",
        "http://1.1.1.1/",
    ] {
        let found = guarded("").fetch(url, LIMITS).await.unwrap_err();
        let is_kept_out = matches!(
            found,
            OutboundError::Forbidden | OutboundError::Unreachable(_)
        );
        assert!(is_kept_out, "{url} {found}");
    }
}

#[tokio::test]
async fn without_tls_only_what_is_listed_is_asked() {
    let address = server(told("plain"), false).await;
    let url = format!("http://127.0.0.1:{}/", address.port());
    let found = guarded("").fetch(&url, LIMITS).await;
    assert_eq!(found, Err(OutboundError::Forbidden));
    let found = guarded("127.0.0.1").fetch(&url, LIMITS).await;
    assert_eq!(found, Ok(b"plain".to_vec()));
}

#[tokio::test]
async fn an_unknown_authority_is_not_believed() {
    let address = server(told("{}"), true).await;
    let url = format!("https://localhost:{}/", address.port());
    let allowed = EgressAllow::parse("127.0.0.1").unwrap();
    let nobody = GuardedHttp::with_trust(allowed, vec![]).unwrap();
    let found = nobody.fetch(&url, LIMITS).await;
    assert!(
        matches!(found, Err(OutboundError::Unreachable(_))),
        "{found:?}"
    );
}

#[tokio::test]
async fn redirects_large_answers_and_silence_end_it() {
    let moved =
        "HTTP/1.1 302 Found\r\nlocation: https://elsewhere.example/\r\ncontent-length: 0\r\n\r\n";
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(2_000));
    for (text, wanted) in [
        (moved.to_owned(), OutboundError::Status(302)),
        (told(&"x".repeat(1_001)), OutboundError::TooLarge),
        (endless, OutboundError::TooLarge),
    ] {
        let address = server(text, false).await;
        let url = format!("http://127.0.0.1:{}/", address.port());
        let found = guarded("127.0.0.1").fetch(&url, LIMITS).await;
        assert_eq!(found, Err(wanted));
    }
    let address = server("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx", false).await;
    let url = format!("http://127.0.0.1:{}/", address.port());
    let time = Duration::from_millis(50);
    let found = guarded("127.0.0.1")
        .fetch(&url, FetchLimits { time, ..LIMITS })
        .await;
    assert_eq!(found, Err(OutboundError::TooLate));
}
