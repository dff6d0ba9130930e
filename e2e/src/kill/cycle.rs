//! The life of the server under test: started, checked, worked with, killed, started again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::KillOptions;
use super::caller::{Caller, Stop};
use super::client::{Client, REPOSITORIES, Spans, Tally};
use super::model::Repository;
use super::pool::Pool;
use super::random::Random;
use super::record::Record;
use crate::server::{Launch, Server};
use crate::workbench::Workbench;

const SPANS: Spans = Spans {
    grace: Duration::from_secs(4),
    lifetime: Duration::from_secs(15),
};
/// Beyond the spans, how long collection may take at the end: a job that failed is tried again after a minute.
const PATIENCE: Duration = Duration::from_secs(90);
/// The number that the run's own choices have among those of clients.
const RUN: u64 = 1 << 32;

/// One store, its server and its clients.
pub(super) struct Run<'a> {
    bench: &'a Workbench,
    /// The process under test.
    pub(super) server: Server,
    /// Who works with it.
    pub(super) clients: Vec<Client>,
    /// Shared with the clients: answers may be missing.
    pub(super) killing: Arc<AtomicBool>,
    launch: Launch,
    /// How long the last start took.
    start: Duration,
}

impl<'a> Run<'a> {
    /// Starts a server on a new store.
    pub(super) fn open(bench: &'a Workbench, options: &KillOptions) -> Result<Self> {
        let home = bench.directory("kill")?.join("server");
        fs::create_dir(&home)?;
        Self::open_in(bench, &home, options)
    }

    /// The same in a directory that is there.
    pub(super) fn open_in(
        bench: &'a Workbench,
        home: &Path,
        options: &KillOptions,
    ) -> Result<Self> {
        let (began, launch) = (Instant::now(), launch());
        let server = Server::start(bench, home, &launch)?;
        let killing = Arc::new(AtomicBool::new(false));
        let caller = caller(&server, &killing)?;
        let pool = Arc::new(Pool::of(options.seed));
        let clients = (0..options.clients)
            .map(|number| client(number, options.clients, &caller, &pool))
            .collect();
        Ok(Self {
            bench,
            server,
            clients,
            killing,
            launch,
            start: began.elapsed(),
        })
    }

    /// Traffic, a kill, perhaps more of them at starts, and the checks. The server runs before and after.
    pub(super) fn cycle(&mut self, record: &mut Record) -> Result<()> {
        let mut random = self.begin_cycle(record);
        let problems = self.traffic(&mut random, record)?;
        record.note(problems);
        record.kills += 1;
        while random.percent(30) {
            let most = u64::try_from(self.start.as_millis())?;
            let after = Duration::from_millis(random.below(most + 20));
            self.server
                .start_and_kill(self.bench, &self.launch, after)?;
            record.kills += 1;
            record.early_kills += 1;
        }
        if random.percent(45) {
            self.verify(true, record)?;
        }
        self.start_and_check(record)?;
        if random.percent(35) {
            self.verify(false, record)?;
        }
        Ok(())
    }

    /// New choices for everybody; those of the run itself are returned.
    pub(super) fn begin_cycle(&mut self, record: &mut Record) -> Random {
        record.cycles += 1;
        for client in &mut self.clients {
            client.random = Random::of(record.seed, record.cycles, client.number as u64);
        }
        self.killing.store(false, Ordering::SeqCst);
        Random::of(record.seed, record.cycles, RUN)
    }

    /// Verifies the store of a server that was killed, starts it and checks.
    pub(super) fn restart_and_check(&mut self, record: &mut Record) -> Result<()> {
        self.verify(true, record)?;
        self.start_and_check(record)
    }

    fn start_and_check(&mut self, record: &mut Record) -> Result<()> {
        let began = Instant::now();
        self.server.launch(self.bench, &self.launch)?;
        self.start = began.elapsed();
        record.note(self.check());
        self.collect_tallies(record);
        Ok(())
    }

    /// Which requests failed while they might, and how long the slowest took.
    pub(super) fn take_failures(&mut self) -> (BTreeMap<u16, u64>, Duration) {
        let Some(Client { caller, .. }) = self.clients.first() else {
            return (BTreeMap::new(), Duration::ZERO);
        };
        let failures = caller
            .failures
            .lock()
            .map(|mut failures| std::mem::take(&mut *failures));
        let waited = caller.longest_wait.swap(0, Ordering::SeqCst);
        (failures.unwrap_or_default(), Duration::from_millis(waited))
    }

    /// Lets the clients work until the server is killed.
    fn traffic(&mut self, random: &mut Random, record: &mut Record) -> Result<Vec<String>> {
        let kind = random.below(100);
        let time = match kind {
            0..25 => random.below(60),
            25..90 => random.below(1_500),
            // long enough for collection to remove bytes
            _ => 6_000 + random.below(3_000),
        };
        let time = Duration::from_millis(time);
        let verifies = kind >= 25 && random.percent(25);
        let Self {
            bench,
            server,
            clients,
            killing,
            ..
        } = self;
        thread::scope(|scope| {
            let working: Vec<_> = clients
                .iter_mut()
                .map(|client| scope.spawn(|| client.work()))
                .collect();
            thread::sleep(time);
            if verifies {
                let found = verify(bench, server, false)?;
                record.note(found);
                record.tally.add("checked: verify under load");
            }
            killing.store(true, Ordering::SeqCst);
            server.kill()?;
            let ended = working.into_iter().map(|client| {
                let panicked = |_| Some("a client panicked".to_owned());
                client.join().unwrap_or_else(panicked)
            });
            Ok(ended.flatten().collect())
        })
    }

