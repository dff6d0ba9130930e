//! Keys: one of each origin per registry but for customers', server keys by age, access keys by principal.

use ecru_domain::AccountId;

use super::fixtures::{at, home, look, registry, write};
use crate::metadata::{AccessKeyRecord, KeyOrigin, KeyRecord, Metadata, ServerKeyRecord};

pub(super) async fn check(store: &Metadata) {
    origins_have_one_place_per_registry(store).await;
    key_material_is_kept_by_version(store).await;
    server_keys_are_newest_first_and_retire(store).await;
    access_keys_come_back_and_go(store).await;
    settings_and_facts_are_replaced(store).await;
}

fn key(id: &str, origin: KeyOrigin) -> KeyRecord {
    KeyRecord {
        id: id.to_owned(),
        registry: home(),
        origin,
        enabled: true,
        version: 1,
        created_at: at(10),
    }
}

async fn origins_have_one_place_per_registry(store: &Metadata) {
    use KeyOrigin::{AwsManaged, Customer, Service};
    for (id, origin, free) in [
        ("k1", Service, true),
        ("k2", Service, false),
        ("k1", Customer, false),
        ("k3", AwsManaged, true),
        ("k4", Customer, true),
        ("k5", Customer, true),
    ] {
        let record = key(id, origin);
        let added = write(store, move |t| t.insert_key(&record, &[1])).await;
        assert_eq!(added, free, "{id} {origin:?}");
    }
    let mut elsewhere = key("k6", Service);
    elsewhere.registry = registry("000000000000", "eu-west-2");
    elsewhere.enabled = false;
    let given = elsewhere.clone();
    assert!(write(store, move |t| t.insert_key(&given, &[1])).await);
    let found = look(store, |t| {
        Ok((
            t.find_key_of_origin(&home(), Service)?,
            t.find_key_of_origin(&home(), AwsManaged)?,
            t.find_key_of_origin(&registry("111111111111", "eu-west-1"), Service)?,
            t.find_key("k6")?,
            t.find_key("k2")?,
        ))
    });
    let wanted = (
        Some(key("k1", Service)),
        Some(key("k3", AwsManaged)),
        None,
        Some(elsewhere),
        None,
    );
    assert_eq!(found.await, wanted);
}

async fn key_material_is_kept_by_version(store: &Metadata) {
    let mut second = key("k7", KeyOrigin::Customer);
    second.version = 2;
    write(store, move |t| t.insert_key(&second, &[0, 255])).await;
    let (first, second) = look(store, |t| {
        Ok((t.key_material("k7", 1)?, t.key_material("k7", 2)?))
    })
    .await;
    assert_eq!((first, second), (None, Some(vec![0, 255])));
    let refused = look(store, |t| t.key_material("k2", 1)).await;
    assert_eq!(refused, None, "a key that was not added leaves no material");
}

async fn server_keys_are_newest_first_and_retire(store: &Metadata) {
    for (id, created) in [("s1", 10), ("s3", 30), ("s2", 20)] {
        let record = ServerKeyRecord {
            id: id.to_owned(),
            sealed: id.as_bytes().to_vec(),
            created_at: at(created),
            retires_at: None,
        };
        write(store, move |t| t.insert_server_key(&record)).await;
    }
    let left = write(store, |t| {
        t.retire_server_key("s1", at(40))?;
        t.retire_server_key("s2", at(50))?;
        t.delete_retired_server_keys(at(41))?;
        t.server_keys()
    })
    .await;
    let left: Vec<_> = left
        .iter()
        .map(|key| (key.id.as_str(), key.sealed.as_slice(), key.retires_at))
        .collect();
    assert_eq!(
        left,
        [("s3", &b"s3"[..], None), ("s2", &b"s2"[..], Some(at(50)))]
    );
}

async fn access_keys_come_back_and_go(store: &Metadata) {
    let access_key = |id: &str, principal: &str| AccessKeyRecord {
        id: id.to_owned(),
        account: AccountId::parse("000000000000").unwrap(),
        principal_arn: format!("arn:aws:iam::000000000000:{principal}"),
        principal_unique_id: "000000000000".to_owned(),
        sealed_secret: vec![1, 0, 2],
        active: id != "AKIA2",
        created_at: at(5),
    };
    let given = [
        access_key("AKIA2", "root"),
        access_key("AKIA1", "root"),
        access_key("AKIA3", "user/a"),
    ];
    let wanted = given.clone();
    write(store, move |t| {
        given.iter().try_for_each(|key| t.insert_access_key(key))
    })
    .await;
    let (one, of_root, of_nobody) = look(store, |t| {
        Ok((
            t.find_access_key("AKIA2")?,
            t.access_keys_of("arn:aws:iam::000000000000:root")?,
            t.access_keys_of("arn:aws:iam::000000000000:roo")?,
        ))
    })
    .await;
    assert_eq!(one.as_ref(), Some(&wanted[0]));
    assert_eq!(of_root, [wanted[1].clone(), wanted[0].clone()]);
    assert_eq!(of_nobody, []);
    let gone = write(store, |t| {
        t.delete_access_key("AKIA2")?;
        t.delete_access_key("AKIA2")?;
        t.find_access_key("AKIA2")
    });
    assert_eq!(gone.await, None);
}

async fn settings_and_facts_are_replaced(store: &Metadata) {
    write(store, |t| {
        t.put_registry_setting(&home(), "latest", "newest")?;
        t.put_registry_setting(&home(), "latest", "explicit")?;
        t.put_store_fact("fingerprint", "a")?;
        t.put_store_fact("fingerprint", "b")
    })
    .await;
    let found = look(store, |t| {
        Ok((
            t.registry_setting(&home(), "latest")?,
            t.registry_setting(&registry("000000000000", "eu-west-2"), "latest")?,
            t.store_fact("fingerprint")?,
            t.store_fact("none")?,
        ))
    });
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(found.await, (text("explicit"), None, text("b"), None));
}
