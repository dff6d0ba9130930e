//! Measures durable image pushes and look-ups a second: `put_rate DIRECTORY` or `put_rate postgres://…`.
//!
//! A push is what `PutImage` writes: version, image, manifest of 2 KB, references, tag. 32 tasks push images of as many
//! layers as the third argument says (default 10) into as many repositories as the second says (default 4), then look
//! tags up with their manifests.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ecru_domain::mutability::TagMutability;
use ecru_domain::repository::Repository;
use ecru_domain::{
    AccountId, Digest, Encryption, EncryptionType, ImageKind, Region, Registry, RepositoryId,
    RepositoryName, Tag, Timestamp,
};
use ecru_metadata_sql::{PostgresMetadata, SqliteMetadata};
use ecru_ports::Metadata;
use ecru_ports::clock::Clock;
use ecru_ports::metadata::{
    ImageRecord, Lane, PushQuestion, PushedImage, ReferenceKind, ReferenceRecord, SealedManifest,
    StoreError, WriteTransaction,
};
use tokio::task::JoinSet;

type Failure = Box<dyn Error + Send + Sync>;

const TASKS: usize = 32;
const PUSHES: usize = 200;

/// What to do.
#[derive(Clone, Copy)]
struct Load {
    /// How many repositories are pushed into.
    repositories: usize,
    /// Layers of an image.
    layers: usize,
    /// Look-ups of each task.
    lookups: usize,
}

struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1)
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let place = arguments.next().ok_or("where is the store to be?")?;
    let mut number = |default| arguments.next().map_or(Ok(default), |text| text.parse());
    let load = Load {
        repositories: number(4)?,
        layers: number(10)?,
        lookups: number(1_000)?,
    };
    let store = if place.starts_with("postgres") {
        Metadata::new(Arc::new(
            PostgresMetadata::connect(&place, &StoppedClock).await?,
        ))
    } else {
        let file = Path::new(&place).join("metadata.db");
        Metadata::new(Arc::new(SqliteMetadata::open(&file, &StoppedClock)?))
    };
    for number in 0..load.repositories {
        let repository = repository(number)?;
        store
            .write(Lane::Any, move |t| -> Result<_, StoreError> {
                t.insert_repository(&repository)
            })
            .await?;
    }
    let pushing = all(|task| push_all(store.clone(), task, load)).await?;
    report("pushes", TASKS * PUSHES, pushing);
    let looking = all(|task| look_all(store.clone(), task, load)).await?;
    report("look-ups", TASKS * load.lookups, looking);
    Ok(())
}

async fn all<F>(start: impl Fn(usize) -> F) -> Result<Duration, Failure>
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let begin = Instant::now();
    let mut tasks: JoinSet<_> = (0..TASKS).map(&start).collect();
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(begin.elapsed())
}

fn report(what: &str, count: usize, time: Duration) {
    let micros = time.as_micros().max(1);
    let rate = u128::try_from(count).unwrap_or_default() * 1_000_000 / micros;
    println!("{what}: {rate}/s");
}

fn repository(number: usize) -> Result<Repository, Failure> {
    Ok(Repository {
        id: id(number),
        registry: registry()?,
        name: name(number)?,
        created_at: Timestamp::from_seconds(1),
        mutability: TagMutability::mutable(),
        scan_on_push: false,
        encryption: Encryption {
            kind: EncryptionType::Aes256,
            key_id: "key".to_owned(),
        },
        version: 0,
        latest_was_set: false,
    })
}

fn id(number: usize) -> RepositoryId {
    RepositoryId::new(format!("01234567-89ab-4cde-8f01-{number:012}"))
}

fn registry() -> Result<Registry, Failure> {
    Ok(Registry {
        account: AccountId::parse("000000000000")?,
        region: Region::parse("eu-west-1")?,
    })
}

fn name(number: usize) -> Result<RepositoryName, Failure> {
    Ok(RepositoryName::parse(&format!("team/app-{number}"))?)
}

async fn push_all(store: Metadata, task: usize, load: Load) -> Result<(), Failure> {
    let key = id(task % load.repositories);
    for number in 0..PUSHES {
        let push = format!("{task}-{number}");
        let (key, lane) = (key.clone(), Lane::Repository(key.as_str().to_owned()));
        let work = move |t: &mut dyn WriteTransaction| push_one(t, &key, &push, load.layers);
        store.write(lane, work).await?;
    }
    Ok(())
}

fn push_one(
    t: &mut dyn WriteTransaction,
    repository: &RepositoryId,
    push: &str,
    layers: usize,
) -> Result<(), StoreError> {
    let tag = Tag::parse(push).map_err(|error| StoreError::Failed(error.to_string()))?;
    let digest = Digest::sha256(push.as_bytes());
    let tags = [tag];
    let references = references(layers);
    let registry = registry().map_err(|error| StoreError::Failed(error.to_string()))?;
    let question = PushQuestion {
        digest: &digest,
        tags: &tags,
        references: &references,
        setting: (&registry, "latest"),
    };
    let facts = t.begin_push(repository, &question)?;
    let facts = facts.ok_or_else(|| StoreError::Failed("no repository".to_owned()))?;
    let image = ImageRecord {
        id: digest.hex().chars().take(36).collect(),
        digest: digest.clone(),
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        kind: ImageKind::Image,
        artifact_media_type: Some("application/vnd.oci.image.config.v1+json".to_owned()),
        manifest_size: 2_000,
        size: 100_000_000,
        pushed_at: Timestamp::from_seconds(1),
        last_pulled_at: None,
        subject: None,
        is_tagged: true,
        latest_sequence: Some(facts.repository.version),
    };
    let manifest = SealedManifest {
        wrapped_key: vec![1; 60],
        sealed: vec![2; 2_028],
    };
    let pushed = PushedImage {
        image: &image,
        manifest: &manifest,
        references: &references,
        tags: &tags,
        targets: &facts.targets,
    };
    t.insert_pushed(repository, &pushed, Timestamp::from_seconds(2))
}

/// What an image of so many layers refers to, its configuration included.
fn references(layers: usize) -> Vec<ReferenceRecord> {
    let references = (0..=layers).map(|number| ReferenceRecord {
        target: Digest::sha256(&number.to_be_bytes()),
        kind: ReferenceKind::Layer,
        media_type: "application/vnd.oci.image.layer.v1.tar+gzip".to_owned(),
    });
    references.collect()
}

async fn look_all(store: Metadata, task: usize, load: Load) -> Result<(), Failure> {
    let registry = registry()?;
    let name = name(task % load.repositories)?;
    for number in 0..load.lookups {
        let (registry, name) = (registry.clone(), name.clone());
        let tag = Tag::parse(&format!("{task}-{}", number % PUSHES))?;
        let found = store.lookup(move |t| -> Result<_, StoreError> {
            let Some(repository) = t.find_repository(&registry, &name)? else {
                return Ok(None);
            };
            let Some(image) = t.find_tagged_image(&repository.id, &tag)? else {
                return Ok(None);
            };
            t.manifest(&repository.id, &image.digest)
        });
        found.await?.ok_or("a pushed image is not there")?;
    }
    Ok(())
}
