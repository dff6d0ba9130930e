//! The outbound port over HTTP: one connection for one request, to an address that was checked.
//!
//! ```text
//! URL ──▶ name ──resolved once──▶ addresses ──checked──▶ one of those ──dialled──▶ TLS with the name ──▶ GET
//! ```

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use ecru_ports::{FetchLimits, Outbound, OutboundError};
use http::header::{ACCEPT, HOST, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::addresses::is_public;
use crate::allowed::EgressAllow;
use crate::target::Target;

/// What the server calls itself.
const AGENT: &str = concat!("ecru/", env!("CARGO_PKG_VERSION"));

/// Addresses of one name that are looked at.
const MAX_ADDRESSES: usize = 32;

/// The longest head of an answer, in bytes.
const MAX_HEAD: usize = 64 * 1_024;

/// TLS cannot be spoken with these authorities.
#[derive(Debug, Error)]
#[error("TLS to other servers cannot be set up: {0}")]
pub struct NoTrust(#[from] rustls::Error);

/// Asks other servers over HTTP.
#[derive(Clone)]
pub struct GuardedHttp {
    allowed: EgressAllow,
    tls: TlsConnector,
}

impl GuardedHttp {
    /// Trusts the authorities that the system trusts (`SSL_CERT_FILE` names others). A system without any can ask
    /// nobody over TLS.
    pub fn with_system_trust(allowed: EgressAllow) -> Result<Self, NoTrust> {
        let system = rustls_native_certs::load_native_certs();
        Self::with_trust(allowed, system.certs)
    }

    /// Trusts these authorities. Those that cannot be read are left out.
    pub fn with_trust(
        allowed: EgressAllow,
        authorities: Vec<CertificateDer<'static>>,
    ) -> Result<Self, NoTrust> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(authorities);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let tls = TlsConnector::from(Arc::new(config));
        Ok(Self { allowed, tls })
    }

    async fn get(&self, url: &str, limit: usize) -> Result<Vec<u8>, OutboundError> {
        let target = Target::parse(url)?;
        let stream = self.dial(&target).await?;
        if !target.is_tls {
            return exchange(stream, &target, limit).await;
        }
        let name = ServerName::try_from(target.host.clone())
            .map_err(|_| OutboundError::BadUrl("its host is not a name"))?;
        let stream = self.tls.connect(name, stream).await.map_err(unreachable)?;
        exchange(stream, &target, limit).await
    }

    /// A connection to an address of the target that may be reached.
    async fn dial(&self, target: &Target) -> Result<TcpStream, OutboundError> {
        let place = (target.host.as_str(), target.port);
        let found = tokio::net::lookup_host(place).await.map_err(unreachable)?;
        let found: Vec<SocketAddr> = found.take(MAX_ADDRESSES).collect();
        let mut last = OutboundError::Forbidden;
        for address in found {
            if !self.may_reach(target, address) {
                continue;
            }
            match TcpStream::connect(address).await {
                Ok(stream) if self.is_elsewhere(target, address, &stream) => return Ok(stream),
                Ok(_) => last = OutboundError::Forbidden,
                Err(error) => last = unreachable(error),
            }
        }
        Err(last)
    }

    fn may_reach(&self, target: &Target, address: SocketAddr) -> bool {
        let is_listed = self.allowed.lists(&target.host, address);
        is_listed || (target.is_tls && is_public(address.ip()))
    }

    /// Whether a connection leaves this machine, whatever public addresses it has.
    fn is_elsewhere(&self, target: &Target, address: SocketAddr, stream: &TcpStream) -> bool {
        let own = stream.local_addr().map(|own| own.ip().to_canonical());
        let is_own = own.is_ok_and(|own| own == address.ip().to_canonical());
        !is_own || self.allowed.lists(&target.host, address)
    }
}

#[async_trait]
impl Outbound for GuardedHttp {
    async fn fetch(&self, url: &str, limits: FetchLimits) -> Result<Vec<u8>, OutboundError> {
        let work = self.get(url, limits.bytes);
        let done = tokio::time::timeout(limits.time, work).await;
        done.unwrap_or(Err(OutboundError::TooLate))
    }
}

/// Sends the request and reads the answer. The connection ends with it.
async fn exchange<S>(stream: S, target: &Target, limit: usize) -> Result<Vec<u8>, OutboundError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(unreachable)?;
    let request = Request::get(&target.path)
        .header(HOST, &target.authority)
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, AGENT)
        .body(Empty::<Bytes>::new())
        .map_err(unreachable)?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(unreachable)?;
        if response.status() != StatusCode::OK {
            return Err(OutboundError::Status(response.status().as_u16()));
        }
        let body = Limited::new(response.into_body(), limit).collect().await;
        let body = body.map_err(|error| {
            if error.is::<LengthLimitError>() {
                OutboundError::TooLarge
            } else {
                OutboundError::Unreachable("the answer broke off".to_owned())
            }
        })?;
        Ok(body.to_bytes().to_vec())
    };
    tokio::pin!(answer, connection);
    tokio::select! {
        answered = &mut answer => answered,
        // the connection ended first: what it brought is there to read, or nothing comes
        _ = &mut connection => answer.await,
    }
}

fn unreachable(error: impl std::fmt::Display) -> OutboundError {
    OutboundError::Unreachable(error.to_string())
}
