//! A TCP proxy that tests cut, or let fall silent, or narrow.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{self, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How the way to the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Open.
    Open,
    /// Open, but what the server says comes a few bytes at a time.
    Narrow,
    /// Connections end, and new ones at once.
    Cut,
    /// Connections stay, but nothing comes through any more.
    Silent,
}

/// Stands before a server.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    way: Arc<watch::Sender<Way>>,
}

impl Proxy {
    pub(crate) async fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let way = Arc::new(watch::channel(Way::Open).0);
        let told = way.subscribe();
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(client, server.clone(), told.clone()));
            }
        });
        Self { address, way }
    }

    pub(crate) fn turn(&self, way: Way) {
        self.way.send_replace(way);
    }
}

async fn serve(mut client: TcpStream, server: String, mut told: watch::Receiver<Way>) {
    let begun = *told.borrow_and_update();
    if matches!(begun, Way::Open | Way::Narrow) {
        let server = TcpStream::connect(server).await.unwrap();
        tokio::select! {
            _ = carry(&mut client, server, begun) => return,
            changed = told.changed() => changed.unwrap(),
        }
    }
    let now = *told.borrow_and_update();
    if now == Way::Silent {
        // what was silent once stays so: the bytes of that time are lost
        std::future::pending::<()>().await;
    }
}

/// What is read at once on the narrow way: less than any message but the shortest.
const PIECE: usize = 7;

async fn carry(client: &mut TcpStream, mut server: TcpStream, way: Way) -> io::Result<()> {
    if way == Way::Open {
        return io::copy_bidirectional(client, &mut server).await.map(drop);
    }
    client.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let narrow = async {
        let mut piece = [0; PIECE];
        loop {
            let count = from_server.read(&mut piece).await?;
            if count == 0 {
                return Ok(());
            }
            to_client.write_all(&piece[..count]).await?;
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        ended = narrow => ended,
        ended = io::copy(&mut from_client, &mut to_server) => ended.map(drop),
    }
}
