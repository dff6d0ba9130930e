//! Speaks the AWS APIs: verifies signatures, decodes requests and encodes answers.
//!
//! It never decides anything about a registry: rules live in the domain, deeds in the services. In reading order:
//!
//! - [`protocol`], [`exception`]: the two wire dialects, and what both can refuse with
//! - [`sigv4`]: who signed a request, and whether the signature is right
//! - [`routing`]: which service and operation a request names, and how large its body may be
//! - [`body_budget`]: request bodies, read into one bounded amount of memory
//! - [`json_protocol`], [`query_protocol`]: decoding and encoding of each dialect
//!
//! A request passes them in this order, and nothing is read from an anonymous one:
//!
//! ```text
//!   SignedRequest::parse ▶ precheck ▶ route ▶ check_scope ▶ access key and token looked up
//!     ▶ BodyBudget::read ▶ verify ▶ decode ▶ use case ▶ success or error
//! ```

pub mod body_budget;
pub mod exception;
pub mod json_protocol;
pub mod protocol;
pub mod query_protocol;
pub mod routing;
pub mod sigv4;
