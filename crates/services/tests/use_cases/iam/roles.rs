//! Roles and whom they trust.

use std::sync::Arc;
use std::time::Duration;

use ecru_domain::{Session, SessionKind};
use ecru_services::PageRequest;
use ecru_services::iam::roles::{CreateRole, UpdateRole};

use super::{identity, refused, trust};
use crate::world::World;

fn role(name: &str, trust: String) -> CreateRole {
    CreateRole {
        identity: identity(name),
        trust,
        ..CreateRole::default()
    }
}

#[tokio::test]
async fn a_trusted_user_is_shown_by_arn_and_by_id_once_it_is_gone() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    let ada = world.create_user("ada").await.entity;
    let made = iam
        .create_role(&root, role("deploy", trust(&ada.arn)))
        .await;
    assert_eq!(made.unwrap().trust, trust(&ada.arn));
    iam.delete_user(&root, "ada").await.unwrap();
    world.create_user("ada").await;
    let shown = iam.get_role(&root, "deploy").await.unwrap().trust;
    assert_eq!(shown, trust(&ada.id), "a namesake is somebody else");
    let (name, text) = refused(iam.update_trust(&root, "deploy", shown).await);
    assert_eq!(name, "MalformedPolicyDocument");
    let id = &ada.id;
    assert_eq!(
        text,
        format!("Invalid principal in policy: \"AWS\":\"{id}\"")
    );
}

#[tokio::test]
async fn whom_a_role_trusts_must_be_there_unless_it_is_an_account() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    let ada = world.create_user("ada").await.entity.arn;
    iam.create_role(&root, role("ci", trust(&ada)))
        .await
        .unwrap();
    for good in [
        "*",
        "123456789012",
        "arn:aws:iam::123456789012:root",
        "arn:aws:iam::000000000000:role/ci",
        "arn:aws:sts::000000000000:assumed-role/ci/session",
    ] {
        iam.update_trust(&root, "ci", trust(good)).await.unwrap();
        let shown = iam.get_role(&root, "ci").await.unwrap().trust;
        assert_eq!(shown, trust(good));
    }
    for bad in [
        "arn:aws:iam::000000000000:user/bob",
        "arn:aws:iam::000000000000:user/x/ada",
        "arn:aws:iam::000000000000:user/ADA",
        "arn:aws:iam::123456789012:user/ada",
        "arn:aws:sts::000000000000:assumed-role/none/session",
        "arn:aws:iam::12345:root",
        "AIDAAAAAAAAAAAAAAAAAA",
    ] {
        let (name, _) = refused(iam.update_trust(&root, "ci", trust(bad)).await);
        assert_eq!(name, "MalformedPolicyDocument", "{bad}");
    }
}

/// As in AWS: roles are made before the provider that they trust. What is no provider at all is refused.
#[tokio::test]
async fn a_provider_that_a_role_trusts_may_come_later() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    let federated = |provider: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Federated":"{provider}"}},"Action":"sts:AssumeRoleWithWebIdentity"}}]}}"#
        )
    };
    let later = federated("arn:aws:iam::000000000000:oidc-provider/later.example");
    let made = iam.create_role(&root, role("ci", later.clone())).await;
    assert_eq!(made.unwrap().trust, later);
    let built_in = federated("accounts.google.com");
    iam.update_trust(&root, "ci", built_in).await.unwrap();
    iam.update_trust(&root, "ci", later).await.unwrap();
    for (bad, told) in [
        (
            "arn:aws:iam::000000000000:user/ada",
            "Federated principals must be valid domain names or SAML metadata ARNs",
        ),
        (
            "later.example",
            "Invalid principal in policy: \"Federated\":\"later.example\"",
        ),
    ] {
        let refusals = [
            refused(iam.create_role(&root, role("other", federated(bad))).await),
            refused(iam.update_trust(&root, "ci", federated(bad)).await),
        ];
        for (name, text) in refusals {
            assert_eq!(
                (name.as_str(), text.as_str()),
                ("MalformedPolicyDocument", told)
            );
        }
    }
}

