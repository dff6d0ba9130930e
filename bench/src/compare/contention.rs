//! How much slower a manifest is answered while layers are pushed: the tail of 128 readers
//! alone, then of the same readers beside 4 pushes.

use std::sync::Arc;

use anyhow::Context;

use crate::compare::Arena;
use crate::compare::passes::{Subject, drive_once};
use crate::compare::rows::{first_seed, repository};
use crate::compare::samples::{Bound, Line, Target, Unit};
use crate::drive::measure;
use crate::options::{RunOptions, Workload};
use crate::outcome::Outcome;
use crate::workload::prepare;

/// Seeds of the pushes, relative to the first of the pass.
const SEED: u64 = 3_000_001;
/// Layers pushed each second at most; then the same come again.
const LAYERS_PER_SECOND: u64 = 12;

/// The lines of this experiment.
pub(super) struct Contention {
    alone: Line,
    growth: Line,
}

impl Contention {
    /// The lines without figures.
    pub(super) fn new() -> Self {
        let most = Some(Target::Ratio(Bound::AtMost(1.0)));
        let twice = Some(Target::Own(Bound::AtMost(2.0)));
        let alone = "manifest GET c128, p99".to_owned();
        let growth = "its p99 beside 4 pushes ÷ alone".to_owned();
        Self {
            alone: Line::plain(alone, Unit::Milliseconds, most),
            growth: Line::plain(growth, Unit::Times, twice),
        }
    }

    /// The lines with their figures.
    pub(super) fn into_lines(self) -> [Line; 2] {
        [self.alone, self.growth]
    }
}

/// Measures one server in one pass.
///
/// # Errors
/// None but those of the driver itself; failed runs are in the journal.
pub(super) async fn run(
    arena: &mut Arena,
    subject: Subject<'_>,
    pass: u32,
    contention: &mut Contention,
) -> anyhow::Result<()> {
    let read = RunOptions {
        label: "readers alone".to_owned(),
        repo: repository(pass),
        conc: 128,
        secs: Some(arena.scale.seconds),
        ..RunOptions::of(Workload::ManifestGet)
    };
    let alone = drive_once(&mut arena.journal, subject, read.clone()).await;
    let push = pushes(arena, subject, pass);
    let beside = RunOptions {
        label: format!("{}: readers beside pushes", subject.side.name()),
        pid: subject.server.pids(),
        ..read
    };
    let beside = run_beside(arena, subject, beside, push).await;
    if let (Some(alone), Some(beside)) = (alone, beside) {
        let side = subject.side;
        contention
            .alone
            .main
            .samples
            .get_mut(side)
            .add(alone.p99_ms);
        let growth = beside.p99_ms / alone.p99_ms.max(1e-3);
        contention.growth.main.samples.get_mut(side).add(growth);
    }
    Ok(())
}

fn pushes(arena: &Arena, subject: Subject<'_>, pass: u32) -> RunOptions {
    RunOptions {
        label: format!("{}: pushes beside readers", subject.side.name()),
        repo: repository(pass),
        size: arena.scale.medium,
        conc: 4,
        secs: Some(arena.scale.seconds),
        seed: first_seed(pass) + SEED,
        blobs: Some(arena.scale.seconds * LAYERS_PER_SECOND),
        ..RunOptions::of(Workload::Push)
    }
}

/// Runs readers and pushes at once; both are prepared before either clock starts.
async fn run_beside(
    arena: &mut Arena,
    subject: Subject<'_>,
    read: RunOptions,
    push: RunOptions,
) -> Option<Outcome> {
    let labels = (read.label.clone(), push.label.clone());
    let endpoint = subject.server.endpoint();
    let prepared = async {
        let push = prepare(Arc::clone(&endpoint), push).await?;
        let read = prepare(endpoint, read).await?;
        anyhow::Ok((Arc::new(read), Arc::new(push)))
    };
    let (read, push) = match prepared.await.context("prepare readers and pushes") {
        Ok(plans) => plans,
        Err(error) => return arena.journal.record(&labels.0, Err(error)),
    };
    let (read, push) = tokio::join!(measure(read), measure(push));
    arena.journal.record(&labels.1, push)?;
    arena.journal.record(&labels.0, read)
}
