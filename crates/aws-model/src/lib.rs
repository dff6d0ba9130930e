//! The wire of the AWS APIs, generated from the pinned botocore models: types, enums, exceptions, constraints and
//! operation tables.
//!
//! This room never decides anything about a registry and never does I/O: it turns bytes into checked values and
//! values into bytes. `cargo xtask codegen` writes [`ecr`] and [`sts`] from `models/*.json`; everything else is
//! written by hand and small.
//!
//! # What a gateway uses
//!
//! - [`ecr::Operation`]: `ALL`, `name()`, `from_name()`, `iam_action()`, `allowed_exceptions()`, `pagination()`,
//!   `constraint_exception()`; [`ecr::TARGET_PREFIX`], [`ecr::SIGNING_NAME`].
//! - [`Decode::from_json`] reads an input and checks required, type, length, range, pattern and enum in one pass.
//!   What it returns is proof: a required member is not an `Option`, an enum holds only the model's values. Its error
//!   is [`DecodeError`]: `Serialization` becomes `SerializationException`, `Constraint` becomes the exception of
//!   `Operation::constraint_exception()` with the violation's `Display` text.
//! - [`Request`] ties an input type to its operation and its output type, so that a dispatcher can be generic.
//! - Outputs implement `serde::Serialize`; absent members are left out and timestamps are epoch seconds.
//! - [`ecr::Exception`] is the body of an error answer, `ecr::ExceptionKind::http_status()` its status.
//! - [`sts::GetCallerIdentityResponse::elements`], [`sts::XML_NAMESPACE`] and `sts::Operation::result_wrapper()` are
//!   what an awsQuery answer needs.
//!
//! # Modules in reading order
//!
//! [`constraint`] (what was violated and how AWS words it), [`decode`] (JSON to values), `rule` (the checks that the
//! generated tables are made of), [`scalar`] (timestamps, blobs, sensitive text), [`operation`], then the services.

pub mod constraint;
pub mod decode;
pub mod ecr;
pub mod operation;
mod rule;
pub mod scalar;
pub mod sts;
mod wire_enum;

pub use constraint::{Constraint, ConstraintViolation};
pub use decode::{Decode, DecodeError};
pub use operation::{Pagination, Request};
pub use scalar::{Blob, Sensitive, Timestamp};
pub use wire_enum::WireEnum;
