//! The stored format: frames sealed one by one, each bound to its place in its object.
//!
//! ```text
//! one layer     nonce 12 ‖ ciphertext ‖ tag 16
//! two layers    nonce 12 ‖ ( nonce 12 ‖ ciphertext ‖ tag 16 ) encrypted once more ‖ tag 16
//!
//! associated data: format ‖ kind ‖ layer ‖ object id ‖ segment ‖ frame index ‖ size
//! ```
//!
//! A whole frame holds exactly [`FRAME`] bytes of plaintext, so that frame *i* of a segment begins at
//! *i* × stored length. The final frame holds what is left, possibly nothing, and carries the size of the
//! object: whoever drops, repeats, swaps or exchanges frames, segments or tails changes the place of one,
//! and it does not open (design §4).

use std::ops::Range;

use ecru_ports::blobs::{BlobError, DataKey, FRAME, ObjectId, Segment};

use crate::cipher::{Cipher, NONCE, ReadyKey, TAG};
use crate::failure;
use crate::nonces::Nonces;

/// The version of the stored format.
const FORMAT: u8 = 1;

/// Bytes that a layer of encryption adds to a frame.
pub(crate) const LAYER: usize = NONCE + TAG;

/// The most layers there are.
pub(crate) const MAX_LAYERS: usize = 2;

/// Where sealed bytes belong.
pub(crate) enum Place<'a> {
    /// A frame of [`FRAME`] bytes in a segment; `index` counts through all segments of the object.
    Whole { segment: u64, index: u64 },
    /// The final frame, in the object's row.
    Final { index: u64, size: u64 },
    /// The state of an unfinished upload, in the session's row.
    State {
        offset: u64,
        sha512: bool,
        segments: &'a [Segment],
    },
}

impl Place<'_> {
    fn associated_data(&self, object: &ObjectId, layer: u8) -> Vec<u8> {
        let (kind, numbers) = match *self {
            Self::Whole { segment, index } => (0, [segment, index, 0]),
            Self::Final { index, size } => (1, [0, index, size]),
            Self::State { offset, sha512, .. } => (2, [0, u64::from(sha512), offset]),
        };
        let mut data = Vec::with_capacity(64);
        data.extend_from_slice(&[FORMAT, kind, layer]);
        data.extend_from_slice(object.as_str().as_bytes());
        for number in numbers {
            data.extend_from_slice(&number.to_be_bytes());
        }
        if let Self::State { segments, .. } = self {
            for segment in *segments {
                data.extend_from_slice(&segment.number.to_be_bytes());
                data.extend_from_slice(&segment.frames.to_be_bytes());
            }
        }
        data
    }
}

/// Seals and opens the frames of one object.
pub(crate) struct Frames {
    object: ObjectId,
    /// Innermost first.
    layers: Vec<Box<dyn ReadyKey>>,
}

impl Frames {
    pub(crate) fn new(
        cipher: &dyn Cipher,
        object: &ObjectId,
        key: &DataKey,
    ) -> Result<Self, BlobError> {
        let keys = std::iter::once(&key.inner).chain(&key.outer);
        let layers = keys
            .map(|key| cipher.prepare(key))
            .collect::<Result<_, _>>();
        Ok(Self {
            object: object.clone(),
            layers: layers.map_err(|_| failure::of_cipher())?,
        })
    }

    /// The object whose frames these are.
    pub(crate) fn object(&self) -> &ObjectId {
        &self.object
    }

    /// How many bytes longer than its plaintext a sealed frame is.
    pub(crate) fn overhead(&self) -> usize {
        self.layers.len() * LAYER
    }

    /// How many bytes stand before the plaintext.
    pub(crate) fn lead(&self) -> usize {
        self.layers.len() * NONCE
    }

    /// Stored length of a whole frame.
    pub(crate) fn stored(&self) -> usize {
        FRAME + self.overhead()
    }

    /// Seals the plaintext that `pieces` make together into a slot of its stored length.
    pub(crate) fn seal(
        &self,
        nonces: &mut Nonces,
        place: &Place<'_>,
        pieces: &[impl AsRef<[u8]>],
        slot: &mut [u8],
    ) -> Result<(), BlobError> {
        for (layer, key) in self.layers.iter().enumerate() {
            let extent = self.extent(layer, slot.len());
            let (head, rest) = slot[extent].split_at_mut(NONCE);
            let nonce = nonces.draw()?;
            let data = self.data(place, layer);
            let sealed = if layer == 0
                && let Some(pair) = pair(pieces)
            {
                key.seal_into(nonce, &data, pair, rest)
            } else {
                let (body, foot) = rest.split_at_mut(rest.len() - TAG);
                if layer == 0 {
                    gather(pieces, body)?;
                }
                key.seal(nonce, &data, body)
                    .map(|tag| foot.copy_from_slice(&tag))
            };
            sealed.map_err(|_| failure::of_cipher())?;
            head.copy_from_slice(&nonce);
        }
        Ok(())
    }

    /// Opens a slot in place and tells where its plaintext is; `Corrupt` if it does not open.
    pub(crate) fn open(
        &self,
        place: &Place<'_>,
        slot: &mut [u8],
    ) -> Result<Range<usize>, BlobError> {
        if slot.len() < self.overhead() {
            return Err(BlobError::Corrupt);
        }
        for (layer, key) in self.layers.iter().enumerate().rev() {
            let extent = self.extent(layer, slot.len());
            let (head, rest) = slot[extent].split_at_mut(NONCE);
            let mut nonce = [0; NONCE];
            nonce.copy_from_slice(head);
            key.open(nonce, &self.data(place, layer), rest)
                .map_err(|_| BlobError::Corrupt)?;
        }
        let lead = self.lead();
        Ok(lead..lead + slot.len() - self.overhead())
    }

