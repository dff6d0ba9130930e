//! Clients on this machine: bytes that never meet a network are not paced.
//!
//! A system may choose a congestion control that paces what it sends (BBR), which sets a timer for every few
//! segments. That is right on a network; where none is, it only costs, for a manifest GET a third of all its
//! processor time (36 µs with it, 24 without; of a GB pulled 0.49 s and 0.33). Other connections keep the system's choice.
//!
//! Linux goes on pacing a connection that it began to pace, but then at twice what the connection carries, which is
//! seldom reached: 340 timers a GB pulled instead of 5,000, and none for small answers.

use std::net::SocketAddr;

use tokio::net::TcpStream;

/// Asks for no pacing, and is part of every Linux.
#[cfg(target_os = "linux")]
const UNPACED: &[u8] = b"reno";

/// Lets a connection from this machine send as fast as it can. Where the system refuses, it stays as it was.
#[cfg(target_os = "linux")]
pub(super) fn unpace(stream: &TcpStream, peer: SocketAddr) {
    let Ok(local) = stream.local_addr() else {
        return;
    };
    if !is_here(peer, local) {
        return;
    }
    if let Err(error) = socket2::SockRef::from(stream).set_tcp_congestion(UNPACED) {
        tracing::debug!(%error, "a connection from this machine stays paced");
    }
}

/// Elsewhere connections stay as they are.
#[cfg(not(target_os = "linux"))]
pub(super) fn unpace(_stream: &TcpStream, _peer: SocketAddr) {}

/// Whether both ends are on this machine: a loopback address, or one that talks to itself.
#[cfg(any(target_os = "linux", test))]
fn is_here(peer: SocketAddr, local: SocketAddr) -> bool {
    let peer = peer.ip().to_canonical();
    peer.is_loopback() || peer == local.ip().to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_here_if_it_is_loopback_or_the_other_end() {
        let is_here = |peer: &str, local: &str| {
            let address = |ip: &str| SocketAddr::new(ip.parse().unwrap(), 5050);
            is_here(address(peer), address(local))
        };
        assert!(is_here("127.0.0.1", "127.0.0.1"));
        assert!(is_here("127.0.0.2", "127.0.0.1"));
        assert!(is_here("::1", "::1"));
        assert!(is_here("::ffff:127.0.0.1", "::ffff:127.0.0.1"));
        assert!(is_here("192.0.2.7", "192.0.2.7"));
        assert!(is_here("::ffff:192.0.2.7", "192.0.2.7"));
        assert!(!is_here("192.0.2.8", "192.0.2.7"));
        assert!(!is_here("2001:db8::8", "2001:db8::7"));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_connection_from_here_is_not_paced() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (accepted, _client) = tokio::join!(listener.accept(), client);
        let (stream, peer) = accepted.unwrap();
        unpace(&stream, peer);
        let control = socket2::SockRef::from(&stream).tcp_congestion().unwrap();
        assert!(control.starts_with(UNPACED), "{control:?}");
    }
}
