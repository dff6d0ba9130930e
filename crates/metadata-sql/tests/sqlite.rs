//! The SQLite engine against the contract, and what only it can show.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex, mpsc};

use ecru_domain::{Digest, ImageKind, RepositoryId, Timestamp};
use ecru_metadata_sql::SqliteMetadata;
use ecru_ports::Metadata;
use ecru_ports::clock::Clock;
use ecru_ports::conformance::metadata::metadata_suite;
use ecru_ports::metadata::{
    ImageRecord, Lane, MetadataEngine as _, SealedManifest, StoreError, WriteTransaction,
};
use futures_util::future::join_all;
use tempfile::TempDir;
use tokio::task::JoinHandle;

struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1)
    }
}

fn open(directory: &TempDir) -> SqliteMetadata {
    SqliteMetadata::open(&directory.path().join("metadata.db"), &StoppedClock).unwrap()
}

async fn fact(store: &Metadata, name: String) -> Option<String> {
    let found = store.lookup(move |t| -> Result<_, StoreError> { t.store_fact(&name) });
    found.await.unwrap()
}

/// A store whose writer waits within a closure until told to go on.
struct Held {
    engine: Arc<SqliteMetadata>,
    store: Metadata,
    go_on: mpsc::Sender<()>,
    holder: JoinHandle<Result<(), StoreError>>,
}

impl Held {
    async fn new(directory: &TempDir) -> Self {
        let engine = Arc::new(open(directory));
        let store = Metadata::new(engine.clone());
        let (go_on, gate) = mpsc::channel();
        let (entered, inside) = tokio::sync::oneshot::channel();
        let mut entered = Some(entered);
        let held = store.clone();
        let holder = tokio::spawn(async move {
            let hold = move |_: &mut dyn WriteTransaction| -> Result<(), StoreError> {
                entered.take().map(|entered| entered.send(()));
                gate.recv().unwrap();
                Ok(())
            };
            held.write(Lane::Any, hold).await
        });
        inside.await.unwrap();
        Self {
            engine,
            store,
            go_on,
            holder,
        }
    }

