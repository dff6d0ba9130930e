//! What is collected, when, and what never is.

use std::time::Duration;

use ecru_domain::{Digest, Refusal};
use ecru_ports::metadata::StoreError;

use crate::world::{GRACE, World, manifest, refusal};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_layer_of_an_image_is_never_collected() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    let digest = world.push_image(&app, "content", Some("v1")).await;
    world.turn(GRACE * 3);
    assert_eq!(world.collect().await.layers, 0);
    assert_eq!(world.pull(&app, "v1").await.unwrap(), digest);
    assert_eq!(
        world
            .read_layer(&app, &Digest::sha256(b"content"))
            .await
            .unwrap(),
        b"content"
    );
}

#[tokio::test]
async fn an_unreferenced_layer_is_available_for_half_its_grace_and_collected_after_it() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    let digest = world.push_layer(&app, &[7; 200_000]).await;
    let stat = async || {
        world
            .services
            .layers
            .stat(&world.root(), &world.home, &app, &digest)
            .await
    };
    world.turn(GRACE / 2 - MINUTE);
    assert!(stat().await.is_ok());
    world.turn(MINUTE);
    assert!(
        matches!(refusal(stat().await), Refusal::LayerNotFound { .. }),
        "no longer promised"
    );
    assert_eq!(
        world.collect().await.layers,
        0,
        "not collected before the grace is over"
    );
    // a push that relied on it earlier still finds it
    let config = world.push_layer(&app, b"{}").await;
    world.turn(GRACE / 2 - MINUTE);
    assert!(
        world
            .put(&app, manifest(&config, &[&digest]), Some("late"))
            .await
            .is_ok()
    );
    world.turn(GRACE * 2);
    assert_eq!(world.collect().await.layers, 0);

    let lonely = world.push_layer(&app, &[8; 200_000]).await;
    world.turn(GRACE);
    assert_eq!(world.collect().await.layers, 1);
    assert!(world.read_layer(&app, &lonely).await.is_err());
    assert_eq!(
        world.outside.blobs.list(None, 10).await.unwrap().len(),
        1,
        "its bytes are gone"
    );
}

#[tokio::test]
async fn layers_of_a_deleted_image_go_unless_another_image_shares_them() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    let shared = world.push_layer(&app, b"shared").await;
    let (config_a, config_b) = (
        world.push_layer(&app, b"{\"a\":1}").await,
        world.push_layer(&app, b"{\"b\":1}").await,
    );
    world
        .put(&app, manifest(&config_a, &[&shared]), Some("a"))
        .await
        .unwrap();
    world
        .put(&app, manifest(&config_b, &[&shared]), Some("b"))
        .await
        .unwrap();
    let a = ecru_domain::Reference::Digest(world.pull(&app, "a").await.unwrap());
    world
        .services
        .images
        .delete(&world.root(), &world.home, &app, &a)
        .await
        .unwrap();
    world.collect().await;
    assert!(
        world.read_layer(&app, &config_a).await.is_ok(),
        "its grace has only begun"
    );
    world.turn(GRACE);
    assert_eq!(world.collect().await.layers, 1);
    assert!(world.read_layer(&app, &config_a).await.is_err());
    assert!(world.read_layer(&app, &shared).await.is_ok());
    assert!(world.read_layer(&app, &config_b).await.is_ok());
}

#[tokio::test]
async fn an_upload_again_starts_the_grace_anew() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    let digest = world.push_layer(&app, b"layer").await;
    world.turn(GRACE - MINUTE);
    world.push_layer(&app, b"layer").await;
    world.turn(MINUTE * 2);
    assert_eq!(world.collect().await.layers, 0);
    assert!(world.read_layer(&app, &digest).await.is_ok());
    world.turn(GRACE);
    assert_eq!(world.collect().await.layers, 1);
}

