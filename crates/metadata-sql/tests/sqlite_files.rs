//! The files of an embedded store belong to it: whether they are still the ones that were opened.

use std::fs;

use ecru_domain::Timestamp;
use ecru_metadata_sql::SqliteMetadata;
use ecru_ports::Clock;
use ecru_ports::metadata::MetadataEngine as _;

struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_000)
    }
}

#[tokio::test]
async fn a_store_whose_files_are_gone_or_others_is_not_ready() {
    let place = tempfile::tempdir().unwrap();
    let (path, aside) = (place.path().join("m.sqlite"), place.path().join("aside"));
    let store = SqliteMetadata::open(&path, &StoppedClock).unwrap();
    store.probe().await.unwrap();
    for name in ["m.sqlite", "m.sqlite-wal"] {
        let file = place.path().join(name);
        fs::rename(&file, &aside).unwrap();
        assert!(store.probe().await.is_err(), "{name} is gone");
        fs::copy(&aside, &file).unwrap();
        assert!(store.probe().await.is_err(), "{name} is another file");
        fs::rename(&aside, &file).unwrap();
        store.probe().await.unwrap();
    }
}
