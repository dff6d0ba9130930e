//! Pushes, pulls, deletes and lists of images.

use std::time::Duration;

use ecru_domain::mutability::{MutabilityMode, TagMutability};
use ecru_domain::{Digest, EncryptionType, Reference, Refusal, RepositoryName, Tag};
use ecru_ports::metadata::{Lane, StoreError, TagStatus, WriteTransaction};
use ecru_services::PageRequest;
use ecru_services::images::{ImageFailure, PutImageOutcome, ReferrerQuery, RequestedImage};

use crate::world::{World, manifest, refusal};

fn by_tag(tag: &str) -> RequestedImage {
    RequestedImage {
        tag: Some(tag.to_owned()),
        digest: None,
    }
}

fn by_digest(digest: &Digest) -> RequestedImage {
    RequestedImage {
        tag: None,
        digest: Some(digest.to_string()),
    }
}

#[tokio::test]
async fn a_manifest_comes_back_byte_for_byte_under_each_encryption() {
    let world = World::new().await;
    for (repository, kind) in [
        ("aes", EncryptionType::Aes256),
        ("kms", EncryptionType::Kms),
        ("dsse", EncryptionType::KmsDsse),
    ] {
        let app = world
            .create_with(repository, TagMutability::mutable(), kind)
            .await;
        let config = world.push_layer(&app, b"{}").await;
        let bytes = manifest(&config, &[&config]);
        world.put(&app, bytes.clone(), Some("v1")).await.unwrap();
        let reference = Reference::parse("v1").unwrap();
        let found = world
            .services
            .images
            .pull(&world.root(), &world.home, &app, &reference)
            .await
            .unwrap();
        assert_eq!(found.bytes, bytes);
        assert_eq!(world.read_layer(&app, &config).await.unwrap(), b"{}");
    }
}

#[tokio::test]
async fn layers_of_an_image_and_images_of_an_index_must_be_in_the_repository() {
    let world = World::new().await;
    let (app, other) = (world.create("team/app").await, world.create("other").await);
    let elsewhere = world.push_layer(&other, b"elsewhere").await;
    let config = world.push_layer(&app, b"{}").await;
    let outcome = world
        .put(&app, manifest(&config, &[&elsewhere]), Some("v1"))
        .await;
    assert!(
        matches!(refusal(outcome), Refusal::LayersNotFound { digests, .. } if digests == [elsewhere])
    );
    let image = world.push_image(&other, "image", Some("v1")).await;
    let outcome = world.push_index(&app, &[&image], Some("multi")).await;
    assert!(
        matches!(refusal(outcome), Refusal::ReferencedImagesNotFound { digests, .. } if digests == [image])
    );
}

#[tokio::test]
async fn a_moved_tag_leaves_the_old_image_untagged() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    let old = world.push_image(&app, "old", Some("v1")).await;
    let new = world.push_image(&app, "new", Some("v1")).await;
    assert_eq!(world.pull(&app, "v1").await.unwrap(), new);
    assert_eq!(world.pull(&app, old.as_str()).await.unwrap(), old);
    let page = PageRequest::default();
    let untagged = world
        .services
        .images
        .list(&world.root(), &world.home, &app, TagStatus::Untagged, &page)
        .await
        .unwrap();
    assert_eq!(
        untagged
            .items
            .iter()
            .map(|item| &item.digest)
            .collect::<Vec<_>>(),
        [&old]
    );
}

#[tokio::test]
async fn immutable_tags_stay_and_the_same_push_again_is_told_apart() {
    let world = World::new().await;
    let immutable = TagMutability::new(MutabilityMode::Immutable, vec![]).unwrap();
    let app = world
        .create_with("team/app", immutable, EncryptionType::Aes256)
        .await;
    let (a, b) = (
        world.push_layer(&app, b"{\"a\":1}").await,
        world.push_layer(&app, b"{\"b\":1}").await,
    );
    let (one, two) = (manifest(&a, &[]), manifest(&b, &[]));
    assert!(matches!(
        world.put(&app, one.clone(), Some("v1")).await.unwrap(),
        PutImageOutcome::Stored(_)
    ));
    assert!(matches!(
        world.put(&app, one.clone(), Some("v1")).await.unwrap(),
        PutImageOutcome::TagIsImmutable(..)
    ));
    assert!(matches!(
        world.put(&app, one.clone(), None).await.unwrap(),
        PutImageOutcome::AlreadyPresent(_)
    ));
    assert!(matches!(
        refusal(world.put(&app, two.clone(), Some("v1")).await),
        Refusal::ImageTagAlreadyExists { .. }
    ));
    assert_eq!(world.pull(&app, "v1").await.unwrap(), Digest::sha256(&one));
    assert!(
        world
            .pull(&app, Digest::sha256(&two).as_str())
            .await
            .is_err(),
        "nothing of the refused push is stored"
    );
    let batch = world
        .services
        .images
        .batch_delete(&world.root(), &world.home, &app, vec![by_tag("v1")])
        .await
        .unwrap();
    assert_eq!(batch.deleted.len(), 1);
    assert!(
        world.put(&app, two, Some("v1")).await.is_ok(),
        "a deleted tag is free again"
    );
}

