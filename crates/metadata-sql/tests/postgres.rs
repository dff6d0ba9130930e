//! The PostgreSQL engine against the contract, on the server that `ECRU_TEST_POSTGRES` names (a URL).
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "postgres/proxy.rs"]
mod proxy;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ecru_domain::{RepositoryId, Timestamp};
use ecru_metadata_sql::PostgresMetadata;
use ecru_ports::Metadata;
use ecru_ports::clock::Clock;
use ecru_ports::conformance::metadata::metadata_suite;
use ecru_ports::metadata::{JobKind, JobRecord, Lane, StoreError, WriteTransaction};
use proxy::{Proxy, Way};
use tokio_postgres::{Client, NoTls};

struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1)
    }
}

/// A schema of its own on the server, removed by [`Schema::remove`].
struct Schema {
    name: String,
    url: String,
    admin: Client,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Schema {
    async fn create() -> Self {
        let base = std::env::var("ECRU_TEST_POSTGRES")
            .expect("ECRU_TEST_POSTGRES must hold the URL of a PostgreSQL server");
        let (admin, connection) = tokio_postgres::connect(&base, NoTls).await.unwrap();
        tokio::spawn(connection);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ecru_test_{}_{number}", std::process::id());
        let fresh = format!("DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}");
        admin.batch_execute(&fresh).await.unwrap();
        let separator = if base.contains('?') { '&' } else { '?' };
        let url =
            format!("{base}{separator}options=-c%20search_path%3D{name}&application_name={name}");
        Self { name, url, admin }
    }

    async fn open(&self) -> Metadata {
        let engine = PostgresMetadata::connect(&self.url, &StoppedClock).await;
        Metadata::new(Arc::new(engine.unwrap()))
    }

    /// Opens it through a proxy, with a limit of a second for answers.
    async fn open_behind(&self, proxy: &Proxy) -> Metadata {
        let url = self
            .url
            .replace(&server_of(&self.url), &proxy.address.to_string());
        let limit = Duration::from_secs(1);
        let engine = PostgresMetadata::connect_with_limit(&url, &StoppedClock, limit).await;
        Metadata::new(Arc::new(engine.unwrap()))
    }

    async fn run(&self, script: &str) {
        let script = format!("SET search_path = {}; {script}", self.name);
        self.admin.batch_execute(&script).await.unwrap();
    }

    async fn remove(self) {
        self.run(&format!("DROP SCHEMA {} CASCADE", self.name))
            .await;
    }
}

async fn fact(store: &Metadata, name: &'static str) -> Option<String> {
    let found = store.lookup(move |t| -> Result<_, StoreError> { t.store_fact(name) });
    found.await.unwrap()
}

async fn put_fact(store: &Metadata, name: &'static str, value: &'static str) {
    let put = store.write(Lane::Any, move |t| -> Result<(), StoreError> {
        t.put_store_fact(name, value)
    });
    put.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_keeps_the_contract() {
    let schemas = tokio::sync::Mutex::new(Vec::new());
    metadata_suite(async || {
        let schema = Schema::create().await;
        let store = schema.open().await;
        schemas.lock().await.push(schema);
        store
    })
    .await;
    for schema in schemas.into_inner() {
        schema.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_start_together_migrate_once() {
    let schema = Schema::create().await;
    let (one, two, three) = tokio::join!(schema.open(), schema.open(), schema.open());
    put_fact(&one, "name", "value").await;
    assert_eq!(fact(&two, "name").await.as_deref(), Some("value"));
    assert_eq!(fact(&three, "name").await.as_deref(), Some("value"));
    schema.remove().await;
}

/// Two nodes count from what they read: whichever is late must run again on what the other left.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_change_of_two_nodes_is_lost() {
    let schema = Schema::create().await;
    let nodes = [schema.open().await, schema.open().await];
    let writers = (0..40).map(|number: usize| {
        nodes[number % 2].write(Lane::Any, |t| -> Result<(), StoreError> {
            let count = t.store_fact("count")?.unwrap_or_default();
            t.put_store_fact("count", &format!("{count}+"))
        })
    });
    for outcome in futures_util::future::join_all(writers).await {
        outcome.unwrap();
    }
    let count = fact(&nodes[0], "count").await.unwrap();
    assert_eq!(count.len(), 40);
    schema.remove().await;
}

/// Beside many quick changes of another node a slow one would fail for ever, however often it ran again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_slow_change_has_its_turn_among_quick_ones() {
    let schema = Schema::create().await;
    let (quick, slow) = (schema.open().await, schema.open().await);
    let is_over = Arc::new(AtomicBool::new(false));
    let over = is_over.clone();
    let quick = tokio::spawn(async move {
        let mut count = 0_usize;
        while !over.load(Ordering::Relaxed) {
            let increment = quick.write(Lane::Any, |t| -> Result<(), StoreError> {
                let count = t.store_fact("count")?.unwrap_or_default();
                t.put_store_fact("count", &format!("{count}+"))
            });
            increment.await.unwrap();
            count += 1;
        }
        count
    });
    for _ in 0..5 {
        let change = slow.write(Lane::Any, |t| -> Result<(), StoreError> {
            let count = t.store_fact("count")?.unwrap_or_default();
            std::thread::sleep(Duration::from_millis(100));
            t.put_store_fact("count", &format!("{count}-"))
        });
        change.await.unwrap();
    }
    is_over.store(true, Ordering::Relaxed);
    let quick = quick.await.unwrap();
    let count = fact(&slow, "count").await.unwrap();
    assert_eq!(count.matches('-').count(), 5);
    assert_eq!(count.matches('+').count(), quick);
    schema.remove().await;
}

/// What was read counts as long as the generation stands: it must not outlive an acknowledged change, whoever made it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_change_of_another_node_ends_the_generation() {
    let schema = Schema::create().await;
    let (one, other) = (schema.open().await, schema.open().await);
    for _ in 0..50 {
        let before = one.generation().await;
        put_fact(&other, "name", "value").await;
        assert!(one.generation().await.unwrap().content > before.unwrap().content);
    }
    schema.remove().await;
}

/// Keys and repositories are read for every request: what pushes change must not end what was read of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_a_change_of_repositories_or_keys_ends_what_was_read_of_them() {
    let schema = Schema::create().await;
    let (one, other) = (schema.open().await, schema.open().await);
    let structure = async || one.generation().await.unwrap().structure;
    let before = structure().await;
    put_fact(&other, "name", "value").await;
    assert_eq!(structure().await, before);
    for _ in 0..3 {
        let before = structure().await;
        let delete = |rows: &mut dyn WriteTransaction| rows.delete_access_key("none");
        other.write(Lane::Any, delete).await.unwrap();
        assert!(structure().await > before);
    }
    schema.remove().await;
}

