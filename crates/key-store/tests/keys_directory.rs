//! Rules of the keys directory: who gets a key, which files are refused, what survives.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use ecru_key_store::credentials::{self, AccessKeyPair};
use ecru_key_store::{FileKeyStore, KeyStoreError};
use ecru_ports::keys::{KeyError, KeyStore as _};
use tempfile::TempDir;

fn keys() -> (TempDir, PathBuf) {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("deep/er.keys");
    (scratch, directory)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_new_store_is_given_a_private_key_and_keeps_it() {
    let (_scratch, directory) = keys();
    let first = FileKeyStore::open_or_create(&directory, true).unwrap();
    assert_eq!(mode(&directory), 0o700);
    assert_eq!(mode(&directory.join("root.key")), 0o600);
    assert_eq!(
        fs::read_dir(&directory).unwrap().count(),
        1,
        "a draft was left behind"
    );
    for store_is_new in [true, false] {
        let again = FileKeyStore::open_or_create(&directory, store_is_new).unwrap();
        assert_eq!(again.fingerprint(), first.fingerprint());
    }
}

#[test]
fn a_store_without_its_key_is_refused_and_given_none() {
    let (_scratch, directory) = keys();
    let refused = FileKeyStore::open_or_create(&directory, false);
    assert!(
        matches!(refused, Err(KeyStoreError::MissingRootKey(_))),
        "{refused:?}"
    );
    assert!(!directory.try_exists().unwrap());
    FileKeyStore::open_or_create(&directory, true).unwrap();
    fs::remove_file(directory.join("root.key")).unwrap();
    let refused = FileKeyStore::open_or_create(&directory, false);
    assert!(
        matches!(refused, Err(KeyStoreError::MissingRootKey(_))),
        "{refused:?}"
    );
    assert!(!directory.join("root.key").try_exists().unwrap());
}

#[test]
fn a_key_that_others_may_read_or_exchange_is_refused() {
    let (_scratch, directory) = keys();
    FileKeyStore::open_or_create(&directory, true).unwrap();
    let file = directory.join("root.key");
    for (path, bad, good) in [
        (&file, 0o640, 0o600),
        (&file, 0o604, 0o600),
        (&directory, 0o750, 0o700),
        (&directory, 0o701, 0o700),
    ] {
        chmod(path, bad);
        let refused = FileKeyStore::open_or_create(&directory, false).unwrap_err();
        assert!(
            matches!(&refused, KeyStoreError::Exposed { mode, .. } if *mode == bad),
            "{refused}"
        );
        assert!(
            refused
                .to_string()
                .contains(&format!("chmod it to {good:03o}")),
            "{refused}"
        );
        chmod(path, good);
        FileKeyStore::open_or_create(&directory, false).unwrap();
    }
}

#[test]
fn a_link_or_a_directory_in_place_of_the_key_is_refused() {
    let (scratch, directory) = keys();
    FileKeyStore::open_or_create(&directory, true).unwrap();
    let file = directory.join("root.key");
    let elsewhere = scratch.path().join("elsewhere");
    fs::rename(&file, &elsewhere).unwrap();
    symlink(&elsewhere, &file).unwrap();
    let refused = FileKeyStore::open_or_create(&directory, false).unwrap_err();
    assert!(
        matches!(refused, KeyStoreError::WrongKind { .. }),
        "{refused}"
    );
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let refused = FileKeyStore::open_or_create(&directory, false).unwrap_err();
    assert!(
        matches!(refused, KeyStoreError::WrongKind { .. }),
        "{refused}"
    );
}

#[test]
fn text_that_is_not_a_key_is_refused_without_being_shown() {
    let (_scratch, directory) = keys();
    FileKeyStore::open_or_create(&directory, true).unwrap();
    let hex = "07".repeat(32);
    for bad in [
        "",
        "x",
        &hex[2..],
        &format!("{hex}00"),
        &hex.replace('7', "g"),
        "\u{fe}\u{ff}",
    ] {
        fs::write(directory.join("root.key"), bad).unwrap();
        let refused = FileKeyStore::open_or_create(&directory, false).unwrap_err();
        assert!(matches!(refused, KeyStoreError::MalformedRootKey), "{bad}");
        assert!(bad.len() < 2 || !refused.to_string().contains(bad));
    }
}

#[test]
fn file_and_environment_forms_of_one_key_are_the_same_key() {
    let (_scratch, directory) = keys();
    let from_file = FileKeyStore::open_or_create(&directory, true).unwrap();
    let hex = fs::read_to_string(directory.join("root.key")).unwrap();
    assert_eq!(
        FileKeyStore::from_text(&hex).unwrap().fingerprint(),
        from_file.fingerprint()
    );
    let hexadecimal = FileKeyStore::from_text(&"07".repeat(32)).unwrap();
    for base64 in [
        "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
        "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc",
    ] {
        assert_eq!(
            FileKeyStore::from_text(base64).unwrap().fingerprint(),
            hexadecimal.fingerprint()
        );
    }
    assert_ne!(hexadecimal.fingerprint(), from_file.fingerprint());
    let printed = format!("{from_file:?} {}", from_file.fingerprint());
    assert!(!printed.contains(hex.trim()));
}

#[tokio::test]
async fn only_the_same_root_key_and_context_open_what_the_root_sealed() {
    let one = FileKeyStore::from_text(&"07".repeat(32)).unwrap();
    let two = FileKeyStore::from_text(&"08".repeat(32)).unwrap();
    let sealed = one
        .seal_under_root(b"access key 1", b"secret")
        .await
        .unwrap();
    assert_eq!(
        &*one.open_under_root(b"access key 1", &sealed).await.unwrap(),
        b"secret"
    );
    for (store, context) in [(&one, &b"access key 2"[..]), (&two, b"access key 1")] {
        assert!(matches!(
            store.open_under_root(context, &sealed).await,
            Err(KeyError::DoesNotOpen)
        ));
    }
    let fresh = one.generate().unwrap();
    assert_ne!(fresh.material(), one.generate().unwrap().material());
    assert!(one.open(&fresh, b"access key 1", &sealed).is_err());
}

#[test]
fn credentials_are_private_created_once_and_replaced_whole() {
    let (_scratch, directory) = keys();
    assert!(credentials::read(&directory).unwrap().is_none());
    let first = AccessKeyPair::generate().unwrap();
    let path = credentials::create(&directory, &first).unwrap();
    assert_eq!(path, credentials::path(&directory));
    assert_eq!((mode(&directory), mode(&path)), (0o700, 0o600));

    let second = AccessKeyPair::generate().unwrap();
    let refused = credentials::create(&directory, &second).unwrap_err();
    assert!(
        matches!(refused, KeyStoreError::AlreadyExists(_)),
        "{refused}"
    );
    assert_eq!(
        credentials::read(&directory).unwrap().unwrap().secret(),
        first.secret()
    );

    credentials::replace(&directory, &second).unwrap();
    let read = credentials::read(&directory).unwrap().unwrap();
    assert_eq!((read.id(), read.secret()), (second.id(), second.secret()));
    assert_eq!(mode(&path), 0o600);
    assert_eq!(
        fs::read_dir(&directory).unwrap().count(),
        1,
        "a draft was left behind"
    );
}

#[test]
fn credentials_that_others_may_read_or_that_hold_none_are_refused() {
    let (_scratch, directory) = keys();
    let path = credentials::create(&directory, &AccessKeyPair::generate().unwrap()).unwrap();
    chmod(&path, 0o644);
    let refused = credentials::read(&directory).unwrap_err();
    assert!(
        matches!(refused, KeyStoreError::Exposed { .. }),
        "{refused}"
    );
    chmod(&path, 0o600);
    fs::write(&path, "[default]\naws_access_key_id = x\n").unwrap();
    let refused = credentials::read(&directory).unwrap_err();
    assert!(
        matches!(refused, KeyStoreError::MalformedCredentials(_)),
        "{refused}"
    );
}
