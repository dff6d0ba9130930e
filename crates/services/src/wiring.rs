//! Everything that use cases share, put together once at start.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use ecru_domain::Registry;
use ecru_domain::latest::LatestMode;
use ecru_ports::{AuditTrail, BlobStore, Clock, IdentityTokens, Ids, KeyStore, Metadata, Outbound};

use crate::access::Access;
use crate::audit::Audit;
use crate::collection::Collection;
use crate::explanation::Explanations;
use crate::iam::Iam;
use crate::identity::Identity;
use crate::images::Images;
use crate::keys::Keys;
use crate::layers::Layers;
use crate::organizations::Organizations;
use crate::repositories::Repositories;
use crate::server_keys::ServerKeys;
use crate::sessions::Sessions;
use crate::settings::Settings;
use crate::store::Store;
use crate::sts::Sts;
use crate::tokens::Tokens;
use crate::uploads::Uploads;
use crate::verification::Verification;

/// The adapters that use cases run on.
#[derive(Clone)]
pub struct Outside {
    /// Rows.
    pub metadata: Metadata,
    /// Bytes.
    pub blobs: Arc<dyn BlobStore>,
    /// The root key, and sealing.
    pub keys: Arc<dyn KeyStore>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Identifiers.
    pub ids: Arc<dyn Ids>,
    /// Requests to the outside.
    pub outbound: Arc<dyn Outbound>,
    /// Signatures of tokens that others issued.
    pub identity_tokens: Arc<dyn IdentityTokens>,
    /// The log of every decision.
    pub audit: Arc<dyn AuditTrail>,
}

/// What the operator sets.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The registry that a bare path means: management account and server region.
    pub home: Registry,
    /// How long an unreferenced layer stays; it is reported available in the first half.
    pub layer_grace: Duration,
    /// How long the bytes of a deleted object stay, for requests that are just about to read them.
    pub removal_delay: Duration,
    /// How long an upload lives without a request.
    pub upload_lifetime: Duration,
    /// How `latest` is answered where the registry has no setting of its own.
    pub latest: LatestMode,
}

/// All use cases. Clones share them.
#[derive(Clone)]
pub struct Services {
    all: Arc<UseCases>,
}

impl Deref for Services {
    type Target = UseCases;

    fn deref(&self) -> &UseCases {
        &self.all
    }
}

/// Each use case by its name.
pub struct UseCases {
    /// Who may do what.
    pub access: Access,
    /// The log of what was decided.
    pub audit: Audit,
    /// Whose access key it is.
    pub identity: Identity,
    /// Temporary credentials.
    pub sts: Sts,
    /// Users, roles, groups and policies.
    pub iam: Iam,
    /// Authorization tokens and layer URLs.
    pub tokens: Tokens,
    /// Repositories.
    pub repositories: Repositories,
    /// Images.
    pub images: Images,
    /// Layers.
    pub layers: Layers,
    /// Uploads of layers.
    pub uploads: Uploads,
    /// Registry and account settings.
    pub settings: Settings,
    /// Why somebody may do something.
    pub explanations: Explanations,
    /// Organizations and their accounts.
    pub organizations: Organizations,
    /// Garbage collection.
    pub collection: Collection,
    /// Verification of the whole store.
    pub verification: Verification,
}

impl Services {
    /// Puts the use cases together. Nothing is read yet.
    #[expect(clippy::too_many_lines, reason = "each use case is named once")]
    pub fn new(outside: &Outside, limits: &Limits) -> Self {
        let store = Store::new(outside.metadata.clone());
        let server_keys = ServerKeys::new(store.clone(), outside);
        let keys = Keys::new(store.clone(), outside);
        let access = Access::new(&store);
        let sessions = Sessions::new(store.clone(), server_keys.clone(), outside);
        let identity = Identity::new(
            store.clone(),
            &access,
            server_keys.clone(),
            sessions.clone(),
            outside,
        );
        let tokens = Tokens::new(
            store.clone(),
            access.clone(),
            identity.clone(),
            server_keys,
            sessions.clone(),
            outside,
        );
        let sts = Sts::new(
            access.clone(),
            store.clone(),
            identity.clone(),
            sessions,
            outside,
        );
        let settings = Settings::new(access.clone(), store.clone(), limits.latest);
        let layers = Layers::new(
            access.clone(),
            store.clone(),
            keys.clone(),
            tokens.clone(),
            outside,
            limits,
        );
        let all = UseCases {
            iam: Iam::new(
                access.clone(),
                store.clone(),
                identity.clone(),
                tokens.clone(),
                outside,
            ),
            repositories: Repositories::new(
                access.clone(),
                store.clone(),
                keys.clone(),
                tokens.clone(),
                outside,
            ),
            images: Images::new(
                access.clone(),
                store.clone(),
                keys.clone(),
                settings.clone(),
                tokens.clone(),
                outside,
            ),
            uploads: Uploads::new(
                access.clone(),
                store.clone(),
                keys.clone(),
                layers.clone(),
                outside,
                limits,
            ),
            explanations: Explanations::new(access.clone(), store.clone(), limits.home.clone()),
            organizations: Organizations::new(
                access.clone(),
                store.clone(),
                tokens.clone(),
                outside,
                limits.home.account.clone(),
            ),
            collection: Collection::new(store.clone(), outside, limits),
            audit: Audit::new(access.clone(), outside),
            verification: Verification::new(access.clone(), store, keys, outside),
            access,
            identity,
            sts,
            tokens,
            layers,
            settings,
        };
        Self { all: Arc::new(all) }
    }
}
