//! System calls that fail: `strace` stands before the running server for a moment and answers them with errors.

use std::fs;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::super::record::Record;
use super::{FaultOptions, Trouble, open};
use crate::server::Server;
use crate::workbench::Workbench;

/// One way in which calls go wrong.
struct Fault {
    name: &'static str,
    inject: &'static str,
    is_total: bool,
    tracer: Option<Child>,
}

const FAULTS: [(&str, &str, bool); 9] = [
    ("every sync fails", "fsync,fdatasync:error=EIO", true),
    (
        "some syncs fail",
        "fsync,fdatasync:error=EIO:when=2+3",
        false,
    ),
    (
        "some syncs find the disk full",
        "fsync,fdatasync:error=ENOSPC:when=1+2",
        false,
    ),
    ("writes to the database fail", "pwrite64:error=EIO", true),
    (
        "the disk is full",
        "pwrite64,ftruncate,mkdir:error=ENOSPC",
        true,
    ),
    (
        "the disk is read-only",
        "pwrite64,ftruncate,unlink,rename,renameat,renameat2:error=EROFS",
        true,
    ),
    (
        "some reads fail",
        "pread64,preadv2:error=EIO:when=2+5",
        false,
    ),
    (
        "removals and new names fail",
        "unlink,unlinkat,rename,renameat,renameat2:error=EIO",
        false,
    ),
    (
        "no descriptors are left",
        "openat,accept4:error=EMFILE",
        false,
    ),
];

/// Goes through the faults on one store.
pub(super) fn go_through(
    bench: &Workbench,
    options: &FaultOptions,
    record: &mut Record,
) -> Result<()> {
    if !FAULTS.iter().any(|(name, ..)| options.wants(name)) {
        return Ok(());
    }
    let home = bench.directory("calls")?.join("server");
    fs::create_dir(&home)?;
    let mut run = open(bench, &home, options)?;
    for _ in 0..options.rounds {
        for (name, inject, is_total) in FAULTS.into_iter().filter(|fault| options.wants(fault.0)) {
            let mut fault = Fault {
                name,
                inject,
                is_total,
                tracer: None,
            };
            run.suffer(&mut fault, record)?;
        }
    }
    run.end(record)
}

impl Trouble for Fault {
    fn name(&self) -> &'static str {
        self.name
    }

    fn is_total(&self) -> bool {
        self.is_total
    }

    fn begin(&mut self, server: &Server) -> Result<()> {
        let mut command = Command::new("strace");
        command
            .args(["-f", "-qq", "-o", "/dev/null"])
            .args(["-p", &server.pid()?.to_string()])
            .args(["-e", &format!("inject={}", self.inject)])
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        self.tracer = Some(command.spawn().context("strace cannot be started")?);
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        let mut tracer = self.tracer.take().context("strace was not started")?;
        // asked to end, it lets the server go
        let asked = Command::new("kill").arg(tracer.id().to_string()).status()?;
        ensure!(asked.success(), "strace cannot be ended");
        tracer.wait()?;
        Ok(())
    }
}
