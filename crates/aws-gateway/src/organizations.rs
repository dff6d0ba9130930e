//! The Organizations API (awsJson 1.1, version 2016-11-28), a file for each family of operations.
//!
//! - `dispatch`: the table of contents
//! - [`organization`]: the organization itself

mod dispatch;
mod organization;

pub(crate) use dispatch::answer;
