//! How much is moved: the sizes of the numbers to hold, or small ones for a smoke test.

/// Sizes in bytes, counts, and seconds.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    /// Bytes of a large layer.
    pub(crate) large: u64,
    /// Bytes of a usual layer.
    pub(crate) medium: u64,
    /// Layers of the usual size pushed in a row.
    pub(crate) medium_pushes: u64,
    /// Most blobs of 4 KiB pushed in a row.
    pub(crate) small_pushes: u64,
    /// Seconds of a row that is bounded by time.
    pub(crate) seconds: u64,
    /// Tags of the repository whose list is read.
    pub(crate) tags: u64,
    /// Concurrent large transfers while memory is watched.
    pub(crate) transfers: usize,
    /// Seconds for which those transfers are let run.
    pub(crate) transfer_seconds: u64,
}

impl Scale {
    /// The sizes of the numbers to hold.
    pub(crate) fn full() -> Self {
        Self {
            large: 1 << 30,
            medium: 64 << 20,
            medium_pushes: 8,
            small_pushes: 40_000,
            seconds: 4,
            tags: 10_000,
            transfers: 64,
            transfer_seconds: 15,
        }
    }

    /// Sizes of a smoke test.
    pub(crate) fn quick() -> Self {
        Self {
            large: 32 << 20,
            medium: 4 << 20,
            medium_pushes: 8,
            small_pushes: 10_000,
            seconds: 1,
            tags: 200,
            transfers: 8,
            transfer_seconds: 1,
        }
    }
}

/// Writes a size in the largest binary unit that fits: `1 GiB`, `64 MiB`, `4 KiB`.
pub(crate) fn spoken(size: u64) -> String {
    match size {
        0..0x400 => format!("{size} B"),
        0x400..0x10_0000 => format!("{} KiB", size >> 10),
        0x10_0000..0x4000_0000 => format!("{} MiB", size >> 20),
        _ => format!("{} GiB", size >> 30),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_spoken_in_binary_units() {
        let cases = [
            (100, "100 B"),
            (4096, "4 KiB"),
            (64 << 20, "64 MiB"),
            (1 << 30, "1 GiB"),
        ];
        for (size, wanted) in cases {
            assert_eq!(spoken(size), wanted);
        }
    }
}
