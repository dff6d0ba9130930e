//! A (key, nonce) pair seals once, ever: shown with a cipher that remembers every pair it was given,
//! over random splits, aborts, crashes and differing re-sends of uploads (design §4, "Encryption").

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use ecru_domain::Digest;
use ecru_ports::SecretKey;
use ecru_ports::blobs::{BlobStore as _, DataKey, FRAME, ObjectId, ObjectWriter, WriteProgress};
use futures_util::TryStreamExt as _;
use parking_lot::Mutex;
use proptest::prelude::*;

use crate::cipher::{AesGcm, Cipher, NONCE, ReadyKey, Refused, TAG};
use crate::s3_shaped::{Bucket, S3ShapedMemory};
use crate::{EncryptedBlobs, S3ShapedBlobs};

/// Every pair that sealed, and how many sealed again.
#[derive(Default)]
struct Seen {
    pairs: HashSet<([u8; SecretKey::LENGTH], [u8; NONCE])>,
    again: usize,
}

#[derive(Clone, Default)]
struct WatchedCipher(Arc<Mutex<Seen>>);

struct WatchedKey {
    ready: Box<dyn ReadyKey>,
    key: SecretKey,
    seen: Arc<Mutex<Seen>>,
}

impl Cipher for WatchedCipher {
    fn prepare(&self, key: &SecretKey) -> Result<Box<dyn ReadyKey>, Refused> {
        let ready = AesGcm.prepare(key)?;
        Ok(Box::new(WatchedKey {
            ready,
            key: key.clone(),
            seen: Arc::clone(&self.0),
        }))
    }
}

impl WatchedKey {
    fn see(&self, nonce: [u8; NONCE]) {
        let mut seen = self.seen.lock();
        if !seen.pairs.insert((*self.key.material(), nonce)) {
            seen.again += 1;
        }
    }
}

impl ReadyKey for WatchedKey {
    fn seal(
        &self,
        nonce: [u8; NONCE],
        data: &[u8],
        bytes: &mut [u8],
    ) -> Result<[u8; TAG], Refused> {
        self.see(nonce);
        self.ready.seal(nonce, data, bytes)
    }

    fn seal_into(
        &self,
        nonce: [u8; NONCE],
        data: &[u8],
        pieces: [&[u8]; 2],
        out: &mut [u8],
    ) -> Result<(), Refused> {
        self.see(nonce);
        self.ready.seal_into(nonce, data, pieces, out)
    }

    fn open(&self, nonce: [u8; NONCE], data: &[u8], bytes: &mut [u8]) -> Result<(), Refused> {
        self.ready.open(nonce, data, bytes)
    }
}

/// How a request ends.
#[derive(Clone, Copy, Debug)]
enum Ending {
    /// Its progress is kept.
    Committed,
    /// It becomes durable, but its progress is lost: the client sends again from the point before.
    CommitLost,
    /// It is cut off.
    Aborted,
}

/// A request of an upload: the sizes of its pieces in frames and bytes, and whether what it sends is what
/// the client will send in the end.
#[derive(Clone, Debug)]
struct Request {
    pieces: Vec<usize>,
    ending: Ending,
    other_bytes: bool,
}

fn request() -> impl Strategy<Value = Request> {
    let around_frames =
        (0usize..7, 0usize..3).prop_map(|(frames, more)| (frames * FRAME + more).saturating_sub(1));
    let piece = prop_oneof![1usize..200, around_frames, 1usize..3 * FRAME];
    let ending = prop_oneof![
        3 => Just(Ending::Committed), 1 => Just(Ending::CommitLost), 1 => Just(Ending::Aborted)
    ];
    (
        proptest::collection::vec(piece, 0..4),
        ending,
        any::<bool>(),
    )
        .prop_map(|(pieces, ending, other_bytes)| Request {
            pieces,
            ending,
            other_bytes,
        })
}

/// The byte at `offset` of what the client means, or of something else.
fn bytes(offset: u64, length: usize, other: bool) -> Bytes {
    let at = |index: u64| {
        (index.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8 ^ if other { 0x5a } else { 0 }
    };
    (offset..offset + length as u64).map(at).collect()
}

async fn pour(writer: &mut dyn ObjectWriter, request: &Request, segment: u64) {
    for &length in &request.pieces {
        if writer.needs_segment(length) {
            writer.begin_segment(segment);
        }
        // what is to be kept must be what the client means
        let other = request.other_bytes && !matches!(request.ending, Ending::Committed);
        writer
            .write(bytes(writer.offset(), length, other))
            .await
            .unwrap();
    }
}

/// Makes an upload of these requests, each in another process, and returns how often a pair sealed again.
async fn upload(requests: &[Request], two_layers: bool) -> usize {
    let (bucket, cipher) = (Bucket::default(), WatchedCipher::default());
    let process = || -> S3ShapedBlobs {
        EncryptedBlobs::over(
            S3ShapedMemory::new(bucket.clone()),
            Arc::new(cipher.clone()),
        )
    };
    let id = ObjectId::from_bytes([7; 16]);
    let outer = two_layers.then(|| SecretKey::new([2; 32]));
    let key = DataKey {
        inner: SecretKey::new([1; 32]),
        outer,
    };
    let mut progress: Option<WriteProgress> = None;
    for (request, segment) in requests.iter().zip(1..) {
        let mut writer = process()
            .writer(&id, &key, false, progress.as_ref())
            .await
            .unwrap();
        pour(&mut *writer, request, segment).await;
        match request.ending {
            Ending::Committed => progress = Some(writer.suspend().await.unwrap()),
            Ending::CommitLost => drop(writer.suspend().await.unwrap()),
            Ending::Aborted => drop(writer),
        }
    }
    let writer = process()
        .writer(&id, &key, false, progress.as_ref())
        .await
        .unwrap();
    let (object, digests) = writer.finish().await.unwrap();
    let wanted = bytes(0, usize::try_from(object.size).unwrap(), false);
    assert_eq!(progress.map_or(0, |progress| progress.offset), object.size);
    assert_eq!(digests.sha256, Digest::sha256(&wanted));
    let range = 0..object.size;
    let stream = process()
        .read(Arc::new(object), Arc::new(key), range)
        .await
        .unwrap();
    let pieces: Vec<Bytes> = stream.try_collect().await.unwrap();
    assert!(pieces.concat() == wanted, "other bytes came back");
    cipher.0.lock().again
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_key_and_nonce_seal_twice_whatever_happens_to_an_upload(
        requests in proptest::collection::vec(request(), 1..7),
        two_layers in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        prop_assert_eq!(runtime.block_on(upload(&requests, two_layers)), 0);
    }
}

#[test]
fn the_watch_notices_a_pair_that_seals_again() {
    let cipher = WatchedCipher::default();
    let keys = [1, 2].map(|byte| cipher.prepare(&SecretKey::new([byte; 32])).unwrap());
    for (key, nonce, again) in [(0, 1, 0), (1, 1, 0), (0, 2, 0), (0, 1, 1), (1, 1, 2)] {
        keys[key].seal([nonce; NONCE], b"", &mut [0; 4]).unwrap();
        assert_eq!(cipher.0.lock().again, again);
    }
}

#[test]
fn nonces_differ_across_batches_and_sources() {
    let mut sources = [(); 3].map(|()| crate::nonces::Nonces::new());
    let mut all = HashSet::new();
    for _draw in 0..200 {
        for source in &mut sources {
            assert!(all.insert(source.draw().unwrap()));
        }
    }
}
