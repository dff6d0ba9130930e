//! Load driver for any registry that speaks the OCI distribution API, and the suite that compares
//! Ecru with a peer on the same machine in the same run. It never checks correctness beyond
//! statuses, sizes and (on demand) digests: that is the work of `e2e`.
//!
//! Reading order:
//! - [`blob`]: deterministic blob content; [`manifest`]: the documents that name it
//! - [`client`], [`upload`]: one HTTP/1.1 connection and what a push does on it
//! - [`options`], [`workload`], [`drive`]: what a run is, its requests, its timed loop
//! - [`process`], [`latency`], [`outcome`]: what a run is measured by
//! - [`sigv4`], [`aws`]: how credentials are got from Ecru
//! - [`bare`]: a server of nothing but the bytes, for the limit that the machine sets
//! - [`compare`]: both servers, the rows of the comparison and its report
//! - [`growth`]: one server at several sizes of its store
//! - [`authorization`]: one server asked by those whom few and many policies bind

mod authorization;
mod aws;
mod bare;
mod blob;
mod client;
mod compare;
mod drive;
mod growth;
mod latency;
mod manifest;
mod options;
mod outcome;
mod process;
mod sigv4;
mod size;
mod upload;
mod workload;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};

use crate::authorization::AuthorizationArgs;
use crate::bare::BareArgs;
use crate::client::Endpoint;
use crate::compare::CompareArgs;
use crate::growth::GrowthArgs;
use crate::options::RunArgs;

/// Command line of the load driver.
#[derive(Parser)]
#[command(name = "ecru-bench", version, about)]
struct Args {
    #[command(subcommand)]
    command: Command,
    /// Worker threads of the driver
    #[arg(long, global = true, default_value_t = 2)]
    threads: usize,
}

#[derive(Subcommand)]
enum Command {
    /// Run one workload against one registry and print one JSON line
    Run(Box<RunArgs>),
    /// Compare Ecru with a peer, interleaved, and write a markdown table
    Compare(CompareArgs),
    /// Fill a store of Ecru and measure it at several sizes
    Growth(GrowthArgs),
    /// Measure what authorization costs: few and many policies, few and many users
    Authorization(AuthorizationArgs),
    /// Take pushes with the least that a push needs: what the comparison sets beside Ecru's
    Bare(BareArgs),
}

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(args.threads.max(1))
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(dispatch(args.command)),
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ecru-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Run(args) => run_once(*args).await,
        Command::Compare(args) => compare::compare(args).await,
        Command::Growth(args) => growth::run(args).await,
        Command::Authorization(args) => authorization::run(args).await,
        Command::Bare(args) => bare::serve(&args),
    }
}

async fn run_once(args: RunArgs) -> anyhow::Result<()> {
    let endpoint = Arc::new(Endpoint::parse(&args.url, args.auth.as_deref())?);
    let outcome = drive::run(endpoint, args.options).await?;
    println!("{}", outcome.to_json_line()?);
    outcome.require_no_errors()
}
