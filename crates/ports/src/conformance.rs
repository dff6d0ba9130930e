//! The suites that hold adapters to the contracts of the traits.

pub mod blobs;
pub mod metadata;