    /// Hands over all closures while the writer waits, then lets it go on.
    async fn run<F>(
        self,
        works: Vec<F>,
    ) -> (Arc<SqliteMetadata>, Metadata, Vec<Result<(), StoreError>>)
    where
        F: FnMut(&mut dyn WriteTransaction) -> Result<(), StoreError> + Send + 'static,
    {
        let mut writes: Vec<_> = works
            .into_iter()
            .map(|work| Box::pin(self.store.write(Lane::Any, work)))
            .collect();
        for write in &mut writes {
            assert!(futures_util::poll!(write).is_pending());
        }
        self.go_on.send(()).unwrap();
        let outcomes = join_all(writes).await;
        self.holder.await.unwrap().unwrap();
        (self.engine, self.store, outcomes)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_keeps_the_contract() {
    let directories = Mutex::new(Vec::new());
    metadata_suite(async || {
        let directory = TempDir::new().unwrap();
        let engine = open(&directory);
        directories.lock().unwrap().push(directory);
        Metadata::new(Arc::new(engine))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closures_that_wait_share_one_commit() {
    let directory = TempDir::new().unwrap();
    let held = Held::new(&directory).await;
    let works = (0..200)
        .map(|number: usize| {
            move |t: &mut dyn WriteTransaction| t.put_store_fact(&format!("f{number}"), "1")
        })
        .collect();
    let (engine, store, outcomes) = held.run(works).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(engine.closures(), 201);
    assert_eq!(engine.commits(), 3, "one that was held, 128, the rest");
    let generation = store.generation().await.unwrap();
    assert_eq!((generation.content, generation.structure), (Some(3), 0));
    for number in 0..200 {
        assert!(fact(&store, format!("f{number}")).await.is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_in_a_batch_hurts_only_its_closure() {
    type Fault = fn(&mut dyn WriteTransaction) -> Result<(), StoreError>;
    let faults: [(&str, Fault); 3] = [
        ("a refusal", |_| {
            Err(StoreError::Failed("refused".to_owned()))
        }),
        ("a failed statement", |t| {
            add_image(t, "one")?;
            // the error is ignored, as no closure should
            drop(add_image(t, "two"));
            Ok(())
        }),
        ("a panic", |_| {
            panic!("a closure that panics (expected in the output of this test)")
        }),
    ];
    for (what, fault) in faults {
        let directory = TempDir::new().unwrap();
        let held = Held::new(&directory).await;
        let works = (0..16)
            .map(|number: usize| {
                move |t: &mut dyn WriteTransaction| {
                    t.put_store_fact(&format!("f{number}"), "1")?;
                    (number != 7).then_some(()).map_or_else(|| fault(t), Ok)
                }
            })
            .collect();
        let (engine, store, outcomes) = held.run(works).await;
        assert_eq!(engine.commits(), 2, "{what}");
        for (number, outcome) in outcomes.iter().enumerate() {
            let stored = fact(&store, format!("f{number}")).await.is_some();
            assert_eq!(outcome.is_ok(), number != 7, "{what}: {outcome:?}");
            assert_eq!(stored, number != 7, "{what}");
        }
        drop((engine, store));
        let store = Metadata::new(Arc::new(open(&directory)));
        assert!(fact(&store, "f15".to_owned()).await.is_some());
        assert!(fact(&store, "f7".to_owned()).await.is_none());
    }
}

/// Stores an image under an id that is always the same: a second one violates its uniqueness.
fn add_image(t: &mut dyn WriteTransaction, text: &str) -> Result<(), StoreError> {
    let image = ImageRecord {
        id: "image".to_owned(),
        digest: Digest::sha256(text.as_bytes()),
        media_type: "m".to_owned(),
        kind: ImageKind::Image,
        artifact_media_type: None,
        manifest_size: 1,
        size: 1,
        pushed_at: Timestamp::from_seconds(1),
        last_pulled_at: None,
        subject: None,
        is_tagged: false,
        latest_sequence: None,
    };
    let manifest = SealedManifest {
        wrapped_key: vec![],
        sealed: vec![],
    };
    t.insert_image(&RepositoryId::new("id".to_owned()), &image, &manifest)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_handed_over_is_done_before_it_closes() {
    let directory = TempDir::new().unwrap();
    let engine = open(&directory);
    for number in 0..50 {
        let work = Box::new(move |t: &mut dyn WriteTransaction| {
            drop(t.put_store_fact(&format!("f{number}"), "1"));
            ecru_ports::metadata::Verdict::Commit
        });
        let mut write = engine.write(Lane::Any, work);
        // handed over, and then nobody waits for the answer
        drop(futures_util::poll!(&mut write));
    }
    drop(engine);
    let store = Metadata::new(Arc::new(open(&directory)));
    for number in 0..50 {
        assert!(fact(&store, format!("f{number}")).await.is_some());
    }
}

/// The engine does not write a row that stays as it is.
#[tokio::test]
async fn a_probe_writes_every_time() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory);
    store.probe().await.unwrap();
    for _ in 0..3 {
        let before = store.size_in_bytes();
        store.probe().await.unwrap();
        assert!(store.size_in_bytes() > before, "the log grows");
    }
}

#[tokio::test]
async fn writes_to_a_file_that_is_not_in_its_place_are_not_acknowledged() {
    let directory = TempDir::new().unwrap();
    let store = Metadata::new(Arc::new(open(&directory)));
    let write = || store.write(Lane::Any, |rows| rows.put_store_fact("name", "value"));
    write().await.unwrap();
    let (path, aside) = ["metadata.db", "aside"]
        .map(|name| directory.path().join(name))
        .into();
    fs::rename(&path, &aside).unwrap();
    for _ in 0..2 {
        assert!(matches!(write().await, Err(StoreError::Unavailable(_))));
    }
    fs::write(&path, "another").unwrap();
    assert!(matches!(write().await, Err(StoreError::Unavailable(_))));
    fs::rename(&aside, &path).unwrap();
    write().await.unwrap();
    fs::remove_file(&path).unwrap();
    assert!(matches!(write().await, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn files_are_private_and_open_again() {
    let directory = TempDir::new().unwrap();
    let store = Metadata::new(Arc::new(open(&directory)));
    store.probe().await.unwrap();
    for entry in fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", entry.path().display());
    }
    assert!(store.size_in_bytes().unwrap() > 4096);
    drop(store);
    let store = Metadata::new(Arc::new(open(&directory)));
    assert!(fact(&store, "probe".to_owned()).await.is_some());
}

#[tokio::test]
async fn a_file_that_is_no_store_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("metadata.db");
    fs::write(
        &path,
        "not a database, but longer than its header ".repeat(30),
    )
    .unwrap();
    let error = SqliteMetadata::open(&path, &StoppedClock).err();
    assert!(matches!(error, Some(StoreError::Corrupt(_))), "{error:?}");

    let error = SqliteMetadata::open(directory.path(), &StoppedClock).err();
    assert!(
        matches!(error, Some(StoreError::Unavailable(_))),
        "{error:?}"
    );
}
