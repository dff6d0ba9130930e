//! Buffers that are taken and given back under many interleavings.

use std::sync::Arc;

use ecru_ports::modelled::{check, thread};

use super::*;

#[test]
fn a_buffer_has_one_holder_and_all_are_counted() {
    check(|| {
        let pool = Arc::new(Pool::default());
        let holders = [1_u8, 2, 3].map(|mark| {
            let pool = Arc::clone(&pool);
            thread::spawn(move || {
                for _ in 0..2 {
                    let mut buffer = pool.take();
                    buffer.first_mut(8).fill(mark);
                    thread::yield_now();
                    assert_eq!(buffer.first_mut(8), [mark; 8]);
                    drop(pool.hold_if_plenty());
                }
            })
        });
        for holder in holders {
            holder.join().unwrap();
        }
        assert_eq!(pool.in_use.load(Ordering::Relaxed), 0);
        assert!(pool.unused.lock().len() <= 6);
    });
}
