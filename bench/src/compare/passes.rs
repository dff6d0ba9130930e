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

/// Runs all passes, each on fresh stores of both servers, and gives the lines.
///
/// # Errors
/// A server does not start or end. Failed runs are in the journal instead.
pub(super) async fn run(arena: &mut Arena) -> anyhow::Result<Vec<Line>> {
    let mut table = rows::to_hold(&arena.scale);
    if arena.all_rows {
        table.extend(rows::not_slower(&arena.scale));
    }
    let lines = table.iter().map(Row::line).collect();
    let mut sheet = Sheet {
        table,
        lines,
        contention: Contention::new(),
    };
    for pass in 0..arena.passes {
        let servers = Sides {
            ecru: start(arena, Side::Ecru).await?,
            peer: start(arena, Side::Peer).await?,
        };
        run_pass(arena, &servers, pass, &mut sheet).await?;
        servers.ecru.stop().await.context("end Ecru")?;
        servers.peer.stop().await.context("end the peer")?;
        for side in Side::order(pass) {
            arena.discard(&home(side))?;
        }
    }
    sheet.lines.extend(sheet.contention.into_lines());
    Ok(sheet.lines)
}

/// The rows of the passes and the lines that their figures go into.
struct Sheet {
    table: Vec<Row>,
    lines: Vec<Line>,
    contention: Contention,
}

async fn run_pass(
    arena: &mut Arena,
    servers: &Sides<Server>,
    pass: u32,
    sheet: &mut Sheet,
) -> anyhow::Result<()> {
    let subjects = Side::order(pass).map(|side| Subject {
        server: servers.get(side),
        side,
    });
    for subject in subjects {
        make_repositories(subject.server, pass).await?;
        fill_tags(arena, subject).await;
    }
    for (row, line) in sheet.table.iter().zip(&mut sheet.lines) {
        for subject in subjects {
            run_row(&mut arena.journal, subject, (row, line), pass).await;
        }
    }
    for subject in subjects {
        contention::run(arena, subject, pass, &mut sheet.contention).await?;
    }
    Ok(())
}

fn home(side: Side) -> String {
    format!("pass-{}", side.name())
}

async fn start(arena: &Arena, side: Side) -> anyhow::Result<Server> {
    let home = arena.home(&home(side))?;
    Server::start(arena.programs.get(side), &home)
        .await
        .with_context(|| format!("start {}", side.name()))
}

/// Makes what the rows of a pass work in.
///
/// # Errors
/// A refusal.
pub(super) async fn make_repositories(server: &Server, pass: u32) -> anyhow::Result<()> {
    let own = [rows::repository(pass), rows::mount_repository(pass)];
    for name in own {
        server.ensure_repository(&name).await?;
    }
    server.ensure_repository(rows::TAGS_REPOSITORY).await?;
    Ok(())
}

/// Fills the repository whose many tags are listed.
pub(super) async fn fill_tags(arena: &mut Arena, subject: Subject<'_>) {
    let options = RunOptions {
        label: "fill tags".to_owned(),
        repo: rows::TAGS_REPOSITORY.to_owned(),
        tags: arena.scale.tags,
        conc: 8,
        ..RunOptions::of(Workload::TagsFill)
    };
    drive_once(&mut arena.journal, subject, options).await;
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

/// Runs a row against a server and puts its figures into its line.
pub(super) async fn run_row(
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
