//! Pulls: of the same image over and over, and of images all over the store.

use crate::blob::next_random;
use crate::growth::asker::{Asker, Stopwatch};
use crate::growth::layout::{Layout, Place};
use crate::growth::sheet::{Figure, Promise};
use crate::manifest::{CONFIG, sha256};

/// Requests of each kind.
const REQUESTS: u64 = 1000;
const SEED: u64 = 17;

/// Path of the manifest of a tagged image.
pub(super) fn manifest_path(place: Place) -> anyhow::Result<String> {
    let place = place.tagged();
    let reference = place.reference(&place.manifest()?);
    let repository = place.repository_name();
    Ok(format!("/v2/{repository}/manifests/{reference}"))
}

/// Somewhere in a store of so many images.
pub(super) fn somewhere(layout: &Layout, stored: u64, state: &mut u64) -> Place {
    layout.place(next_random(state) % stored.max(1))
}

/// Times manifests by tag of images all over the store.
///
/// # Errors
/// Any refusal.
pub(super) async fn anywhere(
    asker: &mut Asker,
    layout: &Layout,
    stored: u64,
) -> anyhow::Result<Stopwatch> {
    let (mut state, mut times) = (SEED, Stopwatch::default());
    for _ in 0..REQUESTS {
        let path = manifest_path(somewhere(layout, stored, &mut state))?;
        times.time(asker.get(&path)).await?;
    }
    Ok(times)
}

/// Measures manifests by tag and small blobs.
///
/// # Errors
/// Any refusal.
pub(super) async fn measure(
    asker: &mut Asker,
    layout: &Layout,
    stored: u64,
) -> anyhow::Result<Vec<Figure>> {
    let config = sha256(CONFIG.as_bytes());
    let mut state = SEED;
    let manifests = anywhere(asker, layout, stored).await?;
    let (mut blobs, mut same) = <(Stopwatch, Stopwatch)>::default();
    for _ in 0..REQUESTS {
        let repository = somewhere(layout, stored, &mut state).repository_name();
        let path = format!("/v2/{repository}/blobs/{config}");
        blobs.time(asker.get(&path)).await?;
    }
    let path = manifest_path(layout.place(stored.saturating_sub(1)))?;
    for _ in 0..REQUESTS {
        same.time(asker.get(&path)).await?;
    }
    Ok(vec![
        Figure::times("manifest GET by tag, anywhere", manifests, Promise::Flat),
        Figure::times("manifest GET by tag, the same", same, Promise::Flat),
        Figure::times("blob GET of 0.1 KiB, anywhere", blobs, Promise::Flat),
    ])
}
