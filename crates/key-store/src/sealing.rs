//! The construction by which small things are sealed: a fresh key for each, derived from a random salt.
//!
//! ```text
//! version 1 ‖ salt 16 ‖ nonce 12 ‖ ciphertext ‖ tag 16
//! key of this seal = HKDF-SHA256(salt, key, "ecru seal v1")     AES-256-GCM
//! associated data  = "ecru sealed v1" ‖ length of context ‖ context
//! ```
//!
//! Nonce and salt together are 224 random bits, so any number of seals under one key is safe, which a
//! random 96-bit nonce alone does not give. HKDF is RFC 5869.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{hmac, rand};
use ecru_ports::keys::{KeyError, SecretKey};
use zeroize::{Zeroize as _, Zeroizing};

const VERSION: u8 = 1;
const SALT: usize = 16;
const NONCE: usize = 12;
const TAG: usize = 16;
const HEAD: usize = 1 + SALT + NONCE;

/// The largest plaintext sealed at once, in bytes. The largest thing stored this way is a manifest (4 MiB).
pub(crate) const LARGEST: usize = 16 * 1024 * 1024;

/// Fills `out` from the system's cryptographic random source.
pub(crate) fn fill_random(out: &mut [u8]) -> Result<(), KeyError> {
    rand::fill(out).map_err(|_| KeyError::Unavailable("the random source failed".to_owned()))
}

/// HKDF-SHA256 (RFC 5869) for exactly one block of output.
pub(crate) fn hkdf(salt: &[u8], key: &[u8], info: &[&[u8]]) -> SecretKey {
    let extracted = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, salt), key);
    let mut expand =
        hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, extracted.as_ref()));
    for part in info {
        expand.update(part);
    }
    expand.update(&[1]);
    let mut material = Zeroizing::new([0u8; SecretKey::LENGTH]);
    material.copy_from_slice(expand.sign().as_ref());
    SecretKey::new(*material)
}

/// A key for one purpose.
pub(crate) fn derive(key: &SecretKey, purpose: &[u8]) -> SecretKey {
    hkdf(b"ecru derive v1", key.material(), &[purpose])
}

