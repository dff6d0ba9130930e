//! What every blob store must do, whatever holds its bytes.
//!
//! An adapter's test calls [`blob_suite`] with a function that opens the same storage again, as another
//! process would. Adapters add what only they can show: altered files, power loss, full disks.
#![expect(
    clippy::unwrap_used,
    reason = "a broken contract fails the test by panicking"
)]

mod objects;

use std::sync::Arc;

use bytes::Bytes;
use ecru_domain::{Algorithm, Digest};
use futures_util::{StreamExt as _, future};

use crate::blobs::{
    BlobError, BlobStore, FRAME, ObjectId, Removal, Segment, StoredObject, WriteProgress,
};
use objects::{Upload, content, read, read_all};

const F: u64 = FRAME as u64;

/// Runs the whole suite.
///
/// # Panics
/// Where the contract is broken.
pub async fn blob_suite<S: BlobStore>(another_process: impl Fn() -> S) {
    whole_objects_come_back(&another_process).await;
    uploads_resume_in_another_process(&another_process).await;
    bytes_sent_again_replace_those_never_committed(&another_process).await;
    let store = another_process();
    ranges_are_slices(&store).await;
    segments_are_asked_for_when_needed(&store).await;
    segment_numbers_are_used_once(&store).await;
    foreign_keys_and_ids_do_not_open(&store).await;
    rows_that_do_not_fit_are_corrupt(&store).await;
    states_that_do_not_fit_are_corrupt(&store).await;
    bytes_in_use_are_not_removed(&store).await;
    quarantined_bytes_are_not_read(&store).await;
    lists_are_ordered_and_complete(&store).await;
    many_objects_at_once_do_not_mix(&store).await;
    store.probe().await.unwrap();
}

async fn whole_objects_come_back<S: BlobStore>(another_process: impl Fn() -> S) {
    let sizes = [
        0,
        1,
        63,
        FRAME - 1,
        FRAME,
        FRAME + 1,
        4 * FRAME,
        4 * FRAME + 1,
        11 * FRAME + 7,
        90 * FRAME,
    ];
    for (turn, size) in sizes.into_iter().enumerate() {
        let upload = Upload::new(turn % 2 == 1, turn % 3 == 2);
        let bytes = content(size);
        let (object, digests) = upload.whole(&another_process(), &bytes, 1).await;
        assert_eq!((object.size, &object.id), (size as u64, &upload.object));
        assert_eq!(object.segments.is_empty(), size <= FRAME, "{size}");
        assert_eq!(digests.sha256, Digest::sha256(&bytes), "{size}");
        let sha512 = upload.sha512.then(|| Digest::of(Algorithm::Sha512, &bytes));
        assert_eq!(digests.sha512, sha512, "{size}");
        assert_eq!(
            read_all(&another_process(), &upload, &object)
                .await
                .unwrap(),
            bytes,
            "{size}"
        );
    }
}

async fn ranges_are_slices<S: BlobStore>(store: &S) {
    let bytes = content(14 * FRAME + 100);
    for two_layers in [false, true] {
        let upload = Upload::new(two_layers, false);
        // segments of 8 and 6 frames, and the tail
        let progress = upload.part(store, None, &bytes[..8 * FRAME + 9], 3).await;
        let mut writer = upload.writer(store, Some(&progress)).await.unwrap();
        writer.begin_segment(7);
        writer
            .write(Bytes::copy_from_slice(&bytes[8 * FRAME + 9..]))
            .await
            .unwrap();
        let (object, _) = writer.finish().await.unwrap();
        let numbers: Vec<_> = object
            .segments
            .iter()
            .map(|s| (s.number, s.frames))
            .collect();
        assert_eq!(numbers, [(3, 8), (7, 6)]);
        let edges = [
            0,
            1,
            F - 1,
            F,
            F + 1,
            4 * F,
            8 * F - 1,
            8 * F,
            8 * F + 1,
            14 * F,
            14 * F + 99,
            object.size,
        ];
        for from in edges {
            for to in edges.into_iter().filter(|to| *to >= from) {
                let slice = &bytes[usize::try_from(from).unwrap()..usize::try_from(to).unwrap()];
                assert_eq!(
                    read(store, &upload, &object, from..to).await.unwrap(),
                    slice,
                    "{from}..{to}"
                );
            }
        }
        for outside in [0..object.size + 1, object.size + 1..object.size + 1] {
            assert!(read(store, &upload, &object, outside).await.is_err());
        }
    }
}