#[tokio::test]
async fn of_concurrent_pushes_of_one_immutable_tag_exactly_one_wins() {
    let world = World::new().await;
    let immutable = TagMutability::new(MutabilityMode::Immutable, vec![]).unwrap();
    let app = world
        .create_with("team/app", immutable, EncryptionType::Aes256)
        .await;
    let mut manifests = Vec::new();
    for number in 0..8 {
        let config = world
            .push_layer(&app, format!("{{\"n\":{number}}}").as_bytes())
            .await;
        manifests.push(manifest(&config, &[]));
    }
    let pushes = manifests
        .into_iter()
        .map(|bytes| world.put(&app, bytes, Some("v1")));
    let outcomes = futures_util::future::join_all(pushes).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
}

#[tokio::test]
async fn images_of_an_index_stay_while_it_stands() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    let image = world.push_image(&app, "image", Some("child")).await;
    let index = world
        .push_index(&app, &[&image], Some("multi"))
        .await
        .unwrap();
    let images = &world.services.images;
    for wanted in [by_digest(&image), by_tag("child")] {
        let batch = images
            .batch_delete(&world.root(), &world.home, &app, vec![wanted])
            .await
            .unwrap();
        assert_eq!(
            batch.failures[0].1,
            ImageFailure::ReferencedByManifestList(vec![index.clone()])
        );
    }
    let both = vec![by_digest(&index), by_digest(&image)];
    let batch = images
        .batch_delete(&world.root(), &world.home, &app, both)
        .await
        .unwrap();
    assert!(
        batch.failures.is_empty(),
        "the index first, then its images"
    );
}

#[tokio::test]
async fn the_last_tag_takes_the_image_with_it() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    let image = world.push_image(&app, "image", Some("v1")).await;
    world.push_image(&app, "image", Some("v2")).await;
    let images = &world.services.images;
    images
        .batch_delete(&world.root(), &world.home, &app, vec![by_tag("v1")])
        .await
        .unwrap();
    assert_eq!(world.pull(&app, image.as_str()).await.unwrap(), image);
    images
        .batch_delete(&world.root(), &world.home, &app, vec![by_tag("v2")])
        .await
        .unwrap();
    assert!(world.pull(&app, image.as_str()).await.is_err());
}

#[tokio::test]
async fn a_batch_tells_what_is_wrong_with_each_identifier() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    let image = world.push_image(&app, "image", Some("v1")).await;
    let other = world.push_image(&app, "other", Some("v2")).await;
    let mismatch = RequestedImage {
        tag: Some("v1".to_owned()),
        digest: Some(other.to_string()),
    };
    let bad = |tag: Option<&str>, digest: Option<&str>| RequestedImage {
        tag: tag.map(str::to_owned),
        digest: digest.map(str::to_owned),
    };
    let wanted = vec![
        by_digest(&image),
        by_tag("none"),
        mismatch,
        bad(None, None),
        bad(Some("not a tag"), None),
        bad(None, Some("sha256:x")),
    ];
    let batch = world
        .services
        .images
        .batch_get(&world.root(), &world.home, &app, wanted)
        .await
        .unwrap();
    assert_eq!(batch.images.len(), 1);
    let codes: Vec<_> = batch
        .failures
        .iter()
        .map(|(_, failure)| failure.code())
        .collect();
    assert_eq!(
        codes,
        [
            "ImageNotFound",
            "ImageTagDoesNotMatchDigest",
            "MissingDigestAndTag",
            "InvalidImageTag",
            "InvalidImageDigest"
        ]
    );
}

#[tokio::test]
async fn pages_join_without_gap_or_overlap_and_tokens_belong_to_their_list() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    for number in 0..7 {
        world
            .push_image(
                &app,
                &format!("content {number}"),
                (number % 2 == 0).then_some(format!("v{number}")).as_deref(),
            )
            .await;
    }
    let images = &world.services.images;
    let (mut listed, mut described, mut page) = (
        Vec::new(),
        Vec::new(),
        PageRequest {
            limit: Some(2),
            token: None,
        },
    );
    loop {
        let found = images
            .list(&world.root(), &world.home, &app, TagStatus::Any, &page)
            .await
            .unwrap();
        listed.extend(found.items);
        page.token = found.next_token;
        if page.token.is_none() {
            break;
        }
    }
    loop {
        let found = images
            .describe_page(&world.root(), &world.home, &app, TagStatus::Any, &page)
            .await
            .unwrap();
        described.extend(found.items);
        page.token = found.next_token;
        if page.token.is_none() {
            break;
        }
    }
    assert_eq!((listed.len(), described.len()), (7, 7));
    assert!(
        described
            .iter()
            .all(|image| image.tags.len() == usize::from(image.record.is_tagged))
    );
    let first = images
        .list(
            &world.root(),
            &world.home,
            &app,
            TagStatus::Any,
            &PageRequest {
                limit: Some(2),
                token: None,
            },
        )
        .await;
    let foreign = PageRequest {
        limit: Some(2),
        token: first.unwrap().next_token,
    };
    let outcome = images
        .describe_page(&world.root(), &world.home, &app, TagStatus::Any, &foreign)
        .await;
    assert_eq!(refusal(outcome), Refusal::PageTokenInvalid);
}

