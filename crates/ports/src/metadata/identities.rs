//! Rows of IAM and Organizations: accounts, users, roles, groups, policies, providers, units, and what joins them; access
//! keys; policies of repositories.
//!
//! ```text
//! entity (account, kind, key) ──▶ id ──▶ documents by name (inline policies, versions)
//!                                  └───▶ links to other ids or ARNs (attachments, memberships), readable from both ends
//! ```
//!
//! What an entity is beyond its name, a use case writes into its `document`; the engine does not look inside. Each account
//! has a version that every change to its identities raises: what was read at one version holds while it stands.

use ecru_domain::{AccountId, RepositoryId, Timestamp};

use super::{AccessKeyRecord, StoreError};

macro_rules! stored_words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// The value in rows.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// What that value in rows means.
            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

stored_words! {
    /// What an entity is.
    EntityKind {
        /// An account; its own id is the key.
        Account = "account",
        /// An IAM user.
        User = "user",
        /// An IAM role.
        Role = "role",
        /// An IAM group.
        Group = "group",
        /// A managed policy of an account.
        Policy = "policy",
        /// A provider of identities.
        OidcProvider = "oidc-provider",
        /// An instance profile.
        InstanceProfile = "instance-profile",
        /// The alias of an account.
        AccountAlias = "account-alias",
        /// An organization, kept by its management account.
        Organization = "organization",
        /// A unit of an organization.
        OrganizationalUnit = "organizational-unit",
        /// A service or resource control policy.
        OrganizationPolicy = "organization-policy",
        /// How far the making of an account has got.
        AccountCreation = "account-creation",
        /// The mail address of an account that an organization made: no two have the same.
        AccountEmail = "account-email",
    }
}

stored_words! {
    /// What a named document of an entity is.
    DocumentKind {
        /// A policy embedded in a user, role or group, by its name.
        InlinePolicy = "inline-policy",
        /// A version of a managed policy, by its id.
        PolicyVersion = "policy-version",
        /// How a user signs in to the console.
        LoginProfile = "login-profile",
        /// What passwords of an account must have in them; the account's own id is the entity's.
        PasswordPolicy = "password-policy",
    }
}

stored_words! {
    /// What joins two entities.
    LinkKind {
        /// From a user, role or group to the ARN of a managed policy.
        AttachedPolicy = "attached-policy",
        /// From a user or role to the ARN of the managed policy that bounds it.
        Boundary = "boundary",
        /// From a user to a group.
        Membership = "membership",
        /// From an instance profile to its role.
        ProfileRole = "profile-role",
        /// From an account or unit to what it is in.
        Parent = "parent",
        /// From a root, unit or account to a policy of its organization.
        TargetPolicy = "target-policy",
        /// From a root, unit or account to a policy that is attached to everything at first, and no longer to it.
        DetachedPolicy = "detached-policy",
        /// From an account to its organization.
        OrganizationMember = "organization-member",
    }
}

/// A named thing of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityRecord {
    /// Whose.
    pub account: AccountId,
    /// What it is.
    pub kind: EntityKind,
    /// By what it is found, unique among its kind in the account: IAM names with letters in lower case.
    pub key: String,
    /// Its unique id: never given twice.
    pub id: String,
    /// Where lists by path show it; `/` for what has no path.
    pub path: String,
    /// All else, in a form of the use case.
    pub document: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A document that an entity has under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedDocument {
    /// Its name.
    pub name: String,
    /// Its text.
    pub document: String,
}

/// Where a list by path goes on: after this path and key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPosition {
    /// The path of the last entity of the page before.
    pub path: String,
    /// Its key.
    pub key: String,
}

/// Which entities a list shows.
#[derive(Clone, Copy, Debug)]
pub struct EntityList<'a> {
    /// Of which account.
    pub account: &'a AccountId,
    /// Of which kind.
    pub kind: EntityKind,
    /// Only those whose path begins so; `/` or nothing for all.
    pub path_prefix: &'a str,
    /// Only those after this place.
    pub after: Option<&'a PathPosition>,
    /// At most so many.
    pub limit: u32,
}

/// When and for what an access key or a role was last used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastUse {
    /// When.
    pub at: Timestamp,
    /// The signing name of the service.
    pub service: String,
    /// The region of the request.
    pub region: String,
}

