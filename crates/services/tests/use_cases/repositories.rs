//! Repositories and their settings.

use ecru_domain::mutability::TagMutability;
use ecru_domain::{EncryptionType, Refusal, Region};
use ecru_services::keys::RequestedEncryption;
use ecru_services::repositories::CreateRepository;
use ecru_services::{PageRequest, RequestContext};

use crate::world::{World, name, refusal};

fn command(
    world: &World,
    repository: &str,
    kind: EncryptionType,
    key: Option<&str>,
) -> CreateRepository {
    CreateRepository {
        registry: world.home.clone(),
        name: name(repository),
        tags: vec![],
        mutability: TagMutability::mutable(),
        scan_on_push: false,
        encryption: RequestedEncryption {
            kind,
            key: key.map(str::to_owned),
        },
    }
}

#[tokio::test]
async fn a_name_is_taken_once() {
    let world = World::new().await;
    world.create("team/app").await;
    let again = world
        .services
        .repositories
        .create(
            &world.root(),
            command(&world, "team/app", EncryptionType::Aes256, None),
        )
        .await;
    assert!(matches!(
        refusal(again),
        Refusal::RepositoryAlreadyExists(_)
    ));
}

#[tokio::test]
async fn kms_without_a_key_is_the_managed_key_and_an_unknown_key_is_refused() {
    let world = World::new().await;
    let repositories = &world.services.repositories;
    let one = repositories
        .create(
            &world.root(),
            command(&world, "one", EncryptionType::Kms, None),
        )
        .await
        .unwrap();
    let arn = one.kms_key.unwrap();
    assert!(arn.starts_with("arn:aws:kms:us-east-1:000000000000:key/"));
    let two = repositories
        .create(
            &world.root(),
            command(&world, "two", EncryptionType::Kms, Some(&arn)),
        )
        .await
        .unwrap();
    assert_eq!(two.kms_key.as_deref(), Some(arn.as_str()));
    let three = repositories
        .create(
            &world.root(),
            command(
                &world,
                "three",
                EncryptionType::KmsDsse,
                Some("alias/aws/ecr"),
            ),
        )
        .await
        .unwrap();
    assert_eq!(three.kms_key.as_deref(), Some(arn.as_str()));
    let unknown = "arn:aws:kms:us-east-1:000000000000:key/00000000-0000-4000-8000-000000000000";
    let outcome = repositories
        .create(
            &world.root(),
            command(&world, "four", EncryptionType::Kms, Some(unknown)),
        )
        .await;
    assert!(matches!(
        refusal(outcome),
        Refusal::Kms {
            code: "NotFoundException",
            ..
        }
    ));
    let outcome = repositories
        .create(
            &world.root(),
            command(&world, "four", EncryptionType::Aes256, Some(&arn)),
        )
        .await;
    assert!(matches!(refusal(outcome), Refusal::InvalidParameter { .. }));
    let missing = repositories
        .describe(&world.root(), &world.home, &[name("four")])
        .await;
    assert!(
        matches!(refusal(missing), Refusal::RepositoryNotFound(_)),
        "nothing was stored"
    );
}

#[tokio::test]
async fn a_repository_with_images_needs_force_and_its_successor_is_another() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    world.push_image(&app, "content", Some("latest")).await;
    let repositories = &world.services.repositories;
    let kept = repositories
        .delete(&world.root(), &world.home, &app, false)
        .await;
    assert!(matches!(refusal(kept), Refusal::RepositoryNotEmpty(_)));
    repositories
        .delete(&world.root(), &world.home, &app, true)
        .await
        .unwrap();
    world.create("team/app").await;
    assert!(world.pull(&app, "latest").await.is_err());
    assert!(
        world
            .read_layer(&app, &ecru_domain::Digest::sha256(b"content"))
            .await
            .is_err()
    );
    world.collect().await;
    let image = world.push_image(&app, "new", Some("v1")).await;
    assert_eq!(
        world.pull(&app, "latest").await.unwrap(),
        image,
        "what its predecessor was told does not bind it"
    );
}

