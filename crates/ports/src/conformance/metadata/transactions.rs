//! What a closure may rely on: all or nothing, one after another, seen once acknowledged.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;

use super::fixtures::{
    add_images, add_repository, at, digest, home, id, image, look, manifest, tag, write,
};
use crate::metadata::{Lane, Metadata, ReadTransaction, StoreError, WriteTransaction};

pub(super) async fn check(store: &Metadata) {
    a_refusal_keeps_nothing(store).await;
    nothing_is_kept_after_a_failure(store).await;
    a_panic_hurts_nobody_else(store).await;
    a_closure_sees_its_own_changes(store).await;
    every_read_sees_what_was_acknowledged(store).await;
    of_many_writers_of_one_tag_one_is_first(store).await;
    no_change_of_many_is_lost(store).await;
    writers_of_many_repositories_do_not_mix(store).await;
    store.probe().await.unwrap();
}

async fn fact(store: &Metadata, name: &'static str) -> Option<String> {
    look(store, move |t| t.store_fact(name)).await
}

async fn a_refusal_keeps_nothing(store: &Metadata) {
    #[derive(Debug)]
    enum Refused {
        ByRule(Option<String>),
        ByStore,
    }
    impl From<StoreError> for Refused {
        fn from(_: StoreError) -> Self {
            Self::ByStore
        }
    }
    let refused = store.write(Lane::Any, |t| -> Result<(), Refused> {
        t.put_store_fact("refused", "1")?;
        Err(Refused::ByRule(t.store_fact("refused")?))
    });
    match refused.await {
        Err(Refused::ByRule(seen)) => assert_eq!(seen.as_deref(), Some("1")),
        other => panic!("{other:?}"),
    }
    assert_eq!(fact(store, "refused").await, None);
}

async fn nothing_is_kept_after_a_failure(store: &Metadata) {
    let repository = add_repository(store, "failures").await;
    add_images(store, &repository, &["first"]).await;
    let ignored = store.write(Lane::Any, move |t| -> Result<(), StoreError> {
        t.put_store_fact("failed", "1")?;
        let mut twin = image("second");
        twin.id = String::from("image-first");
        // an image id is used once
        t.insert_image(&repository, &twin, &manifest("second")).ok();
        assert!(
            t.store_fact("failed").is_err(),
            "a failed transaction goes no further"
        );
        assert!(t.put_store_fact("failed", "2").is_err());
        Ok(())
    });
    assert!(matches!(ignored.await, Err(StoreError::Failed(_))));
    assert_eq!(fact(store, "failed").await, None);
    let repository = id("id-failures");
    let absent = look(store, move |t| t.find_image(&repository, &digest("second")));
    assert_eq!(absent.await, None);
}

async fn a_panic_hurts_nobody_else(store: &Metadata) {
    let panicking = store.write(Lane::Any, |t| -> Result<(), StoreError> {
        t.put_store_fact("panicked", "1")?;
        panic!("a closure that panics (expected in the output of this test)")
    });
    assert!(matches!(panicking.await, Err(StoreError::Failed(_))));
    assert_eq!(fact(store, "panicked").await, None);
    write(store, |t| t.put_store_fact("after the panic", "1")).await;
}

async fn a_closure_sees_its_own_changes(store: &Metadata) {
    let seen = write(store, |t| {
        t.put_store_fact("own", "1")?;
        t.store_fact("own")
    });
    assert_eq!(seen.await.as_deref(), Some("1"));
}

async fn every_read_sees_what_was_acknowledged(store: &Metadata) {
    for round in 0..20 {
        let value = round.to_string();
        let given = value.clone();
        write(store, move |t| t.put_store_fact("round", &given)).await;
        assert_eq!(fact(store, "round").await.as_ref(), Some(&value));
        let scanned = store.read(|t: &mut dyn ReadTransaction| t.store_fact("round"));
        let scanned: Result<_, StoreError> = scanned.await;
        assert_eq!(scanned.unwrap(), Some(value));
    }
}

async fn of_many_writers_of_one_tag_one_is_first(store: &Metadata) {
    let repository = add_repository(store, "race").await;
    let texts: Vec<String> = (0..16).map(|number| format!("race-{number}")).collect();
    let names: Vec<&str> = texts.iter().map(String::as_str).collect();
    add_images(store, &repository, &names).await;
    let writers = texts.iter().map(|text| {
        let (repository, digest) = (repository.clone(), digest(text));
        let lane = Lane::Repository(repository.as_str().to_owned());
        store.write(lane, move |t| -> Result<bool, StoreError> {
            if t.find_tagged_image(&repository, &tag("v1"))?.is_some() {
                return Ok(false);
            }
            t.put_tag(&repository, &tag("v1"), &digest, at(1))?;
            Ok(true)
        })
    });
    let won = join_all(writers).await;
    let winners: Vec<_> = (0..16)
        .filter(|index| *won[*index].as_ref().unwrap())
        .collect();
    assert_eq!(winners.len(), 1);
    let found = look(store, move |t| t.find_tagged_image(&repository, &tag("v1"))).await;
    assert_eq!(found.unwrap().digest, digest(&texts[winners[0]]));
}

/// Reads and writes what it read, on no particular lane: two at once must not both count from the same number.
async fn no_change_of_many_is_lost(store: &Metadata) {
    let runs = Arc::new(AtomicU64::new(0));
    let writers = (0..24).map(|_| {
        let runs = Arc::clone(&runs);
        store.write(Lane::Any, move |t: &mut dyn WriteTransaction| {
            runs.fetch_add(1, Ordering::Relaxed);
            let count = t.store_fact("count")?.unwrap_or_default();
            t.put_store_fact("count", &format!("{count}+"))
        })
    });
    for outcome in join_all(writers).await {
        let outcome: Result<(), StoreError> = outcome;
        outcome.unwrap();
    }
    assert_eq!(fact(store, "count").await.unwrap().len(), 24);
    assert!(runs.load(Ordering::Relaxed) >= 24);
}

async fn writers_of_many_repositories_do_not_mix(store: &Metadata) {
    let before = look(store, |t| t.count_repositories(&home())).await;
    let names: Vec<String> = (0..12).map(|number| format!("many-{number}")).collect();
    join_all(names.iter().map(|name| add_repository(store, name))).await;
    let writers = (0..60).map(|number: usize| {
        let repository = id(&format!("id-{}", names[number % 12]));
        let lane = Lane::Repository(repository.as_str().to_owned());
        store.write(lane, move |t| -> Result<bool, StoreError> {
            let text = format!("{}-{number}", repository.as_str());
            t.change_repository(&repository)?;
            t.insert_image(&repository, &image(&text), &manifest(&text))?;
            t.put_tag(
                &repository,
                &tag(&format!("t{number}")),
                &digest(&text),
                at(1),
            )?;
            if number.is_multiple_of(5) {
                return Err(StoreError::Unavailable("refused by the test".to_owned()));
            }
            Ok(true)
        })
    });
    let kept = join_all(writers).await.into_iter().flatten().count();
    assert_eq!(kept, 48);
    let after = look(store, |t| t.count_repositories(&home())).await;
    assert_eq!(after, before + 12);
    let mut changes = 0;
    for name in names {
        let repository = id(&format!("id-{name}"));
        let (version, tags) = look(store, move |t| {
            let version = t.repository(&repository)?.unwrap().version;
            Ok((version, t.list_tags(&repository, None, 100)?))
        })
        .await;
        assert_eq!(usize::try_from(version).unwrap(), tags.len(), "{name}");
        changes += version;
    }
    assert_eq!(changes, 48);
}
