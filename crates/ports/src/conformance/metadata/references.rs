//! References count only while an image with their image id is stored.

use ecru_domain::{Digest, RepositoryId};

use super::fixtures::{
    add_images, add_repository, digest, image, layer, look, manifest, object, write,
};
use crate::metadata::{Metadata, ReferenceKind, ReferenceRecord};

pub(super) async fn check(store: &Metadata) {
    let repository = add_repository(store, "references").await;
    references_wait_for_their_image(store, &repository).await;
    references_of_an_image_are_listed_and_removed(store, &repository).await;
    who_refers_is_told_from_the_last_on(store, &repository).await;
    many_references_are_added_at_once(store, &repository).await;
    referrers_are_found_by_subject(store, &repository).await;
}

fn reference(target: &str, kind: ReferenceKind, media_type: &str) -> ReferenceRecord {
    ReferenceRecord {
        target: digest(target),
        kind,
        media_type: media_type.to_owned(),
    }
}

async fn referring(
    store: &Metadata,
    repository: &RepositoryId,
    target: &str,
    kind: ReferenceKind,
) -> Vec<Digest> {
    let (repository, target) = (repository.clone(), digest(target));
    look(store, move |t| {
        t.referring_images(&repository, &target, kind, 9)
    })
    .await
}

async fn referenced_as(store: &Metadata, repository: &RepositoryId) -> Option<String> {
    let repository = repository.clone();
    look(store, move |t| {
        let found = t.find_layer(&repository, &digest("bytes"))?.unwrap();
        let (opened, object) = t.open_layer(&repository, &digest("bytes"))?.unwrap();
        assert_eq!(found, opened);
        assert_eq!(object.stored.id, found.layer.object);
        Ok(found.referenced_as)
    })
    .await
}

async fn references_wait_for_their_image(store: &Metadata, repository: &RepositoryId) {
    use ReferenceKind::{Layer, Manifest};
    let key = repository.clone();
    write(store, move |t| {
        t.insert_object(&object(1, "bytes"))?;
        t.insert_layer(&key, &layer("bytes", 1))?;
        t.insert_references(
            &key,
            "image-r1",
            &[
                reference("bytes", Layer, "layer/type"),
                reference("child", Manifest, "m"),
            ],
        )
    })
    .await;
    assert_eq!(referring(store, repository, "bytes", Layer).await, []);
    assert_eq!(referenced_as(store, repository).await, None);

    add_images(store, repository, &["r1"]).await;
    assert_eq!(
        referring(store, repository, "bytes", Layer).await,
        [digest("r1")]
    );
    assert_eq!(referring(store, repository, "bytes", Manifest).await, []);
    assert_eq!(
        referring(store, repository, "child", Manifest).await,
        [digest("r1")]
    );
    let other = super::fixtures::id("id-other");
    assert_eq!(referring(store, &other, "bytes", Layer).await, []);
    assert_eq!(
        referenced_as(store, repository).await.as_deref(),
        Some("layer/type")
    );

    let key = repository.clone();
    write(store, move |t| t.delete_image(&key, &digest("r1"))).await;
    assert_eq!(referring(store, repository, "bytes", Layer).await, []);
    assert_eq!(referenced_as(store, repository).await, None);

    let key = repository.clone();
    let again = write(store, move |t| {
        let mut again = image("r1");
        again.id = String::from("image-r1-again");
        t.insert_image(&key, &again, &manifest("r1"))
    });
    again.await;
    assert_eq!(
        referring(store, repository, "bytes", Layer).await,
        [],
        "the references of an earlier storing of the digest do not count"
    );
}

async fn who_refers_is_told_from_the_last_on(store: &Metadata, repository: &RepositoryId) {
    add_images(store, repository, &["shares-1", "shares-3", "shares-2"]).await;
    let key = repository.clone();
    write(store, move |t| {
        for image in ["image-shares-2", "image-shares-1", "image-shares-3"] {
            let child = reference("shared", ReferenceKind::Manifest, "m");
            t.insert_references(&key, image, &[child])?;
        }
        Ok(())
    })
    .await;
    let all = referring(store, repository, "shared", ReferenceKind::Manifest).await;
    assert_eq!(all, ["shares-3", "shares-2", "shares-1"].map(digest));
    let (key, target) = (repository.clone(), digest("shared"));
    let last = look(store, move |t| {
        t.referring_images(&key, &target, ReferenceKind::Manifest, 1)
    });
    assert_eq!(last.await, [digest("shares-3")]);
}

async fn references_of_an_image_are_listed_and_removed(
    store: &Metadata,
    repository: &RepositoryId,
) {
    let key = repository.clone();
    let all = write(store, move |t| {
        let given = [
            reference("x", ReferenceKind::Layer, "one"),
            reference("y", ReferenceKind::Layer, "two"),
            reference("x", ReferenceKind::Layer, "again"),
            reference("z", ReferenceKind::Manifest, "three"),
        ];
        t.insert_references(&key, "image-r2", &given)?;
        t.references_of("image-r2", 9)
    })
    .await;
    assert_eq!(all.len(), 3, "a target named twice is one reference");
    assert!(all.iter().map(|reference| &reference.target).is_sorted());
    let some = look(store, |t| t.references_of("image-r2", 2)).await;
    assert_eq!(some, all[..2]);
    let rest = write(store, move |t| {
        t.delete_references("image-r2", &[digest("x"), digest("z"), digest("none")])?;
        t.references_of("image-r2", 9)
    })
    .await;
    assert_eq!(rest, [reference("y", ReferenceKind::Layer, "two")]);
}

async fn many_references_are_added_at_once(store: &Metadata, repository: &RepositoryId) {
    let key = repository.clone();
    let count = write(store, move |t| {
        let many: Vec<_> = (0..400)
            .map(|number| reference(&number.to_string(), ReferenceKind::Layer, "t"))
            .collect();
        t.insert_references(&key, "image-many", &many)?;
        Ok(t.references_of("image-many", 500)?.len())
    })
    .await;
    assert_eq!(count, 400);
}

async fn referrers_are_found_by_subject(store: &Metadata, repository: &RepositoryId) {
    let texts = ["s1", "s2", "s3"];
    for text in texts {
        let key = repository.clone();
        let added = write(store, move |t| {
            let mut referrer = image(text);
            referrer.subject = Some(digest("subject"));
            t.insert_image(&key, &referrer, &manifest(text))
        });
        added.await;
    }
    let mut wanted: Vec<_> = texts.map(digest).to_vec();
    wanted.sort();
    let (key, after) = (repository.clone(), wanted[0].clone());
    let (first, rest, none) = look(store, move |t| {
        let subject = digest("subject");
        Ok((
            t.list_referrers(&key, &subject, None, 1)?,
            t.list_referrers(&key, &subject, Some(after.as_str()), 9)?,
            t.list_referrers(&key, &digest("s1"), None, 9)?,
        ))
    })
    .await;
    let listed: Vec<_> = first
        .into_iter()
        .chain(rest)
        .map(|image| image.digest)
        .collect();
    assert_eq!(listed, wanted);
    assert_eq!(none, []);
}