#[tokio::test]
async fn pulls_are_recorded() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    world.push_image(&app, "image", Some("v1")).await;
    world.pull(&app, "v1").await.unwrap();
    world.services.images.record_pulls().await.unwrap();
    let found = world
        .services
        .images
        .describe(&world.root(), &world.home, &app, vec![by_tag("v1")])
        .await
        .unwrap();
    assert_eq!(found[0].record.last_pulled_at, Some(world.now()));
}

/// A write is refused while its file is not where it was opened.
#[tokio::test]
async fn pulls_that_could_not_be_recorded_are_recorded_later() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    world.push_image(&app, "image", Some("v1")).await;
    let file = world.directory.path().join("ecru.db");
    let elsewhere = world.directory.path().join("elsewhere");
    std::fs::rename(&file, &elsewhere).unwrap();
    world.turn(Duration::from_secs(1));
    for _ in 0..2 {
        world.turn(Duration::from_secs(1));
        world.pull(&app, "v1").await.unwrap();
        assert!(world.services.images.record_pulls().await.is_err());
    }
    std::fs::rename(&elsewhere, &file).unwrap();
    world.services.images.record_pulls().await.unwrap();
    let found = world
        .services
        .images
        .describe(&world.root(), &world.home, &app, vec![by_tag("v1")])
        .await
        .unwrap();
    assert_eq!(found[0].record.last_pulled_at, Some(world.now()));
}

#[tokio::test]
async fn a_page_of_referrers_opens_only_so_many_bytes_of_manifests() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    let config = world.push_layer(&app, b"{}").await;
    let subject = Digest::sha256(b"subject");
    for number in 0..5 {
        let bytes = manifest(&config, &[]);
        let mut value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        value["subject"] = serde_json::json!({"mediaType": "application/x", "digest": subject.as_str(), "size": 7});
        let large = "x".repeat(3 * 1024 * 1024);
        value["annotations"] = serde_json::json!({"number": number.to_string(), "large": large});
        let put = world.put(&app, value.to_string().into(), None).await;
        put.unwrap();
    }
    let (mut page, mut sizes) = (PageRequest::default(), Vec::new());
    loop {
        let query = ReferrerQuery {
            registry: &world.home,
            name: &app,
            subject: &subject,
            artifact_types: &[],
            page: &page,
        };
        let images = &world.services.images;
        let found = images.list_referrers(&world.root(), query).await.unwrap();
        sizes.push(found.items.len());
        page.token = found.next_token;
        if page.token.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [2, 2, 1]);
}

/// Points so many new tags to an image.
async fn tag_often(world: &World, name: &RepositoryName, digest: &Digest, count: usize) {
    let (home, name, digest, now) = (
        world.home.clone(),
        name.clone(),
        digest.clone(),
        world.now(),
    );
    let change = move |rows: &mut dyn WriteTransaction| -> Result<(), StoreError> {
        let repository = rows.find_repository(&home, &name)?.unwrap();
        for number in 0..count {
            let tag = Tag::parse(&format!("{}-{number}", &digest.hex()[..8])).unwrap();
            rows.put_tag(&repository.id, &tag, &digest, now)?;
        }
        Ok(())
    };
    let metadata = &world.outside.metadata;
    metadata.write(Lane::Any, change).await.unwrap();
}

#[tokio::test]
async fn answers_with_too_many_tags_end_early_or_are_refused() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    let mut pushed = Vec::new();
    for content in ["a", "b", "c"] {
        let digest = world.push_image(&app, content, None).await;
        tag_often(&world, &app, &digest, 7_000).await;
        pushed.push(digest);
    }
    pushed.sort();
    let images = &world.services.images;
    let (context, mut page) = (world.root(), PageRequest::default());
    for (number, digest) in pushed.iter().enumerate() {
        let found = images.describe_page(&context, &world.home, &app, TagStatus::Any, &page);
        let found = found.await.unwrap();
        let shown: Vec<_> = found
            .items
            .iter()
            .map(|it| (&it.record.digest, it.tags.len()))
            .collect();
        assert_eq!(shown, [(digest, 7_000)], "page {number}");
        page.token = found.next_token;
        assert_eq!(page.token.is_some(), number < 2);
    }
    let ids: Vec<_> = pushed.iter().map(by_digest).collect();
    let described = images
        .describe(&context, &world.home, &app, ids.clone())
        .await;
    assert!(matches!(
        refusal(described),
        Refusal::InvalidParameter {
            member: "imageIds",
            ..
        }
    ));
    let deleted = images.batch_delete(&context, &world.home, &app, ids).await;
    assert!(matches!(
        refusal(deleted),
        Refusal::InvalidParameter {
            member: "imageIds",
            ..
        }
    ));
    let two = pushed[..2].iter().map(by_digest).collect();
    let described = images.describe(&context, &world.home, &app, two).await;
    assert_eq!(described.unwrap().len(), 2, "nothing was deleted");
}
