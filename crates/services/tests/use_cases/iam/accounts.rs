//! Accounts as a whole: aliases, summaries, providers, passwords, details.

use ecru_services::iam::authorization_details::{AuthorizationDetail, DetailFilter};
use ecru_services::iam::login_profiles::LoginProfileChange;
use ecru_services::iam::oidc_providers::OidcProvider;
use ecru_services::iam::passwords::PasswordPolicy;
use ecru_services::iam::roles::CreateRole;

use super::{EVERYTHING, identity, pages, refused, trust};
use crate::world::World;

#[tokio::test]
async fn an_alias_belongs_to_one_account() {
    let world = World::new().await;
    let (root, stranger, iam) = (world.root(), world.stranger(), &world.services.iam);
    for alias in ["first", "acme"] {
        iam.create_account_alias(&root, alias).await.unwrap();
    }
    assert_eq!(iam.list_account_aliases(&root).await.unwrap(), ["acme"]);
    let taken = iam.create_account_alias(&stranger, "acme").await;
    assert_eq!(refused(taken).0, "EntityAlreadyExists");
    iam.create_account_alias(&stranger, "first").await.unwrap();
    iam.delete_account_alias(&root, "acme").await.unwrap();
    let again = iam.delete_account_alias(&root, "acme").await;
    assert_eq!(refused(again).0, "NoSuchEntity");
}

#[tokio::test]
async fn the_summary_counts() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    world.create_user("ada").await;
    world.create_policy("p", EVERYTHING).await;
    let summary = iam.account_summary(&root).await.unwrap();
    assert_eq!((summary.users, summary.policies, summary.roles), (1, 1, 0));
    assert!(summary.has_root_key);
}

#[tokio::test]
async fn providers_keep_what_they_were_given() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    let command = OidcProvider {
        url: "https://Issuer.example/path".to_owned(),
        client_ids: vec!["a".to_owned()],
        ..OidcProvider::default()
    };
    let arn = iam.create_oidc_provider(&root, command.clone()).await;
    let arn = arn.unwrap();
    assert_eq!(
        arn,
        "arn:aws:iam::000000000000:oidc-provider/Issuer.example/path"
    );
    let again = iam.create_oidc_provider(&root, command).await;
    assert_eq!(refused(again).0, "EntityAlreadyExists");
    iam.add_client_id(&root, &arn, "b".to_owned())
        .await
        .unwrap();
    iam.remove_client_id(&root, &arn, "a".to_owned())
        .await
        .unwrap();
    iam.set_thumbprints(&root, &arn, vec!["0".repeat(40)])
        .await
        .unwrap();
    let found = iam.get_oidc_provider(&root, &arn).await.unwrap();
    assert_eq!(found.url, "Issuer.example/path");
    assert_eq!(found.client_ids, ["b"]);
    let bad = iam.set_thumbprints(&root, &arn, vec!["x".to_owned()]).await;
    assert_eq!(refused(bad).0, "InvalidInput");
    let listed = iam.list_oidc_providers(&root).await.unwrap();
    assert_eq!(listed, std::slice::from_ref(&arn));
    iam.delete_oidc_provider(&root, &arn).await.unwrap();
    let (_, text) = refused(iam.get_oidc_provider(&root, &arn).await);
    assert_eq!(
        text,
        format!("OpenIDConnect Provider not found for arn {arn}")
    );
}

#[tokio::test]
async fn passwords_obey_the_policy_of_the_account() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    world.create_user("ada").await;
    let change = |password: &str| LoginProfileChange {
        password: Some(password.to_owned().into()),
        reset_required: Some(true),
    };
    let weak = iam.create_login_profile(&root, Some("ada"), change("short"));
    assert_eq!(refused(weak.await).0, "PasswordPolicyViolation");
    assert_eq!(
        refused(iam.get_password_policy(&root).await).0,
        "NoSuchEntity"
    );
    let policy = PasswordPolicy {
        minimum_length: 5,
        require_symbols: false,
        require_numbers: false,
        require_uppercase: false,
        require_lowercase: true,
        allow_change: true,
        max_age: None,
        reuse_prevention: None,
        hard_expiry: None,
    };
    iam.update_password_policy(&root, policy.clone())
        .await
        .unwrap();
    assert_eq!(iam.get_password_policy(&root).await.unwrap(), policy);
    let made = iam.create_login_profile(&root, Some("ada"), change("short"));
    assert!(made.await.unwrap().reset_required);
    let again = iam.create_login_profile(&root, Some("ada"), change("short"));
    assert_eq!(refused(again.await).0, "EntityAlreadyExists");
    for (password, is_right) in [("short", true), ("Short", false)] {
        let found = iam.has_password(&root, "ada", password.to_owned().into());
        assert_eq!(found.await.unwrap(), is_right);
    }
    iam.delete_login_profile(&root, Some("ada")).await.unwrap();
    let (_, text) = refused(iam.get_login_profile(&root, Some("ada")).await);
    assert_eq!(text, "Login Profile for User ada cannot be found.");
}

#[tokio::test]
async fn details_of_an_account_come_in_pages() {
    let world = World::new().await;
    let (root, iam) = (world.root(), &world.services.iam);
    for name in ["ada", "bob"] {
        world.create_user(name).await;
    }
    iam.create_group(&root, identity("team")).await.unwrap();
    iam.add_user_to_group(&root, "team", "ada").await.unwrap();
    let role = CreateRole {
        identity: identity("ci"),
        trust: trust("*"),
        ..CreateRole::default()
    };
    iam.create_role(&root, role).await.unwrap();
    world.create_policy("p", EVERYTHING).await;
    for limit in 1..=6 {
        let (mut names, mut token) = (Vec::new(), None);
        loop {
            let page = pages(limit, token);
            let found = iam.authorization_details(&root, DetailFilter::default(), &page);
            let found = found.await.unwrap();
            names.extend(found.items.iter().map(name_of));
            token = found.next_token;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(
            names,
            ["ada in team", "bob in ", "team", "ci", "p v1"],
            "{limit}"
        );
    }
    let roles = DetailFilter {
        roles: true,
        ..DetailFilter::default()
    };
    let page = pages(9, None);
    let found = iam.authorization_details(&root, roles, &page);
    assert_eq!(found.await.unwrap().items.len(), 1);
}

fn name_of(detail: &AuthorizationDetail) -> String {
    match detail {
        AuthorizationDetail::User(user, groups, _) => {
            format!("{} in {}", user.entity.name, groups.join(","))
        }
        AuthorizationDetail::Group(group, _) => group.name.clone(),
        AuthorizationDetail::Role(role, ..) => role.entity.name.clone(),
        AuthorizationDetail::Policy(detail) => {
            let version = &detail.versions[0].name;
            format!("{} {version}", detail.policy.entity.name)
        }
    }
}
