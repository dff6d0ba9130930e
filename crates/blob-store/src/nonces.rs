//! Fresh random nonces, drawn in batches because the random source costs per call.
//!
//! Each is given out once and never again: uploads append, crash and are sent again under one data key,
//! so no counter kept anywhere could promise that (design §4, "Encryption").

use aws_lc_rs::rand;
use ecru_ports::blobs::BlobError;

use crate::cipher::NONCE;
use crate::failure;

const BATCH: usize = 64 * NONCE;

/// A source of nonces for one writer.
pub(crate) struct Nonces {
    batch: [u8; BATCH],
    used: usize,
}

impl Nonces {
    pub(crate) fn new() -> Self {
        Self {
            batch: [0; BATCH],
            used: BATCH,
        }
    }

    /// The next nonce, never given out before.
    pub(crate) fn draw(&mut self) -> Result<[u8; NONCE], BlobError> {
        if self.used == BATCH {
            rand::fill(&mut self.batch).map_err(|_| failure::of_cipher())?;
            self.used = 0;
        }
        let mut nonce = [0; NONCE];
        nonce.copy_from_slice(&self.batch[self.used..self.used + NONCE]);
        self.used += NONCE;
        Ok(nonce)
    }
}
