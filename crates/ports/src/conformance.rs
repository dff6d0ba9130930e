//! The suites that hold adapters to the contracts of the traits.

pub mod audit;
pub mod blobs;
pub mod metadata;
