//! The cipher under the frames, behind a seam so that tests can watch every key and nonce it is given.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ecru_ports::keys::SecretKey;

/// Bytes of a nonce.
pub(crate) const NONCE: usize = 12;
/// Bytes of an authentication tag.
pub(crate) const TAG: usize = 16;

/// The cipher refused; for `open` that means altered bytes or another key, nonce or associated data.
#[derive(Debug)]
pub(crate) struct Refused;

/// Makes keys ready for use.
pub(crate) trait Cipher: Send + Sync {
    /// Expands a key once, for many frames.
    fn prepare(&self, key: &SecretKey) -> Result<Box<dyn ReadyKey>, Refused>;
}

/// A key made ready.
pub(crate) trait ReadyKey: Send + Sync {
    /// Encrypts `bytes` in place and returns the tag. The caller never gives the same nonce twice.
    fn seal(&self, nonce: [u8; NONCE], data: &[u8], bytes: &mut [u8])
    -> Result<[u8; TAG], Refused>;

    /// Encrypts two pieces, one after the other, into `out`, which has room for them and then for the tag. The caller
    /// never gives the same nonce twice, here or there.
    fn seal_into(
        &self,
        nonce: [u8; NONCE],
        data: &[u8],
        pieces: [&[u8]; 2],
        out: &mut [u8],
    ) -> Result<(), Refused>;

    /// Verifies and decrypts `bytes`, which end with the tag, in place.
    fn open(&self, nonce: [u8; NONCE], data: &[u8], bytes: &mut [u8]) -> Result<(), Refused>;
}

/// AES-256-GCM of aws-lc, the fastest measured.
pub(crate) struct AesGcm;

impl Cipher for AesGcm {
    fn prepare(&self, key: &SecretKey) -> Result<Box<dyn ReadyKey>, Refused> {
        let unbound = UnboundKey::new(&AES_256_GCM, key.material()).map_err(|_| Refused)?;
        Ok(Box::new(AesGcmKey(LessSafeKey::new(unbound))))
    }
}

struct AesGcmKey(LessSafeKey);

impl ReadyKey for AesGcmKey {
    fn seal(
        &self,
        nonce: [u8; NONCE],
        data: &[u8],
        bytes: &mut [u8],
    ) -> Result<[u8; TAG], Refused> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce, Aad::from(data), bytes);
        tag.ok()
            .and_then(|tag| tag.as_ref().try_into().ok())
            .ok_or(Refused)
    }

    fn seal_into(
        &self,
        nonce: [u8; NONCE],
        data: &[u8],
        [first, second]: [&[u8]; 2],
        out: &mut [u8],
    ) -> Result<(), Refused> {
        let (body, rest) = out.split_at_mut_checked(first.len()).ok_or(Refused)?;
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0
            .seal_out_of_place_scatter(nonce, Aad::from(data), first, body, second, rest)
            .map_err(|_| Refused)
    }

    fn open(&self, nonce: [u8; NONCE], data: &[u8], bytes: &mut [u8]) -> Result<(), Refused> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0
            .open_in_place(nonce, Aad::from(data), bytes)
            .map(|_| ())
            .map_err(|_| Refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: usize = 65_536;

    fn key() -> Box<dyn ReadyKey> {
        AesGcm.prepare(&SecretKey::new([7; 32])).unwrap()
    }

    #[test]
    fn two_pieces_are_sealed_as_what_they_make_together() {
        let plaintext: Vec<u8> = (0..=250).cycle().take(LENGTH).collect();
        let (key, nonce) = (key(), [3; NONCE]);
        let mut expected = plaintext.clone();
        let tag = key.seal(nonce, b"data", &mut expected).unwrap();
        expected.extend_from_slice(&tag);
        let near = |at: usize| at.saturating_sub(2)..=at + 2;
        let places = [0, 16, 256, 512, 4_096, LENGTH / 2]
            .into_iter()
            .flat_map(near);
        for place in places.chain(LENGTH - 17..=LENGTH) {
            let (first, second) = plaintext.split_at(place);
            let mut out = vec![0; LENGTH + TAG];
            key.seal_into(nonce, b"data", [first, second], &mut out)
                .unwrap();
            assert!(out == expected, "{place}");
        }
    }

    #[test]
    fn room_of_another_length_is_refused() {
        for room in [0, 4, 7 + TAG - 1, 7 + TAG + 1] {
            let sealed = key().seal_into([3; NONCE], b"", [b"abcd", b"efg"], &mut vec![0; room]);
            assert!(sealed.is_err(), "{room}");
        }
    }
}
