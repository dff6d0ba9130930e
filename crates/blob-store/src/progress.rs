//! What an upload remembers between two requests, sealed so that the session's row tells nothing.
//!
//! ```text
//! plaintext of sealed_state = state of SHA-256 ‖ state of SHA-512, if taken ‖ unfilled last frame
//! ```
//!
//! The hashes stand where the whole frames end: a byte is hashed when its frame is sealed for good, so
//! none is hashed twice, and many small requests cost no hashing at all.

use bytes::Bytes;
use ecru_ports::blobs::{BlobError, FRAME, Segment, WriteProgress};
use zeroize::Zeroizing;

use crate::digests::Hashes;
use crate::frames::{Frames, Place};
use crate::nonces::Nonces;

/// An upload taken up again.
pub(crate) struct Resumed {
    pub(crate) hashes: Hashes,
    pub(crate) pending: Bytes,
}

/// Seals the state of an upload that stops at `offset`.
pub(crate) fn seal(
    frames: &Frames,
    nonces: &mut Nonces,
    hashes: &Hashes,
    pending: &[Bytes],
    segments: Vec<Segment>,
) -> Result<WriteProgress, BlobError> {
    let unfilled: usize = pending.iter().map(Bytes::len).sum();
    let offset = whole_bytes(&segments).ok_or(BlobError::Corrupt)? + unfilled as u64;
    // room for both states, so that no copy of them is left behind by growing
    let mut state = Zeroizing::new(Vec::with_capacity(512 + unfilled));
    hashes.save(&mut state);
    for piece in pending {
        state.extend_from_slice(piece);
    }
    let place = Place::State {
        offset,
        sha512: hashes.with_sha512(),
        segments: &segments,
    };
    let sealed_state = frames.seal_alone(nonces, &place, &[&state[..]])?;
    Ok(WriteProgress {
        offset,
        segments,
        sealed_state,
    })
}

/// Opens what [`seal`] made; `Corrupt` if it is not the state of this object at this offset.
pub(crate) fn open(
    frames: &Frames,
    progress: &WriteProgress,
    sha512: bool,
) -> Result<Resumed, BlobError> {
    let place = Place::State {
        offset: progress.offset,
        sha512,
        segments: &progress.segments,
    };
    let mut slot = Zeroizing::new(progress.sealed_state.clone());
    let extent = frames.open(&place, &mut slot)?;
    let whole = whole_bytes(&progress.segments).ok_or(BlobError::Corrupt)?;
    let restored = Hashes::restore(&slot[extent], sha512, whole);
    let (hashes, pending) = restored.ok_or(BlobError::Corrupt)?;
    if pending.len() > FRAME || whole.checked_add(pending.len() as u64) != Some(progress.offset) {
        return Err(BlobError::Corrupt);
    }
    Ok(Resumed {
        hashes,
        pending: Bytes::copy_from_slice(pending),
    })
}

/// Plaintext bytes in whole frames.
pub(crate) fn whole_bytes(segments: &[Segment]) -> Option<u64> {
    let frames = segments
        .iter()
        .try_fold(0u64, |sum, segment| sum.checked_add(segment.frames));
    frames?.checked_mul(FRAME as u64)
}
