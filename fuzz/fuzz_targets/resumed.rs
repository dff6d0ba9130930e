//! Uploads taken up again: the state that lies sealed in a row, whatever it says. It goes on where its row says it
//! stands, or it is corrupt.
#![no_main]

use std::sync::LazyLock;

use arbitrary::{Arbitrary, Unstructured};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use bytes::Bytes;
use ecru_blob_store::{Bucket, S3ShapedBlobs};
use ecru_ports::SecretKey;
use ecru_ports::blobs::{
    BlobError, BlobStore as _, DataKey, FRAME, ObjectId, Segment, WriteProgress,
};
use libfuzzer_sys::{Corpus, fuzz_target};
use tokio::runtime::{Builder, Runtime};

/// The state of an upload, sealed as it should be, whatever it says.
#[derive(Arbitrary, Debug)]
struct State<'a> {
    two_layers: bool,
    sha512: bool,
    offset: u64,
    is_consistent: bool,
    segments: Vec<(u64, u64)>,
    /// How far the hashes are from where they should stand.
    skew: u8,
    hash_tail: u8,
    plaintext: &'a [u8],
    goes_on: u16,
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().build();
    runtime.expect("a runtime")
});

fuzz_target!(|data: &[u8]| -> Corpus {
    let Ok(state) = State::arbitrary_take_rest(Unstructured::new(data)) else {
        return Corpus::Reject;
    };
    RUNTIME.block_on(state.run());
    Corpus::Keep
});

fn data_key(two_layers: bool) -> DataKey {
    DataKey {
        inner: SecretKey::new([5; 32]),
        outer: two_layers.then(|| SecretKey::new([6; 32])),
    }
}

impl State<'_> {
    async fn run(&self) {
        let (key, id) = (data_key(self.two_layers), ObjectId::from_bytes([7; 16]));
        let progress = self.progress(&id, &key);
        let store = S3ShapedBlobs::in_bucket(Bucket::default());
        let mut writer = match store.writer(&id, &key, self.sha512, Some(&progress)).await {
            Ok(writer) => writer,
            Err(error) => {
                assert!(matches!(error, BlobError::Corrupt), "{error:?}");
                return;
            }
        };
        let whole = progress
            .segments
            .iter()
            .map(|segment| u128::from(segment.frames));
        let whole = whole.sum::<u128>() * FRAME as u128;
        let pending = u128::from(progress.offset).checked_sub(whole);
        assert!(pending.is_some_and(|pending| pending <= FRAME as u128));
        assert_eq!(writer.offset(), progress.offset);
        let stands = self.skew == 0 && self.hash_tail == 0;
        assert!(stands || !self.is_consistent, "hashes go on elsewhere");
        let other = store.writer(&id, &key, !self.sha512, Some(&progress)).await;
        assert!(other.is_err(), "a state of one kind opens as another");

        writer.begin_segment(u64::MAX);
        let more = vec![1; usize::from(self.goes_on)];
        if writer.write(Bytes::from(more)).await.is_ok()
            && let Ok((object, digests)) = writer.finish().await
        {
            assert_eq!(object.size, progress.offset + u64::from(self.goes_on));
            assert_eq!(digests.sha512.is_some(), self.sha512);
        }
    }

    fn progress(&self, id: &ObjectId, key: &DataKey) -> WriteProgress {
        let segments: Vec<Segment> = self
            .segments
            .iter()
            .take(4)
            .map(|&(number, frames)| Segment { number, frames })
            .collect();
        let whole = segments.iter().map(|segment| segment.frames);
        let whole = whole
            .fold(0_u64, u64::wrapping_add)
            .wrapping_mul(FRAME as u64);
        let mut state = Vec::new();
        if self.is_consistent {
            state.extend(self.hash_state(32, whole));
            if self.sha512 {
                state.extend(self.hash_state(64, whole));
            }
        }
        let head = state.len();
        state.extend_from_slice(self.plaintext);
        let offset = if self.is_consistent {
            whole.wrapping_add((state.len() - head) as u64)
        } else {
            self.offset
        };
        let place = place(id, self.sha512, offset, &segments);
        let in_layer = |layer| [&[1, 2, layer], place.as_slice()].concat();
        let mut sealed_state = seal(&key.inner, &in_layer(0), &state);
        if let Some(outer) = &key.outer {
            sealed_state = seal(outer, &in_layer(1), &sealed_state);
        }
        WriteProgress {
            offset,
            segments,
            sealed_state,
        }
    }

    /// A chaining value, the count of blocks, and what a serialized hash keeps of an unfinished block.
    fn hash_state(&self, chaining: usize, whole: u64) -> Vec<u8> {
        let (count, block) = (chaining / 4, chaining * 2);
        let mut state = vec![3; chaining];
        let blocks = (whole / block as u64).wrapping_add(u64::from(self.skew));
        state.extend_from_slice(&blocks.to_le_bytes());
        state.extend(std::iter::repeat_n(0, count - 8));
        state.push(self.hash_tail);
        state.extend(std::iter::repeat_n(0, block - 1));
        state
    }
}

/// What binds a state to its place, after version, kind and layer; written from the description of the format.
fn place(id: &ObjectId, sha512: bool, offset: u64, segments: &[Segment]) -> Vec<u8> {
    let mut data = id.as_str().as_bytes().to_vec();
    let numbers = segments
        .iter()
        .flat_map(|segment| [segment.number, segment.frames]);
    for number in [0, u64::from(sha512), offset].into_iter().chain(numbers) {
        data.extend_from_slice(&number.to_be_bytes());
    }
    data
}

/// nonce ‖ ciphertext ‖ tag
fn seal(key: &SecretKey, data: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let nonce = [9; 12];
    let key = UnboundKey::new(&AES_256_GCM, key.material()).expect("a key");
    let mut body = plaintext.to_vec();
    let nonce_once = Nonce::assume_unique_for_key(nonce);
    LessSafeKey::new(key)
        .seal_in_place_append_tag(nonce_once, Aad::from(data), &mut body)
        .expect("a seal");
    [nonce.as_slice(), &body].concat()
}
