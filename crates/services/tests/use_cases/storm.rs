//! Everything at once: pushes, deletes, collection and verification of a few repositories that share their content.
//! Nothing fails but by a refusal, nothing is reported, and what stands at the end is whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ecru_domain::{Algorithm, Digest, Error, Reference, Refusal, RepositoryName};
use ecru_services::uploads::{Chunk, UploadAddress};
use ecru_services::verification::VerifyRequest;

use crate::world::{GRACE, World, chunk, manifest, name};

const CLIENTS: u64 = 6;
const STEPS: u64 = 40;

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn content(number: u64) -> Vec<u8> {
    let length = if number.is_multiple_of(2) {
        150_000
    } else {
        500
    };
    vec![number as u8; length]
}

/// Only what a rule refuses may fail.
fn tolerated<T>(outcome: Result<T, Error>) -> Option<T> {
    match outcome {
        Ok(value) => Some(value),
        Err(Error::Refused(_)) => None,
        Err(other) => panic!("{other:?}"),
    }
}

async fn upload(world: &World, place: &RepositoryName, content: &[u8]) -> Option<Digest> {
    let digest = Digest::sha256(content);
    let (context, uploads) = (world.root(), &world.services.uploads);
    let pushed = uploads.whole(&context, &world.home, place, chunk(content), &digest);
    tolerated(pushed.await).map(|()| digest)
}

async fn push(world: &World, place: &RepositoryName, dice: &mut Dice) -> Option<()> {
    let config = upload(world, place, &content(100 + dice.roll(3))).await?;
    let layer = upload(world, place, &content(dice.roll(6))).await?;
    let tag = format!("v{}", dice.roll(4));
    tolerated(
        world
            .put(place, manifest(&config, &[&layer]), Some(&tag))
            .await,
    )
    .map(drop)
}