/// Other databases of the server may commit at any time, but not at all times.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_generation_stands_while_nothing_is_committed() {
    let schema = Schema::create().await;
    let store = schema.open().await;
    let mut stands = false;
    for _ in 0..10_000 {
        stands |= store.generation().await == store.generation().await;
    }
    assert!(stands);
    schema.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn statements_prepared_for_older_tables_are_prepared_anew() {
    let schema = Schema::create().await;
    let store = schema.open().await;
    put_fact(&store, "name", "value").await;
    for kind in ["VARCHAR(90)", "TEXT"] {
        assert!(fact(&store, "name").await.is_some());
        schema
            .run(&format!(
                "ALTER TABLE store_fact ALTER COLUMN value TYPE {kind}"
            ))
            .await;
        assert_eq!(fact(&store, "name").await.as_deref(), Some("value"));
        let read = store.write(Lane::Any, |t| -> Result<_, StoreError> {
            t.put_store_fact("other", "1")?;
            t.store_fact("name")
        });
        assert_eq!(read.await.unwrap().as_deref(), Some("value"));
    }
    schema.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn connections_that_the_server_ended_are_replaced() {
    let schema = Schema::create().await;
    let store = schema.open().await;
    put_fact(&store, "name", "value").await;
    let end_all = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{}'",
        schema.name
    );
    schema.run(&end_all).await;
    put_fact(&store, "name", "again").await;
    assert_eq!(fact(&store, "name").await.as_deref(), Some("again"));
    schema.remove().await;
}

