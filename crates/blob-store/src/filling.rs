//! The plaintext of a batch of frames, held as it came.
//!
//! It goes from there to the cipher, which writes into a buffer that the sealing thread has just used and that is in
//! its processor's cache. Copied together here, it was fetched from one cache and written from another: an eighth of the
//! time of a push.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use ecru_ports::blobs::FRAME;

use crate::buffers::{BATCH, Held};

/// Shorter pieces are copied together: each would keep the buffer in memory that it came in.
const SHORT: usize = 8 * 1024;

/// A batch that is being filled.
pub(crate) struct Filling {
    pieces: VecDeque<Bytes>,
    /// What came last, in short pieces.
    short: BytesMut,
    plain: usize,
    _held: Held,
}

impl Filling {
    pub(crate) fn new(held: Held) -> Self {
        Self {
            pieces: VecDeque::new(),
            short: BytesMut::new(),
            plain: 0,
            _held: held,
        }
    }

    /// Bytes of plaintext held.
    pub(crate) fn plain(&self) -> usize {
        self.plain
    }

    /// Whether no more fits.
    pub(crate) fn is_full(&self) -> bool {
        self.plain == BATCH * FRAME
    }

    /// Takes as many of `bytes` as fit.
    pub(crate) fn take(&mut self, bytes: &mut Bytes) {
        let piece = bytes.split_to(bytes.len().min(BATCH * FRAME - self.plain));
        self.plain += piece.len();
        if piece.len() < SHORT {
            self.short.extend_from_slice(&piece);
        } else {
            self.end_short();
            self.pieces.push_back(piece);
        }
    }

    fn end_short(&mut self) {
        if !self.short.is_empty() {
            self.pieces.push_back(self.short.split().freeze());
        }
    }

    /// How many frames are whole and surely not the last of the object, if no more bytes come.
    pub(crate) fn settled_frames(&self) -> usize {
        self.plain.saturating_sub(1) / FRAME
    }

    /// Takes the pieces of the next frame out; fewer bytes if no frame is full.
    pub(crate) fn next_frame(&mut self) -> Vec<Bytes> {
        self.end_short();
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

    fn filled(lengths: &[usize]) -> (Filling, Vec<u8>) {
        let mut filling = Filling::new(Arc::new(Pool::default()).hold());
        let mut all = Vec::new();
        for (index, &length) in lengths.iter().enumerate() {
            let piece = vec![u8::try_from(index).unwrap(); length];
            let mut bytes = Bytes::from(piece.clone());
            filling.take(&mut bytes);
            all.extend_from_slice(&piece[..length - bytes.len()]);
        }
        (filling, all)
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
            let (mut filling, all) = filled(lengths);
            let mut out = Vec::new();
            while filling.plain() > 0 {
                let frame = filling.next_frame().concat();
                assert!(frame.len() == FRAME || filling.plain() == 0);
                out.extend_from_slice(&frame);
            }
            assert!(out == all, "{lengths:?}");
        }
    }

    #[test]
    fn no_more_is_taken_than_fits() {
        let (mut filling, _) = filled(&[BATCH * FRAME - 2]);
        let mut bytes = Bytes::from_static(b"abc");
        filling.take(&mut bytes);
        assert!(filling.is_full());
        assert_eq!(bytes, "c");
    }

    #[test]
    fn long_pieces_are_kept_and_short_ones_copied_together() {
        let long = Bytes::from(vec![7; SHORT]);
        let mut filling = Filling::new(Arc::new(Pool::default()).hold());
        filling.take(&mut long.clone());
        for _ in 0..100 {
            filling.take(&mut long.slice(..SHORT / 100));
        }
        let frame = filling.next_frame();
        assert_eq!(frame.len(), 2);
        assert_eq!(frame[0].as_ptr(), long.as_ptr());
    }
}
