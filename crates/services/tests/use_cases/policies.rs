//! Who may pull, push and configure: identity policies, repository policies and registry policies together.

use std::time::Duration;

use ecru_domain::settings::AccountSetting;
use ecru_domain::{Error, Reference, Refusal, RepositoryName};
use ecru_ports::metadata::EntityKind;
use ecru_services::RequestContext;
use ecru_services::repositories::SetRepositoryPolicy;
use serde_json::{Value, json};

use crate::identities::allow;
use crate::people::statement;
use crate::world::{World, refusal};

const PULL: [&str; 2] = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
const B: &str = "222222222222";
const C: &str = "333333333333";
const D: &str = "444444444444";

async fn set_policy(world: &World, name: &RepositoryName, text: String) -> Result<String, Error> {
    let command = SetRepositoryPolicy {
        registry: world.home.clone(),
        name: name.clone(),
        text,
        force: false,
    };
    let repositories = &world.services.repositories;
    repositories.set_policy(&world.root(), command).await
}

/// What a pull of `v1` is refused with; `None` if it is not.
async fn pull(world: &World, who: &RequestContext, name: &RepositoryName) -> Option<String> {
    let reference = Reference::parse("v1").unwrap();
    let images = &world.services.images;
    match images.pull(who, &world.home, name, &reference).await {
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    }
}

fn grants(principals: &Value, condition: Option<Value>) -> String {
    let mut granted =
        json!({ "Effect": "Allow", "Principal": { "AWS": principals }, "Action": PULL });
    if let Some(condition) = condition {
        granted["Condition"] = condition;
    }
    statement(&granted)
}

#[tokio::test]
async fn accounts_pull_where_both_sides_allow_it() {
    let world = World::new().await;
    let app = world.create("team-a/app").await;
    world.push_image(&app, "image", Some("v1")).await;
    let with = world.acting(B, "puller", &[allow(&PULL)]).await;
    let without = world.acting(B, "nobody", &[]).await;
    let of_c = world.member(C, "carl", &[allow(&["ecr:*"])]).await;
    let of_d = world.member(D, "dora", &[allow(&["ecr:*"])]).await;
    assert_eq!(
        pull(&world, &with, &app).await.unwrap(),
        "User: arn:aws:sts::222222222222:assumed-role/puller/session is not authorized to perform: ecr:BatchGetImage on resource: \
         arn:aws:ecr:us-east-1:000000000000:repository/team-a/app because no resource-based policy allows the ecr:BatchGetImage action"
    );
    let roots = json!([format!("arn:aws:iam::{B}:root"), C]);
    set_policy(&world, &app, grants(&roots, None))
        .await
        .unwrap();
    assert_eq!(pull(&world, &with, &app).await, None);
    assert_eq!(pull(&world, &of_c, &app).await, None);
    let refused = pull(&world, &without, &app).await.unwrap();
    assert!(
        refused.ends_with("because no identity-based policy allows the ecr:BatchGetImage action"),
        "{refused}"
    );
    assert!(pull(&world, &of_d, &app).await.is_some());

    let one_role = json!([format!("arn:aws:iam::{B}:role/puller")]);
    set_policy(&world, &app, grants(&one_role, None))
        .await
        .unwrap();
    assert_eq!(pull(&world, &with, &app).await, None);
    assert!(pull(&world, &of_c, &app).await.is_some());
}

#[tokio::test]
async fn a_policy_may_ask_for_address_and_region() {
    let world = World::new().await;
    let app = world.create("app").await;
    world.push_image(&app, "image", Some("v1")).await;
    let mut who = world.member(B, "bob", &[allow(&PULL)]).await;
    let range = json!({ "IpAddress": { "aws:SourceIp": "192.0.2.0/24" } });
    set_policy(&world, &app, grants(&json!(B), Some(range)))
        .await
        .unwrap();
    assert!(
        pull(&world, &who, &app).await.is_some(),
        "no address at all"
    );
    // twice, since decisions are remembered
    for (address, allowed) in [
        ("192.0.2.77", true),
        ("198.51.100.1", false),
        ("::ffff:192.0.2.1", true),
    ]
    .repeat(2)
    {
        who.peer = Some(address.parse().unwrap());
        assert_eq!(
            pull(&world, &who, &app).await.is_none(),
            allowed,
            "{address}"
        );
    }
    for (region, allowed) in [("us-east-1", true), ("eu-west-1", false)] {
        let condition = json!({ "StringEquals": { "aws:RequestedRegion": region } });
        set_policy(&world, &app, grants(&json!(B), Some(condition)))
            .await
            .unwrap();
        assert_eq!(
            pull(&world, &who, &app).await.is_none(),
            allowed,
            "{region}"
        );
    }
}