async fn step(world: &World, dice: &mut Dice) {
    let place = name(&format!("storm{}", dice.roll(2)));
    let (context, services) = (world.root(), &world.services);
    match dice.roll(10) {
        0..=5 => drop(push(world, &place, dice).await),
        6 | 7 => {
            if let Some(digest) = tolerated(world.pull(&place, &format!("v{}", dice.roll(4))).await)
            {
                let reference = Reference::Digest(digest);
                tolerated(
                    services
                        .images
                        .delete(&context, &world.home, &place, &reference)
                        .await,
                );
            }
        }
        8 => {
            let (from, digest) = (name("storm0"), Digest::sha256(&content(dice.roll(6))));
            let mounted = services.layers.mount(
                &context,
                (&world.home, &place),
                Some((&world.home, &from)),
                &digest,
            );
            tolerated(mounted.await);
        }
        _ => {
            tolerated(
                services
                    .repositories
                    .delete(&context, &world.home, &place, true)
                    .await,
            );
            world.try_create(place.as_str()).await;
        }
    }
    world.turn(GRACE / 60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_happens_at_once_what_stands_is_whole() {
    let world = Arc::new(World::new().await);
    for repository in ["storm0", "storm1"] {
        world.create(repository).await;
    }
    let is_over = Arc::new(AtomicBool::new(false));
    let keeper = {
        let (world, is_over) = (Arc::clone(&world), Arc::clone(&is_over));
        tokio::spawn(async move {
            while !is_over.load(Ordering::SeqCst) {
                world
                    .services
                    .collection
                    .run_once(world.now())
                    .await
                    .unwrap();
                let verification = &world.services.verification;
                let report = verification.verify_offline(VerifyRequest { repair: true });
                assert_eq!(report.await.unwrap().problems, []);
            }
        })
    };
    let clients: Vec<_> = (1..=CLIENTS)
        .map(|seed| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let mut dice = Dice(seed);
                for _ in 0..STEPS {
                    step(&world, &mut dice).await;
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    is_over.store(true, Ordering::SeqCst);
    keeper.await.unwrap();
    world.collect().await;
    for repository in ["storm0", "storm1"] {
        let place = name(repository);
        push(&world, &place, &mut Dice(0)).await.unwrap();
        for tag in 0..4 {
            read_all(&world, &place, &format!("v{tag}")).await;
        }
        let (context, repositories) = (world.root(), &world.services.repositories);
        let deleted = repositories.delete(&context, &world.home, &place, true);
        deleted.await.unwrap();
    }
    world.collect().await;
    let left = world.outside.blobs.list(None, 1).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}

/// Reads the image of a tag with its layers, if there is one.
async fn read_all(world: &World, place: &RepositoryName, tag: &str) {
    let (context, images) = (world.root(), &world.services.images);
    let reference = Reference::parse(tag).unwrap();
    let pulled = images.pull(&context, &world.home, place, &reference).await;
    let Some(found) = tolerated(pulled) else {
        return;
    };
    let value: serde_json::Value = serde_json::from_slice(&found.bytes).unwrap();
    for descriptor in [&value["config"], &value["layers"][0]] {
        let digest = Digest::parse(descriptor["digest"].as_str().unwrap()).unwrap();
        let bytes = world.read_layer(place, &digest).await.unwrap();
        assert_eq!(Digest::sha256(&bytes), digest);
    }
}

/// The bytes of an upload whose content is known at every offset.
fn stretch(from: u64, length: u64) -> Vec<u8> {
    (from..from + length)
        .map(|at| (at / 251 + at * 7) as u8)
        .collect()
}

/// Appends where the upload ends, as others do; some clients go away in the middle.
async fn append(world: &World, address: &UploadAddress, dice: &mut Dice) {
    let (context, uploads) = (world.root(), &world.services.uploads);
    let received = uploads.status(&context, address).await.unwrap();
    let length = [10, 40_000, 70_000, 300_000][dice.roll(4) as usize];
    let bytes = stretch(received, length);
    let next = Chunk {
        first: Some(received),
        ..chunk(&bytes)
    };
    let patience = Duration::from_millis(dice.roll(8));
    let request = uploads.append(&context, address, next);
    if let Ok(outcome) = tokio::time::timeout(patience, request).await {
        tolerated(outcome);
    }
    let wrong = Digest::sha256(b"something else");
    if dice.roll(5) == 0 {
        let ended = uploads.complete(&context, address, Chunk::empty(), &wrong);
        assert!(tolerated(ended.await).is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_that_race_and_break_off_leave_an_upload_whole() {
    let world = Arc::new(World::new().await);
    let place = world.create("storm0").await;
    let (context, uploads) = (world.root(), &world.services.uploads);
    let begun = uploads.initiate(&context, &world.home, &place, true).await;
    let address = UploadAddress {
        registry: world.home.clone(),
        name: place.clone(),
        upload: begun.unwrap(),
    };
    let clients: Vec<_> = (1..=CLIENTS)
        .map(|seed| {
            let (world, address) = (Arc::clone(&world), address.clone());
            tokio::spawn(async move {
                let mut dice = Dice(seed);
                for _ in 0..STEPS / 2 {
                    append(&world, &address, &mut dice).await;
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    // what clients that went away had handed over may still come to pass: then a completion has to be tried again
    let (digest, content) = loop {
        let received = uploads.status(&context, &address).await.unwrap();
        let content = stretch(0, received);
        let digest = Digest::of(Algorithm::Sha512, &content);
        let completed = uploads.complete(&context, &address, Chunk::empty(), &digest);
        match completed.await {
            Ok(()) => break (digest, content),
            Err(Error::Refused(Refusal::UploadNotFound { .. })) => {}
            Err(other) => {
                let now = uploads.status(&context, &address).await.unwrap();
                assert!(now > received, "{other:?}");
            }
        }
    };
    assert!(!content.is_empty());
    assert!(world.read_layer(&place, &digest).await.unwrap() == content);
}
