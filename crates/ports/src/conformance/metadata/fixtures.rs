//! Rows to begin with, and short ways into a store.

use ecru_domain::mutability::TagMutability;
use ecru_domain::repository::Repository;
use ecru_domain::{
    AccountId, Digest, Encryption, EncryptionType, ImageKind, Region, Registry, RepositoryId,
    RepositoryName, Tag, Timestamp,
};

use crate::blobs::{ObjectId, Segment, StoredObject};
use crate::metadata::{
    ImageRecord, Lane, LayerRecord, Metadata, ObjectRecord, ReadTransaction, SealedManifest,
    StoreError, WriteTransaction,
};

/// Commits a closure that must not fail.
pub(super) async fn write<T, F>(store: &Metadata, work: F) -> T
where
    T: Send + 'static,
    F: FnMut(&mut dyn WriteTransaction) -> Result<T, StoreError> + Send + 'static,
{
    store.write(Lane::Any, work).await.unwrap()
}

/// Looks something up; it must not fail.
pub(super) async fn look<T, F>(store: &Metadata, work: F) -> T
where
    T: Send + 'static,
    F: FnOnce(&mut dyn ReadTransaction) -> Result<T, StoreError> + Send + 'static,
{
    store.lookup(work).await.unwrap()
}

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

pub(super) fn registry(account: &str, region: &str) -> Registry {
    Registry {
        account: AccountId::parse(account).unwrap(),
        region: Region::parse(region).unwrap(),
    }
}

pub(super) fn home() -> Registry {
    registry("000000000000", "eu-west-1")
}

pub(super) fn id(text: &str) -> RepositoryId {
    RepositoryId::new(text.to_owned())
}

pub(super) fn name(text: &str) -> RepositoryName {
    RepositoryName::parse(text).unwrap()
}

pub(super) fn tag(text: &str) -> Tag {
    Tag::parse(text).unwrap()
}

pub(super) fn digest(text: &str) -> Digest {
    Digest::sha256(text.as_bytes())
}

pub(super) fn object_id(number: u8) -> ObjectId {
    ObjectId::from_bytes([number; 16])
}

/// A repository at home whose id is `id-` and its name.
pub(super) fn repository(text: &str) -> Repository {
    Repository {
        id: id(&format!("id-{text}")),
        registry: home(),
        name: name(text),
        created_at: at(1_000),
        mutability: TagMutability::mutable(),
        scan_on_push: false,
        encryption: Encryption {
            kind: EncryptionType::Aes256,
            key_id: "key-1".to_owned(),
        },
        version: 0,
        latest_was_set: false,
    }
}

/// Adds [`repository`] and returns its id.
pub(super) async fn add_repository(store: &Metadata, text: &str) -> RepositoryId {
    let repository = repository(text);
    let id = repository.id.clone();
    assert!(write(store, move |t| t.insert_repository(&repository)).await);
    id
}

/// An image whose manifest is `text` and whose id is `image-` and that text.
pub(super) fn image(text: &str) -> ImageRecord {
    ImageRecord {
        id: format!("image-{text}"),
        digest: digest(text),
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        kind: ImageKind::Image,
        artifact_media_type: None,
        manifest_size: 400,
        size: 5_000_000_000,
        pushed_at: at(2_000),
        last_pulled_at: None,
        subject: None,
        is_tagged: false,
        latest_sequence: None,
    }
}

pub(super) fn manifest(text: &str) -> SealedManifest {
    SealedManifest {
        wrapped_key: vec![0, 1, 255],
        sealed: text.as_bytes().to_vec(),
    }
}

/// Adds images of that text each.
pub(super) async fn add_images(store: &Metadata, repository: &RepositoryId, texts: &[&str]) {
    for text in texts {
        let (repository, image, manifest) = (repository.clone(), image(text), manifest(text));
        let added =
            move |t: &mut dyn WriteTransaction| t.insert_image(&repository, &image, &manifest);
        write(store, added).await;
    }
}

/// Points a tag to the image whose manifest is `text`. Returns where it pointed.
pub(super) async fn put_tag(
    store: &Metadata,
    repository: &RepositoryId,
    name: &str,
    text: &str,
) -> Option<Digest> {
    let (repository, name, digest) = (repository.clone(), tag(name), digest(text));
    write(store, move |t| {
        let before = t.find_tagged_image(&repository, &name)?;
        t.put_tag(&repository, &name, &digest, at(3_000))?;
        Ok(before.map(|image| image.digest))
    })
    .await
}

pub(super) fn layer(text: &str, object: u8) -> LayerRecord {
    LayerRecord {
        digest: digest(text),
        object: object_id(object),
        size: 70_000,
        wrapped_key: vec![7; 60],
        idle_since: at(4_000),
    }
}

pub(super) fn object(number: u8, content: &str) -> ObjectRecord {
    ObjectRecord {
        stored: StoredObject {
            id: object_id(number),
            size: 70_000,
            segments: vec![
                Segment {
                    number: 1,
                    frames: 1,
                },
                Segment {
                    number: 5,
                    frames: 3,
                },
            ],
            tail: vec![0, 9, 255],
        },
        domain: "home/key-1".to_owned(),
        sha256: digest(content),
    }
}