#[tokio::test]
async fn a_policy_may_be_about_one_account_setting() {
    let world = World::new().await;
    let home = world.home.account.to_string();
    let actions = ["ecr:GetAccountSetting", "ecr:PutAccountSetting"];
    let mounting = json!({ "StringEquals": { "ecr:AccountSetting": "BLOB_MOUNTING" } });
    let allow =
        json!({ "Effect": "Allow", "Action": actions, "Resource": "*", "Condition": mounting });
    let who = world.member(&home, "ann", &[statement(&allow)]).await;
    let settings = &world.services.settings;
    let (own, other) = (
        AccountSetting::BlobMounting,
        AccountSetting::RegistryPolicyScope,
    );
    let put = settings.put_account_setting(&who, own, "ENABLED");
    put.await.unwrap();
    settings.get_account_setting(&who, own).await.unwrap();
    let put = settings.put_account_setting(&who, other, "V2");
    assert!(matches!(refusal(put.await), Refusal::AccessDenied { .. }));
    let got = settings.get_account_setting(&who, other).await;
    assert!(matches!(refusal(got), Refusal::AccessDenied { .. }));
}

#[tokio::test]
async fn own_users_need_an_identity_policy_and_folders_are_borders() {
    let world = World::new().await;
    let (ours, theirs) = (
        world.create("team-a/app").await,
        world.create("team-b/app").await,
    );
    for name in [&ours, &theirs] {
        world.push_image(name, "image", Some("v1")).await;
    }
    let home = world.home.account.to_string();
    let nobody = world.member(&home, "nobody", &[]).await;
    let refused = pull(&world, &nobody, &ours).await.unwrap();
    assert!(
        refused.ends_with("because no identity-based policy allows the ecr:BatchGetImage action")
    );
    let folder = json!({ "Effect": "Allow", "Action": "ecr:*", "Resource": "arn:aws:ecr:*:*:repository/team-a/*" });
    let member = world.member(&home, "member", &[statement(&folder)]).await;
    assert_eq!(pull(&world, &member, &ours).await, None);
    assert!(pull(&world, &member, &theirs).await.is_some());
}

#[tokio::test]
async fn a_deleted_role_is_nobody_and_its_namesake_inherits_nothing() {
    let world = World::new().await;
    let app = world.create("app").await;
    world.push_image(&app, "image", Some("v1")).await;
    let role = world.acting(B, "ci", &[allow(&PULL)]).await;
    let (root, arn) = (world.root(), format!("arn:aws:iam::{B}:role/ci"));
    set_policy(&world, &app, grants(&json!(arn), None))
        .await
        .unwrap();
    let shown = world
        .services
        .repositories
        .get_policy(&root, &world.home, &app);
    assert!(shown.await.unwrap().contains(&arn));
    assert_eq!(pull(&world, &role, &app).await, None);
    world
        .delete_entity(&role.principal.account, EntityKind::Role, "ci")
        .await;
    assert_eq!(pull(&world, &role, &app).await.unwrap(), "Not Authorized");
    let shown = world
        .services
        .repositories
        .get_policy(&root, &world.home, &app);
    assert!(
        shown.await.unwrap().contains("AROA"),
        "an id whose owner is gone stays as it is"
    );
    world.turn(Duration::from_secs(1));
    let mut namesake = world.acting(D, "ci", &[allow(&PULL)]).await;
    namesake.principal.account = ecru_domain::AccountId::parse(D).unwrap();
    assert!(pull(&world, &namesake, &app).await.is_some());
}

