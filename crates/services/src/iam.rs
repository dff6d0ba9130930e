//! Identities: what accounts keep of users, roles, groups, policies and providers (IAM API Reference).
//!
//! Every operation is authorized on the ARN of its target before anything is told of it, and changes what it changes in
//! one transaction that begins by announcing it. In reading order:
//!
//! - `records`: what stands in the documents of their rows
//! - `targets`: what a request is about, and its permit
//! - `lists`, `refusals`, [`quotas`], `unique_ids`: what all of them share
//! - [`users`], [`roles`], [`groups`], [`descriptions`]: identities, and what is told of them
//! - [`policies`], [`policy_versions`], [`attachments`], [`inline_policies`], `boundaries`: what they may do
//! - `principals_in_policies`: whom policies of resources name, as unique ids and as ARNs
//! - `managed_policies`: the policies that AWS keeps for everyone
//! - [`access_keys`], [`login_profiles`], [`passwords`]: how they prove who they are
//! - `last_uses`: when keys and roles were last used
//! - [`oidc_providers`], [`instance_profiles`], [`tags`], [`account`], [`authorization_details`]: all else
//! - [`simulation`]: what would be decided

pub mod access_keys;
pub mod account;
pub mod attachments;
pub mod authorization_details;
mod boundaries;
pub mod descriptions;
pub mod groups;
pub mod inline_policies;
pub mod instance_profiles;
mod last_uses;
mod lists;
pub mod login_profiles;
pub(crate) mod managed_policies;
pub mod oidc_providers;
pub mod passwords;
pub mod policies;
pub mod policy_versions;
pub(crate) mod principals_in_policies;
pub mod quotas;
pub(crate) mod records;
mod refusals;
pub mod roles;
pub mod simulation;
pub mod tags;
mod targets;
pub(crate) mod unique_ids;
pub mod users;

use std::sync::Arc;

use ecru_ports::{Clock, Ids, KeyStore};

pub use self::descriptions::IdentityKind;
use self::last_uses::LastUses;
use self::passwords::Passwords;
use crate::access::Access;
use crate::identity::Identity;
use crate::store::Store;
use crate::tokens::Tokens;

/// Users, roles, groups, policies, and what belongs to them.
#[derive(Clone)]
pub struct Iam {
    access: Access,
    store: Store,
    identity: Identity,
    tokens: Tokens,
    passwords: Passwords,
    last_uses: Arc<LastUses>,
    keys: Arc<dyn KeyStore>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl Iam {
    /// Over the store.
    pub fn new(
        access: Access,
        store: Store,
        identity: Identity,
        tokens: Tokens,
        outside: &crate::Outside,
    ) -> Self {
        Self {
            access,
            store,
            identity,
            tokens,
            passwords: Passwords::new(),
            last_uses: Arc::default(),
            keys: Arc::clone(&outside.keys),
            clock: Arc::clone(&outside.clock),
            ids: Arc::clone(&outside.ids),
        }
    }
}
