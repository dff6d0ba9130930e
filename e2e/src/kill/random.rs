//! Choices that a seed decides. The same seed, cycle and client make the same choices, whatever the timing.

/// A generator (SplitMix64): small, and good enough for choosing.
#[derive(Clone)]
pub(super) struct Random(u64);

impl Random {
    /// The choices of one client (or of the run itself) in one cycle.
    pub(super) fn of(seed: u64, cycle: u64, who: u64) -> Self {
        let mut mixed = Self(seed);
        for part in [cycle, who] {
            mixed.0 = mixed.next() ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        mixed
    }

    /// Choices apart from these.
    pub(super) fn split(&mut self) -> Self {
        Self(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is at least 1.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// A place in a list of that length.
    pub(super) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    /// Happens that many times in a hundred.
    pub(super) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_means_the_same_choices() {
        let choices = |seed, cycle, who| {
            let mut random = Random::of(seed, cycle, who);
            (0..8).map(|_| random.below(1_000)).collect::<Vec<_>>()
        };
        assert_eq!(choices(1, 2, 3), choices(1, 2, 3));
        for other in [choices(2, 2, 3), choices(1, 3, 3), choices(1, 2, 4)] {
            assert_ne!(choices(1, 2, 3), other);
        }
    }
}