/// A job's row is written without waiting for the server, which refuses it only later.
fn job(id: usize, subject: &'static str) -> JobRecord {
    JobRecord {
        id: format!("job-{id}"),
        kind: JobKind::DrainImage,
        repository: RepositoryId::new("id".to_owned()),
        subject: subject.to_owned(),
        run_at: Timestamp::from_seconds(1),
    }
}

/// Adds a job that the server refuses where its subject is `bad`, and a fact beside it.
async fn add_job_and_fact(
    store: &Metadata,
    id: usize,
    subject: &'static str,
) -> Result<(), StoreError> {
    let add = move |t: &mut dyn WriteTransaction| -> Result<(), StoreError> {
        t.insert_job(&job(id, subject))?;
        t.put_store_fact(&format!("of-{id}"), "1")
    };
    store.write(Lane::Any, add).await
}

async fn jobs_and_facts(store: &Metadata, count: usize) -> (Vec<String>, usize) {
    let read = store.read(move |t| -> Result<_, StoreError> {
        let jobs = t.list_due_jobs(Timestamp::from_seconds(1), 1_000)?;
        let mut facts = 0;
        for id in 0..count {
            facts += usize::from(t.store_fact(&format!("of-{id}"))?.is_some());
        }
        Ok((jobs.into_iter().map(|job| job.id).collect(), facts))
    });
    read.await.unwrap()
}

const NO_BAD_JOBS: &str = "ALTER TABLE job ADD CONSTRAINT good CHECK (subject <> 'bad')";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_change_that_fails_after_its_closure_went_on_is_not_acknowledged() {
    let schema = Schema::create().await;
    let store = schema.open().await;
    schema.run(NO_BAD_JOBS).await;
    let alone = add_job_and_fact(&store, 0, "bad").await;
    assert!(matches!(alone, Err(StoreError::Failed(_))), "{alone:?}");
    // whatever the closure wants of the transaction
    let refused = store.write(Lane::Any, |t| -> Result<(), StoreError> {
        t.insert_job(&job(0, "bad"))?;
        assert!(t.store_fact("none").is_err());
        assert!(t.put_store_fact("of-0", "1").is_err());
        Ok(())
    });
    let refused = refused.await;
    assert!(matches!(refused, Err(StoreError::Failed(_))), "{refused:?}");
    assert_eq!(jobs_and_facts(&store, 1).await, (Vec::new(), 0));
    add_job_and_fact(&store, 0, "good").await.unwrap();
    assert_eq!(
        jobs_and_facts(&store, 1).await,
        (vec!["job-0".to_owned()], 1)
    );
    schema.remove().await;
}

/// Members before it, after it and last of all: only those that are kept are acknowledged, and all of these are.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_change_that_fails_late_fails_alone_in_its_batch() {
    const MEMBERS: usize = 60;
    let schema = Schema::create().await;
    let store = schema.open().await;
    schema.run(NO_BAD_JOBS).await;
    for bad in [vec![0], vec![MEMBERS - 1], vec![7, 8, 30]] {
        schema
            .run("DELETE FROM job; DELETE FROM store_fact WHERE name LIKE 'of-%'")
            .await;
        let subject = |id: usize| if bad.contains(&id) { "bad" } else { "good" };
        let members = (0..MEMBERS).map(|id| add_job_and_fact(&store, id, subject(id)));
        let outcomes = futures_util::future::join_all(members).await;
        let mut acknowledged = Vec::new();
        for (id, outcome) in outcomes.iter().enumerate() {
            let is_right = match outcome {
                Ok(()) => !bad.contains(&id),
                Err(StoreError::Failed(_)) => bad.contains(&id),
                Err(_) => false,
            };
            assert!(is_right, "{bad:?} {id} {outcome:?}");
            acknowledged.extend(outcome.is_ok().then(|| format!("job-{id}")));
        }
        let (mut jobs, facts) = jobs_and_facts(&store, MEMBERS).await;
        jobs.sort();
        acknowledged.sort();
        assert_eq!((jobs, facts), (acknowledged, MEMBERS - bad.len()));
    }
    schema.remove().await;
}

