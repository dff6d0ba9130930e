//! Shows that no statement reads more than it returns: each one of the whole suite is explained as it comes.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use ecru_domain::Timestamp;
use ecru_ports::Metadata;
use ecru_ports::conformance::metadata::metadata_suite;
use ecru_ports::metadata::{Lane, MetadataEngine, ReadWork, StoreError, Verdict, WriteWork};
use parking_lot::Mutex;
use tempfile::NamedTempFile;

use super::session::{DIALECT, SqliteSession};
use crate::batch::{BatchFailure, Session, run_batch};
use crate::row::Row;
use crate::schema;
use crate::sql::{Parameter, Sql};
use crate::transaction::SqlTransaction;

/// Statements that walk a table on purpose: in order with a limit, or because all of it is wanted.
const WALKS: [&str; 2] = [
    "FROM doomed_object ORDER BY id LIMIT",
    "FROM server_key ORDER BY",
];

/// The plans of a SELECT whose columns are statements of their own, each with its line, and of rows to be inserted.
const NO_TABLE: [&str; 2] = ["SCAN CONSTANT ROW", "SCAN 4-ROW VALUES CLAUSE"];

/// Indexes without which a statement would still search, but through all of a repository.
const NEEDS: [(&str, &str); 10] = [
    ("image WHERE id = $1", "image_by_id"),
    ("AND is_tagged = 0 ORDER BY", "image_untagged"),
    ("DISTINCT digest FROM tag", "tag_by_digest"),
    ("subject = $2", "image_by_subject"),
    ("latest_sequence DESC", "image_by_sequence"),
    ("digest >= $2 AND digest <= $3", "tag_by_digest"),
    ("image_reference.target = ", "image_reference_by_target"),
    ("object.sha256 = $2", "object_by_content"),
    ("layer.object_id = ", "layer_by_object"),
    ("upload WHERE repository_id", "upload_by_repository"),
];

/// A connection that refuses statements with a bad plan.
struct Explained {
    session: SqliteSession,
    seen: HashSet<&'static str>,
    plans: String,
}

impl Explained {
    fn check(&mut self, statement: &'static str) {
        if !self.seen.insert(statement) {
            return;
        }
        let plan = self.session.explain(statement).unwrap().join("\n");
        let rest = NO_TABLE
            .iter()
            .fold(plan.clone(), |plan, none| plan.replace(none, ""));
        let scans = rest.contains("SCAN");
        let walks = scans && !WALKS.iter().any(|walk| statement.contains(walk));
        let sorts = plan.contains("TEMP B-TREE");
        assert!(!walks && !sorts, "{statement}\n{plan}");
        // PostgreSQL may look through all that the rest of the key leaves
        let lists = statement.contains(" IN ($");
        assert!(!lists, "asks for a list of keys: {statement}");
        for (part, index) in NEEDS {
            let serves = !statement.contains(part) || plan.contains(index);
            assert!(serves, "{statement}\n{plan}");
        }
        self.plans.push_str(&plan);
    }
}

impl Sql for Explained {
    fn execute(
        &mut self,
        statement: &'static str,
        values: &[Parameter<'_>],
    ) -> Result<u64, StoreError> {
        self.check(statement);
        self.session.execute(statement, values)
    }

    fn query(
        &mut self,
        statement: &'static str,
        values: &[Parameter<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        self.check(statement);
        self.session.query(statement, values)
    }

    fn run_script(&mut self, script: &str) -> Result<(), StoreError> {
        self.session.run_script(script)
    }
}

impl Session for Explained {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.session.begin()
    }

    fn mark(&mut self) -> Result<(), StoreError> {
        self.session.mark()
    }

    fn keep(&mut self) -> Result<(), StoreError> {
        self.session.keep()
    }

    fn undo(&mut self) -> Result<(), StoreError> {
        self.session.undo()
    }

    fn commit(&mut self) -> Result<(), BatchFailure> {
        self.session.commit()
    }

    fn abandon(&mut self) {
        self.session.abandon();
    }

    fn is_open(&self) -> bool {
        self.session.is_open()
    }
}

/// Runs everything on one explained connection.
struct OneConnection(Arc<Mutex<Explained>>);

#[async_trait]
impl MetadataEngine for OneConnection {
    async fn write(&self, _lane: Lane, work: WriteWork) -> Result<(), StoreError> {
        let (member, _) = crate::batch::Member::new(work);
        match run_batch(&mut *self.0.lock(), &mut [member], |_| ()) {
            Ok(outcomes) => outcomes.into_iter().collect(),
            Err(BatchFailure::Undone(error) | BatchFailure::Unknown(error)) => Err(error),
        }
    }

    async fn lookup(&self, work: ReadWork) -> Result<(), StoreError> {
        let mut connection = self.0.lock();
        connection.session.begin_read()?;
        let mut transaction = SqlTransaction::new(&mut *connection);
        work(&mut transaction);
        let ended = transaction.end();
        connection.session.end()?;
        ended
    }

    async fn read(&self, work: ReadWork) -> Result<(), StoreError> {
        self.lookup(work).await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.write(Lane::Any, Box::new(|_| Verdict::Commit)).await
    }

    fn size_in_bytes(&self) -> Option<u64> {
        None
    }
}

#[tokio::test]
async fn no_statement_reads_more_than_it_returns() {
    let all = Arc::new(Mutex::new(Vec::new()));
    metadata_suite(async || {
        let file = NamedTempFile::new().unwrap();
        let mut session = SqliteSession::writer(file.path()).unwrap();
        session.begin().unwrap();
        schema::prepare(&mut session, DIALECT).unwrap();
        while schema::advance(&mut session, DIALECT, Timestamp::from_seconds(1)).unwrap() {}
        session.end().unwrap();
        let connection = Arc::new(Mutex::new(Explained {
            session,
            seen: HashSet::new(),
            plans: String::new(),
        }));
        all.lock().push((file, Arc::clone(&connection)));
        Metadata::new(Arc::new(OneConnection(connection)))
    })
    .await;
    let all = all.lock();
    let plans: String = all
        .iter()
        .map(|(_, one)| one.lock().plans.clone())
        .collect();
    let indexes = all[0].1.lock().session.query(
        "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
        &[],
    );
    for mut index in indexes.unwrap() {
        let name = index.text().unwrap();
        assert!(plans.contains(&name), "no statement uses {name}");
    }
    let seen: HashSet<_> = all
        .iter()
        .flat_map(|(_, one)| one.lock().seen.clone())
        .collect();
    // about as many as there are in `queries`: the suite reaches them
    assert!(seen.len() >= 80, "{}", seen.len());
}
