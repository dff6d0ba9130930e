//! Access keys.

use ecru_domain::Action;
use ecru_services::{PageRequest, Resource};

use super::{allow, denied, refused};
use crate::world::World;

#[tokio::test]
async fn a_user_has_two_keys_and_their_secrets_are_told_once() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    let ada = world.create_user("ada").await.entity;
    let (key, pair) = iam.create_access_key(&root, Some("ada")).await.unwrap();
    assert!(key.id.starts_with("AKIA") && key.id.len() == 20);
    assert_eq!(pair.secret.len(), 40);
    let signing = world
        .services
        .identity
        .signing_key(&key.id, None)
        .await
        .unwrap();
    let signing = signing.unwrap();
    assert_eq!(*signing.secret, *pair.secret.as_bytes());
    assert_eq!(signing.principal.arn, ada.arn);
    assert_eq!(signing.principal.unique_id, ada.id);
    iam.create_access_key(&root, Some("ada")).await.unwrap();
    let third = iam.create_access_key(&root, Some("ada")).await.map(|_| ());
    let (name, text) = refused(third);
    assert_eq!(name, "LimitExceeded");
    assert_eq!(text, "Cannot exceed quota for AccessKeysPerUser: 2");
}

#[tokio::test]
async fn a_key_that_is_inactive_or_gone_signs_nothing() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    let identity = &world.services.identity;
    world.create_user("ada").await;
    world.create_user("bob").await;
    let (key, _) = iam.create_access_key(&root, Some("ada")).await.unwrap();
    let user = Some("ada");
    for (is_active, signs) in [(false, false), (true, true)] {
        iam.update_access_key(&root, user, &key.id, is_active)
            .await
            .unwrap();
        let found = identity.signing_key(&key.id, None).await.unwrap();
        assert_eq!(found.is_some(), signs);
    }
    let others = iam.delete_access_key(&root, Some("bob"), &key.id).await;
    assert_eq!(refused(others).0, "NoSuchEntity");
    iam.delete_access_key(&root, user, &key.id).await.unwrap();
    assert!(identity.signing_key(&key.id, None).await.unwrap().is_none());
}

#[tokio::test]
async fn the_uses_of_keys_are_told() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    world.create_user("ada").await;
    let (key, _) = iam.create_access_key(&root, Some("ada")).await.unwrap();
    let unused = iam.access_key_last_used(&root, &key.id).await.unwrap();
    assert_eq!((unused.user.as_str(), unused.last), ("ada", None));
    let signing = world
        .services
        .identity
        .signing_key(&key.id, None)
        .await
        .unwrap();
    let principal = signing.unwrap().principal;
    iam.note_use(&principal, "ecr", "eu-west-1", world.now());
    iam.record_uses().await.unwrap();
    let used = iam.access_key_last_used(&root, &key.id).await.unwrap();
    let last = used.last.unwrap();
    assert_eq!((last.service.as_str(), last.at), ("ecr", world.now()));
    let (name, _) = refused(iam.access_key_last_used(&root, "AKIANONE").await);
    assert_eq!(name, "NoSuchEntity");
    let stranger = iam.access_key_last_used(&world.stranger(), &key.id).await;
    assert_eq!(refused(stranger).0, "NoSuchEntity");
}

/// Without a name, a user means itself; who is none has to give one.
#[tokio::test]
async fn users_look_after_their_own_keys() {
    let world = World::new().await;
    let iam = &world.services.iam;
    let own = "arn:aws:iam::*:user/${aws:username}";
    let ada = world.user_with("ada", &allow("iam:*AccessKey*", own)).await;
    world.create_user("bob").await;
    let (key, _) = iam.create_access_key(&ada, None).await.unwrap();
    assert_eq!(key.user, "ada");
    let page = PageRequest::default();
    let listed = iam.list_access_keys(&ada, None, &page).await.unwrap();
    assert_eq!(listed.items, [key]);
    let text = denied(iam.create_access_key(&ada, Some("bob")).await.map(|_| ()));
    assert!(text.contains("iam:CreateAccessKey on resource: user bob"));
    let nobody = iam.create_access_key(&ada, Some("nobody")).await;
    let nobody = denied(nobody.map(|_| ()));
    assert_eq!(nobody.replace("nobody", "bob"), text);
}

#[tokio::test]
async fn a_user_who_is_gone_may_nothing() {
    let world = World::new().await;
    let ada = world.user_with("ada", super::EVERYTHING).await;
    let access = &world.services.access;
    let ask = async || {
        let resource = Resource::Any(world.home.clone());
        access
            .authorize(&ada, Action::named("ecr:X"), resource)
            .await
    };
    ask().await.unwrap();
    let (root, iam) = (world.root(), &world.services.iam);
    let kind = ecru_services::iam::IdentityKind::User;
    iam.delete_inline_policy(&root, kind, "ada", "own")
        .await
        .unwrap();
    denied(ask().await.map(|_| ()));
    iam.delete_user(&root, "ada").await.unwrap();
    assert!(ask().await.is_err());
}
