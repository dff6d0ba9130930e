//! The servers that are raced against: one, or several nodes on one database with the same objects and keys.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;

use super::super::caller::Caller;
use super::super::cycle;
use crate::server::{Launch, Server};
use crate::workbench::Workbench;

/// `--layer-grace`: collection is at work all the while.
pub(super) const GRACE: Duration = Duration::from_secs(3);

/// Servers on one store.
pub(super) struct Cluster {
    servers: Vec<Server>,
}

impl Cluster {
    /// Starts so many servers, at least one, on a new store.
    pub(super) fn start(bench: &Workbench, nodes: usize) -> Result<Self> {
        let place = bench.directory("races")?;
        let home = place.join("server");
        fs::create_dir(&home)?;
        let mut launch = Launch {
            flags: vec!["--layer-grace".to_owned(), format!("{}s", GRACE.as_secs())],
            ..Launch::default()
        };
        let first = Server::start(bench, &home, &launch)?;
        let objects = home.join("data/blobs").to_string_lossy().into_owned();
        launch.flags.extend(["--blobs".to_owned(), objects]);
        let mut servers = vec![first];
        for number in 1..nodes {
            let home = place.join(format!("server{number}"));
            let mut node = servers[0].node_beside(&home)?;
            node.launch(bench, &launch)?;
            servers.push(node);
        }
        Ok(Self { servers })
    }

    /// Logs in at each of them. Where an answer is missing or an error, what became of the request is not known.
    pub(super) fn callers(&self) -> Result<Vec<Caller>> {
        let unknowing = Arc::new(AtomicBool::new(false));
        let mut callers = Vec::new();
        for server in &self.servers {
            callers.push(cycle::caller(server, &unknowing)?);
        }
        unknowing.store(true, Ordering::SeqCst);
        Ok(callers)
    }

    /// Verifies the store, ends the servers and verifies again: what is wrong.
    pub(super) fn end(mut self, bench: &Workbench) -> Result<Vec<String>> {
        let mut found = cycle::verify(bench, &self.servers[0], false)?;
        for server in &mut self.servers {
            server.stop()?;
        }
        found.extend(cycle::verify(bench, &self.servers[0], true)?);
        Ok(found)
    }
}
