//! Users, roles and providers, written straight into their rows.

use std::sync::Arc;

use ecru_domain::{AccountId, Principal};
use ecru_ports::metadata::{
    AccessKeyRecord, DocumentKind, EntityKind, EntityRecord, Lane, NamedDocument,
};
use ecru_services::RequestContext;
use ecru_services::sessions::SessionCredentials;
use serde_json::{Value, json};

use crate::world::World;

/// Allows everything.
pub(crate) const ALL: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;

/// An identity policy with one statement that allows these actions everywhere.
pub(crate) fn allow(actions: &[&str]) -> String {
    json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}})
        .to_string()
}

/// A trust policy for one `AWS` principal, with a condition.
pub(crate) fn trusts(principal: &str, actions: &[&str], condition: &Value) -> String {
    json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": principal},
        "Action": actions, "Condition": condition}})
    .to_string()
}

pub(crate) fn account(id: &str) -> AccountId {
    AccountId::parse(id).unwrap()
}

pub(crate) fn role_arn(account: &AccountId, name: &str) -> String {
    format!("arn:aws:iam::{account}:role/{name}")
}

impl World {
    async fn insert(&self, entity: EntityRecord, policy: Option<&str>) {
        let policy = policy.map(str::to_owned);
        let write = self.outside.metadata.write(Lane::Any, move |rows| {
            rows.change_identities(&entity.account)?;
            assert!(rows.insert_entity(&entity)?);
            if let Some(policy) = &policy {
                let document = NamedDocument {
                    name: "own".to_owned(),
                    document: policy.clone(),
                };
                rows.put_entity_document(&entity.id, DocumentKind::InlinePolicy, &document)?;
            }
            Ok::<(), ecru_domain::Error>(())
        });
        write.await.unwrap();
    }

    /// An entity of the given unique id.
    async fn entity(
        &self,
        (account, kind, name, id): (&AccountId, EntityKind, &str, &str),
        document: Value,
        policy: Option<&str>,
    ) {
        let entity = EntityRecord {
            account: account.clone(),
            kind,
            key: name.to_ascii_lowercase(),
            id: id.to_owned(),
            path: "/".to_owned(),
            document: document.to_string(),
            created_at: self.now(),
        };
        self.insert(entity, policy).await;
    }

    /// A user with an access key; its context.
    pub(crate) async fn user(
        &self,
        account: &AccountId,
        name: &str,
        policy: Option<&str>,
    ) -> RequestContext {
        let id = format!("AIDA{}{account}", name.to_uppercase());
        let place = (account, EntityKind::User, name, id.as_str());
        self.entity(place, json!({"name": name}), policy).await;
        let arn = format!("arn:aws:iam::{account}:user/{name}");
        let key = AccessKeyRecord {
            id: format!("AKIA{}{account}", name.to_uppercase()),
            account: account.clone(),
            principal_arn: arn.clone(),
            principal_unique_id: id.clone(),
            sealed_secret: self
                .sealed_secret(&format!("AKIA{}{account}", name.to_uppercase()))
                .await,
            active: true,
            created_at: self.now(),
        };
        let (record, owner) = (key.clone(), account.clone());
        let write = self.outside.metadata.write(Lane::Any, move |rows| {
            rows.change_identities(&owner)?;
            Ok::<(), ecru_domain::Error>(rows.insert_access_key(&record)?)
        });
        write.await.unwrap();
        self.context(Principal {
            account: account.clone(),
            arn,
            unique_id: id,
            access_key_id: key.id,
            session: None,
        })
    }

    async fn sealed_secret(&self, id: &str) -> Vec<u8> {
        let context = format!("access key secret {id}");
        let keys = &self.outside.keys;
        keys.seal_under_root(context.as_bytes(), b"secret of a user")
            .await
            .unwrap()
    }

    /// A role with a longest session of an hour; its unique id.
    pub(crate) async fn role(
        &self,
        account: &AccountId,
        name: &str,
        trust: &str,
        policy: Option<&str>,
    ) -> String {
        self.long_role(account, name, trust, (3_600, policy)).await
    }

