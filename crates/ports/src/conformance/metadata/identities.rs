//! Identities: found by key and id, listed by path, joined and counted from both ends, with a version for each account.

use ecru_domain::AccountId;

use super::fixtures::{at, home, id, look, repository, write};
use crate::metadata::{
    AccessKeyRecord, DocumentKind, EntityKind, EntityList, EntityRecord, LastUse, LinkKind,
    Metadata, NamedDocument, PathPosition,
};

pub(super) async fn check(store: &Metadata) {
    keys_and_ids_are_given_once(store).await;
    lists_go_by_path_and_on_from_a_position(store).await;
    an_entity_moves_to_a_free_key_only(store).await;
    documents_are_kept_by_kind_and_name(store).await;
    links_are_read_and_counted_from_both_ends(store).await;
    every_account_has_a_version_of_its_own(store).await;
    access_keys_change_state_and_owner_and_note_their_use(store).await;
    contexts_of_sessions_end(store).await;
    policies_come_and_go_with_their_repository(store).await;
}

fn account(digits: &str) -> AccountId {
    AccountId::parse(digits).unwrap()
}

fn entity(kind: EntityKind, key: &str, path: &str) -> EntityRecord {
    EntityRecord {
        account: home().account,
        kind,
        key: key.to_owned(),
        id: format!("id-{}-{key}", kind.as_str()),
        path: path.to_owned(),
        document: format!("{{\"of\":\"{key}\"}}"),
        created_at: at(7),
    }
}

async fn keys_and_ids_are_given_once(store: &Metadata) {
    let user = entity(EntityKind::User, "ann", "/");
    let role = entity(EntityKind::Role, "ann", "/");
    let mut twin = user.clone();
    "id-other".clone_into(&mut twin.id);
    let mut same_id = entity(EntityKind::Group, "ann", "/");
    same_id.id.clone_from(&user.id);
    let mut elsewhere = entity(EntityKind::User, "ann", "/");
    elsewhere.account = account("222222222222");
    "id-elsewhere".clone_into(&mut elsewhere.id);
    for (record, free) in [
        (&user, true),
        (&role, true),
        (&twin, false),
        (&same_id, false),
        (&elsewhere, true),
    ] {
        let given = record.clone();
        assert_eq!(write(store, move |t| t.insert_entity(&given)).await, free);
    }
    let found = look(store, |t| {
        Ok((
            t.find_entity(&home().account, EntityKind::User, "ann")?,
            t.entity("id-role-ann")?,
            t.find_entity(&home().account, EntityKind::Group, "ann")?,
            t.entity("id-other")?,
            t.count_entities(&home().account, EntityKind::User)?,
            t.count_entities(&home().account, EntityKind::Policy)?,
        ))
    });
    assert_eq!(found.await, (Some(user), Some(role), None, None, 1, 0));
    let gone = write(store, |t| {
        Ok((
            t.delete_entity("id-user-ann")?,
            t.delete_entity("id-user-ann")?,
            t.count_entities(&home().account, EntityKind::User)?,
        ))
    });
    assert_eq!(gone.await, (true, false, 0));
}

async fn lists_go_by_path_and_on_from_a_position(store: &Metadata) {
    for (key, path) in [
        ("c", "/"),
        ("a", "/team/"),
        ("b", "/team/x/"),
        ("d", "/teams/"),
    ] {
        let record = entity(EntityKind::Policy, key, path);
        assert!(write(store, move |t| t.insert_entity(&record)).await);
    }
    let keys = async |prefix: &'static str, after: Option<PathPosition>, limit: u32| {
        look(store, move |t| {
            let list = EntityList {
                account: &home().account,
                kind: EntityKind::Policy,
                path_prefix: prefix,
                after: after.as_ref(),
                limit,
            };
            let found = t.list_entities(list)?;
            Ok(found
                .into_iter()
                .map(|entity| entity.key)
                .collect::<Vec<_>>())
        })
        .await
    };
    assert_eq!(keys("/", None, 10).await, ["c", "a", "b", "d"]);
    assert_eq!(keys("", None, 2).await, ["c", "a"]);
    assert_eq!(keys("/team/", None, 10).await, ["a", "b"]);
    let after = PathPosition {
        path: "/team/".to_owned(),
        key: "a".to_owned(),
    };
    assert_eq!(keys("/", Some(after), 10).await, ["b", "d"]);
}