async fn uploads_resume_in_another_process<S: BlobStore>(another_process: impl Fn() -> S) {
    let bytes = content(13 * FRAME + 5);
    for (two_layers, sha512) in [(false, false), (true, true)] {
        let upload = Upload::new(two_layers, sha512);
        let stops = [
            0,
            0,
            10,
            10,
            FRAME,
            FRAME + 1,
            6 * FRAME,
            6 * FRAME + 1,
            12 * FRAME + 70,
            bytes.len(),
        ];
        let mut progress: Option<WriteProgress> = None;
        for (turn, ends) in stops.into_iter().enumerate() {
            let begins = progress
                .as_ref()
                .map_or(0, |progress| usize::try_from(progress.offset).unwrap());
            let part = &bytes[begins..ends];
            let next = upload
                .part(&another_process(), progress.as_ref(), part, turn as u64 + 1)
                .await;
            assert_eq!(next.offset, ends as u64);
            progress = Some(next);
        }
        let writer = upload
            .writer(&another_process(), progress.as_ref())
            .await
            .unwrap();
        assert_eq!(writer.offset(), bytes.len() as u64);
        let (object, digests) = writer.finish().await.unwrap();
        assert_eq!(digests.sha256, Digest::sha256(&bytes));
        assert_eq!(
            digests.sha512,
            sha512.then(|| Digest::of(Algorithm::Sha512, &bytes))
        );
        assert_eq!(
            read_all(&another_process(), &upload, &object)
                .await
                .unwrap(),
            bytes
        );
    }
}

async fn bytes_sent_again_replace_those_never_committed<S: BlobStore>(
    another_process: impl Fn() -> S,
) {
    let upload = Upload::new(false, false);
    let bytes = content(20 * FRAME);
    let committed = upload
        .part(&another_process(), None, &bytes[..3 * FRAME + 8], 1)
        .await;
    // other bytes after the same point: one request was cut off, one lost its commit, one raced
    let lost = vec![0xaa; 9 * FRAME];
    let mut cut_off = upload
        .writer(&another_process(), Some(&committed))
        .await
        .unwrap();
    cut_off.begin_segment(2);
    cut_off.write(Bytes::from(lost.clone())).await.unwrap();
    drop(cut_off);
    upload
        .part(&another_process(), Some(&committed), &lost, 3)
        .await;
    let mut raced = upload
        .writer(&another_process(), Some(&committed))
        .await
        .unwrap();
    raced.begin_segment(4);
    raced.write(Bytes::from(lost.clone())).await.unwrap();

    let last = upload
        .part(
            &another_process(),
            Some(&committed),
            &bytes[3 * FRAME + 8..],
            5,
        )
        .await;
    raced.write(Bytes::from(lost)).await.unwrap();
    raced.suspend().await.unwrap();
    let writer = upload
        .writer(&another_process(), Some(&last))
        .await
        .unwrap();
    let (object, digests) = writer.finish().await.unwrap();
    assert_eq!(digests.sha256, Digest::sha256(&bytes));
    assert_eq!(
        read_all(&another_process(), &upload, &object)
            .await
            .unwrap(),
        bytes
    );
}

async fn segments_are_asked_for_when_needed<S: BlobStore>(store: &S) {
    let upload = Upload::new(false, false);
    let mut writer = upload.writer(store, None).await.unwrap();
    assert!(!writer.needs_segment(FRAME));
    assert!(writer.needs_segment(FRAME + 1));
    writer.write(content(FRAME).into()).await.unwrap();
    assert!(!writer.needs_segment(0));
    assert!(writer.needs_segment(1));
    assert!(
        writer.write(content(1).into()).await.is_err(),
        "written without a segment"
    );

    let progress = upload.part(store, None, &content(FRAME), 1).await;
    assert_eq!(progress.segments, []);
    let mut writer = upload.writer(store, Some(&progress)).await.unwrap();
    assert!(writer.needs_segment(1));
    writer.begin_segment(2);
    assert!(!writer.needs_segment(usize::MAX));
    let (object, _) = writer.finish().await.unwrap();
    assert_eq!(
        object.segments,
        [],
        "nothing was written to the segment begun"
    );
}

