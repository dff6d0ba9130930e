//! Rows, as use cases see them.

use ecru_domain::repository::Repository;
use ecru_domain::{AccountId, Digest, ImageKind, Registry, RepositoryId, Tag, Timestamp, UploadId};

use crate::blobs::{ObjectId, StoredObject, WriteProgress};

/// An image without its manifest bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRecord {
    /// Identifies this storing of the digest: pushed again after a delete, it is another one.
    pub id: String,
    /// SHA-256 (or, where a client pushed by it, SHA-512) of the manifest bytes.
    pub digest: Digest,
    /// Of the manifest.
    pub media_type: String,
    /// Image, index or artifact.
    pub kind: ImageKind,
    /// `artifactType` of the manifest, else its configuration's media type.
    pub artifact_media_type: Option<String>,
    /// Bytes of the manifest.
    pub manifest_size: u64,
    /// `imageSizeInBytes`.
    pub size: u64,
    /// When the digest was first pushed.
    pub pushed_at: Timestamp,
    /// When it was last pulled, as far as recorded.
    pub last_pulled_at: Option<Timestamp>,
    /// The manifest it refers to.
    pub subject: Option<Digest>,
    /// Whether a tag points to it.
    pub is_tagged: bool,
    /// Its place among the pushes by tag that count for `latest`; `None` if it never was one.
    pub latest_sequence: Option<i64>,
}

/// The manifest bytes of an image, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedManifest {
    /// The manifest's own data key, wrapped for its repository.
    pub wrapped_key: Vec<u8>,
    /// The bytes, sealed under that key.
    pub sealed: Vec<u8>,
}

/// What a manifest needs to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceKind {
    /// A layer or configuration.
    Layer,
    /// A manifest of an index.
    Manifest,
}

impl ReferenceKind {
    /// The value in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Layer => "layer",
            Self::Manifest => "manifest",
        }
    }
}

/// One reference of an image to a layer or another image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceRecord {
    /// What is needed.
    pub target: Digest,
    /// Layer or manifest.
    pub kind: ReferenceKind,
    /// The media type that the descriptor names.
    pub media_type: String,
}

/// A tag and the image it points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagRecord {
    /// The tag.
    pub name: Tag,
    /// The image.
    pub digest: Digest,
}

/// A layer in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerRecord {
    /// By which it is asked for: SHA-256, or SHA-512 if it was pushed so.
    pub digest: Digest,
    /// The object that holds its bytes.
    pub object: ObjectId,
    /// Bytes of plaintext.
    pub size: u64,
    /// The object's data key, wrapped for this repository.
    pub wrapped_key: Vec<u8>,
    /// When it was uploaded, mounted, or lost its last reference. Counts only while no image refers to it.
    pub idle_since: Timestamp,
}

/// A layer with what images say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerUse {
    /// The layer.
    pub layer: LayerRecord,
    /// The media type under which an image refers to it; `None` if no image does.
    pub referenced_as: Option<String>,
}

/// How much is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectTotals {
    /// Objects that rows refer to.
    pub objects: u64,
    /// Their plaintext bytes.
    pub bytes: u64,
}

/// An object that rows refer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRecord {
    /// How to read it back.
    pub stored: StoredObject,
    /// Where equal content is shared: account, region and key.
    pub domain: String,
    /// SHA-256 of its plaintext.
    pub sha256: Digest,
}

/// Bytes to be removed, after the transaction that doomed them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoomedObject {
    /// The object.
    pub object: ObjectId,
    /// The highest segment number it may have.
    pub last_segment: u64,
}

/// An upload session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRecord {
    /// Its id.
    pub id: UploadId,
    /// The repository it belongs to.
    pub repository: RepositoryId,
    /// The object it writes.
    pub object: ObjectId,
    /// The object's data key, wrapped for the repository.
    pub wrapped_key: Vec<u8>,
    /// Whether SHA-512 is computed as well.
    pub sha512: bool,
    /// Counts the requests that were allowed to write a segment. A request whose epoch is past cannot commit.
    pub epoch: u64,
    /// What is durable; `None` before the first byte.
    pub progress: Option<WriteProgress>,
    /// How many API parts were received.
    pub parts: u64,
    /// The number (from 1) of the first part below the minimum size; it must turn out to be the last.
    pub first_short_part: Option<u64>,
    /// When it is forgotten if nothing comes.
    pub expires_at: Timestamp,
}

