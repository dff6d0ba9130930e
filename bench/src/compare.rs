//! The comparison: Ecru and a peer on the same machine, interleaved in the same run, with
//! authentication, authorization, encryption and full durability on at Ecru's side and the
//! peer's defaults at its own. Medians with minimum and maximum; judged by ratio.

mod arguments;
mod contention;
mod database;
mod journal;
mod memory;
mod passes;
mod postgres;
mod program;
mod report;
mod rest;
mod rows;
mod samples;
mod scale;
mod server;
mod table;
mod terminate;

use std::path::Path;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

pub(crate) use arguments::{CompareArgs, binary_directory};
pub(crate) use database::Database;
pub(crate) use program::Program;
pub(crate) use report::machine;
pub(crate) use rest::allocated;
pub(crate) use samples::{Samples, Unit};
pub(crate) use server::Server;
pub(crate) use table::{figure, number};

use crate::compare::journal::Journal;
use crate::compare::samples::{Line, Sides};
use crate::compare::scale::Scale;

/// Everything that the parts of a comparison share.
struct Arena {
    programs: Sides<Program>,
    scale: Scale,
    passes: u32,
    all_rows: bool,
    stored_images: u64,
    home: tempfile::TempDir,
    journal: Journal,
}

impl Arena {
    /// Makes the directory of a server.
    fn home(&self, name: &str) -> anyhow::Result<std::path::PathBuf> {
        let path = self.home.path().join(name);
        std::fs::create_dir_all(&path).with_context(|| format!("make {}", path.display()))?;
        Ok(path)
    }

    /// Removes what a server that has ended left behind, so that disks need not hold it all.
    fn discard(&self, name: &str) -> anyhow::Result<()> {
        let path = self.home.path().join(name);
        std::fs::remove_dir_all(&path).with_context(|| format!("remove {}", path.display()))
    }
}

/// Runs the comparison and writes its report.
///
/// # Errors
/// A server that does not start, any failed request, an interrupt, and (with `--enforce`) a
/// missed target. Servers are ended and their data is removed in every case.
pub(crate) async fn compare(args: CompareArgs) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = compare_undisturbed(args) => result,
        _ = interrupt.recv() => anyhow::bail!("interrupted"),
        _ = terminate.recv() => anyhow::bail!("terminated"),
    }
}

async fn compare_undisturbed(args: CompareArgs) -> anyhow::Result<()> {
    let out = args.out_path()?;
    let mut arena = args.arena(&out.with_extension("jsonl"))?;
    let (lines, text) = match &args.metadata {
        Some(url) => on_postgres(&mut arena, url).await?,
        None => embedded(&mut arena).await?,
    };
    println!("{text}");
    save(&out, &text)?;
    arena.journal.require_no_failures()?;
    if args.enforce {
        require_targets(&lines)?;
    }
    Ok(())
}

async fn embedded(arena: &mut Arena) -> anyhow::Result<(Vec<Line>, String)> {
    let mut lines = passes::run(arena).await?;
    lines.peer.extend(rest::run(arena).await?);
    lines.peer.extend(memory::run(arena).await?);
    let mut text = report::write(arena, &lines.peer);
    text.push('\n');
    text.push_str(&table::beside_bare(&lines.bare));
    Ok((lines.peer, text))
}

async fn on_postgres(arena: &mut Arena, url: &str) -> anyhow::Result<(Vec<Line>, String)> {
    let lines = postgres::run(arena, url).await?;
    let mut text = report::write(arena, &lines.peer);
    text.push('\n');
    text.push_str(&table::fractions(&lines.engine));
    Ok((lines.peer, text))
}

fn save(out: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(out, text).with_context(|| format!("write {}", out.display()))?;
    eprintln!("written to {}", out.display());
    Ok(())
}

fn require_targets(lines: &[Line]) -> anyhow::Result<()> {
    let missed: Vec<&str> = lines
        .iter()
        .filter(|line| line.held() == Some(false))
        .map(|line| line.title.as_str())
        .collect();
    anyhow::ensure!(missed.is_empty(), "targets missed: {}", missed.join("; "));
    Ok(())
}
