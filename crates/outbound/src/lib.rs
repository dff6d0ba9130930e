//! Requests to the outside: where they may go, and that they end.
//!
//! Others say where (the issuer of an identity provider), so nothing here trusts a name: it is resolved once, each
//! address is checked, and the connection is made to one that was. It never follows a redirect, never sends a secret,
//! and never waits or reads without end.
//!
//! Reading order: [`allowed`] (what the operator lists), `addresses` (what is never reached otherwise), `target` (what a
//! URL means), [`GuardedHttp`] (the port).

mod addresses;
pub mod allowed;
mod guarded_http;
mod target;

pub use allowed::EgressAllow;
pub use guarded_http::{GuardedHttp, NoTrust};
