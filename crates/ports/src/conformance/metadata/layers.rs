//! Layers, the objects behind them, and which repositories use which object.

use ecru_domain::RepositoryId;

use super::fixtures::{
    add_repository, at, digest, layer, look, object, object_id, repository, write,
};
use crate::metadata::{DoomedObject, Metadata, ObjectTotals};

pub(super) async fn check(store: &Metadata) {
    let repository = add_repository(store, "layers").await;
    all_columns_come_back(store, &repository).await;
    a_layer_added_again_is_only_less_idle(store, &repository).await;
    layers_are_listed_by_digest(store, &repository).await;
    objects_know_their_users(store, &repository).await;
    content_is_found_where_a_repository_has_it(store, &repository).await;
    objects_are_listed_by_id(store).await;
    objects_are_counted(store).await;
    doomed_objects_are_remembered_until_gone(store).await;
}

async fn all_columns_come_back(store: &Metadata, repository: &RepositoryId) {
    let key = repository.clone();
    let added = write(store, move |t| {
        t.insert_object(&object(1, "one"))?;
        t.insert_layer(&key, &layer("one", 1))
    });
    assert!(added.await);
    let key = repository.clone();
    let (found, opened, absent, unopened) = look(store, move |t| {
        Ok((
            t.find_layer(&key, &digest("one"))?,
            t.open_layer(&key, &digest("one"))?,
            t.find_layer(&key, &digest("none"))?,
            t.open_layer(&key, &digest("none"))?,
        ))
    })
    .await;
    let found = found.unwrap();
    assert_eq!(found.layer, layer("one", 1));
    assert_eq!(found.referenced_as, None);
    assert_eq!(opened, Some((found, object(1, "one"))));
    assert_eq!((absent, unopened), (None, None));
    let stored = look(store, |t| t.find_object(&object_id(1))).await;
    assert_eq!(stored, Some(object(1, "one")));
}

async fn a_layer_added_again_is_only_less_idle(store: &Metadata, repository: &RepositoryId) {
    let key = repository.clone();
    let (added, found) = write(store, move |t| {
        let mut again = layer("one", 9);
        again.idle_since = at(4_100);
        let added = t.insert_layer(&key, &again)?;
        Ok((added, t.find_layer(&key, &digest("one"))?.unwrap().layer))
    })
    .await;
    assert!(!added);
    let mut wanted = layer("one", 1);
    wanted.idle_since = at(4_100);
    assert_eq!(found, wanted);

    let key = repository.clone();
    let found = write(store, move |t| {
        t.set_layer_idle(&key, &digest("one"), at(4_200))?;
        t.set_layer_idle(&key, &digest("one"), at(4_150))?;
        t.set_layer_idle(&key, &digest("none"), at(4_200))?;
        t.find_layer(&key, &digest("one"))
    })
    .await;
    assert_eq!(found.unwrap().layer.idle_since, at(4_200));
}

async fn layers_are_listed_by_digest(store: &Metadata, repository: &RepositoryId) {
    let mut wanted = vec![digest("one")];
    for text in ["two", "three", "four"] {
        wanted.push(digest(text));
        let key = repository.clone();
        write(store, move |t| t.insert_layer(&key, &layer(text, 2))).await;
    }
    wanted.sort();
    let (key, after) = (repository.clone(), wanted[1].clone());
    let (first, rest) = look(store, move |t| {
        Ok((
            t.list_layers(&key, None, 2)?,
            t.list_layers(&key, Some(after.as_str()), 9)?,
        ))
    })
    .await;
    assert_eq!(first.len(), 2);
    let listed: Vec<_> = first
        .into_iter()
        .chain(rest)
        .map(|layer| layer.digest)
        .collect();
    assert_eq!(listed, wanted);
}

async fn objects_know_their_users(store: &Metadata, repository: &RepositoryId) {
    let key = repository.clone();
    let (used, unused, user) = look(store, move |t| {
        let used = t.is_object_used(&object_id(2))?;
        let unused = t.is_object_used(&object_id(3))?;
        let user = t.layer_of_object(&object_id(2))?.unwrap();
        assert_eq!(t.layer_of_object(&object_id(3))?, None);
        assert_eq!(user.0.id, key);
        Ok((used, unused, user.1))
    })
    .await;
    assert!(used && !unused);
    assert_eq!(user.object, object_id(2));

    for (text, there, still_used) in [
        ("two", true, true),
        ("three", true, true),
        ("three", false, true),
        ("four", true, false),
    ] {
        let key = repository.clone();
        let outcome = write(store, move |t| {
            let deleted = t.delete_layer(&key, &digest(text))?;
            Ok((deleted, t.is_object_used(&object_id(2))?))
        });
        assert_eq!(outcome.await, (there, still_used), "{text}");
    }
}

