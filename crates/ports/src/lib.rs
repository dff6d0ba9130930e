//! What use cases need from the outside world, as traits with contracts.
//!
//! Adapters (floor 2) implement them; each trait has a conformance suite (feature `conformance`) that every
//! adapter runs. In reading order:
//!
//! - [`clock`]: time and identifiers
//! - [`metadata`]: rows, in transactions
//! - [`blobs`]: encrypted bytes
//! - [`keys`]: the root key, and sealing
//! - [`outbound`]: requests to the outside
//! - [`identity_tokens`]: signatures of tokens that others issued
//! - [`audit`]: the log of every decision
//!
//! Under the feature `models`, `modelled` stands in for threads and locks.

pub mod audit;
pub mod blobs;
pub mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod identity_tokens;
pub mod keys;
pub mod metadata;
#[cfg(feature = "models")]
pub mod modelled;
pub mod outbound;

pub use audit::{AuditError, AuditHead, AuditReport, AuditTrail};
pub use blobs::{BlobError, BlobStore, DataKey, ObjectId, StoredObject};
pub use clock::{Clock, Ids};
pub use identity_tokens::{IdentityTokens, TokenProblem};
pub use keys::{KeyError, KeyStore, SecretKey};
pub use metadata::{Metadata, StoreError};
pub use outbound::{FetchLimits, Outbound, OutboundError};