    /// Seals the plaintext that `pieces` make together, for rows.
    pub(crate) fn seal_alone(
        &self,
        nonces: &mut Nonces,
        place: &Place<'_>,
        pieces: &[impl AsRef<[u8]>],
    ) -> Result<Vec<u8>, BlobError> {
        let plain: usize = pieces.iter().map(|piece| piece.as_ref().len()).sum();
        let mut slot = vec![0; plain + self.overhead()];
        self.seal(nonces, place, pieces, &mut slot)?;
        Ok(slot)
    }

    /// Where a layer's nonce, body and tag are within a slot: each layer encloses the one before.
    fn extent(&self, layer: usize, slot: usize) -> Range<usize> {
        let outside = self.layers.len() - 1 - layer;
        outside * NONCE..slot - outside * TAG
    }

    fn data(&self, place: &Place<'_>, layer: usize) -> Vec<u8> {
        place.associated_data(&self.object, u8::from(layer > 0))
    }
}

/// Up to two pieces, as the cipher takes them.
fn pair(pieces: &[impl AsRef<[u8]>]) -> Option<[&[u8]; 2]> {
    match pieces {
        [] => Some([&[], &[]]),
        [all] => Some([all.as_ref(), &[]]),
        [first, second] => Some([first.as_ref(), second.as_ref()]),
        _ => None,
    }
}

/// Copies pieces one behind the other.
fn gather(pieces: &[impl AsRef<[u8]>], mut out: &mut [u8]) -> Result<(), BlobError> {
    let other_length = || failure::of_caller("the pieces are not as long as their frame");
    for piece in pieces {
        let piece = piece.as_ref();
        let (target, rest) = out
            .split_at_mut_checked(piece.len())
            .ok_or_else(other_length)?;
        target.copy_from_slice(piece);
        out = rest;
    }
    out.is_empty().then_some(()).ok_or_else(other_length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cipher::AesGcm;
    use ecru_ports::SecretKey;

    fn frames(object: u8, outer: Option<u8>) -> Frames {
        let outer = outer.map(|byte| SecretKey::new([byte; 32]));
        let key = DataKey {
            inner: SecretKey::new([1; 32]),
            outer,
        };
        Frames::new(&AesGcm, &ObjectId::from_bytes([object; 16]), &key).unwrap()
    }

    #[test]
    fn pieces_open_as_what_they_make_together() {
        let place = Place::Final { index: 0, size: 9 };
        for outer in [None, Some(2)] {
            let frames = frames(7, outer);
            for pieces in [
                &[&b"plaintext"[..]][..],
                &[b"plain", b"text"],
                &[b"p", b"lain", b"text"],
                &[b"pl", b"", b"ai", b"ntext"],
            ] {
                let mut slot = frames
                    .seal_alone(&mut Nonces::new(), &place, pieces)
                    .unwrap();
                let opened = frames.open(&place, &mut slot).unwrap();
                assert_eq!(&slot[opened], b"plaintext");
            }
        }
    }

    #[test]
    fn sealed_bytes_open_only_in_their_place() {
        let one = [Segment {
            number: 1,
            frames: 2,
        }];
        let renumbered = [Segment {
            number: 2,
            frames: 2,
        }];
        let longer = [Segment {
            number: 1,
            frames: 3,
        }];
        let state = |offset, sha512, segments| Place::State {
            offset,
            sha512,
            segments,
        };
        let places = [
            Place::Whole {
                segment: 1,
                index: 2,
            },
            Place::Whole {
                segment: 1,
                index: 3,
            },
            Place::Whole {
                segment: 2,
                index: 2,
            },
            Place::Final { index: 2, size: 3 },
            Place::Final { index: 2, size: 4 },
            Place::Final { index: 3, size: 3 },
            state(3, false, &one[..]),
            state(4, false, &one),
            state(3, true, &one),
            state(3, false, &renumbered),
            state(3, false, &longer),
            state(3, false, &[]),
        ];
        for outer in [None, Some(2)] {
            let (object, another) = (frames(7, outer), frames(8, outer));
            for (sealed_in, place) in places.iter().enumerate() {
                let sealed = object
                    .seal_alone(&mut Nonces::new(), place, &[b"plaintext"])
                    .unwrap();
                for (opened_in, place) in places.iter().enumerate() {
                    let mut slot = sealed.clone();
                    let opened = object.open(place, &mut slot).map(|extent| &slot[extent]);
                    assert_eq!(
                        opened.is_ok(),
                        sealed_in == opened_in,
                        "{sealed_in} {opened_in}"
                    );
                    assert!(opened.is_err() || opened.is_ok_and(|opened| opened == b"plaintext"));
                    assert!(another.open(place, &mut sealed.clone()).is_err());
                }
            }
        }
    }

    #[test]
    fn too_few_bytes_do_not_open() {
        for (frames, overhead) in [(frames(7, None), 28), (frames(7, Some(2)), 56)] {
            assert_eq!(frames.overhead(), overhead);
            for length in 0..=overhead {
                let place = Place::Final { index: 0, size: 0 };
                assert!(matches!(
                    frames.open(&place, &mut vec![0; length]),
                    Err(BlobError::Corrupt)
                ));
            }
        }
    }
}
