//! The OCI API over real adapters, without sockets: exact statuses, headers and bodies.

mod authentication;
mod blobs;
mod layer_links;
mod listing;
mod manifests;
mod mounts;
mod refusals;
mod uploads;
mod world;
