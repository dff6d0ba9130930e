//! What a push learns of its repository at once.

use ecru_domain::RepositoryId;

use super::fixtures::{
    add_images, add_repository, at, digest, home, id, image, layer, look, manifest, object,
    put_tag, tag, write,
};
use crate::metadata::{
    Metadata, PushFacts, PushQuestion, PushedImage, ReferenceKind, ReferenceRecord,
};

pub(super) async fn check(store: &Metadata) {
    let repository = add_repository(store, "pushes").await;
    a_push_into_nothing_finds_nothing(store, &repository).await;
    a_push_finds_what_is_there(store, &repository).await;
    a_push_announces_a_change(store, &repository).await;
    any_one_of_many_layers_is_missed(store).await;
    a_pushed_image_comes_with_all_that_belongs_to_it(store).await;
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

/// More than are looked up together, each missing in turn.
async fn any_one_of_many_layers_is_missed(store: &Metadata) {
    let repository = add_repository(store, "many-layers").await;
    let texts: Vec<String> = (0..11).map(|number| format!("layer {number}")).collect();
    let references: Vec<_> = texts.iter().map(|text| layer_reference(text)).collect();
    let (key, stored) = (repository.clone(), texts.clone());
    write(store, move |t| {
        t.insert_object(&object(20, "many"))?;
        for text in &stored {
            t.insert_layer(&key, &layer(text, 20))?;
        }
        Ok(())
    })
    .await;
    for absent in texts {
        let (key, wanted) = (repository.clone(), references.clone());
        let gone = digest(&absent);
        let missing = write(store, move |t| {
            let question = PushQuestion {
                digest: &digest("many"),
                tags: &[],
                references: &wanted,
                setting: (&home(), "color"),
            };
            let before = t.begin_push(&key, &question)?.map(|facts| facts.missing);
            t.delete_layer(&key, &gone)?;
            let after = t.begin_push(&key, &question)?.map(|facts| facts.missing);
            t.insert_layer(&key, &layer(&absent, 20))?;
            Ok((before, after, gone.clone()))
        })
        .await;
        let (before, after, gone) = missing;
        assert_eq!((before, after), (Some(vec![]), Some(vec![gone])));
    }
}

fn layer_reference(text: &str) -> ReferenceRecord {
    ReferenceRecord {
        target: digest(text),
        kind: ReferenceKind::Layer,
        media_type: "m".to_owned(),
    }
}

async fn a_pushed_image_comes_with_all_that_belongs_to_it(store: &Metadata) {
    let repository = add_repository(store, "pushed").await;
    add_images(store, &repository, &["old"]).await;
    put_tag(store, &repository, "v1", "old").await;
    let references: Vec<_> = ["a", "b", "c", "d", "e", "f"].map(layer_reference).to_vec();
    let (key, wanted) = (repository.clone(), references.clone());
    write(store, move |t| {
        let mut new = image("new");
        new.is_tagged = true;
        let pushed = PushedImage {
            image: &new,
            manifest: &manifest("new"),
            references: &wanted,
            tags: &[tag("v1"), tag("v2")],
            targets: &[Some(digest("old")), None],
        };
        t.insert_pushed(&key, &pushed, at(1))
    })
    .await;
    let key = repository.clone();
    let (tagged, old, counts, mut stored, sealed) = look(store, move |t| {
        let tagged = [tag("v1"), tag("v2")].map(|tag| t.find_tagged_image(&key, &tag));
        let [one, two] = tagged;
        let counts = ["new", "old"].map(|text| t.count_tags_of_image(&key, &digest(text)));
        let [new, old] = counts;
        Ok((
            [one?, two?],
            t.find_image(&key, &digest("old"))?,
            [new?, old?],
            t.references_of(&image("new").id, 10)?,
            t.manifest(&key, &digest("new"))?,
        ))
    })
    .await;
    for found in tagged {
        let found = found.unwrap();
        assert_eq!((found.digest, found.is_tagged), (digest("new"), true));
    }
    assert!(!old.unwrap().is_tagged, "its only tag has moved");
    assert_eq!(counts, [2, 0]);
    stored.sort_by_key(|reference| reference.target.clone());
    let mut references = references;
    references.sort_by_key(|reference| reference.target.clone());
    assert_eq!(stored, references);
    assert_eq!(sealed, Some(manifest("new")));
}
