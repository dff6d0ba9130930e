//! Identities: what accounts keep of users, roles, groups, policies and providers (IAM API Reference).
//!
//! - [`records`]: what stands in the documents of their rows
//! - [`managed_policies`]: the policies that AWS keeps for everyone

pub(crate) mod managed_policies;
pub(crate) mod records;
