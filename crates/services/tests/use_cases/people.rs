//! Users and sessions of roles, put into rows directly: what they may do is what is tested here.

use std::sync::Arc;

use ecru_domain::{AccountId, Principal, Session, SessionKind};
use ecru_ports::metadata::{
    DocumentKind, EntityKind, EntityRecord, Lane, NamedDocument, StoreError,
};
use ecru_services::RequestContext;
use serde_json::json;

use crate::world::World;

/// An identity policy that allows actions on everything.
pub(crate) fn allow(actions: &[&str]) -> String {
    statement(&json!({ "Effect": "Allow", "Action": actions, "Resource": "*" }))
}

/// A document with one statement.
pub(crate) fn statement(statement: &serde_json::Value) -> String {
    json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
}

impl World {
    /// A user of an account with inline policies.
    pub(crate) async fn user(
        &self,
        account: &str,
        name: &str,
        policies: &[String],
    ) -> RequestContext {
        let document = json!({ "name": name }).to_string();
        let id = format!("AIDA{account}{name}");
        self.identity(EntityKind::User, (account, name, &id), document, policies)
            .await;
        self.context(Principal {
            account: AccountId::parse(account).unwrap(),
            arn: format!("arn:aws:iam::{account}:user/{name}"),
            unique_id: id,
            access_key_id: format!("AKIA{name}"),
            session: None,
        })
    }

    /// A session of a new role with inline policies.
    pub(crate) async fn role(
        &self,
        account: &str,
        name: &str,
        policies: &[String],
    ) -> RequestContext {
        let document = json!({ "name": name, "trust": "{}", "max_session_duration": 3600 });
        let id = format!("AROA{account}{name}");
        let named = (account, name, id.as_str());
        self.identity(EntityKind::Role, named, document.to_string(), policies)
            .await;
        self.context(Principal {
            account: AccountId::parse(account).unwrap(),
            arn: format!("arn:aws:sts::{account}:assumed-role/{name}/session"),
            unique_id: id,
            access_key_id: format!("ASIA{name}"),
            session: Some(Arc::new(Session {
                kind: SessionKind::AssumedRole,
                name: "session".to_owned(),
                issued_at: self.now(),
                expires_at: self.now(),
                tags: Vec::new(),
                transitive_tag_keys: Vec::new(),
                source_identity: None,
                policies: Vec::new(),
                provider: None,
                fingerprint: name.to_owned(),
            })),
        })
    }

    async fn identity(
        &self,
        kind: EntityKind,
        (account, name, id): (&str, &str, &str),
        document: String,
        policies: &[String],
    ) {
        let entity = EntityRecord {
            account: AccountId::parse(account).unwrap(),
            kind,
            key: name.to_ascii_lowercase(),
            id: id.to_owned(),
            path: "/".to_owned(),
            document,
            created_at: self.now(),
        };
        let policies = policies.to_vec();
        let write = self.outside.metadata.write(Lane::Any, move |rows| {
            rows.change_identities(&entity.account)?;
            assert!(rows.insert_entity(&entity)?);
            for (number, document) in policies.iter().enumerate() {
                let named = NamedDocument {
                    name: format!("p{number}"),
                    document: document.clone(),
                };
                rows.put_entity_document(&entity.id, DocumentKind::InlinePolicy, &named)?;
            }
            Ok::<(), StoreError>(())
        });
        write.await.unwrap();
    }

    /// Takes an identity away, as deleting a user or role does.
    pub(crate) async fn remove_identity(&self, context: &RequestContext) {
        let (account, id) = (
            context.principal.account.clone(),
            context.principal.unique_id.clone(),
        );
        let write = self.outside.metadata.write(Lane::Any, move |rows| {
            rows.change_identities(&account)?;
            assert!(rows.delete_entity(&id)?);
            Ok::<(), StoreError>(())
        });
        write.await.unwrap();
    }
}
