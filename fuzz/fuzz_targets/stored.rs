//! Stored bytes and rows: frames, segments, their names. Whatever became of them, no byte is ever given out that was
//! not written there.
#![no_main]

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use arbitrary::{Arbitrary, Unstructured};
use bytes::Bytes;
use ecru_blob_store::{Bucket, S3ShapedBlobs};
use ecru_ports::SecretKey;
use ecru_ports::blobs::{BlobError, BlobStore as _, DataKey, FRAME, ObjectId, StoredObject};
use futures_util::StreamExt as _;
use libfuzzer_sys::{Corpus, fuzz_target};
use tokio::runtime::{Builder, Runtime};

/// What is tried.
#[derive(Arbitrary, Debug)]
enum Attempt<'a> {
    Read(Read),
    List(&'a str),
}

/// A read after changes to what is stored.
#[derive(Arbitrary, Debug)]
struct Read {
    sample: u8,
    changes: Vec<Change>,
    start: u32,
    length: u32,
}

#[derive(Arbitrary, Clone, Debug)]
enum Change {
    Flip { segment: bool, at: u32, bit: u8 },
    Truncate { segment: bool, length: u32 },
    Append { segment: bool, count: u8 },
    CopyFrame { from: u8, to: u8 },
    Remove { segment: bool },
    Exchange,
    Size(u64),
    Grow(i8),
    Frames { at: u8, frames: u64 },
    Number { at: u8, number: u64 },
    Forget { at: u8 },
    Repeat { at: u8 },
    FlipTail { at: u32, bit: u8 },
    CutTail { length: u32 },
    Rename,
}

/// An object as it was written.
struct Sample {
    key: DataKey,
    object: StoredObject,
    files: Vec<(String, Bytes)>,
    plaintext: Vec<u8>,
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().build();
    runtime.expect("a runtime")
});

static SAMPLES: LazyLock<Vec<Sample>> = LazyLock::new(|| {
    let sizes = [0, 5, FRAME, 3 * FRAME + 17];
    let made = sizes
        .into_iter()
        .flat_map(|size| [(size, false), (size, true)]);
    made.map(|(size, two_layers)| RUNTIME.block_on(Sample::write(size, two_layers)))
        .collect()
});

fuzz_target!(|data: &[u8]| -> Corpus {
    let Ok(attempt) = Attempt::arbitrary_take_rest(Unstructured::new(data)) else {
        return Corpus::Reject;
    };
    let samples = &*SAMPLES;
    RUNTIME.block_on(async {
        match attempt {
            Attempt::Read(read) => read.run(samples).await,
            Attempt::List(name) => list(name).await,
        }
    });
    Corpus::Keep
});

fn data_key(two_layers: bool) -> DataKey {
    DataKey {
        inner: SecretKey::new([5; 32]),
        outer: two_layers.then(|| SecretKey::new([6; 32])),
    }
}

impl Sample {
    /// Writes an object in two requests.
    async fn write(size: usize, two_layers: bool) -> Self {
        let (bucket, key) = (Bucket::default(), data_key(two_layers));
        let store = S3ShapedBlobs::in_bucket(bucket.clone());
        let id = ObjectId::from_bytes([7; 16]);
        let plaintext: Vec<u8> = (0_u32..).flat_map(u32::to_le_bytes).take(size).collect();
        let (first, second) = plaintext.split_at(size * 2 / 3);

        let mut writer = store
            .writer(&id, &key, false, None)
            .await
            .expect("a writer");
        writer.begin_segment(1);
        let written = writer.write(Bytes::copy_from_slice(first)).await;
        written.expect("bytes are taken");
        let progress = writer.suspend().await.expect("an upload stops");
        let writer = store.writer(&id, &key, false, Some(&progress)).await;
        let mut writer = writer.expect("an upload goes on");
        writer.begin_segment(4);
        let written = writer.write(Bytes::copy_from_slice(second)).await;
        written.expect("bytes are taken");
        let (object, _) = writer.finish().await.expect("an upload ends");
        Self {
            files: bucket.objects(""),
            key,
            object,
            plaintext,
        }
    }
}

impl Read {
    async fn run(&self, samples: &[Sample]) {
        let sample = &samples[usize::from(self.sample) % samples.len()];
        let mut object = sample.object.clone();
        let mut files: Vec<(String, Vec<u8>)> = sample
            .files
            .iter()
            .map(|(name, bytes)| (name.clone(), bytes.to_vec()))
            .collect();
        for change in self.changes.iter().take(6) {
            change.apply(&mut object, &mut files);
        }
        let bucket = Bucket::default();
        for (name, bytes) in &files {
            bucket.put(name, Bytes::copy_from_slice(bytes));
        }
        let size = object.size.max(1);
        let start = u64::from(self.start) % size;
        let range = start
            ..start
                .saturating_add(u64::from(self.length))
                .min(object.size);
        if range.is_empty() {
            return;
        }
        let is_whole = object == sample.object
            && files
                .iter()
                .zip(&sample.files)
                .all(|(now, then)| now.1 == then.1)
            && files.len() == sample.files.len();
        let (given, error) = read(bucket, &sample.key, object, range.clone()).await;
        let written = usize::try_from(range.start)
            .ok()
            .and_then(|start| sample.plaintext.get(start..));
        assert!(given.is_empty() || written.is_some_and(|written| written.starts_with(&given)));
        let is_complete = given.len() as u64 == range.end - range.start;
        assert!(
            error.is_some() || is_complete,
            "less is given than was asked for"
        );
        assert!(!is_whole || (error.is_none() && is_complete), "{error:?}");
    }
}