    fn check(&mut self) -> Vec<String> {
        self.killing.store(false, Ordering::SeqCst);
        thread::scope(|scope| {
            let checking: Vec<_> = self
                .clients
                .iter_mut()
                .map(|client| scope.spawn(|| client.check()))
                .collect();
            let found = checking.into_iter().flat_map(|client| {
                let panicked = |_| vec!["a check panicked".to_owned()];
                client.join().unwrap_or_else(panicked)
            });
            found.collect()
        })
    }

    fn collect_tallies(&mut self, record: &mut Record) {
        for client in &mut self.clients {
            record.tally.merge(std::mem::take(&mut client.tally));
        }
    }

    fn verify(&self, offline: bool, record: &mut Record) -> Result<()> {
        record.note(verify(self.bench, &self.server, offline)?);
        record.tally.add(if offline {
            "checked: verify offline"
        } else {
            "checked: verify online"
        });
        Ok(())
    }

    /// Deletes everything and waits until collection has left no byte; then the server ends in order.
    pub(super) fn end(&mut self, record: &mut Record) -> Result<()> {
        for client in &mut self.clients {
            match client.leave_nothing() {
                Ok(()) => {}
                Err(Stop::Killed) => bail!("no answer at the end"),
                Err(Stop::Problem(text)) => record.note([text]),
            }
        }
        self.collect_tallies(record);
        let objects = self.server.home.join("data/blobs/objects");
        let began = Instant::now();
        let mut left = files(&objects)?;
        while left > 0 && began.elapsed() < SPANS.grace + SPANS.lifetime + PATIENCE {
            thread::sleep(Duration::from_millis(250));
            left = files(&objects)?;
        }
        if left > 0 {
            record.note([format!("collection leaves {left} files of nothing")]);
        }
        record.tally.add("checked: nothing is left");
        self.verify(false, record)?;
        self.server.stop()?;
        self.verify(true, record)
    }
}

/// Kills a server while it creates its store, three times; the next start must find or finish it.
pub(super) fn kill_at_first_start(bench: &Workbench, record: &mut Record) -> Result<()> {
    let mut random = Random::of(record.seed, record.kills, RUN + 1);
    let home = bench.directory("first")?.join("server");
    fs::create_dir(&home)?;
    let mut server = Server::stopped(bench, &home)?;
    for _ in 0..3 {
        let after = Duration::from_millis(random.below(150));
        server.start_and_kill(bench, &launch(), after)?;
        record.kills += 1;
        record.early_kills += 1;
    }
    if let Err(error) = server.launch(bench, &launch()) {
        record.note([format!("a start after killed first starts: {error:#}")]);
        return Ok(());
    }
    caller(&server, &Arc::default())?;
    server.stop()?;
    record.note(verify(bench, &server, true)?);
    record.tally.add("checked: start after killed first starts");
    Ok(())
}

fn launch() -> Launch {
    let seconds = |span: Duration| format!("{}s", span.as_secs());
    let flags = [
        "--layer-grace".to_owned(),
        seconds(SPANS.grace),
        "--upload-lifetime".to_owned(),
        seconds(SPANS.lifetime),
    ];
    Launch {
        flags: flags.to_vec(),
        ..Launch::default()
    }
}

/// Somebody who is logged in.
pub(super) fn caller(server: &Server, killing: &Arc<AtomicBool>) -> Result<Caller> {
    let mut caller = Caller {
        port: server.port,
        key: server.access_key(&launch())?,
        password: String::new(),
        killing: Arc::clone(killing),
        sent: Arc::default(),
        failures: Arc::default(),
        longest_wait: Arc::default(),
        clock_ahead: Arc::default(),
    };
    caller.log_in()?;
    Ok(caller)
}

/// A client with repositories that do not exist yet.
pub(super) fn client(number: usize, clients: usize, caller: &Caller, pool: &Arc<Pool>) -> Client {
    let name = |client: usize, place: usize| format!("kill/client{client}/r{place}");
    let of = |client: usize| (0..REPOSITORIES).map(move |place| name(client, place));
    Client {
        number,
        caller: caller.clone(),
        pool: Arc::clone(pool),
        spans: SPANS,
        random: Random::of(0, 0, number as u64),
        repositories: of(number).map(Repository::absent).collect(),
        uploads: Vec::new(),
        others: (0..clients).flat_map(of).collect(),
        tally: Tally::default(),
        history: None,
    }
}

/// Runs `ecru verify`: what it found.
pub(super) fn verify(bench: &Workbench, server: &Server, offline: bool) -> Result<Vec<String>> {
    let mut command = Command::new(&bench.binary);
    command.arg("verify").args(server.store_flags());
    if offline {
        command.arg("--offline");
    } else {
        command.args(["--listen", &format!("127.0.0.1:{}", server.port)]);
    }
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(Vec::new());
    }
    let printed = [output.stdout, output.stderr].concat();
    let manner = if offline { "--offline" } else { "online" };
    Ok(vec![format!(
        "verify {manner}: {}",
        String::from_utf8_lossy(&printed)
    )])
}

/// How many files are below a directory.
fn files(directory: &Path) -> Result<usize> {
    let mut count = 0;
    for shard in fs::read_dir(directory)? {
        count += fs::read_dir(shard?.path())?.count();
    }
    Ok(count)
}
