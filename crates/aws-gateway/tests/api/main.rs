//! The APIs in one process on real adapters (SQLite, a directory, a key file), with requests signed by `aws-sigv4`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a broken fixture or answer is a failed test"
)]

mod administration;
mod audit;
mod authentication;
mod coverage;
mod iam;
mod identity;
mod images;
mod layers;
mod oracle;
mod organizations;
mod paging;
mod people;
mod registry;
mod repositories;
mod sessions;
mod sweep;
mod world;
