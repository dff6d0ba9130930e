//! The writer under many interleavings of callers, readers and the thread, on an engine that fails by chance.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ecru_ports::metadata::{Verdict, WriteTransaction};
use ecru_ports::modelled::rand::{Rng as _, thread_rng};
use ecru_ports::modelled::{Mutex, block_on, check, thread};
use futures_util::FutureExt as _;

use super::*;
use crate::row::Row;
use crate::sql::{Parameter, Sql};

type Facts = BTreeMap<String, String>;

/// What readers see.
#[derive(Clone, Default)]
struct Disk(Arc<Mutex<Facts>>);

impl Disk {
    fn value(&self, name: &str) -> Option<String> {
        self.0.lock().get(name).cloned()
    }
}

/// An engine that keeps facts. A transaction that it undid may be run again; of one that it lost nobody knows.
struct Engine {
    disk: Disk,
    fails: bool,
    open: Option<Facts>,
    marked: Facts,
}

impl Engine {
    fn on(disk: &Disk, fails: bool) -> Self {
        Self {
            disk: disk.clone(),
            fails,
            open: None,
            marked: Facts::new(),
        }
    }

    fn happens(&self, times_in_ten: u32) -> bool {
        self.fails && thread_rng().gen_range(0..10) < times_in_ten
    }
}

fn failure(what: &str) -> StoreError {
    StoreError::Unavailable(what.to_owned())
}

impl Sql for Engine {
    fn execute(&mut self, _: &'static str, v: &[Parameter<'_>]) -> Result<u64, StoreError> {
        let (Parameter::Text(name), Parameter::Text(value)) = (&v[0], &v[1]) else {
            return Err(failure("only facts are kept"));
        };
        if self.happens(1) {
            self.open = None;
        }
        let open = self.open.as_mut().ok_or_else(|| failure("undone"))?;
        open.insert(name.to_string(), value.to_string());
        Ok(1)
    }

    fn query(&mut self, _: &'static str, _: &[Parameter<'_>]) -> Result<Vec<Row>, StoreError> {
        Ok(Vec::new())
    }

    fn run_script(&mut self, _: &str) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Session for Engine {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.open = Some(self.disk.0.lock().clone());
        Ok(())
    }

    fn mark(&mut self) -> Result<(), StoreError> {
        self.marked = self.open.clone().unwrap_or_default();
        Ok(())
    }

    fn keep(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn undo(&mut self) -> Result<(), StoreError> {
        self.open = Some(self.marked.clone());
        Ok(())
    }

    fn commit(&mut self) -> Result<(), BatchFailure> {
        if self.happens(1) {
            return Err(BatchFailure::Undone(failure("undone")));
        }
        let is_lost = self.happens(1);
        if let Some(facts) = self.open.take().filter(|_| !is_lost || self.happens(5)) {
            *self.disk.0.lock() = facts;
        }
        if is_lost {
            return Err(BatchFailure::Unknown(failure("unknown")));
        }
        Ok(())
    }

    fn abandon(&mut self) {
        self.open = None;
    }

    fn is_open(&self) -> bool {
        self.open.is_some()
    }
}

fn fact(name: String, value: String, verdict: Verdict) -> WriteWork {
    Box::new(move |rows: &mut dyn WriteTransaction| {
        drop(rows.put_store_fact(&name, &value));
        verdict
    })
}

fn writer(disk: &Disk, fails: bool) -> Writer {
    Writer::run(Engine::on(disk, fails), |_| Ok(())).unwrap()
}

/// Writes two facts and compares each outcome with what is stored. The first caller refuses its first one.
fn call(caller: usize, writer: &Writer, disk: &Disk) {
    for number in 0..2 {
        let name = format!("{caller} {number}");
        let refuses = caller + number == 0;
        let verdict = if refuses {
            Verdict::Rollback
        } else {
            Verdict::Commit
        };
        let outcome = block_on(writer.write(fact(name.clone(), "x".to_owned(), verdict)));
        let is_stored = disk.value(&name).is_some();
        match outcome {
            Ok(()) => assert_eq!(is_stored, !refuses, "{name}"),
            Err(StoreError::Unavailable(text)) if text == "unknown" => {}
            Err(error) => assert!(!is_stored, "{name}: {error}"),
        }
    }
}

#[test]
fn what_is_acknowledged_is_durable_and_what_failed_is_not() {
    check(|| {
        let disk = Disk::default();
        let writer = Arc::new(writer(&disk, true));
        let callers = [0, 1, 2].map(|caller| {
            let (writer, disk) = (Arc::clone(&writer), disk.clone());
            thread::spawn(move || call(caller, &writer, &disk))
        });
        for caller in callers {
            caller.join().unwrap();
        }
    });
}

/// A reader that remembers one fact, as `Remembered` in `ecru-services` lets it.
struct Reader {
    writer: Arc<Writer>,
    disk: Disk,
    remembered: Mutex<Option<(u64, u64)>>,
    /// The latest value that anybody saw or was told is durable.
    known: AtomicU64,
}

impl Reader {
    fn value(&self, is_remembering: bool) -> u64 {
        let generation = self.writer.counts().commits_ended();
        let generation = generation.filter(|_| is_remembering);
        let remembered = *self.remembered.lock();
        if let Some((at, value)) = remembered
            && generation == Some(at)
        {
            return value;
        }
        let seen = self.disk.value("fact");
        let value = seen.map_or(0, |seen| seen.parse().unwrap());
        if let Some(at) = generation {
            *self.remembered.lock() = Some((at, value));
        }
        value
    }

    fn look(&self, is_remembering: bool) {
        let known = self.known.load(Ordering::SeqCst);
        let value = self.value(is_remembering);
        assert!(value >= known, "{value} is read after {known}");
        self.known.fetch_max(value, Ordering::SeqCst);
    }
}

#[test]
fn nobody_is_taken_back_behind_what_somebody_saw() {
    check(|| {
        let disk = Disk::default();
        let reader = Arc::new(Reader {
            writer: Arc::new(writer(&disk, true)),
            disk,
            remembered: Mutex::new(None),
            known: AtomicU64::new(0),
        });
        let lookers = [true, true, false].map(|is_remembering| {
            let reader = Arc::clone(&reader);
            thread::spawn(move || (0..3).for_each(|_| reader.look(is_remembering)))
        });
        for value in 1..=2_u64 {
            let work = fact("fact".to_owned(), value.to_string(), Verdict::Commit);
            if block_on(reader.writer.write(work)).is_ok() {
                reader.known.fetch_max(value, Ordering::SeqCst);
            }
        }
        for looker in lookers {
            looker.join().unwrap();
        }
    });
}

#[test]
fn what_was_handed_over_is_done_before_the_writer_ends() {
    check(|| {
        let disk = Disk::default();
        let writer = Arc::new(writer(&disk, false));
        let callers = [0, 1].map(|caller| {
            let writer = Arc::clone(&writer);
            thread::spawn(move || {
                for number in 0..2 {
                    let name = format!("{caller} {number}");
                    let work = fact(name, "x".to_owned(), Verdict::Commit);
                    // whoever asked goes away at once, and the last of them ends the writer
                    drop(writer.write(work).now_or_never());
                }
            })
        });
        drop(writer);
        for caller in callers {
            caller.join().unwrap();
        }
        assert_eq!(disk.0.lock().len(), 4);
    });
}