#[tokio::test]
async fn an_open_read_goes_on_while_its_object_is_collected() {
    use futures_util::StreamExt as _;
    let world = World::new().await;
    let app = world.create("team/app").await;
    let content = vec![9; 5_000_000];
    let digest = world.push_layer(&app, &content).await;
    let layer = world
        .services
        .layers
        .open(&world.root(), &world.home, &app, &digest)
        .await
        .unwrap();
    let mut stream = layer.read(0..layer.size()).await.unwrap();
    let first = stream.next().await.unwrap().unwrap();
    world
        .services
        .repositories
        .delete(&world.root(), &world.home, &app, true)
        .await
        .unwrap();
    world
        .services
        .collection
        .run_once(world.now())
        .await
        .unwrap();
    world
        .services
        .collection
        .run_once(world.now())
        .await
        .unwrap();
    let mut read = first.len();
    while let Some(piece) = stream.next().await {
        read += piece.unwrap().len();
    }
    assert_eq!(read, content.len());
    drop(stream);
    world.collect().await;
    assert!(world.outside.blobs.list(None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_manifest_with_thousands_of_references_is_stored_and_collected_in_bounded_steps() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    let config = world.push_layer(&app, b"{}").await;
    let mut layers = Vec::new();
    for number in 0..700_u32 {
        layers.push(world.push_layer(&app, &number.to_be_bytes()).await);
    }
    let bytes = manifest(&config, &layers.iter().collect::<Vec<_>>());
    let digest = Digest::sha256(&bytes);
    world.put(&app, bytes, Some("many")).await.unwrap();
    world.turn(GRACE * 2);
    assert_eq!(world.collect().await.layers, 0);
    let reference = ecru_domain::Reference::Digest(digest);
    world
        .services
        .images
        .delete(&world.root(), &world.home, &app, &reference)
        .await
        .unwrap();
    world.collect().await;
    world.turn(GRACE);
    assert_eq!(world.collect().await.layers, 701);
}

#[tokio::test]
async fn a_layer_that_may_be_elsewhere_but_was_pushed_stays_with_its_image() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    let config = world.push_layer(&app, b"{}").await;
    let pushed = world.push_layer(&app, b"pushed all the same").await;
    let elsewhere = Digest::sha256(b"elsewhere");
    let bytes = manifest(&config, &[&pushed, &elsewhere]);
    let mut value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    for layer in value["layers"].as_array_mut().unwrap() {
        layer["urls"] = serde_json::json!(["https://example.com/layer"]);
    }
    world
        .put(&app, value.to_string().into(), Some("v1"))
        .await
        .unwrap();
    world.turn(GRACE * 3);
    assert_eq!(world.collect().await.layers, 0);
    assert!(world.read_layer(&app, &pushed).await.is_ok());
    let verification = &world.services.verification;
    let report = verification
        .verify_offline(ecru_services::verification::VerifyRequest::default())
        .await;
    assert_eq!(report.unwrap().problem_count, 0);
}

#[tokio::test]
async fn layers_have_their_grace_when_their_image_goes_even_if_an_old_job_is_due() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    let digest = world.push_image(&app, "content", Some("v1")).await;
    let layer = Digest::sha256(b"content");
    world.turn(GRACE + MINUTE);
    let reference = ecru_domain::Reference::Digest(digest);
    world
        .services
        .images
        .delete(&world.root(), &world.home, &app, &reference)
        .await
        .unwrap();
    assert!(
        world.read_layer(&app, &layer).await.is_ok(),
        "it was promised a moment ago"
    );
    assert_eq!(world.collect().await.layers, 0);
    assert!(world.read_layer(&app, &layer).await.is_ok());
    world.turn(GRACE);
    assert_eq!(world.collect().await.layers, 2);
}

/// A round that takes long works with the time at which it began.
#[tokio::test]
async fn a_slow_collection_does_not_shorten_the_grace_of_a_layer_pushed_meanwhile() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    let digest = world.push_image(&app, "content", Some("v1")).await;
    let reference = ecru_domain::Reference::Digest(digest);
    let (root, images) = (world.root(), &world.services.images);
    let deleted = images.delete(&root, &world.home, &app, &reference).await;
    deleted.unwrap();
    let begun = world.now();
    world.turn(MINUTE * 60);
    let layer = world.push_layer(&app, b"content").await;
    let config = world.push_layer(&app, b"{}").await;
    world.services.collection.run_once(begun).await.unwrap();
    world.turn(GRACE - MINUTE);
    assert!(world.collect().await.layers <= 1, "the old configuration");
    let push = world.put(&app, manifest(&config, &[&layer]), Some("v2"));
    push.await.unwrap();
}

#[tokio::test]
async fn a_manifest_with_thousands_of_missing_layers_is_refused_and_writes_nothing() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    let config = world.push_layer(&app, b"{}").await;
    let absent: Vec<_> = (0..2_000_u32)
        .map(|number| Digest::sha256(&number.to_be_bytes()))
        .collect();
    let bytes = manifest(&config, &absent.iter().collect::<Vec<_>>());
    assert!(matches!(
        refusal(world.put(&app, bytes, Some("many")).await),
        Refusal::LayersNotFound { .. }
    ));
    let later = world.now().plus(GRACE * 2);
    let metadata = &world.outside.metadata;
    let jobs = metadata.read::<_, StoreError, _>(move |rows| rows.list_due_jobs(later, 10));
    let jobs = jobs.await.unwrap();
    assert_eq!(jobs.len(), 1, "that of the layer pushed: {jobs:?}");
}
