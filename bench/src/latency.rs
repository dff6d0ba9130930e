//! Percentiles of request times.

/// Times of the successful requests of a run, in microseconds.
#[derive(Default)]
pub(crate) struct Latencies {
    sorted: Vec<u32>,
}

impl Latencies {
    /// Takes times in any order.
    pub(crate) fn from_micros(mut micros: Vec<u32>) -> Self {
        micros.sort_unstable();
        Self { sorted: micros }
    }

    /// Number of requests.
    pub(crate) fn count(&self) -> u64 {
        self.sorted.len() as u64
    }

    /// Time, in milliseconds, that `per_mille` of a thousand requests did not exceed: the entry
    /// at position `count * per_mille / 1000` of the sorted times, at most the last. 0 without
    /// requests.
    pub(crate) fn percentile_ms(&self, per_mille: usize) -> f64 {
        let position = self.sorted.len() * per_mille / 1000;
        let last = self.sorted.len().saturating_sub(1);
        let micros = self.sorted.get(position.min(last)).copied().unwrap_or(0);
        f64::from(micros) / 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_entries_of_the_sorted_times() {
        let hundred: Vec<u32> = (1..=100).rev().map(|n| n * 1000).collect();
        let cases: [(&[u32], usize, f64); 9] = [
            (&[], 500, 0.0),
            (&[7000], 0, 7.0),
            (&[7000], 500, 7.0),
            (&[7000], 1000, 7.0),
            (&[1000, 3000], 500, 3.0),
            (&hundred, 500, 51.0),
            (&hundred, 900, 91.0),
            (&hundred, 990, 100.0),
            (&hundred, 1000, 100.0),
        ];
        for (micros, per_mille, wanted) in cases {
            let latencies = Latencies::from_micros(micros.to_vec());
            let found = latencies.percentile_ms(per_mille);
            assert!((found - wanted).abs() < 1e-9, "{per_mille}: {found}");
        }
    }

    #[test]
    fn one_slow_request_in_a_hundred_shows_in_p99_not_p90() {
        let mut micros = vec![1000; 99];
        micros.push(50_000);
        let latencies = Latencies::from_micros(micros);
        assert!(latencies.percentile_ms(900) < 2.0);
        assert!(latencies.percentile_ms(990) > 49.0);
    }
}
