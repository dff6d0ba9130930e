//! Uploads of layers, in every way they come.

use std::time::Duration;

use bytes::Bytes;
use ecru_domain::upload::{MAX_SEGMENTS, MIN_PART_SIZE, PartRange};
use ecru_domain::{Action, Algorithm, Digest, Error, Refusal};
use ecru_ports::blobs::{Segment, WriteProgress};
use ecru_ports::metadata::{Lane, StoreError, UploadAdvance, WriteTransaction};
use ecru_services::uploads::{BodyError, Chunk, UploadAddress};
use futures_util::StreamExt as _;

use crate::identities::allow;
use crate::world::{GRACE, World, chunk, name, refusal};

fn bytes(length: usize, seed: u8) -> Vec<u8> {
    (0..length)
        .map(|n| (n as u8).wrapping_mul(31).wrapping_add(seed))
        .collect()
}

async fn begin(world: &World) -> UploadAddress {
    let app = world.create("team/app").await;
    let upload = world
        .services
        .uploads
        .initiate(&world.root(), &world.home, &app, false)
        .await
        .unwrap();
    UploadAddress {
        registry: world.home.clone(),
        name: app,
        upload,
    }
}

#[tokio::test]
async fn bytes_in_chunks_become_the_layer() {
    let world = World::new().await;
    let address = begin(&world).await;
    let content = bytes(300_000, 1);
    let uploads = &world.services.uploads;
    assert_eq!(
        uploads
            .append(&world.root(), &address, chunk(&content[..100_000]))
            .await
            .unwrap(),
        100_000
    );
    assert_eq!(
        uploads
            .append(&world.root(), &address, chunk(&content[100_000..100_010]))
            .await
            .unwrap(),
        100_010
    );
    assert_eq!(
        uploads.status(&world.root(), &address).await.unwrap(),
        100_010
    );
    let digest = Digest::sha256(&content);
    uploads
        .complete(&world.root(), &address, chunk(&content[100_010..]), &digest)
        .await
        .unwrap();
    assert_eq!(
        world.read_layer(&address.name, &digest).await.unwrap(),
        content
    );
    assert!(matches!(
        refusal(uploads.status(&world.root(), &address).await),
        Refusal::UploadNotFound { .. }
    ));
}

#[tokio::test]
async fn a_wrong_digest_is_refused_and_stores_nothing() {
    let world = World::new().await;
    let address = begin(&world).await;
    let uploads = &world.services.uploads;
    for content in [bytes(10, 2), bytes(200_000, 2)] {
        let right = Digest::sha256(&content);
        let wrong = Digest::sha256(b"something else");
        let outcome = uploads
            .complete(&world.root(), &address, chunk(&content), &wrong)
            .await;
        assert_eq!(
            refusal(outcome),
            Refusal::LayerDigestMismatch {
                calculated: right.clone()
            }
        );
        let outcome = uploads
            .whole(
                &world.root(),
                &world.home,
                &address.name,
                chunk(&content),
                &wrong,
            )
            .await;
        assert!(matches!(
            refusal(outcome),
            Refusal::LayerDigestMismatch { .. }
        ));
        for digest in [&right, &wrong] {
            let stat = world
                .services
                .layers
                .stat(&world.root(), &world.home, &address.name, digest)
                .await;
            assert!(matches!(refusal(stat), Refusal::LayerNotFound { .. }));
        }
    }
    assert_eq!(
        uploads.status(&world.root(), &address).await.unwrap(),
        0,
        "the upload stands as before"
    );
}

#[tokio::test]
async fn the_last_bytes_need_the_right_to_upload() {
    let world = World::new().await;
    let address = begin(&world).await;
    let home = world.home.account.to_string();
    let ends = allow(&["ecr:InitiateLayerUpload", "ecr:CompleteLayerUpload"]);
    let who = world.member(&home, "ender", &[ends]).await;
    let uploads = &world.services.uploads;
    let digest = Digest::sha256(b"bytes");
    let refused = refusal(
        uploads
            .complete(&who, &address, chunk(b"bytes"), &digest)
            .await,
    );
    assert!(
        matches!(&refused, Refusal::AccessDenied { action, .. } if *action == Action::UPLOAD_LAYER_PART),
        "{refused:?}"
    );
    let root = world.root();
    let appended = uploads.append(&root, &address, chunk(b"bytes"));
    appended.await.unwrap();
    let ended = uploads.complete(&who, &address, chunk(b""), &digest);
    ended.await.unwrap();
}

