//! The rows, interleaved: in each pass every row runs on one server and at once on the other.

use anyhow::Context;

use crate::compare::Arena;
use crate::compare::contention::{self, Contention};
use crate::compare::journal::Journal;
use crate::compare::program::Program;
use crate::compare::rows::{self, Row};
use crate::compare::samples::{Line, Side, Sides};
use crate::compare::server::Server;
use crate::drive;
use crate::options::{RunOptions, Workload};
use crate::outcome::Outcome;

const BARE_HOME: &str = "pass-bare";

/// A server and who it is.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    /// The server.
    pub(super) server: &'a Server,
    /// Which of the two.
    pub(super) side: Side,
}

/// What the passes gave.
pub(super) struct Lines {
    /// Ecru and the peer.
    pub(super) peer: Vec<Line>,
    /// Ecru and a server of nothing but the bytes, where large blobs are pushed.
    pub(super) bare: Vec<Line>,
}

/// Runs all passes, each on fresh stores of the servers, and gives the lines.
///
/// # Errors
/// A server does not start or end. Failed runs are in the journal instead.
pub(super) async fn run(arena: &mut Arena) -> anyhow::Result<Lines> {
    let mut table = rows::to_hold(&arena.scale);
    if arena.all_rows {
        table.extend(rows::not_slower(&arena.scale));
    }
    let mut sheet = Sheet {
        lines: Lines {
            peer: table.iter().map(Row::line).collect(),
            bare: table.iter().filter_map(Row::bare_line).collect(),
        },
        table,
        contention: Contention::new(),
    };
    for pass in 0..arena.passes {
        let servers = Sides {
            ecru: start(arena, Side::Ecru).await?,
            peer: start(arena, Side::Peer).await?,
        };
        let bare = Server::start(&Program::bare()?, &arena.home(BARE_HOME)?)
            .await
            .context("start the bare server")?;
        run_pass(arena, (&servers, &bare), pass, &mut sheet).await?;
        servers.ecru.stop().await.context("end Ecru")?;
        servers.peer.stop().await.context("end the peer")?;
        bare.stop().await.context("end the bare server")?;
        arena.discard(BARE_HOME)?;
        for side in Side::order(pass) {
            arena.discard(&home(side))?;
        }
    }
    sheet.lines.peer.extend(sheet.contention.into_lines());
    Ok(sheet.lines)
}

/// The rows of the passes and the lines that their figures go into.
struct Sheet {
    table: Vec<Row>,
    lines: Lines,
    contention: Contention,
}

async fn run_pass(
    arena: &mut Arena,
    (servers, bare): (&Sides<Server>, &Server),
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
    let mut beside = sheet.lines.bare.iter_mut();
    for (row, line) in sheet.table.iter().zip(&mut sheet.lines.peer) {
        for subject in subjects {
            run_row(&mut arena.journal, subject, (row, line), pass).await;
        }
        if let Some(beside) = row.bare_line().and_then(|_| beside.next()) {
            run_bare(&mut arena.journal, bare, (row, line, beside), pass).await;
        }
    }
    for subject in subjects {
        contention::run(arena, subject, pass, &mut sheet.contention).await?;
    }
    Ok(())
}

/// Drives a row once more, against a server of nothing but the bytes.
async fn run_bare(
    journal: &mut Journal,
    bare: &Server,
    (row, measured, line): (&Row, &Line, &mut Line),
    pass: u32,
) {
    let outcome = drive_at(journal, bare, "bare", row.options(pass)).await;
    line.set_beside(measured, outcome.map(|outcome| row.figures(&outcome)));
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
    options: RunOptions,
) -> Option<Outcome> {
    drive_at(journal, subject.server, subject.side.name(), options).await
}

async fn drive_at(
    journal: &mut Journal,
    server: &Server,
    name: &str,
    mut options: RunOptions,
) -> Option<Outcome> {
    options.label = format!("{name}: {}", options.label);
    options.pid = server.pids();
    let label = options.label.clone();
    let run = drive::run(server.endpoint(), options).await;
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
