//! Managed policies, their versions, and what they are attached to.

use ecru_services::PageRequest;
use ecru_services::iam::IdentityKind;
use ecru_services::iam::attachments::{EntityFilter, PolicyUse};
use ecru_services::iam::inline_policies::InlinePolicy;
use ecru_services::iam::policies::{PolicyFilter, PolicyScope};

use super::{ADMINISTRATOR, EVERYTHING, allow, denied, identity, pages, refused};
use crate::world::World;

#[tokio::test]
async fn of_five_versions_one_is_in_force() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    let arn = world.create_policy("p", EVERYTHING).await.entity.arn;
    assert_eq!(arn, "arn:aws:iam::000000000000:policy/p");
    for number in 2..=5 {
        let text = allow("ecr:*", "*");
        let is_default = number == 3;
        let made = iam.create_policy_version(&root, &arn, text, is_default);
        assert_eq!(made.await.unwrap().name, format!("v{number}"));
    }
    let sixth = iam.create_policy_version(&root, &arn, EVERYTHING.to_owned(), true);
    assert_eq!(refused(sixth.await).0, "LimitExceeded");
    let page = PageRequest::default();
    let versions = iam.list_policy_versions(&root, &arn, &page).await.unwrap();
    let names: Vec<_> = versions.items.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["v5", "v4", "v3", "v2", "v1"]);
    assert!(versions.items[2].is_default);
    let stays = iam.delete_policy_version(&root, &arn, "v3").await;
    assert_eq!(
        refused(stays).1,
        "Cannot delete the default version of a policy."
    );
    iam.delete_policy_version(&root, &arn, "v1").await.unwrap();
    let made = iam.create_policy_version(&root, &arn, EVERYTHING.to_owned(), false);
    assert_eq!(made.await.unwrap().name, "v6", "numbers are not used again");
    iam.set_default_policy_version(&root, &arn, "v6")
        .await
        .unwrap();
    let found = iam.get_policy(&root, &arn).await.unwrap();
    assert_eq!(found.default_version, "v6");
    let (name, text) = refused(iam.get_policy_version(&root, &arn, "v1").await);
    assert_eq!(name, "NoSuchEntity");
    assert!(text.contains("version v1 does not exist"));
    assert_eq!(
        refused(iam.delete_policy(&root, &arn).await).0,
        "DeleteConflict"
    );
    for version in ["v2", "v3", "v4", "v5"] {
        iam.delete_policy_version(&root, &arn, version)
            .await
            .unwrap();
    }
    iam.delete_policy(&root, &arn).await.unwrap();
    let (_, text) = refused(iam.get_policy(&root, &arn).await);
    assert_eq!(text, format!("Policy {arn} was not found."));
}

#[tokio::test]
async fn ten_policies_are_attached_and_no_more() {
    let world = World::new().await;
    let (root, iam, kind) = (world.root(), &world.services.iam, IdentityKind::User);
    world.create_user("ada").await;
    let mut arns = Vec::new();
    for number in 0..10 {
        let policy = world.create_policy(&format!("p{number}"), EVERYTHING).await;
        let arn = policy.entity.arn;
        for _ in 0..2 {
            iam.attach_policy(&root, kind, "ada", &arn).await.unwrap();
        }
        arns.push(arn);
    }
    let (name, text) = refused(iam.attach_policy(&root, kind, "ada", ADMINISTRATOR).await);
    assert_eq!(name, "LimitExceeded");
    assert_eq!(text, "Cannot exceed quota for PoliciesPerUser: 10");
    let missing = "arn:aws:iam::000000000000:policy/none";
    let (name, text) = refused(iam.attach_policy(&root, kind, "ada", missing).await);
    assert_eq!(name, "NoSuchEntity");
    assert_eq!(
        text,
        format!("Policy {missing} does not exist or is not attachable.")
    );
    let who = (kind, "ada");
    let page = pages(7, None);
    let first = iam.list_attached_policies(&root, who, "/", &page);
    let first = first.await.unwrap();
    let next = pages(7, first.next_token);
    let second = iam.list_attached_policies(&root, who, "/", &next);
    let second = second.await.unwrap().items;
    let mut listed: Vec<_> = first.items.into_iter().chain(second).collect();
    listed.sort_by(|one, other| one.arn.cmp(&other.arn));
    let listed: Vec<_> = listed.into_iter().map(|policy| policy.arn).collect();
    assert_eq!(listed, arns);
    let (name, text) = refused(iam.delete_policy(&root, &arns[0]).await);
    assert_eq!(name, "DeleteConflict");
    assert_eq!(text, "Cannot delete a policy attached to entities.");
    iam.detach_policy(&root, kind, "ada", &arns[0])
        .await
        .unwrap();
    let again = iam.detach_policy(&root, kind, "ada", &arns[0]).await;
    assert_eq!(
        refused(again).1,
        format!("Policy {} was not found.", arns[0])
    );
    iam.delete_policy(&root, &arns[0]).await.unwrap();
}

#[tokio::test]
async fn each_account_sees_its_own_uses_of_a_policy_of_aws() {
    let world = World::new().await;
    let (root, stranger, iam) = (world.root(), world.stranger(), &world.services.iam);
    iam.create_user(&stranger, identity("ada")).await.unwrap();
    iam.attach_policy(&stranger, IdentityKind::User, "ada", ADMINISTRATOR)
        .await
        .unwrap();
    let seen = iam.get_policy(&stranger, ADMINISTRATOR).await.unwrap();
    assert_eq!(seen.attachments, 1);
    let seen = iam.get_policy(&root, ADMINISTRATOR).await.unwrap();
    assert_eq!(seen.attachments, 0);
    let page = PageRequest::default();
    let all = EntityFilter::default();
    let own = iam.list_entities_of_policy(&root, ADMINISTRATOR, all.clone(), &page);
    assert!(own.await.unwrap().items.is_empty());
    let theirs = iam.list_entities_of_policy(&stranger, ADMINISTRATOR, all, &page);
    assert_eq!(theirs.await.unwrap().items[0].name, "ada");
    let text = denied(iam.delete_policy(&root, ADMINISTRATOR).await);
    assert!(text.contains("iam:DeletePolicy on resource: policy arn:aws:iam::aws:"));
}