    /// A role with its longest session in seconds, and its policy.
    pub(crate) async fn long_role(
        &self,
        account: &AccountId,
        name: &str,
        trust: &str,
        (seconds, policy): (u32, Option<&str>),
    ) -> String {
        let id = format!("AROA{}{}", name.to_uppercase(), self.now().micros());
        let place = (account, EntityKind::Role, name, id.as_str());
        let document = json!({"name": name, "trust": trust, "max_session_duration": seconds});
        self.entity(place, document, policy).await;
        id
    }

    /// A provider of identities.
    pub(crate) async fn provider(
        &self,
        account: &AccountId,
        url: &str,
        audiences: &[&str],
    ) -> String {
        let key = url.trim_start_matches("https://").to_owned();
        let entity = EntityRecord {
            account: account.clone(),
            kind: EntityKind::OidcProvider,
            key: key.clone(),
            id: format!("OIDC{key}{account}"),
            path: "/".to_owned(),
            document: json!({"url": url, "client_ids": audiences}).to_string(),
            created_at: self.now(),
        };
        self.insert(entity, None).await;
        format!("arn:aws:iam::{account}:oidc-provider/{key}")
    }

    /// Deletes a user or role, its policy and its access keys.
    pub(crate) async fn delete_entity(&self, account: &AccountId, kind: EntityKind, name: &str) {
        let (account, key) = (account.clone(), name.to_owned());
        let write = self.outside.metadata.write(Lane::Any, move |rows| {
            rows.change_identities(&account)?;
            let entity = rows.find_entity(&account, kind, &key)?.unwrap();
            rows.delete_entity_document(&entity.id, DocumentKind::InlinePolicy, "own")?;
            assert!(rows.delete_entity(&entity.id)?);
            Ok::<(), ecru_domain::Error>(())
        });
        write.await.unwrap();
    }

    /// Replaces the policy of a user or role.
    pub(crate) async fn set_policy(&self, context: &RequestContext, policy: &str) {
        let (account, id) = (
            context.principal.account.clone(),
            context.principal.unique_id.clone(),
        );
        let document = NamedDocument {
            name: "own".to_owned(),
            document: policy.to_owned(),
        };
        let write = self.outside.metadata.write(Lane::Any, move |rows| {
            rows.change_identities(&account)?;
            rows.put_entity_document(&id, DocumentKind::InlinePolicy, &document)?;
            Ok::<(), ecru_domain::Error>(())
        });
        write.await.unwrap();
    }

    pub(crate) async fn deactivate(&self, account: &AccountId, access_key_id: &str) {
        let (account, id) = (account.clone(), access_key_id.to_owned());
        let write = self.outside.metadata.write(Lane::Any, move |rows| {
            rows.change_identities(&account)?;
            assert!(rows.set_access_key_active(&id, false)?);
            Ok::<(), ecru_domain::Error>(())
        });
        write.await.unwrap();
    }

    /// Whom credentials are for, as a gateway finds out.
    pub(crate) async fn signs(&self, credentials: &SessionCredentials) -> Option<RequestContext> {
        let (id, token) = (&credentials.access_key_id, credentials.token.as_str());
        let found = self.services.identity.signing_key(id, Some(token)).await;
        let key = found.unwrap()?;
        assert_eq!(*key.secret, credentials.secret.as_bytes());
        assert_eq!(&key.principal.access_key_id, id);
        Some(self.context(key.principal))
    }

    /// The context of somebody who comes with a registry token.
    pub(crate) async fn comes_with(&self, password: &str) -> Option<RequestContext> {
        let tokens = &self.services.tokens;
        let holder = tokens.authenticate("AWS", password, self.now()).await;
        Some(self.context(holder.ok()?.principal))
    }
}

/// What tells two contexts of the same request apart.
pub(crate) fn session_of(context: &RequestContext) -> Arc<ecru_domain::Session> {
    context.principal.session.clone().unwrap()
}
