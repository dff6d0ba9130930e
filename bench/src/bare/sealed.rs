//! One pushed file: its bytes hashed, sealed in frames with AES-256-GCM, written in steps, synced at the end.
#![cfg_attr(
    target_os = "linux",
    expect(
        unsafe_code,
        reason = "fallocate and sync_file_range have no wrapper among our dependencies"
    )
)]

use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, anyhow};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use sha2::{Digest, Sha256};

/// Bytes that are hashed and sealed at a time.
pub(super) const BATCH: usize = 256 * 1024;
const FRAME: usize = 64 * 1024;
/// Bytes of a write, as `ecru-blob-store` makes them: larger ones cost more in a virtual machine.
const WRITE_STEP: usize = 128 * 1024;
/// Bytes after which the kernel is asked to write them to the disk.
const WRITEBACK_STEP: u64 = 8 * 1024 * 1024;
/// Bytes for which blocks are set aside at a time.
const RESERVE_STEP: u64 = 64 * 1024 * 1024;

/// A file that is being written.
pub(super) struct SealedFile {
    file: File,
    key: LessSafeKey,
    hasher: Sha256,
    frames: u128,
    /// The tags of the frames, which are written last.
    tags: Vec<u8>,
    written: u64,
    started: u64,
    reserved: u64,
}

impl SealedFile {
    /// A new file, and a key for it alone.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let mut material = [0; 32];
        aws_lc_rs::rand::fill(&mut material).map_err(|_| anyhow!("no random bytes"))?;
        let key = UnboundKey::new(&AES_256_GCM, &material).map_err(|_| anyhow!("no key"))?;
        let file = File::create_new(path).with_context(|| format!("make {}", path.display()))?;
        Ok(Self {
            file,
            key: LessSafeKey::new(key),
            hasher: Sha256::new(),
            frames: 0,
            tags: Vec::new(),
            written: 0,
            started: 0,
            reserved: 0,
        })
    }

    /// Takes bytes, which are sealed in place and not copied.
    pub(super) fn append(&mut self, bytes: &mut [u8]) -> anyhow::Result<()> {
        self.hasher.update(&*bytes);
        for frame in bytes.chunks_mut(FRAME) {
            self.frames += 1;
            let mut nonce = [0; 12];
            nonce.copy_from_slice(&self.frames.to_be_bytes()[4..]);
            let nonce = Nonce::assume_unique_for_key(nonce);
            let tag = self
                .key
                .seal_in_place_separate_tag(nonce, Aad::empty(), frame)
                .map_err(|_| anyhow!("a frame cannot be sealed"))?;
            self.tags.extend_from_slice(tag.as_ref());
        }
        bytes
            .chunks(WRITE_STEP)
            .try_for_each(|step| self.write(step))
    }

    fn write(&mut self, step: &[u8]) -> anyhow::Result<()> {
        if self.written + step.len() as u64 > self.reserved {
            self.reserve()?;
        }
        self.file.write_all(step)?;
        self.written += step.len() as u64;
        if self.written - self.started >= WRITEBACK_STEP {
            self.start_writeback()?;
        }
        Ok(())
    }

    fn reserve(&mut self) -> anyhow::Result<()> {
        let (from, length) = (i64::try_from(self.reserved)?, i64::try_from(RESERVE_STEP)?);
        set_aside(&self.file, from, length);
        self.reserved += RESERVE_STEP;
        Ok(())
    }

    fn start_writeback(&mut self) -> anyhow::Result<()> {
        let waiting = self.written - self.started;
        start_writeback(
            &self.file,
            i64::try_from(self.started)?,
            i64::try_from(waiting)?,
        );
        self.started = self.written;
        Ok(())
    }

    /// Makes the file durable and returns the digest, `sha256:<hex>`.
    pub(super) fn finish(mut self) -> anyhow::Result<String> {
        let tags = std::mem::take(&mut self.tags);
        self.write(&tags)?;
        self.file.set_len(self.written)?;
        self.file.sync_data()?;
        Ok(format!("sha256:{}", hex::encode(self.hasher.finalize())))
    }
}

/// Sets blocks aside. That it failed is told by the write.
#[cfg(target_os = "linux")]
fn set_aside(file: &File, from: i64, length: i64) {
    use std::os::fd::AsRawFd;
    // SAFETY: the descriptor is open as long as the file is; the other arguments are numbers.
    unsafe { libc::fallocate(file.as_raw_fd(), libc::FALLOC_FL_KEEP_SIZE, from, length) };
}

/// Lets the disk begin. That it failed is told by the sync.
#[cfg(target_os = "linux")]
fn start_writeback(file: &File, from: i64, length: i64) {
    use std::os::fd::AsRawFd;
    let how = libc::SYNC_FILE_RANGE_WRITE;
    // SAFETY: the descriptor is open as long as the file is; the other arguments are numbers.
    unsafe { libc::sync_file_range(file.as_raw_fd(), from, length, how) };
}

#[cfg(not(target_os = "linux"))]
fn set_aside(_: &File, _: i64, _: i64) {}

#[cfg(not(target_os = "linux"))]
fn start_writeback(_: &File, _: i64, _: i64) {}
