//! The generator: repositories, their configuration, and images, by several connections.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use tokio::task::JoinSet;

use crate::compare::Server;
use crate::growth::asker::Asker;
use crate::growth::layout::{Layout, Place, repository_name};
use crate::manifest::{CONFIG, sha256};
use crate::upload::push_bytes;

/// Connections that fill.
const WORKERS: usize = 16;

/// Stores the images of these numbers. What is there already stays as it is, so that an
/// interrupted filling can be done again.
///
/// # Errors
/// Any refusal.
pub(super) async fn fill(
    server: &Server,
    layout: &Layout,
    images: Range<u64>,
) -> anyhow::Result<()> {
    begin(server).await?;
    let next = Arc::new(AtomicU64::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let (asker, next) = (Asker::new(server)?, Arc::clone(&next));
        workers.spawn(work(asker, *layout, images.clone(), next));
    }
    while let Some(finished) = workers.join_next().await {
        finished.context("a worker of the generator ended early")??;
    }
    Ok(())
}

/// The large repository with its first image, from which the others mount the configuration.
async fn begin(server: &Server) -> anyhow::Result<()> {
    let mut asker = Asker::new(server)?;
    let (name, digest) = (repository_name(0), sha256(CONFIG.as_bytes()));
    asker.create(&name).await?;
    push_bytes(&mut asker.oci, &name, CONFIG, &digest).await?;
    let first = Place {
        repository: 0,
        number: 0,
    };
    push(&mut asker, first).await
}

async fn work(
    mut asker: Asker,
    layout: Layout,
    images: Range<u64>,
    next: Arc<AtomicU64>,
) -> anyhow::Result<()> {
    loop {
        let part = layout.part(&images, next.fetch_add(1, Ordering::Relaxed));
        if part.is_empty() {
            return Ok(());
        }
        for image in part {
            let place = layout.place(image);
            if place.repository > 0 && place.number == 0 {
                asker.create_with_config(&place.repository_name()).await?;
            }
            push(&mut asker, place).await?;
        }
    }
}

/// Pushes the image of a place.
///
/// # Errors
/// A refusal.
pub(super) async fn push(asker: &mut Asker, place: Place) -> anyhow::Result<()> {
    let manifest = place.manifest()?;
    let reference = place.reference(&manifest);
    asker
        .put(&place.repository_name(), &reference, manifest)
        .await
}
