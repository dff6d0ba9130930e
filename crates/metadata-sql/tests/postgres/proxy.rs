//! A TCP proxy that tests cut, or let fall silent.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How the way to the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Open.
    Open,
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
    if begun == Way::Open {
        let mut server = TcpStream::connect(server).await.unwrap();
        tokio::select! {
            _ = io::copy_bidirectional(&mut client, &mut server) => return,
            changed = told.changed() => changed.unwrap(),
        }
    }
    let now = *told.borrow_and_update();
    if now == Way::Silent {
        // what was silent once stays so: the bytes of that time are lost
        std::future::pending::<()>().await;
    }
}
