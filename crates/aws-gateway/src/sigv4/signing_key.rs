//! Secret access keys and what is derived from them.
//!
//! There is no cache of derived keys: deriving takes four short HMACs, about a microsecond, whereas a cache
//! would keep key material in memory and would have to learn of every replaced secret.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::scope::CredentialScope;

const BLOCK: usize = 64;

/// A secret access key. It is wiped when dropped and has no `Debug`.
pub struct SigningSecret(Zeroizing<Vec<u8>>);

impl SigningSecret {
    /// Takes a copy of the secret, which the caller should wipe.
    pub fn new(secret: &str) -> Self {
        let mut key = Zeroizing::new(Vec::with_capacity(4 + secret.len()));
        key.extend_from_slice(b"AWS4");
        key.extend_from_slice(secret.as_bytes());
        Self(key)
    }

    /// The signature of a string to sign, in lower-case hexadecimal (Signature Version 4, "calculate the signature").
    pub(super) fn sign(&self, scope: &CredentialScope, string_to_sign: &[u8]) -> String {
        let mut key = hmac_sha256(&self.0, scope.date.as_bytes());
        for part in [
            scope.region.as_str(),
            scope.service.as_str(),
            "aws4_request",
        ] {
            key = hmac_sha256(&*key, part.as_bytes());
        }
        hex::encode(*hmac_sha256(&*key, string_to_sign))
    }
}

fn hmac_sha256(key: &[u8], message: &[u8]) -> Zeroizing<[u8; 32]> {
    // HMAC pads short keys with zeros and hashes long ones (RFC 2104 §2). Done here, no key length can fail.
    let mut block = Zeroizing::new([0_u8; BLOCK]);
    if key.len() <= BLOCK {
        for (to, from) in block.iter_mut().zip(key) {
            *to = *from;
        }
    } else {
        for (to, from) in block.iter_mut().zip(Sha256::digest(key)) {
            *to = from;
        }
    }
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    mac.update(message);
    Zeroizing::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_is_that_of_rfc_4231() {
        let cases: [(&[u8], &[u8], &str); 3] = [
            (
                &[0x0b; 20],
                b"Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ];
        for (key, message, expected) in cases {
            assert_eq!(hex::encode(*hmac_sha256(key, message)), expected);
        }
    }
}
