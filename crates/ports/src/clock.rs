//! Time and identifiers: drawn here and nowhere else, so that a test decides them.

use ecru_domain::Timestamp;

/// The time.
pub trait Clock: Send + Sync {
    /// Now, by the wall clock.
    fn now(&self) -> Timestamp;
}

/// Fresh identifiers from the cryptographic random source.
pub trait Ids: Send + Sync {
    /// 16 random bytes.
    fn random(&self) -> [u8; 16];

    /// A random UUID (version 4), lower-case.
    fn uuid(&self) -> String {
        let mut bytes = self.random();
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let number = u128::from_be_bytes(bytes);
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            number >> 96,
            (number >> 80) & 0xffff,
            (number >> 64) & 0xffff,
            (number >> 48) & 0xffff,
            number & 0xffff_ffff_ffff
        )
    }
}