/// More than are put off at a time: the closure that goes on is told before it ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_put_off_are_bounded() {
    let schema = Schema::create().await;
    let store = schema.open().await;
    schema.run(NO_BAD_JOBS).await;
    let many = store.write(Lane::Any, |t| -> Result<(), StoreError> {
        t.insert_job(&job(0, "bad"))?;
        let told = (1..100).any(|id| t.insert_job(&job(id, "good")).is_err());
        assert!(told, "a hundred changes wait");
        Ok(())
    });
    assert!(matches!(many.await, Err(StoreError::Failed(_))));
    assert_eq!(jobs_and_facts(&store, 0).await, (Vec::new(), 0));
    schema.remove().await;
}

/// An answer in many pieces must not keep those behind it from coming: all of a batch wait for the last.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn answers_that_come_in_pieces_are_taken_as_they_come() {
    const MEMBERS: usize = 60;
    let schema = Schema::create().await;
    let proxy = Proxy::before(server_of(&schema.url)).await;
    proxy.turn(Way::Narrow);
    let store = schema.open_behind(&proxy).await;
    let members = (0..MEMBERS).map(|id| add_job_and_fact(&store, id, "good"));
    for outcome in futures_util::future::join_all(members).await {
        outcome.unwrap();
    }
    let (jobs, facts) = jobs_and_facts(&store, MEMBERS).await;
    assert_eq!((jobs.len(), facts), (MEMBERS, MEMBERS));
    schema.remove().await;
}

/// Host and port of a URL.
fn server_of(url: &str) -> String {
    let place = url.split("://").nth(1).unwrap().split('/').next().unwrap();
    place.rsplit('@').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_was_cut_off_or_silent_is_used_again() {
    let schema = Schema::create().await;
    let proxy = Proxy::before(server_of(&schema.url)).await;
    let store = schema.open_behind(&proxy).await;
    for way in [Way::Cut, Way::Silent] {
        put_fact(&store, "name", "before").await;
        proxy.turn(way);
        let (began, written) = (Instant::now(), try_put(&store, "during").await);
        assert!(
            matches!(written, Err(StoreError::Unavailable(_))),
            "{way:?} {written:?}"
        );
        let read = store.lookup(move |t| -> Result<_, StoreError> { t.store_fact("name") });
        let read = read.await;
        assert!(
            matches!(read, Err(StoreError::Unavailable(_))),
            "{way:?} {read:?}"
        );
        assert!(store.probe().await.is_err());
        let waited = began.elapsed();
        assert!(waited < Duration::from_secs(45), "{way:?} {waited:?}");
        proxy.turn(Way::Open);
        put_fact(&store, "name", "after").await;
        assert_eq!(fact(&store, "name").await.as_deref(), Some("after"));
    }
    schema.remove().await;
}

async fn try_put(store: &Metadata, value: &'static str) -> Result<(), StoreError> {
    let put = store.write(Lane::Any, move |t| -> Result<(), StoreError> {
        t.put_store_fact("name", value)
    });
    put.await
}

#[tokio::test]
async fn an_address_where_nobody_listens_is_unavailable() {
    let url = "postgres://ecru:secret@127.0.0.1:1/ecru";
    let error = PostgresMetadata::connect(url, &StoppedClock).await.err();
    let Some(StoreError::Unavailable(text)) = error else {
        panic!("{error:?}");
    };
    assert!(!text.contains("secret"), "{text}");
    let url = "postgres://ecru:secret@[";
    let error = PostgresMetadata::connect(url, &StoppedClock).await.err();
    assert!(!error.unwrap().to_string().contains("secret"));
}