async fn segment_numbers_are_used_once<S: BlobStore>(store: &S) {
    let upload = Upload::new(false, false);
    let bytes = content(3 * FRAME);
    let progress = upload.part(store, None, &bytes, 2).await;
    for (progress, used) in [(None, 2), (Some(&progress), 2), (Some(&progress), 1)] {
        let mut writer = upload.writer(store, progress).await.unwrap();
        writer.begin_segment(used);
        let written = writer.write(bytes.clone().into()).await;
        let suspended = writer.suspend().await;
        assert!(
            written.is_err() || suspended.is_err(),
            "segment {used} was written again"
        );
    }
    let writer = upload.writer(store, Some(&progress)).await.unwrap();
    let (object, _) = writer.finish().await.unwrap();
    assert_eq!(read_all(store, &upload, &object).await.unwrap(), bytes);
}

async fn foreign_keys_and_ids_do_not_open<S: BlobStore>(store: &S) {
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

async fn rows_that_do_not_fit_are_corrupt<S: BlobStore>(store: &S) {
    let upload = Upload::new(false, false);
    let bytes = content(9 * FRAME + 30);
    let progress = upload.part(store, None, &bytes[..4 * FRAME + 1], 1).await;
    let progress = upload
        .part(store, Some(&progress), &bytes[4 * FRAME + 1..], 2)
        .await;
    let (object, _) = upload
        .writer(store, Some(&progress))
        .await
        .unwrap()
        .finish()
        .await
        .unwrap();
    let segments = |list: &[(u64, u64)]| -> Vec<Segment> {
        list.iter()
            .map(|&(number, frames)| Segment { number, frames })
            .collect()
    };
    assert_eq!(object.segments, segments(&[(1, 4), (2, 5)]));
    let tampered = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut tail = object.tail.clone();
        change(&mut tail);
        StoredObject {
            tail,
            ..object.clone()
        }
    };
    let rows = [
        StoredObject {
            size: object.size - 1,
            ..object.clone()
        },
        StoredObject {
            size: object.size + 1,
            ..object.clone()
        },
        StoredObject {
            size: 5 * F + 30,
            segments: segments(&[(2, 5)]),
            ..object.clone()
        },
        StoredObject {
            size: 4 * F + 30,
            segments: segments(&[(1, 4)]),
            ..object.clone()
        },
        StoredObject {
            segments: segments(&[(2, 5), (1, 4)]),
            ..object.clone()
        },
        StoredObject {
            segments: segments(&[(1, 5), (2, 4)]),
            ..object.clone()
        },
        StoredObject {
            size: 13 * F + 30,
            segments: segments(&[(1, 4), (1, 4), (2, 5)]),
            ..object.clone()
        },
        StoredObject {
            size: 8 * F + 30,
            segments: segments(&[(1, 4), (2, 4)]),
            ..object.clone()
        },
        tampered(&|tail| tail[0] ^= 1),
        tampered(&|tail| tail[20] ^= 1),
        tampered(&|tail| *tail.last_mut().unwrap() ^= 1),
        tampered(&|tail| tail.truncate(tail.len() - 1)),
        tampered(&Vec::clear),
        tampered(&|tail| tail.push(0)),
    ];
    for row in rows {
        expect_corrupt(store, &upload, &row).await;
    }
    assert_eq!(read_all(store, &upload, &object).await.unwrap(), bytes);
}

/// What is read before the corruption shows must be verified bytes, and nothing may follow the error.
async fn expect_corrupt<S: BlobStore>(store: &S, upload: &Upload, object: &StoredObject) {
    let outcome = read_all(store, upload, object).await;
    assert!(
        matches!(outcome, Err(BlobError::Corrupt)),
        "{:?}",
        outcome.map(|bytes| bytes.len())
    );
}

