//! Who may change identities.

use ecru_services::PageRequest;
use ecru_services::iam::IdentityKind;
use ecru_services::iam::roles::CreateRole;
use ecru_services::iam::tags::Tagged;
use ecru_services::iam::users::Rename;

use super::{ADMINISTRATOR, EVERYTHING, allow, denied, identity, statement, trust};
use crate::world::World;

#[tokio::test]
async fn a_refusal_tells_nothing_of_what_is_there() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    let mut command = identity("ada");
    command.path = Some("/secret/".to_owned());
    iam.create_user(&root, command).await.unwrap();
    let eve = world.user_with("eve", &allow("ecr:*", "*")).await;
    let there = denied(iam.get_user(&eve, Some("ada")).await);
    let absent = denied(iam.get_user(&eve, Some("bob")).await);
    assert_eq!(absent.replace("bob", "ada"), there);
    assert_eq!(
        there,
        "User: arn:aws:iam::000000000000:user/eve is not authorized to perform: iam:GetUser on resource: user ada \
         because no identity-based policy allows the iam:GetUser action"
    );
}

#[tokio::test]
async fn a_path_is_a_border() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    let own = allow("iam:*", "arn:aws:iam::000000000000:user/team-a/*");
    let eve = world.user_with("eve", &own).await;
    let mut command = identity("ada");
    command.path = Some("/team-a/".to_owned());
    iam.create_user(&eve, command).await.unwrap();
    iam.delete_user(&eve, "ada").await.unwrap();
    denied(iam.create_user(&eve, identity("bob")).await);
    iam.create_user(&root, identity("bob")).await.unwrap();
    denied(iam.delete_user(&eve, "bob").await);
}

/// Of a name and a path that are not given, those are meant that are there.
#[tokio::test]
async fn who_renames_needs_the_permission_for_the_old_arn_and_the_new_one() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    let mut command = identity("Ada");
    command.path = Some("/team-a/".to_owned());
    command.tags = vec![("team".to_owned(), "a".to_owned())];
    iam.create_user(&root, command.clone()).await.unwrap();
    command.name = "Ops".to_owned();
    iam.create_group(&root, command).await.unwrap();
    let own = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"iam:UpdateGroup","Resource":"arn:aws:iam::000000000000:group/team-a/*"},
        {"Effect":"Allow","Action":"iam:UpdateUser","Resource":"arn:aws:iam::000000000000:user/team-a/*",
         "Condition":{"StringEquals":{"aws:ResourceTag/team":"a"}}}]}"#;
    let eve = world.user_with("eve", own).await;
    let rename = |name: &str, path: Option<&str>, new: Option<&str>| Rename {
        name: name.to_owned(),
        new_path: path.map(str::to_owned),
        new_name: new.map(str::to_owned),
    };
    // the path stays
    iam.update_user(&eve, rename("ada", None, Some("Bob")))
        .await
        .unwrap();
    iam.update_group(&eve, rename("ops", None, Some("Dev")))
        .await
        .unwrap();
    let bob = iam.get_user(&root, Some("bob")).await.unwrap().entity;
    assert_eq!(bob.arn, "arn:aws:iam::000000000000:user/team-a/Bob");
    // the name stays
    let out = denied(iam.update_user(&eve, rename("bob", Some("/"), None)).await);
    assert!(
        out.contains("iam:UpdateUser on resource: user Bob because"),
        "{out}"
    );
    let out = denied(iam.update_group(&eve, rename("dev", Some("/"), None)).await);
    assert!(out.contains("on resource: group Dev because"), "{out}");
    iam.update_user(&eve, rename("bob", Some("/team-a/x/"), None))
        .await
        .unwrap();
    denied(
        iam.update_user(&eve, rename("bob", Some("/team-b/"), Some("eve")))
            .await,
    );
    denied(
        iam.update_user(&eve, rename("nobody", None, Some("x")))
            .await,
    );
}

