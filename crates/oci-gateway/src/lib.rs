//! Speaks the OCI distribution API under `/v2/`, and serves the layer links of the ECR API under `/layer/`.
//!
//! It decides nothing about a registry: a handler decodes, calls one use case and encodes. In reading order:
//!
//! - [`gateway`]: the entry: route, authenticate, dispatch, answer
//! - [`routes`], [`paths`], [`query`]: which operation a request names
//! - [`authentication`]: whose token it carries
//! - `dispatch`: which handler answers which operation
//! - `audit`: what is recorded of a request
//! - [`errors`]: the one map from refusals to OCI codes and statuses
//! - [`bodies`], [`response`]: bytes in and bytes out, streamed
//! - `manifests`, `blobs`, `uploads`, `tags`, `catalog`, `referrers`, `layer_links`: the handlers
//! - [`range`], [`content_range`], [`listing`], [`links`]: positions, in headers and queries

mod audit;
pub mod authentication;
mod blobs;
pub mod bodies;
mod call;
mod catalog;
pub mod content_range;
mod dispatch;
pub mod errors;
pub mod gateway;
mod layer_links;
pub mod links;
pub mod listing;
mod manifests;
pub mod paths;
pub mod query;
pub mod range;
mod referrers;
pub mod response;
pub mod routes;
mod tags;
mod uploads;

pub use gateway::{ConnectionInfo, OciConfig, OciGateway};
pub use response::{ResponseBody, RouteName};
