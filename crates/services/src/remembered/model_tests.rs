//! Readers that remember, beside a writer, under many interleavings: nobody is served what an acknowledged change
//! has replaced.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ecru_ports::modelled::atomic::AtomicU64;
use ecru_ports::modelled::{Mutex, check, thread};

use super::Remembered;

/// A store as the port promises it: the generation rises before a commit is acknowledged.
struct Store {
    value: Mutex<u64>,
    generation: AtomicU64,
    acknowledged: AtomicU64,
    memory: Remembered<u8, u64>,
}

impl Store {
    fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            value: Mutex::new(0),
            generation: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            memory: Remembered::new(limit),
        })
    }

    fn write(&self, value: u64) {
        *self.value.lock() = value;
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.acknowledged.store(value, Ordering::SeqCst);
    }

    /// As `Store::recall` and `Images::pull` do it.
    fn recall(&self, key: u8) -> u64 {
        let generation = Some(self.generation.load(Ordering::SeqCst));
        if let Some(known) = self.memory.get(generation, &key) {
            return known;
        }
        let found = *self.value.lock();
        self.memory.put(generation, key, found, 1);
        found
    }
}

fn readers_beside_a_writer(limit: usize) {
    let store = Store::new(limit);
    let readers = [0, 0, 1].map(|key| {
        let store = Arc::clone(&store);
        thread::spawn(move || {
            for _ in 0..3 {
                let least = store.acknowledged.load(Ordering::SeqCst);
                let served = store.recall(key);
                assert!(served >= least, "{served} is served after {least}");
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