async fn states_that_do_not_fit_are_corrupt<S: BlobStore>(store: &S) {
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

async fn bytes_in_use_are_not_removed<S: BlobStore>(store: &S) {
    let upload = Upload::new(false, false);
    let bytes = content(40 * FRAME);
    let progress = upload.part(store, None, &bytes[..FRAME * 2], 1).await;
    let progress = upload
        .part(store, Some(&progress), &bytes[FRAME * 2..], 400)
        .await;
    let (object, _) = upload
        .writer(store, Some(&progress))
        .await
        .unwrap()
        .finish()
        .await
        .unwrap();
    let (shared, key) = (Arc::new(object.clone()), Arc::new(upload.key.clone()));
    let mut stream = store.read(shared, key, 0..object.size).await.unwrap();
    let mut got = stream.next().await.unwrap().unwrap().to_vec();
    assert_eq!(store.remove(&object.id, 400).await.unwrap(), Removal::InUse);
    while let Some(piece) = stream.next().await {
        got.extend_from_slice(&piece.unwrap());
    }
    assert_eq!(got, bytes);
    drop(stream);
    for _again in 0..2 {
        assert_eq!(store.remove(&object.id, 400).await.unwrap(), Removal::Done);
    }
    assert!(matches!(
        read_all(store, &upload, &object).await,
        Err(BlobError::Missing)
    ));
    let never = Upload::new(false, false).object;
    assert_eq!(store.remove(&never, 3).await.unwrap(), Removal::Done);
}

async fn quarantined_bytes_are_not_read<S: BlobStore>(store: &S) {
    let upload = Upload::new(false, false);
    let (object, _) = upload.whole(store, &content(3 * FRAME), 1).await;
    for _again in 0..2 {
        store.quarantine(&object.id, 1).await.unwrap();
    }
    assert!(matches!(
        read_all(store, &upload, &object).await,
        Err(BlobError::Missing)
    ));
    assert!(listed(store, &[&upload]).await.is_empty());
}

async fn lists_are_ordered_and_complete<S: BlobStore>(store: &S) {
    let mut uploads: Vec<Upload> = (0..5).map(|_| Upload::new(false, false)).collect();
    uploads.sort_by(|one, other| one.object.cmp(&other.object));
    let mut wanted = Vec::new();
    for upload in &uploads {
        let progress = upload.part(store, None, &content(2 * FRAME + 1), 9).await;
        let progress = upload
            .part(store, Some(&progress), &content(FRAME), 10)
            .await;
        upload
            .writer(store, Some(&progress))
            .await
            .unwrap()
            .finish()
            .await
            .unwrap();
        wanted.extend([(upload.object.clone(), 9), (upload.object.clone(), 10)]);
    }
    assert_eq!(
        listed(store, &uploads.iter().collect::<Vec<_>>()).await,
        wanted
    );
    assert_eq!(store.list(None, 0).await.unwrap(), []);
}

/// The listed segments of these uploads, gathered page by page.
async fn listed<S: BlobStore>(store: &S, uploads: &[&Upload]) -> Vec<(ObjectId, u64)> {
    let (mut all, mut after) = (Vec::new(), None::<ObjectId>);
    loop {
        let page = store.list(after.as_ref(), 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.object.clone());
        assert!(page.iter().all(|found| found.stored_bytes > 0));
        all.extend(page.into_iter().map(|found| (found.object, found.number)));
    }
    assert!(all.is_sorted(), "out of order");
    all.retain(|(object, _)| uploads.iter().any(|upload| upload.object == *object));
    all
}

async fn many_objects_at_once_do_not_mix<S: BlobStore>(store: &S) {
    let transfers = (0..24).map(|turn| async move {
        let upload = Upload::new(turn % 4 == 0, false);
        let bytes = content(turn * FRAME / 2 + turn);
        let (object, _) = upload.whole(store, &bytes, 1).await;
        assert_eq!(
            read_all(store, &upload, &object).await.unwrap(),
            bytes,
            "{turn}"
        );
    });
    future::join_all(transfers).await;
}
