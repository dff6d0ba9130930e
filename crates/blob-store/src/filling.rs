//! The plaintext of a batch of frames, held as it came.
//!
//! It goes from there to the cipher, which writes into a buffer that the sealing thread has just used and that is in
//! its processor's cache. Copied together here, it was fetched from one cache and written from another: 7.5 % of the
//! time of a push.

use std::collections::VecDeque;

use bytes::Bytes;
use ecru_ports::blobs::FRAME;

use crate::buffers::{BATCH, Buffer, Held};

/// Shorter pieces are copied together, and all of them where many writers share the memory: each would keep the whole
/// buffer that it came in.
const SHORT: usize = 8 * 1024;

/// A batch that is being filled: pieces kept as they came and, from the first on that is not, copies of the rest.
pub(crate) struct Filling {
    pieces: VecDeque<Bytes>,
    memory: Memory,
    plain: usize,
}

/// What the batch's memory is.
enum Memory {
    /// All of it is that of the pieces.
    Theirs(Held),
    /// Copies, of so many bytes in all, are in a buffer.
    Buffer(Buffer, usize),
    /// In passing.
    None,
}

impl Filling {
    pub(crate) fn new(held: Held) -> Self {
        Self {
            pieces: VecDeque::new(),
            memory: Memory::Theirs(held),
            plain: 0,
        }
    }

    /// Whether no more fits.
    pub(crate) fn is_full(&self) -> bool {
        self.plain == BATCH * FRAME
    }

    /// Bytes of plaintext held.
    pub(crate) fn plain(&self) -> usize {
        self.plain
    }

    /// Takes as many of `bytes` as fit.
    pub(crate) fn take(&mut self, bytes: &mut Bytes) {
        let piece = bytes.split_to(bytes.len().min(BATCH * FRAME - self.plain));
        self.plain += piece.len();
        self.memory = match std::mem::replace(&mut self.memory, Memory::None) {
            Memory::Theirs(held) if piece.len() >= SHORT && held.is_plenty() => {
                self.pieces.push_back(piece);
                Memory::Theirs(held)
            }
            Memory::Theirs(held) => with_copy(held.into_buffer(), 0, &piece),
            Memory::Buffer(buffer, length) => with_copy(buffer, length, &piece),
            Memory::None => Memory::None,
        };
    }

    /// The batch, to be taken apart.
    pub(crate) fn end(mut self) -> Batch {
        let held = match self.memory {
            Memory::Theirs(held) => Some(held),
            Memory::Buffer(buffer, length) => {
                let copies = Bytes::from_owner(buffer).slice(..length);
                self.pieces.push_back(copies);
                None
            }
            Memory::None => None,
        };
        Batch {
            pieces: self.pieces,
            plain: self.plain,
            _held: held,
        }
    }
}

fn with_copy(mut buffer: Buffer, length: usize, piece: &[u8]) -> Memory {
    let end = length + piece.len();
    buffer.first_mut(end)[length..].copy_from_slice(piece);
    Memory::Buffer(buffer, end)
}

/// Plaintext on its way into frames.
pub(crate) struct Batch {
    pieces: VecDeque<Bytes>,
    plain: usize,
    _held: Option<Held>,
}

impl Batch {
    /// Bytes of plaintext left.
    pub(crate) fn plain(&self) -> usize {
        self.plain
    }

    /// How many frames are whole and surely not the last of the object, if no more bytes come.
    pub(crate) fn settled_frames(&self) -> usize {
        self.plain.saturating_sub(1) / FRAME
    }

    /// Takes the pieces of the next frame out; fewer bytes if no frame is full.
    pub(crate) fn next_frame(&mut self) -> Vec<Bytes> {
        let mut missing = self.plain.min(FRAME);
        self.plain -= missing;
        let mut frame = Vec::with_capacity(2);
        while missing > 0
            && let Some(piece) = self.pieces.front_mut()
        {
            let part = piece.split_to(missing.min(piece.len()));
            if piece.is_empty() {
                self.pieces.pop_front();
            }
            missing -= part.len();
            frame.push(part);
        }
        frame
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::buffers::Pool;

    fn fill(held: Held, lengths: &[usize]) -> (Batch, Vec<u8>) {
        let mut filling = Filling::new(held);
        let mut all = Vec::new();
        for (index, &length) in lengths.iter().enumerate() {
            let piece = vec![u8::try_from(index).unwrap(); length];
            let mut bytes = Bytes::from(piece.clone());
            filling.take(&mut bytes);
            all.extend_from_slice(&piece[..length - bytes.len()]);
        }
        (filling.end(), all)
    }

    #[test]
    fn frames_come_out_as_the_bytes_went_in() {
        for lengths in [
            &[][..],
            &[1],
            &[SHORT, 1, 1, SHORT, 2],
            &[FRAME, FRAME],
            &[FRAME - 1, 1, 1, 3 * FRAME],
            &[100_000, 5, 100_000, 100_000],
        ] {
            let pool = Arc::new(Pool::default());
            let others: Vec<_> = (0..100).map(|_| pool.hold()).collect();
            let crowded = fill(pool.hold(), lengths);
            drop(others);
            for (mut batch, all) in [crowded, fill(pool.hold(), lengths)] {
                let mut out = Vec::new();
                while batch.plain() > 0 {
                    let frame = batch.next_frame().concat();
                    assert!(frame.len() == FRAME || batch.plain() == 0);
                    out.extend_from_slice(&frame);
                }
                assert!(out == all, "{lengths:?}");
            }
        }
    }

    #[test]
    fn no_more_is_taken_than_fits() {
        let mut filling = Filling::new(Arc::new(Pool::default()).hold());
        filling.take(&mut Bytes::from(vec![7; BATCH * FRAME - 2]));
        let mut bytes = Bytes::from_static(b"abc");
        filling.take(&mut bytes);
        assert!(filling.is_full());
        assert_eq!(bytes, "c");
    }

    #[test]
    fn long_pieces_are_kept_while_there_is_room_and_others_copied_together() {
        let pool = Arc::new(Pool::default());
        let long = Bytes::from(vec![7; SHORT]);
        let begin_and_pieces = |held: Held| {
            let mut filling = Filling::new(held);
            filling.take(&mut long.clone());
            for _ in 0..100 {
                filling.take(&mut long.slice(..SHORT / 100));
            }
            let frame = filling.end().next_frame();
            (frame[0].as_ptr(), frame.len())
        };
        assert_eq!(begin_and_pieces(pool.hold()), (long.as_ptr(), 2));
        let _others: Vec<_> = (0..100).map(|_| pool.hold()).collect();
        let (begin, pieces) = begin_and_pieces(pool.hold());
        assert!(begin != long.as_ptr() && pieces == 1);
    }
}
