//! Images: one per digest and repository, with what lists show of them.

use ecru_domain::{Algorithm, Digest, ImageKind, RepositoryId};

use super::fixtures::{add_images, add_repository, at, digest, image, look, manifest, write};
use crate::metadata::{ImageRecord, Lane, Metadata, StoreError};

pub(super) async fn check(store: &Metadata) {
    let repository = add_repository(store, "images").await;
    all_columns_come_back(store, &repository).await;
    a_digest_is_stored_once_per_repository(store, &repository).await;
    the_newest_push_has_the_highest_sequence(store, &repository).await;
    pulls_only_move_forward(store, &repository).await;
    a_deleted_image_takes_its_manifest(store, &repository).await;
}

async fn find(store: &Metadata, repository: &RepositoryId, digest: &Digest) -> Option<ImageRecord> {
    let (repository, digest) = (repository.clone(), digest.clone());
    look(store, move |t| t.find_image(&repository, &digest)).await
}

async fn all_columns_come_back(store: &Metadata, repository: &RepositoryId) {
    let mut full = image("full");
    full.digest = Digest::of(Algorithm::Sha512, b"full");
    full.kind = ImageKind::Artifact;
    full.artifact_media_type = Some("application/vnd.example+type".to_owned());
    full.last_pulled_at = Some(at(2_500));
    full.subject = Some(digest("subject"));
    full.latest_sequence = Some(7);
    full.size = 1 << 40;
    for wanted in [image("plain"), full] {
        let (key, given) = (repository.clone(), wanted.clone());
        write(store, move |t| t.insert_image(&key, &given, &manifest("m"))).await;
        let found = find(store, repository, &wanted.digest).await;
        assert_eq!(found.as_ref(), Some(&wanted));
        let key = repository.clone();
        let sealed = look(store, move |t| t.manifest(&key, &wanted.digest)).await;
        assert_eq!(sealed, Some(manifest("m")));
    }
    assert_eq!(find(store, repository, &digest("none")).await, None);
    let key = repository.clone();
    let absent = look(store, move |t| t.manifest(&key, &digest("none"))).await;
    assert_eq!(absent, None);
}

async fn a_digest_is_stored_once_per_repository(store: &Metadata, repository: &RepositoryId) {
    add_images(store, repository, &["once"]).await;
    let key = repository.clone();
    let again = store.write(Lane::Any, move |t| -> Result<(), StoreError> {
        let mut again = image("once");
        again.id = String::from("image-again");
        t.insert_image(&key, &again, &manifest("other"))
    });
    assert!(matches!(again.await, Err(StoreError::Failed(_))));
    let found = find(store, repository, &digest("once")).await;
    assert_eq!(found.unwrap().id, "image-once");
    let key = repository.clone();
    let sealed = look(store, move |t| t.manifest(&key, &digest("once"))).await;
    assert_eq!(sealed, Some(manifest("once")));

    let other = add_repository(store, "images-too").await;
    let elsewhere = write(store, move |t| {
        let mut elsewhere = image("once");
        elsewhere.id = String::from("image-elsewhere");
        t.insert_image(&other, &elsewhere, &manifest("once"))
    });
    elsewhere.await;
    for (id, stored) in [
        ("image-once", true),
        ("image-elsewhere", true),
        ("image-again", false),
    ] {
        assert_eq!(
            look(store, move |t| t.is_image_stored(id)).await,
            stored,
            "{id}"
        );
    }
}

async fn the_newest_push_has_the_highest_sequence(store: &Metadata, _: &RepositoryId) {
    let id = add_repository(store, "newest").await;
    let key = id.clone();
    assert_eq!(look(store, move |t| t.newest_push(&key)).await, None);
    add_images(store, &id, &["n1", "n2", "n3"]).await;
    let key = id.clone();
    assert_eq!(look(store, move |t| t.newest_push(&key)).await, None);
    for (text, sequence, newest) in [
        ("n1", 5, "n1"),
        ("n2", 4, "n1"),
        ("n3", 6, "n3"),
        ("n2", 10, "n2"),
    ] {
        let key = id.clone();
        write(store, move |t| {
            t.set_latest_sequence(&key, &digest(text), sequence)
        })
        .await;
        let key = id.clone();
        let found = look(store, move |t| t.newest_push(&key)).await;
        assert_eq!(
            found.unwrap().digest,
            digest(newest),
            "after {text} = {sequence}"
        );
    }
    let key = id.clone();
    write(store, move |t| t.delete_image(&key, &digest("n2"))).await;
    let found = look(store, move |t| t.newest_push(&id)).await;
    assert_eq!(found.unwrap().digest, digest("n3"));
}

async fn pulls_only_move_forward(store: &Metadata, repository: &RepositoryId) {
    add_images(store, repository, &["pulled"]).await;
    for (time, recorded) in [(10, 10), (20, 20), (15, 20)] {
        let key = repository.clone();
        write(store, move |t| {
            t.record_pull(&key, &digest("pulled"), at(time))
        })
        .await;
        let found = find(store, repository, &digest("pulled")).await;
        assert_eq!(found.unwrap().last_pulled_at, Some(at(recorded)));
    }
    let key = repository.clone();
    write(store, move |t| t.record_pull(&key, &digest("none"), at(1))).await;
}

async fn a_deleted_image_takes_its_manifest(store: &Metadata, repository: &RepositoryId) {
    add_images(store, repository, &["gone"]).await;
    for there in [true, false] {
        let key = repository.clone();
        let deleted = write(store, move |t| t.delete_image(&key, &digest("gone"))).await;
        assert_eq!(deleted, there);
    }
    assert_eq!(find(store, repository, &digest("gone")).await, None);
    let key = repository.clone();
    let sealed = look(store, move |t| t.manifest(&key, &digest("gone"))).await;
    assert_eq!(sealed, None);
    // stored again, it is another image
    add_images(store, repository, &["gone"]).await;
}