/// Who owns a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOrigin {
    /// The registry: `AES256`.
    Service,
    /// `alias/aws/ecr` of the account: `KMS` without a key.
    AwsManaged,
    /// A key made through the KMS API.
    Customer,
}

impl KeyOrigin {
    /// The value in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "SERVICE",
            Self::AwsManaged => "AWS_MANAGED",
            Self::Customer => "CUSTOMER",
        }
    }

    /// The origin of that value.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Service, Self::AwsManaged, Self::Customer]
            .into_iter()
            .find(|origin| origin.as_str() == text)
    }
}

/// A key that wraps data keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// A UUID.
    pub id: String,
    /// Whose.
    pub registry: Registry,
    /// Made by whom.
    pub origin: KeyOrigin,
    /// Whether it may be used.
    pub enabled: bool,
    /// The current version; data keys name the version that wrapped them.
    pub version: u32,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A key of the server itself: tokens, pages, URLs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerKeyRecord {
    /// A short random id; tokens carry it.
    pub id: String,
    /// The material, sealed under the root key.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// After this time it opens nothing any more; `None` for the current one.
    pub retires_at: Option<Timestamp>,
}

/// A long-term access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKeyRecord {
    /// `AKIA…`
    pub id: String,
    /// The account.
    pub account: AccountId,
    /// ARN of the principal it belongs to.
    pub principal_arn: String,
    /// Unique id of that principal.
    pub principal_unique_id: String,
    /// The secret, sealed under the root key with the id as context.
    pub sealed_secret: Vec<u8>,
    /// Whether it may sign.
    pub active: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Which images a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum TagStatus {
    /// All.
    #[default]
    Any,
    /// Those with a tag.
    Tagged,
    /// Those without.
    Untagged,
}

/// Work that must be done some time after the transaction that asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRecord {
    /// Its id.
    pub id: String,
    /// What to do.
    pub kind: JobKind,
    /// About which repository.
    pub repository: RepositoryId,
    /// About what there: the digest of a layer, the id of an image; empty for the repository itself.
    pub subject: String,
    /// Not before.
    pub run_at: Timestamp,
}

/// What jobs do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// Collect a layer if nothing refers to it (again).
    CollectLayer,
    /// Remove what a deleted image leaves: its references.
    DrainImage,
    /// Remove what a deleted repository leaves.
    DrainRepository,
}

impl JobKind {
    /// The value in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CollectLayer => "collect-layer",
            Self::DrainImage => "drain-image",
            Self::DrainRepository => "drain-repository",
        }
    }

    /// The kind of that value.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::CollectLayer, Self::DrainImage, Self::DrainRepository]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// What a request adds to an upload session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadAdvance {
    /// The new progress.
    pub progress: WriteProgress,
    /// API parts received, this one included.
    pub parts: u64,
    /// The number (from 1) of the first part below the minimum size.
    pub first_short_part: Option<u64>,
    /// The new expiry.
    pub expires_at: Timestamp,
}

/// What a push is about to store.
#[derive(Clone, Copy, Debug)]
pub struct PushQuestion<'a> {
    /// The digest of its manifest.
    pub digest: &'a Digest,
    /// The tags to be set.
    pub tags: &'a [Tag],
    /// What must be in the repository.
    pub references: &'a [ReferenceRecord],
    /// The registry, and the name of the setting wanted.
    pub setting: (&'a Registry, &'a str),
}

/// A new image as its push leaves it.
#[derive(Clone, Copy, Debug)]
pub struct PushedImage<'a> {
    /// The image; it is tagged exactly if it has `tags`.
    pub image: &'a ImageRecord,
    /// Its manifest.
    pub manifest: &'a SealedManifest,
    /// What it refers to.
    pub references: &'a [ReferenceRecord],
    /// Its tags, each once.
    pub tags: &'a [Tag],
    /// Which image has each of the tags before, as [`PushFacts`] tell.
    pub targets: &'a [Option<Digest>],
}

/// What a push must know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushFacts {
    /// The repository, its version raised.
    pub repository: Repository,
    /// How many tags the image has; `None` if it is not stored.
    pub tags_on_image: Option<usize>,
    /// Where each of the tags points.
    pub targets: Vec<Option<Digest>>,
    /// Targets of references that are not in the repository.
    pub missing: Vec<Digest>,
    /// The value of the setting.
    pub setting: Option<String>,
}
