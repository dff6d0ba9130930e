//! What lies in a directory: nothing readable, nothing that can be altered unnoticed, nothing others may open.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use ecru_blob_store::DirectoryBlobs;
use ecru_ports::SecretKey;
use ecru_ports::blobs::{BlobError, BlobStore as _, DataKey, FRAME, ObjectId, StoredObject};
use futures_util::StreamExt as _;
use tempfile::TempDir;

/// Stored length of a frame under one layer.
const STORED: usize = FRAME + 28;

struct Bench {
    scratch: TempDir,
    store: DirectoryBlobs,
    key: DataKey,
}

impl Bench {
    fn new(two_layers: bool) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let store = DirectoryBlobs::open(&scratch.path().join("blobs")).unwrap();
        let outer = two_layers.then(|| SecretKey::new([6; 32]));
        Self {
            scratch,
            store,
            key: DataKey {
                inner: SecretKey::new([5; 32]),
                outer,
            },
        }
    }

    fn path(&self, object: &ObjectId, segment: u64) -> PathBuf {
        let name = format!("{}.{segment}", object.as_str());
        self.scratch
            .path()
            .join("blobs/objects")
            .join(&object.as_str()[..2])
            .join(name)
    }

    /// Stores an object of `size` bytes in a segment.
    async fn put(&self, id: u8, segment: u64, size: usize) -> StoredObject {
        let object = ObjectId::from_bytes([id; 16]);
        let mut writer = self
            .store
            .writer(&object, &self.key, false, None)
            .await
            .unwrap();
        writer.begin_segment(segment);
        writer.write(plaintext(size)).await.unwrap();
        writer.finish().await.unwrap().0
    }

    /// Reads as much as is given out, and the error that ends it.
    async fn read(&self, object: &StoredObject) -> (Vec<u8>, Option<BlobError>) {
        let (object, key) = (Arc::new(object.clone()), Arc::new(self.key.clone()));
        let range = 0..object.size;
        let mut stream = match self.store.read(object, key, range).await {
            Ok(stream) => stream,
            Err(error) => return (vec![], Some(error)),
        };
        let mut given = Vec::new();
        while let Some(piece) = stream.next().await {
            match piece {
                Ok(piece) => given.extend_from_slice(&piece),
                Err(error) => {
                    assert!(stream.next().await.is_none(), "something follows an error");
                    return (given, Some(error));
                }
            }
        }
        (given, None)
    }
}

const MARK: &[u8] = b"known plaintext, sixteen times in a line; ";

fn plaintext(size: usize) -> Bytes {
    let numbered = (0u32..).flat_map(|line| [MARK, &line.to_le_bytes()].concat());
    numbered.take(size).collect()
}

type Change = fn(&mut Vec<u8>);

#[tokio::test]
async fn every_alteration_of_a_file_is_noticed_before_a_byte_of_it_is_given_out() {
    let bench = Bench::new(false);
    let frames = 11;
    let object = bench.put(1, 3, frames * FRAME + 5).await;
    let path = bench.path(&object.id, 3);
    let sound = fs::read(&path).unwrap();
    assert_eq!(sound.len(), frames * STORED);
    let swap_frames = |file: &mut Vec<u8>| {
        let (one, two) = file.split_at_mut(7 * STORED);
        one[6 * STORED..].swap_with_slice(&mut two[..STORED]);
    };
    let cases: [(usize, Change); 9] = [
        (0, |file| file[0] ^= 1),
        (0, |file| file[STORED - 1] ^= 0x80),
        (4, |file| file[4 * STORED + 5000] ^= 1),
        (10, |file| *file.last_mut().unwrap() ^= 1),
        (6, swap_frames),
        (9, |file| {
            file.copy_within(8 * STORED..9 * STORED, 9 * STORED);
        }),
        (0, |file| file.truncate(file.len() - 1)),
        (0, |file| file.truncate(5 * STORED)),
        (0, |file| file.push(0)),
    ];
    for (case, (frame, change)) in cases.into_iter().enumerate() {
        let mut altered = sound.clone();
        change(&mut altered);
        fs::write(&path, altered).unwrap();
        let (given, error) = bench.read(&object).await;
        assert!(
            matches!(error, Some(BlobError::Corrupt)),
            "case {case}: {error:?}"
        );
        assert!(
            given.len() <= frame * FRAME,
            "case {case}: a byte of the bad frame was given out"
        );
        assert!(
            plaintext(given.len()) == given,
            "case {case}: unverified bytes were given out"
        );
    }
    fs::write(&path, &sound).unwrap();
    assert!(bench.read(&object).await.1.is_none());
}

