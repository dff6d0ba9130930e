//! The running hashes of an object: taken once, in order, and carried from request to request.

use ecru_domain::{Algorithm, Digest as Name};
use ecru_ports::blobs::WrittenDigests;
use sha2::digest::OutputSizeUser;
use sha2::digest::common::BlockSizeUser;
use sha2::digest::common::hazmat::{SerializableState, SerializedState};
use sha2::{Digest as _, Sha256, Sha512};

/// More bytes than are ever hashed: an exbibyte.
const MOST_HASHED: u64 = 1 << 60;

/// SHA-256 always, SHA-512 when it was announced (design §4).
pub(crate) struct Hashes {
    sha256: Sha256,
    sha512: Option<Sha512>,
}

impl Hashes {
    pub(crate) fn new(sha512: bool) -> Self {
        Self {
            sha256: Sha256::new(),
            sha512: sha512.then(Sha512::new),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(sha512) = &mut self.sha512 {
            sha512.update(bytes);
        }
    }

    /// Whether SHA-512 is taken too.
    pub(crate) fn with_sha512(&self) -> bool {
        self.sha512.is_some()
    }

    pub(crate) fn finish(self) -> WrittenDigests {
        let sha512 = self
            .sha512
            .map(|hash| Name::from_hash(Algorithm::Sha512, &hash.finalize()));
        WrittenDigests {
            sha256: Name::from_hash(Algorithm::Sha256, &self.sha256.finalize()),
            sha512,
        }
    }

    /// Appends the states. They can contain plaintext and must be sealed.
    pub(crate) fn save(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.sha256.serialize());
        if let Some(sha512) = &self.sha512 {
            out.extend_from_slice(&sha512.serialize());
        }
    }

    /// Reads back what `save` wrote after `hashed` bytes, all of them in whole frames, and returns what follows it.
    pub(crate) fn restore(saved: &[u8], sha512: bool, hashed: u64) -> Option<(Self, &[u8])> {
        let (sha256, rest) = restore_one::<Sha256>(saved, hashed)?;
        if !sha512 {
            return Some((
                Self {
                    sha256,
                    sha512: None,
                },
                rest,
            ));
        }
        let (sha512, rest) = restore_one::<Sha512>(rest, hashed)?;
        Some((
            Self {
                sha256,
                sha512: Some(sha512),
            },
            rest,
        ))
    }
}

fn restore_one<H: SerializableState + Default + OutputSizeUser + BlockSizeUser>(
    saved: &[u8],
    hashed: u64,
) -> Option<(H, &[u8])> {
    // both functions count bits in numbers that must not overflow; no object comes near
    if hashed > MOST_HASHED {
        return None;
    }
    let fresh = H::default().serialize();
    let (state, rest) = saved.split_at_checked(fresh.len())?;
    // chaining value ‖ number of blocks taken ‖ bytes that fill no block yet: at the end of a frame there are none,
    // so that all behind the chaining value is known
    let (_, position) = state.split_at_checked(H::output_size())?;
    let blocks = hashed / u64::try_from(H::block_size()).ok()?;
    let empty = fresh.get(H::output_size() + size_of::<u64>()..)?;
    if position != [&blocks.to_le_bytes(), empty].concat() {
        return None;
    }
    let state = SerializedState::<H>::try_from(state).ok()?;
    H::deserialize(&state).ok().map(|hash| (hash, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    static FRAME: [u8; 65_536] = [7; 65_536];

    #[test]
    fn hashes_go_on_only_where_they_stopped() {
        for sha512 in [false, true] {
            let mut hashes = Hashes::new(sha512);
            hashes.update(&FRAME);
            let mut saved = Vec::new();
            hashes.save(&mut saved);
            saved.extend_from_slice(b"pending");
            for elsewhere in [0, 64, 65_280, 131_072, u64::MAX] {
                let restored = Hashes::restore(&saved, sha512, elsewhere);
                assert!(restored.is_none(), "{elsewhere}");
            }
            let (mut restored, rest) = Hashes::restore(&saved, sha512, 65_536).unwrap();
            assert_eq!(rest, b"pending");
            restored.update(b"more");
            hashes.update(b"more");
            assert_eq!(restored.finish(), hashes.finish());
        }
    }

    #[test]
    fn a_state_in_the_middle_of_a_block_is_refused() {
        let mut hashes = Hashes::new(false);
        hashes.update(&FRAME);
        hashes.update(b"x");
        let mut saved = Vec::new();
        hashes.save(&mut saved);
        assert!(Hashes::restore(&saved, false, 65_536).is_none());
    }

    #[test]
    fn a_state_after_more_bytes_than_can_be_counted_is_refused() {
        let mut saved = Vec::new();
        Hashes::new(false).save(&mut saved);
        let hashed = 1_u64 << 61;
        saved[32..40].copy_from_slice(&(hashed / 64).to_le_bytes());
        assert!(Hashes::restore(&saved, false, hashed).is_none());
    }
}
