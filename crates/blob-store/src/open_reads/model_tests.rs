//! Reads that begin and end under many interleavings.

use std::sync::Arc;

use ecru_ports::modelled::{check, thread};

use super::*;

#[test]
fn an_object_is_in_use_from_its_first_read_to_the_end_of_its_last() {
    check(|| {
        let reads = Arc::new(OpenReads::default());
        let object = ObjectId::parse("00112233445566778899aabbccddeeff").unwrap();
        let readers = [1, 2, 2].map(|count| {
            let (reads, object) = (Arc::clone(&reads), object.clone());
            thread::spawn(move || {
                for _ in 0..count {
                    let reading = reads.begin(&object);
                    assert!(reads.contains(&object));
                    drop(reading);
                }
            })
        });
        for reader in readers {
            reader.join().unwrap();
        }
        assert!(reads.counts.lock().is_empty());
    });
}
