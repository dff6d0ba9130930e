//! Drives unmodified clients (docker, skopeo, buildah, crane, helm, oras, the aws CLI, boto3, the OCI conformance
//! suite) and raw connections against a server process that is started for the purpose, and says which passed.
//!
//! Nothing skips: a client that is missing fails its flows. The run ends with a table of client × flow × result,
//! and fails when a flow of the checked-in minimum did not pass.
//!
//! Reading order: [`workbench`] (scratch files, commands, secrets), [`server`] (the process under test), [`scene`]
//! (one server with its clients' files), [`docker`] (the client that comes with two image stores), [`flows`] (what is
//! shown), [`report`] (the table).

mod api;
mod content;
mod docker;
mod flows;
mod kill;
mod mutation;
mod people;
mod report;
mod runner;
mod scene;
mod server;
mod signing;
mod stores;
mod tool;
mod wire;
mod workbench;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// The end-to-end run.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    deed: Deed,
}

#[derive(Subcommand)]
enum Deed {
    /// Every family of flows, the conformance suite included.
    All(RunOptions),
    /// The OCI conformance suite alone, at version 1.1 and dev.
    Conformance(RunOptions),
    /// The port suites on the backends of the cluster shape.
    Stores(stores::StoreOptions),
    /// Kills the server at random moments under load, and checks after each restart.
    Kill(kill::KillOptions),
    /// Cuts the power at every moment of pushes, deletes and a collection, and checks what is left.
    Power(kill::power::PowerOptions),
    /// Makes system calls of the server fail under load, and checks what it acknowledges and that it returns.
    Faults(kill::faults::FaultOptions),
    /// Lets clients race for the same repositories, and checks that some order of operations explains every answer.
    Races(kill::races::RaceOptions),
    /// Breaks the sources in a copy, in several ways, and requires a named test to notice each.
    Mutation,
    /// The families and their flows.
    List,
    /// One or more families by name.
    #[command(external_subcommand)]
    Family(Vec<String>),
}

/// What a run of flows can be told.
#[derive(Args, Clone, Default)]
struct RunOptions {
    /// The server binary; built from this workspace when absent.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Build the server with the release profile.
    #[arg(long)]
    release: bool,
    /// Keep metadata in this `PostgreSQL` server, a database per server process, instead of an `SQLite` file.
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// Keep the scratch directory, with all captured output.
    #[arg(long)]
    keep: bool,
}

/// `docker crane --release`: families first, then the same options as `all`.
#[derive(Parser)]
#[command(name = "families", no_binary_name = true)]
struct FamilyArguments {
    #[arg(required = true)]
    families: Vec<String>,
    #[command(flatten)]
    options: RunOptions,
}

fn main() -> ExitCode {
    match dispatch(Arguments::parse().deed) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("e2e: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(deed: Deed) -> anyhow::Result<bool> {
    match deed {
        Deed::All(options) => runner::run(&flows::names(), &options),
        Deed::Conformance(options) => runner::run(&["conformance".to_owned()], &options),
        Deed::Stores(options) => stores::run(&options),
        Deed::Kill(options) => kill::run(&options),
        Deed::Power(options) => kill::power::run(&options),
        Deed::Faults(options) => kill::faults::run(&options),
        Deed::Races(options) => kill::races::run(&options),
        Deed::Mutation => mutation::run(),
        Deed::List => {
            flows::print();
            Ok(true)
        }
        Deed::Family(words) => {
            let chosen = FamilyArguments::parse_from(words);
            runner::run(&chosen.families, &chosen.options)
        }
    }
}
