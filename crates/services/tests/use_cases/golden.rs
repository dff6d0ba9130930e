//! Stores that earlier builds wrote must open for ever: whoever changes a stored format sees it here.
//!
//! Each archive in `tests/golden` is a data directory with its keys, as one build wrote them. None is ever written
//! anew: a new format adds an archive, by `cargo test -p ecru-services --test use_cases -- --ignored golden`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ecru_domain::mutability::TagMutability;
use ecru_domain::{Digest, EncryptionType, RepositoryName};
use ecru_ports::metadata::{StoreError, TagStatus};
use ecru_services::PageRequest;
use ecru_services::uploads::UploadAddress;
use ecru_services::verification::VerifyRequest;

use crate::world::{GRACE, World, chunk, name};

/// What cannot be known without the store that it belongs to, beside it in the archive.
const FACTS: &str = "facts.json";

const KINDS: [(&str, EncryptionType); 3] = [
    ("aes", EncryptionType::Aes256),
    ("kms", EncryptionType::Kms),
    ("dsse", EncryptionType::KmsDsse),
];

/// One frame of 64 KiB, which is in a file, and some more, which are in a row.
fn layer() -> Vec<u8> {
    (0..70_000u32).map(|n| (n % 253) as u8).collect()
}

fn archives() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn tar(arguments: &[&str], archive: &Path, directory: &Path) {
    let mut command = Command::new("tar");
    command
        .args(arguments)
        .arg(archive)
        .arg("-C")
        .arg(directory);
    if arguments.contains(&"-czf") {
        command.arg(".");
    }
    assert!(command.status().unwrap().success());
}

fn page(limit: u32, token: Option<String>) -> PageRequest {
    PageRequest {
        limit: Some(limit),
        token,
    }
}

/// Opens what one build left and uses all of it.
async fn use_store(archive: &Path) {
    let directory = tempfile::tempdir().unwrap();
    tar(&["-xzf"], archive, directory.path());
    let facts = fs::read(directory.path().join(FACTS)).unwrap();
    let facts: serde_json::Value = serde_json::from_slice(&facts).unwrap();
    let fact = |name: &str| facts[name].as_str().unwrap().to_owned();
    let world = World::found(directory).await;
    let (context, services) = (world.root(), &world.services);

    let (tokens, password) = (&services.tokens, fact("password"));
    let holder = tokens.authenticate("AWS", &password, world.now());
    assert_eq!(holder.await.unwrap().principal, context.principal);
    let second = page(1, Some(fact("nextToken")));
    let images = &services.images;
    let (home, aes, status) = (&world.home, name("aes"), TagStatus::Any);
    let found = images.list(&context, home, &aes, status, &second);
    let found = found.await.unwrap().items;
    assert_eq!(found[0].tag.as_ref().unwrap().as_str(), "v1");

    for (repository, _) in KINDS {
        let pulled = world.pull(&name(repository), "v1").await.unwrap();
        assert_eq!(pulled.as_str(), fact(repository));
    }
    let digest = Digest::sha256(&layer());
    let read = world.read_layer(&aes, &digest).await.unwrap();
    assert!(read == layer(), "the layer is another");

    let look = world.outside.metadata.lookup(|rows| rows.object_totals());
    let totals: Result<_, StoreError> = look.await;
    // a configuration and a layer in each repository, and the one that no image needs
    assert_eq!(totals.unwrap().objects, 7, "migrations count what is there");

    finish_upload(&world, &fact("upload")).await;
    let report = services
        .verification
        .verify_offline(VerifyRequest::default());
    let report = report.await.unwrap();
    assert_eq!((report.manifests, report.problems.as_slice()), (4, &[][..]));
    world.turn(GRACE * 2);
    world.collect().await;
    let report = services
        .verification
        .verify_offline(VerifyRequest::default());
    assert_eq!(report.await.unwrap().problems, []);
}

async fn finish_upload(world: &World, id: &str) {
    let address = UploadAddress {
        registry: world.home.clone(),
        name: name("kms"),
        upload: ecru_domain::UploadId::parse(id).unwrap(),
    };
    let (context, uploads) = (world.root(), &world.services.uploads);
    assert_eq!(uploads.status(&context, &address).await.unwrap(), 5);
    let digest = Digest::sha256(b"begun and ended");
    let last = chunk(b" and ended");
    uploads
        .complete(&context, &address, last, &digest)
        .await
        .unwrap();
    let read = world.read_layer(&address.name, &digest).await.unwrap();
    assert_eq!(read, b"begun and ended");
}

#[tokio::test]
async fn stores_of_earlier_builds_open() {
    let found = fs::read_dir(archives()).unwrap();
    let mut archives: Vec<PathBuf> = found.map(|entry| entry.unwrap().path()).collect();
    archives.sort();
    assert!(!archives.is_empty());
    for archive in archives {
        use_store(&archive).await;
    }
}

async fn begin_upload(world: &World, place: &RepositoryName) -> String {
    let (context, uploads) = (world.root(), &world.services.uploads);
    let upload = uploads.initiate(&context, &world.home, place, true);
    let upload = upload.await.unwrap();
    let address = UploadAddress {
        registry: world.home.clone(),
        name: place.clone(),
        upload: upload.clone(),
    };
    let first = chunk(b"begun");
    uploads.append(&context, &address, first).await.unwrap();
    upload.as_str().to_owned()
}

#[tokio::test]
#[ignore = "writes an archive, once for each stored format"]
async fn golden_store_is_written() {
    let world = World::new().await;
    let mut facts = serde_json::Map::new();
    for (repository, kind) in KINDS {
        let mutability = TagMutability::mutable();
        let place = world.create_with(repository, mutability, kind).await;
        let image = world.push_image(&place, repository, Some("v1")).await;
        facts.insert(repository.to_owned(), image.as_str().into());
    }
    let aes = name("aes");
    world.push_layer(&aes, &layer()).await;
    let image = Digest::parse(facts["aes"].as_str().unwrap()).unwrap();
    let images = [&image];
    let index = world.push_index(&aes, &images, Some("multi"));
    index.await.unwrap();
    let upload = begin_upload(&world, &name("kms")).await;
    facts.insert("upload".to_owned(), upload.into());
    let (context, services) = (world.root(), &world.services);
    let token = services.tokens.issue(&context).await.unwrap();
    facts.insert("password".to_owned(), token.password.into());
    let (first, status) = (page(1, None), TagStatus::Any);
    let listed = services
        .images
        .list(&context, &world.home, &aes, status, &first);
    let next = listed.await.unwrap().next_token.unwrap();
    facts.insert("nextToken".to_owned(), next.into());

    let directory = world.close();
    let facts = serde_json::Value::Object(facts).to_string();
    fs::write(directory.path().join(FACTS), facts).unwrap();
    let count = fs::read_dir(archives()).unwrap().count();
    let archive = archives().join(format!("store-{}.tar.gz", count + 1));
    tar(&["-czf"], &archive, directory.path());
}
