//! What happens when storage fails or is slow: shown with segments rigged to do so.

use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use ecru_ports::SecretKey;
use ecru_ports::blobs::{
    BlobError, BlobStore as _, DataKey, FRAME, FoundSegment, ObjectId, ObjectWriter,
};
use ecru_ports::conformance::blobs::blob_suite;

use crate::EncryptedBlobs;
use crate::cipher::AesGcm;
use crate::s3_shaped::{Bucket, PartSink, S3ShapedMemory};
use crate::segments::{SegmentName, SegmentSink, SegmentSource, SegmentStore};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Create,
    Append,
    Finish,
    Panic,
}

/// Segments in memory that fail as told and never have anything resident.
struct Rigged {
    inner: S3ShapedMemory,
    fault: Option<(Fault, io::ErrorKind)>,
    finished: Arc<AtomicUsize>,
}

struct RiggedSink {
    inner: PartSink,
    fault: Option<(Fault, io::ErrorKind)>,
    finished: Arc<AtomicUsize>,
}

struct NeverResident(Bytes);

fn fails(fault: Option<(Fault, io::ErrorKind)>, here: Fault) -> io::Result<()> {
    match fault {
        Some((fault, kind)) if fault == here => Err(kind.into()),
        _ => Ok(()),
    }
}

impl SegmentStore for Rigged {
    type Sink = RiggedSink;
    type Source = NeverResident;

    fn create(&self, name: &SegmentName) -> io::Result<RiggedSink> {
        fails(self.fault, Fault::Create)?;
        let inner = self.inner.create(name)?;
        Ok(RiggedSink {
            inner,
            fault: self.fault,
            finished: Arc::clone(&self.finished),
        })
    }

    fn open(&self, name: &SegmentName) -> io::Result<NeverResident> {
        self.inner.open(name).map(NeverResident)
    }

    fn remove(&self, object: &ObjectId, numbers: RangeInclusive<u64>) -> io::Result<()> {
        self.inner.remove(object, numbers)
    }

    fn quarantine(&self, object: &ObjectId, numbers: RangeInclusive<u64>) -> io::Result<bool> {
        self.inner.quarantine(object, numbers)
    }

    fn list(&self, after: Option<&ObjectId>, limit: usize) -> io::Result<Vec<FoundSegment>> {
        self.inner.list(after, limit)
    }

    fn probe(&self) -> io::Result<()> {
        self.inner.probe()
    }
}

impl SegmentSink for RiggedSink {
    fn append(&mut self, sealed: &[u8]) -> io::Result<()> {
        fails(self.fault, Fault::Append)?;
        assert!(fails(self.fault, Fault::Panic).is_ok(), "on purpose");
        self.inner.append(sealed)
    }

    fn finish(self) -> io::Result<()> {
        self.finished.fetch_add(1, Ordering::Relaxed);
        fails(self.fault, Fault::Finish)?;
        self.inner.finish()
    }
}

impl SegmentSource for NeverResident {
    fn length(&self) -> u64 {
        self.0.length()
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, out)
    }

    fn read_resident(&self, _offset: u64, out: &mut [u8]) -> io::Result<bool> {
        out.fill(0xee);
        Ok(false)
    }
}

fn rigged(
    bucket: &Bucket,
    fault: Option<(Fault, io::ErrorKind)>,
) -> (EncryptedBlobs<Rigged>, Arc<AtomicUsize>) {
    let finished = Arc::new(AtomicUsize::new(0));
    let inner = S3ShapedMemory::new(bucket.clone());
    let segments = Rigged {
        inner,
        fault,
        finished: Arc::clone(&finished),
    };
    (EncryptedBlobs::over(segments, Arc::new(AesGcm)), finished)
}

async fn writer(store: &EncryptedBlobs<Rigged>) -> Box<dyn ObjectWriter> {
    let key = DataKey {
        inner: SecretKey::new([1; 32]),
        outer: None,
    };
    let mut writer = store
        .writer(&ObjectId::from_bytes([3; 16]), &key, false, None)
        .await
        .unwrap();
    writer.begin_segment(1);
    writer
}

#[tokio::test]
async fn storage_that_is_never_resident_keeps_the_contract() {
    let bucket = Bucket::default();
    blob_suite(|| rigged(&bucket, None).0).await;
}

#[tokio::test]
async fn a_failure_of_storage_fails_the_upload_with_its_kind() {
    for fault in [Fault::Create, Fault::Append, Fault::Finish] {
        for (kind, full) in [
            (io::ErrorKind::StorageFull, true),
            (io::ErrorKind::QuotaExceeded, true),
            (io::ErrorKind::Other, false),
        ] {
            let (store, _) = rigged(&Bucket::default(), Some((fault, kind)));
            let mut writer = writer(&store).await;
            writer.write(vec![0; 2 * FRAME].into()).await.unwrap();
            let error = writer.finish().await.unwrap_err();
            assert_eq!(matches!(error, BlobError::Full), full, "{fault:?} {error}");
        }
    }
}

#[tokio::test]
async fn after_a_batch_was_lost_nothing_more_is_promised() {
    let (store, finished) = rigged(
        &Bucket::default(),
        Some((Fault::Append, io::ErrorKind::StorageFull)),
    );
    let mut writer = writer(&store).await;
    // the loss is met when the next batch is sent off, after at most as many as may queue
    let mut met = Ok(());
    for _batch in 0..8 {
        met = met.and(writer.write(vec![0; 4 * FRAME].into()).await);
    }
    assert!(matches!(met, Err(BlobError::Full)), "{met:?}");
    assert!(writer.write(vec![0; 4 * FRAME + 1].into()).await.is_err());
    assert!(writer.suspend().await.is_err());
    assert_eq!(finished.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_failed_sync_is_not_tried_again_and_nothing_is_acknowledged() {
    let bucket = Bucket::default();
    for suspends in [false, true] {
        let (store, finished) = rigged(&bucket, Some((Fault::Finish, io::ErrorKind::Other)));
        let mut writer = writer(&store).await;
        writer.write(vec![0; 9 * FRAME].into()).await.unwrap();
        let failed = if suspends {
            writer.suspend().await.is_err()
        } else {
            writer.finish().await.is_err()
        };
        assert!(failed);
        assert_eq!(finished.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn a_panic_of_the_thread_that_writes_fails_its_upload_alone() {
    let bucket = Bucket::default();
    let (store, finished) = rigged(&bucket, Some((Fault::Panic, io::ErrorKind::Other)));
    let mut panicking = writer(&store).await;
    panicking.write(vec![0; 9 * FRAME].into()).await.unwrap();
    assert!(panicking.finish().await.is_err());
    assert_eq!(finished.load(Ordering::Relaxed), 0);
    let (store, _) = rigged(&bucket, None);
    let mut next = writer(&store).await;
    next.write(vec![0; 9 * FRAME].into()).await.unwrap();
    next.finish().await.unwrap();
}

#[tokio::test]
async fn what_is_acknowledged_was_made_durable_first() {
    for (size, segments) in [(0, 0), (FRAME, 0), (FRAME + 1, 1), (20 * FRAME, 1)] {
        for suspends in [false, true] {
            let bucket = Bucket::default();
            let (store, finished) = rigged(&bucket, None);
            let mut writer = writer(&store).await;
            writer.write(vec![0; size].into()).await.unwrap();
            if suspends {
                writer.suspend().await.unwrap();
            } else {
                writer.finish().await.unwrap();
            }
            assert_eq!(finished.load(Ordering::Relaxed), segments, "{size}");
            assert_eq!(bucket.objects("objects/").len(), segments, "{size}");
        }
    }
}
