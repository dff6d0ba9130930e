//! What is pushed: a fixed set of images that share layers, so that the same bytes come and go in every repository.

use serde_json::json;

use super::random::Random;
use crate::content::{self, OCI_MANIFEST};

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const LAYERS: usize = 36;
const IMAGES: usize = 40;

/// Sizes around what matters: kept in a row or in files, whole frames or not, one API part or two.
const SIZES: [usize; 9] = [
    200, 9_000, 65_535, 65_536, 65_537, 131_072, 200_000, 600_000, 1_200_000,
];
/// One layer needs two API parts.
const LARGE: usize = content_part() + 70_000;

/// Size of an API part that is not the last.
pub(super) const fn content_part() -> usize {
    5 * 1024 * 1024
}

/// A configuration or layer.
pub(super) struct Blob {
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
    /// Their digest.
    pub(super) digest: String,
}

/// An image of one to three layers.
pub(super) struct Image {
    /// Manifest bytes.
    pub(super) manifest: Vec<u8>,
    /// Their digest.
    pub(super) digest: String,
    /// Places of its configuration and layers among the blobs.
    pub(super) blobs: Vec<usize>,
}

/// Everything that is ever pushed.
pub(super) struct Pool {
    /// Configurations and layers.
    pub(super) blobs: Vec<Blob>,
    /// Images.
    pub(super) images: Vec<Image>,
}

impl Pool {
    /// The content of a seed.
    pub(super) fn of(seed: u64) -> Self {
        let mut blobs: Vec<Blob> = (0..LAYERS)
            .map(|number| {
                let size = if number == 0 {
                    LARGE
                } else {
                    SIZES[number % SIZES.len()]
                };
                blob(content::noise(&format!("kill {seed} layer {number}"), size))
            })
            .collect();
        let mut random = Random::of(seed, 0, u64::MAX);
        let images = (0..IMAGES)
            .map(|number| image(seed, number, &mut blobs, &mut random))
            .collect();
        Self { blobs, images }
    }

    /// The image of that digest.
    pub(super) fn image_of(&self, digest: &str) -> Option<usize> {
        self.images.iter().position(|image| image.digest == digest)
    }
}

fn image(seed: u64, number: usize, blobs: &mut Vec<Blob>, random: &mut Random) -> Image {
    let config = json!({
        "architecture": "amd64", "os": "linux", "config": {"Labels": {"image": format!("{seed} {number}")}},
        "rootfs": {"type": "layers", "diff_ids": []},
    });
    blobs.push(blob(config.to_string().into_bytes()));
    let mut chosen = vec![blobs.len() - 1];
    for _ in 0..=random.below(3) {
        // the large layer is rare, as every other one it is shared
        let layer = if number.is_multiple_of(13) {
            0
        } else {
            random.index(LAYERS - 1) + 1
        };
        if !chosen.contains(&layer) {
            chosen.push(layer);
        }
    }
    let described: Vec<_> = chosen
        .iter()
        .map(|&place| {
            content::descriptor(
                if place < LAYERS { LAYER } else { CONFIG },
                &blobs[place].bytes,
            )
        })
        .collect();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": described[0], "layers": described[1..],
    });
    let manifest = manifest.to_string().into_bytes();
    Image {
        digest: content::digest(&manifest),
        manifest,
        blobs: chosen,
    }
}

fn blob(bytes: Vec<u8>) -> Blob {
    Blob {
        digest: content::digest(&bytes),
        bytes,
    }
}
