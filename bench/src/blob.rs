//! Deterministic blob content. A blob is a function of (seed, size), so that two registries, two
//! runs and two machines transfer the same bytes, and no file is read while the clock runs.
//!
//! ```text
//! | stamp(seed, 0) | noise ... | stamp(seed, 1) | noise ... |   256 KiB a block
//! ```
//!
//! The noise is one shared buffer: a body hands out slices of it and copies the stamps only, so
//! the driver's own CPU stays small beside the server's.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use sha2::{Digest, Sha256};

/// Bytes of a block; ranges of a body start at a multiple of it.
pub(crate) const BLOCK: u64 = 256 * 1024;
const BLOCK_BYTES: usize = 256 * 1024;
const STAMP_BYTES: usize = 32;

/// Next number of a splitmix64 sequence: cheap, well mixed, the same everywhere.
pub(crate) fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The shared, incompressible part of all blobs.
#[derive(Clone)]
pub(crate) struct Noise(Bytes);

impl Noise {
    /// Makes the buffer; done once a run, before the clock starts.
    pub(crate) fn new() -> Self {
        let mut state = 0x0ec2;
        let bytes: Vec<u8> = std::iter::repeat_with(|| next_random(&mut state).to_le_bytes())
            .take(BLOCK_BYTES / 8)
            .flatten()
            .collect();
        Self(bytes.into())
    }
}

/// One blob: its content is fixed by seed and size.
#[derive(Clone)]
pub(crate) struct Blob {
    noise: Noise,
    seed: u64,
    size: u64,
}

impl Blob {
    /// Names the blob of `size` bytes made from `seed`.
    pub(crate) fn new(noise: &Noise, seed: u64, size: u64) -> Self {
        Self {
            noise: noise.clone(),
            seed,
            size,
        }
    }

    /// Size in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Computes the digest, `sha256:<hex>`, by one pass over the content.
    pub(crate) fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for piece in self.pieces(0, self.size) {
            hasher.update(&piece);
        }
        format!("sha256:{}", hex::encode(hasher.finalize()))
    }

    /// Body of the whole blob with a declared length.
    pub(crate) fn body(&self) -> BlobBody {
        self.part(0, self.size)
    }

    /// Body of bytes `from..to` with a declared length; `from` is a multiple of [`BLOCK`].
    pub(crate) fn part(&self, from: u64, to: u64) -> BlobBody {
        BlobBody {
            pieces: self.pieces(from, to),
            declared: true,
        }
    }

    /// Body of the whole blob without a declared length (chunked transfer coding).
    pub(crate) fn streamed_body(&self) -> BlobBody {
        BlobBody {
            pieces: self.pieces(0, self.size),
            declared: false,
        }
    }

    fn pieces(&self, from: u64, to: u64) -> Pieces {
        debug_assert!(from.is_multiple_of(BLOCK));
        Pieces {
            noise: self.noise.clone(),
            seed: self.seed,
            position: from,
            end: to,
            noise_next: None,
        }
    }
}

/// Iterator over the content: a stamp, then the rest of the block, then the next stamp.
struct Pieces {
    noise: Noise,
    seed: u64,
    position: u64,
    end: u64,
    noise_next: Option<Bytes>,
}

impl Pieces {
    fn remaining(&self) -> u64 {
        let held = self.noise_next.as_ref().map_or(0, Bytes::len);
        self.end - self.position + held as u64
    }

    fn stamp(&self) -> [u8; STAMP_BYTES] {
        let mut state = self.seed ^ (self.position / BLOCK).rotate_left(40);
        let mut stamp = [0; STAMP_BYTES];
        stamp[..8].copy_from_slice(&self.seed.to_le_bytes());
        stamp[8..16].copy_from_slice(&(self.position / BLOCK).to_le_bytes());
        for word in stamp[16..].chunks_exact_mut(8) {
            word.copy_from_slice(&next_random(&mut state).to_le_bytes());
        }
        stamp
    }
}

impl Iterator for Pieces {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if let Some(noise) = self.noise_next.take() {
            return Some(noise);
        }
        let left = usize::try_from(self.end - self.position).unwrap_or(usize::MAX);
        let length = left.min(BLOCK_BYTES);
        if length == 0 {
            return None;
        }
        let stamp = Bytes::copy_from_slice(&self.stamp()[..length.min(STAMP_BYTES)]);
        self.position += length as u64;
        if length > STAMP_BYTES {
            self.noise_next = Some(self.noise.0.slice(STAMP_BYTES..length));
        }
        Some(stamp)
    }
}

/// HTTP body over a blob, without copies of the noise.
pub(crate) struct BlobBody {
    pieces: Pieces,
    declared: bool,
}

impl Body for BlobBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.pieces.next().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.remaining() == 0
    }

    fn size_hint(&self) -> SizeHint {
        if self.declared {
            SizeHint::with_exact(self.pieces.remaining())
        } else {
            SizeHint::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(seed: u64, size: u64) -> Vec<u8> {
        let blob = Blob::new(&Noise::new(), seed, size);
        blob.pieces(0, size).flatten().collect()
    }

    #[test]
    fn content_has_exactly_the_size_asked_for() {
        for size in [0, 1, 31, 32, 33, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7] {
            assert_eq!(content(7, size).len() as u64, size, "{size}");
        }
    }

    #[test]
    fn same_seed_gives_same_bytes_and_another_seed_others() {
        let size = BLOCK + 100;
        assert_eq!(content(1, size), content(1, size));
        assert_ne!(content(1, size), content(2, size));
        let digests: std::collections::BTreeSet<String> = (0..64)
            .map(|seed| Blob::new(&Noise::new(), seed, 4096).digest())
            .collect();
        assert_eq!(digests.len(), 64);
    }

    #[test]
    fn blocks_of_one_blob_differ() {
        let bytes = content(5, 2 * BLOCK);
        assert_ne!(bytes[..STAMP_BYTES], bytes[BLOCK_BYTES..][..STAMP_BYTES]);
    }

    #[test]
    fn digest_is_the_sha256_of_the_content() {
        let wanted = format!(
            "sha256:{}",
            hex::encode(Sha256::digest(content(3, 300_000)))
        );
        assert_eq!(Blob::new(&Noise::new(), 3, 300_000).digest(), wanted);
    }

    #[test]
    fn parts_joined_are_the_blob() {
        let blob = Blob::new(&Noise::new(), 9, 2 * BLOCK + 5);
        let joined: Vec<u8> = [(0, BLOCK), (BLOCK, 2 * BLOCK), (2 * BLOCK, blob.size())]
            .into_iter()
            .flat_map(|(from, to)| blob.part(from, to).pieces.flatten())
            .collect();
        assert_eq!(joined, content(9, blob.size()));
    }

    #[test]
    fn declared_length_counts_what_is_left() {
        let blob = Blob::new(&Noise::new(), 4, BLOCK + 1);
        let mut body = blob.body();
        assert_eq!(body.size_hint().exact(), Some(BLOCK + 1));
        let first = body.pieces.next().map_or(0, |piece| piece.len() as u64);
        assert_eq!(body.size_hint().exact(), Some(BLOCK + 1 - first));
        assert_eq!(blob.streamed_body().size_hint().exact(), None);
    }

    #[test]
    fn content_does_not_compress_by_repetition() {
        let mut seen = [0_u32; 256];
        for byte in content(1, BLOCK) {
            seen[usize::from(byte)] += 1;
        }
        // 1,024 of each on average; the bounds are eight standard deviations away.
        assert!(seen.iter().all(|count| (768..1280).contains(count)));
    }
}
