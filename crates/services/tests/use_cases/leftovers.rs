//! What requests leave that could not commit: segments of an upload that went on, ended or crashed without them.

use std::time::Duration;

use bytes::Bytes;
use ecru_domain::Digest;
use ecru_domain::latest::LatestMode;
use ecru_ports::ObjectId;
use ecru_ports::metadata::{DoomedObject, Lane, StoreError, WriteTransaction};
use ecru_services::uploads::{BodyError, Chunk, UploadAddress};
use ecru_services::verification::VerifyRequest;
use ecru_services::{Limits, Services};
use futures_util::StreamExt as _;

use crate::world::{GRACE, World, chunk};

fn content(seed: u8) -> Vec<u8> {
    (0..900_000_u32)
        .map(|n| (n as u8).wrapping_mul(31).wrapping_add(seed))
        .collect()
}

async fn begin(world: &World) -> UploadAddress {
    let app = world.create("team/app").await;
    let context = world.root();
    let uploads = &world.services.uploads;
    let begun = uploads.initiate(&context, &world.home, &app, false);
    UploadAddress {
        registry: world.home.clone(),
        upload: begun.await.unwrap(),
        name: app,
    }
}

/// A chunk that breaks off after most of its bytes, of which none may be kept.
fn broken(content: &[u8]) -> Chunk {
    let pieces = vec![
        Ok(Bytes::copy_from_slice(&content[..800_000])),
        Err(BodyError::Disconnected),
    ];
    Chunk {
        first: Some(0),
        length: None,
        body: Box::pin(futures_util::stream::iter(pieces)),
    }
}

/// A chunk whose session is ended, and the bytes of it removed, after the first segment was begun and before its
/// file exists.
fn ended_meanwhile(world: &World, address: &UploadAddress, ending: Result<(), BodyError>) -> Chunk {
    let content = content(1);
    let first = Ok(Bytes::copy_from_slice(&content[..70_000]));
    let (services, context, now) = (world.services.clone(), world.root(), world.now());
    let address = address.clone();
    let rest = async move {
        services.uploads.cancel(&context, &address).await.unwrap();
        let report = services.collection.run_once(now).await.unwrap();
        assert_eq!(report.objects, 1, "what was cancelled is removed");
        Ok(Bytes::copy_from_slice(&content[70_000..]))
    };
    let rest = futures_util::stream::iter([first])
        .chain(futures_util::stream::once(rest))
        .chain(futures_util::stream::iter(ending.err().map(Err)));
    Chunk {
        first: Some(0),
        length: None,
        body: Box::pin(rest),
    }
}

async fn problems(world: &World) -> u64 {
    let verification = &world.services.verification;
    let report = verification.verify_offline(VerifyRequest::default()).await;
    report.unwrap().problem_count
}

async fn segments(world: &World) -> usize {
    world.outside.blobs.list(None, 100).await.unwrap().len()
}

#[tokio::test]
async fn what_an_upload_abandoned_is_removed_after_a_crash_too() {
    let (world, rig) = World::rigged().await;
    let address = begin(&world).await;
    let (uploads, whole) = (&world.services.uploads, content(2));
    uploads
        .append(&world.root(), &address, broken(&whole))
        .await
        .unwrap_err();
    let digest = Digest::sha256(&whole);
    rig.stall(true);
    uploads
        .complete(&world.root(), &address, chunk(&whole), &digest)
        .await
        .unwrap();
    rig.stall(false);
    assert_eq!(segments(&world).await, 2);
    assert_eq!(problems(&world).await, 0);
    world.collect().await;
    assert_eq!(segments(&world).await, 1);
    let read = world.read_layer(&address.name, &digest).await.unwrap();
    assert_eq!(read, whole);
    world.turn(GRACE + Duration::from_secs(1));
    world.collect().await;
    assert_eq!(segments(&world).await, 0);
}

#[tokio::test]
async fn a_layer_that_goes_before_what_it_abandoned_takes_that_with_it() {
    let world = World::new().await;
    let address = begin(&world).await;
    let (uploads, whole) = (&world.services.uploads, content(3));
    for _ in 0..2 {
        uploads
            .append(&world.root(), &address, broken(&whole))
            .await
            .unwrap_err();
    }
    let digest = Digest::sha256(&whole);
    uploads
        .append(&world.root(), &address, chunk(&whole))
        .await
        .unwrap();
    // the last segment is one of a request that is refused
    uploads
        .append(&world.root(), &address, broken_after(&whole))
        .await
        .unwrap_err();
    uploads
        .complete(&world.root(), &address, Chunk::empty(), &digest)
        .await
        .unwrap();
    world.turn(GRACE + Duration::from_secs(1));
    world.collect().await;
    assert_eq!((segments(&world).await, problems(&world).await), (0, 0));
}

