//! Rows that were read before and still hold.
//!
//! The store counts its commits, those of other processes included, and what was read stands while the count does: no
//! entry is ever older than the last acknowledged change. While a commit is under way there may be no count, so that
//! nobody is served what it replaces after somebody has seen it. Where the store cannot count, nothing is remembered.

#[cfg(test)]
#[cfg(feature = "models")]
mod model_tests;

use std::collections::HashMap;
use std::hash::Hash;

#[cfg(feature = "models")]
use ecru_ports::modelled::Mutex;
#[cfg(not(feature = "models"))]
use parking_lot::Mutex;

/// A bounded map that forgets everything when the store changes, or when it is full.
pub(crate) struct Remembered<K, V> {
    limit: usize,
    inner: Mutex<Inner<K, V>>,
}

struct Inner<K, V> {
    generation: u64,
    weight: usize,
    entries: HashMap<K, V>,
}

impl<K: Hash + Eq, V: Clone> Remembered<K, V> {
    /// Keeps entries up to a total weight of `limit`.
    pub(crate) fn new(limit: usize) -> Self {
        let inner = Inner {
            generation: 0,
            weight: 0,
            entries: HashMap::new(),
        };
        Self {
            limit,
            inner: Mutex::new(inner),
        }
    }

    /// What was read under `key` at this generation.
    pub(crate) fn get(&self, generation: Option<u64>, key: &K) -> Option<V> {
        let generation = generation?;
        let inner = self.inner.lock();
        if inner.generation == generation {
            inner.entries.get(key).cloned()
        } else {
            None
        }
    }

    /// Remembers what was read. `generation` must have been taken before the read.
    pub(crate) fn put(&self, generation: Option<u64>, key: K, value: V, weight: usize) {
        let Some(generation) = generation else { return };
        let mut inner = self.inner.lock();
        if generation < inner.generation || weight > self.limit {
            return;
        }
        if generation > inner.generation || inner.weight + weight > self.limit {
            inner.entries.clear();
            inner.weight = 0;
            inner.generation = generation;
        }
        if inner.entries.insert(key, value).is_none() {
            inner.weight += weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_hold_for_their_generation_only() {
        let remembered = Remembered::new(10);
        remembered.put(Some(1), "key", "old", 1);
        assert_eq!(remembered.get(Some(1), &"key"), Some("old"));
        assert_eq!(remembered.get(Some(2), &"key"), None);
        remembered.put(Some(2), "key", "new", 1);
        remembered.put(Some(1), "key", "late", 1);
        assert_eq!(
            remembered.get(Some(2), &"key"),
            Some("new"),
            "a read from before a change is not kept"
        );
        assert_eq!(remembered.get(None, &"key"), None);
        remembered.put(None, "other", "x", 1);
        assert_eq!(remembered.get(Some(2), &"other"), None);
    }

    #[test]
    fn the_weight_is_bounded() {
        let remembered = Remembered::new(10);
        for number in 0..100 {
            remembered.put(Some(1), number, number, 3);
        }
        assert!(remembered.inner.lock().entries.len() <= 3);
        remembered.put(Some(1), 1_000, 0, 11);
        assert_eq!(remembered.get(Some(1), &1_000), None);
    }
}
