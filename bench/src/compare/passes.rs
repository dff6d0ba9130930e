//! The rows, interleaved: in each pass every row runs on one server and at once on the other.

use anyhow::Context;

use crate::compare::Arena;
use crate::compare::contention::{self, Contention};
use crate::compare::journal::Journal;
use crate::compare::rows::{self, Row};
use crate::compare::samples::{Line, Side, Sides};
use crate::compare::server::Server;
use crate::drive;
use crate::options::{RunOptions, Workload};
use crate::outcome::Outcome;

/// A server and who it is.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    /// The server.
    pub(super) server: &'a Server,
    /// Which of the two.
    pub(super) side: Side,
}

/// Starts both servers with empty stores, runs all passes and gives the lines.
///
/// # Errors
/// A server does not start or end. Failed runs are in the journal instead.
pub(super) async fn run(arena: &mut Arena) -> anyhow::Result<Vec<Line>> {
    let mut table = rows::to_hold(&arena.scale);
    if arena.all_rows {
        table.extend(rows::not_slower(&arena.scale));
    }
    let mut lines: Vec<Line> = table.iter().map(Row::line).collect();
    let mut contention = Contention::new();
    let servers = Sides {
        ecru: start(arena, Side::Ecru).await?,
        peer: start(arena, Side::Peer).await?,
    };
    for side in Side::order(0) {
        let server = servers.get(side);
        fill_tags(arena, Subject { server, side }).await?;
    }
    for pass in 0..arena.passes {
        for side in Side::order(pass) {
            make_repositories(servers.get(side), pass).await?;
        }
        for (row, line) in table.iter().zip(&mut lines) {
            for side in Side::order(pass) {
                let server = servers.get(side);
                let subject = Subject { server, side };
                run_row(&mut arena.journal, subject, (row, line), pass).await;
            }
        }
        for side in Side::order(pass) {
            let server = servers.get(side);
            contention::run(arena, Subject { server, side }, pass, &mut contention).await?;
        }
    }
    lines.extend(contention.into_lines());
    servers.ecru.stop().await.context("end Ecru")?;
    servers.peer.stop().await.context("end the peer")?;
    Ok(lines)
}

async fn start(arena: &Arena, side: Side) -> anyhow::Result<Server> {
    let home = arena.home(&format!("passes-{}", side.name()))?;
    Server::start(arena.programs.get(side), &home)
        .await
        .with_context(|| format!("start {}", side.name()))
}

async fn make_repositories(server: &Server, pass: u32) -> anyhow::Result<()> {
    for name in [rows::repository(pass), rows::mount_repository(pass)] {
        server.ensure_repository(&name).await?;
    }
    Ok(())
}

async fn fill_tags(arena: &mut Arena, subject: Subject<'_>) -> anyhow::Result<()> {
    let repo = rows::TAGS_REPOSITORY;
    subject.server.ensure_repository(repo).await?;
    let options = RunOptions {
        label: "fill tags".to_owned(),
        repo: repo.to_owned(),
        tags: arena.scale.tags,
        conc: 8,
        ..RunOptions::of(Workload::TagsFill)
    };
    drive_once(&mut arena.journal, subject, options).await;
    Ok(())
}

/// Drives one run against a server and writes it down.
pub(super) async fn drive_once(
    journal: &mut Journal,
    subject: Subject<'_>,
    mut options: RunOptions,
) -> Option<Outcome> {
    options.label = format!("{}: {}", subject.side.name(), options.label);
    options.pid = subject.server.pids();
    let label = options.label.clone();
    let run = drive::run(subject.server.endpoint(), options).await;
    journal.record(&label, run)
}

async fn run_row(
    journal: &mut Journal,
    subject: Subject<'_>,
    (row, line): (&Row, &mut Line),
    pass: u32,
) {
    let Some(outcome) = drive_once(journal, subject, row.options(pass)).await else {
        return;
    };
    let (main, cost) = row.figures(&outcome);
    line.main.samples.get_mut(subject.side).add(main);
    if let Some(cpu) = &mut line.cpu {
        cpu.samples.get_mut(subject.side).add(cost);
    }
}