#[tokio::test]
async fn what_is_not_given_of_a_role_stays() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    let mut command = role("ci", trust("*"));
    command.description = Some("builds".to_owned());
    let made = iam.create_role(&root, command).await.unwrap();
    assert_eq!(made.max_session_duration, 3_600);
    assert!(made.entity.id.starts_with("AROA"));
    let change = UpdateRole {
        name: "ci".to_owned(),
        description: None,
        max_session_duration: Some(7_200),
    };
    iam.update_role(&root, change).await.unwrap();
    let found = iam.get_role(&root, "ci").await.unwrap();
    assert_eq!(found.description.as_deref(), Some("builds"));
    assert_eq!(found.max_session_duration, 7_200);
    let page = PageRequest::default();
    let listed = iam.list_roles(&root, "/", &page).await.unwrap().items;
    assert_eq!(listed, [found]);
}

/// A use is told to within an hour; nothing is written in between.
#[tokio::test]
async fn a_role_tells_when_a_session_of_it_was_used() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    iam.create_role(&root, role("ci", trust("*")))
        .await
        .unwrap();
    let used = async || iam.get_role(&root, "ci").await.unwrap().last_used;
    assert_eq!(used().await, None);
    let id = iam.get_role(&root, "ci").await.unwrap().entity.id;
    let session = world
        .session_of_role(&world.home.account, "ci", &id)
        .principal;
    let note = async |region: &str| {
        iam.note_use(&session, "ecr", region, world.now());
        iam.record_uses().await.unwrap();
        let last = used().await.unwrap();
        (last.at, last.region)
    };
    let first = (world.now(), "eu-west-1".to_owned());
    assert_eq!(note("eu-west-1").await, first);
    world.turn(Duration::from_secs(3_599));
    assert_eq!(note("eu-west-3").await, first);
    let second = (world.now(), "eu-west-3".to_owned());
    world.turn(Duration::from_secs(1));
    iam.record_uses().await.unwrap();
    let last = used().await.unwrap();
    assert_eq!((last.at, last.region), second);
    world.turn(Duration::from_secs(3_600));
    let third = (world.now(), "eu-west-1".to_owned());
    assert_eq!(note("eu-west-1").await, third);
    let mut own = session.clone();
    own.session = Some(Arc::new(Session {
        kind: SessionKind::OwnUser,
        ..Session::clone(own.session.as_ref().unwrap())
    }));
    world.turn(Duration::from_secs(3_600));
    iam.note_use(&own, "ecr", "eu-west-1", world.now());
    iam.record_uses().await.unwrap();
    assert_eq!(
        used().await.unwrap().at,
        third.0,
        "a user's own session is no role's"
    );
}

#[tokio::test]
async fn a_role_in_an_instance_profile_stays() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    for name in ["ci", "other"] {
        iam.create_role(&root, role(name, trust("*")))
            .await
            .unwrap();
    }
    iam.create_instance_profile(&root, identity("profile"))
        .await
        .unwrap();
    iam.add_role_to_instance_profile(&root, "profile", "ci")
        .await
        .unwrap();
    let second = iam.add_role_to_instance_profile(&root, "profile", "other");
    assert_eq!(refused(second.await).0, "LimitExceeded");
    let page = PageRequest::default();
    let profiles = iam.list_instance_profiles_of_role(&root, "ci", &page);
    let profiles = profiles.await.unwrap().items;
    assert_eq!(profiles[0].role.as_ref().unwrap().entity.name, "ci");
    assert_eq!(
        refused(iam.delete_role(&root, "ci").await).0,
        "DeleteConflict"
    );
    let stays = iam.delete_instance_profile(&root, "profile").await;
    assert_eq!(refused(stays).0, "DeleteConflict");
    iam.remove_role_from_instance_profile(&root, "profile", "ci")
        .await
        .unwrap();
    iam.delete_role(&root, "ci").await.unwrap();
    iam.delete_instance_profile(&root, "profile").await.unwrap();
}
