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
pub(super) fn anywhere(layout: &Layout, stored: u64, state: &mut u64) -> Place {
    layout.place(next_random(state) % stored.max(1))
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
    let (mut manifests, mut blobs, mut same) = <(Stopwatch, Stopwatch, Stopwatch)>::default();
    for _ in 0..REQUESTS {
        let path = manifest_path(anywhere(layout, stored, &mut state))?;
        manifests.time(asker.get(&path)).await?;
    }
    for _ in 0..REQUESTS {
        let repository = anywhere(layout, stored, &mut state).repository_name();
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
