//! Which query makes which change.

use ecru_domain::mutability::TagMutability;
use ecru_domain::repository::Repository;
use ecru_domain::{Digest, Registry, RepositoryId, Tag, Timestamp, UploadId};
use ecru_ports::blobs::ObjectId;
use ecru_ports::metadata::{
    DoomedObject, ImageRecord, JobRecord, KeyRecord, LayerRecord, ObjectRecord, PushFacts,
    PushQuestion, PushedImage, ReferenceRecord, SealedManifest, ServerKeyRecord, StoreError,
    UploadAdvance, UploadRecord, WriteTransaction,
};

use super::SqlTransaction;
use crate::queries::{
    images, jobs, keys, layers, objects, pushes, references, repositories, settings, tags, uploads,
};
use crate::sql::Sql;

impl<S: Sql> WriteTransaction for SqlTransaction<'_, S> {
    fn insert_repository(&mut self, repository: &Repository) -> Result<bool, StoreError> {
        self.restructure(|sql| repositories::insert(sql, repository))
    }

    fn change_repository(&mut self, id: &RepositoryId) -> Result<Option<Repository>, StoreError> {
        self.run(|sql| repositories::change(sql, id))
    }

    fn begin_push(
        &mut self,
        id: &RepositoryId,
        push: &PushQuestion<'_>,
    ) -> Result<Option<PushFacts>, StoreError> {
        self.run(|sql| pushes::begin(sql, id, push))
    }

    fn set_mutability(
        &mut self,
        id: &RepositoryId,
        mutability: &TagMutability,
    ) -> Result<(), StoreError> {
        self.restructure(|sql| repositories::set_mutability(sql, id, mutability))
    }

    fn set_scan_on_push(
        &mut self,
        id: &RepositoryId,
        scan_on_push: bool,
    ) -> Result<(), StoreError> {
        self.restructure(|sql| repositories::set_scan_on_push(sql, id, scan_on_push))
    }

    fn set_latest_was_set(&mut self, id: &RepositoryId) -> Result<(), StoreError> {
        self.restructure(|sql| repositories::set_latest_was_set(sql, id))
    }

    fn delete_repository(&mut self, id: &RepositoryId) -> Result<bool, StoreError> {
        self.restructure(|sql| repositories::delete(sql, id))
    }

    fn drain_repository(&mut self, id: &RepositoryId, limit: u32) -> Result<u64, StoreError> {
        self.run(|sql| repositories::drain(sql, id, limit))
    }

    fn put_resource_tag(
        &mut self,
        id: &RepositoryId,
        key: &str,
        value: &str,
    ) -> Result<(), StoreError> {
        self.restructure(|sql| repositories::put_resource_tag(sql, id, key, value))
    }

    fn delete_resource_tag(&mut self, id: &RepositoryId, key: &str) -> Result<(), StoreError> {
        self.restructure(|sql| repositories::delete_resource_tag(sql, id, key))
    }

    fn insert_image(
        &mut self,
        repository: &RepositoryId,
        image: &ImageRecord,
        manifest: &SealedManifest,
    ) -> Result<(), StoreError> {
        self.run(|sql| images::insert(sql, repository, (image, manifest), 0))
    }

    fn insert_pushed(
        &mut self,
        repository: &RepositoryId,
        pushed: &PushedImage<'_>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.run(|sql| pushes::store(sql, repository, pushed, now))
    }

    fn insert_references(
        &mut self,
        repository: &RepositoryId,
        image_id: &str,
        references: &[ReferenceRecord],
    ) -> Result<(), StoreError> {
        self.run(|sql| references::insert(sql, repository, image_id, references))
    }

    fn delete_references(&mut self, image_id: &str, targets: &[Digest]) -> Result<(), StoreError> {
        self.run(|sql| references::delete(sql, image_id, targets))
    }

    fn put_tag(
        &mut self,
        repository: &RepositoryId,
        tag: &Tag,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.run(|sql| tags::put(sql, repository, tag, digest, now))
    }

    fn delete_tag(&mut self, repository: &RepositoryId, tag: &Tag) -> Result<bool, StoreError> {
        self.run(|sql| tags::delete(sql, repository, tag))
    }

    fn delete_image(
        &mut self,
        repository: &RepositoryId,
        digest: &Digest,
    ) -> Result<bool, StoreError> {
        self.run(|sql| images::delete(sql, repository, digest))
    }

    fn set_latest_sequence(
        &mut self,
        repository: &RepositoryId,
        digest: &Digest,
        sequence: i64,
    ) -> Result<(), StoreError> {
        self.run(|sql| images::set_latest_sequence(sql, repository, digest, sequence))
    }

    fn record_pull(
        &mut self,
        repository: &RepositoryId,
        digest: &Digest,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.run(|sql| images::record_pull(sql, repository, digest, at))
    }

    fn insert_layer(
        &mut self,
        repository: &RepositoryId,
        layer: &LayerRecord,
    ) -> Result<bool, StoreError> {
        self.run(|sql| layers::insert(sql, repository, layer))
    }

    fn set_layer_idle(
        &mut self,
        repository: &RepositoryId,
        digest: &Digest,
        since: Timestamp,
    ) -> Result<(), StoreError> {
        self.run(|sql| layers::set_idle(sql, repository, digest, since))
    }

    fn delete_layer(
        &mut self,
        repository: &RepositoryId,
        digest: &Digest,
    ) -> Result<bool, StoreError> {
        self.run(|sql| layers::delete(sql, repository, digest))
    }

    fn insert_object(&mut self, object: &ObjectRecord) -> Result<(), StoreError> {
        self.run(|sql| objects::insert(sql, object))
    }

    fn delete_object(&mut self, object: &ObjectId) -> Result<(), StoreError> {
        self.run(|sql| objects::delete(sql, object))
    }

    fn insert_doomed(&mut self, doomed: &DoomedObject) -> Result<(), StoreError> {
        self.run(|sql| objects::insert_doomed(sql, doomed))
    }

    fn delete_doomed(&mut self, object: &ObjectId) -> Result<(), StoreError> {
        self.run(|sql| objects::delete_doomed(sql, object))
    }

    fn insert_upload(&mut self, upload: &UploadRecord) -> Result<(), StoreError> {
        self.run(|sql| uploads::insert(sql, upload))
    }

    fn take_upload_epoch(&mut self, id: &UploadId, epoch: u64) -> Result<bool, StoreError> {
        self.run(|sql| uploads::take_epoch(sql, id, epoch))
    }

    fn advance_upload(
        &mut self,
        id: &UploadId,
        epoch: u64,
        offset: u64,
        advance: &UploadAdvance,
    ) -> Result<bool, StoreError> {
        self.run(|sql| uploads::advance(sql, id, epoch, offset, advance))
    }

    fn delete_upload(&mut self, id: &UploadId) -> Result<bool, StoreError> {
        self.run(|sql| uploads::delete(sql, id))
    }

    fn insert_key(&mut self, key: &KeyRecord, sealed_material: &[u8]) -> Result<bool, StoreError> {
        self.restructure(|sql| keys::insert(sql, key, sealed_material))
    }

    fn insert_server_key(&mut self, key: &ServerKeyRecord) -> Result<(), StoreError> {
        self.restructure(|sql| keys::insert_server_key(sql, key))
    }

    fn retire_server_key(&mut self, id: &str, at: Timestamp) -> Result<(), StoreError> {
        self.restructure(|sql| keys::retire_server_key(sql, id, at))
    }

    fn delete_retired_server_keys(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.restructure(|sql| keys::delete_retired_server_keys(sql, now))
    }

    fn put_registry_setting(
        &mut self,
        registry: &Registry,
        name: &str,
        value: &str,
    ) -> Result<(), StoreError> {
        self.restructure(|sql| settings::put(sql, registry, name, value))
    }

    fn delete_registry_setting(
        &mut self,
        registry: &Registry,
        name: &str,
    ) -> Result<bool, StoreError> {
        self.restructure(|sql| settings::delete(sql, registry, name))
    }

    fn put_store_fact(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        self.run(|sql| settings::put_fact(sql, name, value))
    }

    fn insert_job(&mut self, job: &JobRecord) -> Result<(), StoreError> {
        self.run(|sql| jobs::insert(sql, job))
    }

    fn postpone_job(&mut self, id: &str, run_at: Timestamp) -> Result<(), StoreError> {
        self.run(|sql| jobs::postpone(sql, id, run_at))
    }

    fn delete_job(&mut self, id: &str) -> Result<(), StoreError> {
        self.run(|sql| jobs::delete(sql, id))
    }

    fn take_lease(
        &mut self,
        name: &str,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        self.run(|sql| jobs::take_lease(sql, name, holder, now, until))
    }
}