#[tokio::test]
async fn a_policy_is_listed_with_all_who_have_it() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    let arn = world.create_policy("p", EVERYTHING).await.entity.arn;
    for name in ["ada", "bob", "eve"] {
        world.create_user(name).await;
    }
    iam.create_group(&root, identity("team")).await.unwrap();
    for (kind, name) in [
        (IdentityKind::User, "ada"),
        (IdentityKind::User, "bob"),
        (IdentityKind::Group, "team"),
    ] {
        iam.attach_policy(&root, kind, name, &arn).await.unwrap();
    }
    for name in ["bob", "eve"] {
        iam.put_boundary(&root, IdentityKind::User, name, &arn)
            .await
            .unwrap();
    }
    let list = async |filter: EntityFilter| {
        let (mut names, mut token) = (Vec::new(), None);
        loop {
            let page = pages(1, token);
            let found = iam.list_entities_of_policy(&root, &arn, filter.clone(), &page);
            let found = found.await.unwrap();
            names.extend(found.items.into_iter().map(|entity| entity.name));
            token = found.next_token;
            if token.is_none() {
                names.sort();
                return names;
            }
        }
    };
    assert_eq!(
        list(EntityFilter::default()).await,
        ["ada", "bob", "eve", "team"]
    );
    let users = EntityFilter {
        kind: Some(IdentityKind::User),
        used_for: Some(PolicyUse::Permissions),
        ..EntityFilter::default()
    };
    assert_eq!(list(users).await, ["ada", "bob"]);
    let bounded = EntityFilter {
        used_for: Some(PolicyUse::Boundary),
        ..EntityFilter::default()
    };
    assert_eq!(list(bounded).await, ["bob", "eve"]);
    let found = iam.get_policy(&root, &arn).await.unwrap();
    assert_eq!((found.attachments, found.boundary_uses), (3, 2));
    iam.delete_user(&root, "eve").await.unwrap();
    let found = iam.get_policy(&root, &arn).await.unwrap();
    assert_eq!(found.boundary_uses, 1, "a boundary goes with its user");
}

#[tokio::test]
async fn lists_of_policies_show_whose_are_asked_for() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    for name in ["b", "a"] {
        world.create_policy(name, EVERYTHING).await;
    }
    let list = async |scope, limit| {
        let (mut names, mut token) = (Vec::new(), None);
        loop {
            let filter = PolicyFilter {
                scope,
                ..PolicyFilter::default()
            };
            let page = pages(limit, token);
            let found = iam.list_policies(&root, filter, &page);
            let found = found.await.unwrap();
            names.extend(found.items.into_iter().map(|one| one.entity.name));
            token = found.next_token;
            if token.is_none() {
                return names;
            }
        }
    };
    assert_eq!(list(PolicyScope::Local, 1).await, ["a", "b"]);
    let theirs = list(PolicyScope::Aws, 3).await;
    assert!(theirs.contains(&"IAMFullAccess".to_owned()));
    let all = list(PolicyScope::All, 3).await;
    assert_eq!(all.len(), theirs.len() + 2);
    assert_eq!(all[theirs.len()..], ["a", "b"]);
    let used = PolicyFilter {
        only_attached: true,
        ..PolicyFilter::default()
    };
    let used = iam.list_policies(&root, used, &pages(100, None)).await;
    assert!(used.unwrap().items.is_empty());
}

#[tokio::test]
async fn inline_policies_have_one_size_together() {
    let world = World::new().await;
    let (root, iam, kind) = (world.root(), &world.services.iam, IdentityKind::User);
    world.create_user("ada").await;
    let put = async |name: &str, letters: usize| {
        let resource = format!("arn:aws:s3:::{}", "x".repeat(letters));
        let policy = InlinePolicy {
            identity: "ada".to_owned(),
            name: name.to_owned(),
            document: allow("s3:Get", &resource),
        };
        iam.put_inline_policy(&root, kind, policy).await
    };
    put("a", 1_000).await.unwrap();
    let (name, text) = refused(put("b", 1_000).await);
    assert_eq!(name, "LimitExceeded");
    assert_eq!(
        text,
        "Maximum policy size of 2048 bytes exceeded for user ada"
    );
    put("a", 1_500).await.unwrap();
    put("b", 100).await.unwrap();
    let page = PageRequest::default();
    let names = iam.list_inline_policies(&root, kind, "ada", &page);
    assert_eq!(names.await.unwrap().items, ["a", "b"]);
    let missing = iam.get_inline_policy(&root, kind, "ada", "c").await;
    assert_eq!(
        refused(missing).1,
        "The user policy with name c cannot be found."
    );
}

#[tokio::test]
async fn what_is_no_policy_is_not_saved() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    for bad in ["{", r#"{"Version":"2012-10-17","Statement":[{}]}"#] {
        let command = ecru_services::iam::policies::CreatePolicy {
            name: "p".to_owned(),
            document: bad.to_owned(),
            ..Default::default()
        };
        let (name, _) = refused(iam.create_policy(&root, command).await);
        assert_eq!(name, "MalformedPolicyDocument");
    }
}
