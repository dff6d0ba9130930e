//! What every blob store must do, whatever holds its bytes.
//!
//! An adapter's test calls [`blob_suite`] with a function that opens the same storage again, as another
//! process would. Adapters add what only they can show: altered files, power loss, full disks.
#![expect(
    clippy::unwrap_used,
    reason = "a broken contract fails the test by panicking"
)]

mod keeping;
mod objects;
mod refusals;

use bytes::Bytes;
use ecru_domain::{Algorithm, Digest};
use futures_util::future;

use crate::blobs::{BlobStore, FRAME, WriteProgress};
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
    refusals::foreign_keys_and_ids_do_not_open(&store).await;
    refusals::rows_that_do_not_fit_are_corrupt(&store).await;
    refusals::states_that_do_not_fit_are_corrupt(&store).await;
    keeping::bytes_in_use_are_not_removed(&store).await;
    keeping::quarantined_bytes_are_not_read(&store).await;
    keeping::lists_are_ordered_and_complete(&store).await;
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

    let kept = upload
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
        .writer(&another_process(), Some(&kept))
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
