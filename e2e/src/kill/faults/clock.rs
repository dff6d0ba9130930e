//! The server's wall clock is set forward and back by days while it runs. Time that did not pass ends no promise:
//! images, layers that were just pushed, and uploads are there as before; afterwards the server works on.
//!
//! `libfaketime` shifts the clock of the process by what a file says, which it reads at every look.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::super::caller::{Step, Stop, problem};
use super::super::client::{Client, REPOSITORIES, Spans};
use super::super::cycle::{caller, client, verify};
use super::super::model::Manner;
use super::super::pool::Pool;
use super::super::random::Random;
use super::super::record::Record;
use super::{FaultOptions, comes_to};
use crate::server::{Launch, Server, clock_library};
use crate::workbench::Workbench;

const NAME: &str = "the clock is set";
/// Longer than this takes, and shorter than any leap.
const SPANS: Spans = Spans {
    grace: Duration::from_mins(10),
    lifetime: Duration::from_mins(10),
};
/// Long enough for collection to look twice.
const ROUNDS: Duration = Duration::from_secs(5);
const HOUR: i64 = 3_600;
/// In seconds.
const LEAPS: [i64; 4] = [3 * HOUR, 72 * HOUR, -3 * HOUR, -48 * HOUR];

/// A server whose clock can be set.
struct Clocked<'a> {
    bench: &'a Workbench,
    server: Server,
    launch: Launch,
    shift: PathBuf,
    client: Client,
}

/// Goes through the leaps on one store.
pub(super) fn go_through(
    bench: &Workbench,
    options: &FaultOptions,
    record: &mut Record,
) -> Result<()> {
    if !options.wants(NAME) {
        return Ok(());
    }
    let mut clocked = Clocked::open(bench, options.seed)?;
    for (number, leap) in LEAPS.into_iter().enumerate() {
        let problems = match clocked.suffer(number, leap) {
            Ok(()) => Vec::new(),
            Err(Stop::Killed) => vec!["no answer".to_owned()],
            Err(Stop::Problem(text)) => vec![text],
        };
        let hours = leap / HOUR;
        println!(
            "{NAME} by {hours} hours, and back: {} problems",
            problems.len()
        );
        let named = |text| format!("{NAME} by {hours} hours: {text}");
        record.note(problems.into_iter().map(named));
        record.note(clocked.start_again()?);
        record.kills += 1;
        record.tally.add("checked: fault survived");
    }
    record
        .tally
        .merge(std::mem::take(&mut clocked.client.tally));
    Ok(())
}

impl<'a> Clocked<'a> {
    fn open(bench: &'a Workbench, seed: u64) -> Result<Self> {
        let home = bench.directory("clock")?;
        let (place, shift) = (home.join("server"), home.join("shift"));
        fs::create_dir(&place)?;
        write(&shift, 0)?;
        let launch = launch(&shift)?;
        let server = Server::start(bench, &place, &launch)?;
        let pool = Arc::new(Pool::of(seed));
        let mut client = client(0, 1, &caller(&server, &Arc::default())?, &pool);
        client.spans = SPANS;
        client.random = Random::of(seed, 0, 0);
        Ok(Self {
            bench,
            server,
            launch,
            shift,
            client,
        })
    }

    /// Works before, while, and after the clock is away.
    fn suffer(&mut self, number: usize, leap: i64) -> Step {
        let images = [0, 1, 2].map(|image| 3 * number + image + 1);
        for repository in 0..REPOSITORIES {
            if !self.client.repositories[repository].place().exists {
                self.client.create(repository)?;
            }
        }
        self.client.push_image(0, images[0], Some("v0"))?;
        self.client.begin_and_leave(1)?;
        let old = self.client.caller.password.clone();
        let promised = self.client.provide(0, images[1], Manner::Chunks)?;
        self.set(leap)?;
        thread::sleep(ROUNDS);
        self.client.check_token(&old)?;
        self.client.check_repositories()?;
        // its layers were acknowledged before, and no grace has passed
        self.client
            .put_manifest(0, images[1], Some("v1"), promised)?;
        self.client.push_image_by_api(1, images[2], "v0")?;
        self.set(0)?;
        thread::sleep(ROUNDS);
        self.client.check_token(&old)?;
        let found = self.client.check_all()?;
        if !found.is_empty() {
            return problem(found.join("; "));
        }
        self.client.go_on_with_one()?;
        self.client.delete_image(0)?;
        self.client.push_image(1, images[0], Some("v2"))
    }

    /// Sets the clock to so many seconds from the true time, and takes a password by it.
    fn set(&mut self, seconds: i64) -> Step {
        let ahead = &self.client.caller.clock_ahead;
        ahead.store(seconds, Ordering::SeqCst);
        let done = write(&self.shift, seconds).and_then(|()| self.client.caller.log_in());
        done.or_else(|error| problem(format!("{error:#}")))?;
        if comes_to(&self.server, 200, Duration::ZERO) {
            return Ok(());
        }
        problem("the server is not ready")
    }

    /// Kills the server, starts it at the true time, and checks everything.
    fn start_again(&mut self) -> Result<Vec<String>> {
        write(&self.shift, 0)?;
        let ahead = &self.client.caller.clock_ahead;
        ahead.store(0, Ordering::SeqCst);
        self.server.kill()?;
        let mut problems = verify(self.bench, &self.server, true)?;
        self.server.launch(self.bench, &self.launch)?;
        self.client.caller.log_in()?;
        problems.extend(self.client.check());
        Ok(problems)
    }
}

impl Client {
    fn check_repositories(&mut self) -> Step {
        (0..REPOSITORIES).try_for_each(|repository| self.check_repository(repository))
    }

    /// A password of another time is taken or refused, and neither is an error of the server.
    fn check_token(&mut self, old: &str) -> Step {
        let new = std::mem::replace(&mut self.caller.password, old.to_owned());
        let answer = self.expect(&self.caller.registry("GET", "/v2/"), &[200, 401, 403]);
        self.caller.password = new;
        answer.map(drop)
    }
}

fn launch(shift: &Path) -> Result<Launch> {
    let text = |path: &Path| path.to_str().map(str::to_owned).context("a path's name");
    let environment = [
        ("LD_PRELOAD", text(&clock_library()?)?),
        ("FAKETIME_TIMESTAMP_FILE", text(shift)?),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("DONT_FAKE_MONOTONIC", "1".to_owned()),
    ];
    let seconds = |span: Duration| format!("{}s", span.as_secs());
    Ok(Launch {
        flags: vec![
            "--layer-grace".to_owned(),
            seconds(SPANS.grace),
            "--upload-lifetime".to_owned(),
            seconds(SPANS.lifetime),
        ],
        environment: environment
            .map(|(name, value)| (name.to_owned(), value))
            .to_vec(),
        ..Launch::default()
    })
}

/// Replaces the file that says by how much the clock is shifted.
fn write(shift: &Path, seconds: i64) -> Result<()> {
    let fresh = shift.with_extension("new");
    fs::write(&fresh, format!("{seconds:+}\n"))?;
    Ok(fs::rename(&fresh, shift)?)
}
