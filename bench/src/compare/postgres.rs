//! Ecru on PostgreSQL: the rows that ask its rows, beside the peer and beside `pgbench` on the same
//! server, interleaved.

use anyhow::Context;

use crate::compare::Arena;
use crate::compare::database::Database;
use crate::compare::passes::{Subject, fill_tags, make_repositories, run_row};
use crate::compare::rows::{self, Row};
use crate::compare::samples::{Line, Side, Sides, Unit};
use crate::compare::server::Server;

/// What is measured beside the peer, and the same beside `pgbench`.
pub(super) struct Lines {
    /// Ecru and the peer.
    pub(super) peer: Vec<Line>,
    /// Ecru and `pgbench`.
    pub(super) engine: Vec<Line>,
}

/// Runs all passes, each on a fresh database and a fresh store of the peer.
///
/// # Errors
/// A server that does not start or end, and what `pgbench` says.
pub(super) async fn run(arena: &mut Arena, url: &str) -> anyhow::Result<Lines> {
    let table = rows::on_postgres(&arena.scale);
    let title = |row: &Row| format!("{} ÷ pgbench {}", row.line().title, row.engine());
    let engine = |row: &Row| Line::plain(title(row), Unit::PerSecond, None);
    let mut lines = Lines {
        peer: table.iter().map(Row::line).collect(),
        engine: table.iter().map(engine).collect(),
    };
    for pass in 0..arena.passes {
        run_pass(arena, url, pass, (&table, &mut lines)).await?;
    }
    Ok(lines)
}

async fn run_pass(
    arena: &mut Arena,
    url: &str,
    pass: u32,
    (table, lines): (&[Row], &mut Lines),
) -> anyhow::Result<()> {
    let homes = Sides {
        ecru: arena.home("pass-ecru")?,
        peer: arena.home("pass-peer")?,
    };
    let database = Database::create(url, &format!("pass{pass}"))?;
    let ecru = arena
        .programs
        .ecru
        .with_arguments(&["--metadata", &database.url]);
    let servers = Sides {
        ecru: Server::start(&ecru, &homes.ecru)
            .await
            .context("start Ecru")?,
        peer: Server::start(&arena.programs.peer, &homes.peer)
            .await
            .context("start the peer")?,
    };
    let subjects = Side::order(pass).map(|side| Subject {
        server: servers.get(side),
        side,
    });
    for subject in subjects {
        make_repositories(subject.server, pass).await?;
        fill_tags(arena, subject).await;
    }
    for (row, line) in table.iter().zip(&mut lines.peer) {
        for subject in subjects {
            run_row(&mut arena.journal, subject, (row, line), pass).await;
        }
    }
    servers.ecru.stop().await.context("end Ecru")?;
    servers.peer.stop().await.context("end the peer")?;
    beside_engine(arena, url, lines, table)?;
    for name in ["pass-ecru", "pass-peer"] {
        arena.discard(name)?;
    }
    Ok(())
}

/// Sets what `pgbench` reaches now beside what Ecru reached in this pass.
fn beside_engine(arena: &Arena, url: &str, lines: &mut Lines, table: &[Row]) -> anyhow::Result<()> {
    let database = Database::create(url, "engine")?;
    database.prepare()?;
    let seconds = arena.scale.seconds;
    let selects = database.selects(seconds)?;
    let inserts = database.inserts(arena.home.path(), seconds)?;
    eprintln!("pgbench: {selects:.0} selects/s, {inserts:.0} inserts/s");
    let all = table.iter().zip(&lines.peer).zip(&mut lines.engine);
    for ((row, measured), line) in all {
        let Some(own) = measured.main.samples.ecru.latest() else {
            continue;
        };
        line.main.samples.ecru.add(own);
        let reached = if row.writes() { inserts } else { selects };
        line.main.samples.peer.add(reached);
    }
    Ok(())
}
