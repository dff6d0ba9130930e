//! Uploads and reads as the suite makes them.

use std::hash::{BuildHasher as _, RandomState};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;

use crate::blobs::{
    BlobError, BlobStore, DataKey, ObjectId, ObjectWriter, StoredObject, WriteProgress,
    WrittenDigests,
};
use crate::keys::SecretKey;

/// One upload: a fresh object under fresh keys.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    pub(super) object: ObjectId,
    pub(super) key: DataKey,
    pub(super) sha512: bool,
}

impl Upload {
    pub(super) fn new(two_layers: bool, sha512: bool) -> Self {
        let object = ObjectId::from_bytes(random());
        let outer = two_layers.then(|| SecretKey::new(random()));
        Self {
            object,
            key: DataKey {
                inner: SecretKey::new(random()),
                outer,
            },
            sha512,
        }
    }

    pub(super) async fn writer<S: BlobStore>(
        &self,
        store: &S,
        progress: Option<&WriteProgress>,
    ) -> Result<Box<dyn ObjectWriter>, BlobError> {
        store
            .writer(&self.object, &self.key, self.sha512, progress)
            .await
    }

    /// Writes bytes in one request that suspends.
    pub(super) async fn part<S: BlobStore>(
        &self,
        store: &S,
        progress: Option<&WriteProgress>,
        bytes: &[u8],
        segment: u64,
    ) -> WriteProgress {
        let mut writer = self.writer(store, progress).await.unwrap();
        pour(&mut *writer, bytes, segment).await;
        writer.suspend().await.unwrap()
    }

    /// Writes an object in one request.
    pub(super) async fn whole<S: BlobStore>(
        &self,
        store: &S,
        bytes: &[u8],
        segment: u64,
    ) -> (StoredObject, WrittenDigests) {
        let mut writer = self.writer(store, None).await.unwrap();
        pour(&mut *writer, bytes, segment).await;
        writer.finish().await.unwrap()
    }
}

/// Writes in pieces of uneven sizes, beginning the segment when the writer asks for it.
async fn pour(writer: &mut dyn ObjectWriter, bytes: &[u8], segment: u64) {
    let before = writer.offset();
    let (mut rest, mut size) = (bytes, 1);
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.len().min(size));
        if writer.needs_segment(piece.len()) {
            writer.begin_segment(segment);
        }
        writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
        (rest, size) = (after, size * 7 % 300_007 + 11);
    }
    assert_eq!(writer.offset(), before + bytes.len() as u64);
}

/// Reads a range; the error if any piece is one.
pub(super) async fn read<S: BlobStore>(
    store: &S,
    upload: &Upload,
    object: &StoredObject,
    range: Range<u64>,
) -> Result<Vec<u8>, BlobError> {
    let stream = store
        .read(
            Arc::new(object.clone()),
            Arc::new(upload.key.clone()),
            range,
        )
        .await?;
    stream
        .try_fold(Vec::new(), async |mut all, piece| {
            Ok({
                all.extend_from_slice(&piece);
                all
            })
        })
        .await
}

/// Reads the whole object.
pub(super) async fn read_all<S: BlobStore>(
    store: &S,
    upload: &Upload,
    object: &StoredObject,
) -> Result<Vec<u8>, BlobError> {
    read(store, upload, object, 0..object.size).await
}

/// Bytes of which no two frames are alike.
pub(super) fn content(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Bytes that differ at every call and in every run; good enough for names and keys of tests.
fn random<const N: usize>() -> [u8; N] {
    let hashing = RandomState::new();
    std::array::from_fn(|at| hashing.hash_one(at).to_le_bytes()[0])
}
