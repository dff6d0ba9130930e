//! Stores objects as encrypted frames, in a directory or wherever segments of bytes can be kept.
//!
//! It never knows a digest's object, a repository or a user: which objects exist is decided by rows
//! elsewhere, and nothing here is renamed, overwritten or deleted on its own account.
//!
//! ```text
//! BlobStore (port)            EncryptedBlobs: writer, reader; frames are sealed and opened here, once
//!      │
//! SegmentStore (internal)     raw sealed bytes: create, append, finish durably, read at, remove
//!      ├── Directory          objects/<2 hex>/<object id>.<segment number>
//!      └── S3ShapedMemory     a bucket with S3's rules: no append, no rename, parts of 5 MiB or more
//! ```
//!
//! Reading order: `frames` (the format), `cipher` and `nonces` (a key and nonce seal once, ever), `writer` with `filling`,
//! `sealer` and `threads`, `reader` with `plan`, `progress` (what an upload remembers), `segments` and its adapters.
//!
//! Memory: a batch is 256 KiB. A writer holds two (one fills while the other is sealed) and, while fewer than 40 are in
//! use in all, up to six more; each of the 32 sealing threads has a buffer that it seals into. A reader needs two (one is
//! given out while the next is fetched). At most 32 unused buffers are kept.

mod buffers;
mod cipher;
mod digests;
mod directory;
mod failure;
mod filling;
mod frames;
mod kernel;
mod nonces;
mod open_reads;
mod plan;
mod progress;
mod reader;
mod s3_shaped;
mod sealer;
mod segments;
mod store;
mod threads;
mod writer;

#[cfg(test)]
mod nonce_tests;
#[cfg(test)]
mod rigged_tests;

pub use directory::Directory;
pub use s3_shaped::{Bucket, S3ShapedMemory};
pub use store::EncryptedBlobs;

/// The default blob store: files in a directory.
pub type DirectoryBlobs = EncryptedBlobs<Directory>;

/// A blob store in memory under the rules of S3, for tests and as the shape a bucket adapter must fit.
pub type S3ShapedBlobs = EncryptedBlobs<S3ShapedMemory>;
