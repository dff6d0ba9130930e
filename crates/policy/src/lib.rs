//! The IAM policy language of AWS as a library: documents are read once into a compiled form, and [`decide()`] says
//! whether a request is allowed by all the layers of policies that bind it, and which statement of which layer
//! decided.
//!
//! Facts in, decision out: nothing here does I/O, reads a clock or is `async`. What a request carries (its address,
//! time, tags) is given as a [`Context`] and taken as complete: nothing is derived from anything else.
//!
//! ```
//! use ecru_policy::{Context, Document, Layers, Outcome, Policy, Principal, Request, decide};
//!
//! let policy = Policy::parse(
//!     r#"{"Version": "2012-10-17", "Statement": {"Sid": "Own", "Effect": "Allow", "Action": "ecr:*",
//!         "Resource": "arn:aws:ecr:*:111122223333:repository/${aws:username}/*"}}"#,
//! )?;
//! let identity = [Document::new("inline", policy)];
//! let layers = Layers { identity: &identity, ..Layers::default() };
//!
//! let alice = Principal::parse("arn:aws:iam::111122223333:user/alice")?;
//! let mut context = Context::new();
//! context.set("aws:username", "alice");
//! let mut request = Request {
//!     principal: &alice,
//!     action: "ecr:PutImage",
//!     resource: "arn:aws:ecr:us-east-1:111122223333:repository/alice/tools",
//!     resource_account: "111122223333",
//!     context: &context,
//! };
//! let decision = decide(&layers, &request);
//! assert_eq!(decision.outcome, Outcome::Allowed);
//! assert_eq!(decision.statement.unwrap().sid.as_deref(), Some("Own"));
//!
//! request.resource = "arn:aws:ecr:us-east-1:111122223333:repository/bob/tools";
//! let decision = decide(&layers, &request);
//! assert_eq!(
//!     decision.reason(request.action),
//!     " because no identity-based policy allows the ecr:PutImage action"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Hostile documents cost little: text has a bound ([`policy::MAX_TEXT`]), nothing recurses however deep it nests,
//! and patterns are matched without trying anything twice. Nothing panics.
//!
//! In reading order:
//!
//! - [`policy`]: a document in compiled form, and its statements; [`places`]: where those stand in its text
//! - [`validate`](mod@validate): what may be saved as which kind of document, with the texts of AWS
//! - [`rewrite`]: names of principals in a document, and others put in their place
//! - [`principal`], [`context`], [`layers`]: what a request is and what binds it
//! - [`decide`](mod@decide): the decision, and [`explain`](mod@explain): why it is so

mod condition;
pub mod context;
pub mod decide;
pub mod explain;
mod json;
pub mod layers;
mod pattern;
pub mod places;
pub mod policy;
pub mod principal;
mod resource;
pub mod rewrite;
mod sieve;
mod stated;
mod statement;
mod syntax;
pub mod validate;

pub use condition::Network;
pub use context::{Context, Value};
pub use decide::{Decision, Outcome, StatementRef, decide};
pub use explain::{Explanation, Failed, LayerExplanation, StatementExplanation, explain};
pub use layers::{Document, Layer, Layers, Level, Request};
pub use places::{Place, Position};
pub use policy::{Effect, Malformed, Policy, Statement, Version};
pub use principal::{Principal, PrincipalKind};
pub use rewrite::{principals, rewrite_principals};
pub use stated::Grade;
pub use validate::{DocumentKind, Finding, Validated, Warning, document_size, validate};
