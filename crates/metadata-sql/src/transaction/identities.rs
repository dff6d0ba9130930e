//! Which query answers which question about identities, and which changes them.

use ecru_domain::{AccountId, RepositoryId, Timestamp};
use ecru_ports::metadata::{
    AccessKeyRecord, DocumentKind, EntityKind, EntityList, EntityRecord, LastUse, LinkKind,
    NamedDocument, ReadIdentities, StoreError, WriteIdentities,
};

use super::SqlTransaction;
use crate::queries::{identities, keys, repositories};
use crate::sql::Sql;

impl<S: Sql> ReadIdentities for SqlTransaction<'_, S> {
    fn find_entity(
        &mut self,
        account: &AccountId,
        kind: EntityKind,
        key: &str,
    ) -> Result<Option<EntityRecord>, StoreError> {
        self.run(|sql| identities::find(sql, account, kind, key))
    }

    fn entity(&mut self, id: &str) -> Result<Option<EntityRecord>, StoreError> {
        self.run(|sql| identities::find_by_id(sql, id))
    }

    fn list_entities(&mut self, list: EntityList<'_>) -> Result<Vec<EntityRecord>, StoreError> {
        self.run(|sql| identities::list(sql, list))
    }

    fn count_entities(&mut self, account: &AccountId, kind: EntityKind) -> Result<u64, StoreError> {
        self.run(|sql| identities::count(sql, account, kind))
    }

    fn entity_document(
        &mut self,
        id: &str,
        kind: DocumentKind,
        name: &str,
    ) -> Result<Option<String>, StoreError> {
        self.run(|sql| identities::document(sql, id, kind, name))
    }

    fn entity_documents(
        &mut self,
        id: &str,
        kind: DocumentKind,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<NamedDocument>, StoreError> {
        self.run(|sql| identities::documents(sql, id, kind, after, limit))
    }

    fn links_from(
        &mut self,
        source: &str,
        kind: LinkKind,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        self.run(|sql| identities::links_from(sql, source, kind, after, limit))
    }

    fn links_to(
        &mut self,
        target: &str,
        kind: LinkKind,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        self.run(|sql| identities::links_to(sql, target, kind, after, limit))
    }

    fn count_links_to(&mut self, target: &str, kind: LinkKind) -> Result<u64, StoreError> {
        self.run(|sql| identities::count_links_to(sql, target, kind))
    }

    fn identity_version(&mut self, account: &AccountId) -> Result<u64, StoreError> {
        self.run(|sql| identities::version(sql, account))
    }

    fn find_access_key(&mut self, id: &str) -> Result<Option<AccessKeyRecord>, StoreError> {
        self.run(|sql| keys::find_access_key(sql, id))
    }

    fn access_keys_of(&mut self, principal_arn: &str) -> Result<Vec<AccessKeyRecord>, StoreError> {
        self.run(|sql| keys::access_keys_of(sql, principal_arn))
    }

    fn repository_policy(
        &mut self,
        repository: &RepositoryId,
    ) -> Result<Option<String>, StoreError> {
        self.run(|sql| repositories::policy(sql, repository))
    }

    fn last_use(&mut self, id: &str) -> Result<Option<LastUse>, StoreError> {
        self.run(|sql| keys::last_use(sql, id))
    }

    fn session_context(&mut self, hash: &str) -> Result<Option<String>, StoreError> {
        self.run(|sql| identities::session_context(sql, hash))
    }
}

impl<S: Sql> WriteIdentities for SqlTransaction<'_, S> {
    fn change_identities(&mut self, account: &AccountId) -> Result<(), StoreError> {
        self.restructure(|sql| identities::raise_version(sql, account))
    }

    fn insert_entity(&mut self, entity: &EntityRecord) -> Result<bool, StoreError> {
        self.run(|sql| identities::insert(sql, entity))
    }

    fn update_entity(&mut self, entity: &EntityRecord) -> Result<bool, StoreError> {
        self.run(|sql| identities::update(sql, entity))
    }

    fn delete_entity(&mut self, id: &str) -> Result<bool, StoreError> {
        self.run(|sql| identities::delete(sql, id))
    }

    fn put_entity_document(
        &mut self,
        id: &str,
        kind: DocumentKind,
        document: &NamedDocument,
    ) -> Result<(), StoreError> {
        self.run(|sql| identities::put_document(sql, id, kind, document))
    }

    fn delete_entity_document(
        &mut self,
        id: &str,
        kind: DocumentKind,
        name: &str,
    ) -> Result<bool, StoreError> {
        self.run(|sql| identities::delete_document(sql, id, kind, name))
    }

    fn insert_link(
        &mut self,
        source: &str,
        kind: LinkKind,
        target: &str,
    ) -> Result<bool, StoreError> {
        self.run(|sql| identities::insert_link(sql, source, kind, target))
    }

    fn delete_link(
        &mut self,
        source: &str,
        kind: LinkKind,
        target: &str,
    ) -> Result<bool, StoreError> {
        self.run(|sql| identities::delete_link(sql, source, kind, target))
    }

    fn insert_access_key(&mut self, key: &AccessKeyRecord) -> Result<(), StoreError> {
        self.restructure(|sql| keys::insert_access_key(sql, key))
    }

    fn delete_access_key(&mut self, id: &str) -> Result<(), StoreError> {
        self.restructure(|sql| keys::delete_access_key(sql, id))
    }

    fn set_repository_policy(
        &mut self,
        id: &RepositoryId,
        policy: Option<&str>,
    ) -> Result<(), StoreError> {
        self.restructure(|sql| repositories::set_policy(sql, id, policy))
    }

    fn set_access_key_active(&mut self, id: &str, active: bool) -> Result<bool, StoreError> {
        self.restructure(|sql| keys::set_access_key_active(sql, id, active))
    }

    fn rename_access_keys(&mut self, old_arn: &str, new_arn: &str) -> Result<(), StoreError> {
        self.restructure(|sql| keys::rename_access_keys(sql, old_arn, new_arn))
    }

    fn record_last_use(&mut self, id: &str, last: &LastUse) -> Result<(), StoreError> {
        self.run(|sql| keys::record_last_use(sql, id, last))
    }

    fn put_session_context(
        &mut self,
        hash: &str,
        document: &str,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.restructure(|sql| identities::put_session_context(sql, hash, document, expires_at))
    }

    fn delete_expired_session_contexts(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError> {
        self.run(|sql| identities::delete_expired_session_contexts(sql, now, limit))
    }
}
