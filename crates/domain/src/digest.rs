//! Content digests, as the OCI image specification writes them: `algorithm:hex`.

use std::fmt;

use sha2::{Digest as _, Sha256, Sha512};

use crate::invalid::Invalid;

/// The hash functions a digest may name (OCI image specification, "Registered algorithms").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-256, the canonical one.
    Sha256,
    /// SHA-512, only where a client announces it.
    Sha512,
}

impl Algorithm {
    /// The name before the colon.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// The algorithm of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "sha256" => Some(Self::Sha256),
            "sha512" => Some(Self::Sha512),
            _ => None,
        }
    }

    /// How many hexadecimal digits follow the colon.
    pub fn hex_length(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

/// A verified-in-form digest. Two digests are equal when algorithm and lower-case hex are.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    text: String,
    algorithm: Algorithm,
}

impl Digest {
    /// Reads `algorithm:hex`; the hex must be lower-case and of the algorithm's length.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let refuse = || Invalid::new("digest", text);
        let (name, hex) = text.split_once(':').ok_or_else(refuse)?;
        let algorithm = Algorithm::from_name(name).ok_or_else(refuse)?;
        let lower_hex = hex
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if hex.len() != algorithm.hex_length() || !lower_hex {
            return Err(refuse());
        }
        Ok(Self {
            text: text.to_owned(),
            algorithm,
        })
    }

    /// The digest of `bytes`.
    pub fn of(algorithm: Algorithm, bytes: &[u8]) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::from_hash(algorithm, &Sha256::digest(bytes)),
            Algorithm::Sha512 => Self::from_hash(algorithm, &Sha512::digest(bytes)),
        }
    }

    /// The SHA-256 digest of `bytes`: an image's identity is that of its exact manifest bytes.
    pub fn sha256(bytes: &[u8]) -> Self {
        Self::of(Algorithm::Sha256, bytes)
    }

    /// A digest from the raw output of its hash function, whose length the algorithm fixes.
    pub fn from_hash(algorithm: Algorithm, hash: &[u8]) -> Self {
        Self {
            text: format!("{}:{}", algorithm.name(), hex::encode(hash)),
            algorithm,
        }
    }

    /// `algorithm:hex`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The hash function named.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// What follows the colon.
    pub fn hex(&self) -> &str {
        self.text.split_once(':').map_or("", |(_, hex)| hex)
    }
}

/// Computes the digest of bytes that come in pieces.
pub struct Hasher(Running);

enum Running {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hasher {
    /// Nothing taken yet.
    pub fn new(algorithm: Algorithm) -> Self {
        Self(match algorithm {
            Algorithm::Sha256 => Running::Sha256(Sha256::new()),
            Algorithm::Sha512 => Running::Sha512(Sha512::new()),
        })
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Running::Sha256(hash) => hash.update(bytes),
            Running::Sha512(hash) => hash.update(bytes),
        }
    }

    /// The digest of all that was taken.
    pub fn finish(self) -> Digest {
        match self.0 {
            Running::Sha256(hash) => Digest::from_hash(Algorithm::Sha256, &hash.finalize()),
            Running::Sha512(hash) => Digest::from_hash(Algorithm::Sha512, &hash.finalize()),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_hash_as_the_whole() {
        for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
            let mut hasher = Hasher::new(algorithm);
            hasher.update(b"one");
            hasher.update(b"two");
            assert_eq!(hasher.finish(), Digest::of(algorithm, b"onetwo"));
        }
    }

    #[test]
    fn only_registered_algorithms_with_lower_case_hex_of_full_length_parse() {
        let good = Digest::sha256(b"x");
        assert_eq!(Digest::parse(good.as_str()).unwrap(), good);
        let long = Digest::of(Algorithm::Sha512, b"x");
        assert_eq!(
            Digest::parse(long.as_str()).unwrap().algorithm(),
            Algorithm::Sha512
        );
        let upper = good.as_str().to_uppercase();
        for bad in [
            "",
            "sha256",
            "sha256:",
            "sha256:abc",
            "md5:00",
            upper.as_str(),
            "sha256:../../etc",
        ] {
            assert!(Digest::parse(bad).is_err(), "{bad}");
        }
    }
}