async fn an_entity_moves_to_a_free_key_only(store: &Metadata) {
    let [first, second] = ["g1", "g2"].map(|key| entity(EntityKind::Group, key, "/"));
    for record in [first.clone(), second.clone()] {
        assert!(write(store, move |t| t.insert_entity(&record)).await);
    }
    let mut taken = first.clone();
    taken.key.clone_from(&second.key);
    assert!(!write(store, move |t| t.update_entity(&taken)).await);
    let moved = EntityRecord {
        key: "g3".to_owned(),
        path: "/p/".to_owned(),
        document: "{}".to_owned(),
        ..first
    };
    let given = moved.clone();
    assert!(write(store, move |t| t.update_entity(&given)).await);
    let found = look(store, |t| {
        Ok((
            t.find_entity(&home().account, EntityKind::Group, "g3")?,
            t.find_entity(&home().account, EntityKind::Group, "g1")?,
        ))
    });
    assert_eq!(found.await, (Some(moved), None));
}

async fn documents_are_kept_by_kind_and_name(store: &Metadata) {
    let named = |name: &str, document: &str| NamedDocument {
        name: name.to_owned(),
        document: document.to_owned(),
    };
    for (name, text) in [("p1", "old"), ("p1", "new"), ("p2", "two")] {
        let given = named(name, text);
        write(store, move |t| {
            t.put_entity_document("e", DocumentKind::InlinePolicy, &given)
        })
        .await;
    }
    let found = look(store, |t| {
        Ok((
            t.entity_documents("e", DocumentKind::InlinePolicy, None, 10)?,
            t.entity_documents("e", DocumentKind::InlinePolicy, Some("p1"), 10)?,
            t.entity_documents("e", DocumentKind::PolicyVersion, None, 10)?,
            t.entity_document("e", DocumentKind::InlinePolicy, "p1")?,
        ))
    });
    let all = vec![named("p1", "new"), named("p2", "two")];
    let rest = vec![named("p2", "two")];
    assert_eq!(found.await, (all, rest, vec![], Some("new".to_owned())));
    let deleted = write(store, |t| {
        Ok([
            t.delete_entity_document("e", DocumentKind::InlinePolicy, "p1")?,
            t.delete_entity_document("e", DocumentKind::InlinePolicy, "p1")?,
        ])
    });
    assert_eq!(deleted.await, [true, false]);
}

