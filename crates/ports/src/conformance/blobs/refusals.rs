//! What does not belong together does not open.

use super::objects::{Upload, content, read_all};
use crate::blobs::{BlobError, BlobStore, FRAME, Segment, StoredObject, WriteProgress};

const F: u64 = FRAME as u64;

pub(super) async fn foreign_keys_and_ids_do_not_open<S: BlobStore>(store: &S) {
    for size in [0, 10, 5 * FRAME] {
        let (upload, other) = (Upload::new(true, false), Upload::new(true, false));
        let (object, _) = upload.whole(store, &content(size), 1).await;
        let keys = [&upload.key, &other.key];
        for (inner, outer) in [(0, 1), (1, 0), (1, 1)] {
            let mut stranger = upload.clone();
            stranger.key.inner = keys[inner].inner.clone();
            stranger.key.outer.clone_from(&keys[outer].outer);
            expect_corrupt(store, &stranger, &object).await;
        }
        let mut one_layer = upload.clone();
        one_layer.key.outer = None;
        expect_corrupt(store, &one_layer, &object).await;
        let renamed = StoredObject {
            id: other.object.clone(),
            segments: vec![],
            ..object.clone()
        };
        expect_corrupt(store, &upload, &renamed).await;
        let missing = StoredObject {
            id: other.object,
            ..object
        };
        if size > FRAME {
            assert!(matches!(
                read_all(store, &upload, &missing).await,
                Err(BlobError::Missing)
            ));
        }
    }
}

pub(super) async fn rows_that_do_not_fit_are_corrupt<S: BlobStore>(store: &S) {
    let upload = Upload::new(false, false);
    let bytes = content(9 * FRAME + 30);
    let progress = upload.part(store, None, &bytes[..4 * FRAME + 2], 1).await;
    let progress = upload
        .part(store, Some(&progress), &bytes[4 * FRAME + 2..], 2)
        .await;
    let (object, _) = upload
        .writer(store, Some(&progress))
        .await
        .unwrap()
        .finish()
        .await
        .unwrap();
    assert_eq!(object.segments, segments(&[(1, 4), (2, 5)]));
    let lists: [(&[(u64, u64)], u64); 9] = [
        (&[(1, 4), (2, 5)], 9 * F + 29),
        (&[(1, 4), (2, 5)], 9 * F + 31),
        (&[(2, 5)], 5 * F + 30),
        (&[(1, 4)], 4 * F + 30),
        (&[(2, 5), (1, 4)], 9 * F + 30),
        (&[(1, 5), (2, 4)], 9 * F + 30),
        (&[(1, 4), (1, 4), (2, 5)], 13 * F + 30),
        (&[(1, 4), (2, 4)], 8 * F + 30),
        (&[], 30),
    ];
    for (list, size) in lists {
        let row = StoredObject {
            segments: segments(list),
            size,
            ..object.clone()
        };
        expect_corrupt(store, &upload, &row).await;
    }
    let changes: [fn(&mut Vec<u8>); 6] = [
        |tail| tail[0] ^= 1,
        |tail| tail[20] ^= 1,
        |tail| *tail.last_mut().unwrap() ^= 1,
        |tail| tail.truncate(tail.len() - 1),
        Vec::clear,
        |tail| tail.push(0),
    ];
    for change in changes {
        let mut row = object.clone();
        change(&mut row.tail);
        expect_corrupt(store, &upload, &row).await;
    }
    assert_eq!(read_all(store, &upload, &object).await.unwrap(), bytes);
}

fn segments(list: &[(u64, u64)]) -> Vec<Segment> {
    list.iter()
        .map(|&(number, frames)| Segment { number, frames })
        .collect()
}

async fn expect_corrupt<S: BlobStore>(store: &S, upload: &Upload, object: &StoredObject) {
    let outcome = read_all(store, upload, object).await;
    assert!(
        matches!(outcome, Err(BlobError::Corrupt)),
        "{:?}",
        outcome.map(|bytes| bytes.len())
    );
}

pub(super) async fn states_that_do_not_fit_are_corrupt<S: BlobStore>(store: &S) {
    let (upload, other) = (Upload::new(false, false), Upload::new(false, false));
    let progress = upload.part(store, None, &content(2 * FRAME + 9), 1).await;
    let with = |change: &dyn Fn(&mut WriteProgress)| {
        let mut changed = progress.clone();
        change(&mut changed);
        changed
    };
    let changed = [
        with(&|p| p.offset -= 1),
        with(&|p| p.segments.clear()),
        with(&|p| p.segments[0].number = 2),
        with(&|p| p.segments[0].frames = 1),
        with(&|p| p.sealed_state[0] ^= 1),
        with(&|p| *p.sealed_state.last_mut().unwrap() ^= 1),
        with(&|p| p.sealed_state.clear()),
    ];
    for state in changed {
        assert!(
            matches!(
                upload.writer(store, Some(&state)).await,
                Err(BlobError::Corrupt)
            ),
            "{state:?}"
        );
    }
    let strangers = [
        Upload {
            object: other.object,
            ..upload.clone()
        },
        Upload {
            key: other.key,
            ..upload.clone()
        },
        Upload {
            sha512: true,
            ..upload.clone()
        },
    ];
    for stranger in strangers {
        assert!(matches!(
            stranger.writer(store, Some(&progress)).await,
            Err(BlobError::Corrupt)
        ));
    }
    upload.writer(store, Some(&progress)).await.unwrap();
}