fn broken_after(content: &[u8]) -> Chunk {
    Chunk {
        first: Some(content.len() as u64),
        ..broken(content)
    }
}

#[tokio::test]
async fn a_chunk_whose_upload_is_cancelled_under_it_leaves_nothing() {
    for ending in [Ok(()), Err(BodyError::Disconnected)] {
        let world = World::new().await;
        let address = begin(&world).await;
        let chunk = ended_meanwhile(&world, &address, ending);
        let uploads = &world.services.uploads;
        uploads
            .append(&world.root(), &address, chunk)
            .await
            .unwrap_err();
        world.collect().await;
        assert_eq!((segments(&world).await, problems(&world).await), (0, 0));
    }
}

#[tokio::test]
async fn a_completion_whose_upload_is_cancelled_under_it_leaves_nothing() {
    for ending in [Ok(()), Err(BodyError::Disconnected)] {
        let world = World::new().await;
        let address = begin(&world).await;
        let chunk = ended_meanwhile(&world, &address, ending);
        let (uploads, digest) = (&world.services.uploads, Digest::sha256(&content(1)));
        uploads
            .complete(&world.root(), &address, chunk, &digest)
            .await
            .unwrap_err();
        world.collect().await;
        assert_eq!((segments(&world).await, problems(&world).await), (0, 0));
    }
}

/// The same registry with another collector, which leaves the bytes of deleted objects for a while.
fn with_delay(world: &World, delay: Duration) -> Services {
    let limits = Limits {
        home: world.home.clone(),
        layer_grace: GRACE,
        removal_delay: delay,
        upload_lifetime: GRACE,
        latest: LatestMode::Newest,
    };
    Services::new(&world.outside, &limits)
}

#[tokio::test]
async fn what_has_no_files_is_not_remembered_for_removal() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    world.push_layer(&app, b"a small one").await;
    world.turn(GRACE + Duration::from_secs(1));
    let report = world.collect().await;
    assert_eq!((report.layers, report.objects), (1, 0));
}

#[tokio::test]
async fn many_doomed_objects_wait_together() {
    const MANY: u64 = 1_000;
    let (world, delay) = (World::new().await, Duration::from_secs(5));
    let collection = with_delay(&world, delay).collection.clone();
    let doom = |rows: &mut dyn WriteTransaction| -> Result<(), StoreError> {
        for number in 0..u128::from(MANY) {
            let object = ObjectId::from_bytes(number.to_be_bytes());
            rows.insert_doomed(&DoomedObject {
                object,
                last_segment: 1,
            })?;
        }
        Ok(())
    };
    world.outside.metadata.write(Lane::Any, doom).await.unwrap();
    let report = collection.run_once(world.now()).await.unwrap();
    assert_eq!((report.objects, report.more), (0, false));
    world.turn(delay);
    let (mut removed, mut more) = (0, true);
    while more {
        let report = collection.run_once(world.now()).await.unwrap();
        (removed, more) = (removed + report.objects, report.more);
    }
    assert_eq!(removed, MANY);
}

#[tokio::test]
async fn an_object_that_dies_while_it_waits_waits_anew() {
    let (world, delay) = (World::new().await, Duration::from_secs(5));
    let address = begin(&world).await;
    let (uploads, whole) = (&world.services.uploads, content(4));
    uploads
        .append(&world.root(), &address, broken(&whole))
        .await
        .unwrap_err();
    uploads
        .complete(
            &world.root(),
            &address,
            chunk(&whole),
            &Digest::sha256(&whole),
        )
        .await
        .unwrap();
    let collection = with_delay(&world, delay).collection.clone();
    collection.run_once(world.now()).await.unwrap();
    let repositories = &world.services.repositories;
    repositories
        .delete(&world.root(), &world.home, &address.name, true)
        .await
        .unwrap();
    world.turn(delay);
    collection.run_once(world.now()).await.unwrap();
    assert_eq!(
        segments(&world).await,
        2,
        "it was alive when it was first seen"
    );
    world.turn(delay);
    collection.run_once(world.now()).await.unwrap();
    assert_eq!(segments(&world).await, 0);
}
