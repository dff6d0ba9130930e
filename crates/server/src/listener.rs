//! Listeners: sockets, TLS, HTTP versions, limits of size, time and number, and an orderly end.
//!
//! - `nearby`: clients on this machine
//! - `pace`: clients that keep a connection without using it
//! - `tls`: certificates
//! - `misdirected`: clients that speak plain HTTP where TLS is spoken
//! - `connection`: one connection

mod connection;
mod misdirected;
mod nearby;
pub(crate) mod pace;
pub mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::configuration::meaning::HttpLimits;
use crate::front::{Application, Front};
use crate::metrics::Metrics;
use tls::Tls;

const BACKLOG: i32 = 1_024;
/// How long to wait after the system refused a connection, for want of file descriptors for instance.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Address and port.
    pub address: SocketAddr,
    /// Whether the connection is encrypted.
    pub is_tls: bool,
}

/// What the connections of a listener share.
struct Shared<A> {
    front: Arc<Front<A>>,
    tls: Option<Arc<Tls>>,
    limits: HttpLimits,
    metrics: Arc<Metrics>,
    /// No new requests.
    ending: CancellationToken,
    /// No more patience.
    cutting: CancellationToken,
}

/// A bound socket.
pub struct Listener {
    socket: TcpListener,
}

impl Listener {
    /// Binds `address`. A port that was used a moment ago can be bound again.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(Self {
            socket: TcpListener::from_std(socket.into())?,
        })
    }

    /// The address, with the port that the system chose for port 0.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves until `ending` is cancelled, then lets requests finish within the grace and cuts what is left.
    pub async fn run<A: Application>(
        self,
        front: Front<A>,
        tls: Option<Arc<Tls>>,
        limits: HttpLimits,
        ending: CancellationToken,
    ) {
        let metrics = front.metrics();
        let shared = Arc::new(Shared {
            front: Arc::new(front),
            tls,
            limits,
            metrics,
            ending,
            cutting: CancellationToken::new(),
        });
        let connections = TaskTracker::new();
        self.accept(&shared, &connections).await;
        connections.close();
        if timeout(limits.shutdown_grace, connections.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                connections = connections.len(),
                "requests outlast the shutdown grace and are cut"
            );
            shared.cutting.cancel();
            connections.wait().await;
        }
    }

    async fn accept<A: Application>(self, shared: &Arc<Shared<A>>, connections: &TaskTracker) {
        let room = Arc::new(Semaphore::new(shared.limits.max_connections as usize));
        loop {
            tokio::select! {
                () = shared.ending.cancelled() => return,
                (stream, address, place) = self.next(&room) => {
                    let shared = Arc::clone(shared);
                    connections.spawn(async move {
                        let _open = shared.metrics.connection();
                        connection::serve(stream, address, Arc::clone(&shared)).await;
                        drop(place);
                    });
                }
            }
        }
    }

    /// The next connection, once there is room for it.
    async fn next(
        &self,
        room: &Arc<Semaphore>,
    ) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
        // the semaphore is never closed, so there is always a permit in the end
        let place = Arc::clone(room).acquire_owned().await.ok();
        loop {
            match self
                .socket
                .accept()
                .await
                .and_then(|(stream, address)| stream.set_nodelay(true).map(|()| (stream, address)))
            {
                Ok((stream, address)) => {
                    nearby::unpace(&stream, address);
                    return (stream, address, place);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}