#[tokio::test]
async fn chunks_out_of_order_or_of_another_length_are_refused() {
    let world = World::new().await;
    let address = begin(&world).await;
    let uploads = &world.services.uploads;
    uploads
        .append(&world.root(), &address, chunk(b"0123456789"))
        .await
        .unwrap();
    for first in [0, 9, 11, u64::MAX] {
        let out_of_order = Chunk {
            first: Some(first),
            ..chunk(b"x")
        };
        let refused = refusal(uploads.append(&world.root(), &address, out_of_order).await);
        assert!(
            matches!(refused, Refusal::InvalidLayerPart { received: 10, .. }),
            "{first}"
        );
    }
    for length in [2, 4, u64::MAX] {
        let lying = Chunk {
            first: Some(10),
            length: Some(length),
            ..chunk(b"abc")
        };
        let refused = refusal(uploads.append(&world.root(), &address, lying).await);
        assert!(
            matches!(refused, Refusal::BodyIncomplete | Refusal::LayerTooLarge),
            "{length}"
        );
    }
    assert_eq!(uploads.status(&world.root(), &address).await.unwrap(), 10);
}

#[tokio::test]
async fn a_streamed_chunk_that_breaks_off_keeps_what_came() {
    let world = World::new().await;
    let address = begin(&world).await;
    let content = bytes(150_000, 3);
    let pieces = vec![
        Ok(Bytes::copy_from_slice(&content[..140_000])),
        Err(BodyError::Disconnected),
    ];
    let broken = Chunk {
        first: None,
        length: None,
        body: Box::pin(futures_util::stream::iter(pieces)),
    };
    let uploads = &world.services.uploads;
    assert_eq!(
        refusal(uploads.append(&world.root(), &address, broken).await),
        Refusal::BodyIncomplete
    );
    assert_eq!(
        uploads.status(&world.root(), &address).await.unwrap(),
        140_000
    );
    let digest = Digest::sha256(&content);
    uploads
        .complete(&world.root(), &address, chunk(&content[140_000..]), &digest)
        .await
        .unwrap();
    assert_eq!(
        world.read_layer(&address.name, &digest).await.unwrap(),
        content
    );
}

#[tokio::test]
async fn of_two_requests_at_once_one_commits_and_the_layer_is_whole() {
    let world = World::new().await;
    let address = begin(&world).await;
    let (one, two) = (bytes(200_000, 4), bytes(200_000, 5));
    let context = world.root();
    let uploads = &world.services.uploads;
    let (first, second) = tokio::join!(
        uploads.append(&context, &address, chunk(&one)),
        uploads.append(&context, &address, chunk(&two))
    );
    let winner = match (&first, &second) {
        (Ok(_), Err(_)) => &one,
        (Err(_), Ok(_)) => &two,
        // one after the other is fine as well: then both are there
        (Ok(_), Ok(_)) => return,
        both => panic!("nobody won: {both:?}"),
    };
    let digest = Digest::sha256(winner);
    uploads
        .complete(&context, &address, Chunk::empty(), &digest)
        .await
        .unwrap();
    assert_eq!(
        &world.read_layer(&address.name, &digest).await.unwrap(),
        winner
    );
}

#[tokio::test]
async fn an_upload_belongs_to_its_repository_and_expires() {
    let world = World::new().await;
    let address = begin(&world).await;
    let other = UploadAddress {
        name: world.create("other").await,
        ..address.clone()
    };
    let uploads = &world.services.uploads;
    assert!(matches!(
        refusal(uploads.append(&world.root(), &other, chunk(b"x")).await),
        Refusal::UploadNotFound { .. }
    ));
    world.turn(GRACE + Duration::from_secs(1));
    assert_eq!(world.collect().await.uploads, 1);
    assert!(matches!(
        refusal(uploads.status(&world.root(), &address).await),
        Refusal::UploadNotFound { .. }
    ));
}

#[tokio::test]
async fn an_upload_goes_on_until_it_is_collected() {
    let world = World::new().await;
    let address = begin(&world).await;
    let uploads = &world.services.uploads;
    world.turn(GRACE * 2);
    let appended = uploads.append(&world.root(), &address, chunk(b"x")).await;
    assert_eq!(appended.unwrap(), 1);
    assert_eq!(world.collect().await.uploads, 0, "its time begins anew");
    world.turn(GRACE * 2);
    assert_eq!(world.collect().await.uploads, 1);
}

