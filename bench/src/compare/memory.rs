//! Resident memory: idle, and with many large transfers at once. The transfers are let run for a
//! bounded time, since memory is steady once all of them flow; a push of 64 GB would only fill
//! the disk.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::time::{sleep, timeout};

use crate::compare::Arena;
use crate::compare::passes::{Subject, drive_once};
use crate::compare::samples::{Bound, Line, Side, Target, Unit};
use crate::compare::scale::spoken;
use crate::compare::server::Server;
use crate::drive::measure;
use crate::options::{RunOptions, Workload};
use crate::process::{memory_now_mib, memory_peak_mib};
use crate::workload::prepare;

const REPOSITORY: &str = "bench/memory";
/// Time after the start in which a server settles.
const SETTLING: Duration = Duration::from_secs(1);

/// The lines of this experiment.
struct Lines {
    idle: Line,
    pulls: Line,
    pushes: Line,
}

impl Lines {
    fn new(arena: &Arena) -> Self {
        let own = |most| Some(Target::Own(Bound::AtMost(most)));
        let what = format!("{} of {}", arena.scale.transfers, spoken(arena.scale.large));
        let line = |title, most| Line::plain(title, Unit::Mebibytes, own(most));
        Self {
            idle: line("memory, idle".to_owned(), 32.0),
            pulls: line(format!("memory, pulls at once: {what}"), 128.0),
            pushes: line(format!("memory, streamed pushes at once: {what}"), 128.0),
        }
    }
}

/// Measures both servers, one after the other, on stores of their own.
///
/// # Errors
/// A server does not start or end.
pub(super) async fn run(arena: &mut Arena) -> anyhow::Result<Vec<Line>> {
    let mut lines = Lines::new(arena);
    for side in Side::order(0) {
        let name = format!("memory-{}", side.name());
        let home = arena.home(&name)?;
        let server = Server::start(arena.programs.get(side), &home).await?;
        server.ensure_repository(REPOSITORY).await?;
        let subject = Subject {
            server: &server,
            side,
        };
        watch(arena, subject, &mut lines).await?;
        server.stop().await?;
        arena.discard(&name)?;
    }
    Ok(vec![lines.idle, lines.pulls, lines.pushes])
}

async fn watch(arena: &mut Arena, subject: Subject<'_>, lines: &mut Lines) -> anyhow::Result<()> {
    let side = subject.side;
    sleep(SETTLING).await;
    let idle = memory_now_mib(&subject.server.pids())?;
    lines.idle.main.samples.get_mut(side).add(idle);
    let first = RunOptions {
        label: "layer for the pulls".to_owned(),
        count: Some(1),
        conc: 1,
        ..transfers(arena, subject, Workload::Push)
    };
    drive_once(&mut arena.journal, subject, first).await;
    for (workload, line) in [
        (Workload::Pull, &mut lines.pulls),
        (Workload::Push, &mut lines.pushes),
    ] {
        let options = transfers(arena, subject, workload);
        let peak = peak(arena, subject, options).await?;
        line.main.samples.get_mut(side).add(peak);
    }
    Ok(())
}

/// As many transfers as connections. Pushes all carry the first blob: it is the bytes in flight
/// that count, and their digest is never asked for.
fn transfers(arena: &Arena, subject: Subject<'_>, workload: Workload) -> RunOptions {
    RunOptions {
        repo: REPOSITORY.to_owned(),
        size: arena.scale.large,
        conc: arena.scale.transfers,
        blobs: Some(1),
        pid: subject.server.pids(),
        ..RunOptions::of(workload)
    }
}

async fn peak(arena: &mut Arena, subject: Subject<'_>, options: RunOptions) -> anyhow::Result<f64> {
    let plan = prepare(subject.server.endpoint(), options)
        .await
        .context("prepare the transfers")?;
    let time = Duration::from_secs(arena.scale.transfer_seconds);
    // An expired time drops the connections; what was reached until then is what is asked for.
    if let Ok(run) = timeout(time, measure(Arc::new(plan))).await {
        let label = format!("{}: transfers at once", subject.side.name());
        arena.journal.record(&label, run);
    }
    memory_peak_mib(&subject.server.pids())
}