/// What is given out, and the error that ends it.
async fn read(
    bucket: Bucket,
    key: &DataKey,
    object: StoredObject,
    range: Range<u64>,
) -> (Vec<u8>, Option<BlobError>) {
    let store = S3ShapedBlobs::in_bucket(bucket);
    let key = Arc::new(key.clone());
    let mut stream = match store.read(Arc::new(object), key, range).await {
        Ok(stream) => stream,
        Err(error) => return (Vec::new(), Some(error)),
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

impl Change {
    fn apply(&self, object: &mut StoredObject, files: &mut Vec<(String, Vec<u8>)>) {
        match *self {
            Self::Size(size) => object.size = size,
            Self::Grow(by) => object.size = object.size.saturating_add_signed(i64::from(by)),
            Self::FlipTail { at, bit } => flip(&mut object.tail, at, bit),
            Self::CutTail { length } => object.tail.truncate(at_most(length, object.tail.len())),
            Self::Rename => object.id = ObjectId::from_bytes([8; 16]),
            Self::Frames { at, frames } => {
                if let Some(segment) = one_of(&mut object.segments, at) {
                    segment.frames = frames;
                }
            }
            Self::Number { at, number } => {
                if let Some(segment) = one_of(&mut object.segments, at) {
                    segment.number = number;
                }
            }
            Self::Forget { at } if !object.segments.is_empty() => {
                object
                    .segments
                    .remove(usize::from(at) % object.segments.len());
            }
            Self::Repeat { at } => {
                if let Some(segment) = one_of(&mut object.segments, at).copied() {
                    object.segments.push(segment);
                }
            }
            _ => self.apply_to_files(files),
        }
    }

    fn apply_to_files(&self, files: &mut Vec<(String, Vec<u8>)>) {
        let index = |second: bool| usize::from(second) % files.len().max(1);
        match *self {
            Self::Exchange => {
                if let [(_, one), (_, two)] = files.as_mut_slice() {
                    std::mem::swap(one, two);
                }
            }
            Self::Remove { segment } if !files.is_empty() => {
                files.remove(index(segment));
            }
            Self::Flip { segment, at, bit } => {
                let index = index(segment);
                if let Some((_, file)) = files.get_mut(index) {
                    flip(file, at, bit);
                }
            }
            Self::Truncate { segment, length } => {
                let index = index(segment);
                if let Some((_, file)) = files.get_mut(index) {
                    file.truncate(at_most(length, file.len()));
                }
            }
            Self::Append { segment, count } => {
                let index = index(segment);
                if let Some((_, file)) = files.get_mut(index) {
                    file.extend(std::iter::repeat_n(0, usize::from(count)));
                }
            }
            Self::CopyFrame { from, to } => copy_frame(files, from, to),
            _ => {}
        }
    }
}

/// Puts one stored frame of the first file over another.
fn copy_frame(files: &mut [(String, Vec<u8>)], from: u8, to: u8) {
    const STORED: usize = FRAME + 28;
    let Some((_, file)) = files.first_mut() else {
        return;
    };
    let frames = file.len() / STORED;
    if frames > 0 {
        let (from, to) = (usize::from(from) % frames, usize::from(to) % frames);
        file.copy_within(from * STORED..(from + 1) * STORED, to * STORED);
    }
}

fn flip(bytes: &mut [u8], at: u32, bit: u8) {
    if !bytes.is_empty() {
        let at = at_most(at, bytes.len() - 1);
        bytes[at] ^= 1 << (bit % 8);
    }
}

fn at_most(number: u32, most: usize) -> usize {
    usize::try_from(number).map_or(most, |number| number % (most + 1))
}

fn one_of<T>(items: &mut [T], at: u8) -> Option<&mut T> {
    let length = items.len().max(1);
    items.get_mut(usize::from(at) % length)
}

/// A listing has what is named as a segment is, and nothing else.
async fn list(name: &str) {
    let bucket = Bucket::default();
    bucket.put(&format!("objects/{name}"), Bytes::from_static(b"bytes"));
    let store = S3ShapedBlobs::in_bucket(bucket);
    let found = store.list(None, 10).await.expect("a listing");
    for segment in found {
        assert_eq!(
            format!("{}.{}", segment.object.as_str(), segment.number),
            name
        );
        assert_eq!(segment.stored_bytes, 5);
        let after = store.list(Some(&segment.object), 10).await;
        assert!(after.expect("a listing").is_empty());
    }
}
