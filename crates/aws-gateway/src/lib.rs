//! Speaks the AWS APIs: verifies signatures, decodes requests and encodes answers.
//!
//! It never decides anything about a registry: rules live in the domain, deeds in the services. In reading order:
//!
//! - [`AwsGateway`]: the entry; `authentication`: who sent a request; `unsigned`: what nobody has to sign; `drain`: what
//!   becomes of a body that is not wanted
//! - `dispatch`, and the files of that name in `iam`, `sts`, `organizations`: which handler answers which operation;
//!   beside them and in `ecr`, `administration`: the handlers; `run`: what stands between the two
//! - `audit`: what is recorded of a request
//! - `errors`: the one map from refusals to exceptions
//! - [`registry_uri`]: the addresses that leave in answers; [`response`]: bodies of answers
//! - [`protocol`], [`exception`]: the two wire dialects, and what both can refuse with
//! - [`sigv4`]: who signed a request, and whether the signature is right
//! - [`routing`]: which service and operation a request names, and how large its body may be
//! - [`body_budget`]: request bodies, read into one bounded amount of memory; `answer_budget`: the same for large
//!   answers
//! - [`json_protocol`], [`query_protocol`]: decoding and encoding of each dialect
//!
//! A request passes them in this order, and nothing is read from an anonymous one but a short form that may ask for
//! what needs no signature:
//!
//! ```text
//!   SignedRequest::parse ▶ precheck ▶ route ▶ check_scope ▶ access key and token looked up
//!     ▶ BodyBudget::read ▶ verify ▶ decode ▶ use case ▶ success or error
//! ```

mod administration;
mod answer_budget;
mod audit;
mod authentication;
pub mod body_budget;
mod call;
mod dispatch;
mod drain;
mod ecr;
mod errors;
pub mod exception;
pub mod gateway;
mod iam;
pub mod json_protocol;
mod organizations;
pub mod protocol;
pub mod query_protocol;
pub mod registry_uri;
pub mod response;
pub mod routing;
mod run;
pub mod sigv4;
mod sts;
mod unsigned;

pub use gateway::{AwsGateway, ConnectionInfo};
pub use registry_uri::AwsConfig;
pub use response::{ResponseBody, RouteName};
