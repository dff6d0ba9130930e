//! Users and groups.

use ecru_domain::Refusal;
use ecru_services::PageRequest;
use ecru_services::iam::IdentityKind;
use ecru_services::iam::inline_policies::InlinePolicy;
use ecru_services::iam::login_profiles::LoginProfileChange;
use ecru_services::iam::tags::Tagged;
use ecru_services::iam::users::Rename;
use serde_json::json;

use super::{ADMINISTRATOR, EVERYTHING, identity, pages, refused};
use crate::people::statement;
use crate::world::{World, refusal};

#[tokio::test]
async fn users_are_read_as_they_were_written() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    let mut command = identity("Ada");
    command.path = Some("/engineering/".to_owned());
    command.tags = vec![("team".to_owned(), "a".to_owned())];
    let made = iam.create_user(&root, command).await.unwrap();
    assert_eq!(
        made.entity.arn,
        "arn:aws:iam::000000000000:user/engineering/Ada"
    );
    assert!(made.entity.id.starts_with("AIDA"));
    assert_eq!(made.entity.id.len(), 21);
    assert_eq!(iam.get_user(&root, Some("ADA")).await.unwrap(), made);
    let (name, text) = refused(iam.create_user(&root, identity("ada")).await);
    assert_eq!(name, "EntityAlreadyExists");
    assert_eq!(text, "User with name ada already exists.");
    let (name, text) = refused(iam.get_user(&root, Some("bob")).await);
    assert_eq!(name, "NoSuchEntity");
    assert_eq!(text, "The user with name bob cannot be found.");
}

#[tokio::test]
async fn a_rename_needs_the_right_to_the_new_arn() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    let mut command = identity("bob");
    command.path = Some("/team/".to_owned());
    iam.create_user(&root, command).await.unwrap();
    let home = world.home.account.to_string();
    let policy = json!({ "Effect": "Allow", "Action": "iam:UpdateUser", "Resource": [
        "arn:aws:iam::000000000000:user/team/*", "arn:aws:iam::000000000000:user/dev/*"] });
    let who = world.member(&home, "ann", &[statement(&policy)]).await;
    let rename = |path: Option<&str>, name: Option<&str>| Rename {
        name: "bob".to_owned(),
        new_path: path.map(str::to_owned),
        new_name: name.map(str::to_owned),
    };
    for (path, name) in [
        (Some("/admin/"), None),
        (Some("/admin/"), Some("rob")),
        (Some("/"), Some("rob")),
    ] {
        let renamed = iam.update_user(&who, rename(path, name)).await;
        assert!(
            matches!(refusal(renamed), Refusal::AccessDenied { .. }),
            "{path:?} {name:?}"
        );
    }
    let moved = iam.update_user(&who, rename(Some("/dev/"), None));
    moved.await.unwrap();
    let named = iam.update_user(&who, rename(None, Some("rob")));
    named.await.unwrap();
    let rob = iam.get_user(&root, Some("rob")).await.unwrap();
    assert_eq!(rob.entity.arn, "arn:aws:iam::000000000000:user/dev/rob");
}

#[tokio::test]
async fn a_user_made_again_has_another_id() {
    let world = World::new().await;
    let first = world.create_user("ada").await.entity.id;
    let iam = &world.services.iam;
    iam.delete_user(&world.root(), "ada").await.unwrap();
    assert_ne!(world.create_user("ada").await.entity.id, first);
}

#[tokio::test]
async fn lists_go_on_where_they_ended_and_only_there() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    for (path, name) in [("/", "b"), ("/", "C"), ("/x/", "a"), ("/x/y/", "d")] {
        let mut command = identity(name);
        command.path = Some(path.to_owned());
        iam.create_user(&root, command).await.unwrap();
    }
    let (mut token, mut names) = (None, Vec::new());
    loop {
        let page = iam.list_users(&root, "/", &pages(3, token)).await.unwrap();
        assert!(page.items.len() <= 3);
        names.extend(page.items.into_iter().map(|user| user.name));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(names, ["b", "C", "a", "d"]);
    let page = iam.list_users(&root, "/x/", &pages(1, None)).await.unwrap();
    assert_eq!(page.items[0].name, "a");
    let other = iam.list_users(&root, "/", &pages(1, page.next_token)).await;
    assert_eq!(refusal(other), ecru_domain::Refusal::PageTokenInvalid);
}

#[tokio::test]
async fn who_is_renamed_keeps_id_and_keys() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    let ada = world.create_user("ada").await.entity;
    world.create_user("bob").await;
    let (key, _) = iam.create_access_key(&root, Some("ada")).await.unwrap();
    let rename = |new: &str| Rename {
        name: "ada".to_owned(),
        new_path: Some("/x/".to_owned()),
        new_name: Some(new.to_owned()),
    };
    let (name, _) = refused(iam.update_user(&root, rename("BOB")).await);
    assert_eq!(name, "EntityAlreadyExists");
    iam.update_user(&root, rename("eve")).await.unwrap();
    let eve = iam.get_user(&root, Some("eve")).await.unwrap().entity;
    assert_eq!(eve.id, ada.id);
    let page = PageRequest::default();
    let keys = iam.list_access_keys(&root, Some("eve"), &page).await;
    assert_eq!(keys.unwrap().items[0].id, key.id);
    let identity = &world.services.identity;
    let signing = identity.signing_key(&key.id, None).await.unwrap().unwrap();
    assert_eq!(signing.principal.arn, eve.arn);
    refused(iam.get_user(&root, Some("ada")).await);
}

