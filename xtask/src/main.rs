//! Development commands. CI runs the same ones, so that it never knows more than a contributor.

mod bench;
mod check;
mod codegen;
mod e2e;
mod fuzz;
mod import;
mod model;
mod models;
mod process;
mod workspace;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Development commands of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// Check format, lints, floors, sizes, names, dependencies, generated code and docs.
    Check(check::Options),
    /// Write the wire types of `crates/aws-model` from `models/`.
    Codegen,
    /// Trim an unpacked botocore model into `models/`.
    Import {
        /// The section of `models/subset.toml`, and the name of the file to write.
        service: String,
        /// The unpacked `service-2.json`.
        model: PathBuf,
        /// The `paginators-1.json` beside it.
        paginators: PathBuf,
    },
    /// Run end-to-end tests with real clients.
    E2e {
        /// Arguments for the end-to-end runner.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Kill the server at random moments under load, and check after each restart.
    Kill {
        /// Arguments for the kill test, such as `--count 60 --seed 1`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Cut the power at every moment of a recorded run, and check what is left.
    Power {
        /// Arguments for the power test, such as `--every 10`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Make system calls of the server fail under load, and check what it acknowledges.
    Faults {
        /// Arguments for the fault test, such as `--rounds 3`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Let clients race for the same repositories, and check that some order explains every answer.
    Races {
        /// Arguments for the race test, such as `--seconds 60 --seed 1`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run the models of code that has its own synchronization, under many interleavings.
    Models,
    /// Run the fuzz targets on their kept corpora.
    Fuzz(fuzz::Options),
    /// Run the load driver.
    Bench {
        /// Arguments for the load driver.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Check(options) => check::run(&options),
        Command::Codegen => codegen::write(),
        Command::Import {
            service,
            model,
            paginators,
        } => import::run(&service, &model, &paginators),
        Command::E2e { arguments } => e2e::run(&arguments),
        Command::Kill { arguments } => e2e::run_test("kill", &arguments),
        Command::Faults { arguments } => e2e::run_test("faults", &arguments),
        Command::Power { arguments } => e2e::run_test("power", &arguments),
        Command::Races { arguments } => e2e::run_test("races", &arguments),
        Command::Models => models::run(),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Bench { arguments } => bench::run(&arguments),
    }
}