#[tokio::test]
async fn parts_of_the_api_follow_each_other_and_only_the_last_may_be_short() {
    let world = World::new().await;
    let address = begin(&world).await;
    let uploads = &world.services.uploads;
    let part = bytes(usize::try_from(MIN_PART_SIZE).unwrap(), 6);
    let empty = uploads.complete_parts(&world.root(), &address, &[]).await;
    assert!(matches!(refusal(empty), Refusal::EmptyUpload { .. }));
    let range = |first: u64, length: u64| PartRange {
        first,
        last: first + length - 1,
    };
    let last = uploads
        .append_part(
            &world.root(),
            &address,
            range(0, MIN_PART_SIZE),
            Bytes::from(part.clone()),
        )
        .await
        .unwrap();
    assert_eq!(last, MIN_PART_SIZE - 1);
    let again = uploads
        .append_part(
            &world.root(),
            &address,
            range(0, MIN_PART_SIZE),
            Bytes::from(part.clone()),
        )
        .await;
    assert!(matches!(
        refusal(again),
        Refusal::InvalidLayerPart {
            received: MIN_PART_SIZE,
            ..
        }
    ));
    uploads
        .append_part(
            &world.root(),
            &address,
            range(MIN_PART_SIZE, 3),
            Bytes::from_static(b"end"),
        )
        .await
        .unwrap();
    let whole = [part.as_slice(), b"end"].concat();
    let digest = Digest::sha256(&whole);
    let wrong = uploads
        .complete_parts(
            &world.root(),
            &address,
            &[Digest::sha256(b"no").to_string()],
        )
        .await;
    assert_eq!(
        refusal(wrong),
        Refusal::LayerDigestMismatch {
            calculated: digest.clone()
        }
    );
    assert_eq!(
        uploads
            .complete_parts(&world.root(), &address, &[digest.to_string()])
            .await
            .unwrap(),
        digest
    );
    assert_eq!(
        world.read_layer(&address.name, &digest).await.unwrap(),
        whole
    );
}

#[tokio::test]
async fn a_short_part_before_the_last_is_refused_at_the_end() {
    let world = World::new().await;
    let address = begin(&world).await;
    let uploads = &world.services.uploads;
    for (first, byte) in [(0, b"a"), (1, b"b")] {
        uploads
            .append_part(
                &world.root(),
                &address,
                PartRange { first, last: first },
                Bytes::from_static(byte),
            )
            .await
            .unwrap();
    }
    let digest = Digest::sha256(b"ab").to_string();
    assert_eq!(
        refusal(
            uploads
                .complete_parts(&world.root(), &address, &[digest])
                .await
        ),
        Refusal::LayerPartTooSmall
    );
}

#[tokio::test]
async fn a_layer_may_be_named_by_sha512_announced_or_not() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    let content = bytes(100_000, 7);
    let digest = Digest::of(Algorithm::Sha512, &content);
    let uploads = &world.services.uploads;
    for announced in [true, false] {
        let upload = uploads
            .initiate(&world.root(), &world.home, &app, announced)
            .await
            .unwrap();
        let address = UploadAddress {
            registry: world.home.clone(),
            name: app.clone(),
            upload,
        };
        uploads
            .append(&world.root(), &address, chunk(&content))
            .await
            .unwrap();
        uploads
            .complete(&world.root(), &address, Chunk::empty(), &digest)
            .await
            .unwrap();
        assert_eq!(world.read_layer(&app, &digest).await.unwrap(), content);
    }
}

#[tokio::test]
async fn equal_content_is_stored_once_in_a_registry() {
    let world = World::new().await;
    let (one, two) = (world.create("one").await, world.create("two").await);
    let content = bytes(400_000, 8);
    let digest = world.push_layer(&one, &content).await;
    world.push_layer(&two, &content).await;
    world.push_layer(&two, &content).await;
    world.collect().await;
    let stored = world.outside.blobs.list(None, 10).await.unwrap();
    assert_eq!(stored.len(), 1);
    world
        .services
        .repositories
        .delete(&world.root(), &world.home, &one, true)
        .await
        .unwrap();
    world.collect().await;
    assert_eq!(world.read_layer(&two, &digest).await.unwrap(), content);
    world
        .services
        .repositories
        .delete(&world.root(), &world.home, &two, true)
        .await
        .unwrap();
    world.collect().await;
    assert!(world.outside.blobs.list(None, 10).await.unwrap().is_empty());
    assert!(matches!(
        refusal(world.read_layer(&name("two"), &digest).await),
        Refusal::RepositoryNotFound(_)
    ));
}

/// Makes the session's row say that so many segments are there.
async fn pretend_segments(world: &World, address: &UploadAddress, count: u64) {
    let upload = address.upload.clone();
    let change = move |rows: &mut dyn WriteTransaction| -> Result<(), StoreError> {
        let record = rows.find_upload(&upload)?.unwrap();
        let segment = |number| Segment { number, frames: 1 };
        let advance = UploadAdvance {
            progress: WriteProgress {
                offset: 0,
                segments: (1..=count).map(segment).collect(),
                sealed_state: vec![0; 100],
            },
            parts: 0,
            first_short_part: None,
            expires_at: record.expires_at,
        };
        assert!(rows.advance_upload(&upload, record.epoch, 0, &advance)?);
        Ok(())
    };
    let metadata = &world.outside.metadata;
    metadata.write(Lane::Any, change).await.unwrap();
}