/// Everything that hangs on a user has to go first, each with its own text.
#[tokio::test]
async fn a_user_with_anything_left_stays() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    let kind = IdentityKind::User;
    world.create_user("ada").await;
    iam.create_group(&root, identity("team")).await.unwrap();
    let (key, _) = iam.create_access_key(&root, Some("ada")).await.unwrap();
    let change = LoginProfileChange {
        password: Some("Sesame-123".to_owned().into()),
        reset_required: None,
    };
    iam.create_login_profile(&root, Some("ada"), change)
        .await
        .unwrap();
    iam.add_user_to_group(&root, "team", "ada").await.unwrap();
    iam.attach_policy(&root, kind, "ada", ADMINISTRATOR)
        .await
        .unwrap();
    let policy = InlinePolicy {
        identity: "ada".to_owned(),
        name: "own".to_owned(),
        document: EVERYTHING.to_owned(),
    };
    iam.put_inline_policy(&root, kind, policy).await.unwrap();
    let conflict = async || {
        let (name, text) = refused(iam.delete_user(&root, "ada").await);
        assert_eq!(name, "DeleteConflict");
        text
    };
    assert!(conflict().await.contains("must delete access keys first"));
    iam.delete_access_key(&root, Some("ada"), &key.id)
        .await
        .unwrap();
    assert!(conflict().await.contains("must delete login profile first"));
    iam.delete_login_profile(&root, Some("ada")).await.unwrap();
    assert!(
        conflict()
            .await
            .contains("must remove users from group first")
    );
    iam.remove_user_from_group(&root, "team", "ada")
        .await
        .unwrap();
    assert_eq!(
        conflict().await,
        "Cannot delete entity, must detach all policies first."
    );
    iam.detach_policy(&root, kind, "ada", ADMINISTRATOR)
        .await
        .unwrap();
    assert_eq!(
        conflict().await,
        "Cannot delete entity, must delete policies first."
    );
    iam.delete_inline_policy(&root, kind, "ada", "own")
        .await
        .unwrap();
    iam.delete_user(&root, "ada").await.unwrap();
    refused(iam.get_user(&root, Some("ada")).await);
}

#[tokio::test]
async fn groups_hold_users_and_go_when_they_are_empty() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    for name in ["ada", "bob", "eve"] {
        world.create_user(name).await;
    }
    for number in 0..11 {
        let group = identity(&format!("g{number}"));
        iam.create_group(&root, group).await.unwrap();
    }
    for name in ["ada", "bob", "ada"] {
        iam.add_user_to_group(&root, "g0", name).await.unwrap();
    }
    let (group, first) = iam.get_group(&root, "G0", &pages(1, None)).await.unwrap();
    assert_eq!(group.name, "g0");
    let next = pages(1, first.next_token);
    let (_, second) = iam.get_group(&root, "g0", &next).await.unwrap();
    assert!(second.next_token.is_none());
    let mut names = [&first.items[0].name, &second.items[0].name];
    names.sort();
    assert_eq!(names, ["ada", "bob"]);
    for number in 1..10 {
        let group = format!("g{number}");
        iam.add_user_to_group(&root, &group, "ada").await.unwrap();
    }
    let (name, text) = refused(iam.add_user_to_group(&root, "g10", "ada").await);
    assert_eq!(name, "LimitExceeded");
    assert_eq!(text, "Cannot exceed quota for GroupsPerUser: 10");
    let page = PageRequest::default();
    let groups = iam.list_groups_of_user(&root, "ada", &page).await.unwrap();
    assert_eq!(groups.items.len(), 10);
    let (name, _) = refused(iam.delete_group(&root, "g0").await);
    assert_eq!(name, "DeleteConflict");
    iam.delete_group(&root, "g10").await.unwrap();
}

#[tokio::test]
async fn keys_of_tags_are_told_apart_without_regard_to_case() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    world.create_user("ada").await;
    let tagged = Tagged::User("ada");
    let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let twice = vec![tag("team", "a"), tag("TEAM", "b")];
    let (name, _) = refused(iam.tag(&root, tagged, twice).await);
    assert_eq!(name, "InvalidInput");
    for tags in [
        vec![tag("team", "a"), tag("x", "1")],
        vec![tag("Team", "b")],
    ] {
        iam.tag(&root, tagged, tags).await.unwrap();
    }
    let page = PageRequest::default();
    let tags = iam.list_tags(&root, tagged, &page).await.unwrap().items;
    assert_eq!(tags, [tag("Team", "b"), tag("x", "1")]);
    let keys = vec!["TEAM".to_owned(), "none".to_owned()];
    iam.untag(&root, tagged, keys).await.unwrap();
    let tags = iam.list_tags(&root, tagged, &page).await.unwrap().items;
    assert_eq!(tags, [tag("x", "1")]);
}
