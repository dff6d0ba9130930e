//! The OCI API over real adapters, without sockets: exact statuses, headers and bodies.

#![expect(
    clippy::unwrap_used,
    reason = "what the helpers of a test do not expect fails the test"
)]

mod audit;
mod authentication;
mod blobs;
mod layer_links;
mod listing;
mod manifests;
mod mounts;
mod refusals;
mod uploads;
mod world;
