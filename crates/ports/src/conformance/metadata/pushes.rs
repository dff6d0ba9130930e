//! What a push learns of its repository at once.

use ecru_domain::RepositoryId;

use super::fixtures::{
    add_images, add_repository, digest, home, id, layer, look, object, put_tag, tag, write,
};
use crate::metadata::{Metadata, PushFacts, PushQuestion, ReferenceKind, ReferenceRecord};

pub(super) async fn check(store: &Metadata) {
    let repository = add_repository(store, "pushes").await;
    a_push_into_nothing_finds_nothing(store, &repository).await;
    a_push_finds_what_is_there(store, &repository).await;
    a_push_announces_a_change(store, &repository).await;
}

fn references() -> Vec<ReferenceRecord> {
    let kinds = [
        ("bytes", ReferenceKind::Layer),
        ("child", ReferenceKind::Manifest),
        ("child", ReferenceKind::Layer),
        ("none", ReferenceKind::Manifest),
    ];
    let reference = |(target, kind)| ReferenceRecord {
        target: digest(target),
        kind,
        media_type: "m".to_owned(),
    };
    kinds.map(reference).to_vec()
}

async fn begin(store: &Metadata, repository: &RepositoryId, text: &str) -> Option<PushFacts> {
    let (repository, digest) = (repository.clone(), digest(text));
    write(store, move |t| {
        let question = PushQuestion {
            digest: &digest,
            tags: &[tag("one"), tag("none"), tag("two")],
            references: &references(),
            setting: (&home(), "color"),
        };
        t.begin_push(&repository, &question)
    })
    .await
}

async fn a_push_into_nothing_finds_nothing(store: &Metadata, repository: &RepositoryId) {
    assert_eq!(begin(store, &id("id-nowhere"), "child").await, None);
    let facts = begin(store, repository, "child").await.unwrap();
    assert_eq!(facts.tags_on_image, None);
    assert_eq!(facts.targets, [None, None, None]);
    let missing = ["bytes", "child", "child", "none"].map(digest);
    assert_eq!(facts.missing, missing);
    assert_eq!(facts.setting, None);
}

async fn a_push_finds_what_is_there(store: &Metadata, repository: &RepositoryId) {
    add_images(store, repository, &["child", "other"]).await;
    put_tag(store, repository, "one", "child").await;
    put_tag(store, repository, "two", "other").await;
    put_tag(store, repository, "three", "child").await;
    let key = repository.clone();
    write(store, move |t| {
        t.insert_object(&object(9, "bytes"))?;
        t.insert_layer(&key, &layer("bytes", 9))?;
        t.put_registry_setting(&home(), "color", "blue")
    })
    .await;
    let facts = begin(store, repository, "child").await.unwrap();
    assert_eq!(facts.tags_on_image, Some(2));
    let targets = [Some(digest("child")), None, Some(digest("other"))];
    assert_eq!(facts.targets, targets);
    assert_eq!(facts.missing, ["child", "none"].map(digest));
    assert_eq!(facts.setting.as_deref(), Some("blue"));
}

async fn a_push_announces_a_change(store: &Metadata, repository: &RepositoryId) {
    let key = repository.clone();
    let before = look(store, move |t| t.repository(&key)).await.unwrap();
    let facts = begin(store, repository, "child").await.unwrap();
    assert_eq!(facts.repository.version, before.version + 1);
    let key = repository.clone();
    let after = look(store, move |t| t.repository(&key)).await;
    assert_eq!(after, Some(facts.repository));
}
