//! The running hashes of an object: taken once, in order, and carried from request to request.

use ecru_domain::{Algorithm, Digest as Name};
use ecru_ports::blobs::WrittenDigests;
use sha2::digest::common::hazmat::{SerializableState, SerializedState};
use sha2::{Digest as _, Sha256, Sha512};

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

    /// Reads back what `save` wrote, and returns what follows it.
    pub(crate) fn restore(saved: &[u8], sha512: bool) -> Option<(Self, &[u8])> {
        let (sha256, rest) = restore_one::<Sha256>(saved)?;
        if !sha512 {
            return Some((
                Self {
                    sha256,
                    sha512: None,
                },
                rest,
            ));
        }
        let (sha512, rest) = restore_one::<Sha512>(rest)?;
        Some((
            Self {
                sha256,
                sha512: Some(sha512),
            },
            rest,
        ))
    }
}

fn restore_one<H: SerializableState>(saved: &[u8]) -> Option<(H, &[u8])> {
    let (state, rest) = saved.split_at_checked(SerializedState::<H>::default().len())?;
    let state = SerializedState::<H>::try_from(state).ok()?;
    H::deserialize(&state).ok().map(|hash| (hash, rest))
}
