//! What closures can do inside a transaction. Every method is one or a few indexed statements.
//!
//! Lists are in byte order of their key and begin after the key given; a list method returns at most `limit` rows.
//! Where the key is a digest, the text of a digest must be given.

use ecru_domain::mutability::TagMutability;
use ecru_domain::repository::Repository;
use ecru_domain::{Digest, Registry, RepositoryId, RepositoryName, Tag, Timestamp, UploadId};

use super::StoreError;
use super::identities::{ReadIdentities, WriteIdentities};
use super::records::{
    DoomedObject, ImageRecord, JobRecord, KeyOrigin, KeyRecord, LayerRecord, LayerUse,
    ObjectRecord, ObjectTotals, PushFacts, PushQuestion, PushedImage, ReferenceKind,
    ReferenceRecord, SealedManifest, ServerKeyRecord, TagRecord, TagStatus, UploadAdvance,
    UploadRecord,
};
use crate::blobs::ObjectId;

/// Reads of one consistent snapshot.
pub trait ReadTransaction: ReadIdentities {
    /// The repository of that name.
    fn find_repository(
        &mut self,
        registry: &Registry,
        name: &RepositoryName,
    ) -> Result<Option<Repository>, StoreError>;
    /// The repository of that id.
    fn repository(&mut self, id: &RepositoryId) -> Result<Option<Repository>, StoreError>;
    /// Repositories of a registry by name.
    fn list_repositories(
        &mut self,
        registry: &Registry,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Repository>, StoreError>;
    /// Repositories of all registries by id.
    fn list_all_repositories(
        &mut self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Repository>, StoreError>;
    /// How many repositories a registry has. Constant time.
    fn count_repositories(&mut self, registry: &Registry) -> Result<u64, StoreError>;
    /// The resource tags of a repository by key.
    fn resource_tags(
        &mut self,
        repository: &RepositoryId,
    ) -> Result<Vec<(String, String)>, StoreError>;

    /// The image of that digest.
    fn find_image(
        &mut self,
        repository: &RepositoryId,
        digest: &Digest,
    ) -> Result<Option<ImageRecord>, StoreError>;
    /// The image that the tag points to.
    fn find_tagged_image(
        &mut self,
        repository: &RepositoryId,
        tag: &Tag,
    ) -> Result<Option<ImageRecord>, StoreError>;
    /// The image with the highest `latest_sequence`, if any has one.
    fn newest_push(&mut self, repository: &RepositoryId)
    -> Result<Option<ImageRecord>, StoreError>;
    /// The sealed manifest of an image.
    fn manifest(
        &mut self,
        repository: &RepositoryId,
        digest: &Digest,
    ) -> Result<Option<SealedManifest>, StoreError>;
    /// The tags of one image by name.
    fn tags_of_image(
        &mut self,
        repository: &RepositoryId,
        digest: &Digest,
        limit: u32,
    ) -> Result<Vec<Tag>, StoreError>;
    /// How many tags an image has. Constant time.
    fn count_tags_of_image(
        &mut self,
        repository: &RepositoryId,
        digest: &Digest,
    ) -> Result<usize, StoreError>;
    /// The tags of all images from one digest to another (both included), by digest and name.
    fn tags_between(
        &mut self,
        repository: &RepositoryId,
        first: &Digest,
        last: &Digest,
        limit: u32,
    ) -> Result<Vec<TagRecord>, StoreError>;
    /// Tags by name.
    fn list_tags(
        &mut self,
        repository: &RepositoryId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<TagRecord>, StoreError>;
    /// Images by digest.
    fn list_images(
        &mut self,
        repository: &RepositoryId,
        status: TagStatus,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ImageRecord>, StoreError>;
    /// Images whose subject is `subject`, by digest.
    fn list_referrers(
        &mut self,
        repository: &RepositoryId,
        subject: &Digest,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ImageRecord>, StoreError>;
    /// Digests of stored images that refer to `target`, in the order of their ids, the last first.
    fn referring_images(
        &mut self,
        repository: &RepositoryId,
        target: &Digest,
        kind: ReferenceKind,
        limit: u32,
    ) -> Result<Vec<Digest>, StoreError>;
    /// Whether an image of that id is stored.
    fn is_image_stored(&mut self, image_id: &str) -> Result<bool, StoreError>;
    /// References that an image (by its id, stored or not) has, by target.
    fn references_of(
        &mut self,
        image_id: &str,
        limit: u32,
    ) -> Result<Vec<ReferenceRecord>, StoreError>;

    /// A layer of a repository, and whether a stored image refers to it.
    fn find_layer(
        &mut self,
        repository: &RepositoryId,
        digest: &Digest,
    ) -> Result<Option<LayerUse>, StoreError>;
    /// A layer with its object and its use: all that serving it needs, in one statement.
    fn open_layer(
        &mut self,
        repository: &RepositoryId,
        digest: &Digest,
    ) -> Result<Option<(LayerUse, ObjectRecord)>, StoreError>;
    /// Layers of a repository by digest.
    fn list_layers(
        &mut self,
        repository: &RepositoryId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<LayerRecord>, StoreError>;
    /// An object of that content in a deduplication domain, with one repository that has it as a layer.
    fn find_content(
        &mut self,
        domain: &str,
        sha256: &Digest,
    ) -> Result<Option<(Repository, LayerRecord)>, StoreError>;
    /// An object.
    fn find_object(&mut self, object: &ObjectId) -> Result<Option<ObjectRecord>, StoreError>;
    /// How many objects there are, and their bytes. Constant time.
    fn object_totals(&mut self) -> Result<ObjectTotals, StoreError>;
    /// Objects by id.
    fn list_objects(
        &mut self,
        after: Option<&ObjectId>,
        limit: u32,
    ) -> Result<Vec<ObjectRecord>, StoreError>;
    /// One layer row of any repository that uses the object, with its repository.
    fn layer_of_object(
        &mut self,
        object: &ObjectId,
    ) -> Result<Option<(Repository, LayerRecord)>, StoreError>;
    /// Whether any layer row uses the object.
    fn is_object_used(&mut self, object: &ObjectId) -> Result<bool, StoreError>;
    /// Whether the bytes of an object are to be removed.
    fn is_doomed(&mut self, object: &ObjectId) -> Result<bool, StoreError>;
    /// Objects whose bytes are to be removed.
    fn list_doomed(&mut self, limit: u32) -> Result<Vec<DoomedObject>, StoreError>;

    /// An upload session.
    fn find_upload(&mut self, id: &UploadId) -> Result<Option<UploadRecord>, StoreError>;
    /// The upload session that writes an object.
    fn upload_of_object(&mut self, object: &ObjectId) -> Result<Option<UploadRecord>, StoreError>;
    /// Sessions that expired before `now`, oldest first.
    fn list_expired_uploads(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<UploadRecord>, StoreError>;
    /// Sessions of a repository.
    fn list_uploads(
        &mut self,
        repository: &RepositoryId,
        limit: u32,
    ) -> Result<Vec<UploadRecord>, StoreError>;

    /// A key by id.
    fn find_key(&mut self, id: &str) -> Result<Option<KeyRecord>, StoreError>;
    /// The one key of that origin in a registry (not for customers' keys, of which there are many).
    fn find_key_of_origin(
        &mut self,
        registry: &Registry,
        origin: KeyOrigin,
    ) -> Result<Option<KeyRecord>, StoreError>;
    /// The sealed material of one version of a key.
    fn key_material(&mut self, id: &str, version: u32) -> Result<Option<Vec<u8>>, StoreError>;
    /// The server's own keys, newest first.
    fn server_keys(&mut self) -> Result<Vec<ServerKeyRecord>, StoreError>;

    /// A setting of a registry.
    fn registry_setting(
        &mut self,
        registry: &Registry,
        name: &str,
    ) -> Result<Option<String>, StoreError>;
    /// A fact about the whole store, such as its root key's fingerprint.
    fn store_fact(&mut self, name: &str) -> Result<Option<String>, StoreError>;
    /// Jobs that are due at `now`, oldest first.
    fn list_due_jobs(&mut self, now: Timestamp, limit: u32) -> Result<Vec<JobRecord>, StoreError>;
}

/// Changes. What a method reports (`bool`: whether a row was changed) is certain once the transaction commits. A change
/// that reports nothing may be put off: if it fails, a later method or the end of the transaction does.
pub trait WriteTransaction: ReadTransaction + WriteIdentities {
    /// Adds a repository and counts it. `false` if the name is taken.
    fn insert_repository(&mut self, repository: &Repository) -> Result<bool, StoreError>;
    /// Announces a change to a repository or what it holds: raises its version and returns it as it is now.
    /// Every closure that changes content or settings of a repository calls this first.
    fn change_repository(&mut self, id: &RepositoryId) -> Result<Option<Repository>, StoreError>;
    /// Announces a change likewise, and finds what a push must know: one trip to an engine far away.
    fn begin_push(
        &mut self,
        id: &RepositoryId,
        push: &PushQuestion<'_>,
    ) -> Result<Option<PushFacts>, StoreError>;
    /// Sets the mutability rule.
    fn set_mutability(
        &mut self,
        id: &RepositoryId,
        mutability: &TagMutability,
    ) -> Result<(), StoreError>;
    /// Sets the scan flag.
    fn set_scan_on_push(&mut self, id: &RepositoryId, scan_on_push: bool)
    -> Result<(), StoreError>;
    /// Remembers that a tag `latest` was set.
    fn set_latest_was_set(&mut self, id: &RepositoryId) -> Result<(), StoreError>;
    /// Removes the repository's own row and uncounts it; what it holds is unreachable from then on and is
    /// removed by a job. `false` if it was not there.
    fn delete_repository(&mut self, id: &RepositoryId) -> Result<bool, StoreError>;
    /// Removes up to `limit` rows (tags, images, manifests, references, resource tags) of a deleted repository.
    /// Returns how many; 0 when none is left.
    fn drain_repository(&mut self, id: &RepositoryId, limit: u32) -> Result<u64, StoreError>;
    /// Sets a resource tag.
    fn put_resource_tag(
        &mut self,
        id: &RepositoryId,
        key: &str,
        value: &str,
    ) -> Result<(), StoreError>;
    /// Removes a resource tag, if there.
    fn delete_resource_tag(&mut self, id: &RepositoryId, key: &str) -> Result<(), StoreError>;
    /// Adds an image with its sealed manifest. The closure knows that the digest is not stored: else the transaction
    /// fails. `is_tagged` is true only if the same closure then puts a tag.
    fn insert_image(
        &mut self,
        repository: &RepositoryId,
        image: &ImageRecord,
        manifest: &SealedManifest,
    ) -> Result<(), StoreError>;
    /// Adds an image with manifest, references and tags, each row written once. The closure knows that the digest is
    /// not stored, and what the tags point to before.
    fn insert_pushed(
        &mut self,
        repository: &RepositoryId,
        pushed: &PushedImage<'_>,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// Adds references of an image (by its id; the image need not be stored yet).
    fn insert_references(
        &mut self,
        repository: &RepositoryId,
        image_id: &str,
        references: &[ReferenceRecord],
    ) -> Result<(), StoreError>;
    /// Removes references of an image.
    fn delete_references(&mut self, image_id: &str, targets: &[Digest]) -> Result<(), StoreError>;
    /// Points a tag to a stored image and keeps `is_tagged` of the images concerned true.
    fn put_tag(
        &mut self,
        repository: &RepositoryId,
        tag: &Tag,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// Removes a tag and keeps `is_tagged` of its image true. `false` if it was not there.
    fn delete_tag(&mut self, repository: &RepositoryId, tag: &Tag) -> Result<bool, StoreError>;
    /// Removes an image with its manifest; its tags must be gone, its references remain. `false` if it was not there.
    fn delete_image(
        &mut self,
        repository: &RepositoryId,
        digest: &Digest,
    ) -> Result<bool, StoreError>;
    /// Sets the place of an image among the pushes that count for `latest`.
    fn set_latest_sequence(
        &mut self,
        repository: &RepositoryId,
        digest: &Digest,
        sequence: i64,
    ) -> Result<(), StoreError>;
    /// Records a pull, if the image is still there and the time is later than the one recorded.
    fn record_pull(
        &mut self,
        repository: &RepositoryId,
        digest: &Digest,
        at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Adds a layer row. `false` if the digest is there (then only `idle_since` rises).
    fn insert_layer(
        &mut self,
        repository: &RepositoryId,
        layer: &LayerRecord,
    ) -> Result<bool, StoreError>;
    /// Starts the idle time of a layer anew, unless it began later already: what was promised since stays promised.
    fn set_layer_idle(
        &mut self,
        repository: &RepositoryId,
        digest: &Digest,
        since: Timestamp,
    ) -> Result<(), StoreError>;
    /// Removes a layer row, if there.
    fn delete_layer(
        &mut self,
        repository: &RepositoryId,
        digest: &Digest,
    ) -> Result<bool, StoreError>;
    /// Adds an object.
    fn insert_object(&mut self, object: &ObjectRecord) -> Result<(), StoreError>;
    /// Removes an object's row, if there.
    fn delete_object(&mut self, object: &ObjectId) -> Result<(), StoreError>;
    /// Remembers that bytes are to be removed.
    fn insert_doomed(&mut self, doomed: &DoomedObject) -> Result<(), StoreError>;
    /// Forgets it: they are gone.
    fn delete_doomed(&mut self, object: &ObjectId) -> Result<(), StoreError>;

    /// Adds an upload session.
    fn insert_upload(&mut self, upload: &UploadRecord) -> Result<(), StoreError>;
    /// Raises the epoch from `epoch` by one, if it still stands there: from now on only the caller may commit.
    fn take_upload_epoch(&mut self, id: &UploadId, epoch: u64) -> Result<bool, StoreError>;
    /// Records progress, parts and expiry of a session, if its epoch still is `epoch` and its offset still is `offset`.
    fn advance_upload(
        &mut self,
        id: &UploadId,
        epoch: u64,
        offset: u64,
        advance: &UploadAdvance,
    ) -> Result<bool, StoreError>;
    /// Ends a session, if there.
    fn delete_upload(&mut self, id: &UploadId) -> Result<bool, StoreError>;

    /// Adds a key with the sealed material of its version. `false` if the id, or the one place of its origin, is taken.
    fn insert_key(&mut self, key: &KeyRecord, sealed_material: &[u8]) -> Result<bool, StoreError>;
    /// Adds a server key.
    fn insert_server_key(&mut self, key: &ServerKeyRecord) -> Result<(), StoreError>;
    /// Sets when a server key ends.
    fn retire_server_key(&mut self, id: &str, at: Timestamp) -> Result<(), StoreError>;
    /// Removes server keys that ended before `now`.
    fn delete_retired_server_keys(&mut self, now: Timestamp) -> Result<(), StoreError>;

    /// Sets a setting of a registry.
    fn put_registry_setting(
        &mut self,
        registry: &Registry,
        name: &str,
        value: &str,
    ) -> Result<(), StoreError>;
    /// Removes a setting of a registry. `false` if it was not there.
    fn delete_registry_setting(
        &mut self,
        registry: &Registry,
        name: &str,
    ) -> Result<bool, StoreError>;
    /// Sets a fact about the whole store.
    fn put_store_fact(&mut self, name: &str, value: &str) -> Result<(), StoreError>;
    /// Asks for a job.
    fn insert_job(&mut self, job: &JobRecord) -> Result<(), StoreError>;
    /// Moves a job to another time.
    fn postpone_job(&mut self, id: &str, run_at: Timestamp) -> Result<(), StoreError>;
    /// Ends a job.
    fn delete_job(&mut self, id: &str) -> Result<(), StoreError>;
    /// Takes or renews a named lease until `until`, if it is free, expired at `now` or already `holder`'s.
    fn take_lease(
        &mut self,
        name: &str,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError>;
}
