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
        uuid_text(bytes)
    }

    /// A UUID that sorts by time (version 7, RFC 9562 section 5.7), lower-case. For rows: those made one after the other lie
    /// together in every index, and a commit writes one page for all of them.
    fn ordered_uuid(&self, now: Timestamp) -> String {
        let micros = u64::try_from(now.micros()).unwrap_or_default();
        let (millis, rest) = (micros / 1_000, micros % 1_000);
        // the twelve bits that follow say which part of the millisecond it is, as section 6.2 suggests
        let part = u16::try_from(rest * 4_096 / 1_000).unwrap_or_default();
        let mut bytes = self.random();
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        bytes[6..8].copy_from_slice(&(0x7000 | part).to_be_bytes());
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        uuid_text(bytes)
    }
}

fn uuid_text(bytes: [u8; 16]) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    struct Ones;

    impl Ids for Ones {
        fn random(&self) -> [u8; 16] {
            [0xff; 16]
        }
    }

    #[test]
    fn both_kinds_say_which_version_they_are() {
        let now = Timestamp::from_micros(0x0189_6a5c_1f2b * 1_000 + 500);
        assert_eq!(Ones.uuid(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(
            Ones.ordered_uuid(now),
            "01896a5c-1f2b-7800-bfff-ffffffffffff"
        );
    }

    #[test]
    fn ordered_ones_sort_by_time_to_the_microsecond() {
        let at = |micros| Ones.ordered_uuid(Timestamp::from_micros(micros));
        let times = [0, 1, 999, 1_000, 1_001, 65_535_999, 65_536_000, i64::MAX];
        assert!(times.map(at).is_sorted_by(|before, after| before < after));
        assert_eq!(at(-1), at(0));
    }
}
