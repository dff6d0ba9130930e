//! What `latest` means, sentence by sentence.

use ecru_domain::latest::LatestMode;
use ecru_domain::mutability::{MutabilityMode, TagMutability};
use ecru_domain::{EncryptionType, Reference, Refusal};
use ecru_ports::metadata::TagStatus;
use ecru_services::PageRequest;
use ecru_services::images::RequestedImage;

use crate::world::{World, refusal};

#[tokio::test]
async fn until_latest_was_set_it_answers_the_image_last_pushed_by_tag() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    assert_eq!(
        refusal(world.pull(&app, "latest").await),
        Refusal::ManifestNotFound
    );
    let one = world.push_image(&app, "one", Some("v1")).await;
    let two = world.push_image(&app, "two", Some("v2")).await;
    world.push_image(&app, "untagged", None).await;
    assert_eq!(world.pull(&app, "latest").await.unwrap(), two);
    world.push_image(&app, "one", Some("v1")).await;
    assert_eq!(
        world.pull(&app, "latest").await.unwrap(),
        one,
        "a push again counts"
    );
    world.push_image(&app, "two", Some("v3")).await;
    assert_eq!(
        world.pull(&app, "latest").await.unwrap(),
        two,
        "a retag counts"
    );
    let page = world
        .services
        .images
        .list(
            &world.root(),
            &world.home,
            &app,
            TagStatus::default(),
            &PageRequest::default(),
        )
        .await;
    assert!(
        page.unwrap()
            .items
            .iter()
            .all(|item| item.tag.as_ref().is_none_or(|tag| !tag.is_latest())),
        "it never shows"
    );
    let latest = Reference::parse("latest").unwrap();
    let delete = world
        .services
        .images
        .delete(&world.root(), &world.home, &app, &latest)
        .await;
    assert_eq!(refusal(delete), Refusal::ManifestNotFound);
}

#[tokio::test]
async fn once_set_and_deleted_latest_is_gone() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    world.push_image(&app, "one", Some("v1")).await;
    let set = world.push_image(&app, "two", Some("latest")).await;
    world.push_image(&app, "three", Some("v3")).await;
    assert_eq!(
        world.pull(&app, "latest").await.unwrap(),
        set,
        "it names what was pushed as latest"
    );
    let latest = Reference::parse("latest").unwrap();
    world
        .services
        .images
        .delete(&world.root(), &world.home, &app, &latest)
        .await
        .unwrap();
    assert_eq!(
        refusal(world.pull(&app, "latest").await),
        Refusal::ManifestNotFound
    );
}

#[tokio::test]
async fn companions_artifacts_and_deleted_images_do_not_count() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    let image = world.push_image(&app, "image", Some("v1")).await;
    let newest = world.push_image(&app, "newest", Some("v2")).await;
    world
        .push_image(
            &app,
            "signature",
            Some(&format!("sha256-{}.sig", image.hex())),
        )
        .await;
    assert_eq!(world.pull(&app, "latest").await.unwrap(), newest);
    let index = world
        .push_index(&app, &[&image], Some("multi"))
        .await
        .unwrap();
    assert_eq!(
        world.pull(&app, "latest").await.unwrap(),
        index,
        "an index counts"
    );
    let reference = Reference::Digest(index);
    world
        .services
        .images
        .delete(&world.root(), &world.home, &app, &reference)
        .await
        .unwrap();
    assert_eq!(world.pull(&app, "latest").await.unwrap(), newest);
}

#[tokio::test]
async fn where_latest_would_be_immutable_or_the_setting_says_explicit_only_a_real_tag_answers() {
    let world = World::with_latest(LatestMode::Explicit).await;
    let app = world.create("team/app").await;
    world.push_image(&app, "one", Some("v1")).await;
    assert!(world.pull(&app, "latest").await.is_err());
    world
        .services
        .settings
        .put_latest_mode(&world.root(), LatestMode::Newest)
        .await
        .unwrap();
    assert!(
        world.pull(&app, "latest").await.is_ok(),
        "the registry's own setting wins"
    );
    let immutable = TagMutability::new(MutabilityMode::Immutable, vec![]).unwrap();
    let fixed = world
        .create_with("fixed", immutable, EncryptionType::Aes256)
        .await;
    world.push_image(&fixed, "one", Some("v1")).await;
    assert!(world.pull(&fixed, "latest").await.is_err());
}

#[tokio::test]
async fn follow_really_moves_the_tag() {
    let world = World::with_latest(LatestMode::Follow).await;
    let app = world.create("team/app").await;
    world.push_image(&app, "one", Some("v1")).await;
    let two = world.push_image(&app, "two", Some("v2")).await;
    assert_eq!(world.pull(&app, "latest").await.unwrap(), two);
    let (tags, _) = world
        .services
        .images
        .list_tags(&world.root(), &world.home, &app, None, 10)
        .await
        .unwrap();
    assert_eq!(
        tags.iter()
            .map(ecru_domain::Tag::as_str)
            .collect::<Vec<_>>(),
        ["latest", "v1", "v2"]
    );
}

#[tokio::test]
async fn follow_moves_the_tag_at_a_push_again_too() {
    let world = World::with_latest(LatestMode::Follow).await;
    let app = world.create("team/app").await;
    let one = world.push_image(&app, "one", Some("v1")).await;
    world.push_image(&app, "two", Some("v2")).await;
    world.push_image(&app, "one", Some("v1")).await;
    assert_eq!(world.pull(&app, "latest").await.unwrap(), one);
}

#[tokio::test]
async fn what_latest_stands_for_is_pulled_but_not_described() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    let image = world.push_image(&app, "one", Some("v1")).await;
    let latest = || RequestedImage {
        tag: Some("latest".to_owned()),
        digest: None,
    };
    let (context, images) = (world.root(), &world.services.images);
    let describe = async || {
        images
            .describe(&context, &world.home, &app, vec![latest()])
            .await
    };
    let got = images.batch_get(&context, &world.home, &app, vec![latest()]);
    assert_eq!(got.await.unwrap().images[0].1.digest, image);
    assert!(matches!(
        refusal(describe().await),
        Refusal::ImageNotFound { .. }
    ));
    world.push_image(&app, "one", Some("latest")).await;
    assert_eq!(describe().await.unwrap()[0].record.digest, image);
}
