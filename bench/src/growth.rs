//! What becomes slower, larger or later as a store grows: the same measurements on one store at
//! several sizes, side by side. The images come through the API of a running server.
//!
//! - [`arguments`]: the command line; [`layout`]: which image is where
//! - [`fill`]: the generator; [`record`]: what a store that is kept remembers of its runs
//! - [`step`]: the measurements at one size, in [`starts`], [`pulls`], [`lists`], [`changes`] and
//!   [`collection`], by one [`asker`]
//! - [`sheet`]: figures, and the table of all sizes

mod arguments;
mod asker;
mod changes;
mod collection;
mod fill;
mod layout;
mod lists;
mod pulls;
mod record;
mod sheet;
mod starts;
mod step;

use std::path::PathBuf;
use std::time::{Duration, Instant};

pub(crate) use arguments::GrowthArgs;

use crate::compare::{Program, Server, machine};
use crate::growth::layout::Layout;
use crate::growth::record::Record;

/// Images between two notes of how many are stored.
const CHUNK: u64 = 20_000;

/// One store and what is asked of it.
struct Growth {
    program: Program,
    home: PathBuf,
    layout: Layout,
    record: Record,
    /// When no further chunk is begun.
    pause_at: Option<Instant>,
}

/// Fills a store step by step and measures it at each.
///
/// # Errors
/// Arguments that do not fit together or to the store that is there, a server that does not start
/// or end, and any refused request.
pub(crate) async fn run(args: GrowthArgs) -> anyhow::Result<()> {
    let (steps, out) = (args.steps()?, args.out.clone());
    // a temporary directory is removed when it is dropped
    let (mut growth, _temporary) = args.growth()?;
    for &step in &steps {
        if !growth.fill_to(step).await? {
            eprintln!("{} images stored; run again to go on", growth.record.stored);
            return Ok(());
        }
        let passed = growth.record.stored > step;
        let measured = growth.record.measured.contains_key(&step);
        if args.fill_only && !measured {
            eprintln!("{step} images stored; run without --fill-only to measure");
            return Ok(());
        }
        if !passed && !args.fill_only {
            let figures = step::measure(&growth).await?;
            growth.record.measured.insert(step, figures);
            growth.record.save(&growth.home)?;
        }
    }
    let text = format!(
        "Measured on {}. {}\n\n{}",
        machine(),
        growth.layout,
        sheet::markdown(&growth.record.measured)
    );
    println!("{text}");
    if let Some(out) = out {
        std::fs::write(out, text)?;
    }
    Ok(())
}

impl Growth {
    /// Fills the store up to `step` images; `false` if time is up before that.
    async fn fill_to(&mut self, step: u64) -> anyhow::Result<bool> {
        if self.record.stored >= step {
            return Ok(true);
        }
        let server = Server::start(&self.program, &self.home).await?;
        while self.record.stored < step {
            if self.pause_at.is_some_and(|end| Instant::now() >= end) {
                break;
            }
            let chunk = self.record.stored..step.min(self.record.stored + CHUNK);
            let begun = Instant::now();
            fill::fill(&server, &self.layout, chunk.clone()).await?;
            report(chunk.end, chunk.end - chunk.start, begun.elapsed());
            self.record.stored = chunk.end;
            self.record.save(&self.home)?;
        }
        server.stop().await?;
        Ok(self.record.stored >= step)
    }
}

fn report(stored: u64, images: u64, time: Duration) {
    let rate = crate::size::float(images) / time.as_secs_f64().max(1e-9);
    eprintln!("{stored} images stored, {rate:.0}/s");
}