#[tokio::test]
async fn policies_that_are_none_and_lockouts_are_refused() {
    let world = World::new().await;
    let app = world.create("app").await;
    let (root, unknown) = (world.root(), format!("arn:aws:iam::{B}:user/ghost"));
    for text in [
        "{".to_owned(),
        "{}".to_owned(),
        String::new(),
        grants(&json!(unknown), None),
        statement(&json!({ "Effect": "Allow", "Principal": "*", "Action": "ecr:Fly" })),
        statement(
            &json!({ "Effect": "Allow", "Principal": "*", "Action": "ecr:GetAuthorizationToken" }),
        ),
        statement(
            &json!({ "Effect": "Allow", "Principal": "*", "Action": "ecr:*", "Resource": "*" }),
        ),
    ] {
        let refused = refusal(set_policy(&world, &app, text.clone()).await);
        assert_eq!(
            refused.to_string(),
            "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'",
            "{text}"
        );
    }
    let lockout = statement(
        &json!({ "Effect": "Deny", "Principal": "*", "Action": "ecr:SetRepositoryPolicy" }),
    );
    let refused = refusal(set_policy(&world, &app, lockout.clone()).await);
    assert!(refused.to_string().contains("prevent you from updating"));
    let command = SetRepositoryPolicy {
        registry: world.home.clone(),
        name: app.clone(),
        text: lockout.clone(),
        force: true,
    };
    let repositories = &world.services.repositories;
    repositories
        .set_policy(&world.root(), command)
        .await
        .unwrap();
    let again = set_policy(&world, &app, lockout).await;
    assert!(matches!(refusal(again), Refusal::AccessDenied { .. }));
    let deleted = repositories.delete_policy(&root, &world.home, &app);
    deleted.await.unwrap();
    let none = repositories
        .get_policy(&world.root(), &world.home, &app)
        .await;
    assert!(matches!(
        refusal(none),
        Refusal::RepositoryPolicyNotFound(_)
    ));
}

#[tokio::test]
async fn a_registry_policy_binds_every_repository() {
    let world = World::new().await;
    let app = world.create("team-a/app").await;
    world.push_image(&app, "image", Some("v1")).await;
    let who = world.member(B, "bob", &[allow(&PULL)]).await;
    let resource = "arn:aws:ecr:us-east-1:000000000000:repository/team-a/*";
    let text = statement(
        &json!({ "Effect": "Allow", "Principal": { "AWS": B }, "Action": PULL, "Resource": resource }),
    );
    let settings = &world.services.settings;
    settings
        .put_registry_policy(&world.root(), &text)
        .await
        .unwrap();
    assert_eq!(pull(&world, &who, &app).await, None);
    let setting = AccountSetting::RegistryPolicyScope;
    let root = world.root();
    settings
        .put_account_setting(&root, setting, "V1")
        .await
        .unwrap();
    assert!(
        pull(&world, &who, &app).await.is_some(),
        "the narrow scope is about replication alone"
    );
    let refused = refusal(settings.put_registry_policy(&root, &text).await);
    assert!(
        refused
            .to_string()
            .contains("Invalid registry policy provided")
    );
    let (_, deleted) = settings.delete_registry_policy(&root).await.unwrap();
    assert_eq!(deleted, text);
    let none = settings.get_registry_policy(&root).await;
    assert!(matches!(refusal(none), Refusal::RegistryPolicyNotFound(_)));
}

#[tokio::test]
async fn tags_of_repositories_and_requests_are_conditions() {
    let world = World::new().await;
    let home = world.home.account.to_string();
    let condition = json!({ "StringEquals": { "aws:ResourceTag/team": "a" } });
    let policy =
        json!({ "Effect": "Allow", "Action": PULL, "Resource": "*", "Condition": condition });
    let who = world.member(&home, "ann", &[statement(&policy)]).await;
    let app = world.create("app").await;
    world.push_image(&app, "image", Some("v1")).await;
    assert!(pull(&world, &who, &app).await.is_some());
    let arn = "arn:aws:ecr:us-east-1:000000000000:repository/app";
    let tags = vec![("team".to_owned(), "a".to_owned())];
    let repositories = &world.services.repositories;
    repositories
        .tag_resource(&world.root(), arn, tags.clone())
        .await
        .unwrap();
    assert_eq!(pull(&world, &who, &app).await, None);

    let condition = json!({
        "StringEquals": { "aws:RequestTag/team": "b" },
        "ForAllValues:StringEquals": { "aws:TagKeys": ["team"] },
    });
    let policy = json!({ "Effect": "Allow", "Action": "ecr:TagResource", "Resource": "*", "Condition": condition });
    let tagger = world.member(&home, "tim", &[statement(&policy)]).await;
    let refused = repositories.tag_resource(&tagger, arn, tags).await;
    assert!(matches!(refusal(refused), Refusal::AccessDenied { .. }));
    let right = vec![("team".to_owned(), "b".to_owned())];
    repositories
        .tag_resource(&tagger, arn, right)
        .await
        .unwrap();
}