#[tokio::test]
async fn an_upload_is_made_of_so_many_chunks_and_no_more() {
    let world = World::new().await;
    let address = begin(&world).await;
    let append = || {
        let uploads = &world.services.uploads;
        let context = world.root();
        let address = &address;
        async move { uploads.append(&context, address, chunk(b"more")).await }
    };
    pretend_segments(&world, &address, MAX_SEGMENTS as u64 - 1).await;
    let outcome = append().await;
    assert!(
        !matches!(outcome, Err(Error::Refused(Refusal::TooManyChunks))),
        "{outcome:?}"
    );
    pretend_segments(&world, &address, MAX_SEGMENTS as u64).await;
    assert_eq!(refusal(append().await), Refusal::TooManyChunks);
}

#[tokio::test]
async fn small_chunks_gather_in_the_row_and_add_no_segment() {
    let world = World::new().await;
    let address = begin(&world).await;
    let (context, uploads) = (world.root(), &world.services.uploads);
    for _ in 0..40 {
        let small = chunk(&[7; 1_000]);
        uploads.append(&context, &address, small).await.unwrap();
    }
    let upload = address.upload.clone();
    let look = world
        .outside
        .metadata
        .lookup(move |rows| rows.find_upload(&upload));
    let progress = look.await.unwrap().unwrap().progress.unwrap();
    assert_eq!((progress.offset, progress.segments), (40_000, vec![]));
}

/// A body of which a request that vanishes raises the session's epoch.
fn overtaken(world: &World, address: &UploadAddress, content: &'static [u8]) -> Chunk {
    let (metadata, upload) = (world.outside.metadata.clone(), address.upload.clone());
    let body = async move {
        let raise = move |rows: &mut dyn WriteTransaction| -> Result<bool, StoreError> {
            let epoch = rows.find_upload(&upload)?.unwrap().epoch;
            rows.take_upload_epoch(&upload, epoch)
        };
        assert!(metadata.write(Lane::Any, raise).await.unwrap());
        Ok(Bytes::from_static(content))
    };
    Chunk {
        first: None,
        length: Some(content.len() as u64),
        body: Box::pin(futures_util::stream::once(body)),
    }
}

#[tokio::test]
async fn a_completion_without_a_segment_is_not_stopped_by_a_request_that_left_nothing() {
    let world = World::new().await;
    let address = begin(&world).await;
    let (context, uploads) = (world.root(), &world.services.uploads);
    let content = bytes(100_000, 9);
    let first = chunk(&content);
    uploads.append(&context, &address, first).await.unwrap();
    let digest = Digest::sha256(&[&content[..], b"end"].concat());
    let last = overtaken(&world, &address, b"end");
    let completed = uploads.complete(&context, &address, last, &digest).await;
    completed.unwrap();
    let look = world.outside.metadata.lookup(|rows| rows.list_doomed(10));
    let doomed: Result<_, StoreError> = look.await;
    let last_segments: Vec<u64> = doomed.unwrap().iter().map(|it| it.last_segment).collect();
    assert_eq!(last_segments, [2], "what the other may have written goes");
    world.collect().await;
    let read = world.read_layer(&address.name, &digest).await.unwrap();
    assert_eq!(read.len(), 100_003);
}

#[tokio::test]
async fn a_completion_that_wrote_a_segment_gives_way_to_who_raised_the_epoch() {
    let world = World::new().await;
    let address = begin(&world).await;
    let (context, uploads) = (world.root(), &world.services.uploads);
    let end: &'static [u8] = vec![8; 100_000].leak();
    let content = bytes(100_000, 9);
    let digest = Digest::sha256(&[&content[..], end].concat());
    let first = content.clone();
    let before = futures_util::stream::once(async move { Ok(Bytes::from(first)) });
    let last = Chunk {
        first: None,
        length: None,
        body: Box::pin(before.chain(overtaken(&world, &address, end).body)),
    };
    let completed = uploads.complete(&context, &address, last, &digest).await;
    let refused = refusal(completed);
    assert!(
        matches!(refused, Refusal::UploadNotFound { .. }),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_layer_that_was_asked_for_in_vain_is_found_once_it_is_there() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    let digest = Digest::sha256(b"layer");
    assert!(world.read_layer(&app, &digest).await.is_err());
    world.push_layer(&app, b"layer").await;
    assert_eq!(world.read_layer(&app, &digest).await.unwrap(), b"layer");
    world.turn(GRACE);
    world.collect().await;
    assert!(world.read_layer(&app, &digest).await.is_err());
}
