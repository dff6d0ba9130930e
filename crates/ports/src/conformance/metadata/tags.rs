//! Tags, and the flag of images that says whether they have any.

use ecru_domain::{Digest, RepositoryId};

use super::fixtures::{
    add_images, add_repository, at, digest, image, look, manifest, put_tag, tag, write,
};
use crate::metadata::{Metadata, TagStatus};

pub(super) async fn check(store: &Metadata) {
    let repository = add_repository(store, "tags").await;
    add_images(store, &repository, &["a", "b", "c"]).await;
    moving_a_tag_tells_where_it_was(store, &repository).await;
    images_know_whether_they_are_tagged(store, &repository).await;
    tags_lead_to_images(store, &repository).await;
    an_image_may_come_with_its_tag(store, &repository).await;
    tags_of_images_are_listed_and_counted(store, &repository).await;
}

async fn moving_a_tag_tells_where_it_was(store: &Metadata, repository: &RepositoryId) {
    assert_eq!(put_tag(store, repository, "v1", "a").await, None);
    assert_eq!(
        put_tag(store, repository, "v1", "a").await,
        Some(digest("a"))
    );
    assert_eq!(
        put_tag(store, repository, "v1", "b").await,
        Some(digest("a"))
    );
    assert_eq!(put_tag(store, repository, "V1", "b").await, None);
}

/// Digests of images, by whether they have a tag, in the order of the texts given.
async fn tagged(store: &Metadata, repository: &RepositoryId, texts: [&str; 3]) -> [bool; 3] {
    let repository = repository.clone();
    let digests = texts.map(digest);
    look(store, move |t| {
        let listed = |images: Vec<crate::metadata::ImageRecord>| -> Vec<Digest> {
            images.into_iter().map(|image| image.digest).collect()
        };
        let with = listed(t.list_images(&repository, TagStatus::Tagged, None, 9)?);
        let without = listed(t.list_images(&repository, TagStatus::Untagged, None, 9)?);
        let all = t.list_images(&repository, TagStatus::Any, None, 9)?;
        assert_eq!(all.len(), with.len() + without.len());
        for image in all {
            assert_eq!(image.is_tagged, with.contains(&image.digest));
        }
        Ok(digests.map(|digest| with.contains(&digest)))
    })
    .await
}

async fn delete_tag(store: &Metadata, repository: &RepositoryId, name: &str) -> bool {
    let (repository, name) = (repository.clone(), tag(name));
    write(store, move |t| t.delete_tag(&repository, &name)).await
}

async fn images_know_whether_they_are_tagged(store: &Metadata, repository: &RepositoryId) {
    let texts = ["a", "b", "c"];
    assert_eq!(tagged(store, repository, texts).await, [false, true, false]);
    assert!(delete_tag(store, repository, "v1").await);
    assert_eq!(tagged(store, repository, texts).await, [false, true, false]);
    assert!(!delete_tag(store, repository, "v1").await);
    put_tag(store, repository, "V1", "c").await;
    assert_eq!(tagged(store, repository, texts).await, [false, false, true]);
    assert!(delete_tag(store, repository, "V1").await);
    assert_eq!(tagged(store, repository, texts).await, [false; 3]);
}

async fn tags_lead_to_images(store: &Metadata, repository: &RepositoryId) {
    put_tag(store, repository, "here", "a").await;
    let key = repository.clone();
    let (found, absent, elsewhere) = look(store, move |t| {
        Ok((
            t.find_tagged_image(&key, &tag("here"))?,
            t.find_tagged_image(&key, &tag("HERE"))?,
            t.find_tagged_image(&super::fixtures::id("id-none"), &tag("here"))?,
        ))
    })
    .await;
    let found = found.unwrap();
    assert_eq!((found.digest, found.is_tagged), (digest("a"), true));
    assert_eq!((absent, elsewhere), (None, None));
    delete_tag(store, repository, "here").await;
}

async fn an_image_may_come_with_its_tag(store: &Metadata, repository: &RepositoryId) {
    let key = repository.clone();
    write(store, move |t| {
        let mut tagged = image("born-tagged");
        tagged.is_tagged = true;
        t.insert_image(&key, &tagged, &manifest("born-tagged"))?;
        t.put_tag(&key, &tag("born"), &tagged.digest, at(1))
    })
    .await;
    let texts = ["a", "b", "born-tagged"];
    assert_eq!(tagged(store, repository, texts).await, [false, false, true]);
    assert!(delete_tag(store, repository, "born").await);
    assert_eq!(tagged(store, repository, texts).await, [false; 3]);
}

async fn tags_of_images_are_listed_and_counted(store: &Metadata, repository: &RepositoryId) {
    for (name, text) in [("3", "a"), ("1", "a"), ("2", "a"), ("4", "b")] {
        put_tag(store, repository, name, text).await;
    }
    let key = repository.clone();
    let (two, three, counts) = look(store, move |t| {
        Ok((
            t.tags_of_image(&key, &digest("a"), 2)?,
            t.tags_of_image(&key, &digest("a"), 5)?,
            [
                t.count_tags_of_image(&key, &digest("a"))?,
                t.count_tags_of_image(&key, &digest("b"))?,
                t.count_tags_of_image(&key, &digest("c"))?,
            ],
        ))
    })
    .await;
    assert_eq!(two, [tag("1"), tag("2")]);
    assert_eq!(three, [tag("1"), tag("2"), tag("3")]);
    assert_eq!(counts, [3, 1, 0]);

    let mut images = [digest("a"), digest("b")];
    images.sort();
    let (key, [first, last]) = (repository.clone(), images);
    let (both, two, one) = look(store, move |t| {
        Ok((
            t.tags_between(&key, &first, &last, 10)?,
            t.tags_between(&key, &first, &last, 2)?,
            t.tags_between(&key, &digest("b"), &digest("b"), 10)?,
        ))
    })
    .await;
    let pairs: Vec<_> = both
        .iter()
        .map(|tag| (&tag.digest, tag.name.as_str()))
        .collect();
    assert_eq!(pairs.len(), 4);
    assert!(pairs.is_sorted());
    assert_eq!(two, both[..2]);
    assert_eq!(one.len(), 1);
    assert_eq!(one[0].name, tag("4"));
}
