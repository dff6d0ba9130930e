//! Everything that is measured while a store has one size. What is pushed for it is deleted again,
//! but for one image with many tags in the first small repository.

use std::time::Duration;

use anyhow::Context;
use tokio::time::sleep;

use crate::blob::Noise;
use crate::compare::{Program, Server, allocated};
use crate::growth::asker::Asker;
use crate::growth::sheet::{Figure, Promise};
use crate::growth::{Growth, changes, collection, lists, pulls, starts};
use crate::process::memory_now_mib;
use crate::size::float;

/// Time after the start in which a server settles.
const SETTLING: Duration = Duration::from_secs(1);
/// How long layers are kept for whom nothing refers to, so that their collection can be seen.
const GRACE: &str = "4s";
/// Memory of an idle server, MiB.
const IDLE: f64 = 32.0;

/// Measures the store as it is.
///
/// # Errors
/// A server that does not start or end, and any refused request.
pub(super) async fn measure(growth: &Growth) -> anyhow::Result<Vec<Figure>> {
    eprintln!("measuring with {} images stored", growth.record.stored);
    let program = growth.program.with_arguments(&["--layer-grace", GRACE]);
    starts::warm(growth)?;
    let mut figures = vec![starts::orderly(&program, growth).await?];
    figures.push(disk(growth)?);
    let server = Server::start(&program, &growth.home).await?;
    figures.extend(ask(&server, growth).await?);
    server.stop().await?;
    figures.extend(starts::after_kill(&program, growth).await?);
    figures.extend(starts::cold(&program, growth).await?);
    Ok(figures)
}

async fn ask(server: &Server, growth: &Growth) -> anyhow::Result<Vec<Figure>> {
    let mut asker = Asker::new(server)?;
    let stored = growth.record.stored;
    let memory = |title, promise| -> anyhow::Result<Figure> {
        let mib = memory_now_mib(&server.pids())?;
        Ok(Figure::once(title, mib, "MiB", promise))
    };
    sleep(SETTLING).await;
    let mut figures = vec![memory("memory, idle after start", Promise::AtMost(IDLE))?];
    figures.extend(pulls::measure(&mut asker, &growth.layout, stored).await?);
    figures.extend(lists::measure(&mut asker).await?);
    sleep(SETTLING).await;
    figures.push(memory("memory, after lists and pulls", Promise::Flat)?);
    let noise = Noise::new();
    figures.extend(changes::measure(&mut asker, growth, &noise).await?);
    figures.extend(collection::measure(server, growth, &noise).await?);
    Ok(figures)
}

fn disk(growth: &Growth) -> anyhow::Result<Figure> {
    let data = Program::data(&growth.home);
    let bytes = allocated(&data).with_context(|| format!("measure {}", data.display()))?;
    let each = float(bytes) / float(growth.record.stored);
    Ok(Figure::once(
        "disk, for each image",
        each,
        "B",
        Promise::Nothing,
    ))
}
