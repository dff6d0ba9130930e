//! People with identity policies: what they may do is what is tested.

use std::sync::Arc;

use ecru_domain::{AccountId, Principal, Session, SessionKind};
use ecru_services::RequestContext;
use serde_json::{Value, json};

use crate::identities::account;
use crate::world::World;

/// A document with one statement.
pub(crate) fn statement(statement: &Value) -> String {
    json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
}

/// One document with the statements of all; none if there are none.
fn joined(policies: &[String]) -> Option<String> {
    let statements = policies.iter().flat_map(|policy| {
        let document: Value = serde_json::from_str(policy).unwrap();
        match &document["Statement"] {
            Value::Array(statements) => statements.clone(),
            statement => vec![statement.clone()],
        }
    });
    let statements: Vec<Value> = statements.collect();
    let document = json!({ "Version": "2012-10-17", "Statement": statements });
    (!policies.is_empty()).then(|| document.to_string())
}

impl World {
    /// A user who has these policies.
    pub(crate) async fn member(
        &self,
        account_id: &str,
        name: &str,
        policies: &[String],
    ) -> RequestContext {
        let policy = joined(policies);
        self.user(&account(account_id), name, policy.as_deref())
            .await
    }

    /// A session of a new role that has these policies.
    pub(crate) async fn acting(
        &self,
        account_id: &str,
        name: &str,
        policies: &[String],
    ) -> RequestContext {
        let (account, policy) = (account(account_id), joined(policies));
        let id = self.role(&account, name, "{}", policy.as_deref()).await;
        self.session_of_role(&account, name, &id)
    }

    /// A session of a role of that id.
    pub(crate) fn session_of_role(
        &self,
        account: &AccountId,
        name: &str,
        id: &str,
    ) -> RequestContext {
        self.context(Principal {
            account: account.clone(),
            arn: format!("arn:aws:sts::{account}:assumed-role/{name}/session"),
            unique_id: id.to_owned(),
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
                source_key: None,
                fingerprint: name.to_owned(),
            })),
        })
    }
}
