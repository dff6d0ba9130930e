//! Readers that remember, beside a writer and readers that do not, under many interleavings: nobody is served what an
//! acknowledged change has replaced, or one that somebody has seen.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ecru_ports::modelled::atomic::AtomicU64;
use ecru_ports::modelled::{Mutex, check, thread};

use super::Remembered;

/// A store as the port promises it: the generation rises before a commit is acknowledged, and there is none while a
/// commit is under way.
struct Store {
    value: Mutex<u64>,
    /// Odd while a commit is under way.
    turns: AtomicU64,
    /// The latest value that was acknowledged or seen.
    known: AtomicU64,
    memory: Remembered<u8, u64>,
}

impl Store {
    fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            value: Mutex::new(0),
            turns: AtomicU64::new(0),
            known: AtomicU64::new(0),
            memory: Remembered::new(limit),
        })
    }

    fn write(&self, value: u64) {
        self.turns.fetch_add(1, Ordering::SeqCst);
        *self.value.lock() = value;
        self.turns.fetch_add(1, Ordering::SeqCst);
        self.known.fetch_max(value, Ordering::SeqCst);
    }

    /// As `Store::recall` and `Images::pull` do it.
    fn recall(&self, key: u8) -> u64 {
        let turns = self.turns.load(Ordering::SeqCst);
        let generation = turns.is_multiple_of(2).then_some(turns);
        if let Some(known) = self.memory.get(generation, &key) {
            return known;
        }
        let found = *self.value.lock();
        self.memory.put(generation, key, found, 1);
        found
    }

    fn look(&self, read: impl FnOnce(&Self) -> u64) {
        let least = self.known.load(Ordering::SeqCst);
        let served = read(self);
        assert!(served >= least, "{served} is served after {least}");
        self.known.fetch_max(served, Ordering::SeqCst);
    }
}

fn readers_beside_a_writer(limit: usize) {
    let store = Store::new(limit);
    let readers = [Some(0), Some(0), Some(1), None].map(|key| {
        let store = Arc::clone(&store);
        thread::spawn(move || {
            for _ in 0..3 {
                store.look(|store| match key {
                    Some(key) => store.recall(key),
                    None => *store.value.lock(),
                });
            }
        })
    });
    for value in 1..=3 {
        store.write(value);
    }
    for reader in readers {
        reader.join().unwrap();
    }
}

#[test]
fn a_value_is_not_served_after_the_change_that_replaced_it() {
    check(|| readers_beside_a_writer(10));
}

#[test]
fn nor_where_the_memory_is_full_all_the_time() {
    check(|| readers_beside_a_writer(1));
}
