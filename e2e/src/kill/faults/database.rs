//! `PostgreSQL` is restarted, killed, cut off, or does not answer.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use super::super::conclude;
use super::super::record::Record;
use super::postgres::Postgres;
use super::proxy::{Proxy, Way};
use super::{FaultOptions, TROUBLE, Trouble, open};
use crate::server::Server;
use crate::workbench::Workbench;

/// Longer than the server waits before it says that it is not ready.
const STALL: Duration = Duration::from_secs(9);
/// Longer than the server waits for an answer of the database.
const SILENCE: Duration = Duration::from_secs(48);

/// What happens to it.
#[derive(Clone, Copy)]
enum Deed {
    Restart,
    Kill,
    Turn(Way),
}

const FAULTS: [(&str, Deed, Duration); 5] = [
    ("the database restarts", Deed::Restart, TROUBLE),
    ("the database is killed", Deed::Kill, TROUBLE),
    ("the database is cut off", Deed::Turn(Way::Cut), TROUBLE),
    ("the database stalls", Deed::Turn(Way::Stalled), STALL),
    ("the database is silent", Deed::Turn(Way::Silent), SILENCE),
];

/// One of them, and whom it strikes.
struct Fault<'a> {
    name: &'static str,
    deed: Deed,
    duration: Duration,
    postgres: &'a Postgres,
    proxy: &'a Proxy,
}

/// Goes through the faults on one database.
pub(super) fn go_through(
    binary: PathBuf,
    options: &FaultOptions,
    record: &mut Record,
) -> Result<()> {
    if !FAULTS.iter().any(|(name, ..)| options.wants(name)) {
        return Ok(());
    }
    let postgres = Postgres::start_new()?;
    let proxy = Proxy::before(postgres.port)?;
    let url = format!("postgres://ecru@127.0.0.1:{}/postgres", proxy.port);
    let bench = Workbench::create(binary, Some(url))?;
    let ended = go_on(&bench, (&postgres, &proxy), options, record);
    conclude(bench, ended, record, options.keep)
}

fn go_on(
    bench: &Workbench,
    (postgres, proxy): (&Postgres, &Proxy),
    options: &FaultOptions,
    record: &mut Record,
) -> Result<()> {
    let home = bench.directory("database")?.join("server");
    fs::create_dir(&home)?;
    let mut run = open(bench, &home, options)?;
    for _ in 0..options.rounds {
        for (name, deed, duration) in FAULTS.into_iter().filter(|fault| options.wants(fault.0)) {
            let mut fault = Fault {
                name,
                deed,
                duration,
                postgres,
                proxy,
            };
            run.suffer(&mut fault, record)?;
        }
    }
    run.end(record)
}

impl Trouble for Fault<'_> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn is_total(&self) -> bool {
        true
    }

    fn duration(&self) -> Duration {
        self.duration
    }

    fn begin(&mut self, _server: &Server) -> Result<()> {
        match self.deed {
            Deed::Restart => self.postgres.stop("fast")?,
            Deed::Kill => self.postgres.kill()?,
            Deed::Turn(way) => self.proxy.turn(way),
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        match self.deed {
            Deed::Restart | Deed::Kill => self.postgres.start()?,
            Deed::Turn(_) => self.proxy.turn(Way::Open),
        }
        Ok(())
    }
}
