//! Which query answers which read.

use ecru_domain::repository::Repository;
use ecru_domain::{Digest, Registry, RepositoryId, RepositoryName, Tag, Timestamp, UploadId};
use ecru_ports::blobs::ObjectId;
use ecru_ports::metadata::{
    DoomedObject, ImageRecord, JobRecord, KeyOrigin, KeyRecord, LayerRecord, LayerUse,
    ObjectRecord, ObjectTotals, ReadTransaction, ReferenceKind, ReferenceRecord, SealedManifest,
    ServerKeyRecord, StoreError, TagRecord, TagStatus, UploadRecord,
};

use super::SqlTransaction;
use crate::queries::{
    images, jobs, keys, layers, objects, references, repositories, settings, tags, uploads,
};
use crate::sql::Sql;

impl<S: Sql> ReadTransaction for SqlTransaction<'_, S> {
    fn find_repository(
        &mut self,
        registry: &Registry,
        name: &RepositoryName,
    ) -> Result<Option<Repository>, StoreError> {
        self.run(|sql| repositories::find_by_name(sql, registry, name))
    }

    fn repository(&mut self, id: &RepositoryId) -> Result<Option<Repository>, StoreError> {
        self.run(|sql| repositories::find_by_id(sql, id))
    }

    fn list_repositories(
        &mut self,
        registry: &Registry,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Repository>, StoreError> {
        self.run(|sql| repositories::list(sql, registry, after, limit))
    }

    fn list_all_repositories(
        &mut self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Repository>, StoreError> {
        self.run(|sql| repositories::list_all(sql, after, limit))
    }

    fn count_repositories(&mut self, registry: &Registry) -> Result<u64, StoreError> {
        self.run(|sql| repositories::count(sql, registry))
    }

    fn resource_tags(
        &mut self,
        repository: &RepositoryId,
    ) -> Result<Vec<(String, String)>, StoreError> {
        self.run(|sql| repositories::resource_tags(sql, repository))
    }

    fn find_image(
        &mut self,
        repository: &RepositoryId,
        digest: &Digest,
    ) -> Result<Option<ImageRecord>, StoreError> {
        self.run(|sql| images::find(sql, repository, digest))
    }

    fn find_tagged_image(
        &mut self,
        repository: &RepositoryId,
        tag: &Tag,
    ) -> Result<Option<ImageRecord>, StoreError> {
        self.run(|sql| images::find_tagged(sql, repository, tag))
    }

    fn newest_push(
        &mut self,
        repository: &RepositoryId,
    ) -> Result<Option<ImageRecord>, StoreError> {
        self.run(|sql| images::newest_push(sql, repository))
    }

    fn manifest(
        &mut self,
        repository: &RepositoryId,
        digest: &Digest,
    ) -> Result<Option<SealedManifest>, StoreError> {
        self.run(|sql| images::manifest(sql, repository, digest))
    }

    fn tags_of_image(
        &mut self,
        repository: &RepositoryId,
        digest: &Digest,
        limit: u32,
    ) -> Result<Vec<Tag>, StoreError> {
        self.run(|sql| tags::of_image(sql, repository, digest, limit))
    }

    fn count_tags_of_image(
        &mut self,
        repository: &RepositoryId,
        digest: &Digest,
    ) -> Result<usize, StoreError> {
        self.run(|sql| tags::count_of_image(sql, repository, digest))
    }

    fn tags_between(
        &mut self,
        repository: &RepositoryId,
        first: &Digest,
        last: &Digest,
        limit: u32,
    ) -> Result<Vec<TagRecord>, StoreError> {
        self.run(|sql| tags::between(sql, repository, first, last, limit))
    }

    fn list_tags(
        &mut self,
        repository: &RepositoryId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<TagRecord>, StoreError> {
        self.run(|sql| tags::list(sql, repository, after, limit))
    }

    fn list_images(
        &mut self,
        repository: &RepositoryId,
        status: TagStatus,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ImageRecord>, StoreError> {
        self.run(|sql| images::list(sql, repository, status, after, limit))
    }

    fn list_referrers(
        &mut self,
        repository: &RepositoryId,
        subject: &Digest,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ImageRecord>, StoreError> {
        self.run(|sql| images::list_referrers(sql, repository, subject, after, limit))
    }

    fn referring_images(
        &mut self,
        repository: &RepositoryId,
        target: &Digest,
        kind: ReferenceKind,
        limit: u32,
    ) -> Result<Vec<Digest>, StoreError> {
        self.run(|sql| references::referring_images(sql, repository, target, kind, limit))
    }

    fn is_image_stored(&mut self, image_id: &str) -> Result<bool, StoreError> {
        self.run(|sql| images::is_stored(sql, image_id))
    }

    fn references_of(
        &mut self,
        image_id: &str,
        limit: u32,
    ) -> Result<Vec<ReferenceRecord>, StoreError> {
        self.run(|sql| references::of_image(sql, image_id, limit))
    }

    fn find_layer(
        &mut self,
        repository: &RepositoryId,
        digest: &Digest,
    ) -> Result<Option<LayerUse>, StoreError> {
        self.run(|sql| layers::find(sql, repository, digest))
    }

    fn open_layer(
        &mut self,
        repository: &RepositoryId,
        digest: &Digest,
    ) -> Result<Option<(LayerUse, ObjectRecord)>, StoreError> {
        self.run(|sql| layers::open(sql, repository, digest))
    }

    fn list_layers(
        &mut self,
        repository: &RepositoryId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<LayerRecord>, StoreError> {
        self.run(|sql| layers::list(sql, repository, after, limit))
    }

    fn find_content(
        &mut self,
        domain: &str,
        sha256: &Digest,
    ) -> Result<Option<(Repository, LayerRecord)>, StoreError> {
        self.run(|sql| layers::find_content(sql, domain, sha256))
    }

    fn find_object(&mut self, object: &ObjectId) -> Result<Option<ObjectRecord>, StoreError> {
        self.run(|sql| objects::find(sql, object))
    }

    fn object_totals(&mut self) -> Result<ObjectTotals, StoreError> {
        self.run(objects::totals)
    }

    fn list_objects(
        &mut self,
        after: Option<&ObjectId>,
        limit: u32,
    ) -> Result<Vec<ObjectRecord>, StoreError> {
        self.run(|sql| objects::list(sql, after, limit))
    }

    fn layer_of_object(
        &mut self,
        object: &ObjectId,
    ) -> Result<Option<(Repository, LayerRecord)>, StoreError> {
        self.run(|sql| layers::of_object(sql, object))
    }

    fn is_object_used(&mut self, object: &ObjectId) -> Result<bool, StoreError> {
        self.run(|sql| layers::is_object_used(sql, object))
    }

    fn is_doomed(&mut self, object: &ObjectId) -> Result<bool, StoreError> {
        self.run(|sql| objects::is_doomed(sql, object))
    }

    fn list_doomed(&mut self, limit: u32) -> Result<Vec<DoomedObject>, StoreError> {
        self.run(|sql| objects::list_doomed(sql, limit))
    }

    fn find_upload(&mut self, id: &UploadId) -> Result<Option<UploadRecord>, StoreError> {
        self.run(|sql| uploads::find(sql, id))
    }

    fn upload_of_object(&mut self, object: &ObjectId) -> Result<Option<UploadRecord>, StoreError> {
        self.run(|sql| uploads::of_object(sql, object))
    }

    fn list_expired_uploads(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<UploadRecord>, StoreError> {
        self.run(|sql| uploads::list_expired(sql, now, limit))
    }

    fn list_uploads(
        &mut self,
        repository: &RepositoryId,
        limit: u32,
    ) -> Result<Vec<UploadRecord>, StoreError> {
        self.run(|sql| uploads::list(sql, repository, limit))
    }

    fn find_key(&mut self, id: &str) -> Result<Option<KeyRecord>, StoreError> {
        self.run(|sql| keys::find(sql, id))
    }

    fn find_key_of_origin(
        &mut self,
        registry: &Registry,
        origin: KeyOrigin,
    ) -> Result<Option<KeyRecord>, StoreError> {
        self.run(|sql| keys::find_of_origin(sql, registry, origin))
    }

    fn key_material(&mut self, id: &str, version: u32) -> Result<Option<Vec<u8>>, StoreError> {
        self.run(|sql| keys::material(sql, id, version))
    }

    fn server_keys(&mut self) -> Result<Vec<ServerKeyRecord>, StoreError> {
        self.run(|sql| keys::server_keys(sql))
    }

    fn registry_setting(
        &mut self,
        registry: &Registry,
        name: &str,
    ) -> Result<Option<String>, StoreError> {
        self.run(|sql| settings::find(sql, registry, name))
    }

    fn store_fact(&mut self, name: &str) -> Result<Option<String>, StoreError> {
        self.run(|sql| settings::find_fact(sql, name))
    }

    fn list_due_jobs(&mut self, now: Timestamp, limit: u32) -> Result<Vec<JobRecord>, StoreError> {
        self.run(|sql| jobs::list_due(sql, now, limit))
    }
}
