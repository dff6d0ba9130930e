//! `cargo xtask faults`: clients work while the kernel's answers to the server go wrong: syncs, reads, writes and
//! removals fail, the disk is full or read-only, descriptors run out.
//!
//! `strace` stands before the running server for a moment and answers system calls with errors. Meanwhile requests
//! may fail, `/readyz` says so where nothing can be written, and nothing is acknowledged falsely; afterwards the
//! server returns by itself. Then it is killed, and everything acknowledged must be there, as in the kill test.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;

use super::caller::Stop;
use super::client::Client;
use super::cycle::Run;
use super::record::Record;
use super::{KillOptions, finish};
use crate::runner;
use crate::server::Server;
use crate::wire::Request;
use crate::workbench::Workbench;

/// How long the errors last.
const TROUBLE: Duration = Duration::from_millis(2_500);
/// How long the tracer may take to hold every thread, and an answer of `/readyz` may be remembered.
const SETTLING: Duration = Duration::from_millis(1_300);
/// How long the server may take to return.
const RETURN: Duration = Duration::from_secs(20);

/// One way in which things go wrong.
struct Fault {
    name: &'static str,
    inject: &'static str,
    /// Whether nothing can be stored meanwhile, so that `/readyz` must say no.
    is_total: bool,
}

const FAULTS: [Fault; 9] = [
    Fault {
        name: "every sync fails",
        inject: "fsync,fdatasync:error=EIO",
        is_total: true,
    },
    Fault {
        name: "some syncs fail",
        inject: "fsync,fdatasync:error=EIO:when=2+3",
        is_total: false,
    },
    Fault {
        name: "some syncs find the disk full",
        inject: "fsync,fdatasync:error=ENOSPC:when=1+2",
        is_total: false,
    },
    Fault {
        name: "writes to the database fail",
        inject: "pwrite64:error=EIO",
        is_total: true,
    },
    Fault {
        name: "the disk is full",
        inject: "pwrite64,ftruncate,mkdir:error=ENOSPC",
        is_total: true,
    },
    Fault {
        name: "the disk is read-only",
        inject: "pwrite64,ftruncate,unlink,rename:error=EROFS",
        is_total: true,
    },
    Fault {
        name: "some reads fail",
        inject: "pread64,preadv2:error=EIO:when=2+5",
        is_total: false,
    },
    Fault {
        name: "removals fail",
        inject: "unlink:error=EIO",
        is_total: false,
    },
    Fault {
        name: "no descriptors are left",
        inject: "openat,accept4:error=EMFILE",
        is_total: false,
    },
];

/// What a run can be told.
#[derive(Args, Clone)]
pub(crate) struct FaultOptions {
    /// How often the faults are gone through.
    #[arg(long, default_value_t = 1)]
    rounds: u64,
    /// Decides what clients do.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only faults whose name contains this text.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// The server binary; built from this workspace when absent.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Build the server with the release profile.
    #[arg(long)]
    release: bool,
    /// Keep the scratch directory, with the store and all logs.
    #[arg(long)]
    keep: bool,
}

/// Goes through the faults and returns whether nothing was wrong.
pub(crate) fn run(options: &FaultOptions) -> Result<bool> {
    let binary = match &options.binary {
        Some(path) => path.canonicalize().context("no such server binary")?,
        None => runner::build_server(options.release)?,
    };
    let bench = Workbench::create(binary, None)?;
    let mut record = Record {
        seed: options.seed,
        ..Record::default()
    };
    let began = Instant::now();
    let ended = go_through(&bench, options, &mut record);
    record.seconds = began.elapsed().as_secs();
    finish("fault", bench, (record, ended), options.keep)
}

fn go_through(bench: &Workbench, options: &FaultOptions, record: &mut Record) -> Result<()> {
    let mut run = Run::open(bench, &KillOptions::of_seed(options.seed))?;
    let wanted = options.only.as_deref().unwrap_or_default();
    for _ in 0..options.rounds {
        for fault in FAULTS.iter().filter(|fault| fault.name.contains(wanted)) {
            run.suffer(fault, record)?;
        }
    }
    run.end(record)
}

impl Run<'_> {
    /// Traffic with one fault in the middle of it, then a kill, and the checks.
    fn suffer(&mut self, fault: &Fault, record: &mut Record) -> Result<()> {
        self.begin_cycle(record);
        let over = AtomicBool::new(false);
        let problems: Vec<String> = thread::scope(|scope| -> Result<_> {
            let working: Vec<_> = self
                .clients
                .iter_mut()
                .map(|client| scope.spawn(|| client.endure(&over)))
                .collect();
            thread::sleep(Duration::from_millis(500));
            self.killing.store(true, Ordering::SeqCst);
            let mut found = trouble(&self.server, fault)?;
            self.killing.store(false, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(700));
            over.store(true, Ordering::SeqCst);
            self.killing.store(true, Ordering::SeqCst);
            self.server.kill()?;
            for client in working {
                let panicked = |_| Some("a client panicked".to_owned());
                found.extend(client.join().unwrap_or_else(panicked));
            }
            Ok(found)
        })?;
        record.kills += 1;
        let before = record.problem_count;
        let named = |text| format!("{}: {text}", fault.name);
        record.note(problems.into_iter().map(named));
        self.restart_and_check(record)?;
        println!(
            "{}: requests that failed, by status (0: no answer): {:?}; {} problems",
            fault.name,
            self.take_failures(),
            record.problem_count - before
        );
        record.tally.add("checked: fault survived");
        Ok(())
    }
}

impl Client {
    /// Works until it is over. When a request fails, looks where things stand as soon as that is possible again,
    /// and goes on from there.
    fn endure(&mut self, over: &AtomicBool) -> Option<String> {
        loop {
            if let Some(problem) = self.work() {
                return Some(problem);
            }
            loop {
                if over.load(Ordering::SeqCst) {
                    return None;
                }
                thread::sleep(Duration::from_millis(100));
                match self.check_all() {
                    Ok(problems) if problems.is_empty() => break,
                    Ok(problems) => return Some(problems.join("; ")),
                    Err(Stop::Killed) => {}
                    Err(Stop::Problem(text)) => return Some(text),
                }
            }
        }
    }
}

/// Lets the fault happen for a while, and waits until the server has returned.
fn trouble(server: &Server, fault: &Fault) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let mut tracer = begin(server.pid()?, fault)?;
    thread::sleep(SETTLING);
    if fault.is_total && status(server, "/readyz") != Some(503) {
        problems.push("/readyz does not tell".to_owned());
    }
    if fault.is_total && status(server, "/healthz") != Some(200) {
        problems.push("/healthz does not answer".to_owned());
    }
    thread::sleep(TROUBLE.saturating_sub(SETTLING));
    // asked to end, it lets the server go
    let asked = Command::new("kill").arg(tracer.id().to_string()).status()?;
    anyhow::ensure!(asked.success(), "strace cannot be ended");
    tracer.wait()?;
    let began = Instant::now();
    while status(server, "/readyz") != Some(200) {
        if began.elapsed() > RETURN {
            problems.push("the server does not return".to_owned());
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(problems)
}

fn begin(pid: u32, fault: &Fault) -> Result<Child> {
    let mut command = Command::new("strace");
    command
        .args(["-f", "-qq", "-o", "/dev/null", "-p", &pid.to_string()])
        .args(["-e", &format!("inject={}", fault.inject)])
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().context("strace cannot be started")
}

fn status(server: &Server, path: &str) -> Option<u16> {
    let answer = Request::new("GET", path).send(server.port);
    answer.ok().map(|answer| answer.status)
}
