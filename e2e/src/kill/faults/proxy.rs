//! A TCP proxy before the database, which can be cut, or let fall silent.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Result;

/// Between two looks at the way.
const TICK: Duration = Duration::from_millis(20);

/// How the way to the database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Open.
    Open,
    /// Connections end, and new ones at once.
    Cut,
    /// Nothing comes through for a while; then everything does that was sent.
    Stalled,
    /// Nothing comes through, and what was sent is lost: the connections end afterwards.
    Silent,
}

const WAYS: [Way; 4] = [Way::Open, Way::Cut, Way::Stalled, Way::Silent];

/// Stands before a server on loopback.
pub(super) struct Proxy {
    /// Where it listens on loopback.
    pub(super) port: u16,
    way: Arc<AtomicU8>,
}

impl Proxy {
    /// A proxy that is open. Its threads end with the process.
    pub(super) fn before(server: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let way = Arc::new(AtomicU8::new(Way::Open as u8));
        let told = Arc::clone(&way);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let told = Arc::clone(&told);
                thread::spawn(move || serve(&client, server, &told));
            }
        });
        Ok(Self { port, way })
    }

    /// Changes the way, for connections that are there and those to come.
    pub(super) fn turn(&self, way: Way) {
        self.way.store(way as u8, Ordering::SeqCst);
    }
}

fn now(way: &AtomicU8) -> Way {
    WAYS[usize::from(way.load(Ordering::SeqCst))]
}

/// Waits until bytes may pass. `false` if the connection has to end.
fn is_passable(way: &AtomicU8) -> bool {
    let found = now(way);
    while matches!(now(way), Way::Stalled | Way::Silent) {
        thread::sleep(TICK);
    }
    found != Way::Silent && now(way) == Way::Open
}

fn serve(client: &TcpStream, server: u16, way: &AtomicU8) {
    if !is_passable(way) {
        return;
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else {
        return;
    };
    thread::scope(|scope| {
        scope.spawn(|| pump(client, &server, way));
        pump(&server, client, way);
    });
}

/// Passes bytes on until one end closes or the way ends.
fn pump(mut from: &TcpStream, mut to: &TcpStream, way: &AtomicU8) {
    let mut bytes = vec![0; 64 * 1024];
    let timed = from.set_read_timeout(Some(TICK));
    while timed.is_ok() {
        let count = match from.read(&mut bytes) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => 0,
            Err(_) => break,
        };
        let passed = is_passable(way) && to.write_all(&bytes[..count]).is_ok();
        if !passed {
            break;
        }
    }
    for end in [from, to] {
        // it may have ended already
        end.shutdown(Shutdown::Both).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that sends back what it gets.
    fn echo() -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                thread::spawn(move || {
                    let mut again = client.try_clone().unwrap();
                    std::io::copy(&mut client, &mut again).ok();
                });
            }
        });
        port
    }

    fn said(stream: &mut TcpStream, byte: u8) -> Option<u8> {
        let mut answer = [0];
        stream.write_all(&[byte]).ok()?;
        stream.read_exact(&mut answer).ok()?;
        Some(answer[0])
    }

    #[test]
    fn what_stalls_comes_through_later_and_what_is_lost_or_cut_never() {
        let proxy = Proxy::before(echo()).unwrap();
        let connect = || TcpStream::connect(("127.0.0.1", proxy.port)).unwrap();
        let mut stream = connect();
        assert_eq!(said(&mut stream, 1), Some(1));
        proxy.turn(Way::Stalled);
        stream.write_all(&[2]).unwrap();
        stream.set_read_timeout(Some(TICK * 10)).unwrap();
        assert!(stream.read_exact(&mut [0]).is_err(), "it waits");
        stream.set_read_timeout(None).unwrap();
        proxy.turn(Way::Open);
        let mut answer = [0];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [2]);
        for way in [Way::Silent, Way::Cut] {
            let mut stream = connect();
            assert_eq!(said(&mut stream, 3), Some(3));
            proxy.turn(way);
            stream.write_all(&[4]).ok();
            thread::sleep(TICK * 10);
            proxy.turn(Way::Open);
            assert!(stream.read_exact(&mut [0]).is_err(), "{way:?}");
        }
        assert_eq!(said(&mut connect(), 5), Some(5));
    }
}