/// Seals `plaintext` under a key derived from `key` for this one seal.
pub(crate) fn seal(key: &SecretKey, context: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, KeyError> {
    if plaintext.len() > LARGEST {
        return Err(KeyError::TooLarge(LARGEST));
    }
    let mut head = [VERSION; HEAD];
    fill_random(&mut head[1..])?;
    let (_, salt, nonce) = split_head(&head);
    let aead = aead_key(key, salt).ok_or_else(cipher_failed)?;

    let mut sealed = Vec::with_capacity(HEAD + plaintext.len() + TAG);
    sealed.extend_from_slice(&head);
    sealed.extend_from_slice(plaintext);
    let nonce = Nonce::assume_unique_for_key(nonce);
    let data = associated_data(context);
    let Ok(tag) = aead.seal_in_place_separate_tag(nonce, data, &mut sealed[HEAD..]) else {
        sealed.zeroize();
        return Err(cipher_failed());
    };
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

/// Opens what [`seal`] made. Every reason not to is the same `DoesNotOpen`.
pub(crate) fn open(
    key: &SecretKey,
    context: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    if sealed.len() > HEAD + LARGEST + TAG {
        return Err(KeyError::DoesNotOpen);
    }
    let (head, body) = sealed
        .split_first_chunk::<HEAD>()
        .ok_or(KeyError::DoesNotOpen)?;
    let (version, salt, nonce) = split_head(head);
    if version != VERSION || body.len() < TAG {
        return Err(KeyError::DoesNotOpen);
    }
    let aead = aead_key(key, salt).ok_or_else(cipher_failed)?;
    let mut opened = Zeroizing::new(body.to_vec());
    let nonce = Nonce::assume_unique_for_key(nonce);
    aead.open_in_place(nonce, associated_data(context), &mut opened)
        .map_err(|_| KeyError::DoesNotOpen)?;
    opened.truncate(body.len() - TAG);
    Ok(opened)
}

fn split_head(head: &[u8; HEAD]) -> (u8, &[u8], [u8; NONCE]) {
    let mut nonce = [0u8; NONCE];
    nonce.copy_from_slice(&head[1 + SALT..]);
    (head[0], &head[1..=SALT], nonce)
}

fn aead_key(key: &SecretKey, salt: &[u8]) -> Option<LessSafeKey> {
    let derived = hkdf(salt, key.material(), &[b"ecru seal v1"]);
    UnboundKey::new(&AES_256_GCM, derived.material())
        .ok()
        .map(LessSafeKey::new)
}

fn associated_data(context: &[u8]) -> Aad<Vec<u8>> {
    let mut data = Vec::with_capacity(14 + 8 + context.len());
    data.extend_from_slice(b"ecru sealed v1");
    data.extend_from_slice(&(context.len() as u64).to_be_bytes());
    data.extend_from_slice(context);
    Aad::from(data)
}

fn cipher_failed() -> KeyError {
    KeyError::Unavailable("the cipher failed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(byte: u8) -> SecretKey {
        SecretKey::new([byte; 32])
    }

    #[test]
    fn hkdf_gives_the_first_block_of_rfc_5869_cases_1_and_3() {
        let ikm = [0x0b; 22];
        let salt = hex::decode("000102030405060708090a0b0c").unwrap();
        let info = hex::decode("f0f1f2f3f4f5f6f7f8f9").unwrap();
        let first = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf";
        assert_eq!(hex::encode(hkdf(&salt, &ikm, &[&info]).material()), first);
        let third = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d";
        assert_eq!(hex::encode(hkdf(&[], &ikm, &[]).material()), third);
    }

    #[test]
    fn two_seals_of_the_same_bytes_share_neither_salt_nor_nonce_nor_ciphertext() {
        let one = seal(&key(1), b"c", b"plaintext").unwrap();
        let two = seal(&key(1), b"c", b"plaintext").unwrap();
        assert_ne!(one[1..=SALT], two[1..=SALT]);
        assert_ne!(one[1 + SALT..HEAD], two[1 + SALT..HEAD]);
        assert_ne!(one[HEAD..], two[HEAD..]);
    }

    #[test]
    fn purposes_and_keys_give_different_keys() {
        let all = [
            derive(&key(1), b"a"),
            derive(&key(1), b"b"),
            derive(&key(2), b"a"),
            derive(&key(1), b""),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(
                all[at + 1..]
                    .iter()
                    .all(|other| other.material() != one.material())
            );
        }
        assert_eq!(derive(&key(1), b"a").material(), all[0].material());
    }

    #[test]
    fn more_than_the_bound_is_neither_sealed_nor_opened() {
        let large = vec![0u8; LARGEST + 1];
        assert!(matches!(
            seal(&key(1), b"", &large),
            Err(KeyError::TooLarge(LARGEST))
        ));
        let mut sealed = seal(&key(1), b"", &large[1..]).unwrap();
        assert_eq!(open(&key(1), b"", &sealed).unwrap().len(), LARGEST);
        sealed.push(0);
        assert!(matches!(
            open(&key(1), b"", &sealed),
            Err(KeyError::DoesNotOpen)
        ));
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens_and_does_not_show(
            plaintext in proptest::collection::vec(any::<u8>(), 8..600),
            context in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            let sealed = seal(&key(1), &context, &plaintext).unwrap();
            prop_assert_eq!(&*open(&key(1), &context, &sealed).unwrap(), &plaintext);
            prop_assert!(!sealed.windows(8).any(|window| window == &plaintext[..8]));
        }

        #[test]
        fn any_change_of_key_context_or_bytes_does_not_open(
            plaintext in proptest::collection::vec(any::<u8>(), 0..200),
            at in any::<prop::sample::Index>(),
            flip in 1u8..,
            cut in any::<prop::sample::Index>(),
        ) {
            let sealed = seal(&key(1), b"row 7", &plaintext).unwrap();
            let closed = |key: &SecretKey, context: &[u8], sealed: &[u8]| {
                matches!(open(key, context, sealed), Err(KeyError::DoesNotOpen))
            };
            prop_assert!(closed(&key(2), b"row 7", &sealed));
            prop_assert!(closed(&key(1), b"row 8", &sealed));
            prop_assert!(closed(&key(1), b"", &sealed));
            prop_assert!(closed(&key(1), b"row 7", &sealed[..cut.index(sealed.len())]));
            let mut changed = sealed.clone();
            changed[at.index(sealed.len())] ^= flip;
            prop_assert!(closed(&key(1), b"row 7", &changed));
            let mut longer = sealed;
            longer.push(flip);
            prop_assert!(closed(&key(1), b"row 7", &longer));
        }
    }
}
