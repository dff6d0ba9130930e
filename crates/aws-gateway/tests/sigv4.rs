//! The signature verifier against three other implementations: the AWS test suite, botocore and `aws-sigv4`.

#![expect(clippy::unwrap_used, reason = "a broken fixture is a failed test")]

#[path = "sigv4/oracle.rs"]
mod oracle;
#[path = "sigv4/properties.rs"]
mod properties;
#[path = "sigv4/refusals.rs"]
mod refusals;
#[path = "sigv4/vectors.rs"]
mod vectors;
