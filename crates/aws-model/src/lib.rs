//! The wire of the AWS APIs, generated from the pinned botocore models: types, enums, exceptions, constraints and
//! operation tables.
//!
//! This room never decides anything about a registry and never does I/O: it turns bytes into checked values and
//! values into bytes. `cargo xtask codegen` writes [`ecr`], [`iam`], [`organizations`] and [`sts`] from `models/*.json`;
//! everything else is written by hand and small.
//!
//! # What a gateway uses
//!
//! - `Operation` of each service: `ALL`, `name()`, `from_name()`, `iam_action()`, `allowed_exceptions()`, `pagination()`;
//!   where the service has them, `constraint_exception()`, `is_signed()`, `result_wrapper()`. Beside it stand
//!   `TARGET_PREFIX` or `XML_NAMESPACE`, `API_VERSION` and `SIGNING_NAME`.
//! - [`Decode::from_json`] and [`Decode::from_form`] read an input and check required, type, length, range, pattern and
//!   enum in one pass. What they return is proof: a required member is not an `Option`, an enum holds only the model's
//!   values. Their error is [`DecodeError`], which has all that is broken.
//! - [`Request`] ties an input type to its operation and its output type, so that a dispatcher can be generic.
//! - Outputs of JSON services implement `serde::Serialize`: absent members are left out and timestamps are epoch
//!   seconds. Those of query services implement [`WriteXml`], and `Serialize` for audit records, which spell their members
//!   with a small first letter.
//! - `ExceptionKind` of each service has `name()`, the code that clients see, and `http_status()`; `Exception` of a
//!   JSON service is the body of an error answer.
//!
//! # Modules in reading order
//!
//! [`constraint`] (what was violated and how AWS words it), [`decode`] (JSON and forms to values), `rule` (the checks that
//! the generated tables are made of), [`scalar`] (timestamps, blobs, sensitive text), [`xml`] (values to XML),
//! [`operation`], then the services.

pub mod constraint;
pub mod decode;
pub mod ecr;
pub mod iam;
pub mod operation;
pub mod organizations;
mod rule;
pub mod scalar;
pub mod sts;
mod wire_enum;
pub mod xml;

pub use constraint::{Constraint, ConstraintViolation, ConstraintViolations};
pub use decode::{Decode, DecodeError};
pub use operation::{Pagination, Request};
pub use scalar::{Blob, Sensitive, Timestamp};
pub use wire_enum::WireEnum;
pub use xml::{WriteXml, XmlWriter};
