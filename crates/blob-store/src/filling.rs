//! The plaintext of a batch of frames, held as it came.
//!
//! It goes from there to the cipher, which writes into a buffer that the sealing thread has just used and that is in
//! its processor's cache. Copied together here first, it took 5 to 7 % of the time of a push.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use bytes::Bytes;
use ecru_ports::blobs::FRAME;

use crate::buffers::{BATCH, Buffer, Held};

/// Lengths of what is kept as it comes, while memory is plenty: as a transport reads it. What is shorter would keep the
/// whole buffer that it came in, what is longer is a request's body, which is counted elsewhere while the request lasts.
const KEPT: RangeInclusive<usize> = 8 * 1024..=512 * 1024;

/// A batch that is being filled: pieces kept as they came and, in between, copies of what was not.
pub(crate) struct Filling {
    pieces: VecDeque<Piece>,
    /// Where the copies are, one after the other, and how much of it is filled.
    copies: Option<(Buffer, usize)>,
    plain: usize,
    held: Held,
}

enum Piece {
    Kept(Bytes),
    /// So many of the copied bytes.
    Copied(usize),
}

impl Filling {
    pub(crate) fn new(held: Held) -> Self {
        Self {
            pieces: VecDeque::new(),
            copies: None,
            plain: 0,
            held,
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

    /// Takes as many of `bytes` as fit; they are what is left of a piece that came with the length `came`.
    pub(crate) fn take(&mut self, bytes: &mut Bytes, came: usize) {
        let piece = bytes.split_to(bytes.len().min(BATCH * FRAME - self.plain));
        if piece.is_empty() {
            return;
        }
        self.plain += piece.len();
        if KEPT.contains(&came) && self.held.is_plenty() {
            self.pieces.push_back(Piece::Kept(piece));
            return;
        }
        let (buffer, filled) = self.copies.get_or_insert_with(|| (self.held.buffer(), 0));
        let begins = std::mem::replace(filled, *filled + piece.len());
        buffer.first_mut(*filled)[begins..].copy_from_slice(&piece);
        if let Some(Piece::Copied(length)) = self.pieces.back_mut() {
            *length += piece.len();
        } else {
            self.pieces.push_back(Piece::Copied(piece.len()));
        }
    }

    /// The batch, to be taken apart.
    pub(crate) fn end(self) -> Batch {
        let mut copies = self
            .copies
            .map_or_else(Bytes::new, |(buffer, _)| Bytes::from_owner(buffer));
        let in_order = self.pieces.into_iter().map(|piece| match piece {
            Piece::Kept(bytes) => bytes,
            Piece::Copied(length) => copies.split_to(length),
        });
        Batch {
            pieces: in_order.collect(),
            plain: self.plain,
            _held: self.held,
        }
    }
}

/// Plaintext on its way into frames.
pub(crate) struct Batch {
    pieces: VecDeque<Bytes>,
    plain: usize,
    _held: Held,
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

    const SHORT: usize = *KEPT.start() - 1;
    const LONG: usize = *KEPT.end() + 1;

    fn take(filling: &mut Filling, bytes: &mut Bytes) {
        filling.take(bytes, bytes.len());
    }

    fn fill(held: Held, lengths: &[usize]) -> (Batch, Vec<u8>) {
        let mut filling = Filling::new(held);
        let mut all = Vec::new();
        for (index, &length) in lengths.iter().enumerate() {
            let piece = vec![u8::try_from(index).unwrap(); length];
            let mut bytes = Bytes::from(piece.clone());
            take(&mut filling, &mut bytes);
            all.extend_from_slice(&piece[..length - bytes.len()]);
        }
        (filling.end(), all)
    }

    #[test]
    fn frames_come_out_as_the_bytes_went_in() {
        for lengths in [
            &[][..],
            &[0],
            &[1],
            &[SHORT, 1, 1, SHORT + 1, 2],
            &[FRAME, 0, FRAME],
            &[FRAME - 1, 1, 1, 3 * FRAME],
            &[100_000, 5, 100_000, 100_000],
            &[32, FRAME, 1, 1, FRAME, FRAME, 32],
            &[SHORT, FRAME, SHORT],
            &[LONG],
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
        take(&mut filling, &mut Bytes::from(vec![7; BATCH * FRAME - 2]));
        let mut bytes = Bytes::from_static(b"abc");
        take(&mut filling, &mut bytes);
        assert!(filling.is_full());
        assert_eq!(bytes, "c");
    }

    #[test]
    fn what_a_transport_read_is_kept_while_memory_is_plenty_and_the_rest_copied() {
        let pool = Arc::new(Pool::default());
        let is_kept = |length: usize| {
            let bytes = Bytes::from(vec![7; length]);
            let mut filling = Filling::new(pool.hold());
            take(&mut filling, &mut Bytes::new());
            take(&mut filling, &mut bytes.clone());
            filling.end().next_frame()[0].as_ptr() == bytes.as_ptr()
        };
        assert!(!is_kept(SHORT) && is_kept(SHORT + 1) && is_kept(LONG - 1) && !is_kept(LONG));
        let others: Vec<_> = (0..100).map(|_| pool.hold()).collect();
        assert!(!is_kept(FRAME));
        drop(others);
        assert!(is_kept(FRAME));
    }

    #[test]
    fn what_comes_after_a_short_piece_is_kept() {
        let (short, rest) = (Bytes::from_static(&[1; 32]), Bytes::from(vec![7; FRAME]));
        let mut filling = Filling::new(Arc::new(Pool::default()).hold());
        for piece in [&short, &rest, &short] {
            take(&mut filling, &mut piece.clone());
        }
        let mut batch = filling.end();
        let first = batch.next_frame();
        assert_eq!(first[0], short);
        assert_eq!(first[1].as_ptr(), rest.as_ptr());
        assert_eq!(batch.next_frame().concat(), [&[7; 32][..], &short].concat());
    }

    #[test]
    fn what_is_left_of_a_long_piece_is_copied_too() {
        let long = Bytes::from(vec![7; LONG]);
        let mut filling = Filling::new(Arc::new(Pool::default()).hold());
        let mut left = long.slice(LONG - FRAME..);
        filling.take(&mut left, long.len());
        assert!(left.is_empty());
        assert_ne!(
            filling.end().next_frame()[0].as_ptr(),
            long[LONG - FRAME..].as_ptr()
        );
    }
}