/// Reads of identities.
pub trait ReadIdentities {
    /// The entity of that key.
    fn find_entity(
        &mut self,
        account: &AccountId,
        kind: EntityKind,
        key: &str,
    ) -> Result<Option<EntityRecord>, StoreError>;
    /// The entity of that id.
    fn entity(&mut self, id: &str) -> Result<Option<EntityRecord>, StoreError>;
    /// Entities by path and key.
    fn list_entities(&mut self, list: EntityList<'_>) -> Result<Vec<EntityRecord>, StoreError>;
    /// How many entities of a kind an account has. Constant time.
    fn count_entities(&mut self, account: &AccountId, kind: EntityKind) -> Result<u64, StoreError>;
    /// One document of an entity.
    fn entity_document(
        &mut self,
        id: &str,
        kind: DocumentKind,
        name: &str,
    ) -> Result<Option<String>, StoreError>;
    /// Documents of an entity by name.
    fn entity_documents(
        &mut self,
        id: &str,
        kind: DocumentKind,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<NamedDocument>, StoreError>;
    /// What an entity is joined to, in byte order.
    fn links_from(
        &mut self,
        source: &str,
        kind: LinkKind,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError>;
    /// Ids of the entities that are joined to a target, in byte order.
    fn links_to(
        &mut self,
        target: &str,
        kind: LinkKind,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError>;
    /// How many entities are joined to a target. Constant time.
    fn count_links_to(&mut self, target: &str, kind: LinkKind) -> Result<u64, StoreError>;
    /// How often the identities of an account were changed.
    fn identity_version(&mut self, account: &AccountId) -> Result<u64, StoreError>;
    /// An access key.
    fn find_access_key(&mut self, id: &str) -> Result<Option<AccessKeyRecord>, StoreError>;
    /// The access keys of a principal.
    fn access_keys_of(&mut self, principal_arn: &str) -> Result<Vec<AccessKeyRecord>, StoreError>;
    /// When an access key, or a role by its unique id, was last used, if it was noted.
    fn last_use(&mut self, id: &str) -> Result<Option<LastUse>, StoreError>;
    /// The policy of a repository.
    fn repository_policy(
        &mut self,
        repository: &RepositoryId,
    ) -> Result<Option<String>, StoreError>;
    /// A session's context, by its hash.
    fn session_context(&mut self, hash: &str) -> Result<Option<String>, StoreError>;
}

/// Changes to identities.
pub trait WriteIdentities: ReadIdentities {
    /// Announces a change to identities of an account. Every closure that changes any of them calls this first.
    fn change_identities(&mut self, account: &AccountId) -> Result<(), StoreError>;
    /// Adds an entity and counts it. `false` if its key or id is taken.
    fn insert_entity(&mut self, entity: &EntityRecord) -> Result<bool, StoreError>;
    /// Replaces key, path and document of the entity of that id. `false` if another one has the key.
    fn update_entity(&mut self, entity: &EntityRecord) -> Result<bool, StoreError>;
    /// Removes an entity and uncounts it; its documents and links must be gone. `false` if it was not there.
    fn delete_entity(&mut self, id: &str) -> Result<bool, StoreError>;
    /// Sets a document of an entity.
    fn put_entity_document(
        &mut self,
        id: &str,
        kind: DocumentKind,
        document: &NamedDocument,
    ) -> Result<(), StoreError>;
    /// Removes a document. `false` if it was not there.
    fn delete_entity_document(
        &mut self,
        id: &str,
        kind: DocumentKind,
        name: &str,
    ) -> Result<bool, StoreError>;
    /// Joins and counts. `false` if they were joined already.
    fn insert_link(
        &mut self,
        source: &str,
        kind: LinkKind,
        target: &str,
    ) -> Result<bool, StoreError>;
    /// Parts and uncounts. `false` if they were not joined.
    fn delete_link(
        &mut self,
        source: &str,
        kind: LinkKind,
        target: &str,
    ) -> Result<bool, StoreError>;
    /// Adds an access key.
    fn insert_access_key(&mut self, key: &AccessKeyRecord) -> Result<(), StoreError>;
    /// Removes an access key, if there.
    fn delete_access_key(&mut self, id: &str) -> Result<(), StoreError>;
    /// Lets an access key sign, or not. `false` if it is not there.
    fn set_access_key_active(&mut self, id: &str, active: bool) -> Result<bool, StoreError>;
    /// Gives the access keys of a principal to its new ARN.
    fn rename_access_keys(&mut self, old_arn: &str, new_arn: &str) -> Result<(), StoreError>;
    /// Notes a use, unless a later one is noted.
    fn record_last_use(&mut self, id: &str, last: &LastUse) -> Result<(), StoreError>;
    /// Sets the policy of a repository, or removes it.
    fn set_repository_policy(
        &mut self,
        id: &RepositoryId,
        policy: Option<&str>,
    ) -> Result<(), StoreError>;
    /// Keeps a session's context under its hash until `expires_at` at least.
    fn put_session_context(
        &mut self,
        hash: &str,
        document: &str,
        expires_at: Timestamp,
    ) -> Result<(), StoreError>;
    /// Removes up to `limit` contexts of sessions that ended before `now`. Returns how many.
    fn delete_expired_session_contexts(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError>;
}
