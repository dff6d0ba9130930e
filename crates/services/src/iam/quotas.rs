//! How much there may be of everything (IAM User Guide, "IAM and AWS STS quotas"). Where AWS raises a quota on request,
//! this is what it raises it to; users and roles may be as many as repositories.

/// Users of an account.
pub const USERS: u64 = 100_000;
/// Roles of an account.
pub const ROLES: u64 = 100_000;
/// Groups of an account.
pub const GROUPS: u64 = 500;
/// Managed policies of an account.
pub const POLICIES: u64 = 10_000;
/// Versions of a managed policy.
pub const VERSIONS: usize = 5;
/// Managed policies attached to one user, role or group.
pub const ATTACHED: usize = 10;
/// Groups of one user.
pub const GROUPS_PER_USER: usize = 10;
/// Access keys of one user.
pub const ACCESS_KEYS: usize = 2;
/// Instance profiles of an account.
pub const INSTANCE_PROFILES: u64 = 5_000;
/// `OpenID` Connect providers of an account.
pub const PROVIDERS: u64 = 700;
/// Client ids of one provider.
pub const CLIENT_IDS: usize = 100;
/// Thumbprints of one provider.
pub const THUMBPRINTS: usize = 5;
/// Pairs of an action and a resource in one simulation.
pub const SIMULATED: usize = 100_000;
