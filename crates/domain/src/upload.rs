//! Uploads of layers: identity, limits, and the rule that parts follow each other.

use crate::account::print_as_text;
use crate::invalid::Invalid;

/// Names an upload: a UUID (8-4-4-4-12 hexadecimal digits).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UploadId(String);

impl UploadId {
    /// Reads a UUID; upper-case digits are folded.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let groups: Vec<&str> = text.split('-').collect();
        let lengths = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]);
        if lengths && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(Invalid::new("upload id", text))
        }
    }

    /// The UUID.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

print_as_text!(UploadId);

/// The part size that `InitiateLayerUpload` recommends, in bytes.
pub const PART_SIZE: u64 = 10 * 1024 * 1024;
/// The least size of every API part but the last, in bytes. Checked when the upload is completed.
pub const MIN_PART_SIZE: u64 = 5 * 1024 * 1024;
/// The most bytes of one API part.
pub const MAX_PART_SIZE: u64 = 20 * 1024 * 1024;
/// The most parts of one upload.
pub const MAX_PARTS: u64 = 4_200;
/// The most runs of frames that an unfinished upload is made of. A chunk over `/v2/` adds one when it fills a frame of
/// 64 KiB; the largest layer in chunks of 5.2 MiB stays below.
pub const MAX_SEGMENTS: usize = 10_000;
/// The most bytes of one layer.
pub const MAX_LAYER_SIZE: u64 = 52_000 * 1024 * 1024;

/// Where a part says it belongs: inclusive byte positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartRange {
    /// Its first byte.
    pub first: u64,
    /// Its last byte.
    pub last: u64,
}

/// Why a part is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartProblem {
    /// It does not begin where the upload ends.
    OutOfOrder,
    /// The positions and the number of bytes disagree.
    WrongLength,
}

/// Whether a part of `length` bytes at `range` follows an upload of which `received` bytes are there.
pub fn decide_part(received: u64, range: PartRange, length: u64) -> Result<(), PartProblem> {
    if range.first != received {
        return Err(PartProblem::OutOfOrder);
    }
    let announced = range
        .last
        .checked_sub(range.first)
        .and_then(|span| span.checked_add(1));
    if announced == Some(length) {
        Ok(())
    } else {
        Err(PartProblem::WrongLength)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_strictly_sequential_with_inclusive_positions() {
        let range = |first, last| PartRange { first, last };
        assert_eq!(decide_part(0, range(0, 9), 10), Ok(()));
        assert_eq!(decide_part(10, range(10, 10), 1), Ok(()));
        assert_eq!(
            decide_part(10, range(0, 9), 10),
            Err(PartProblem::OutOfOrder)
        );
        assert_eq!(
            decide_part(10, range(11, 12), 2),
            Err(PartProblem::OutOfOrder)
        );
        assert_eq!(
            decide_part(0, range(0, 9), 9),
            Err(PartProblem::WrongLength)
        );
        assert_eq!(
            decide_part(5, range(5, 3), 0),
            Err(PartProblem::WrongLength)
        );
        assert_eq!(
            decide_part(0, range(0, u64::MAX), 0),
            Err(PartProblem::WrongLength)
        );
    }

    #[test]
    fn upload_ids_are_uuids() {
        assert!(UploadId::parse("01234567-89ab-cdef-0123-456789ABCDEF").is_ok());
        for bad in [
            "",
            "0123456789abcdef0123456789abcdef",
            "../../../../../../../../../../../../etc",
            "0123456-789ab-cdef-0123-456789abcdef",
        ] {
            assert!(UploadId::parse(bad).is_err());
        }
    }
}
