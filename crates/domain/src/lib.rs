//! The words and the rules of a registry.
//!
//! Facts in, decision out: nothing here does I/O, reads a clock, draws randomness or is `async`, so a rule can
//! be proofread and tested by table. In reading order:
//!
//! - [`account`]: accounts, regions, registries — whose things are
//! - [`repository`], [`encryption`], [`mutability`], [`resource_tags`]: what a repository is
//! - [`digest`], [`tag`], [`manifest`], [`image`]: what it holds
//! - [`put_image`], [`latest`], [`upload`]: the rules of a push
//! - [`address`]: which repository a host name and a path mean
//! - [`principal`], [`action`], [`arn`]: who does what to which resource
//! - [`organization`]: how parts of an organization are called, and its quotas
//! - [`settings`]: account settings
//! - [`error`]: the one refusal type that every use case returns

pub mod account;
pub mod action;
pub mod address;
pub mod arn;
pub mod digest;
pub mod encryption;
pub mod error;
pub mod image;
pub mod invalid;
pub mod latest;
pub mod manifest;
pub mod mutability;
pub mod organization;
pub mod principal;
pub mod put_image;
pub mod repository;
pub mod resource_tags;
pub mod sessions;
pub mod settings;
pub mod tag;
pub mod timestamp;
pub mod upload;
pub mod web_identity;

pub use account::{AccountId, Region, Registry};
pub use action::Action;
pub use digest::{Algorithm, Digest};
pub use encryption::{Encryption, EncryptionType};
pub use error::{Error, IamRefusal, OrganizationsRefusal, Refusal, StsRefusal};
pub use image::{ImageIdentifier, ImageKind};
pub use invalid::Invalid;
pub use manifest::Manifest;
pub use mutability::TagMutability;
pub use principal::{Principal, Session, SessionKind, SessionPolicy, SourceKey};
pub use repository::{RepositoryId, RepositoryName};
pub use tag::{Reference, Tag};
pub use timestamp::Timestamp;
pub use upload::UploadId;