#[tokio::test]
async fn repositories_are_listed_by_name_in_pages() {
    let world = World::new().await;
    for repository in ["b/x", "a-b", "a/b", "c", "a"].map(|text| {
        if text.len() == 1 {
            text.repeat(2)
        } else {
            text.to_owned()
        }
    }) {
        world.create(&repository).await;
    }
    let mut page = PageRequest {
        limit: Some(2),
        token: None,
    };
    let mut names = Vec::new();
    loop {
        let found = world
            .services
            .repositories
            .list(&world.root(), &world.home, &page)
            .await
            .unwrap();
        names.extend(
            found
                .items
                .into_iter()
                .map(|item| item.repository.name.to_string()),
        );
        page.token = found.next_token;
        if page.token.is_none() {
            break;
        }
    }
    assert_eq!(names, ["a-b", "a/b", "aa", "b/x", "cc"]);
}

#[tokio::test]
async fn resource_tags_are_set_in_the_region_of_the_request() {
    let world = World::new().await;
    world.create("team/app").await;
    let arn = "arn:aws:ecr:us-east-1:000000000000:repository/team/app";
    let elsewhere = RequestContext {
        region: Region::parse("eu-west-1").unwrap(),
        ..world.root()
    };
    let repositories = &world.services.repositories;
    let tags = vec![("a".to_owned(), "1".to_owned())];
    let invalid = |refusal: Refusal| matches!(refusal, Refusal::InvalidParameter { .. });
    let set = repositories.tag_resource(&elsewhere, arn, tags).await;
    assert!(invalid(refusal(set)));
    let keys = vec!["a".to_owned()];
    let taken = repositories.untag_resource(&elsewhere, arn, keys).await;
    assert!(invalid(refusal(taken)));
    let listed = repositories.list_resource_tags(&elsewhere, arn).await;
    assert!(invalid(refusal(listed)));
}

#[tokio::test]
async fn keys_of_resource_tags_do_not_differ_in_case_alone() {
    let world = World::new().await;
    world.create("team/app").await;
    let arn = "arn:aws:ecr:us-east-1:000000000000:repository/team/app";
    let (root, repositories) = (world.root(), &world.services.repositories);
    let pair = |key: &str| (key.to_owned(), "v".to_owned());
    let both = vec![pair("team"), pair("Team")];
    let refused = repositories.tag_resource(&root, arn, both).await;
    assert!(matches!(refusal(refused), Refusal::InvalidTagParameter(_)));
    let first = repositories.tag_resource(&root, arn, vec![pair("team")]);
    first.await.unwrap();
    let second = repositories.tag_resource(&root, arn, vec![pair("Team")]);
    assert!(matches!(
        refusal(second.await),
        Refusal::InvalidTagParameter(_)
    ));
}

#[tokio::test]
async fn resource_tags_merge_and_stay_within_their_limit() {
    let world = World::new().await;
    world.create("team/app").await;
    let arn = "arn:aws:ecr:us-east-1:000000000000:repository/team/app";
    let repositories = &world.services.repositories;
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    repositories
        .tag_resource(&world.root(), arn, vec![pair("a", "1"), pair("b", "1")])
        .await
        .unwrap();
    repositories
        .tag_resource(&world.root(), arn, vec![pair("a", "2")])
        .await
        .unwrap();
    repositories
        .untag_resource(
            &world.root(),
            arn,
            vec!["b".to_owned(), "absent".to_owned()],
        )
        .await
        .unwrap();
    assert_eq!(
        repositories
            .list_resource_tags(&world.root(), arn)
            .await
            .unwrap(),
        [pair("a", "2")]
    );
    let many: Vec<_> = (0..50).map(|n| pair(&format!("k{n}"), "")).collect();
    assert_eq!(
        refusal(repositories.tag_resource(&world.root(), arn, many).await),
        Refusal::TooManyTags
    );
    assert_eq!(
        repositories
            .list_resource_tags(&world.root(), arn)
            .await
            .unwrap()
            .len(),
        1,
        "all or nothing"
    );
    let nonsense = repositories
        .list_resource_tags(&world.root(), "nonsense")
        .await;
    assert!(matches!(
        refusal(nonsense),
        Refusal::InvalidParameter {
            member: "resourceArn",
            ..
        }
    ));
}
