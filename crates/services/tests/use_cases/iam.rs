//! IAM: users, roles, groups, policies, keys, and who may change them.

mod access_keys;
mod accounts;
mod identities;
mod permissions;
mod policies;
mod roles;
mod simulation;

use ecru_domain::{AccountId, Error, IamRefusal, Principal, Refusal};
use ecru_services::iam::descriptions::{PolicyDescription, UserDescription};
use ecru_services::iam::policies::CreatePolicy;
use ecru_services::iam::users::CreateIdentity;
use ecru_services::{PageRequest, RequestContext};

use crate::world::World;

const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
const EVERYTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

fn identity(name: &str) -> CreateIdentity {
    CreateIdentity {
        name: name.to_owned(),
        ..CreateIdentity::default()
    }
}

fn pages(limit: u32, token: Option<String>) -> PageRequest {
    PageRequest {
        limit: Some(limit),
        token,
    }
}

/// A policy document with one statement.
fn allow(action: &str, resource: &str) -> String {
    statement("Allow", action, resource, "{}")
}

fn statement(effect: &str, action: &str, resource: &str, condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Action":"{action}","Resource":"{resource}","Condition":{condition}}}]}}"#
    )
}

fn trust(principal: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"sts:AssumeRole"}}]}}"#
    )
}

/// What IAM refuses with, by the name of the error, and the text.
fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>) -> (String, String) {
    match outcome {
        Err(Error::Refused(Refusal::Iam(refusal))) => {
            let debug = format!("{refusal:?}");
            let name = debug.split(' ').next().unwrap_or_default().to_owned();
            (name, refusal.to_string())
        }
        other => panic!("not refused by IAM: {other:?}"),
    }
}

/// The text of a denial.
fn denied<T: std::fmt::Debug>(outcome: Result<T, Error>) -> String {
    match outcome {
        Err(Error::Refused(refusal @ Refusal::AccessDenied { .. })) => refusal.to_string(),
        other => panic!("not denied: {other:?}"),
    }
}

impl World {
    /// The context of another account's root user.
    fn stranger(&self) -> RequestContext {
        let account = AccountId::parse("999999999999").unwrap();
        self.context(Principal::root(account, "AKIASTRANGER".to_owned()))
    }

    async fn create_user(&self, name: &str) -> UserDescription {
        let iam = &self.services.iam;
        iam.create_user(&self.root(), identity(name)).await.unwrap()
    }

    async fn create_policy(&self, name: &str, document: &str) -> PolicyDescription {
        let command = CreatePolicy {
            name: name.to_owned(),
            document: document.to_owned(),
            ..CreatePolicy::default()
        };
        let iam = &self.services.iam;
        iam.create_policy(&self.root(), command).await.unwrap()
    }

    /// The context of a user who was given these permissions.
    async fn user_with(&self, name: &str, document: &str) -> RequestContext {
        let user = self.create_user(name).await.entity;
        let policy = ecru_services::iam::inline_policies::InlinePolicy {
            identity: name.to_owned(),
            name: "own".to_owned(),
            document: document.to_owned(),
        };
        let kind = ecru_services::iam::IdentityKind::User;
        let iam = &self.services.iam;
        iam.put_inline_policy(&self.root(), kind, policy)
            .await
            .unwrap();
        self.context(Principal {
            account: self.home.account.clone(),
            arn: user.arn,
            unique_id: user.id,
            access_key_id: "AKIAUSER".to_owned(),
            session: None,
        })
    }
}

/// Refusals are told apart by their names.
#[test]
fn names_of_refusals_are_read_from_them() {
    let message = "text".to_owned();
    let refusal: Error = IamRefusal::NoSuchEntity { message }.into();
    let (name, text) = refused::<()>(Err(refusal));
    assert_eq!((name.as_str(), text.as_str()), ("NoSuchEntity", "text"));
}
