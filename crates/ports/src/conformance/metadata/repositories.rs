//! Repositories: unique by name, counted, versioned, drained in steps.

use ecru_domain::mutability::{MutabilityMode, TagMutability};
use ecru_domain::{Encryption, EncryptionType};

use super::fixtures::{
    add_images, add_repository, digest, home, id, look, name, put_tag, registry, repository, write,
};
use crate::metadata::{Metadata, ReferenceKind, ReferenceRecord, TagStatus};

pub(super) async fn check(store: &Metadata) {
    all_columns_come_back(store).await;
    names_are_taken_once_per_registry(store).await;
    every_change_raises_the_version(store).await;
    settings_change_one_by_one(store).await;
    resource_tags_are_set_and_removed(store).await;
    a_deleted_repository_is_uncounted_and_drained_in_steps(store).await;
}

async fn all_columns_come_back(store: &Metadata) {
    assert_eq!(look(store, |t| t.count_repositories(&home())).await, 0);
    let mut wanted = repository("team/full");
    let filters = vec!["v*".to_owned(), "release-*".to_owned()];
    wanted.mutability =
        TagMutability::new(MutabilityMode::ImmutableWithExclusion, filters).unwrap();
    wanted.scan_on_push = true;
    wanted.latest_was_set = true;
    wanted.version = 12;
    wanted.encryption = Encryption {
        kind: EncryptionType::KmsDsse,
        key_id: "key-2".to_owned(),
    };
    let given = wanted.clone();
    assert!(write(store, move |t| t.insert_repository(&given)).await);
    let (by_name, by_id) = look(store, |t| {
        let by_name = t.find_repository(&home(), &name("team/full"))?;
        Ok((by_name, t.repository(&id("id-team/full"))?))
    })
    .await;
    assert_eq!(by_name.as_ref(), Some(&wanted));
    assert_eq!(by_id, Some(wanted));
}

async fn names_are_taken_once_per_registry(store: &Metadata) {
    let twin = |account: &str, region: &str| {
        let mut twin = repository("team/full");
        twin.registry = registry(account, region);
        twin.id = id(&format!("id-{account}-{region}"));
        twin
    };
    for (account, region, free) in [
        ("000000000000", "eu-west-1", false),
        ("000000000000", "eu-west-2", true),
        ("111111111111", "eu-west-1", true),
        ("111111111111", "eu-west-1", false),
    ] {
        let twin = twin(account, region);
        assert_eq!(
            write(store, move |t| t.insert_repository(&twin)).await,
            free
        );
        let registry = registry(account, region);
        assert_eq!(
            look(store, move |t| t.count_repositories(&registry)).await,
            1,
            "{account} {region}"
        );
    }
    let absent = look(store, |t| t.find_repository(&home(), &name("team/none"))).await;
    assert_eq!(absent, None);
}

async fn every_change_raises_the_version(store: &Metadata) {
    let id = add_repository(store, "versioned").await;
    for version in 1..4 {
        let id = id.clone();
        let changed = write(store, move |t| t.change_repository(&id)).await;
        assert_eq!(changed.unwrap().version, version);
    }
    let absent = super::fixtures::id("id-none");
    assert_eq!(
        write(store, move |t| t.change_repository(&absent)).await,
        None
    );
}

async fn settings_change_one_by_one(store: &Metadata) {
    let id = add_repository(store, "settings").await;
    let mut wanted = repository("settings");
    wanted.mutability = TagMutability::new(MutabilityMode::Immutable, vec![]).unwrap();
    wanted.scan_on_push = true;
    wanted.latest_was_set = true;
    let (key, mutability) = (id.clone(), wanted.mutability.clone());
    write(store, move |t| {
        t.set_mutability(&key, &mutability)?;
        t.set_scan_on_push(&key, true)?;
        t.set_latest_was_set(&key)
    })
    .await;
    assert_eq!(look(store, move |t| t.repository(&id)).await, Some(wanted));
    let untouched = look(store, |t| {
        t.repository(&super::fixtures::id("id-versioned"))
    })
    .await;
    assert!(!untouched.unwrap().scan_on_push);
}

async fn resource_tags_are_set_and_removed(store: &Metadata) {
    let id = add_repository(store, "labels").await;
    let key = id.clone();
    write(store, move |t| {
        t.put_resource_tag(&key, "b", "1")?;
        t.put_resource_tag(&key, "a", "2")?;
        t.put_resource_tag(&key, "B", "3")?;
        t.put_resource_tag(&key, "b", "ü 4")?;
        t.delete_resource_tag(&key, "a")?;
        t.delete_resource_tag(&key, "none")
    })
    .await;
    let tags = look(store, move |t| t.resource_tags(&id)).await;
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(tags, [pair("B", "3"), pair("b", "ü 4")]);
}

async fn a_deleted_repository_is_uncounted_and_drained_in_steps(store: &Metadata) {
    let id = add_repository(store, "drained").await;
    add_images(store, &id, &["d1", "d2", "d3"]).await;
    put_tag(store, &id, "one", "d1").await;
    put_tag(store, &id, "two", "d1").await;
    let key = id.clone();
    write(store, move |t| {
        let reference = ReferenceRecord {
            target: digest("layer"),
            kind: ReferenceKind::Layer,
            media_type: "x/y".to_owned(),
        };
        t.put_resource_tag(&key, "a", "b")?;
        t.insert_references(&key, "image-d1", &[reference])
    })
    .await;

    let before = look(store, |t| t.count_repositories(&home())).await;
    let key = id.clone();
    assert!(write(store, move |t| t.delete_repository(&key)).await);
    let key = id.clone();
    assert!(!write(store, move |t| t.delete_repository(&key)).await);
    assert_eq!(
        look(store, |t| t.count_repositories(&home())).await,
        before - 1
    );

    // two tags, three images, three manifests, one reference, one resource tag
    for removed in [4, 4, 2, 0, 0] {
        let key = id.clone();
        let step = write(store, move |t| t.drain_repository(&key, 4)).await;
        assert_eq!(step, removed);
    }
    let rest = look(store, move |t| {
        Ok((
            t.list_tags(&id, None, 9)?.len(),
            t.list_images(&id, TagStatus::Any, None, 9)?.len(),
            t.references_of("image-d1", 9)?.len(),
            t.resource_tags(&id)?.len(),
        ))
    })
    .await;
    assert_eq!(rest, (0, 0, 0, 0));
    let others = look(store, |t| {
        t.resource_tags(&super::fixtures::id("id-labels"))
    })
    .await;
    assert_eq!(others.len(), 2);
}