async fn content_is_found_where_a_repository_has_it(store: &Metadata, repository: &RepositoryId) {
    let find = |domain: &'static str, content: &'static str| {
        look(store, move |t| t.find_content(domain, &digest(content)))
    };
    let (home, found) = find("home/key-1", "one").await.unwrap();
    assert_eq!(home.id, *repository);
    assert_eq!(found.object, object_id(1));
    assert_eq!(find("home/key-2", "one").await, None);
    assert_eq!(find("home/key-1", "none").await, None);

    write(store, |t| t.insert_object(&object(3, "unused"))).await;
    assert_eq!(find("home/key-1", "unused").await, None);

    let deleted = add_repository(store, "deleted").await;
    write(store, move |t| {
        t.insert_layer(&deleted, &layer("unused", 3))?;
        t.delete_repository(&deleted)
    })
    .await;
    assert_eq!(
        find("home/key-1", "unused").await,
        None,
        "a deleted repository has no layers"
    );
    assert!(look(store, |t| t.is_object_used(&object_id(3))).await);
    assert_eq!(
        look(store, |t| t.layer_of_object(&object_id(3))).await,
        None
    );
    assert_eq!(
        super::fixtures::repository("layers").id,
        repository_id(&home)
    );
}

fn repository_id(found: &ecru_domain::repository::Repository) -> RepositoryId {
    assert_eq!(found.name, repository("layers").name);
    found.id.clone()
}

async fn objects_are_listed_by_id(store: &Metadata) {
    write(store, |t| t.insert_object(&object(2, "two"))).await;
    let (first, rest) = look(store, |t| {
        Ok((
            t.list_objects(None, 2)?,
            t.list_objects(Some(&object_id(2)), 9)?,
        ))
    })
    .await;
    let ids: Vec<_> = first
        .iter()
        .chain(&rest)
        .map(|found| found.stored.id.clone())
        .collect();
    assert_eq!(ids, [1, 2, 3].map(object_id));
    let absent = write(store, |t| {
        t.delete_object(&object_id(3))?;
        t.delete_object(&object_id(3))?;
        t.find_object(&object_id(3))
    });
    assert_eq!(absent.await, None);
}

async fn doomed_objects_are_remembered_until_gone(store: &Metadata) {
    let doomed = |object, last_segment| DoomedObject {
        object: object_id(object),
        last_segment,
    };
    write(store, move |t| {
        t.insert_doomed(&doomed(9, 4))?;
        t.insert_doomed(&doomed(8, 1))?;
        t.insert_doomed(&doomed(9, 2))?;
        t.insert_doomed(&doomed(8, 3))
    })
    .await;
    let (all, one, is, is_not) = look(store, |t| {
        Ok((
            t.list_doomed(9)?,
            t.list_doomed(1)?,
            t.is_doomed(&object_id(9))?,
            t.is_doomed(&object_id(7))?,
        ))
    })
    .await;
    assert_eq!(
        all,
        [doomed(8, 3), doomed(9, 4)],
        "the highest segment named counts"
    );
    assert_eq!(one.len(), 1);
    assert!(is && !is_not);
    let rest = write(store, |t| {
        t.delete_doomed(&object_id(8))?;
        t.list_doomed(9)
    });
    assert_eq!(rest.await, [doomed(9, 4)]);
}

async fn objects_are_counted(store: &Metadata) {
    let before = look(store, |t| t.object_totals()).await;
    let size = object(4, "counted").stored.size;
    let (one_more, deleted, again) = write(store, |t| {
        t.insert_object(&object(4, "counted"))?;
        let one_more = t.object_totals()?;
        t.delete_object(&object_id(4))?;
        let deleted = t.object_totals()?;
        t.delete_object(&object_id(4))?;
        Ok((one_more, deleted, t.object_totals()?))
    })
    .await;
    let wanted = ObjectTotals {
        objects: before.objects + 1,
        bytes: before.bytes + size,
    };
    assert!(size > 0);
    assert_eq!((one_more, deleted, again), (wanted, before, before));
}