async fn links_are_read_and_counted_from_both_ends(store: &Metadata) {
    let joined = write(store, |t| {
        Ok([
            t.insert_link("u1", LinkKind::Membership, "g")?,
            t.insert_link("u1", LinkKind::Membership, "g")?,
            t.insert_link("u2", LinkKind::Membership, "g")?,
            t.insert_link("u1", LinkKind::AttachedPolicy, "g")?,
        ])
    });
    assert_eq!(joined.await, [true, false, true, true]);
    let found = look(store, |t| {
        Ok((
            t.links_from("u1", LinkKind::Membership, None, 10)?,
            t.links_to("g", LinkKind::Membership, None, 10)?,
            t.links_to("g", LinkKind::Membership, Some("u1"), 10)?,
            t.count_links_to("g", LinkKind::Membership)?,
        ))
    });
    let texts = |texts: &[&str]| {
        texts
            .iter()
            .map(|&text| text.to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        found.await,
        (texts(&["g"]), texts(&["u1", "u2"]), texts(&["u2"]), 2)
    );
    let parted = write(store, |t| {
        let first = t.delete_link("u1", LinkKind::Membership, "g")?;
        let again = t.delete_link("u1", LinkKind::Membership, "g")?;
        let last = t.delete_link("u2", LinkKind::Membership, "g")?;
        Ok((
            [first, again, last],
            t.count_links_to("g", LinkKind::Membership)?,
            t.count_links_to("g", LinkKind::AttachedPolicy)?,
        ))
    });
    assert_eq!(parted.await, ([true, false, true], 0, 1));
}

async fn every_account_has_a_version_of_its_own(store: &Metadata) {
    let before = store.generation().await;
    write(store, |t| {
        t.change_identities(&account("333333333333"))?;
        t.change_identities(&account("333333333333"))?;
        t.change_identities(&account("444444444444"))
    })
    .await;
    let versions = look(store, |t| {
        Ok(["333333333333", "444444444444", "555555555555"]
            .map(|digits| t.identity_version(&account(digits)).unwrap()))
    });
    assert_eq!(versions.await, [2, 1, 0]);
    if let (Some(before), Some(after)) = (before, store.generation().await) {
        assert!(after.structure > before.structure);
    }
}

async fn access_keys_change_state_and_owner_and_note_their_use(store: &Metadata) {
    let record = AccessKeyRecord {
        id: "AKIAUSE".to_owned(),
        account: home().account,
        principal_arn: "arn:old".to_owned(),
        principal_unique_id: "AIDA1".to_owned(),
        sealed_secret: vec![1],
        active: true,
        created_at: at(1),
    };
    let given = record.clone();
    write(store, move |t| t.insert_access_key(&given)).await;
    let changed = write(store, |t| {
        t.rename_access_keys("arn:old", "arn:new")?;
        Ok([
            t.set_access_key_active("AKIAUSE", false)?,
            t.set_access_key_active("AKIANONE", false)?,
        ])
    });
    assert_eq!(changed.await, [true, false]);
    let note = |seconds| LastUse {
        at: at(seconds),
        service: "ecr".to_owned(),
        region: "eu-west-1".to_owned(),
    };
    for seconds in [20, 10] {
        let last = note(seconds);
        write(store, move |t| t.record_last_use("AKIAUSE", &last)).await;
    }
    let found = look(store, |t| {
        Ok((
            t.access_keys_of("arn:new")?,
            t.access_keys_of("arn:old")?,
            t.last_use("AKIAUSE")?,
            t.last_use("AKIANONE")?,
        ))
    });
    let renamed = AccessKeyRecord {
        principal_arn: "arn:new".to_owned(),
        active: false,
        ..record
    };
    assert_eq!(found.await, (vec![renamed], vec![], Some(note(20)), None));
}

async fn contexts_of_sessions_end(store: &Metadata) {
    for (hash, end) in [("h1", 10), ("h1", 30), ("h1", 20), ("h2", 10)] {
        write(store, move |t| t.put_session_context(hash, "{}", at(end))).await;
    }
    let removed = write(store, |t| t.delete_expired_session_contexts(at(25), 10));
    assert_eq!(removed.await, 1);
    let found = look(store, |t| {
        Ok((t.session_context("h1")?, t.session_context("h2")?))
    });
    assert_eq!(found.await, (Some("{}".to_owned()), None));
}

async fn policies_come_and_go_with_their_repository(store: &Metadata) {
    let with_policy = repository("with-policy");
    write(store, move |t| {
        t.insert_repository(&with_policy)?;
        t.set_repository_policy(&with_policy.id, Some("first"))?;
        t.set_repository_policy(&with_policy.id, Some("second"))
    })
    .await;
    let read = || look(store, |t| t.repository_policy(&id("id-with-policy")));
    assert_eq!(read().await.as_deref(), Some("second"));
    write(store, |t| {
        t.set_repository_policy(&id("id-with-policy"), None)
    })
    .await;
    assert_eq!(read().await, None);
    write(store, |t| {
        t.set_repository_policy(&id("id-with-policy"), Some("third"))?;
        t.delete_repository(&id("id-with-policy"))
    })
    .await;
    assert_eq!(read().await, None);
    let gone = write(store, |t| {
        t.put_registry_setting(&home(), "policy", "{}")?;
        Ok([
            t.delete_registry_setting(&home(), "policy")?,
            t.delete_registry_setting(&home(), "policy")?,
        ])
    });
    assert_eq!(gone.await, [true, false]);
}
