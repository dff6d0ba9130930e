//! Lists are in byte order of their key, begin after the key given and stop at their limit.

use ecru_domain::{Algorithm, Digest, RepositoryId, Tag};

use super::fixtures::{
    add_images, add_repository, digest, home, image, look, manifest, put_tag, registry, repository,
    write,
};
use crate::metadata::{Metadata, StoreError, TagStatus};

pub(super) async fn check(store: &Metadata) {
    repositories_are_in_byte_order(store).await;
    repositories_of_all_registries_are_listed_by_id(store).await;
    let repository = add_repository(store, "z-order").await;
    tags_are_in_byte_order(store, &repository).await;
    images_are_in_order_of_digest(store, &repository).await;
    pages_of_digests_begin_after_digests(store, &repository).await;
}

async fn repositories_are_in_byte_order(store: &Metadata) {
    let wanted = [
        "aa", "aa-b", "aa.b", "aa/b", "aa/b/c", "aa0", "aa_b", "aaa", "bb",
    ];
    for name in [
        "bb", "aa_b", "aa/b", "aaa", "aa", "aa0", "aa.b", "aa-b", "aa/b/c",
    ] {
        add_repository(store, name).await;
    }
    let mut elsewhere = repository("aa/c");
    elsewhere.registry = registry("000000000000", "eu-west-10");
    write(store, move |t| t.insert_repository(&elsewhere)).await;

    let mut listed: Vec<String> = Vec::new();
    loop {
        let after = listed.last().cloned();
        let page = look(store, move |t| {
            t.list_repositories(&home(), after.as_deref(), 4)
        })
        .await;
        assert!(page.len() <= 4);
        if page.is_empty() {
            break;
        }
        listed.extend(page.iter().map(|found| found.name.as_str().to_owned()));
    }
    assert_eq!(listed, wanted);
    let page = look(store, |t| t.list_repositories(&home(), Some("aa/"), 2)).await;
    let names: Vec<_> = page.iter().map(|found| found.name.as_str()).collect();
    assert_eq!(
        names,
        ["aa/b", "aa/b/c"],
        "a page may begin after what is not there"
    );
}

async fn repositories_of_all_registries_are_listed_by_id(store: &Metadata) {
    let first = look(store, |t| t.list_all_repositories(None, 6)).await;
    let after = first.last().unwrap().id.as_str().to_owned();
    let rest = look(store, move |t| t.list_all_repositories(Some(&after), 6)).await;
    let ids: Vec<_> = first.iter().chain(&rest).map(|found| &found.id).collect();
    assert_eq!(ids.len(), 10);
    assert!(ids.is_sorted());
}

async fn tags_are_in_byte_order(store: &Metadata, repository: &RepositoryId) {
    add_images(store, repository, &["image"]).await;
    let wanted = [
        "1", "10", "9", "A", "B", "_", "a", "a-b", "a.b", "a0", "a_b", "b",
    ];
    for name in [
        "a_b", "a", "B", "10", "b", "_", "a0", "1", "a.b", "A", "a-b", "9",
    ] {
        put_tag(store, repository, name, "image").await;
    }
    let key = repository.clone();
    let (all, page, of_image) = look(store, move |t| {
        Ok((
            t.list_tags(&key, None, 100)?,
            t.list_tags(&key, Some("A"), 3)?,
            t.tags_of_image(&key, &digest("image"), 100)?,
        ))
    })
    .await;
    let names: Vec<_> = all.iter().map(|tag| tag.name.as_str()).collect();
    assert_eq!(names, wanted);
    let names: Vec<_> = page.iter().map(|tag| tag.name.as_str()).collect();
    assert_eq!(names, ["B", "_", "a"]);
    let names: Vec<_> = of_image.iter().map(Tag::as_str).collect();
    assert_eq!(names, wanted);
}

async fn images_are_in_order_of_digest(store: &Metadata, repository: &RepositoryId) {
    let texts: Vec<String> = (0..20).map(|number| format!("order-{number}")).collect();
    let mut wanted = vec![digest("image")];
    for (number, text) in texts.iter().enumerate() {
        let mut added = image(text);
        if number % 3 == 0 {
            added.digest = Digest::of(Algorithm::Sha512, text.as_bytes());
        }
        wanted.push(added.digest.clone());
        let key = repository.clone();
        write(store, move |t| t.insert_image(&key, &added, &manifest("m"))).await;
    }
    wanted.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    for status in [TagStatus::Any, TagStatus::Untagged] {
        let mut listed: Vec<Digest> = Vec::new();
        loop {
            let key = repository.clone();
            let after = listed.last().map(|digest| digest.as_str().to_owned());
            let page = look(store, move |t| {
                t.list_images(&key, status, after.as_deref(), 6)
            })
            .await;
            if page.is_empty() {
                break;
            }
            listed.extend(page.into_iter().map(|image| image.digest));
        }
        let mut expected = wanted.clone();
        expected.retain(|other| status == TagStatus::Any || *other != digest("image"));
        assert_eq!(listed, expected);
    }
}

async fn pages_of_digests_begin_after_digests(store: &Metadata, repository: &RepositoryId) {
    let key = repository.clone();
    let refused = store.lookup(move |t| t.list_images(&key, TagStatus::Any, Some("x"), 1));
    assert!(matches!(refused.await, Err(StoreError::Failed(_))));
}