#[tokio::test]
async fn files_and_tails_of_other_objects_and_segments_are_noticed() {
    let bench = Bench::new(false);
    let (one, two) = (
        bench.put(1, 3, 2 * FRAME + 9).await,
        bench.put(2, 3, 2 * FRAME + 9).await,
    );
    let three = bench.put(3, 4, 2 * FRAME + 9).await;
    let swapped_tail = StoredObject {
        tail: two.tail.clone(),
        ..one.clone()
    };
    let (given, error) = bench.read(&swapped_tail).await;
    assert!(matches!(error, Some(BlobError::Corrupt)) && given.len() <= 2 * FRAME);

    fs::copy(bench.path(&two.id, 3), bench.path(&one.id, 3)).unwrap();
    assert!(matches!(bench.read(&one).await.1, Some(BlobError::Corrupt)));

    // another request's segment of the same object under this one's name
    fs::rename(bench.path(&three.id, 4), bench.path(&three.id, 3)).unwrap();
    let renumbered = StoredObject {
        segments: one.segments.clone(),
        ..three.clone()
    };
    assert!(matches!(
        bench.read(&renumbered).await.1,
        Some(BlobError::Corrupt)
    ));
    assert!(matches!(
        bench.read(&three).await.1,
        Some(BlobError::Missing)
    ));

    fs::remove_file(bench.path(&two.id, 3)).unwrap();
    assert!(matches!(bench.read(&two).await.1, Some(BlobError::Missing)));
}

#[tokio::test]
async fn nothing_stored_shows_plaintext() {
    for two_layers in [false, true] {
        let bench = Bench::new(two_layers);
        let object = bench.put(1, 1, 3 * FRAME + 1000).await;
        let small = bench.put(2, 1, 1000).await;
        let id = ObjectId::from_bytes([3; 16]);
        let mut unfinished = bench
            .store
            .writer(&id, &bench.key, true, None)
            .await
            .unwrap();
        unfinished.write(plaintext(300)).await.unwrap();
        let progress = unfinished.suspend().await.unwrap();
        let mut stored = vec![object.tail.clone(), small.tail, progress.sealed_state];
        stored.extend(
            files(bench.scratch.path())
                .iter()
                .map(|file| fs::read(file).unwrap()),
        );
        assert_eq!(stored.len(), 4);
        for bytes in stored {
            assert!(bytes.len() > 300);
            assert!(!bytes.windows(12).any(|window| window == &MARK[..12]));
        }
        assert!(
            plaintext(100)
                .windows(12)
                .any(|window| window == &MARK[..12])
        );
    }
}

#[tokio::test]
async fn the_same_bytes_are_never_stored_alike() {
    let bench = Bench::new(false);
    let (one, two) = (
        bench.put(1, 1, 2 * FRAME).await,
        bench.put(2, 1, 2 * FRAME).await,
    );
    assert_ne!(one.tail, two.tail);
    assert_ne!(
        fs::read(bench.path(&one.id, 1)).unwrap(),
        fs::read(bench.path(&two.id, 1)).unwrap()
    );
}

#[tokio::test]
async fn files_are_private_and_only_as_many_as_needed() {
    let bench = Bench::new(false);
    bench.put(1, 1, FRAME).await;
    assert!(
        files(bench.scratch.path()).is_empty(),
        "an object of one frame needs no file"
    );
    bench.put(2, 1, FRAME + 1).await;
    bench.store.probe().await.unwrap();
    let all = files(bench.scratch.path());
    assert_eq!(all.len(), 1);
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&all[0]), 0o600);
    for directory in all[0].ancestors().skip(1).take(3) {
        assert_eq!(mode(directory), 0o700, "{}", directory.display());
    }
}

#[tokio::test]
async fn what_is_set_aside_is_kept_and_never_covered() {
    let bench = Bench::new(false);
    let object = bench.put(1, 1, 2 * FRAME).await;
    let first = fs::read(bench.path(&object.id, 1)).unwrap();
    bench.store.quarantine(&object.id, 1..=1).await.unwrap();
    let object = bench.put(1, 1, 3 * FRAME).await;
    let second = fs::read(bench.path(&object.id, 1)).unwrap();
    bench.store.quarantine(&object.id, 1..=1).await.unwrap();
    let mut kept: Vec<_> = files(&bench.scratch.path().join("blobs/quarantine"));
    kept.sort();
    let kept: Vec<_> = kept.iter().map(|file| fs::read(file).unwrap()).collect();
    assert_eq!(kept, [first, second]);
}

#[tokio::test]
async fn foreign_files_are_passed_over_by_lists() {
    let bench = Bench::new(false);
    let object = bench.put(0xab, 1, 2 * FRAME).await;
    let shard = bench.path(&object.id, 1).parent().unwrap().to_owned();
    for name in [
        "x",
        "ab.1",
        &format!("{}.01", object.id.as_str()),
        &format!("{}.1.bak", object.id.as_str()),
    ] {
        fs::write(shard.join(name), "x").unwrap();
    }
    let listed = bench.store.list(None, 10).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].number, listed[0].stored_bytes),
        (1, STORED as u64)
    );
}

/// All files under a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}
