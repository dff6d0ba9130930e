//! Identities: what accounts keep of users, roles, groups, policies and providers (IAM API Reference).
//!
//! - [`records`]: what stands in the documents of their rows
//! - [`principals_in_policies`]: whom policies of resources name, as unique ids and as ARNs
//! - [`managed_policies`]: the policies that AWS keeps for everyone

pub(crate) mod managed_policies;
pub(crate) mod principals_in_policies;
pub(crate) mod records;
