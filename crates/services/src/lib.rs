//! Use cases: what Ecru does, whichever protocol asked.
//!
//! Each reads as a list: authorize (get a [`Permit`]), load facts, decide (a rule of `ecru-domain`), store,
//! commit. Nothing here knows HTTP, SQL, a file path or a cipher. In reading order:
//!
//! - [`access`]: the request's context, `authorize` and the permit, which alone opens the store
//! - [`audit`]: the log of every decision
//! - [`identity`]: whose access key signed; first start
//! - [`sessions`], [`sts`]: temporary credentials, and who gets them
//! - [`tokens`]: authorization tokens, layer URLs, page tokens
//! - [`keys`]: the keys of repositories, and data keys under them
//! - [`repositories`], [`images`], [`layers`], [`uploads`], [`settings`]: what the ECR API and `/v2/` offer
//! - [`explanation`]: why somebody may do something
//! - [`organizations`]: accounts, and the policies that bind them
//! - [`iam`]: users, roles, groups, policies
//! - [`collection`]: online garbage collection and other jobs
//! - [`verification`]: re-reads everything

pub mod access;
pub mod audit;
pub mod collection;
pub mod explanation;
pub mod iam;
pub mod identity;
pub mod images;
pub mod keys;
pub mod layers;
pub mod organizations;
pub mod page;
mod remembered;
pub mod repositories;
pub mod server_keys;
pub mod sessions;
pub mod settings;
pub mod store;
pub mod sts;
pub mod tokens;
pub mod uploads;
pub mod verification;
pub mod wiring;

pub use access::{
    Access, DecisionNote, Decisions, Demand, Permit, RequestContext, RequestOrigin, Resource,
};
pub use audit::Audit;
pub use page::{Page, PageRequest};
pub use wiring::{Limits, Outside, Services};