#[tokio::test]
async fn conditions_name_the_policy_that_is_attached() {
    let world = World::new().await;
    let iam = &world.services.iam;
    let p = world.create_policy("p", EVERYTHING).await.entity.arn;
    world.create_user("ada").await;
    let condition = format!(r#"{{"ArnEquals":{{"iam:PolicyARN":"{p}"}}}}"#);
    let only = statement("Allow", "iam:AttachUserPolicy", "*", &condition);
    let eve = world.user_with("eve", &only).await;
    let kind = IdentityKind::User;
    iam.attach_policy(&eve, kind, "ada", &p).await.unwrap();
    denied(iam.attach_policy(&eve, kind, "ada", ADMINISTRATOR).await);
}

/// The way in which an administrator lets others make roles that cannot do more than they.
#[tokio::test]
async fn roles_may_be_made_only_with_a_boundary() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    let bound = world.create_policy("bound", EVERYTHING).await.entity.arn;
    let condition = format!(r#"{{"StringEquals":{{"iam:PermissionsBoundary":"{bound}"}}}}"#);
    let eve = statement("Allow", "iam:*", "*", &condition);
    let eve = world.user_with("eve", &eve).await;
    let mut command = CreateRole {
        identity: identity("free"),
        trust: trust("*"),
        ..CreateRole::default()
    };
    denied(iam.create_role(&eve, command.clone()).await);
    iam.create_role(&root, command.clone()).await.unwrap();
    let kind = IdentityKind::Role;
    denied(iam.attach_policy(&eve, kind, "free", ADMINISTRATOR).await);
    command.identity = identity("bound");
    command.identity.boundary = Some(bound.clone());
    let made = iam.create_role(&eve, command).await.unwrap();
    assert_eq!(made.boundary.as_deref(), Some(bound.as_str()));
    iam.attach_policy(&eve, kind, "bound", ADMINISTRATOR)
        .await
        .unwrap();
    denied(iam.put_boundary(&eve, kind, "bound", ADMINISTRATOR).await);
    iam.delete_boundary(&root, kind, "bound").await.unwrap();
    denied(iam.detach_policy(&eve, kind, "bound", ADMINISTRATOR).await);
}

#[tokio::test]
async fn tags_decide_and_are_decided_on() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    let condition = r#"{"StringEquals":{"aws:RequestTag/team":"a"}}"#;
    let eve = statement("Allow", "iam:*", "*", condition);
    let eve = world.user_with("eve", &eve).await;
    let tag = |value: &str| vec![("team".to_owned(), value.to_owned())];
    let mut command = identity("ada");
    denied(iam.create_user(&eve, command.clone()).await);
    command.tags = tag("a");
    iam.create_user(&eve, command).await.unwrap();
    denied(iam.tag(&eve, Tagged::User("ada"), tag("b")).await);
    let condition = r#"{"StringEquals":{"aws:ResourceTag/team":"a"}}"#;
    let bob = statement("Allow", "iam:*", "*", condition);
    let bob = world.user_with("bob", &bob).await;
    iam.get_user(&bob, Some("ada")).await.unwrap();
    denied(iam.get_user(&bob, Some("eve")).await);
    iam.tag(&root, Tagged::User("ada"), tag("b")).await.unwrap();
    denied(iam.get_user(&bob, Some("ada")).await);
}

#[tokio::test]
async fn another_accounts_policies_are_out_of_reach() {
    let world = World::new().await;
    let iam = &world.services.iam;
    let arn = world.create_policy("p", EVERYTHING).await.entity.arn;
    let stranger = world.stranger();
    let none = "arn:aws:iam::000000000000:policy/none";
    let there = denied(iam.get_policy(&stranger, &arn).await);
    let absent = denied(iam.get_policy(&stranger, none).await);
    assert_eq!(absent.replace("policy/none", "policy/p"), there);
    denied(iam.delete_policy(&stranger, &arn).await);
    iam.create_user(&stranger, identity("ada")).await.unwrap();
    let kind = IdentityKind::User;
    let attached = iam.attach_policy(&stranger, kind, "ada", &arn).await;
    assert_eq!(super::refused(attached).0, "NoSuchEntity");
    let page = PageRequest::default();
    let users = iam.list_users(&world.root(), "/", &page).await.unwrap();
    assert!(users.items.is_empty());
}
