//! Objects that were changed on disk: found when read, never served.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use super::Flow;
use crate::content;
use crate::scene::Scene;

const REPOSITORY: &str = "tamper/app";
const SIZE: usize = 1_500_000;
/// What such a blob takes on disk at least: the end of an object may lie in its row.
const LARGE: u64 = 1_000_000;

pub(super) const FLOWS: &[Flow] = &[
    Flow::new(
        "wire",
        "an object with a flipped bit is not served",
        flipped,
    ),
    Flow::new("wire", "a truncated object is not served", truncated),
    Flow::new("wire", "swapped objects are not served", swapped),
    Flow::new("wire", "swapped frames are not served", swapped_frames),
    Flow::new(
        "wire",
        "an object with bytes added is not served wrongly",
        extended,
    ),
    Flow::new("wire", "an object that is gone is an error", removed),
];

fn flipped(scene: &mut Scene) -> Result<()> {
    scene.create_repository(REPOSITORY)?;
    for place in [0, 40, SIZE / 2, SIZE - 20] {
        let (bytes, file) = push(scene, &format!("flip-{place}"))?;
        let mut stored = fs::read(&file)?;
        let place = place.min(stored.len() - 1);
        stored[place] ^= 1;
        fs::write(&file, stored)?;
        not_served(scene, &bytes)?;
    }
    Ok(())
}

fn truncated(scene: &mut Scene) -> Result<()> {
    for lost in [1, 20, SIZE / 3, SIZE] {
        let (bytes, file) = push(scene, &format!("cut-{lost}"))?;
        let stored = fs::read(&file)?;
        let kept = stored.len().saturating_sub(lost);
        fs::write(&file, stored.get(..kept).unwrap_or_default())?;
        not_served(scene, &bytes)?;
    }
    Ok(())
}

fn swapped(scene: &mut Scene) -> Result<()> {
    let (first_bytes, first) = push(scene, "swap-1")?;
    let (second_bytes, second) = push(scene, "swap-2")?;
    let (one, two) = (fs::read(&first)?, fs::read(&second)?);
    fs::write(&first, two)?;
    fs::write(&second, one)?;
    not_served(scene, &first_bytes)?;
    not_served(scene, &second_bytes)
}

fn swapped_frames(scene: &mut Scene) -> Result<()> {
    // Whatever the frame size, exchanging the halves puts authentic frames into the wrong places.
    let (bytes, file) = push(scene, "frames")?;
    let stored = fs::read(&file)?;
    let (front, back) = stored.split_at(stored.len() / 2);
    fs::write(&file, [back, front].concat())?;
    not_served(scene, &bytes)
}

fn extended(scene: &mut Scene) -> Result<()> {
    let (bytes, file) = push(scene, "extend")?;
    let mut stored = fs::read(&file)?;
    stored.extend_from_slice(&content::noise("appended", 5_000));
    fs::write(&file, stored)?;
    let answer = scene.get_blob(REPOSITORY, &content::digest(&bytes))?;
    let right = answer.status == 200 && answer.body == bytes;
    ensure!(
        right || not_whole(&answer),
        "{}: {} bytes",
        answer.status,
        answer.body.len()
    );
    Ok(())
}

fn removed(scene: &mut Scene) -> Result<()> {
    let (bytes, file) = push(scene, "gone")?;
    fs::remove_file(&file)?;
    not_served(scene, &bytes)
}

/// Pushes a blob and finds the file that came with it.
fn push(scene: &Scene, seed: &str) -> Result<(Vec<u8>, PathBuf)> {
    let before = large_files(&scene.data().join("blobs"))?;
    let bytes = content::noise(seed, SIZE);
    scene.push_blob(REPOSITORY, &bytes)?;
    let after = large_files(&scene.data().join("blobs"))?;
    let mut fresh: Vec<&PathBuf> = after.difference(&before).collect();
    ensure!(fresh.len() == 1, "{} files came with the blob", fresh.len());
    Ok((bytes, fresh.remove(0).clone()))
}

fn large_files(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.append(&mut large_files(&path)?);
        } else if fs::metadata(&path)?.len() >= LARGE {
            files.insert(path);
        }
    }
    Ok(files)
}

/// Requires an error or a cut connection, and that every byte that left was right.
fn not_served(scene: &Scene, bytes: &[u8]) -> Result<()> {
    let answer = scene.get_blob(REPOSITORY, &content::digest(bytes))?;
    ensure!(
        not_whole(&answer),
        "served: {} with {} bytes",
        answer.status,
        answer.body.len()
    );
    let authentic = answer.status >= 400 || bytes.starts_with(&answer.body);
    ensure!(authentic, "bytes left that were never pushed");
    Ok(())
}

fn not_whole(answer: &crate::wire::Answer) -> bool {
    answer.status >= 500 || !answer.complete
}
